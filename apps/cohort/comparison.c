#include "cohort/comparison.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "cohort/distributions.h"
#include "fovea/memory.h"

static const double MIDDLE = 0.975; /* of the distribution: what is below the upper end of a two-sided 95 % */

double fovea_mean_margin(double sd, size_t count) {
    return count < 2 ? NAN : fovea_t_quantile(MIDDLE, (double)count - 1.0) * sd / sqrt((double)count);
}

static double mean_of(struct fovea_sample sample) {
    return gsl_stats_mean(sample.values, 1, sample.count);
}

/* The sum of squared distances from the mean. */
static double squares_of(struct fovea_sample sample, double mean) {
    double sum = 0.0;
    for (size_t i = 0; i < sample.count; i++) {
        sum += (sample.values[i] - mean) * (sample.values[i] - mean);
    }
    return sum;
}

struct fovea_welch fovea_welch_test(struct fovea_sample a, struct fovea_sample b) {
    struct fovea_welch result = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, ""};
    if (a.count == 0 || b.count == 0) {
        result.reason = "a group has no value";
        return result;
    }
    double mean_a = mean_of(a), mean_b = mean_of(b), na = (double)a.count, nb = (double)b.count;
    result.difference = mean_a - mean_b;
    if (a.count < 2 || b.count < 2) {
        result.reason = "a group has a single value, and so no variance";
        return result;
    }
    double squares_a = squares_of(a, mean_a), squares_b = squares_of(b, mean_b);
    double part_a = squares_a / (na - 1.0) / na, part_b = squares_b / (nb - 1.0) / nb, error = sqrt(part_a + part_b);
    if (error == 0.0) {
        result.reason = "both groups are constant";
        return result;
    }
    result.df = (part_a + part_b) * (part_a + part_b) / (part_a * part_a / (na - 1.0) + part_b * part_b / (nb - 1.0));
    result.t = result.difference / error;
    result.p = fovea_t_two_sided(result.t, result.df);
    double margin = fovea_t_quantile(MIDDLE, result.df) * error;
    result.low = result.difference - margin;
    result.high = result.difference + margin;
    result.cohen_d = result.difference / sqrt((squares_a + squares_b) / (na + nb - 2.0));
    result.hedges_g = result.cohen_d * (1.0 - 3.0 / (4.0 * (na + nb) - 9.0));
    return result;
}

enum fv_status fovea_rank(const double *values, size_t count, double *ranks, double *tie_term, struct fv_error *error) {
    size_t *order = fv_allocate(count, sizeof *order);
    if (order == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the ranks of %zu values", count);
    }
    gsl_sort_index(order, values, 1, count);
    *tie_term = 0.0;
    for (size_t first = 0, next; first < count; first = next) {
        for (next = first + 1; next < count && values[order[next]] == values[order[first]];) {
            next++;
        }
        double tied = (double)(next - first);
        *tie_term += tied * tied * tied - tied;
        for (size_t i = first; i < next; i++) {
            ranks[order[i]] = ((double)first + 1.0 + (double)next) / 2.0;
        }
    }
    fv_release(order);
    return FV_OK;
}

/* The ranks of all samples together, in their order; owned by the caller. */
static enum fv_status rank_together(const struct fovea_sample *samples, size_t count, double **ranks, double *tie_term,
                                    struct fv_error *error) {
    size_t total = 0, filled = 0;
    for (size_t k = 0; k < count; k++) {
        total += samples[k].count;
    }
    double *values = fv_allocate(total, sizeof *values);
    *ranks = fv_allocate(total, sizeof **ranks);
    enum fv_status status = values != NULL && *ranks != NULL
                                ? FV_OK
                                : fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu values", total);
    for (size_t k = 0; k < count && status == FV_OK; k++) {
        for (size_t i = 0; i < samples[k].count; i++) {
            values[filled++] = samples[k].values[i];
        }
    }
    status = status == FV_OK ? fovea_rank(values, total, *ranks, tie_term, error) : status;
    fv_release(values);
    if (status != FV_OK) {
        fv_release(*ranks);
        *ranks = NULL;
    }
    return status;
}

enum { EXACT_SMALLER = 8, EXACT_LARGER = 1000 };

/* One step of the recursion below: the distribution for i of the small and j of the large sample. */
static void mix(double *now, const double *fewer_small, const double *fewer_large, size_t i, size_t j) {
    double share = (double)i / (double)(i + j);
    size_t most = i * j;
    for (size_t u = 0; u <= most; u++) {
        double from_small = u >= j ? fewer_small[u - j] : 0.0;
        double from_large = j > 0 && u <= i * (j - 1) ? fewer_large[u] : 0.0;
        now[u] = share * from_small + (1.0 - share) * from_large;
    }
}

/* P(U >= u) for samples of `small` and `large` values without ties, all orders equally probable. The greatest of all
 * values is of the small sample with probability i / (i + j), and then beats all j of the other: P_ij(u) =
 * i / (i + j) P_i-1,j(u - j) + j / (i + j) P_i,j-1(u). All terms are positive, so rounding does not grow. NaN if memory
 * is exhausted. */
static double exact_tail(size_t small, size_t large, double u) {
    size_t width = small * large + 1;
    double *tables = fv_allocate_zero((small + 1) * 2, width * sizeof *tables), tail = NAN;
    if (tables == NULL) {
        return tail;
    }
    for (size_t j = 0; j <= large; j++) {
        for (size_t i = 0; i <= small; i++) {
            double *now = tables + (2 * i + j % 2) * width, *before = tables + (2 * i + (j + 1) % 2) * width;
            if (i == 0) {
                now[0] = 1.0;
            } else {
                mix(now, tables + (2 * (i - 1) + j % 2) * width, before, i, j);
            }
        }
    }
    const double *last = tables + (2 * small + large % 2) * width;
    tail = 0.0;
    for (size_t k = width; k-- > 0 && (double)k >= u;) { /* the smallest first */
        tail += last[k];
    }
    fv_release(tables);
    return tail;
}

/* P of the normal approximation, as SciPy computes it. */
static double normal_p(double u, double na, double nb, double tie_term) {
    double n = na + nb, deviation = sqrt(na * nb / 12.0 * (n + 1.0 - tie_term / (n * (n - 1.0))));
    double z = (u - na * nb / 2.0 - 0.5) / deviation;
    return fmin(1.0, 2.0 * gsl_cdf_ugaussian_Q(z));
}

enum fv_status fovea_mann_whitney_test(struct fovea_sample a, struct fovea_sample b, struct fovea_mann_whitney *result,
                                       struct fv_error *error) {
    *result = (struct fovea_mann_whitney){.u = NAN, .p = NAN, .superiority = NAN, .rank_biserial = NAN, .reason = ""};
    if (a.count == 0 || b.count == 0) {
        result->reason = "a group has no value";
        return FV_OK;
    }
    const struct fovea_sample samples[2] = {a, b};
    double *ranks, tie_term, sum = 0.0, na = (double)a.count, nb = (double)b.count, n = na + nb;
    enum fv_status status = rank_together(samples, 2, &ranks, &tie_term, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < a.count; i++) {
        sum += ranks[i];
    }
    fv_release(ranks);
    result->u = sum - na * (na + 1.0) / 2.0;
    result->superiority = result->u / (na * nb);
    result->rank_biserial = 2.0 * result->superiority - 1.0;
    result->ties = tie_term > 0.0;
    if (tie_term == n * n * n - n) {
        result->reason = "all values are equal";
        return FV_OK;
    }
    double larger = fmax(result->u, na * nb - result->u);
    size_t small = a.count < b.count ? a.count : b.count, large = a.count < b.count ? b.count : a.count;
    result->exact = !result->ties && small <= EXACT_SMALLER && large <= EXACT_LARGER;
    result->p = result->exact ? fmin(1.0, 2.0 * exact_tail(small, large, larger)) : normal_p(larger, na, nb, tie_term);
    return isnan(result->p) ? fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the exact distribution of U")
                            : FV_OK;
}

enum fv_status fovea_kruskal_test(const struct fovea_sample *samples, size_t count, struct fovea_kruskal *result,
                                  struct fv_error *error) {
    *result = (struct fovea_kruskal){NAN, NAN, NAN, NAN, 0, ""};
    double *ranks, tie_term, total = 0.0, sum = 0.0;
    for (size_t k = 0; k < count; k++) {
        result->groups += samples[k].count > 0;
        total += (double)samples[k].count;
    }
    if (result->groups < 2) {
        result->reason = "fewer than two groups have values";
        return FV_OK;
    }
    enum fv_status status = rank_together(samples, count, &ranks, &tie_term, error);
    if (status != FV_OK) {
        return status;
    }
    size_t first = 0;
    for (size_t k = 0; k < count; k++) {
        double own = 0.0;
        for (size_t i = 0; i < samples[k].count; i++) {
            own += ranks[first++];
        }
        sum += samples[k].count > 0 ? own * own / (double)samples[k].count : 0.0;
    }
    fv_release(ranks);
    double correction = 1.0 - tie_term / (total * total * total - total);
    if (correction == 0.0) {
        result->reason = "all values are equal";
        return FV_OK;
    }
    result->h = (12.0 / (total * (total + 1.0)) * sum - 3.0 * (total + 1.0)) / correction;
    result->df = (double)result->groups - 1.0;
    result->p = gsl_cdf_chisq_Q(result->h, result->df);
    result->epsilon_squared = result->h / (total - 1.0);
    return FV_OK;
}

struct fovea_anova fovea_anova_test(const struct fovea_sample *samples, size_t count) {
    struct fovea_anova result = {NAN, NAN, NAN, NAN, NAN, NAN, ""};
    double total = 0.0, sum = 0.0, between = 0.0, within = 0.0, groups = 0.0;
    for (size_t k = 0; k < count; k++) {
        groups += samples[k].count > 0;
        total += (double)samples[k].count;
        sum += samples[k].count > 0 ? mean_of(samples[k]) * (double)samples[k].count : 0.0;
    }
    if (groups < 2.0 || total <= groups) {
        result.reason = groups < 2.0 ? "fewer than two groups have values" : "no group has more than one value";
        return result;
    }
    for (size_t k = 0; k < count; k++) {
        if (samples[k].count > 0) {
            double mean = mean_of(samples[k]);
            between += (double)samples[k].count * (mean - sum / total) * (mean - sum / total);
            within += squares_of(samples[k], mean);
        }
    }
    if (within == 0.0) {
        result.reason = "all groups are constant";
        return result;
    }
    result.df_between = groups - 1.0;
    result.df_within = total - groups;
    double mean_within = within / result.df_within;
    result.f = between / result.df_between / mean_within;
    result.p = gsl_cdf_fdist_Q(result.f, result.df_between, result.df_within);
    result.eta_squared = between / (between + within);
    result.omega_squared = (between - result.df_between * mean_within) / (between + within + mean_within);
    return result;
}

struct fovea_anova fovea_welch_anova_test(const struct fovea_sample *samples, size_t count) {
    struct fovea_anova result = {NAN, NAN, NAN, NAN, NAN, NAN, ""};
    double groups = 0.0, weights = 0.0, sum = 0.0, between = 0.0, lambda = 0.0;
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t k = 0; k < count; k++) {
            double n = (double)samples[k].count;
            if (samples[k].count == 0) {
                continue;
            }
            double mean = mean_of(samples[k]), squares = squares_of(samples[k], mean);
            if (samples[k].count < 2 || squares == 0.0) {
                result.reason = "a group has a single value or is constant";
                return result;
            }
            double weight = n * (n - 1.0) / squares;
            if (pass == 0) {
                groups++;
                weights += weight;
                sum += weight * mean;
            } else {
                between += weight * (mean - sum / weights) * (mean - sum / weights);
                lambda += (1.0 - weight / weights) * (1.0 - weight / weights) / (n - 1.0);
            }
        }
    }
    if (groups < 2.0) {
        result.reason = "fewer than two groups have values";
        return result;
    }
    result.df_between = groups - 1.0;
    result.df_within = (groups * groups - 1.0) / (3.0 * lambda);
    result.f = between / (groups - 1.0) / (1.0 + 2.0 * (groups - 2.0) / (groups * groups - 1.0) * lambda);
    result.p = gsl_cdf_fdist_Q(result.f, result.df_between, result.df_within);
    return result;
}

enum fv_status fovea_holm_adjust(double *p, size_t count, struct fv_error *error) {
    size_t *order = fv_allocate(count, sizeof *order), known = 0;
    if (order == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu tests", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (isnan(p[i])) {
            continue;
        }
        size_t place = known++;
        for (; place > 0 && p[order[place - 1]] > p[i]; place--) {
            order[place] = order[place - 1];
        }
        order[place] = i;
    }
    double most = 0.0;
    for (size_t i = 0; i < known; i++) {
        most = fmax(most, fmin(1.0, (double)(known - i) * p[order[i]]));
        p[order[i]] = most;
    }
    fv_release(order);
    return FV_OK;
}
