/* Tools of the kernel checks: random numbers, guarded buffers, comparisons. */
#ifndef FOVEA_TESTS_KERNELS_HARNESS_H
#define FOVEA_TESTS_KERNELS_HARNESS_H

#include <float.h>

#include "checks.h"

enum { ACTIVATIONS = 6 };

/* Records a failure; only the first counts. */
void check_fail(struct check *check, const char *format, ...) FV_PRINTF(2, 3);

/* Uniform in low .. high, and a size below `bound`. */
float check_uniform(struct check *check, float low, float high);
size_t check_below(struct check *check, size_t bound);

/* `count` floats between two guard zones of NaN, which address sanitizer knows as out of bounds. */
struct guarded {
    float *data;
    size_t count;
};
struct guarded guarded_make(size_t count);
/* Filled uniformly from low .. high. */
struct guarded guarded_random(struct check *check, size_t count, float low, float high);
/* Checks the guards and frees. */
void guarded_end(struct check *check, struct guarded buffer, const char *what);

/* |actual - expected| <= absolute + relative * |expected| for all elements; equal infinities pass. */
void check_close(struct check *check, const struct guarded *actual, const struct guarded *expected, double absolute,
                 double relative, const char *what);
/* The same bits. */
void check_equal(struct check *check, const struct guarded *actual, const struct guarded *expected, const char *what);

/* The greatest slope of an activation and the absolute error of its own evaluation near zero: what they add to the
 * error of their argument. Relative errors of the evaluation are covered by FV_ACTIVATION_RELATIVE. */
double activation_slope(enum fv_activation activation, float slope);
double activation_error(enum fv_activation activation);
#define ACTIVATION_RELATIVE (8 * (double)FLT_EPSILON)

#endif
