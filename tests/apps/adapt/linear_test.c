/* Training a last layer: its gradient, PyTorch's optimisers, schedule and stopping, folds, augmented copies. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/augment.h"
#include "adapt/folds.h"
#include "adapt/training.h"
#include "base/portable_math.h"
#include "checks.h"
#include "fovea/memory.h"
#include "golden.h"

enum { CLASSES = 3, FEATURES = 5, SAMPLES = 12, VALUES = CLASSES * (FEATURES + 1) };

static const double TOLERANCE = 1e-12; /* some thousand roundings of double */

/* The small problem of make_golden.py. */
struct problem {
    float features[SAMPLES * FEATURES];
    size_t labels[SAMPLES], rows[SAMPLES], counts[CLASSES];
    double values[VALUES], weights[CLASSES];
    struct fovea_linear layer;
    struct fovea_samples samples;
};

static void make_problem(struct problem *problem) {
    static const double bias[CLASSES] = {0.125, -0.25, 0.0625};
    memset(problem, 0, sizeof *problem);
    for (size_t s = 0; s < SAMPLES; s++) {
        problem->rows[s] = s;
        problem->labels[s] = s % 4 != 0 ? s * s % CLASSES : 2;
        problem->counts[problem->labels[s]]++;
        for (size_t f = 0; f < FEATURES; f++) {
            problem->features[s * FEATURES + f] = (float)((s * 7 + f * 13) % 33) / 16.0f - 1.0f;
        }
    }
    for (size_t i = 0; i < VALUES; i++) {
        problem->values[i] =
            i < CLASSES * FEATURES ? ((double)(i * 5 % 17) - 8.0) / 32.0 : bias[i - CLASSES * FEATURES];
    }
    problem->layer = (struct fovea_linear){CLASSES, FEATURES, problem->values};
    problem->samples = (struct fovea_samples){problem->features, problem->labels, problem->rows, SAMPLES};
    fovea_class_weights(problem->counts, CLASSES, problem->weights);
}

START_TEST(gradient_is_that_of_finite_differences) {
    struct problem problem;
    make_problem(&problem);
    double gradient[VALUES];
    fovea_linear_loss(&problem.layer, &problem.samples, problem.weights, gradient);
    const double step = 1e-5; /* errors: step squared, and 1e-16 / step */
    for (size_t i = 0; i < VALUES; i++) {
        double kept = problem.values[i];
        problem.values[i] = kept + step;
        double above = fovea_linear_loss(&problem.layer, &problem.samples, problem.weights, NULL);
        problem.values[i] = kept - step;
        double below = fovea_linear_loss(&problem.layer, &problem.samples, problem.weights, NULL);
        problem.values[i] = kept;
        ck_assert_double_eq_tol(gradient[i], (above - below) / (2.0 * step), 1e-9);
    }
}
END_TEST

START_TEST(weights_are_those_of_equation_2) {
    static const size_t counts[CLASSES] = {10, 20, 30};
    double weights[CLASSES];
    fovea_class_weights(counts, CLASSES, weights);
    ck_assert_double_eq_tol(weights[0], 2.0, TOLERANCE);
    ck_assert_double_eq_tol(weights[1], 1.0, TOLERANCE);
    ck_assert_double_eq_tol(weights[2], 2.0 / 3.0, TOLERANCE);
}
END_TEST

START_TEST(loss_of_hopeless_samples_is_finite) {
    double values[2 * 2] = {1e6, -1e6, 0.0, 0.0}, weights[2] = {1.0, 1.0}, gradient[4];
    float feature = 1.0f;
    size_t label = 1, row = 0;
    struct fovea_linear layer = {2, 1, values};
    struct fovea_samples samples = {&feature, &label, &row, 1};
    ck_assert(isfinite(fovea_linear_loss(&layer, &samples, weights, gradient)));
    ck_assert_double_eq_tol(gradient[0], 1.0, TOLERANCE);
}
END_TEST

/* Trains as the golden program does, and compares losses and last values. */
static void compare_steps(double decay, const double *losses, const double *values) {
    struct problem problem;
    make_problem(&problem);
    double moments[2 * VALUES] = {0.0}, gradient[VALUES];
    struct fovea_adam adam = {VALUES, CLASSES * FEATURES, decay, moments, moments + VALUES, 0};
    for (size_t epoch = 0; epoch < sizeof rates / sizeof *rates; epoch++) {
        double loss = fovea_linear_loss(&problem.layer, &problem.samples, problem.weights, gradient);
        ck_assert_double_eq_tol(loss, losses[epoch], TOLERANCE);
        for (size_t i = 0; epoch == 0 && i < VALUES; i++) {
            ck_assert_double_eq_tol(gradient[i], first_gradient[i], TOLERANCE);
        }
        fovea_adam_step(&adam, problem.values, gradient, fovea_cosine_rate(0.01, epoch, 5));
    }
    for (size_t i = 0; i < VALUES; i++) {
        ck_assert_double_eq_tol(problem.values[i], values[i], TOLERANCE);
    }
}

START_TEST(steps_are_those_of_pytorch) {
    compare_steps(0.05, adamw_losses, adamw_values);
    compare_steps(0.0, adam_losses, adam_values);
}
END_TEST

START_TEST(schedule_is_that_of_pytorch) {
    for (size_t epoch = 0; epoch < sizeof rates / sizeof *rates; epoch++) {
        ck_assert_double_eq_tol(fovea_cosine_rate(0.01, epoch, 5), rates[epoch], TOLERANCE);
    }
    ck_assert_double_eq_tol(fovea_cosine_rate(0.01, 1000000, 5), 0.01, TOLERANCE);
}
END_TEST

static const struct fovea_training_options plain = {
    .rate = 0.05, .epochs = 300, .patience = 20, .batch = 4, .period = 5, .seed = 3};

/* Points round three corners, which straight lines separate. */
static void make_separable(struct problem *problem) {
    struct random random;
    make_problem(problem);
    random_start(&random, 5, 0, 0);
    for (size_t s = 0; s < SAMPLES; s++) {
        problem->labels[s] = s % CLASSES;
        for (size_t f = 0; f < FEATURES; f++) {
            problem->features[s * FEATURES + f] =
                (float)((f == problem->labels[s] ? 1.0 : 0.0) + random_between(&random, -0.3, 0.3));
        }
    }
    memset(problem->values, 0, sizeof problem->values);
}

START_TEST(separable_samples_are_all_right) {
    struct problem problem;
    struct fovea_training result;
    struct fv_error error;
    make_separable(&problem);
    ck_assert_double_lt(fovea_linear_accuracy(&problem.layer, &problem.samples), 0.5);
    check_success(
        fovea_train(&problem.layer, &problem.samples, &problem.samples, problem.weights, &plain, 0, &result, &error),
        &error);
    ck_assert_double_eq(fovea_linear_accuracy(&result.layer, &problem.samples), 1.0);
    ck_assert_double_lt(result.curve[result.best].watched, result.curve[0].watched);
    ck_assert_double_eq(result.curve[result.best].accuracy, 1.0);
    fovea_training_clear(&result);
}
END_TEST

START_TEST(training_stops_when_the_watched_loss_does_not_fall) {
    struct problem problem;
    struct fovea_training result;
    struct fv_error error;
    make_separable(&problem);
    size_t wrong[SAMPLES]; /* what is learned makes these worse from the first step on */
    for (size_t s = 0; s < SAMPLES; s++) {
        wrong[s] = (problem.labels[s] + 1) % CLASSES;
    }
    struct fovea_samples watch = {problem.features, wrong, problem.rows, SAMPLES};
    check_success(fovea_train(&problem.layer, &problem.samples, &watch, problem.weights, &plain, 0, &result, &error),
                  &error);
    ck_assert_uint_eq(result.run, plain.patience);
    ck_assert_uint_eq(result.best, 0);
    ck_assert_mem_eq(result.layer.values, problem.values, sizeof problem.values);
    fovea_training_clear(&result);
}
END_TEST

START_TEST(without_watching_all_epochs_are_run_and_the_last_is_kept) {
    struct problem problem;
    struct fovea_training result, again;
    struct fv_error error;
    struct fovea_training_options options = plain;
    options.epochs = 7;
    make_separable(&problem);
    check_success(fovea_train(&problem.layer, &problem.samples, NULL, problem.weights, &options, 4, &result, &error),
                  &error);
    ck_assert_uint_eq(result.run, 7);
    ck_assert_uint_eq(result.best, 7);
    ck_assert(isnan(result.curve[7].watched));
    check_success(fovea_train(&problem.layer, &problem.samples, NULL, problem.weights, &options, 4, &again, &error),
                  &error);
    ck_assert_mem_eq(result.layer.values, again.layer.values, sizeof problem.values);
    fovea_training_clear(&again);
    check_success(fovea_train(&problem.layer, &problem.samples, NULL, problem.weights, &options, 5, &again, &error),
                  &error);
    ck_assert_mem_ne(result.layer.values, again.layer.values, sizeof problem.values); /* another order */
    fovea_training_clear(&again);
    fovea_training_clear(&result);
}
END_TEST

enum { IMAGES = 47, FOLDS = 5 };

START_TEST(folds_spread_every_class_evenly) {
    size_t labels[IMAGES], groups[IMAGES], fold[IMAGES], other[IMAGES], counts[FOLDS][CLASSES] = {{0}};
    struct fv_error error;
    for (size_t i = 0; i < IMAGES; i++) {
        labels[i] = i % 7 < 3 ? 0 : i % 7 < 5 ? 1 : 2;
        groups[i] = i;
    }
    check_success(fovea_folds_assign(labels, groups, IMAGES, CLASSES, FOLDS, 1, fold, &error), &error);
    for (size_t i = 0; i < IMAGES; i++) {
        ck_assert_uint_lt(fold[i], FOLDS);
        counts[fold[i]][labels[i]]++;
    }
    for (size_t k = 0; k < CLASSES; k++) {
        size_t least = IMAGES, most = 0;
        for (size_t f = 0; f < FOLDS; f++) {
            least = counts[f][k] < least ? counts[f][k] : least;
            most = counts[f][k] > most ? counts[f][k] : most;
        }
        ck_assert_uint_le(most - least, 1);
    }
    check_success(fovea_folds_assign(labels, groups, IMAGES, CLASSES, FOLDS, 1, other, &error), &error);
    ck_assert_mem_eq(fold, other, sizeof fold);
    check_success(fovea_folds_assign(labels, groups, IMAGES, CLASSES, FOLDS, 2, other, &error), &error);
    ck_assert_mem_ne(fold, other, sizeof fold);
}
END_TEST

START_TEST(subjects_stay_together) {
    size_t labels[IMAGES], groups[IMAGES], fold[IMAGES], images[FOLDS] = {0};
    struct fv_error error;
    for (size_t i = 0; i < IMAGES; i++) {
        labels[i] = i % CLASSES;
        groups[i] = i / 4 * 4; /* four images a subject */
    }
    check_success(fovea_folds_assign(labels, groups, IMAGES, CLASSES, FOLDS, 9, fold, &error), &error);
    for (size_t i = 0; i < IMAGES; i++) {
        ck_assert_uint_eq(fold[i], fold[groups[i]]);
        images[fold[i]]++;
    }
    for (size_t f = 0; f < FOLDS; f++) {
        ck_assert_uint_ge(images[f], 7); /* two subjects, one of which may be the one of three images */
        ck_assert_uint_le(images[f], 12);
    }
}
END_TEST

START_TEST(copies_are_drawn_as_published) {
    size_t mirrored = 0;
    double least = 0.0, most = 0.0;
    struct fovea_augmentation none = fovea_augmentation_draw(1, 5, 0);
    ck_assert(!none.mirror);
    ck_assert_double_eq(none.degrees, 0.0);
    for (uint64_t i = 0; i < 1000; i++) {
        struct fovea_augmentation drawn = fovea_augmentation_draw(1, i, 1);
        mirrored += drawn.mirror;
        least = fmin(least, drawn.degrees);
        most = fmax(most, drawn.degrees);
    }
    ck_assert_uint_gt(mirrored, 437); /* 500 and four standard deviations */
    ck_assert_uint_lt(mirrored, 563);
    ck_assert_double_ge(least, -15.0);
    ck_assert_double_lt(least, -14.0);
    ck_assert_double_le(most, 15.0);
    ck_assert_double_gt(most, 14.0);
}
END_TEST

/* The pixel that a turn by a quarter, counter-clockwise, brings to (x, y), of the image or of its mirror image. */
static uint8_t quarter(const struct fovea_image *image, uint32_t x, uint32_t y, bool mirror) {
    uint32_t last = image->width - 1, from_x = last - y, from_y = x;
    from_x = mirror ? last - from_x : from_x;
    return image->pixels.u8[from_y * image->width + from_x];
}

START_TEST(mirroring_and_quarter_turns_move_pixels_exactly) {
    struct fovea_image image, result;
    struct fv_error error;
    check_success(fovea_image_create(7, 7, 1, 8, &image, &error), &error);
    for (size_t i = 0; i < 49; i++) {
        image.pixels.u8[i] = (uint8_t)(i * 5 + 3);
    }
    struct fovea_augmentation augmentation = {_i == 1, 90.0};
    check_success(fovea_augment(&image, augmentation, &result, &error), &error);
    for (uint32_t y = 0; y < 7; y++) {
        for (uint32_t x = 0; x < 7; x++) {
            ck_assert_uint_eq(result.pixels.u8[y * 7 + x], quarter(&image, x, y, augmentation.mirror));
        }
    }
    fovea_image_release(&result);
    augmentation.degrees = 45.0; /* corners come from outside */
    check_success(fovea_augment(&image, augmentation, &result, &error), &error);
    ck_assert_uint_eq(result.pixels.u8[0], 0);
    ck_assert_uint_eq(result.pixels.u8[24], image.pixels.u8[24]);
    fovea_image_release(&result);
    fovea_image_release(&image);
}
END_TEST

START_TEST(memory_may_fail_anywhere) {
    struct problem problem;
    make_separable(&problem);
    size_t fold[SAMPLES];
    enum fv_status status = FV_ERROR_MEMORY;
    for (long allowed = 0; status != FV_OK; allowed++) {
        struct fovea_training result;
        struct fv_error error;
        fv_memory_fail_after(allowed);
        status = fovea_train(&problem.layer, &problem.samples, NULL, problem.weights, &plain, 0, &result, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || (status == FV_ERROR_MEMORY && result.layer.values == NULL));
        fovea_training_clear(&result);
        ck_assert_int_lt(allowed, 100);
    }
    status = FV_ERROR_MEMORY;
    for (long allowed = 0; status != FV_OK; allowed++) {
        fv_memory_fail_after(allowed);
        status = fovea_folds_assign(problem.labels, problem.rows, SAMPLES, CLASSES, 3, 1, fold, NULL);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || status == FV_ERROR_MEMORY);
        ck_assert_int_lt(allowed, 100);
    }
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"gradient", gradient_is_that_of_finite_differences, 0},
        {"class weights", weights_are_those_of_equation_2, 0},
        {"hopeless samples", loss_of_hopeless_samples_is_finite, 0},
        {"optimisers", steps_are_those_of_pytorch, 0},
        {"schedule", schedule_is_that_of_pytorch, 0},
        {"separable", separable_samples_are_all_right, 0},
        {"early stopping", training_stops_when_the_watched_loss_does_not_fall, 0},
        {"fixed epochs", without_watching_all_epochs_are_run_and_the_last_is_kept, 0},
        {"folds", folds_spread_every_class_evenly, 0},
        {"subjects", subjects_stay_together, 0},
        {"copies", copies_are_drawn_as_published, 0},
        {"turning", mirroring_and_quarter_turns_move_pixels_exactly, 2},
        {"memory", memory_may_fail_anywhere, 0},
    };
    return check_run("adapt", cases, sizeof cases / sizeof cases[0]);
}
