/* The parts of cohort.html, each appended to a buffer.
 *
 * Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_COHORT_REPORT_H
#define FOVEA_APPS_COHORT_REPORT_H

#include "base/buffer.h"
#include "cohort/cohort.h"

/* Appends `value` with that many decimals and a true minus sign; an en dash for NaN. */
void fovea_cohort_add_number(struct fovea_buffer *text, double value, int decimals);

/* Appends "VALUE (LOW to HIGH)", without the parentheses where there is no interval. */
void fovea_cohort_add_interval(struct fovea_buffer *text, const struct fovea_analysis *analysis, const char *value,
                               const char *low, const char *high, int decimals);

/* Appends a p value: four decimals, or "< 0.0001". */
void fovea_cohort_add_p(struct fovea_buffer *text, double p);

/* How many decimals show three significant digits of `size`; 3 if it is not positive. */
int fovea_cohort_digits(double size);

/* How many decimals show three significant digits of the standard deviation of a variable. */
int fovea_cohort_decimals(const struct fovea_cohort *cohort, size_t variable);

/* A section for one measure: box plot, figures of the groups, tests. */
void fovea_cohort_add_measure(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable);

/* The scatter plots of a measure with the covariates, and its correlations. */
void fovea_cohort_add_correlations(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable);

/* Repeatability of a measure, with its plots. */
void fovea_cohort_add_repeatability(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable);

/* A table of the figures of a variable, of all and of every group. */
void fovea_cohort_add_description(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable);

#endif
