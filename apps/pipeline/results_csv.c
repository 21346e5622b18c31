#include "pipeline/results_table.h"
#include "scan/columns.h"

void fovea_results_add_header(struct fovea_buffer *text) {
    fovea_buffer_text(text, "file,status,reason,remarks,grade,p_ungradable,p_gradable,p_outstanding,grade_source,"
                            "grade_partner");
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        fovea_buffer_format(text, ",%s", fovea_measure_columns[i].name);
    }
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        fovea_buffer_format(text, ",%s", fovea_scan_columns[i].name);
    }
    fovea_buffer_text(text, ",width_px,height_px,grader,grader_sha256,segmenter,segmenter_sha256,tta,folds,exact,tuned,"
                            "fovea_version");
}

static void add_grade(struct fovea_buffer *text, const struct fovea_result *result) {
    if (result->graded) {
        fovea_buffer_format(text, ",%s", fovea_quality_names[result->grade.quality]);
        for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
            fovea_buffer_format(text, ",%.6f", result->grade.probability[k]);
        }
    } else {
        fovea_buffer_text(text, ",,,,");
    }
    fovea_buffer_format(text, ",%s,", fovea_result_grade_source(result));
    fovea_buffer_csv(text, result->grade_partner != NULL ? result->grade_partner : "");
}

static void add_measures(struct fovea_buffer *text, const struct fovea_result *result) {
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        const struct fovea_measure_column *column = &fovea_measure_columns[i];
        fovea_buffer_text(text, ",");
        if (fovea_result_has(result, column)) {
            fovea_measure_add(&result->measures, column, text); /* no value holds what needs quotes */
        }
    }
}

static void add_scan(struct fovea_buffer *text, const struct fovea_scan *scan) {
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        struct fovea_buffer value = {0};
        fovea_scan_column_add(scan, i, &value);
        fovea_buffer_text(text, ",");
        fovea_buffer_csv(text, value.size > 0 ? value.bytes : "");
        text->failed = text->failed || value.failed;
        fovea_buffer_clear(&value);
    }
}

static void add_model(struct fovea_buffer *text, const struct fovea_model_about *model) {
    fovea_buffer_text(text, ",");
    fovea_buffer_csv(text, model != NULL ? model->name : "");
    fovea_buffer_format(text, ",%s", model != NULL ? model->sha256 : "");
}

/* Empty where the question does not arise. */
static void add_answer(struct fovea_buffer *text, bool asked, bool answer) {
    fovea_buffer_format(text, ",%s", !asked ? "" : answer ? "yes" : "no");
}

void fovea_results_add_row(struct fovea_buffer *text, const struct fovea_results *results,
                           const struct fovea_result *result) {
    fovea_buffer_csv(text, result->input->name);
    fovea_buffer_format(text, ",%s,", fovea_state_names[result->state]);
    fovea_buffer_csv(text, result->reason != NULL ? result->reason : "");
    fovea_buffer_text(text, ",");
    fovea_buffer_csv(text, result->remarks != NULL ? result->remarks : "");
    add_grade(text, result);
    add_measures(text, result);
    add_scan(text, &result->scan);
    fovea_buffer_text(text, ",");
    if (result->width > 0) {
        fovea_buffer_format(text, "%u,%u", result->width, result->height);
    } else {
        fovea_buffer_text(text, ",");
    }
    add_model(text, results->grader);
    add_model(text, results->segmenter);
    fovea_buffer_format(text, ",%s,", results->segmenter == NULL ? "" : results->mirrored ? "mirror" : "off");
    fovea_results_add_folds(results, text);
    const bool planned = results->grader != NULL || results->segmenter != NULL;
    add_answer(text, planned, results->planning.exact);
    add_answer(text, planned, results->planning.tune);
    fovea_buffer_format(text, ",%s", results->version);
}

struct table {
    struct fovea_export export;
    const struct fovea_results *results;
};

static enum fv_status visit(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct table *table = visitor;
    fovea_results_add_row(&table->export.text, table->results, result);
    fovea_buffer_text(&table->export.text, "\n");
    return fovea_export_flush(&table->export, error);
}

enum fv_status fovea_results_write_csv(const struct fovea_results *results, const char *path, struct fv_error *error) {
    struct table table = {.results = results};
    enum fv_status status = fovea_export_begin(&table.export, path, error);
    if (status != FV_OK) {
        return status;
    }
    fovea_results_add_header(&table.export.text);
    fovea_buffer_text(&table.export.text, "\n");
    status = results->source.each(results->source.context, false, visit, &table, error);
    return fovea_export_end(&table.export, status, error);
}
