/* Comparing groups of numbers.
 *
 * Values are finite. Where something cannot be computed, its figures are NaN and `reason` (static text, "" otherwise)
 * says why. Distributions are GSL's, whose error handler must be off. Confidence is 95 %, tests are two-sided. Sums run
 * over the values in the order given.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_COHORT_COMPARISON_H
#define FOVEA_APPS_COHORT_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/status.h"

struct fovea_sample {
    const double *values;
    size_t count;
};

/* The half width of the confidence interval of the mean of `count` values with standard deviation `sd`, by Student's t;
 * NaN for fewer than 2. */
double fovea_mean_margin(double sd, size_t count);

/* Welch's t test (Welch 1947), with a mean difference a - b, its confidence interval, and Cohen's d with the pooled
 * standard deviation (n - 1 each), also with Hedges' correction 1 - 3 / (4 (n_a + n_b) - 9). */
struct fovea_welch {
    double difference, low, high, t, df, p, cohen_d, hedges_g;
    const char *reason;
};
struct fovea_welch fovea_welch_test(struct fovea_sample a, struct fovea_sample b);

/* Mann and Whitney's U test. `u` is of `a`: how many pairs (x of a, y of b) have x > y, ties counting half. p is exact
 * where there are no ties, the smaller sample has at most 8 values and the larger at most 1000; else it is by the
 * normal approximation with correction for ties and continuity. This is the rule of SciPy 1.10 (method "auto"), but for
 * the limit of 1000. `superiority` = u / (n_a n_b), `rank_biserial` = 2 superiority - 1. */
struct fovea_mann_whitney {
    double u, p, superiority, rank_biserial;
    bool exact, ties;
    const char *reason;
};
/* Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_mann_whitney_test(struct fovea_sample a, struct fovea_sample b, struct fovea_mann_whitney *result,
                                       struct fv_error *error);

/* Kruskal and Wallis' test: H, corrected for ties, p by chi-squared of k - 1 degrees of freedom; epsilon_squared =
 * H / (n - 1) (Tomczak and Tomczak 2014). Empty groups are left out. */
struct fovea_kruskal {
    double h, df, p, epsilon_squared;
    size_t groups; /* that are not empty */
    const char *reason;
};
/* Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_kruskal_test(const struct fovea_sample *samples, size_t count, struct fovea_kruskal *result,
                                  struct fv_error *error);

/* One-way analysis of variance. Classical: eta_squared = between / total, omega_squared = (between - (k - 1) within) /
 * (total + within), with the mean square within. Welch's (1951), for unequal variances: no effect sizes. Empty groups
 * are left out. */
struct fovea_anova {
    double f, df_between, df_within, p, eta_squared, omega_squared;
    const char *reason;
};
struct fovea_anova fovea_anova_test(const struct fovea_sample *samples, size_t count);
struct fovea_anova fovea_welch_anova_test(const struct fovea_sample *samples, size_t count);

/* Holm's (1979) adjustment of `count` p values, in place; NaN are left out and do not count. Errors: FV_ERROR_MEMORY.
 */
enum fv_status fovea_holm_adjust(double *p, size_t count, struct fv_error *error);

/* The ranks of `count` values, ties with their mean, in `ranks`; *tie_term = sum of t^3 - t over the groups of ties.
 * Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_rank(const double *values, size_t count, double *ranks, double *tie_term, struct fv_error *error);

#endif
