/* How values of many images are summed up. NaN stands for an undefined value, in and out.
 *
 * Sums run in double, in the order of the values. Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_STATISTICS_H
#define FOVEA_APPS_STATISTICS_H

#include <stddef.h>

#include "fovea/status.h"

/* Of the defined values among `count + undefined`; all NaN where there is none. */
struct fovea_spread {
    size_t count, undefined;
    double mean;
    double sd; /* of the sample: squares over count - 1; NaN for a single value */
    double least, lower_quartile, median, upper_quartile, most;
};

/* Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_spread_find(const double *values, size_t count, struct fovea_spread *spread,
                                 struct fv_error *error);

/* Sorts defined values, the least first. */
void fovea_sort_numbers(double *numbers, size_t count);

/* The quantile `share` (0 .. 1) of `count` > 0 sorted values, linear between neighbours as in NumPy. */
double fovea_quantile(const double *sorted, size_t count, double share);

/* Bland and Altman's limits of agreement of `predicted` with `reference`, over the pairs in which both are defined; all
 * NaN where there are too few. */
struct fovea_agreement {
    size_t count;
    double bias;          /* mean of predicted - reference; 1 pair at least */
    double sd;            /* of the differences, over count - 1; 2 pairs at least */
    double lower, upper;  /* bias -+ 1.96 sd */
    double mean_absolute; /* mean of |predicted - reference| */
};
struct fovea_agreement fovea_agreement_find(const double *predicted, const double *reference, size_t count);

#endif
