#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/report_style.h"
#include "commands.h"
#include "fovea/memory.h"
#include "measure/warnings.h"
#include "pipeline/results.h"

/* Marks that go with the words, for those who do not see the colours. */
static const char *const state_marks[FOVEA_STATE_COUNT] = {"\xe2\x97\x8f", "\xe2\x96\xb2", "\xe2\x9c\x95"};

/* The measures that the table shows; the others are under "all measures". */
static const char *const shown_names[] = {"faz_area_mm2", "equivalent_diameter_mm", "circularity", "axial_ratio"};
enum { SHOWN = sizeof shown_names / sizeof *shown_names };
enum { AREAS_FIRST = 256 };

static void add_paragraph(struct fovea_buffer *text, const char *class, const char *bold, const char *content) {
    fovea_buffer_format(text, "<p class=\"%s\">", class);
    if (bold[0] != '\0') {
        fovea_buffer_text(text, "<b>");
        fovea_buffer_html(text, bold);
        fovea_buffer_text(text, "</b> ");
    }
    fovea_buffer_html(text, content);
    fovea_buffer_text(text, "</p>\n");
}

static void add_head(struct fovea_buffer *text, const struct fovea_results *results) {
    fovea_buffer_text(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                            "<title>Fovea report</title>\n<style>\n");
    fovea_buffer_text(text, report_style);
    fovea_buffer_text(text, "</style>\n</head>\n<body>\n<header>\n<h1>Foveal avascular zone report</h1>\n");
    fovea_buffer_format(text, "<p class=\"lead\">fovea %s %s", results->command, results->version);
    if (results->field_mm > 0) {
        fovea_buffer_format(text, " &middot; field of view %g &times; %g mm, as given, unless said of an image",
                            results->field_mm, results->field_mm);
    }
    if (results->layer[0] != '\0') {
        fovea_buffer_format(text, " &middot; %s layer", results->layer);
    }
    fovea_buffer_text(text, "</p>\n</header>\n");
    add_paragraph(text, "notice", "", FOVEA_NOTICE);
    if (results->shipped) {
        add_paragraph(text, "remark", "Demo models.",
                      "These results come from the small demo models that are shipped with the program. See below what "
                      "they were trained on, and convert your own checkpoints for your own study.");
    }
    if (results->count < results->planned) {
        fovea_buffer_format(text,
                            "<p class=\"remark\"><b>Interrupted.</b> %zu of %zu images were worked on; this report "
                            "covers those.</p>\n",
                            results->count, results->planned);
    }
}

static void add_tile(struct fovea_buffer *text, size_t count, const char *mark, const char *label) {
    fovea_buffer_format(text, "<div class=\"tile\"><b>%zu</b><span>%s %s</span></div>\n", count, mark, label);
}

/* What the summary needs of all results. */
struct overview {
    size_t states[FOVEA_STATE_COUNT], grades[FOVEA_QUALITY_COUNT];
    double *areas; /* owned */
    size_t area_count, capacity;
};

static enum fv_status look_at(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct overview *overview = visitor;
    overview->states[result->state]++;
    if (result->graded && result->state != FOVEA_STATE_FAILED) {
        overview->grades[result->grade.quality]++;
    }
    if (!result->measured) {
        return FV_OK;
    }
    if (overview->area_count == overview->capacity) {
        const size_t capacity = overview->capacity == 0 ? AREAS_FIRST : 2 * overview->capacity;
        double *grown = fv_reallocate(overview->areas, overview->capacity, capacity, sizeof *grown);
        if (grown == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%zu areas: out of memory", capacity);
        }
        overview->areas = grown;
        overview->capacity = capacity;
    }
    overview->areas[overview->area_count++] = result->measures.faz_area_mm2;
    return FV_OK;
}

static void add_counts(struct fovea_buffer *text, const struct fovea_results *results,
                       const struct overview *overview) {
    const size_t *states = overview->states, *grades = overview->grades;
    fovea_buffer_text(text, "<section>\n<h2>Summary</h2>\n<div class=\"tiles\">\n");
    add_tile(text, results->count, "", results->count == 1 ? "image" : "images");
    if (results->grader != NULL) {
        add_tile(text, grades[FOVEA_OUTSTANDING], "\xe2\x98\x85", "outstanding");
        add_tile(text, grades[FOVEA_GRADABLE], state_marks[FOVEA_STATE_OK], "gradable");
        add_tile(text, grades[FOVEA_UNGRADABLE], state_marks[FOVEA_STATE_UNGRADABLE], "ungradable");
    } else {
        add_tile(text, states[FOVEA_STATE_OK], state_marks[FOVEA_STATE_OK], "ok, not graded");
    }
    add_tile(text, states[FOVEA_STATE_FAILED], state_marks[FOVEA_STATE_FAILED], "failed");
    fovea_buffer_text(text, "</div>\n");
    if (results->ignored > 0) {
        fovea_buffer_format(text, "<p class=\"lead\">%zu other %s in the folders %s no image and %s left out.</p>\n",
                            results->ignored, results->ignored == 1 ? "file" : "files",
                            results->ignored == 1 ? "is" : "are", results->ignored == 1 ? "was" : "were");
    }
    fovea_buffer_text(text, "</section>\n");
}

static int compare_numbers(const void *a, const void *b) {
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* A dot an image over an axis of areas. `areas` are sorted. */
static void add_strip(struct fovea_buffer *text, const double *areas, size_t count) {
    enum { WIDTH = 720, HEIGHT = 96, LEFT = 20, ROWS = 5 };
    double most = areas[count - 1] > 0 ? areas[count - 1] * 1.05 : 1, step = pow(10, floor(log10(most)));
    step = most / step < 2 ? step / 5 : most / step < 5 ? step / 2 : step;
    double scale = (WIDTH - 2 * LEFT) / most;
    fovea_buffer_format(text,
                        "<svg viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" aria-label=\"FAZ areas of all images\">\n"
                        "<path d=\"M%d 66.5H%d\" stroke=\"#5b6675\"/>\n",
                        WIDTH, HEIGHT, WIDTH, LEFT, WIDTH - LEFT);
    for (int i = 0; i * step <= most; i++) {
        double x = LEFT + i * step * scale;
        fovea_buffer_format(text,
                            "<path d=\"M%.1f 62v9\" stroke=\"#5b6675\"/><text x=\"%.1f\" y=\"86\" "
                            "text-anchor=\"middle\">%g%s</text>\n",
                            x, x, i * step, i == 0 ? " mm\xc2\xb2" : "");
    }
    fovea_buffer_text(text, "<g fill=\"#0072b2\" fill-opacity=\".55\" stroke=\"#fff\" stroke-width=\".7\">\n");
    for (size_t i = 0; i < count; i++) {
        fovea_buffer_format(text, "<circle cx=\"%.1f\" cy=\"%zu\" r=\"5\"/>\n", LEFT + areas[i] * scale,
                            8 + i % ROWS * 11);
    }
    fovea_buffer_text(text, "</g>\n</svg>\n");
}

/* Sorts the areas. */
static void add_areas(struct fovea_buffer *text, struct overview *overview) {
    double *areas = overview->areas, sum = 0, squares = 0;
    const size_t count = overview->area_count;
    if (count < 2) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        sum += areas[i];
    }
    qsort(areas, count, sizeof *areas, compare_numbers);
    const double mean = sum / (double)count, median = (areas[(count - 1) / 2] + areas[count / 2]) / 2;
    for (size_t i = 0; i < count; i++) {
        squares += (areas[i] - mean) * (areas[i] - mean);
    }
    fovea_buffer_text(text, "<section>\n<h2>FAZ area</h2>\n");
    add_strip(text, areas, count);
    fovea_buffer_format(text,
                        "<p>%zu images: mean %.3f mm\xc2\xb2, standard deviation %.3f, median %.3f, range %.3f to "
                        "%.3f.</p>\n</section>\n",
                        count, mean, sqrt(squares / (double)(count - 1)), median, areas[0], areas[count - 1]);
}

/* A PNG file that the page holds itself. */
static void add_source(struct fovea_buffer *text, const uint8_t *bytes, size_t size) {
    fovea_buffer_text(text, "data:image/png;base64,");
    fovea_buffer_base64(text, bytes, size);
}

static void add_picture(struct fovea_buffer *text, const struct fovea_result *result) {
    fovea_buffer_text(text, "<td class=\"picture\">");
    if (result->thumbnail == NULL) {
        fovea_buffer_text(text, "<span class=\"none\">no picture</span></td>\n");
        return;
    }
    fovea_buffer_text(text, "<img loading=\"lazy\" alt=\"");
    fovea_buffer_html(text, result->input->name);
    fovea_buffer_text(text, result->measured ? ", FAZ outlined\" src=\"" : "\" src=\"");
    add_source(text, result->thumbnail, result->thumbnail_size);
    fovea_buffer_text(text, "\"></td>\n");
}

static void add_details(struct fovea_buffer *text, const struct fovea_result *result) {
    if (!result->measured) {
        return;
    }
    fovea_buffer_text(text, "<details><summary>all measures</summary>");
    if (result->vessel_thumbnail != NULL) {
        fovea_buffer_text(text, "<p><img loading=\"lazy\" alt=\"map of the vessels of ");
        fovea_buffer_html(text, result->input->name);
        fovea_buffer_text(text, "\" src=\"");
        add_source(text, result->vessel_thumbnail, result->vessel_thumbnail_size);
        fovea_buffer_text(text, "\"><br>vessels (grey) and their centre lines (white)</p>");
    }
    fovea_buffer_text(text, "<dl>\n");
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        const struct fovea_measure_column *column = &fovea_measure_columns[i];
        if (fovea_result_has(result, column)) {
            fovea_buffer_format(text, "<dt>%s</dt><dd>", column->label);
            if (column->kind == FOVEA_MEASURE_REAL) {
                fovea_buffer_format(text, "%.4f", fovea_measure_number(&result->measures, column));
            } else {
                fovea_measure_add(&result->measures, column, text); /* nothing that HTML gives a meaning */
            }
            fovea_buffer_text(text, "</dd>\n");
        }
    }
    fovea_buffer_text(text, "</dl></details>");
}

static void add_grade(struct fovea_buffer *text, const struct fovea_result *result) {
    fovea_buffer_text(text, "<td data-label=\"Grade\">");
    if (result->graded) {
        const double *chances = result->grade.probability;
        fovea_buffer_format(text, "%s<span class=\"bar\">", fovea_quality_names[result->grade.quality]);
        for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
            fovea_buffer_format(text, "<i style=\"width:%.1f%%\"></i>", 100 * chances[k]);
        }
        fovea_buffer_format(text, "</span><span class=\"chances\">%.2f / %.2f / %.2f</span>", chances[0], chances[1],
                            chances[2]);
    }
    fovea_buffer_text(text, "</td>\n");
}

/* What the scan is, with who said it if that was not the command line. */
static void add_scan(struct fovea_buffer *text, const struct fovea_scan *scan) {
    static const char *const sources[] = {"", "", " (table)", " (DICOM)", " (name)"};
    fovea_buffer_text(text, "<span class=\"why\">");
    if (scan->field_x_mm > 0) {
        fovea_buffer_format(text, "%.4g &times; %.4g mm%s", scan->field_x_mm, scan->field_y_mm,
                            sources[scan->field_source]);
    } else {
        fovea_buffer_text(text, "field of view unknown");
    }
    if (scan->has_layer) {
        fovea_buffer_format(text, ", %s%s", fovea_layer_names[scan->layer], sources[scan->layer_source]);
    }
    if (scan->eye != FOVEA_EYE_UNKNOWN) {
        fovea_buffer_format(text, ", %s%s", fovea_eye_names[scan->eye], sources[scan->eye_source]);
    }
    fovea_buffer_text(text, "</span>");
}

static void add_warnings(struct fovea_buffer *text, const struct fovea_result *result) {
    for (unsigned w = 0; result->measured && w < FOVEA_WARNING_COUNT; w++) {
        if ((result->measures.warnings >> w & 1) != 0) {
            fovea_buffer_format(text, "<span class=\"why\">\xe2\x9a\xa0 %s</span>", fovea_warning_texts[w]);
        }
    }
}

static void add_row(struct fovea_buffer *text, const struct fovea_results *results, const struct fovea_result *result) {
    fovea_buffer_text(text, "<tr>\n");
    add_picture(text, result);
    fovea_buffer_text(text, "<td class=\"file\">");
    fovea_buffer_html(text, result->input->name);
    if (result->width > 0) {
        fovea_buffer_format(text, "<span class=\"chances\">%u &times; %u pixels</span>", result->width, result->height);
    }
    add_scan(text, &result->scan);
    if (result->remarks != NULL) {
        fovea_buffer_text(text, "<span class=\"why\">");
        fovea_buffer_html(text, result->remarks);
        fovea_buffer_text(text, "</span>");
    }
    add_details(text, result);
    const char *state = fovea_state_names[result->state];
    fovea_buffer_format(text, "</td>\n<td><span class=\"state %s\">%s %s</span>", state, state_marks[result->state],
                        state);
    if (result->reason != NULL) {
        fovea_buffer_text(text, "<span class=\"why\">");
        fovea_buffer_html(text, result->reason);
        fovea_buffer_text(text, "</span>");
    }
    add_warnings(text, result);
    fovea_buffer_text(text, "</td>\n");
    if (results->grader != NULL) {
        add_grade(text, result);
    }
    for (size_t i = 0; i < SHOWN; i++) {
        const struct fovea_measure_column *column = fovea_measure_find(shown_names[i]);
        if (fovea_result_has(result, column)) {
            fovea_buffer_format(text, "<td class=\"number\" data-label=\"%s\">%.3f</td>\n", column->label,
                                fovea_measure_number(&result->measures, column));
        } else {
            fovea_buffer_text(text, "<td class=\"number\"></td>\n");
        }
    }
    fovea_buffer_text(text, "</tr>\n");
}

/* A report that is being written. */
struct report {
    struct fovea_export export;
    const struct fovea_results *results;
};

static enum fv_status visit(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct report *report = visitor;
    add_row(&report->export.text, report->results, result);
    return fovea_export_flush(&report->export, error);
}

static enum fv_status add_table(struct report *report, struct fv_error *error) {
    const struct fovea_results *results = report->results;
    struct fovea_buffer *text = &report->export.text;
    fovea_buffer_text(text, "<section>\n<h2>Images</h2>\n");
    if (results->grader != NULL) {
        fovea_buffer_text(text, "<p class=\"lead\">Below each grade: the grader's shares for ungradable / gradable / "
                                "outstanding. Grades speak of the image's quality only.</p>\n");
    }
    fovea_buffer_text(text, "<table>\n<thead><tr><th>Image</th><th>File</th><th>Status</th>");
    if (results->grader != NULL) {
        fovea_buffer_text(text, "<th>Grade</th>");
    }
    for (size_t i = 0; i < SHOWN; i++) {
        fovea_buffer_format(text, "<th class=\"number\">%s</th>", fovea_measure_find(shown_names[i])->label);
    }
    fovea_buffer_text(text, "</tr></thead>\n<tbody>\n");
    enum fv_status status = results->source.each(results->source.context, true, visit, report, error);
    fovea_buffer_text(text, "</tbody>\n</table>\n</section>\n");
    return status;
}

static void add_term(struct fovea_buffer *text, const char *term, const char *meaning) {
    if (meaning != NULL && meaning[0] != '\0') {
        fovea_buffer_format(text, "<dt>%s</dt><dd>", term);
        fovea_buffer_html(text, meaning);
        fovea_buffer_text(text, "</dd>\n");
    }
}

static void add_model(struct fovea_buffer *text, const struct fovea_model_about *model, const char *use) {
    if (model == NULL) {
        return;
    }
    fovea_buffer_format(text, "<h3>%s</h3>\n<dl>\n", use);
    add_term(text, "name", model->name);
    add_term(text, "file", model->file_name);
    add_term(text, "SHA-256", model->sha256);
    add_term(text, "licence", model->license);
    add_term(text, "attribution", model->attribution);
    add_term(text, "note", model->note);
    for (size_t i = 0; i < model->lineage_count; i++) {
        add_term(text, "lineage", model->lineage[i]);
    }
    fovea_buffer_text(text, "</dl>\n");
}

static void add_method(struct fovea_buffer *text, const struct fovea_results *results) {
    if (results->grader != NULL || results->segmenter != NULL) {
        fovea_buffer_text(text, "<section>\n<h2>Models</h2>\n");
        add_model(text, results->grader, "Grading");
        add_model(text, results->segmenter, "Segmentation");
        if (results->segmenter != NULL) {
            fovea_buffer_format(text, "<p>Each tile was segmented %s, by %zu of the model's %zu folds (",
                                results->mirrored ? "as it is and mirrored, and the views averaged (--tta mirror)"
                                                  : "once, unmirrored (--tta off)",
                                results->fold_count, results->folds_most);
            fovea_results_add_folds(results, text);
            fovea_buffer_text(text, ").</p>\n");
        }
        if (results->planning.exact && (results->grader != NULL || results->segmenter != NULL)) {
            fovea_buffer_text(text, "<p>All convolutions were direct sums, without Winograd's transforms (--exact)."
                                    "</p>\n");
        }
        if (results->planning.tune && (results->grader != NULL || results->segmenter != NULL)) {
            fovea_buffer_text(text, "<p>The algorithms of the layers were chosen by measurements on this kind of "
                                    "processor (--tune).</p>\n");
        }
        fovea_buffer_text(text, "</section>\n");
    }
    fovea_buffer_text(text, "<section>\n<h2>What the measures are</h2>\n<dl>\n");
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        add_term(text, fovea_measure_columns[i].label, fovea_measure_columns[i].formula);
    }
    fovea_buffer_text(text, "</dl>\n<p>Measures of shape are of the largest region with its holes filled; the FAZ area "
                            "is of every pixel of the mask. Lengths follow from the field of view of each image; "
                            "those that are corrected for the length of the eye say so in their names. Warnings name "
                            "what to look at before trusting a figure; they are no verdict on an eye.</p>\n"
                            "</section>\n");
}

enum fv_status fovea_results_write_report(const struct fovea_results *results, const char *path,
                                          struct fv_error *error) {
    struct report report = {.results = results};
    struct overview overview = {0};
    enum fv_status status = fovea_export_begin(&report.export, path, error);
    if (status != FV_OK) {
        return status;
    }
    struct fovea_buffer *text = &report.export.text;
    status = results->source.each(results->source.context, false, look_at, &overview, error);
    if (status == FV_OK) {
        add_head(text, results);
        add_counts(text, results, &overview);
        add_areas(text, &overview);
        status = add_table(&report, error);
    }
    if (status == FV_OK) {
        add_method(text, results);
        fovea_buffer_format(text,
                            "<footer>" FOVEA_NOTICE " Made by fovea %s; the same figures are in results.csv and "
                            "results.json.</footer>\n</body>\n</html>\n",
                            results->version);
    }
    fv_release(overview.areas);
    return fovea_export_end(&report.export, status, error);
}
