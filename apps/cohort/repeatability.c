#include "cohort/repeatability.h"

#include <math.h>

#include "cohort/distributions.h"

static const double MIDDLE = 0.975; /* of the distribution: what is below the upper end of a two-sided 95 % */

/* The mean squares of a two-way table without replication. */
struct squares {
    double mean, between, within, repeats, rest;
};

static double mean_of(const double *values, size_t count, size_t stride) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i * stride];
    }
    return sum / (double)count;
}

static double square(double value) {
    return value * value;
}

static struct squares find_squares(const double *values, size_t count, size_t repeats) {
    double n = (double)count, k = (double)repeats, mean = mean_of(values, count * repeats, 1);
    double between = 0.0, within = 0.0, columns = 0.0, rest = 0.0;
    for (size_t j = 0; j < repeats; j++) {
        double column = mean_of(values + j, count, repeats);
        columns += n * square(column - mean);
        for (size_t i = 0; i < count; i++) {
            double value = values[i * repeats + j], row = mean_of(values + i * repeats, repeats, 1);
            between += square(row - mean);
            within += square(value - row);
            rest += square(value - row - column + mean);
        }
    }
    return (struct squares){mean, between / (n - 1.0), within / (n * (k - 1.0)), columns / (k - 1.0),
                            rest / ((n - 1.0) * (k - 1.0))};
}

/* ICC(1,1) or ICC(3,1): `error` is the mean square within rows, of `free` degrees of freedom. */
static struct fovea_interval simple_icc(double between, double error, double n, double k, double free) {
    struct fovea_interval icc = {(between - error) / (between + (k - 1.0) * error), NAN, NAN};
    if (error > 0.0) {
        double f = between / error;
        double low = f / fovea_f_quantile(MIDDLE, n - 1.0, free);
        double high = f * fovea_f_quantile(MIDDLE, free, n - 1.0);
        icc.low = (low - 1.0) / (low + k - 1.0);
        icc.high = (high - 1.0) / (high + k - 1.0);
    }
    return icc;
}

/* ICC(2,1). */
static struct fovea_interval absolute_icc(const struct squares *s, double n, double k) {
    double b = s->between, j = s->repeats, e = s->rest;
    struct fovea_interval icc = {(b - e) / (b + (k - 1.0) * e + k * (j - e) / n), NAN, NAN};
    double share = k * icc.value / (n * (1.0 - icc.value)), weight = 1.0 + share * (n - 1.0);
    double free = (share * j + weight * e) * (share * j + weight * e) /
                  (share * share * j * j / (k - 1.0) + weight * weight * e * e / ((n - 1.0) * (k - 1.0)));
    if (e > 0.0 && isfinite(free) && free > 0.0) {
        double above = fovea_f_quantile(MIDDLE, n - 1.0, free), below = fovea_f_quantile(MIDDLE, free, n - 1.0);
        double rest = k * j + (k * n - k - n) * e;
        icc.low = n * (b - above * e) / (above * rest + n * b);
        icc.high = n * (below * b - e) / (rest + n * below * b);
    }
    return icc;
}

struct fovea_repeatability fovea_repeatability_find(const double *values, size_t count, size_t repeats) {
    const struct fovea_interval unknown = {NAN, NAN, NAN};
    struct fovea_repeatability result = {unknown, unknown, unknown, unknown, NAN, NAN, ""};
    if (count < 2 || repeats < 2) {
        result.reason = "fewer than two eyes have all repeats";
        return result;
    }
    double n = (double)count, k = (double)repeats, free = n * (k - 1.0);
    struct squares squares = find_squares(values, count, repeats);
    result.within_sd.value = sqrt(squares.within);
    result.within_sd.low = sqrt(squares.within * free / fovea_chi_squared_quantile(MIDDLE, free));
    result.within_sd.high = sqrt(squares.within * free / fovea_chi_squared_quantile(1.0 - MIDDLE, free));
    result.repeatability = 1.96 * sqrt(2.0) * result.within_sd.value;
    result.within_cv = squares.mean > 0.0 ? result.within_sd.value / squares.mean : NAN;
    if (squares.between == 0.0) {
        result.reason = "all eyes have the same mean: no intraclass correlation";
        return result;
    }
    result.icc_1_1 = simple_icc(squares.between, squares.within, n, k, free);
    result.icc_2_1 = absolute_icc(&squares, n, k);
    result.icc_3_1 = simple_icc(squares.between, squares.rest, n, k, (n - 1.0) * (k - 1.0));
    if (!(squares.rest > 0.0)) {
        result.reason = "the repeats differ by a constant only: no intervals of the intraclass correlation";
    }
    return result;
}

struct fovea_limits fovea_limits_find(const double *left, const double *right, size_t count) {
    struct fovea_limits limits = {fovea_agreement_find(left, right, count), NAN, NAN, NAN, NAN, NAN, NAN, NAN, ""};
    const struct fovea_agreement *agreement = &limits.agreement;
    if (agreement->count < 2) {
        limits.reason = "fewer than two eyes have both repeats";
        return limits;
    }
    double n = (double)agreement->count, t = fovea_t_quantile(MIDDLE, n - 1.0);
    double bias_error = agreement->sd / sqrt(n);
    double margin = t * agreement->sd * sqrt(1.0 / n + 1.96 * 1.96 / (2.0 * (n - 1.0)));
    limits.bias_low = agreement->bias - t * bias_error;
    limits.bias_high = agreement->bias + t * bias_error;
    limits.lower_low = agreement->lower - margin;
    limits.lower_high = agreement->lower + margin;
    limits.upper_low = agreement->upper - margin;
    limits.upper_high = agreement->upper + margin;
    if (bias_error > 0.0) {
        limits.bias_p = fovea_t_two_sided(agreement->bias / bias_error, n - 1.0);
    } else {
        limits.reason = "all differences are equal: no test of the bias";
    }
    return limits;
}
