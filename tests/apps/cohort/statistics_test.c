/* The statistics on numbers that were published or worked out by hand, and on numbers that have none. */
#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

#include "checks.h"
#include "cohort/comparison.h"
#include "cohort/correlation.h"
#include "cohort/distributions.h"
#include "cohort/repeatability.h"
#include "fovea/memory.h"
#include "suite.h"

static const double TOLERANCE = 1e-13; /* some roundings of double */

#define expect(value, expected) ck_assert_double_eq_tol(value, expected, TOLERANCE)
#define SAMPLE(...)                                                                                                    \
    ((struct fovea_sample){(const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double)})

static struct fovea_mann_whitney mann_whitney(struct fovea_sample a, struct fovea_sample b) {
    struct fovea_mann_whitney result;
    struct fv_error error;
    check_success(fovea_mann_whitney_test(a, b, &result, &error), &error);
    return result;
}

static struct fovea_kruskal kruskal(const struct fovea_sample *samples, size_t count) {
    struct fovea_kruskal result;
    struct fv_error error;
    check_success(fovea_kruskal_test(samples, count, &result, &error), &error);
    return result;
}

/* Tables: t at 97.5 %; Student's t of 1 degree of freedom is Cauchy's, of 2 has a closed form, and so has F of 2. */
START_TEST(distributions) {
    expect(fovea_t_two_sided(1.0, 1.0), 0.5);
    expect(fovea_t_two_sided(-2.0, 2.0), 1.0 - 2.0 / sqrt(6.0));
    expect(fovea_t_two_sided(0.0, 7.0), 1.0);
    expect(fovea_t_two_sided(INFINITY, 7.0), 0.0);
    expect(fovea_t_quantile(0.975, 1.0), tan(0.475 * M_PI));
    for (double df = 1.0; df < 1e6; df *= 1.7) {
        expect(fovea_t_two_sided(fovea_t_quantile(0.975, df), df), 0.05);
        expect(fovea_t_two_sided(fovea_t_quantile(0.025, df), df), 0.05);
    }
    expect(fovea_chi_squared_quantile(0.975, 2.0), -2.0 * log(0.025));
    expect(fovea_chi_squared_quantile(0.025, 2.0), -2.0 * log(0.975));
    expect(fovea_f_quantile(0.975, 2.0, 10.0), 5.0 * (pow(0.025, -0.2) - 1.0));
    expect(fovea_f_quantile(0.025, 2.0, 10.0), 5.0 * (pow(0.975, -0.2) - 1.0));
}
END_TEST

START_TEST(two_groups) {
    struct fovea_welch welch = fovea_welch_test(SAMPLE(1, 2, 3), SAMPLE(2, 4, 6, 8));
    expect(welch.difference, -3.0);
    double error = sqrt(1.0 / 3.0 + 20.0 / 3.0 / 4.0);
    expect(welch.t, -3.0 / error);
    expect(welch.df, 4.0 / (1.0 / 9.0 / 2.0 + 25.0 / 9.0 / 3.0));
    expect(welch.cohen_d, -3.0 / sqrt(22.0 / 5.0));
    expect(welch.hedges_g, welch.cohen_d * (1.0 - 3.0 / 19.0));
    expect(welch.high - welch.difference, welch.difference - welch.low);
    ck_assert_str_eq(welch.reason, "");
    /* All 3 of a below all 4 of b: 1 order of 35 on either side. */
    struct fovea_mann_whitney ranks = mann_whitney(SAMPLE(1, 2, 3), SAMPLE(4, 5, 6, 7));
    expect(ranks.u, 0.0);
    expect(ranks.p, 2.0 / 35.0);
    expect(ranks.rank_biserial, -1.0);
    ck_assert(ranks.exact && !ranks.ties);
    ranks = mann_whitney(SAMPLE(5), SAMPLE(4, 5.5)); /* the middle: p is capped */
    expect(ranks.u, 1.0);
    expect(ranks.p, 1.0);
    ranks = mann_whitney(SAMPLE(1, 2), SAMPLE(2, 3)); /* a tie counts half */
    expect(ranks.u, 0.5);
    ck_assert(!ranks.exact && ranks.ties);
    expect(ranks.p, erfc(1.0 / sqrt(4.0 / 12.0 * (5.0 - 6.0 / 12.0)) / sqrt(2.0)));
}
END_TEST

/* Where nothing can be said there is a reason, and no number. */
START_TEST(groups_that_are_too_small) {
    const struct fovea_sample none = {NULL, 0}, one = SAMPLE(1), flat = SAMPLE(2, 2, 2), some = SAMPLE(1, 2, 3);
    struct fovea_welch welch = fovea_welch_test(one, some);
    ck_assert(welch.difference == -1.0 && isnan(welch.p) && isnan(welch.t) && welch.reason[0] != '\0');
    welch = fovea_welch_test(none, some);
    ck_assert(isnan(welch.difference) && welch.reason[0] != '\0');
    welch = fovea_welch_test(flat, SAMPLE(3, 3));
    ck_assert(welch.difference == -1.0 && isnan(welch.p) && isnan(welch.hedges_g) && welch.reason[0] != '\0');
    welch = fovea_welch_test(flat, some); /* one constant group will do */
    ck_assert(!isnan(welch.p) && welch.reason[0] == '\0');
    ck_assert(isnan(mann_whitney(none, some).u) && mann_whitney(none, some).reason[0] != '\0');
    ck_assert(isnan(mann_whitney(flat, SAMPLE(2)).p) && mann_whitney(flat, SAMPLE(2)).u == 1.5);
    const struct fovea_sample apart[3] = {none, flat, none}, same[3] = {flat, flat, SAMPLE(2)};
    ck_assert(isnan(kruskal(apart, 3).h) && kruskal(apart, 3).reason[0] != '\0');
    ck_assert(isnan(kruskal(same, 3).p) && kruskal(same, 3).reason[0] != '\0');
    ck_assert(isnan(fovea_anova_test(apart, 3).f) && isnan(fovea_anova_test(same, 3).f));
    const struct fovea_sample singles[2] = {one, SAMPLE(4)}, mixed[3] = {one, some, SAMPLE(4, 7)};
    ck_assert(isnan(fovea_anova_test(singles, 2).f) && fovea_anova_test(singles, 2).reason[0] != '\0');
    ck_assert(!isnan(fovea_anova_test(mixed, 3).p));
    ck_assert(isnan(fovea_welch_anova_test(mixed, 3).p) && fovea_welch_anova_test(mixed, 3).reason[0] != '\0');
    ck_assert(isnan(fovea_mean_margin(NAN, 1)));
}
END_TEST

START_TEST(several_groups) {
    const struct fovea_sample samples[4] = {SAMPLE(1, 2, 3), {NULL, 0}, SAMPLE(4, 5, 6), SAMPLE(7, 8, 9)};
    struct fovea_kruskal ranks = kruskal(samples, 4);
    expect(ranks.h, 7.2);
    expect(ranks.df, 2.0);
    expect(ranks.p, exp(-3.6)); /* chi-squared of 2 degrees of freedom */
    expect(ranks.epsilon_squared, 0.9);
    struct fovea_anova anova = fovea_anova_test(samples, 4);
    expect(anova.f, 27.0);
    expect(anova.df_within, 6.0);
    expect(anova.p, pow(1.0 + 27.0 / 3.0, -3.0)); /* F of 2 and 6 degrees of freedom */
    expect(anova.eta_squared, 0.9);
    expect(anova.omega_squared, 52.0 / 61.0);
    double p[5] = {0.01, 0.04, NAN, 0.03, 0.005};
    struct fv_error error;
    check_success(fovea_holm_adjust(p, 5, &error), &error);
    expect(p[0], 0.03);
    expect(p[1], 0.06);
    ck_assert(isnan(p[2]));
    expect(p[3], 0.06);
    expect(p[4], 0.02);
}
END_TEST

START_TEST(correlations) {
    static const double x[5] = {1, 2, 3, 4, 5}, y[5] = {2, 1, 4, 3, 5}, line[5] = {5, 7, 9, 11, 13}, flat[5] = {3};
    double work[10];
    struct fovea_correlation pearson = fovea_pearson(x, y, 5), spearman = fovea_spearman(x, y, 5, work);
    expect(pearson.r, 0.8);
    expect(spearman.r, 0.8);
    expect(pearson.low, tanh(atanh(0.8) - 1.959963984540054 / sqrt(2.0)));
    expect(spearman.high, tanh(atanh(0.8) + 1.959963984540054 * sqrt(1.32 / 2.0)));
    expect(pearson.p, fovea_t_two_sided(0.8 * sqrt(3.0 / 0.36), 3.0));
    pearson = fovea_pearson(x, line, 5);
    expect(pearson.r, 1.0);
    ck_assert(pearson.p < 1e-12 && pearson.high == 1.0);
    pearson = fovea_pearson(x, y, 3); /* no interval, but a p */
    ck_assert(!isnan(pearson.p) && isnan(pearson.low) && pearson.reason[0] != '\0');
    ck_assert(isnan(fovea_pearson(x, y, 2).r) && fovea_pearson(x, y, 2).reason[0] != '\0');
    static const double constant[5] = {3, 3, 3, 3, 3};
    ck_assert(isnan(fovea_pearson(x, constant, 5).r) && isnan(fovea_spearman(constant, y, 5, work).r));
    ck_assert(!isnan(fovea_pearson(x, flat, 5).r));
    struct fovea_regression fit = fovea_regress(x, y, 5);
    expect(fit.slope, 0.8);
    expect(fit.intercept, 0.6);
    ck_assert(isnan(fovea_regress(constant, y, 5).slope) && fovea_regress(x, constant, 5).slope == 0.0);
}
END_TEST

/* The table of Shrout and Fleiss 1979: 6 targets, 4 judges; they print 0.17, 0.29 and 0.71. */
START_TEST(intraclass_correlations) {
    static const double ratings[6 * 4] = {9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7};
    struct fovea_repeatability found = fovea_repeatability_find(ratings, 6, 4);
    ck_assert_double_eq_tol(found.icc_1_1.value, 0.17, 0.005);
    ck_assert_double_eq_tol(found.icc_2_1.value, 0.29, 0.005);
    ck_assert_double_eq_tol(found.icc_3_1.value, 0.71, 0.005);
    /* The intervals that R's psych prints for this table. */
    ck_assert_double_eq_tol(found.icc_1_1.low, -0.13, 0.005);
    ck_assert_double_eq_tol(found.icc_1_1.high, 0.72, 0.005);
    ck_assert_double_eq_tol(found.icc_2_1.low, 0.02, 0.005);
    ck_assert_double_eq_tol(found.icc_2_1.high, 0.76, 0.005);
    ck_assert_double_eq_tol(found.icc_3_1.low, 0.34, 0.005);
    ck_assert_double_eq_tol(found.icc_3_1.high, 0.95, 0.005);
    expect(found.within_sd.value, sqrt(112.75 / 18.0)); /* mean squares 6.264 within, 11.24 between */
    expect(found.repeatability, 1.96 * sqrt(2.0 * 112.75 / 18.0));
}
END_TEST

START_TEST(repeats_without_spread) {
    static const double same[4] = {1, 1, 2, 2}, shifted[6] = {1, 2, 3, 4, 5, 6}, level[4] = {1, 3, 1, 3};
    struct fovea_repeatability found = fovea_repeatability_find(same, 2, 2);
    ck_assert(found.within_sd.value == 0.0 && found.icc_1_1.value == 1.0 && found.reason[0] != '\0');
    ck_assert(isnan(found.icc_1_1.low) && isnan(found.icc_2_1.low) && isnan(found.icc_3_1.low));
    found = fovea_repeatability_find(shifted, 3, 2); /* a constant bias: consistent, not in agreement */
    ck_assert(found.icc_3_1.value == 1.0 && found.icc_2_1.value < 1.0 && isnan(found.icc_3_1.low));
    found = fovea_repeatability_find(level, 2, 2);
    ck_assert(isnan(found.icc_2_1.value) && found.within_sd.value > 1.0 && found.reason[0] != '\0');
    found = fovea_repeatability_find(same, 1, 2);
    ck_assert(isnan(found.within_sd.value) && found.reason[0] != '\0');
    static const double left[3] = {1, 2, 3}, right[3] = {0, 1, 2};
    struct fovea_limits limits = fovea_limits_find(left, right, 3);
    ck_assert(limits.agreement.bias == 1.0 && isnan(limits.bias_p) && limits.reason[0] != '\0');
    limits = fovea_limits_find(left, right, 1);
    ck_assert(isnan(limits.agreement.lower) && limits.reason[0] != '\0');
}
END_TEST

START_TEST(every_allocation_may_fail) {
    const struct fovea_sample samples[2] = {SAMPLE(1, 2, 3), SAMPLE(2.5, 3.5, 9)};
    for (int test = 0; test < 3; test++) {
        enum fv_status status = FV_ERROR_MEMORY;
        for (long successes = 0; status != FV_OK; successes++) {
            struct fovea_mann_whitney ranks;
            struct fovea_kruskal kruskals;
            double p[2] = {0.2, 0.1};
            fv_memory_fail_after(successes);
            status = test == 0   ? fovea_mann_whitney_test(samples[0], samples[1], &ranks, NULL)
                     : test == 1 ? fovea_kruskal_test(samples, 2, &kruskals, NULL)
                                 : fovea_holm_adjust(p, 2, NULL);
            fv_memory_fail_after(-1);
            ck_assert(status == FV_ERROR_MEMORY || (status == FV_OK && successes > 0));
        }
    }
}
END_TEST

int main(void) {
    gsl_set_error_handler_off();
    Suite *suite = suite_create("cohort statistics");
    TCase *all = tcase_create("all");
    tcase_add_test(all, distributions);
    tcase_add_test(all, two_groups);
    tcase_add_test(all, groups_that_are_too_small);
    tcase_add_test(all, several_groups);
    tcase_add_test(all, correlations);
    tcase_add_test(all, intraclass_correlations);
    tcase_add_test(all, repeats_without_spread);
    tcase_add_test(all, every_allocation_may_fail);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
