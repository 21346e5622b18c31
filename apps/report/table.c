#include "report/table.h"

#include "report/page.h"
#include "report/pages.h"
#include "report/script.h"

/* The measures that the table shows; the details of an image have all. */
static const struct {
    const char *name;
    bool density; /* shown only if there are maps of vessels */
} shown[] = {{"faz_area_mm2", false},
             {"circularity", false},
             {"axial_ratio", false},
             {"fd300_percent", true},
             {"perfusion_density_image", true}};
enum { SHOWN = sizeof shown / sizeof *shown };

static void add_head(struct fovea_buffer *text, const char *name, const char *label, const char *attributes) {
    fovea_buffer_format(text, "<th scope=\"col\" data-name=\"%s\"%s>%s</th>", name, attributes, label);
}

static void add_heads(struct fovea_buffer *text, const struct fovea_report_table *table) {
    const struct fovea_report_overview *overview = table->overview;
    static const char number[] = " class=\"number\" data-number", filter[] = " data-filter";
    if (!table->light) {
        fovea_buffer_text(text, "<th scope=\"col\">Image</th>");
    }
    add_head(text, "number", "No.", number);
    add_head(text, "file", "File", "");
    add_head(text, "status", "Status", filter);
    if (table->results->grader != NULL) {
        add_head(text, "grade", "Grade", filter);
    }
    if (overview->layer) {
        add_head(text, "layer", "Layer", filter);
    }
    if (overview->eye) {
        add_head(text, "eye", "Eye", filter);
    }
    if (overview->subject) {
        add_head(text, "subject", "Subject", "");
    }
    if (overview->visit) {
        add_head(text, "visit", "Visit", "");
    }
    for (size_t i = 0; i < SHOWN; i++) {
        if (!shown[i].density || overview->densities) {
            add_head(text, shown[i].name, fovea_measure_find(shown[i].name)->label, number);
        }
    }
    add_head(text, "warnings", "Warnings", " data-filter=\"any\"");
}

void fovea_report_table_begin(struct fovea_buffer *text, const struct fovea_report_table *table) {
    fovea_buffer_text(text, "<section>\n<h2 id=\"all\">Images</h2>\n");
    if (table->results->grader != NULL) {
        fovea_buffer_text(text, "<p class=\"lead\">Below each grade: the grader's shares for ungradable / gradable / "
                                "outstanding. Grades speak of the image's quality only.</p>\n");
    }
    if (table->light) {
        fovea_buffer_text(text, "<p class=\"lead\">Names lead to the pictures and all measures, in the folder pages/ "
                                "beside this file.</p>\n");
    }
    fovea_buffer_format(text,
                        "<form class=\"controls\" id=\"controls\" hidden></form>\n<div class=\"scroll\">\n<table "
                        "id=\"images\"%s>\n<thead><tr>",
                        table->light ? " class=\"light\"" : "");
    add_heads(text, table);
    fovea_buffer_text(text, "</tr></thead>\n<tbody>\n");
}

static void add_file(struct fovea_buffer *text, const struct fovea_report_table *table,
                     const struct fovea_result *result, size_t number) {
    fovea_buffer_text(text, "<td class=\"file\" data-v=\"");
    fovea_buffer_html(text, result->input->name);
    fovea_buffer_text(text, "\"><a href=\"");
    if (table->light) {
        fovea_report_page_name(text, fovea_report_page_of(number));
    }
    fovea_buffer_format(text, "#image-%zu\">", number);
    fovea_buffer_html(text, result->input->name);
    fovea_buffer_text(text, "</a>");
    if (result->remarks != NULL) {
        fovea_buffer_text(text, "<span class=\"why\">");
        fovea_buffer_html(text, result->remarks);
        fovea_buffer_text(text, "</span>");
    }
    fovea_buffer_text(text, "</td>");
}

static void add_state(struct fovea_buffer *text, const struct fovea_result *result) {
    const char *state = fovea_state_names[result->state];
    fovea_buffer_format(text, "<td data-v=\"%s\"><span class=\"state %s\">%s %s</span>", state, state,
                        fovea_report_state_marks[result->state], state);
    if (result->reason != NULL) {
        fovea_buffer_text(text, "<span class=\"why\">");
        fovea_buffer_html(text, result->reason);
        fovea_buffer_text(text, "</span>");
    }
    fovea_buffer_text(text, "</td>");
}

static void add_grade(struct fovea_buffer *text, const struct fovea_report_table *table,
                      const struct fovea_result *result) {
    const struct fovea_grade *grade = &result->grade;
    if (!result->graded) {
        fovea_buffer_text(text, "<td></td>");
        return;
    }
    fovea_buffer_format(text, "<td data-label=\"Grade\" data-v=\"%s\" data-k=\"%d\">",
                        fovea_quality_names[grade->quality], (int)grade->quality);
    if (table->light) {
        fovea_buffer_format(text, "%s %s<span class=\"chances\">%.2f / %.2f / %.2f</span>",
                            fovea_report_grade_marks[grade->quality], fovea_quality_names[grade->quality],
                            grade->probability[0], grade->probability[1], grade->probability[2]);
    } else {
        fovea_report_grade(text, grade);
    }
    fovea_buffer_text(text, "</td>");
}

static void add_text(struct fovea_buffer *text, const char *label, const char *content) {
    if (content == NULL || content[0] == '\0') {
        fovea_buffer_text(text, "<td></td>");
        return;
    }
    fovea_buffer_format(text, "<td data-label=\"%s\">", label);
    fovea_buffer_html(text, content);
    fovea_buffer_text(text, "</td>");
}

static void add_scan(struct fovea_buffer *text, const struct fovea_report_overview *overview,
                     const struct fovea_scan *scan) {
    if (overview->layer) {
        add_text(text, "Layer", fovea_scan_layer_name(scan));
    }
    if (overview->eye) {
        add_text(text, "Eye", fovea_eye_names[scan->eye]);
    }
    if (overview->subject) {
        add_text(text, "Subject", scan->subject);
    }
    if (overview->visit) {
        add_text(text, "Visit", scan->visit);
    }
}

static void add_measures(struct fovea_buffer *text, const struct fovea_report_overview *overview,
                         const struct fovea_result *result) {
    for (size_t i = 0; i < SHOWN; i++) {
        const struct fovea_measure_column *column = fovea_measure_find(shown[i].name);
        if (shown[i].density && !overview->densities) {
            continue;
        }
        if (fovea_result_has(result, column)) {
            fovea_buffer_format(text, "<td class=\"number\" data-label=\"%s\" data-k=\"", column->label);
            fovea_measure_add(&result->measures, column, text);
            fovea_buffer_format(text, "\">%.3f</td>", fovea_measure_number(&result->measures, column));
        } else {
            fovea_buffer_text(text, "<td></td>");
        }
    }
}

static void add_warnings(struct fovea_buffer *text, const struct fovea_result *result) {
    if (!result->measured || result->measures.warnings == 0) {
        fovea_buffer_text(text, "<td></td>");
        return;
    }
    fovea_buffer_text(text, "<td class=\"warnings\" data-v=\"");
    fovea_warnings_add(result->measures.warnings, text);
    fovea_buffer_text(text, "\">");
    for (unsigned w = 0; w < FOVEA_WARNING_COUNT; w++) {
        if ((result->measures.warnings >> w & 1) != 0) {
            fovea_buffer_format(text, "<span class=\"why\">\xe2\x9a\xa0 %s</span>", fovea_warning_texts[w]);
        }
    }
    fovea_buffer_text(text, "</td>");
}

void fovea_report_table_row(struct fovea_buffer *text, const struct fovea_report_table *table,
                            const struct fovea_result *result, size_t number) {
    fovea_buffer_format(text, "<tr id=\"row-%zu\">", number);
    if (!table->light) {
        fovea_buffer_text(text, "<td class=\"picture\">");
        if (result->thumbnail != NULL) {
            fovea_report_picture(text, result->thumbnail, result->thumbnail_size, number, result->input->name,
                                 result->measured ? "FAZ outlined: " : "");
        } else {
            fovea_buffer_text(text, "<span class=\"none\">no picture</span>");
        }
        fovea_buffer_text(text, "</td>\n");
    }
    fovea_buffer_format(text, "<td class=\"number\" data-label=\"No.\" data-v=\"%zu\">%zu</td>", number, number);
    add_file(text, table, result, number);
    add_state(text, result);
    if (table->results->grader != NULL) {
        add_grade(text, table, result);
    }
    add_scan(text, table->overview, &result->scan);
    add_measures(text, table->overview, result);
    add_warnings(text, result);
    fovea_buffer_text(text, "</tr>\n");
}

void fovea_report_table_end(struct fovea_buffer *text) {
    fovea_buffer_text(text, "</tbody>\n</table>\n</div>\n<script>\n");
    for (size_t i = 0; i < sizeof table_script / sizeof *table_script; i++) {
        fovea_buffer_text(text, table_script[i]);
        fovea_buffer_text(text, "\n");
    }
    fovea_buffer_text(text, "</script>\n</section>\n");
}
