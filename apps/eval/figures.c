/* The summary of an evaluation, line by line. */
#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "eval/eval.h"

enum { SPREADS = 5, AGREEMENTS = 5 };

/* What is told of a figure of masks. */
static const char *const spread_names[SPREADS] = {"mean", "sd", "median", "lower_quartile", "upper_quartile"};

static double spread_value(const struct fovea_spread *spread, size_t statistic) {
    const double values[SPREADS] = {spread->mean, spread->sd, spread->median, spread->lower_quartile,
                                    spread->upper_quartile};
    return values[statistic];
}

static const char *const agreement_names[AGREEMENTS] = {"bias", "sd_of_differences", "lower_limit", "upper_limit",
                                                        "mean_absolute"};

static double agreement_value(const struct fovea_agreement *agreement, size_t statistic) {
    const double values[AGREEMENTS] = {agreement->bias, agreement->sd, agreement->lower, agreement->upper,
                                       agreement->mean_absolute};
    return values[statistic];
}

bool fovea_eval_has(const struct fovea_eval *eval, enum fovea_mask_figure figure) {
    for (size_t i = 0; i < eval->count; i++) {
        if (figure < FOVEA_MASK_CROSS_ENTROPY || (figure < FOVEA_MASK_PREDICTED_AREA && eval->sets[i].probabilities) ||
            (figure >= FOVEA_MASK_PREDICTED_AREA && eval->sets[i].areas)) {
            return true;
        }
    }
    return false;
}

/* The lines of a figure of masks: its statistics, and for those of the overlap also the pooled value. */
static size_t lines_of_mask(const struct fovea_eval *eval, size_t figure) {
    if (!fovea_eval_has(eval, (enum fovea_mask_figure)figure)) {
        return 0;
    }
    return figure < FOVEA_MASK_OVERLAP_FIGURES ? SPREADS + 1 : SPREADS;
}

size_t fovea_eval_figure_count(const struct fovea_eval *eval) {
    if (eval->options->kind == FOVEA_EVAL_GRADES) {
        return FOVEA_CLASSIFICATION_FIGURES + FOVEA_QUALITY_COUNT * FOVEA_CLASS_FIGURES;
    }
    size_t count = fovea_eval_has(eval, FOVEA_MASK_AREA_ERROR) ? AGREEMENTS : 0;
    for (size_t k = 0; k < FOVEA_MASK_FIGURES; k++) {
        count += lines_of_mask(eval, k);
    }
    return count;
}

static void get_grade_line(const struct fovea_eval *eval, size_t index, struct fovea_eval_figure *line) {
    size_t class = FOVEA_QUALITY_COUNT, figure = index;
    const struct fovea_classification_figure *text = &fovea_classification_figures[index];
    if (index >= FOVEA_CLASSIFICATION_FIGURES) {
        class = (index - FOVEA_CLASSIFICATION_FIGURES) / FOVEA_CLASS_FIGURES;
        figure = (index - FOVEA_CLASSIFICATION_FIGURES) % FOVEA_CLASS_FIGURES;
        text = &fovea_class_figures[figure];
        snprintf(line->name, sizeof line->name, "%s_%s", text->name, fovea_quality_names[class]);
        snprintf(line->label, sizeof line->label, "%s, %s", text->label, fovea_quality_names[class]);
    } else {
        snprintf(line->name, sizeof line->name, "%s", text->name);
        snprintf(line->label, sizeof line->label, "%s", text->label);
    }
    line->formula = text->formula;
    line->statistic = "value";
    for (size_t i = 0; i < eval->count; i++) {
        const struct fovea_classification *result = &eval->sets[i].classification;
        line->values[i] = class < FOVEA_QUALITY_COUNT ? fovea_class_value(&result->classes[class], figure)
                                                      : fovea_classification_value(result, figure);
    }
}

static void get_mask_line(const struct fovea_eval *eval, size_t index, struct fovea_eval_figure *line) {
    size_t figure = 0;
    while (figure < FOVEA_MASK_FIGURES && index >= lines_of_mask(eval, figure)) {
        index -= lines_of_mask(eval, figure++);
    }
    bool agreement = figure == FOVEA_MASK_FIGURES;
    const struct fovea_mask_figure_text *text =
        &fovea_mask_figure_texts[agreement ? (size_t)FOVEA_MASK_AREA_ERROR : figure];
    snprintf(line->name, sizeof line->name, "%s", text->name);
    snprintf(line->label, sizeof line->label, "%s", text->label);
    line->formula = text->formula;
    line->statistic = agreement ? agreement_names[index] : index < SPREADS ? spread_names[index] : "pooled";
    for (size_t i = 0; i < eval->count; i++) {
        const struct fovea_eval_set *set = &eval->sets[i];
        line->values[i] = agreement         ? agreement_value(&set->agreement, index)
                          : index < SPREADS ? spread_value(&set->spreads[figure], index)
                                            : set->pooled_figures[figure];
    }
}

void fovea_eval_figure_get(const struct fovea_eval *eval, size_t index, struct fovea_eval_figure *figure) {
    *figure = (struct fovea_eval_figure){0};
    if (eval->options->kind == FOVEA_EVAL_GRADES) {
        get_grade_line(eval, index, figure);
    } else {
        get_mask_line(eval, index, figure);
    }
    for (size_t i = 0; i < eval->count; i++) {
        figure->mean += figure->values[i]; /* NaN stays NaN */
    }
    figure->mean /= (double)eval->count;
}

void fovea_eval_add_number(struct fovea_buffer *text, double value) {
    if (isfinite(value)) {
        char number[FOVEA_NUMBER_SIZE];
        fovea_format_shortest(value, number);
        fovea_buffer_text(text, number);
    }
}
