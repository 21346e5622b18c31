/* How well grades agree with their labels: Wang et al. 2021, eq. 2 to 5, and what goes with a confusion matrix.
 *
 * NaN stands for what is undefined (a division of nothing by nothing) or cannot be known. Means over classes are over
 * those in which the value is defined.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_EVAL_CLASSIFICATION_H
#define FOVEA_APPS_EVAL_CLASSIFICATION_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/status.h"
#include "pipeline/grade.h"

/* One image. */
struct fovea_graded_pair {
    size_t truth, predicted;                 /* enum fovea_quality */
    double probability[FOVEA_QUALITY_COUNT]; /* of the prediction; where the classification has them */
};

struct fovea_roc_point {
    double threshold; /* images of at least this score count as positive; infinite at the first point */
    double false_positive_rate, true_positive_rate;
};

/* From (0, 0) to (1, 1), a point a distinct score; no points where a class or all others are absent. */
struct fovea_roc {
    struct fovea_roc_point *points;
    size_t count;
};

struct fovea_class_scores {
    size_t support, predicted; /* images of this class by the labels, by the predictions */
    double precision;          /* of the images predicted as this class, the share that is */
    double recall;             /* of the images of this class, the share predicted as it */
    double f1;                 /* 2 TP / (2 TP + FP + FN) */
    double weight;             /* eq. 2: images / (classes x support) */
    double auc;                /* one against the rest, by ranks, ties count one half */
};

enum { FOVEA_ROC_MICRO = FOVEA_QUALITY_COUNT, FOVEA_ROC_COUNT };

struct fovea_classification {
    size_t count;
    bool probabilities;
    size_t confusion[FOVEA_QUALITY_COUNT][FOVEA_QUALITY_COUNT]; /* [truth][predicted] */
    struct fovea_class_scores classes[FOVEA_QUALITY_COUNT];
    double accuracy;
    double macro_precision, macro_recall, macro_f1;          /* plain means over the classes */
    double weighted_precision, weighted_recall, weighted_f1; /* means weighted by support */
    double macro_auc, weighted_auc;
    double micro_auc;     /* over all images and classes in one ranking */
    double cross_entropy; /* mean of -log P of the true class */
    /* Eq. 5 over images s of true class y: sum of -weight_y log P_y / sum of weight_y. */
    double weighted_cross_entropy;
    /* Eq. 3 to 5 as printed: Y is 1 where the prediction is right, the divisor the sum of the classes' weights. */
    double weighted_cross_entropy_literal;
    size_t zero_probabilities; /* images whose true class has probability 0: the losses are infinite, NaN */
    size_t unlikely_grades;    /* images whose grade has a lower probability than another */
    struct fovea_roc rocs[FOVEA_ROC_COUNT]; /* of each class, and micro */
};

/* Evaluates `count` pairs. Errors: FV_ERROR_MEMORY. On failure *result is empty; on success the caller gives it back
 * with fovea_classification_clear. */
enum fv_status fovea_classify(const struct fovea_graded_pair *pairs, size_t count, bool probabilities,
                              struct fovea_classification *result, struct fv_error *error);
void fovea_classification_clear(struct fovea_classification *result);

/* The figures of a whole set, in the order in which they are reported. */
struct fovea_classification_figure {
    const char *name;
    const char *label;
    const char *formula;
    size_t offset; /* of a double in struct fovea_classification */
};
enum { FOVEA_CLASSIFICATION_FIGURES = 13 };
extern const struct fovea_classification_figure fovea_classification_figures[FOVEA_CLASSIFICATION_FIGURES];
double fovea_classification_value(const struct fovea_classification *result, size_t figure);

/* The same for one class: precision, recall, F1, AUC, weight. */
enum { FOVEA_CLASS_FIGURES = 5 };
extern const struct fovea_classification_figure fovea_class_figures[FOVEA_CLASS_FIGURES];
double fovea_class_value(const struct fovea_class_scores *scores, size_t figure);

#endif
