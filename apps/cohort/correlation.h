/* How two measures go together.
 *
 * Pairs are finite. Where something cannot be computed, its figures are NaN and `reason` (static text, "" otherwise)
 * says why. Correlations, lines and distributions are GSL's, whose error handler must be off. Confidence is 95 %, tests
 * are two-sided.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_COHORT_CORRELATION_H
#define FOVEA_APPS_COHORT_CORRELATION_H

#include <stddef.h>

#include "fovea/status.h"

/* A coefficient r of `count` pairs; p by Student's t of n - 2 degrees of freedom, t = r sqrt((n - 2) / (1 - r^2)); the
 * interval is tanh(atanh r -+ 1.96 s). */
struct fovea_correlation {
    double r, low, high, p;
    const char *reason; /* of p missing: fewer than 3 pairs or a constant side; of the interval: fewer than 4 */
};

/* Pearson's r; s^2 = 1 / (n - 3) (Fisher 1921). */
struct fovea_correlation fovea_pearson(const double *x, const double *y, size_t count);

/* Spearman's rho, of ranks with ties at their mean; s^2 = (1 + rho^2 / 2) / (n - 3) (Bonett and Wright 2000). `work`
 * has room for 2 `count` numbers. */
struct fovea_correlation fovea_spearman(const double *x, const double *y, size_t count, double *work);

/* The line of least squares y = intercept + slope x, the slope with its confidence interval (n - 2 degrees of freedom).
 */
struct fovea_regression {
    double intercept, slope, low, high;
    const char *reason;
};
struct fovea_regression fovea_regress(const double *x, const double *y, size_t count);

#endif
