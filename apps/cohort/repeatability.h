/* How well repeated measurements agree.
 *
 * `values` holds `count` rows (eyes) of `repeats` finite values each. Where something cannot be computed, its figures
 * are NaN and `reason` (static text, "" otherwise) says why. Distributions are GSL's, whose error handler must be off.
 * Confidence is 95 %.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_COHORT_REPEATABILITY_H
#define FOVEA_APPS_COHORT_REPEATABILITY_H

#include <stddef.h>

#include "base/statistics.h"

/* A figure with its confidence interval. */
struct fovea_interval {
    double value, low, high;
};

/* The forms of the intraclass correlation of Shrout and Fleiss 1979 for a single measurement, with the intervals of
 * McGraw and Wong 1996: with B, W, J, E the mean squares between rows, within rows, between repeats and of the rest, k
 * repeats and n rows
 *   icc_1_1 = (B - W) / (B + (k - 1) W)                       one-way random
 *   icc_2_1 = (B - E) / (B + (k - 1) E + k (J - E) / n)       two-way random, absolute agreement
 *   icc_3_1 = (B - E) / (B + (k - 1) E)                       two-way mixed, consistency
 * within_sd = sqrt(W), of n (k - 1) degrees of freedom, its interval by chi-squared; repeatability = 1.96 sqrt(2)
 * within_sd (Bland and Altman 1996); within_cv = within_sd / mean of all values, NaN if that is not positive. */
struct fovea_repeatability {
    struct fovea_interval icc_1_1, icc_2_1, icc_3_1, within_sd;
    double repeatability, within_cv;
    const char *reason;
};
struct fovea_repeatability fovea_repeatability_find(const double *values, size_t count, size_t repeats);

/* Bland and Altman's (1999) limits of agreement of left - right with confidence intervals: of the bias by Student's t,
 * of the limits with standard error sd sqrt(1 / n + 1.96^2 / (2 (n - 1))). bias_p is the paired t test of the bias. */
struct fovea_limits {
    struct fovea_agreement agreement;
    double bias_low, bias_high, bias_p;
    double lower_low, lower_high, upper_low, upper_high;
    const char *reason;
};
struct fovea_limits fovea_limits_find(const double *left, const double *right, size_t count);

#endif
