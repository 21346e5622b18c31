#include "fovea/memory.h"
#include "fovea/text.h"
#include "pipeline/results.h"
#include "report/details.h"
#include "report/method.h"
#include "report/overview.h"
#include "report/page.h"
#include "report/pages.h"
#include "report/summary.h"
#include "report/table.h"

/* A report that is being written. */
struct report {
    struct fovea_export export;
    struct fovea_report_table table;
    size_t number; /* images that were written */
};

static void add_remark(struct fovea_buffer *text, const char *bold, const char *content) {
    fovea_buffer_format(text, "<p class=\"remark\"><b>%s</b> %s</p>\n", bold, content);
}

static enum fv_status begin(struct fovea_buffer *text, const struct fovea_results *results, struct fv_error *error) {
    struct fovea_buffer lead = {0};
    fovea_buffer_format(&lead, "fovea %s %s", results->command, results->version);
    if (results->field_mm > 0) {
        fovea_buffer_format(&lead, " &middot; field of view %g &times; %g mm, as given, unless said of an image",
                            results->field_mm, results->field_mm);
    }
    if (results->layer[0] != '\0') {
        fovea_buffer_format(&lead, " &middot; %s layer", results->layer);
    }
    const bool failed = lead.failed;
    if (!failed) {
        fovea_report_page_begin(text, "Foveal avascular zone report", lead.bytes);
    }
    fovea_buffer_clear(&lead);
    if (failed) {
        return fv_error_set(error, FV_ERROR_MEMORY, "report.html: out of memory");
    }
    if (results->shipped) {
        add_remark(text, "Demo models.",
                   "These results come from the small demo models that are shipped with the program. See below what "
                   "they were trained on, and convert your own checkpoints for your own study.");
    }
    if (results->count < results->planned) {
        fovea_buffer_format(text,
                            "<p class=\"remark\"><b>Interrupted.</b> %zu of %zu images were worked on; this report "
                            "covers those.</p>\n",
                            results->count, results->planned);
    }
    return FV_OK;
}

/* Where to go in the page. */
static void add_contents(struct fovea_buffer *text, const struct report *report) {
    fovea_buffer_text(text, "<nav aria-label=\"Contents\">\n<a href=\"#summary\">Summary</a>\n"
                            "<a href=\"#all\">Images</a>\n");
    if (report->table.light) {
        fovea_buffer_text(text, "<a href=\"");
        fovea_report_page_name(text, 1);
        fovea_buffer_text(text, "\">Pages with pictures and all measures</a>\n");
    } else if (report->table.results->count > 0) {
        fovea_buffer_text(text, "<a href=\"#details\">Details</a>\n");
    }
    fovea_buffer_text(text, "<a href=\"#measures\">What the measures are</a>\n</nav>\n");
}

static enum fv_status visit_row(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct report *report = visitor;
    fovea_report_table_row(&report->export.text, &report->table, result, ++report->number);
    return fovea_export_flush(&report->export, error);
}

static enum fv_status visit_details(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct report *report = visitor;
    fovea_report_details(&report->export.text, result, ++report->number, "");
    return fovea_export_flush(&report->export, error);
}

static enum fv_status each(struct report *report, bool pictures, fovea_result_visit *visit, struct fv_error *error) {
    const struct fovea_result_source *source = &report->table.results->source;
    report->number = 0;
    return source->each(source->context, pictures, visit, report, error);
}

static enum fv_status add_all(struct report *report, struct fv_error *error) {
    const struct fovea_results *results = report->table.results;
    struct fovea_buffer *text = &report->export.text;
    enum fv_status status = begin(text, results, error);
    add_contents(text, report);
    status = status != FV_OK ? status : fovea_report_summary(text, results, report->table.overview, error);
    fovea_report_table_begin(text, &report->table);
    status = status != FV_OK ? status : each(report, !report->table.light, visit_row, error);
    fovea_report_table_end(text);
    if (status == FV_OK && !report->table.light && results->count > 0) {
        fovea_buffer_text(text, "<section>\n<h2 id=\"details\">Details</h2>\n");
        status = each(report, true, visit_details, error);
        fovea_buffer_text(text, "</section>\n");
    }
    fovea_report_method(text, results);
    fovea_report_page_end(text, results->version, "results.csv and results.json");
    return status;
}

static enum fv_status write_page(const struct fovea_results *results, const struct fovea_report_overview *overview,
                                 const char *path, struct fv_error *error) {
    struct report report = {.table = {results, overview, fovea_report_page_count(results->count) > 0}};
    enum fv_status status = fovea_export_begin(&report.export, path, error);
    return status != FV_OK ? status : fovea_export_end(&report.export, add_all(&report, error), error);
}

enum fv_status fovea_results_write_report(const struct fovea_results *results, const char *path,
                                          struct fv_error *error) {
    struct fovea_report_overview overview = {0};
    char *pages = fv_text_format("%.*s%s", (int)(fv_path_basename(path) - path), path, fovea_report_pages_folder);
    if (pages == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    enum fv_status status =
        results->source.each(results->source.context, false, fovea_report_overview_add, &overview, error);
    fovea_report_overview_end(&overview);
    status = status != FV_OK ? status : fovea_report_pages_write(results, pages, error);
    status = status != FV_OK ? status : write_page(results, &overview, path, error);
    status = status != FV_OK ? status : fovea_report_pages_trim(pages, fovea_report_page_count(results->count), error);
    fovea_report_overview_clear(&overview);
    fv_release(pages);
    return status;
}
