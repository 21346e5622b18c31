#include "eval/classification.h"

#include <math.h>
#include <stdlib.h>

#include "fovea/memory.h"

enum { CLASSES = FOVEA_QUALITY_COUNT };

#define FIGURE(field, label, formula)                                                                                  \
    { #field, label, formula, offsetof(struct fovea_classification, field) }
const struct fovea_classification_figure fovea_classification_figures[FOVEA_CLASSIFICATION_FIGURES] = {
    FIGURE(accuracy, "Accuracy", "right predictions / images"),
    FIGURE(macro_precision, "Precision, macro", "plain mean of the classes' precision"),
    FIGURE(macro_recall, "Recall, macro", "plain mean of the classes' recall (balanced accuracy)"),
    FIGURE(macro_f1, "F1, macro", "plain mean of the classes' F1"),
    FIGURE(weighted_precision, "Precision, weighted", "mean of the classes' precision, weighted by support"),
    FIGURE(weighted_recall, "Recall, weighted",
           "mean of the classes' recall, weighted by support; equals the accuracy"),
    FIGURE(weighted_f1, "F1, weighted", "mean of the classes' F1, weighted by support"),
    FIGURE(macro_auc, "AUC, macro", "plain mean of the one-against-rest AUCs; ties count one half"),
    FIGURE(weighted_auc, "AUC, weighted", "their mean, weighted by support"),
    FIGURE(micro_auc, "AUC, micro", "all images and classes in one ranking"),
    FIGURE(cross_entropy, "Cross-entropy", "mean of \xe2\x88\x92log P of the true class"),
    FIGURE(
        weighted_cross_entropy, "Cross-entropy, weighted",
        "\xce\xa3 \xe2\x88\x92w log P / \xce\xa3 w over images, w the weight of the true class (Wang et al. 2021, eq. "
        "2 to 5, one-hot truth)"),
    FIGURE(weighted_cross_entropy_literal, "Cross-entropy, eq. 5 as printed",
           "the sum over rightly predicted images only, divided by the sum of the classes' weights (eq. 3 and 5 taken "
           "literally)"),
};
#undef FIGURE

#define FIGURE(field, label, formula)                                                                                  \
    { #field, label, formula, offsetof(struct fovea_class_scores, field) }
const struct fovea_classification_figure fovea_class_figures[FOVEA_CLASS_FIGURES] = {
    FIGURE(precision, "Precision", "TP / (TP + FP)"),
    FIGURE(recall, "Recall", "TP / (TP + FN)"),
    FIGURE(f1, "F1", "2 TP / (2 TP + FP + FN)"),
    FIGURE(auc, "AUC", "one class against the rest, by ranks, ties count one half"),
    FIGURE(weight, "Class weight", "images / (classes \xc3\x97 support) (Wang et al. 2021, eq. 2)"),
};
#undef FIGURE

double fovea_classification_value(const struct fovea_classification *result, size_t figure) {
    return *(const double *)(const void *)((const char *)result + fovea_classification_figures[figure].offset);
}

double fovea_class_value(const struct fovea_class_scores *scores, size_t figure) {
    return *(const double *)(const void *)((const char *)scores + fovea_class_figures[figure].offset);
}

static double ratio(double part, double whole) {
    return whole > 0.0 ? part / whole : NAN;
}

/* The mean of a figure over the classes in which it is defined; each counts once or as often as it has images. */
static double mean_of_classes(const struct fovea_classification *result, size_t figure, bool weighted) {
    double sum = 0.0, weights = 0.0;
    for (size_t k = 0; k < CLASSES; k++) {
        double value = fovea_class_value(&result->classes[k], figure);
        double weight = weighted ? (double)result->classes[k].support : 1.0;
        if (!isnan(value)) {
            sum += weight * value;
            weights += weight;
        }
    }
    return ratio(sum, weights);
}

static void score_classes(struct fovea_classification *result) {
    size_t right = 0;
    for (size_t k = 0; k < CLASSES; k++) {
        struct fovea_class_scores *scores = &result->classes[k];
        for (size_t other = 0; other < CLASSES; other++) {
            scores->support += result->confusion[k][other];
            scores->predicted += result->confusion[other][k];
        }
        double hits = (double)result->confusion[k][k];
        right += result->confusion[k][k];
        scores->precision = ratio(hits, (double)scores->predicted);
        scores->recall = ratio(hits, (double)scores->support);
        scores->f1 = ratio(2.0 * hits, (double)(scores->predicted + scores->support));
        scores->weight = ratio((double)result->count, (double)(CLASSES * scores->support));
        scores->auc = NAN;
    }
    result->accuracy = ratio((double)right, (double)result->count);
    result->macro_precision = mean_of_classes(result, 0, false);
    result->macro_recall = mean_of_classes(result, 1, false);
    result->macro_f1 = mean_of_classes(result, 2, false);
    result->weighted_precision = mean_of_classes(result, 0, true);
    result->weighted_recall = mean_of_classes(result, 1, true);
    result->weighted_f1 = mean_of_classes(result, 2, true);
}

static void sum_losses(const struct fovea_graded_pair *pairs, struct fovea_classification *result) {
    double plain = 0.0, weighted = 0.0, literal = 0.0, weights = 0.0, class_weights = 0.0;
    for (size_t i = 0; i < result->count; i++) {
        const struct fovea_graded_pair *pair = &pairs[i];
        double weight = result->classes[pair->truth].weight, loss = -log(pair->probability[pair->truth]);
        result->zero_probabilities += isinf(loss) != 0;
        plain += loss;
        weighted += weight * loss;
        weights += weight;
        literal += pair->truth == pair->predicted ? weight * loss : 0.0;
        for (size_t k = 0; k < CLASSES; k++) {
            if (pair->probability[k] > pair->probability[pair->predicted]) {
                result->unlikely_grades++;
                break;
            }
        }
    }
    for (size_t k = 0; k < CLASSES; k++) {
        class_weights += result->classes[k].weight; /* NaN where a class has no images */
    }
    if (result->zero_probabilities == 0) {
        result->cross_entropy = ratio(plain, (double)result->count);
        result->weighted_cross_entropy = ratio(weighted, weights);
        result->weighted_cross_entropy_literal = ratio(literal, class_weights);
    }
}

struct score {
    double value;
    bool positive;
};

static int compare_scores(const void *a, const void *b) {
    const struct score *left = a, *right = b;
    return (left->value < right->value) - (left->value > right->value);
}

/* Sorts the scores, counts the pairs of a positive and a negative that are in order (ties one half each), which divided
 * by the number of pairs is the area under the curve, and notes a point for each distinct value. */
static enum fv_status rank(struct score *scores, size_t count, struct fovea_roc *roc, double *auc,
                           struct fv_error *error) {
    size_t positives = 0;
    for (size_t i = 0; i < count; i++) {
        positives += scores[i].positive;
    }
    size_t negatives = count - positives;
    *auc = NAN;
    if (positives == 0 || negatives == 0) {
        return FV_OK;
    }
    roc->points = fv_allocate(count + 1, sizeof *roc->points);
    if (roc->points == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a curve of %zu points", count);
    }
    qsort(scores, count, sizeof *scores, compare_scores);
    double ordered = 0.0;
    size_t hits = 0, alarms = 0;
    roc->points[roc->count++] = (struct fovea_roc_point){INFINITY, 0.0, 0.0};
    for (size_t i = 0; i < count;) {
        size_t hits_before = hits, alarms_before = alarms;
        double value = scores[i].value;
        for (; i < count && scores[i].value == value; i++) {
            hits += scores[i].positive;
            alarms += !scores[i].positive;
        }
        ordered += (double)(alarms - alarms_before) * ((double)hits_before + 0.5 * (double)(hits - hits_before));
        roc->points[roc->count++] =
            (struct fovea_roc_point){value, (double)alarms / (double)negatives, (double)hits / (double)positives};
    }
    *auc = ordered / ((double)positives * (double)negatives);
    return FV_OK;
}

static enum fv_status rank_all(const struct fovea_graded_pair *pairs, struct fovea_classification *result,
                               struct fv_error *error) {
    struct score *scores = fv_allocate(result->count, CLASSES * sizeof *scores);
    if (scores == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the ranks of %zu images", result->count);
    }
    enum fv_status status = FV_OK;
    for (size_t k = 0; k < CLASSES && status == FV_OK; k++) {
        for (size_t i = 0; i < result->count; i++) {
            scores[i] = (struct score){pairs[i].probability[k], pairs[i].truth == k};
        }
        status = rank(scores, result->count, &result->rocs[k], &result->classes[k].auc, error);
    }
    if (status == FV_OK) {
        for (size_t i = 0; i < result->count * CLASSES; i++) {
            const struct fovea_graded_pair *pair = &pairs[i / CLASSES];
            scores[i] = (struct score){pair->probability[i % CLASSES], pair->truth == i % CLASSES};
        }
        status = rank(scores, result->count * CLASSES, &result->rocs[FOVEA_ROC_MICRO], &result->micro_auc, error);
    }
    fv_release(scores);
    result->macro_auc = mean_of_classes(result, 3, false);
    result->weighted_auc = mean_of_classes(result, 3, true);
    return status;
}

enum fv_status fovea_classify(const struct fovea_graded_pair *pairs, size_t count, bool probabilities,
                              struct fovea_classification *result, struct fv_error *error) {
    *result = (struct fovea_classification){.count = count, .probabilities = probabilities};
    result->macro_auc = result->weighted_auc = result->micro_auc = NAN;
    result->cross_entropy = result->weighted_cross_entropy = result->weighted_cross_entropy_literal = NAN;
    for (size_t i = 0; i < count; i++) {
        result->confusion[pairs[i].truth][pairs[i].predicted]++;
    }
    score_classes(result);
    enum fv_status status = FV_OK;
    if (probabilities) {
        sum_losses(pairs, result);
        status = rank_all(pairs, result, error);
    }
    if (status != FV_OK) {
        fovea_classification_clear(result);
    }
    return status;
}

void fovea_classification_clear(struct fovea_classification *result) {
    for (size_t k = 0; k < FOVEA_ROC_COUNT; k++) {
        fv_release(result->rocs[k].points);
    }
    *result = (struct fovea_classification){0};
}
