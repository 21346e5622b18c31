/* Which statistics are computed of which groups, covariates and repeats. */
#include <math.h>
#include <string.h>

#include "base/statistics.h"
#include "cohort/cohort.h"
#include "cohort/comparison.h"
#include "cohort/correlation.h"
#include "cohort/repeatability.h"
#include "fovea/memory.h"

enum { ALL = FOVEA_COHORT_MOST_GROUPS };

/* Room for the work on one variable, used again for every one. */
struct work {
    double *own, *other, *ranks; /* ranks: two per observation */
    double *grouped;             /* values of the groups, one behind the other, sorted in each */
    struct fovea_sample samples[FOVEA_COHORT_MOST_GROUPS];
};

static enum fv_status out_of_memory(struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "the statistics: out of memory");
}

static const char *group_name(const struct fovea_cohort *cohort, size_t group) {
    return group == ALL ? "all" : cohort->groups[group].name;
}

static void set_interval(struct fovea_analysis *analysis, const char *const names[3], double value, double low,
                         double high) {
    fovea_analysis_set(analysis, names[0], value);
    fovea_analysis_set(analysis, names[1], low);
    fovea_analysis_set(analysis, names[2], high);
}

static enum fv_status describe(struct fovea_cohort *cohort, size_t variable, size_t group, struct work *work,
                               struct fv_error *error) {
    struct fovea_spread spread;
    size_t count = fovea_cohort_values(cohort, variable, group, work->own);
    enum fv_status status = fovea_spread_find(work->own, count, &spread, error);
    struct fovea_analysis *analysis =
        fovea_analyses_add(&cohort->analyses, FOVEA_DESCRIBE, variable, group_name(cohort, group), "");
    if (status != FV_OK || analysis == NULL) {
        return status != FV_OK ? status : out_of_memory(error);
    }
    double margin = fovea_mean_margin(spread.sd, spread.count);
    fovea_analysis_set(analysis, "n", (double)spread.count);
    fovea_analysis_set(analysis, "missing", (double)spread.undefined);
    set_interval(analysis, (const char *const[]){"mean", "mean_low", "mean_high"}, spread.mean, spread.mean - margin,
                 spread.mean + margin);
    fovea_analysis_set(analysis, "sd", spread.sd);
    fovea_analysis_set(analysis, "median", spread.median);
    fovea_analysis_set(analysis, "lower_quartile", spread.lower_quartile);
    fovea_analysis_set(analysis, "upper_quartile", spread.upper_quartile);
    fovea_analysis_set(analysis, "least", spread.least);
    fovea_analysis_set(analysis, "most", spread.most);
    analysis->reason = spread.count == 0   ? "no value"
                       : spread.count == 1 ? "a single value has no standard deviation"
                                           : "";
    return FV_OK;
}

/* The values of every group, the least first: so that sums do not depend on the names of subjects. */
static void gather_samples(const struct fovea_cohort *cohort, size_t variable, struct work *work) {
    size_t filled = 0;
    for (size_t g = 0; g < cohort->group_count; g++) {
        size_t count = fovea_cohort_values(cohort, variable, g, work->own), kept = 0;
        for (size_t i = 0; i < count; i++) {
            if (!isnan(work->own[i])) {
                work->grouped[filled + kept++] = work->own[i];
            }
        }
        fovea_sort_numbers(work->grouped + filled, kept);
        work->samples[g] = (struct fovea_sample){work->grouped + filled, kept};
        filled += kept;
    }
}

static enum fv_status compare_two(struct fovea_cohort *cohort, size_t variable, size_t a, size_t b, struct work *work,
                                  struct fv_error *error) {
    const char *first = cohort->groups[a].name, *second = cohort->groups[b].name;
    struct fovea_welch welch = fovea_welch_test(work->samples[a], work->samples[b]);
    struct fovea_analysis *analysis = fovea_analyses_add(&cohort->analyses, FOVEA_WELCH, variable, first, second);
    if (analysis == NULL) {
        return out_of_memory(error);
    }
    analysis->reason = welch.reason;
    set_interval(analysis, (const char *const[]){"difference", "difference_low", "difference_high"}, welch.difference,
                 welch.low, welch.high);
    fovea_analysis_set(analysis, "t", welch.t);
    fovea_analysis_set(analysis, "df", welch.df);
    fovea_analysis_set(analysis, "p", welch.p);
    fovea_analysis_set(analysis, "p_holm", welch.p);
    fovea_analysis_set(analysis, "cohen_d", welch.cohen_d);
    fovea_analysis_set(analysis, "hedges_g", welch.hedges_g);
    struct fovea_mann_whitney ranks;
    enum fv_status status = fovea_mann_whitney_test(work->samples[a], work->samples[b], &ranks, error);
    analysis = fovea_analyses_add(&cohort->analyses, FOVEA_MANN_WHITNEY, variable, first, second);
    if (status != FV_OK || analysis == NULL) {
        return status != FV_OK ? status : out_of_memory(error);
    }
    analysis->reason = ranks.reason;
    analysis->method = ranks.reason[0] != '\0' ? ""
                       : ranks.exact           ? "exact"
                       : ranks.ties            ? "normal approximation, corrected for ties and continuity"
                                               : "normal approximation, corrected for continuity";
    fovea_analysis_set(analysis, "u", ranks.u);
    fovea_analysis_set(analysis, "p", ranks.p);
    fovea_analysis_set(analysis, "p_holm", ranks.p);
    fovea_analysis_set(analysis, "superiority", ranks.superiority);
    fovea_analysis_set(analysis, "rank_biserial", ranks.rank_biserial);
    return FV_OK;
}

/* Adjusts the p values of one test of one variable over the pairs of groups, from analysis `first` on. */
static enum fv_status adjust(struct fovea_cohort *cohort, enum fovea_analysis_kind kind, size_t first,
                             struct fv_error *error) {
    double p[FOVEA_COHORT_MOST_GROUPS * FOVEA_COHORT_MOST_GROUPS];
    struct fovea_figure *places[FOVEA_COHORT_MOST_GROUPS * FOVEA_COHORT_MOST_GROUPS];
    size_t count = 0;
    for (size_t i = first; i < cohort->analyses.count; i++) {
        struct fovea_analysis *analysis = &cohort->analyses.items[i];
        for (size_t k = 0; k < analysis->figure_count && analysis->kind == kind; k++) {
            if (strcmp(analysis->figures[k].statistic, "p_holm") == 0) {
                p[count] = analysis->figures[k].value;
                places[count++] = &analysis->figures[k];
            }
        }
    }
    enum fv_status status = fovea_holm_adjust(p, count, error);
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        places[i]->value = p[i];
    }
    return status;
}

static enum fv_status add_anova(struct fovea_cohort *cohort, enum fovea_analysis_kind kind, size_t variable,
                                struct fovea_anova anova, struct fv_error *error) {
    struct fovea_analysis *analysis = fovea_analyses_add(&cohort->analyses, kind, variable, "all", "");
    if (analysis == NULL) {
        return out_of_memory(error);
    }
    analysis->reason = anova.reason;
    fovea_analysis_set(analysis, "f", anova.f);
    fovea_analysis_set(analysis, "df_between", anova.df_between);
    fovea_analysis_set(analysis, "df_within", anova.df_within);
    fovea_analysis_set(analysis, "p", anova.p);
    if (kind == FOVEA_ANOVA) {
        fovea_analysis_set(analysis, "eta_squared", anova.eta_squared);
        fovea_analysis_set(analysis, "omega_squared", anova.omega_squared);
    }
    return FV_OK;
}

static enum fv_status compare_all(struct fovea_cohort *cohort, size_t variable, struct work *work,
                                  struct fv_error *error) {
    size_t count = cohort->group_count;
    struct fovea_kruskal kruskal;
    enum fv_status status = add_anova(cohort, FOVEA_ANOVA, variable, fovea_anova_test(work->samples, count), error);
    status = status != FV_OK
                 ? status
                 : add_anova(cohort, FOVEA_WELCH_ANOVA, variable, fovea_welch_anova_test(work->samples, count), error);
    status = status != FV_OK ? status : fovea_kruskal_test(work->samples, count, &kruskal, error);
    if (status != FV_OK) {
        return status;
    }
    struct fovea_analysis *analysis = fovea_analyses_add(&cohort->analyses, FOVEA_KRUSKAL_WALLIS, variable, "all", "");
    if (analysis == NULL) {
        return out_of_memory(error);
    }
    analysis->reason = kruskal.reason;
    fovea_analysis_set(analysis, "h", kruskal.h);
    fovea_analysis_set(analysis, "df", kruskal.df);
    fovea_analysis_set(analysis, "p", kruskal.p);
    fovea_analysis_set(analysis, "epsilon_squared", kruskal.epsilon_squared);
    return FV_OK;
}

static enum fv_status compare_groups(struct fovea_cohort *cohort, size_t variable, struct work *work,
                                     struct fv_error *error) {
    enum fv_status status = FV_OK;
    gather_samples(cohort, variable, work);
    if (cohort->group_count > 2) {
        status = compare_all(cohort, variable, work, error);
    }
    size_t first = cohort->analyses.count;
    for (size_t a = 0; a < cohort->group_count; a++) {
        for (size_t b = a + 1; b < cohort->group_count && status == FV_OK; b++) {
            status = compare_two(cohort, variable, a, b, work, error);
        }
    }
    status = status != FV_OK ? status : adjust(cohort, FOVEA_WELCH, first, error);
    return status != FV_OK ? status : adjust(cohort, FOVEA_MANN_WHITNEY, first, error);
}

static enum fv_status add_correlation(struct fovea_cohort *cohort, enum fovea_analysis_kind kind, size_t variable,
                                      const char *group, const char *covariate, size_t pairs,
                                      struct fovea_correlation correlation, struct fv_error *error) {
    struct fovea_analysis *analysis = fovea_analyses_add(&cohort->analyses, kind, variable, group, covariate);
    if (analysis == NULL) {
        return out_of_memory(error);
    }
    analysis->reason = correlation.reason;
    fovea_analysis_set(analysis, "n", (double)pairs);
    set_interval(analysis, (const char *const[]){"r", "r_low", "r_high"}, correlation.r, correlation.low,
                 correlation.high);
    fovea_analysis_set(analysis, "p", correlation.p);
    return FV_OK;
}

/* Of a measure with a covariate, in a group or in all. */
static enum fv_status correlate(struct fovea_cohort *cohort, size_t measure, size_t covariate, size_t group,
                                struct work *work, struct fv_error *error) {
    const char *name = group_name(cohort, group), *against = cohort->variables[covariate].name;
    size_t count = fovea_cohort_values(cohort, measure, group, work->own), pairs = 0;
    fovea_cohort_values(cohort, covariate, group, work->other);
    for (size_t i = 0; i < count; i++) {
        if (!isnan(work->own[i]) && !isnan(work->other[i])) {
            work->own[pairs] = work->own[i];
            work->other[pairs++] = work->other[i];
        }
    }
    enum fv_status status = add_correlation(cohort, FOVEA_PEARSON, measure, name, against, pairs,
                                            fovea_pearson(work->other, work->own, pairs), error);
    if (status == FV_OK) {
        status = add_correlation(cohort, FOVEA_SPEARMAN, measure, name, against, pairs,
                                 fovea_spearman(work->other, work->own, pairs, work->ranks), error);
    }
    if (status != FV_OK) {
        return status;
    }
    struct fovea_regression line = fovea_regress(work->other, work->own, pairs);
    struct fovea_analysis *analysis = fovea_analyses_add(&cohort->analyses, FOVEA_REGRESSION, measure, name, against);
    if (analysis == NULL) {
        return out_of_memory(error);
    }
    analysis->reason = line.reason;
    fovea_analysis_set(analysis, "n", (double)pairs);
    fovea_analysis_set(analysis, "intercept", line.intercept);
    set_interval(analysis, (const char *const[]){"slope", "slope_low", "slope_high"}, line.slope, line.low, line.high);
    return FV_OK;
}

static enum fv_status correlate_all(struct fovea_cohort *cohort, size_t measure, struct work *work,
                                    struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t v = cohort->measure_count; v < cohort->variable_count; v++) {
        if (strcmp(cohort->variables[v].name, cohort->variables[measure].name) == 0) {
            continue;
        }
        status = status == FV_OK ? correlate(cohort, measure, v, ALL, work, error) : status;
        for (size_t g = 0; g < cohort->group_count && cohort->group_count > 1 && status == FV_OK; g++) {
            status = correlate(cohort, measure, v, g, work, error);
        }
    }
    return status;
}

static void set_icc(struct fovea_analysis *analysis, const struct fovea_repeatability *found) {
    set_interval(analysis, (const char *const[]){"icc_1_1", "icc_1_1_low", "icc_1_1_high"}, found->icc_1_1.value,
                 found->icc_1_1.low, found->icc_1_1.high);
    set_interval(analysis, (const char *const[]){"icc_2_1", "icc_2_1_low", "icc_2_1_high"}, found->icc_2_1.value,
                 found->icc_2_1.low, found->icc_2_1.high);
    set_interval(analysis, (const char *const[]){"icc_3_1", "icc_3_1_low", "icc_3_1_high"}, found->icc_3_1.value,
                 found->icc_3_1.low, found->icc_3_1.high);
}

/* The limits of agreement of repeat `k` less the first. */
static enum fv_status compare_repeats(struct fovea_cohort *cohort, size_t measure, size_t k, const double *values,
                                      size_t count, struct fv_error *error) {
    const struct fovea_cohort_repeats *repeats = &cohort->repeats;
    double *columns = fv_allocate(count, 2 * sizeof *columns);
    struct fovea_analysis *analysis =
        fovea_analyses_add(&cohort->analyses, FOVEA_BLAND_ALTMAN, measure, repeats->labels[k], repeats->labels[0]);
    if (columns == NULL || analysis == NULL) {
        fv_release(columns);
        return out_of_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        columns[i] = values[i * repeats->label_count + k];
        columns[count + i] = values[i * repeats->label_count];
    }
    struct fovea_limits limits = fovea_limits_find(columns, columns + count, count);
    fv_release(columns);
    analysis->reason = limits.reason;
    fovea_analysis_set(analysis, "n", (double)count);
    set_interval(analysis, (const char *const[]){"bias", "bias_low", "bias_high"}, limits.agreement.bias,
                 limits.bias_low, limits.bias_high);
    fovea_analysis_set(analysis, "bias_p", limits.bias_p);
    fovea_analysis_set(analysis, "sd_of_differences", limits.agreement.sd);
    set_interval(analysis, (const char *const[]){"lower_limit", "lower_limit_low", "lower_limit_high"},
                 limits.agreement.lower, limits.lower_low, limits.lower_high);
    set_interval(analysis, (const char *const[]){"upper_limit", "upper_limit_low", "upper_limit_high"},
                 limits.agreement.upper, limits.upper_low, limits.upper_high);
    return FV_OK;
}

static enum fv_status repeat(struct fovea_cohort *cohort, size_t measure, struct fv_error *error) {
    const struct fovea_cohort_repeats *repeats = &cohort->repeats;
    double *values = fv_allocate(repeats->eyes + 1, repeats->label_count * sizeof *values); /* a spare, partial row */
    struct fovea_analysis *analysis = fovea_analyses_add(&cohort->analyses, FOVEA_REPEATABILITY, measure, "all", "");
    if (values == NULL || analysis == NULL) {
        fv_release(values);
        return out_of_memory(error);
    }
    size_t count = fovea_cohort_repeated(cohort, measure, values);
    struct fovea_repeatability found = fovea_repeatability_find(values, count, repeats->label_count);
    analysis->reason = found.reason;
    fovea_analysis_set(analysis, "n", (double)count);
    fovea_analysis_set(analysis, "incomplete", (double)(repeats->eyes - count));
    fovea_analysis_set(analysis, "repeats", (double)repeats->label_count);
    set_icc(analysis, &found);
    set_interval(analysis, (const char *const[]){"within_sd", "within_sd_low", "within_sd_high"}, found.within_sd.value,
                 found.within_sd.low, found.within_sd.high);
    fovea_analysis_set(analysis, "repeatability", found.repeatability);
    fovea_analysis_set(analysis, "within_cv", found.within_cv);
    enum fv_status status = FV_OK;
    for (size_t k = 1; k < repeats->label_count && status == FV_OK; k++) {
        status = compare_repeats(cohort, measure, k, values, count, error);
    }
    fv_release(values);
    return status;
}

static enum fv_status analyse_variable(struct fovea_cohort *cohort, size_t variable, struct work *work,
                                       struct fv_error *error) {
    enum fv_status status = describe(cohort, variable, ALL, work, error);
    for (size_t g = 0; g < cohort->group_count && cohort->group_count > 1 && status == FV_OK; g++) {
        status = describe(cohort, variable, g, work, error);
    }
    if (status != FV_OK || cohort->variables[variable].covariate) {
        return status;
    }
    status = cohort->group_count > 1 ? compare_groups(cohort, variable, work, error) : status;
    status = status != FV_OK ? status : correlate_all(cohort, variable, work, error);
    return status == FV_OK && cohort->repeats.label_count > 1 ? repeat(cohort, variable, error) : status;
}

enum fv_status fovea_cohort_analyse(struct fovea_cohort *cohort, struct fv_error *error) {
    size_t count = cohort->observation_count;
    struct work work = {
        .own = fv_allocate(count, sizeof(double)),
        .other = fv_allocate(count, sizeof(double)),
        .ranks = fv_allocate(count, 2 * sizeof(double)),
        .grouped = fv_allocate(count, sizeof(double)),
    };
    bool complete = work.own != NULL && work.other != NULL && work.ranks != NULL && work.grouped != NULL;
    enum fv_status status = complete ? FV_OK : out_of_memory(error);
    for (size_t v = 0; v < cohort->variable_count && status == FV_OK; v++) {
        status = analyse_variable(cohort, v, &work, error);
    }
    fv_release(work.own);
    fv_release(work.other);
    fv_release(work.ranks);
    fv_release(work.grouped);
    return status;
}
