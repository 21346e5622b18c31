#include "cohort/correlation.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fit.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdbool.h>

#include "cohort/distributions.h"

static bool constant(const double *values, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (values[i] != values[0]) {
            return false;
        }
    }
    return true;
}

/* Why there is no coefficient; "" if there is one. */
static const char *obstacle(const double *x, const double *y, size_t count) {
    if (count < 3) {
        return "fewer than 3 pairs";
    }
    return constant(x, count) || constant(y, count) ? "one side is constant" : "";
}

/* p and interval of r, whose Fisher transform has `variance` / (n - 3). */
static struct fovea_correlation judge(double r, double variance, size_t count) {
    double free = (double)count - 2.0;
    r = fmax(-1.0, fmin(1.0, r));
    double t = r * sqrt(free / ((1.0 - r) * (1.0 + r)));
    struct fovea_correlation result = {r, NAN, NAN, fovea_t_two_sided(t, free), ""};
    if (count < 4) {
        result.reason = "the interval needs 4 pairs";
        return result;
    }
    double margin = gsl_cdf_ugaussian_Pinv(0.975) * sqrt(variance / ((double)count - 3.0));
    result.low = tanh(atanh(r) - margin);
    result.high = tanh(atanh(r) + margin);
    return result;
}

struct fovea_correlation fovea_pearson(const double *x, const double *y, size_t count) {
    struct fovea_correlation result = {NAN, NAN, NAN, NAN, obstacle(x, y, count)};
    return result.reason[0] != '\0' ? result : judge(gsl_stats_correlation(x, 1, y, 1, count), 1.0, count);
}

struct fovea_correlation fovea_spearman(const double *x, const double *y, size_t count, double *work) {
    struct fovea_correlation result = {NAN, NAN, NAN, NAN, obstacle(x, y, count)};
    if (result.reason[0] != '\0') {
        return result;
    }
    double rho = gsl_stats_spearman(x, 1, y, 1, count, work);
    return judge(rho, 1.0 + rho * rho / 2.0, count);
}

struct fovea_regression fovea_regress(const double *x, const double *y, size_t count) {
    struct fovea_regression result = {NAN, NAN, NAN, NAN, ""};
    if (count < 3 || constant(x, count)) {
        result.reason = count < 3 ? "fewer than 3 pairs" : "the covariate is constant";
        return result;
    }
    double variance, covariance, slope_variance, squares;
    gsl_fit_linear(x, 1, y, 1, count, &result.intercept, &result.slope, &variance, &covariance, &slope_variance,
                   &squares);
    double margin = fovea_t_quantile(0.975, (double)count - 2.0) * sqrt(slope_variance);
    result.low = result.slope - margin;
    result.high = result.slope + margin;
    return result;
}
