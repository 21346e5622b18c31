/* The metrics on cases that are worked out by hand. */
#include <math.h>
#include <string.h>

#include "base/statistics.h"
#include "checks.h"
#include "eval/classification.h"
#include "eval/segmentation.h"
#include "fovea/memory.h"

static const double TOLERANCE = 1e-14; /* a few roundings of double */

#define expect(value, expected) ck_assert_double_eq_tol(value, expected, TOLERANCE)

/* Truth, prediction and probabilities; every class has two images. */
static const struct fovea_graded_pair six[6] = {
    {0, 0, {0.6, 0.3, 0.1}}, {0, 1, {0.3, 0.5, 0.2}}, {1, 1, {0.3, 0.6, 0.1}},
    {1, 1, {0.1, 0.8, 0.1}}, {2, 0, {0.5, 0.1, 0.4}}, {2, 2, {0.1, 0.2, 0.7}},
};

static struct fovea_classification classify(const struct fovea_graded_pair *pairs, size_t count, bool probabilities) {
    struct fovea_classification result;
    struct fv_error error;
    check_success(fovea_classify(pairs, count, probabilities, &result, &error), &error);
    return result;
}

START_TEST(figures_of_a_confusion_matrix) {
    struct fovea_classification result = classify(six, 6, false);
    static const size_t matrix[3][3] = {{1, 1, 0}, {0, 2, 0}, {1, 0, 1}};
    ck_assert_mem_eq(result.confusion, matrix, sizeof matrix);
    expect(result.accuracy, 4.0 / 6.0);
    static const double precision[] = {0.5, 2.0 / 3.0, 1.0}, recall[] = {0.5, 1.0, 0.5}, f1[] = {0.5, 0.8, 2.0 / 3.0};
    for (size_t k = 0; k < 3; k++) {
        expect(result.classes[k].precision, precision[k]);
        expect(result.classes[k].recall, recall[k]);
        expect(result.classes[k].f1, f1[k]);
        expect(result.classes[k].weight, 1.0);
        ck_assert_uint_eq(result.classes[k].support, 2);
        ck_assert(isnan(result.classes[k].auc));
    }
    expect(result.macro_precision, 13.0 / 18.0);
    expect(result.weighted_precision, 13.0 / 18.0);
    expect(result.macro_recall, 2.0 / 3.0);
    expect(result.weighted_recall, result.accuracy);
    ck_assert(isnan(result.macro_auc) && isnan(result.micro_auc) && isnan(result.cross_entropy));
    ck_assert(isnan(result.weighted_cross_entropy) && isnan(result.weighted_cross_entropy_literal));
    fovea_classification_clear(&result);
}
END_TEST

START_TEST(curves_and_losses) {
    struct fovea_classification result = classify(six, 6, true);
    expect(result.classes[0].auc, 6.5 / 8.0); /* 0.6 beats four; 0.3 beats two and ties with one */
    expect(result.classes[1].auc, 1.0);
    expect(result.classes[2].auc, 1.0);
    expect(result.macro_auc, (6.5 / 8.0 + 2.0) / 3.0);
    static const double points[5][2] = {{0.0, 0.0}, {0.0, 0.5}, {0.25, 0.5}, {0.5, 1.0}, {1.0, 1.0}};
    ck_assert_uint_eq(result.rocs[0].count, 5);
    for (size_t i = 0; i < 5; i++) {
        expect(result.rocs[0].points[i].false_positive_rate, points[i][0]);
        expect(result.rocs[0].points[i].true_positive_rate, points[i][1]);
    }
    ck_assert(isinf(result.rocs[0].points[0].threshold) && result.rocs[0].points[3].threshold == 0.3);
    double right = -log(0.6) - log(0.6) - log(0.8) - log(0.7), wrong = -log(0.3) - log(0.4);
    expect(result.cross_entropy, (right + wrong) / 6.0);
    expect(result.weighted_cross_entropy, (right + wrong) / 6.0);
    expect(result.weighted_cross_entropy_literal, right / 3.0);
    ck_assert_uint_eq(result.unlikely_grades, 0);
    fovea_classification_clear(&result);
}
END_TEST

/* Three images of class 0, one of class 1, none of class 2. */
START_TEST(an_absent_class_is_undefined) {
    const struct fovea_graded_pair pairs[4] = {
        {0, 0, {0.7, 0.2, 0.1}}, {0, 0, {0.2, 0.3, 0.5}}, {0, 1, {0.3, 0.6, 0.1}}, {1, 1, {0.1, 0.8, 0.1}}};
    struct fovea_classification result = classify(pairs, 4, true);
    expect(result.classes[0].weight, 4.0 / 9.0);
    expect(result.classes[1].weight, 4.0 / 3.0);
    ck_assert(isnan(result.classes[2].weight) && isnan(result.classes[2].recall) && isnan(result.classes[2].f1));
    ck_assert(isnan(result.classes[2].auc) && result.rocs[2].count == 0);
    expect(result.macro_recall, (2.0 / 3.0 + 1.0) / 2.0);
    expect(result.weighted_recall, 0.75);
    double first = -log(0.7) - log(0.2) - log(0.3), second = -log(0.8);
    expect(result.weighted_cross_entropy, (4.0 / 9.0 * first + 4.0 / 3.0 * second) / (4.0 / 3.0 + 4.0 / 3.0));
    ck_assert(isnan(result.weighted_cross_entropy_literal));
    ck_assert_uint_eq(result.unlikely_grades, 1);
    fovea_classification_clear(&result);
}
END_TEST

START_TEST(an_infinite_loss_is_left_out) {
    const struct fovea_graded_pair pairs[2] = {{0, 0, {0.7, 0.2, 0.1}}, {1, 0, {1.0, 0.0, 0.0}}};
    struct fovea_classification result = classify(pairs, 2, true);
    ck_assert_uint_eq(result.zero_probabilities, 1);
    ck_assert(isnan(result.cross_entropy) && isnan(result.weighted_cross_entropy));
    expect(result.classes[1].auc, 0.0);
    fovea_classification_clear(&result);
    result = classify(NULL, 0, true);
    ck_assert(isnan(result.accuracy) && isnan(result.macro_f1) && isnan(result.micro_auc));
    fovea_classification_clear(&result);
    for (long successes = 0;; successes++) {
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_classify(six, 6, true, &result, NULL);
        fv_memory_fail_after(-1);
        if (status == FV_OK) {
            break;
        }
        ck_assert_int_eq(status, FV_ERROR_MEMORY);
    }
    fovea_classification_clear(&result);
}
END_TEST

START_TEST(figures_of_an_overlap) {
    static const uint8_t predicted[8] = {1, 1, 1, 0, 0, 0, 0, 0}, reference[8] = {0, 255, 3, 1, 0, 0, 0, 0};
    struct fovea_overlap overlap = fovea_overlap_count(predicted, reference, 8);
    ck_assert(overlap.true_positives == 2 && overlap.false_positives == 1);
    ck_assert(overlap.false_negatives == 1 && overlap.true_negatives == 4);
    double figures[FOVEA_MASK_FIGURES];
    fovea_overlap_score(&overlap, false, figures);
    expect(figures[FOVEA_MASK_DICE], 4.0 / 6.0);
    expect(figures[FOVEA_MASK_DICE_SMOOTHED], 5.0 / 7.0);
    expect(figures[FOVEA_MASK_JACCARD], 0.5);
    expect(figures[FOVEA_MASK_PRECISION], 2.0 / 3.0);
    expect(figures[FOVEA_MASK_RECALL], 2.0 / 3.0);
    expect(figures[FOVEA_MASK_DICE_LOSS], 2.0 / 7.0);
    fovea_mask_areas(&overlap, 4, 6.0, figures);
    expect(figures[FOVEA_MASK_PREDICTED_AREA], 3.0 * 36.0 / 16.0);
    expect(figures[FOVEA_MASK_REFERENCE_AREA], 3.0 * 36.0 / 16.0);
    expect(figures[FOVEA_MASK_AREA_ERROR], 0.0);
}
END_TEST

/* Two empty masks; an empty prediction; an empty reference. */
START_TEST(empty_masks) {
    double figures[FOVEA_MASK_FIGURES];
    fovea_overlap_score(&(struct fovea_overlap){0, 0, 0, 9}, false, figures);
    ck_assert(isnan(figures[FOVEA_MASK_DICE]) && isnan(figures[FOVEA_MASK_JACCARD]));
    ck_assert(isnan(figures[FOVEA_MASK_PRECISION]) && isnan(figures[FOVEA_MASK_RECALL]));
    expect(figures[FOVEA_MASK_DICE_SMOOTHED], 1.0);
    fovea_overlap_score(&(struct fovea_overlap){0, 0, 0, 9}, true, figures);
    for (size_t k = 0; k < FOVEA_MASK_DICE_LOSS; k++) {
        expect(figures[k], 1.0);
    }
    fovea_overlap_score(&(struct fovea_overlap){0, 0, 3, 6}, true, figures);
    ck_assert(figures[FOVEA_MASK_DICE] == 0.0 && isnan(figures[FOVEA_MASK_PRECISION]));
    expect(figures[FOVEA_MASK_DICE_SMOOTHED], 0.25);
    ck_assert(figures[FOVEA_MASK_RECALL] == 0.0);
    fovea_overlap_score(&(struct fovea_overlap){0, 3, 0, 6}, true, figures);
    ck_assert(isnan(figures[FOVEA_MASK_RECALL]) && figures[FOVEA_MASK_PRECISION] == 0.0);
}
END_TEST

/* One row of two pixels, the first FAZ: as two classes, as three, and as a plane. */
START_TEST(losses_of_probabilities) {
    float two[] = {0.25F, 0.75F, 0.75F, 0.25F}, three[] = {0.25F, 0.75F, 0.5F, 0.125F, 0.25F, 0.125F},
          plane[] = {0.75F, 0.25F};
    const struct fv_npy maps[] = {{3, {2, 1, 2}, 4, two}, {3, {3, 1, 2}, 6, three}, {2, {1, 2, 1}, 2, plane}};
    static const uint8_t reference[2] = {1, 0};
    double figures[FOVEA_MASK_FIGURES] = {[FOVEA_MASK_DICE_LOSS] = 0.25};
    struct fv_error error;
    check_success(fovea_mask_losses("m.npy", &maps[_i], 0, reference, 2, 1, figures, &error), &error);
    expect(figures[FOVEA_MASK_CROSS_ENTROPY], -log(0.75));
    expect(figures[FOVEA_MASK_CROSS_ENTROPY_PRINTED], -log(0.75));
    expect(figures[FOVEA_MASK_SOFT_DICE_LOSS], 1.0 - (2.0 * 0.75 + 1.0) / (1.0 + 1.0 + 1.0));
    expect(figures[FOVEA_MASK_COMBINED_LOSS], 0.5 * -log(0.75) + 0.125);
}
END_TEST

START_TEST(maps_that_are_none) {
    float values[] = {1.0F, 0.75F, 0.0F, 0.25F};
    struct fv_npy map = {3, {2, 1, 2}, 4, values};
    static const uint8_t reference[2] = {1, 0};
    double figures[FOVEA_MASK_FIGURES] = {0};
    struct fv_error error;
    check_success(fovea_mask_losses("m.npy", &map, 0, reference, 2, 1, figures, &error), &error);
    ck_assert(isnan(figures[FOVEA_MASK_CROSS_ENTROPY]) && isnan(figures[FOVEA_MASK_COMBINED_LOSS]));
    ck_assert(isfinite(figures[FOVEA_MASK_SOFT_DICE_LOSS]));
    check_failure(fovea_mask_losses("m.npy", &map, 0, reference, 1, 2, figures, &error), &error, FV_ERROR_FORMAT,
                  "m.npy: expected probabilities of shape classes x 2 x 1");
    values[1] = NAN;
    check_failure(fovea_mask_losses("m.npy", &map, 0, reference, 2, 1, figures, &error), &error, FV_ERROR_FORMAT,
                  "element 1");
    values[1] = 1.5F;
    check_failure(fovea_mask_losses("m.npy", &map, 0, reference, 2, 1, figures, &error), &error, FV_ERROR_FORMAT,
                  "found 1.5");
}
END_TEST

/* Three classes: the label says which is the FAZ; two classes: 255 is another name of class 1. */
START_TEST(labels_choose_a_class) {
    float three[] = {0.25F, 0.75F, 0.25F, 0.125F, 0.5F, 0.125F}, two[] = {0.25F, 0.75F, 0.75F, 0.25F};
    const struct fv_npy of_three = {3, {3, 1, 2}, 6, three}, of_two = {3, {2, 1, 2}, 4, two};
    static const uint8_t reference[2] = {1, 0};
    double figures[FOVEA_MASK_FIGURES] = {0};
    struct fv_error error;
    check_success(fovea_mask_losses("m.npy", &of_three, 2, reference, 2, 1, figures, &error), &error);
    expect(figures[FOVEA_MASK_CROSS_ENTROPY_PRINTED], -log(0.5));
    expect(figures[FOVEA_MASK_CROSS_ENTROPY], (-log(0.5) - log(0.875)) / 2.0);
    check_success(fovea_mask_losses("m.npy", &of_two, 255, reference, 2, 1, figures, &error), &error);
    expect(figures[FOVEA_MASK_CROSS_ENTROPY], -log(0.75));
    check_failure(fovea_mask_losses("m.npy", &of_three, 3, reference, 2, 1, figures, &error), &error, FV_ERROR_FORMAT,
                  "m.npy: expected a class 3, found 3 classes");
}
END_TEST

START_TEST(spreads_and_agreement) {
    static const double values[] = {4.0, 1.0, 0.0 / 0.0, 3.0, 2.0}, reference[] = {1.0, 1.0, 1.0, 1.0, 1.0};
    struct fovea_spread spread;
    check_success(fovea_spread_find(values, 5, &spread, NULL), NULL);
    ck_assert(spread.count == 4 && spread.undefined == 1);
    expect(spread.mean, 2.5);
    expect(spread.sd, sqrt(5.0 / 3.0));
    expect(spread.lower_quartile, 1.75);
    expect(spread.median, 2.5);
    expect(spread.upper_quartile, 3.25);
    ck_assert(spread.least == 1.0 && spread.most == 4.0);
    struct fovea_agreement agreement = fovea_agreement_find(values, reference, 5);
    ck_assert_uint_eq(agreement.count, 4);
    expect(agreement.bias, 1.5);
    expect(agreement.mean_absolute, 1.5);
    expect(agreement.sd, sqrt(5.0 / 3.0));
    expect(agreement.lower, 1.5 - 1.96 * sqrt(5.0 / 3.0));
    expect(agreement.upper, 1.5 + 1.96 * sqrt(5.0 / 3.0));
    check_success(fovea_spread_find(values, 1, &spread, NULL), NULL);
    ck_assert(spread.mean == 4.0 && isnan(spread.sd) && spread.median == 4.0);
    check_success(fovea_spread_find(values + 2, 1, &spread, NULL), NULL);
    ck_assert(spread.count == 0 && isnan(spread.mean) && isnan(spread.most));
    agreement = fovea_agreement_find(values + 2, reference, 1);
    ck_assert(agreement.count == 0 && isnan(agreement.bias));
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"confusion", figures_of_a_confusion_matrix, 0},
        {"curves", curves_and_losses, 0},
        {"absent class", an_absent_class_is_undefined, 0},
        {"infinite loss", an_infinite_loss_is_left_out, 0},
        {"overlap", figures_of_an_overlap, 0},
        {"empty", empty_masks, 0},
        {"losses", losses_of_probabilities, 3},
        {"labels", labels_choose_a_class, 0},
        {"no maps", maps_that_are_none, 0},
        {"spread", spreads_and_agreement, 0},
    };
    return check_run("evaluation metrics", cases, sizeof cases / sizeof cases[0]);
}
