/* The results for people: one page that loads nothing. */
#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/plots.h"
#include "base/report_style.h"
#include "commands.h"
#include "eval/charts.h"
#include "eval/eval.h"
#include "eval/gallery.h"
#include "fovea/memory.h"

enum { FAILURES_SHOWN = 500 }; /* a set; eval.csv lists all */

static const char eval_style[] =
    ".charts{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;align-items:flex-start}figure{margin:.6rem 0}"
    "figcaption{margin-bottom:.5rem;font-weight:600;font-size:.95rem}\n"
    ".spread{display:block;color:var(--soft);font-size:.82rem;white-space:nowrap}.scroll{overflow-x:auto}"
    ".mean{background:var(--back);font-weight:600}\n"
    ".gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1.1rem}"
    ".gallery figure{margin:0}.gallery img{display:block;width:100%;height:auto;border-radius:.3rem}"
    ".gallery figcaption{margin:.35rem 0 0;font-weight:400;font-size:.85rem;overflow-wrap:anywhere}"
    ".gallery .none{width:auto;padding:5rem 1rem}\n"
    ".key{display:inline-block;width:1.6rem;height:.45rem;margin:0 .35rem 0 .2rem;vertical-align:middle;"
    "border:1px solid #1b2430}.key.reference{background:#ffdd00}.key.predicted{background:#32b4ff}\n"
    "ul.notes{margin:.6rem 0;padding-left:1.2rem}h2+h3{margin-top:.4rem}h3{margin:1.4rem 0 .4rem;font-size:1rem}\n"
    "@media(max-width:46rem){.scroll thead{display:table-header-group}.scroll tr{display:table-row}"
    ".scroll td{display:table-cell;padding:.4rem}.scroll td.number{text-align:right}}\n"
    "@media print{figure{break-inside:avoid}}\n";

static void add_value(struct fovea_buffer *text, double value) {
    if (isnan(value)) {
        fovea_buffer_text(text, "\xe2\x80\x93"); /* an en dash; notes say why */
    } else {
        fovea_buffer_format(text, "%s%.4f", value < 0.0 ? "\xe2\x88\x92" : "", fabs(value));
    }
}

static void add_head(struct fovea_buffer *text, const struct fovea_eval *eval) {
    bool grades = eval->options->kind == FOVEA_EVAL_GRADES;
    fovea_buffer_text(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                            "<title>Fovea evaluation</title>\n<style>\n");
    fovea_buffer_text(text, report_style);
    fovea_buffer_text(text, eval_style);
    fovea_buffer_format(text,
                        "</style>\n</head>\n<body>\n<header>\n<h1>Evaluation of %s</h1>\n"
                        "<p class=\"lead\">fovea eval %s &middot; %zu %s of predictions against labels</p>\n</header>\n"
                        "<p class=\"notice\">%s</p>\n",
                        grades ? "quality grades" : "FAZ segmentations", FOVEA_VERSION, eval->count,
                        eval->count == 1 ? "set" : "sets", FOVEA_NOTICE);
}

static void add_count(struct fovea_buffer *text, size_t count, const char *label) {
    fovea_buffer_format(text, "<div class=\"tile\"><b>%zu</b><span>%s</span></div>\n", count, label);
}

static void add_score(struct fovea_buffer *text, const char *label, double value) {
    if (!isnan(value)) {
        fovea_buffer_format(text, "<div class=\"tile\"><b>%.3f</b><span>%s</span></div>\n", value, label);
    }
}

/* The mean over the sets of the line `name` of the summary: of its "value", or of masks its "mean". */
static double mean_of_sets(const struct fovea_eval *eval, const char *name) {
    size_t count = fovea_eval_figure_count(eval);
    for (size_t i = 0; i < count; i++) {
        struct fovea_eval_figure figure;
        fovea_eval_figure_get(eval, i, &figure);
        bool main_line = strcmp(figure.statistic, "value") == 0 || strcmp(figure.statistic, "mean") == 0;
        if (main_line && strcmp(figure.name, name) == 0) {
            return figure.mean;
        }
    }
    return NAN;
}

static void add_tiles(struct fovea_buffer *text, const struct fovea_eval *eval) {
    size_t evaluated = 0, failed = 0;
    for (size_t i = 0; i < eval->count; i++) {
        evaluated += eval->sets[i].count;
        failed += eval->sets[i].failures.count;
    }
    fovea_buffer_text(text, "<section>\n<h2>Summary</h2>\n<div class=\"tiles\">\n");
    add_count(text, evaluated, evaluated == 1 ? "image evaluated" : "images evaluated");
    add_count(text, failed, failed == 1 ? "\xe2\x9c\x95 failure" : "\xe2\x9c\x95 failures");
    if (eval->options->kind == FOVEA_EVAL_GRADES) {
        add_score(text, "accuracy", mean_of_sets(eval, "accuracy"));
        add_score(text, "F1, weighted", mean_of_sets(eval, "weighted_f1"));
        add_score(text, "AUC, macro", mean_of_sets(eval, "macro_auc"));
    } else {
        add_score(text, "mean Dice", mean_of_sets(eval, "dice"));
        add_score(text, "mean Jaccard", mean_of_sets(eval, "jaccard"));
    }
    fovea_buffer_text(text, "</div>\n");
    if (eval->count > 1) {
        fovea_buffer_format(text, "<p class=\"lead\">Scores above: plain means over the %zu sets.</p>\n", eval->count);
    }
    if (failed > 0) {
        fovea_buffer_format(text,
                            "<p class=\"remark\"><b>%zu %s.</b> What could not be evaluated is listed below with its "
                            "reason and is in none of the figures.</p>\n",
                            failed, failed == 1 ? "failure" : "failures");
    }
    fovea_buffer_text(text, "</section>\n");
}

static void add_table_head(struct fovea_buffer *text, const struct fovea_eval *eval) {
    fovea_buffer_text(text, "<div class=\"scroll\"><table>\n<thead><tr><th>Figure</th>");
    for (size_t i = 0; i < eval->count; i++) {
        fovea_buffer_text(text, "<th class=\"number\">");
        fovea_buffer_html(text, eval->sets[i].source->name);
        fovea_buffer_format(text, "<span class=\"spread\">%zu images</span></th>", eval->sets[i].count);
    }
    fovea_buffer_text(text, eval->count > 1 ? "<th class=\"number mean\">Mean of sets</th></tr></thead>\n<tbody>\n"
                                            : "</tr></thead>\n<tbody>\n");
}

static void add_mean(struct fovea_buffer *text, const struct fovea_eval *eval, double mean) {
    if (eval->count > 1) {
        fovea_buffer_text(text, "<td class=\"number mean\">");
        add_value(text, mean);
        fovea_buffer_text(text, "</td>");
    }
    fovea_buffer_text(text, "</tr>\n");
}

/* All sets side by side, as in Table 6 of the paper. */
static void add_grade_table(struct fovea_buffer *text, const struct fovea_eval *eval) {
    fovea_buffer_format(text, "<section>\n<h2>%s</h2>\n", eval->count > 1 ? "Side by side" : "Figures");
    add_table_head(text, eval);
    for (size_t k = 0; k < FOVEA_CLASSIFICATION_FIGURES; k++) {
        struct fovea_eval_figure figure;
        fovea_eval_figure_get(eval, k, &figure);
        fovea_buffer_format(text, "<tr><td>%s</td>", figure.label);
        for (size_t i = 0; i < eval->count; i++) {
            fovea_buffer_text(text, "<td class=\"number\">");
            add_value(text, figure.values[i]);
            fovea_buffer_text(text, "</td>");
        }
        add_mean(text, eval, figure.mean);
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n</section>\n");
}

static void add_spread_cell(struct fovea_buffer *text, const struct fovea_eval_set *set, size_t figure) {
    const struct fovea_spread *spread = &set->spreads[figure];
    fovea_buffer_text(text, "<td class=\"number\">");
    add_value(text, spread->mean);
    if (!isnan(spread->sd)) {
        fovea_buffer_format(text, " \xc2\xb1 %.4f", spread->sd);
    }
    if (spread->count > 0) {
        fovea_buffer_format(text, "<span class=\"spread\">median %.4f (%.4f to %.4f)</span>", spread->median,
                            spread->lower_quartile, spread->upper_quartile);
    }
    if (figure < FOVEA_MASK_OVERLAP_FIGURES) {
        fovea_buffer_text(text, "<span class=\"spread\">pooled ");
        add_value(text, set->pooled_figures[figure]);
        fovea_buffer_text(text, "</span>");
    }
    if (spread->undefined > 0 && spread->count > 0) {
        fovea_buffer_format(text, "<span class=\"spread\">undefined in %zu</span>", spread->undefined);
    }
    fovea_buffer_text(text, "</td>");
}

static void add_mask_table(struct fovea_buffer *text, const struct fovea_eval *eval) {
    fovea_buffer_format(text, "<section>\n<h2>%s</h2>\n", eval->count > 1 ? "Side by side" : "Figures");
    fovea_buffer_text(text, "<p class=\"lead\">Mean \xc2\xb1 standard deviation over "
                            "the images; median with quartiles; pooled: from the sums of the pixels of all "
                            "images.</p>\n");
    add_table_head(text, eval);
    for (size_t k = 0; k < FOVEA_MASK_FIGURES; k++) {
        const struct fovea_mask_figure_text *figure = &fovea_mask_figure_texts[k];
        if (!fovea_eval_has(eval, (enum fovea_mask_figure)k)) {
            continue;
        }
        fovea_buffer_format(text, "<tr><td>%s</td>", figure->label);
        for (size_t i = 0; i < eval->count; i++) {
            add_spread_cell(text, &eval->sets[i], k);
        }
        add_mean(text, eval, mean_of_sets(eval, figure->name));
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n</section>\n");
}

static void add_place(struct fovea_buffer *text, const struct fovea_failure *failure) {
    fovea_buffer_html(text, failure->file);
    if (failure->line > 0) {
        fovea_buffer_format(text, ", line %zu", failure->line);
    }
}

static void add_notes(struct fovea_buffer *text, const struct fovea_eval_set *set) {
    if (set->notes.count > 0) {
        fovea_buffer_text(text, "<ul class=\"notes\">\n");
        for (size_t i = 0; i < set->notes.count; i++) {
            fovea_buffer_text(text, "<li>");
            add_place(text, &set->notes.items[i]);
            fovea_buffer_text(text, ": ");
            fovea_buffer_html(text, set->notes.items[i].reason);
            fovea_buffer_text(text, "</li>\n");
        }
        fovea_buffer_text(text, "</ul>\n");
    }
}

static void add_set_head(struct fovea_buffer *text, const struct fovea_eval_set *set) {
    static const char *const rules[] = {"the whole name", "the name without its suffix",
                                        "the last part of the path without its suffix"};
    fovea_buffer_text(text, "<section>\n<h2>");
    fovea_buffer_html(text, set->source->name);
    fovea_buffer_text(text, "</h2>\n<p class=\"lead\">");
    fovea_buffer_html(text, set->predicted);
    fovea_buffer_text(text, " against ");
    fovea_buffer_html(text, set->reference);
    fovea_buffer_format(text, " &middot; %zu evaluated, %zu failed &middot; matched by %s", set->count,
                        set->failures.count, rules[set->match]);
    if (set->source->field_mm > 0.0) {
        fovea_buffer_format(text, " &middot; field of view %g mm, as given", set->source->field_mm);
    }
    fovea_buffer_text(text, "</p>\n");
    add_notes(text, set);
}

static void add_class_table(struct fovea_buffer *text, const struct fovea_classification *result) {
    fovea_buffer_text(text, "<div class=\"scroll\"><table>\n<thead><tr><th>Class</th><th class=\"number\">Labelled</th>"
                            "<th class=\"number\">Predicted</th>");
    for (size_t i = 0; i < FOVEA_CLASS_FIGURES; i++) {
        fovea_buffer_format(text, "<th class=\"number\">%s</th>", fovea_class_figures[i].label);
    }
    fovea_buffer_text(text, "</tr></thead>\n<tbody>\n");
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
        const struct fovea_class_scores *scores = &result->classes[k];
        fovea_buffer_format(text, "<tr><td>%s</td><td class=\"number\">%zu</td><td class=\"number\">%zu</td>",
                            fovea_quality_names[k], scores->support, scores->predicted);
        for (size_t i = 0; i < FOVEA_CLASS_FIGURES; i++) {
            fovea_buffer_text(text, "<td class=\"number\">");
            add_value(text, fovea_class_value(scores, i));
            fovea_buffer_text(text, "</td>");
        }
        fovea_buffer_text(text, "</tr>\n");
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n");
}

/* The probability that the images of each class were given for it. */
static void add_confidence(struct fovea_buffer *text, const struct fovea_eval_set *set) {
    double *values = fv_allocate(set->count, FOVEA_QUALITY_COUNT * sizeof *values);
    struct fovea_spread spreads[FOVEA_QUALITY_COUNT];
    struct fovea_plot_box boxes[FOVEA_QUALITY_COUNT];
    if (values == NULL) {
        text->failed = true;
        return;
    }
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
        double *own = values + k * set->count;
        for (size_t i = 0; i < set->count; i++) {
            const struct fovea_graded_pair *pair = &set->grades[i].pair;
            own[i] = pair->truth == k ? pair->probability[k] : NAN;
        }
        text->failed = text->failed || fovea_spread_find(own, set->count, &spreads[k], NULL) != FV_OK;
        boxes[k] = (struct fovea_plot_box){"Label", fovea_quality_names[k], own, set->count, &spreads[k]};
    }
    if (!text->failed) {
        fovea_buffer_text(text, "<figure><figcaption>Probability given to the labelled grade</figcaption>\n");
        fovea_plot_boxes(text, "Probability given to the labelled grade", boxes, FOVEA_QUALITY_COUNT, 1.0);
        fovea_buffer_text(text, "</figure>\n");
    }
    fv_release(values);
}

static void add_grade_set(struct fovea_buffer *text, const struct fovea_eval_set *set) {
    add_set_head(text, set);
    if (set->count > 0) {
        fovea_buffer_text(text, "<div class=\"charts\">\n<figure><figcaption>Confusion matrix: images, and their share "
                                "of the label</figcaption>\n");
        fovea_chart_confusion(text, &set->classification);
        fovea_buffer_text(text, "</figure>\n");
        if (set->classification.probabilities) {
            fovea_buffer_text(text, "<figure><figcaption>ROC, one class against the rest</figcaption>\n");
            fovea_chart_roc(text, &set->classification);
            fovea_buffer_text(text, "</figure>\n");
        }
        fovea_buffer_text(text, "</div>\n");
        add_class_table(text, &set->classification);
        if (set->classification.probabilities) {
            add_confidence(text, set);
        }
    }
    fovea_buffer_text(text, "</section>\n");
}

/* The values of one figure for all images of a set, owned by the caller; NULL if memory is exhausted. */
static double *figure_values(const struct fovea_eval_set *set, size_t figure) {
    double *values = fv_allocate(set->count, sizeof *values);
    for (size_t i = 0; values != NULL && i < set->count; i++) {
        values[i] = set->masks[i].figures[figure];
    }
    return values;
}

static void add_mask_boxes(struct fovea_buffer *text, const struct fovea_eval *eval) {
    static const size_t drawn[] = {FOVEA_MASK_DICE, FOVEA_MASK_JACCARD, FOVEA_MASK_PRECISION, FOVEA_MASK_RECALL};
    enum { DRAWN = sizeof drawn / sizeof *drawn };
    struct fovea_plot_box boxes[DRAWN * FOVEA_EVAL_MAX_SETS];
    double *values[DRAWN * FOVEA_EVAL_MAX_SETS];
    size_t count = 0;
    for (size_t k = 0; k < DRAWN; k++) {
        for (size_t i = 0; i < eval->count; i++, count++) {
            const struct fovea_eval_set *set = &eval->sets[i];
            values[count] = figure_values(set, drawn[k]);
            text->failed = text->failed || values[count] == NULL;
            boxes[count] = (struct fovea_plot_box){fovea_mask_figure_texts[drawn[k]].label, set->source->name,
                                                   values[count], set->count, &set->spreads[drawn[k]]};
        }
    }
    if (!text->failed) {
        fovea_buffer_text(text, "<section>\n<h2>Spread over the images</h2>\n<p class=\"lead\">Box: quartiles and "
                                "median (its number on the right); diamond: mean; whiskers: 1.5 box lengths at most; "
                                "circles: images beyond.</p>\n");
        fovea_plot_boxes(text, "Dice, Jaccard, precision and recall", boxes, count, 1.0);
        fovea_buffer_text(text, "</section>\n");
    }
    for (size_t i = 0; i < count; i++) {
        fv_release(values[i]);
    }
}

static void add_agreement(struct fovea_buffer *text, const struct fovea_eval_set *set) {
    double *predicted = figure_values(set, FOVEA_MASK_PREDICTED_AREA);
    double *reference = figure_values(set, FOVEA_MASK_REFERENCE_AREA);
    if (predicted == NULL || reference == NULL) {
        text->failed = true;
    } else {
        const struct fovea_agreement *agreement = &set->agreement;
        fovea_buffer_text(text, "<h3>FAZ area: agreement</h3>\n");
        static const struct fovea_plot_titles titles = {"Agreement of areas", "mean of the two areas, mm\xc2\xb2",
                                                        "predicted \xe2\x88\x92 reference, mm\xc2\xb2"};
        fovea_plot_agreement(text, &titles, predicted, reference, set->count, agreement);
        fovea_buffer_format(text, "<p>%zu images: bias ", agreement->count);
        add_value(text, agreement->bias);
        fovea_buffer_text(text, " mm\xc2\xb2, limits of agreement ");
        add_value(text, agreement->lower);
        fovea_buffer_text(text, " to ");
        add_value(text, agreement->upper);
        fovea_buffer_format(text, " mm\xc2\xb2, mean absolute error %.4f mm\xc2\xb2.</p>\n", agreement->mean_absolute);
    }
    fv_release(predicted);
    fv_release(reference);
}

static enum fv_status add_mask_set(struct fovea_buffer *text, const struct fovea_eval *eval,
                                   const struct fovea_eval_set *set, struct fv_error *error) {
    enum fv_status status = FV_OK;
    add_set_head(text, set);
    if (set->agreement.count > 0) {
        add_agreement(text, set);
    }
    if (set->count > 0) {
        status = fovea_gallery_add(text, eval->options, set, error);
    }
    fovea_buffer_text(text, "</section>\n");
    return status;
}

static void add_failures(struct fovea_buffer *text, const struct fovea_eval *eval) {
    size_t total = 0;
    for (size_t s = 0; s < eval->count; s++) {
        total += eval->sets[s].failures.count;
    }
    if (total == 0) {
        return;
    }
    fovea_buffer_text(text, "<section>\n<h2>Failures</h2>\n<div "
                            "class=\"scroll\"><table>\n<thead><tr><th>Set</th><th>Image</th><th>Place</th>"
                            "<th>Reason</th></tr></thead>\n<tbody>\n");
    for (size_t s = 0; s < eval->count; s++) {
        const struct fovea_eval_set *set = &eval->sets[s];
        for (size_t i = 0; i < set->failures.count && i < FAILURES_SHOWN; i++) {
            fovea_buffer_text(text, "<tr><td>");
            fovea_buffer_html(text, set->source->name);
            fovea_buffer_text(text, "</td><td class=\"file\">");
            fovea_buffer_html(text, set->failures.items[i].image);
            fovea_buffer_text(text, "</td><td>");
            add_place(text, &set->failures.items[i]);
            fovea_buffer_text(text, "</td><td>");
            fovea_buffer_html(text, set->failures.items[i].reason);
            fovea_buffer_text(text, "</td></tr>\n");
        }
        if (set->failures.count > FAILURES_SHOWN) {
            fovea_buffer_format(text, "<tr><td></td><td colspan=\"3\">and %zu more, in eval.csv</td></tr>\n",
                                set->failures.count - FAILURES_SHOWN);
        }
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n</section>\n");
}

static void add_term(struct fovea_buffer *text, const char *term, const char *meaning) {
    fovea_buffer_format(text, "<dt>%s</dt><dd>", term);
    fovea_buffer_html(text, meaning);
    fovea_buffer_text(text, "</dd>\n");
}

static void add_method(struct fovea_buffer *text, const struct fovea_eval *eval) {
    fovea_buffer_text(text, "<section>\n<h2>What the figures are</h2>\n<dl>\n");
    if (eval->options->kind == FOVEA_EVAL_GRADES) {
        for (size_t i = 0; i < FOVEA_CLASS_FIGURES; i++) {
            add_term(text, fovea_class_figures[i].label, fovea_class_figures[i].formula);
        }
        for (size_t i = 0; i < FOVEA_CLASSIFICATION_FIGURES; i++) {
            add_term(text, fovea_classification_figures[i].label, fovea_classification_figures[i].formula);
        }
        fovea_buffer_text(text, "</dl>\n<p>TP, FP and FN of a class: images rightly predicted as it, wrongly predicted "
                                "as it, of it and predicted as another. A dash is an undefined value, a division of "
                                "nothing by nothing; means over classes leave such classes out.</p>\n</section>\n");
        return;
    }
    for (size_t i = 0; i < FOVEA_MASK_FIGURES; i++) {
        add_term(text, fovea_mask_figure_texts[i].label, fovea_mask_figure_texts[i].formula);
    }
    fovea_buffer_text(text, "</dl>\n<p>TP, FP, FN: pixels that are FAZ in both masks, in the prediction only, in the "
                            "reference only. Undefined values (nothing by nothing) are counted and left out of means. "
                            "Standard deviations divide by n \xe2\x88\x92 1; quartiles are linear between neighbours; "
                            "limits of agreement are bias \xc2\xb1 1.96 standard deviations of predicted "
                            "\xe2\x88\x92 reference.</p>\n</section>\n");
}

enum fv_status fovea_eval_write_report(const struct fovea_eval *eval, const char *path, struct fv_error *error) {
    struct fovea_buffer text = {0};
    enum fv_status status = FV_OK;
    add_head(&text, eval);
    add_tiles(&text, eval);
    if (eval->options->kind == FOVEA_EVAL_GRADES) {
        add_grade_table(&text, eval);
        for (size_t i = 0; i < eval->count; i++) {
            add_grade_set(&text, &eval->sets[i]);
        }
    } else {
        add_mask_table(&text, eval);
        add_mask_boxes(&text, eval);
        for (size_t i = 0; i < eval->count && status == FV_OK; i++) {
            status = add_mask_set(&text, eval, &eval->sets[i], error);
        }
    }
    add_failures(&text, eval);
    add_method(&text, eval);
    fovea_buffer_text(&text, "<footer>" FOVEA_NOTICE " Made by fovea " FOVEA_VERSION
                             "; the same figures are in eval.json, eval_summary.csv and, image by image, in "
                             "eval.csv.</footer>\n</body>\n</html>\n");
    status = status != FV_OK ? status : fovea_buffer_write(&text, path, error);
    fovea_buffer_clear(&text);
    return status;
}
