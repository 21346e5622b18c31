#include "report/method.h"

#include "report/page.h"

static void add_model(struct fovea_buffer *text, const struct fovea_model_about *model, const char *use) {
    if (model == NULL) {
        return;
    }
    fovea_buffer_format(text, "<h3>%s</h3>\n<dl>\n", use);
    fovea_report_term(text, "name", model->name);
    fovea_report_term(text, "file", model->file_name);
    fovea_report_term(text, "SHA-256", model->sha256);
    fovea_report_term(text, "licence", model->license);
    fovea_report_term(text, "attribution", model->attribution);
    fovea_report_term(text, "note", model->note);
    for (size_t i = 0; i < model->lineage_count; i++) {
        fovea_report_term(text, "lineage", model->lineage[i]);
    }
    fovea_buffer_text(text, "</dl>\n");
}

void fovea_report_method(struct fovea_buffer *text, const struct fovea_results *results) {
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
    fovea_buffer_text(text, "<section id=\"measures\">\n<h2>What the measures are</h2>\n<dl>\n");
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        fovea_report_term(text, fovea_measure_columns[i].label, fovea_measure_columns[i].formula);
    }
    fovea_buffer_text(text, "</dl>\n<p>Measures of shape are of the largest region with its holes filled; the FAZ area "
                            "is of every pixel of the mask. Lengths follow from the field of view of each image; "
                            "those that are corrected for the length of the eye say so in their names. Warnings name "
                            "what to look at before trusting a figure; they are no verdict on an eye.</p>\n"
                            "</section>\n");
}
