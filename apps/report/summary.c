#include "report/summary.h"

#include <math.h>

#include "base/plots.h"
#include "report/histogram.h"
#include "report/page.h"

enum { REASONS_SHOWN = 30 };

static void add_tile(struct fovea_buffer *text, size_t count, const char *mark, const char *label) {
    fovea_buffer_format(text, "<div class=\"tile\"><b>%zu</b><span>%s %s</span></div>\n", count, mark, label);
}

/* One part of the bar of grades. */
static void add_share(struct fovea_buffer *text, size_t count, size_t all, const char *mark, const char *name) {
    if (count > 0) {
        fovea_buffer_format(text, "<i class=\"s-%s\" style=\"width:%.2f%%\">%s</i>", name,
                            100 * (double)count / (double)all, mark);
    }
}

static void add_shares(struct fovea_buffer *text, const struct fovea_report_overview *overview) {
    const size_t *grades = overview->grades, failed = overview->states[FOVEA_STATE_FAILED];
    const size_t all = grades[0] + grades[1] + grades[2] + failed;
    if (all == 0) {
        return;
    }
    fovea_buffer_format(text,
                        "<div class=\"share\" role=\"img\" aria-label=\"%zu outstanding, %zu gradable, %zu ungradable, "
                        "%zu failed\">",
                        grades[FOVEA_OUTSTANDING], grades[FOVEA_GRADABLE], grades[FOVEA_UNGRADABLE], failed);
    for (size_t k = FOVEA_QUALITY_COUNT; k-- > 0;) {
        add_share(text, grades[k], all, fovea_report_grade_marks[k], fovea_quality_names[k]);
    }
    add_share(text, failed, all, fovea_report_state_marks[FOVEA_STATE_FAILED], "failed");
    fovea_buffer_text(text, "</div>\n");
}

static void add_counts(struct fovea_buffer *text, const struct fovea_results *results,
                       const struct fovea_report_overview *overview) {
    const char *const *marks = fovea_report_state_marks;
    fovea_buffer_text(text, "<section id=\"summary\">\n<h2>Summary</h2>\n<div class=\"tiles\">\n");
    add_tile(text, results->count, "", results->count == 1 ? "image" : "images");
    if (results->grader != NULL) {
        for (size_t k = FOVEA_QUALITY_COUNT; k-- > 0;) {
            add_tile(text, overview->grades[k], fovea_report_grade_marks[k], fovea_quality_names[k]);
        }
    }
    if (results->grader == NULL || overview->ungraded > 0) {
        add_tile(text, overview->ungraded, marks[FOVEA_STATE_OK], "ok, not graded");
    }
    add_tile(text, overview->states[FOVEA_STATE_FAILED], marks[FOVEA_STATE_FAILED], "failed");
    if (overview->measured > 0) {
        add_tile(text, overview->measured, "", "measured");
        add_tile(text, overview->warned, "\xe2\x9a\xa0", "measured, with warnings");
    }
    fovea_buffer_text(text, "</div>\n");
    if (results->grader != NULL) {
        add_shares(text, overview);
    }
    if (results->ignored > 0) {
        fovea_buffer_format(text, "<p class=\"lead\">%zu other %s in the folders %s no image and %s left out.</p>\n",
                            results->ignored, results->ignored == 1 ? "file" : "files",
                            results->ignored == 1 ? "is" : "are", results->ignored == 1 ? "was" : "were");
    }
    fovea_buffer_text(text, "</section>\n");
}

static void begin_table(struct fovea_buffer *text, const char *first, const char *second) {
    fovea_buffer_format(text,
                        "<table class=\"plain\">\n<thead><tr><th scope=\"col\" class=\"number\">Images</th>"
                        "<th scope=\"col\">%s</th>%s%s%s</tr></thead>\n<tbody>\n",
                        first, second[0] != '\0' ? "<th scope=\"col\">" : "", second, second[0] != '\0' ? "</th>" : "");
}

static void add_reasons(struct fovea_buffer *text, const struct fovea_report_overview *overview) {
    if (overview->reason_count == 0) {
        return;
    }
    fovea_buffer_text(text, "<section id=\"reasons\">\n<h2>Failures and remarks</h2>\n");
    begin_table(text, "Status", "Reason, of the first such image");
    const size_t shown = overview->reason_count < REASONS_SHOWN ? overview->reason_count : REASONS_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        const struct fovea_report_reason *reason = &overview->reasons[i];
        fovea_buffer_format(text, "<tr><td class=\"number\">%zu</td><td><span class=\"state %s\">%s %s</span></td><td>",
                            reason->count, fovea_state_names[reason->state], fovea_report_state_marks[reason->state],
                            fovea_state_names[reason->state]);
        fovea_buffer_html(text, reason->first);
        fovea_buffer_text(text, "</td></tr>\n");
    }
    fovea_buffer_text(text, "</tbody>\n</table>\n");
    if (overview->reason_count > shown) {
        fovea_buffer_format(text, "<p class=\"lead\">and %zu other reasons, which the table of images names.</p>\n",
                            overview->reason_count - shown);
    }
    fovea_buffer_text(text, "</section>\n");
}

static void add_warnings(struct fovea_buffer *text, const struct fovea_report_overview *overview) {
    if (overview->warned == 0) {
        return;
    }
    fovea_buffer_text(text, "<section id=\"warnings\">\n<h2>Warnings</h2>\n");
    begin_table(text, "What to look at before trusting the figures", "");
    for (size_t w = 0; w < FOVEA_WARNING_COUNT; w++) {
        if (overview->warnings[w] > 0) {
            fovea_buffer_format(text, "<tr><td class=\"number\">%zu</td><td>\xe2\x9a\xa0 %s</td></tr>\n",
                                overview->warnings[w], fovea_warning_texts[w]);
        }
    }
    fovea_buffer_text(text, "</tbody>\n</table>\n</section>\n");
}

static void add_number(struct fovea_buffer *text, double number) {
    if (isnan(number)) {
        fovea_buffer_text(text, "<td></td>");
    } else {
        fovea_buffer_format(text, "<td class=\"number\">%.3f</td>", number);
    }
}

/* The figures of one measure, a row a layer. */
static void add_figures(struct fovea_buffer *rows, const char *title, const struct fovea_plot_box *boxes,
                        size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct fovea_spread *spread = boxes[i].spread;
        const double numbers[] = {
            spread->mean,           spread->sd,  spread->least, spread->lower_quartile, spread->median,
            spread->upper_quartile, spread->most};
        fovea_buffer_format(rows, "<tr><td>%s</td><td>%s</td><td class=\"number\">%zu</td>", title, boxes[i].label,
                            spread->count);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            add_number(rows, numbers[k]);
        }
        fovea_buffer_text(rows, "</tr>\n");
    }
}

/* The table of figures, whose rows are made. */
static void add_figure_table(struct fovea_buffer *text, const struct fovea_buffer *rows) {
    static const char *const heads[] = {"Images", "Mean", "SD", "Least", "Quartile", "Median", "Quartile", "Greatest"};
    fovea_buffer_text(text, "<div class=\"scroll\"><table class=\"plain\">\n<thead><tr><th scope=\"col\">Measure</th>"
                            "<th scope=\"col\">Layer</th>");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        fovea_buffer_format(text, "<th scope=\"col\" class=\"number\">%s</th>", heads[i]);
    }
    fovea_buffer_text(text, "</tr></thead>\n<tbody>\n");
    fovea_buffer_add(text, rows->bytes, rows->size);
    fovea_buffer_text(text, "</tbody>\n</table></div>\n");
}

/* A histogram of the first measure, box plots of all. */
static enum fv_status add_distribution(struct fovea_buffer *text, struct fovea_buffer *rows,
                                       const struct fovea_report_overview *overview, size_t measure,
                                       struct fv_error *error) {
    struct fovea_report_group groups[FOVEA_REPORT_LAYERS];
    struct fovea_plot_box boxes[FOVEA_REPORT_LAYERS];
    struct fovea_spread spreads[FOVEA_REPORT_LAYERS];
    size_t count = 0;
    for (size_t k = 0; k < FOVEA_REPORT_LAYERS; k++) {
        const struct fovea_report_values *values = &overview->values[measure][k];
        if (values->count == 0) {
            continue;
        }
        enum fv_status status = fovea_spread_find(values->items, values->count, &spreads[count], error);
        if (status != FV_OK) {
            return status;
        }
        groups[count] = (struct fovea_report_group){fovea_report_layers[k], values->items, values->count};
        boxes[count] =
            (struct fovea_plot_box){"", fovea_report_layers[k], values->items, values->count, &spreads[count]};
        count++;
    }
    if (count > 0) {
        const char *title = fovea_measure_find(fovea_report_measures[measure])->label;
        fovea_buffer_format(text, "<h3>%s</h3>\n<div class=\"scroll\">\n", title);
        if (measure == 0) {
            fovea_report_histogram(text, title, groups, count);
        }
        fovea_plot_boxes(text, title, boxes, count, (double)NAN);
        fovea_buffer_text(text, "</div>\n");
        add_figures(rows, title, boxes, count);
    }
    return FV_OK;
}

enum fv_status fovea_report_summary(struct fovea_buffer *text, const struct fovea_results *results,
                                    const struct fovea_report_overview *overview, struct fv_error *error) {
    add_counts(text, results, overview);
    add_reasons(text, overview);
    add_warnings(text, overview);
    if (overview->measured < 2) {
        return FV_OK;
    }
    struct fovea_buffer rows = {0};
    enum fv_status status = FV_OK;
    fovea_buffer_text(text, "<section id=\"distributions\">\n<h2>Distributions</h2>\n<p class=\"lead\">Boxes span the "
                            "quartiles, the bar is the median (its value on the right), whiskers reach the outermost "
                            "values within 1.5 box lengths, circles are those beyond, the diamond is the mean.</p>\n");
    for (size_t i = 0; i < FOVEA_REPORT_MEASURES && status == FV_OK; i++) {
        status = add_distribution(text, &rows, overview, i, error);
    }
    if (status == FV_OK && rows.failed) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "the summary of the report: out of memory");
    }
    if (status == FV_OK) {
        add_figure_table(text, &rows);
        fovea_buffer_text(text, "</section>\n");
    }
    fovea_buffer_clear(&rows);
    return status;
}
