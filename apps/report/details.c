#include "report/details.h"

#include <string.h>

#include "measure/warnings.h"
#include "pipeline/outputs.h"
#include "report/page.h"

/* Groups of measures by the first of their columns. */
static const struct {
    const char *first, *title;
} groups[] = {
    {"faz_area_mm2", "Size of the FAZ"},
    {"equivalent_diameter_mm", "Outline and shape"},
    {"major_axis_mm", "Axes of the ellipse of equal moments"},
    {"centroid_x_px", "Place"},
    {"vessel_method", "Vessels"},
    {"perfusion_density_image", "Densities: image and circles"},
    {"perfusion_density_inner", "Densities: inner ring"},
    {"perfusion_density_outer", "Densities: outer ring"},
    {"axial_length_mm", "Corrected for axial length"},
};
enum { GROUPS = sizeof groups / sizeof *groups };

static void add_figure(struct fovea_buffer *text, const char *caption) {
    fovea_buffer_format(text, "<figcaption>%s</figcaption></figure>\n", caption);
}

static void add_pictures(struct fovea_buffer *text, const struct fovea_result *result, size_t number, bool again) {
    const char *name = result->input->name, *what = result->measured ? "FAZ outlined: " : "image: ";
    if (result->thumbnail != NULL) {
        fovea_buffer_text(text, "<figure>");
        if (again) {
            fovea_report_picture_again(text, result->thumbnail, result->thumbnail_size, number, name, what);
        } else {
            fovea_report_picture(text, result->thumbnail, result->thumbnail_size, 0, name, what);
        }
        add_figure(text, result->measured ? "image, FAZ outlined" : "image");
    }
    if (result->vessel_thumbnail != NULL) {
        fovea_buffer_text(text, "<figure>");
        fovea_report_picture(text, result->vessel_thumbnail, result->vessel_thumbnail_size, 0, name,
                             "map of the vessels of ");
        add_figure(text, "map of the vessels (grey) and their centre lines (white)");
    }
}

static void add_scan(struct fovea_buffer *text, const struct fovea_scan *scan) {
    static const char *const sources[] = {"", " (command line)", " (table of scans)", " (DICOM)", " (file name)"};
    fovea_buffer_text(text, "<dt>Field of view</dt><dd>");
    if (scan->field_x_mm > 0) {
        fovea_buffer_format(text, "%.4g &times; %.4g mm%s</dd>\n", scan->field_x_mm, scan->field_y_mm,
                            sources[scan->field_source]);
    } else {
        fovea_buffer_text(text, "unknown</dd>\n");
    }
    fovea_buffer_format(text, "<dt>Layer</dt><dd>%s%s</dd>\n",
                        scan->has_layer ? fovea_layer_names[scan->layer] : "unknown",
                        scan->has_layer ? sources[scan->layer_source] : "");
    const bool eye = scan->eye != FOVEA_EYE_UNKNOWN;
    fovea_buffer_format(text, "<dt>Eye</dt><dd>%s%s</dd>\n", eye ? fovea_eye_names[scan->eye] : "unknown",
                        eye ? sources[scan->eye_source] : "");
    fovea_report_term(text, "Subject", scan->subject);
    fovea_report_term(text, "Visit", scan->visit);
}

/* Links to the files of the image, which lie beside the report. */
static void add_files(struct fovea_buffer *text, const struct fovea_result *result, const char *up) {
    if (result->files == 0) {
        return;
    }
    fovea_buffer_text(text, "<dt>Files</dt><dd>");
    for (size_t k = 0; k < FOVEA_OUTPUT_KINDS; k++) {
        if ((result->files >> k & 1) == 0) {
            continue;
        }
        const char *folder = fovea_folder_names[fovea_output_kinds[k].folder];
        fovea_buffer_format(text, "<a href=\"%s%s/", up, folder);
        fovea_report_url(text, result->input->stem);
        fovea_buffer_format(text, ".%s\">%s (%s)</a> ", fovea_output_kinds[k].suffix, folder,
                            fovea_output_kinds[k].suffix);
    }
    fovea_buffer_text(text, "</dd>\n");
}

static void add_facts(struct fovea_buffer *text, const struct fovea_result *result, const char *up) {
    const char *state = fovea_state_names[result->state];
    fovea_buffer_format(text, "<dl class=\"facts\">\n<dt>Status</dt><dd><span class=\"state %s\">%s %s</span></dd>\n",
                        state, fovea_report_state_marks[result->state], state);
    fovea_report_term(text, "Reason", result->reason);
    if (result->graded) {
        fovea_buffer_text(text, "<dt>Grade</dt><dd>");
        fovea_report_grade(text, &result->grade);
        if (result->grade_partner != NULL) {
            fovea_buffer_text(text, "<span class=\"why\">the grade of ");
            fovea_buffer_html(text, result->grade_partner);
            fovea_buffer_text(text, "</span>");
        }
        fovea_buffer_text(text, "<span class=\"chances\">shares: ungradable / gradable / outstanding</span></dd>\n");
    }
    if (result->width > 0) {
        fovea_buffer_format(text, "<dt>Size</dt><dd>%u &times; %u pixels</dd>\n", result->width, result->height);
    }
    add_scan(text, &result->scan);
    fovea_report_term(text, "Remarks", result->remarks);
    for (unsigned w = 0; result->measured && w < FOVEA_WARNING_COUNT; w++) {
        if ((result->measures.warnings >> w & 1) != 0) {
            fovea_buffer_format(text, "<dt>Warning</dt><dd>\xe2\x9a\xa0 %s</dd>\n", fovea_warning_texts[w]);
        }
    }
    add_files(text, result, up);
    fovea_report_term(text, "SHA-256 of the input", result->digest);
    fovea_report_term(text, "SHA-256 of the mask's image", result->image_digest);
    fovea_buffer_text(text, "</dl>\n");
}

static void add_measure(struct fovea_buffer *text, const struct fovea_result *result,
                        const struct fovea_measure_column *column) {
    if (column->kind == FOVEA_MEASURE_REAL) {
        fovea_buffer_format(text, "<dt>%s</dt><dd>%.4f</dd>\n", column->label,
                            fovea_measure_number(&result->measures, column));
        return;
    }
    const char *class = column->kind == FOVEA_MEASURE_TEXT ? " class=\"long\"" : "";
    fovea_buffer_format(text, "<dt%s>%s</dt><dd%s>",
                        column->kind == FOVEA_MEASURE_TEXT ? " style=\"grid-column:1/3\"" : "", column->label, class);
    fovea_measure_add(&result->measures, column, text); /* nothing that HTML gives a meaning */
    fovea_buffer_text(text, "</dd>\n");
}

static void add_measures(struct fovea_buffer *text, const struct fovea_result *result) {
    size_t next = 0;
    bool open = false;
    const char *title = "";
    fovea_buffer_text(text, "<div class=\"groups\">\n");
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        const struct fovea_measure_column *column = &fovea_measure_columns[i];
        if (next < GROUPS && strcmp(column->name, groups[next].first) == 0) {
            fovea_buffer_text(text, open ? "</dl></div>\n" : "");
            open = false;
            title = groups[next++].title;
        }
        if (column->kind == FOVEA_MEASURE_WARNINGS || !fovea_result_has(result, column)) {
            continue;
        }
        if (!open) {
            fovea_buffer_format(text, "<div><h4>%s</h4><dl>\n", title);
            open = true;
        }
        add_measure(text, result, column);
    }
    fovea_buffer_text(text, open ? "</dl></div>\n</div>\n" : "</div>\n");
}

void fovea_report_details(struct fovea_buffer *text, const struct fovea_result *result, size_t number,
                          const char *report) {
    const bool same = report[0] == '\0';
    fovea_buffer_format(text, "<section class=\"image%s\" id=\"image-%zu\">\n<h3>%zu. ",
                        result->measured ? "" : " bare", number, number);
    fovea_buffer_html(text, result->input->name);
    fovea_buffer_text(text, "</h3>\n<div class=\"pictures\">\n");
    add_pictures(text, result, number, same);
    add_facts(text, result, same ? "" : "../");
    fovea_buffer_text(text, "</div>\n");
    if (result->measured) {
        add_measures(text, result);
    }
    fovea_buffer_format(text, "<nav><a href=\"%s#row-%zu\">In the table</a>", report, number);
    if (result->measured) {
        fovea_buffer_format(text, " <a href=\"%s#measures\">What the measures are</a>", report);
    }
    fovea_buffer_text(text, "</nav>\n</section>\n");
}
