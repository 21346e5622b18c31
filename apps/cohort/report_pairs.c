/* What the report says of two numbers of the same eyes: correlations and repeats. */
#include <math.h>
#include <string.h>

#include "base/plots.h"
#include "cohort/report.h"
#include "fovea/memory.h"

enum { PLOTS_MOST = 8, PAGE_MOST = 64 }; /* scatter plots of a measure, and in all; the tables have all covariates */

/* The scatter plot of a measure with a covariate, a mark a group. */
static void add_scatter(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable,
                        size_t covariate) {
    size_t count = cohort->observation_count, filled = 0;
    double *x = fv_allocate(count, 2 * sizeof *x);
    struct fovea_plot_series series[FOVEA_COHORT_MOST_GROUPS];
    if (x == NULL) {
        text->failed = true;
        return;
    }
    for (size_t g = 0; g < cohort->group_count; g++) {
        size_t own = fovea_cohort_values(cohort, covariate, g, x + filled);
        fovea_cohort_values(cohort, variable, g, x + count + filled);
        series[g] = (struct fovea_plot_series){cohort->groups[g].name, x + filled, x + count + filled, own};
        filled += own;
    }
    const struct fovea_analysis *fit =
        fovea_analyses_find(&cohort->analyses, FOVEA_REGRESSION, variable, "all", cohort->variables[covariate].name);
    struct fovea_plot_line line = {NAN, NAN};
    if (fit != NULL) {
        line = (struct fovea_plot_line){fovea_analysis_get(fit, "intercept"), fovea_analysis_get(fit, "slope")};
    }
    const struct fovea_plot_titles titles = {cohort->variables[variable].label, cohort->variables[covariate].label,
                                             cohort->variables[variable].label};
    fovea_buffer_text(text, "<figure>\n");
    fovea_plot_scatter(text, &titles, series, cohort->group_count, isnan(line.slope) ? NULL : &line);
    fovea_buffer_text(text, "</figure>\n");
    fv_release(x);
}

/* The cells of one coefficient. */
static void add_coefficient(struct fovea_buffer *text, const struct fovea_analysis *analysis) {
    fovea_buffer_text(text, "<td class=\"number\">");
    fovea_cohort_add_interval(text, analysis, "r", "r_low", "r_high", 3);
    fovea_buffer_text(text, "</td><td class=\"number\">");
    fovea_cohort_add_p(text, fovea_analysis_get(analysis, "p"));
    fovea_buffer_text(text, "</td>");
}

static void add_correlation_row(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t covariate,
                                const struct fovea_analysis *pearson, bool all) {
    const struct fovea_analysis *spearman = pearson + 1, *line = pearson + 2;
    double width = fovea_analysis_get(line, "slope_high") - fovea_analysis_get(line, "slope_low");
    int decimals = fovea_cohort_digits(width > 0.0 ? width : fabs(fovea_analysis_get(line, "slope")));
    fovea_buffer_text(text, "<tr><td>");
    fovea_buffer_html(text, cohort->variables[covariate].label);
    fovea_buffer_text(text, "</td><td>");
    fovea_buffer_html(text, all ? "All" : pearson->group);
    if (pearson->reason[0] != '\0') {
        fovea_buffer_format(text, "<span class=\"why\">%s</span>", pearson->reason);
    }
    fovea_buffer_format(text, "</td><td class=\"number\">%.0f</td>", fovea_analysis_get(pearson, "n"));
    add_coefficient(text, pearson);
    add_coefficient(text, spearman);
    fovea_buffer_text(text, "<td class=\"number\">");
    fovea_cohort_add_interval(text, line, "slope", "slope_low", "slope_high", decimals);
    fovea_buffer_text(text, "</td></tr>\n");
}

static void add_correlation_table(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable) {
    fovea_buffer_text(text,
                      "<div class=\"scroll\"><table>\n<thead><tr><th>Covariate</th><th>Group</th><th "
                      "class=\"number\">n</th><th class=\"number\">Pearson r<span class=\"interval\">95 % interval"
                      "</span></th><th class=\"number\">p</th><th class=\"number\">Spearman \xcf\x81<span "
                      "class=\"interval\">95 % interval</span></th><th class=\"number\">p</th><th class=\"number\">"
                      "Slope<span class=\"interval\">95 % interval</span></th></tr></thead>\n<tbody>\n");
    for (size_t v = cohort->measure_count; v < cohort->variable_count; v++) {
        bool all = true;
        for (size_t i = 0; i + 2 < cohort->analyses.count; i++) {
            const struct fovea_analysis *analysis = &cohort->analyses.items[i];
            if (analysis->kind == FOVEA_PEARSON && analysis->variable == variable &&
                strcmp(analysis->against, cohort->variables[v].name) == 0) {
                add_correlation_row(text, cohort, v, analysis, all);
                all = false;
            }
        }
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n");
}

void fovea_cohort_add_correlations(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable) {
    size_t covariates = cohort->variable_count - cohort->measure_count, drawn = 0;
    size_t share = PAGE_MOST / cohort->measure_count, most = share < 1 ? 1 : share < PLOTS_MOST ? share : PLOTS_MOST;
    if (covariates == 0) {
        return;
    }
    fovea_buffer_text(text, "<h3>With the covariates</h3>\n<div class=\"charts\">\n");
    for (size_t v = cohort->measure_count; v < cohort->variable_count && drawn < most; v++) {
        if (strcmp(cohort->variables[v].name, cohort->variables[variable].name) != 0) {
            add_scatter(text, cohort, variable, v);
            drawn++;
        }
    }
    fovea_buffer_text(text, "</div>\n");
    if (covariates > most) {
        fovea_buffer_format(text, "<p class=\"lead\">Drawn: %zu of %zu covariates.</p>\n", drawn, covariates);
    }
    add_correlation_table(text, cohort, variable);
}

/* The plot of repeat `k` against the first. */
static void add_agreement(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable, size_t k,
                          const double *values, size_t count) {
    const struct fovea_cohort_repeats *repeats = &cohort->repeats;
    double *columns = fv_allocate(count, 2 * sizeof *columns);
    if (columns == NULL) {
        text->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        columns[i] = values[i * repeats->label_count + k];
        columns[count + i] = values[i * repeats->label_count];
    }
    struct fovea_agreement agreement = fovea_agreement_find(columns, columns + count, count);
    struct fovea_buffer across = {0}, upward = {0};
    fovea_buffer_format(&across, "mean of %s and %s: %s", repeats->labels[k], repeats->labels[0],
                        cohort->variables[variable].label);
    fovea_buffer_format(&upward, "%s %s \xe2\x88\x92 %s", cohort->repeat_column, repeats->labels[k],
                        repeats->labels[0]);
    if (across.failed || upward.failed) {
        text->failed = true;
    } else {
        const struct fovea_plot_titles titles = {"Bland and Altman\xe2\x80\x99s plot", across.bytes, upward.bytes};
        fovea_buffer_text(text, "<figure>\n");
        fovea_plot_agreement(text, &titles, columns, columns + count, count, &agreement);
        fovea_buffer_text(text, "</figure>\n");
    }
    fovea_buffer_clear(&across);
    fovea_buffer_clear(&upward);
    fv_release(columns);
}

static void add_plots(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable) {
    const struct fovea_cohort_repeats *repeats = &cohort->repeats;
    double *values = fv_allocate(repeats->eyes + 1, repeats->label_count * sizeof *values);
    if (values == NULL) {
        text->failed = true;
        return;
    }
    size_t count = fovea_cohort_repeated(cohort, variable, values);
    fovea_buffer_text(text, "<div class=\"charts\">\n");
    for (size_t k = 1; k < repeats->label_count && count > 0; k++) {
        add_agreement(text, cohort, variable, k, values, count);
    }
    fovea_buffer_text(text, "</div>\n");
    fv_release(values);
}

static void add_term(struct fovea_buffer *text, const char *term, const struct fovea_analysis *analysis,
                     const char *const names[3], int decimals) {
    fovea_buffer_format(text, "<dt>%s</dt><dd>", term);
    fovea_cohort_add_interval(text, analysis, names[0], names[1], names[2], decimals);
    fovea_buffer_text(text, "</dd>\n");
}

static void add_repeat_figures(struct fovea_buffer *text, const struct fovea_analysis *found, int decimals) {
    fovea_buffer_text(text, "<dl>\n");
    add_term(text, "ICC(1,1), one-way random", found, (const char *const[]){"icc_1_1", "icc_1_1_low", "icc_1_1_high"},
             3);
    add_term(text, "ICC(2,1), two-way random, absolute agreement", found,
             (const char *const[]){"icc_2_1", "icc_2_1_low", "icc_2_1_high"}, 3);
    add_term(text, "ICC(3,1), two-way mixed, consistency", found,
             (const char *const[]){"icc_3_1", "icc_3_1_low", "icc_3_1_high"}, 3);
    add_term(text, "Within-subject SD", found, (const char *const[]){"within_sd", "within_sd_low", "within_sd_high"},
             decimals);
    fovea_buffer_text(text, "<dt>Coefficient of repeatability</dt><dd>");
    fovea_cohort_add_number(text, fovea_analysis_get(found, "repeatability"), decimals);
    fovea_buffer_text(text, "</dd>\n<dt>Within-subject coefficient of variation</dt><dd>");
    double variation = fovea_analysis_get(found, "within_cv");
    fovea_cohort_add_number(text, 100.0 * variation, 2);
    fovea_buffer_format(text, "%s</dd>\n</dl>\n", isnan(variation) ? "" : " %");
}

static void add_limits(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable, int decimals) {
    static const char *const names[3][3] = {{"bias", "bias_low", "bias_high"},
                                            {"lower_limit", "lower_limit_low", "lower_limit_high"},
                                            {"upper_limit", "upper_limit_low", "upper_limit_high"}};
    fovea_buffer_text(text, "<div class=\"scroll\"><table>\n<thead><tr><th>Repeats</th><th class=\"number\">n</th><th "
                            "class=\"number\">Bias<span class=\"interval\">95 % interval</span></th><th "
                            "class=\"number\">p of the bias</th><th class=\"number\">SD of differences</th><th "
                            "class=\"number\">Lower limit<span class=\"interval\">95 % interval</span></th><th "
                            "class=\"number\">Upper limit<span class=\"interval\">95 % interval</span></th></tr>"
                            "</thead>\n<tbody>\n");
    for (size_t i = 0; i < cohort->analyses.count; i++) {
        const struct fovea_analysis *limits = &cohort->analyses.items[i];
        if (limits->kind != FOVEA_BLAND_ALTMAN || limits->variable != variable) {
            continue;
        }
        fovea_buffer_text(text, "<tr><td>");
        fovea_buffer_html(text, cohort->repeat_column);
        fovea_buffer_text(text, " ");
        fovea_buffer_html(text, limits->group);
        fovea_buffer_text(text, " \xe2\x88\x92 ");
        fovea_buffer_html(text, limits->against);
        fovea_buffer_format(text,
                            "<span class=\"why\">%s</span></td><td class=\"number\">%.0f</td><td class=\"number\">",
                            limits->reason, fovea_analysis_get(limits, "n"));
        fovea_cohort_add_interval(text, limits, names[0][0], names[0][1], names[0][2], decimals);
        fovea_buffer_text(text, "</td><td class=\"number\">");
        fovea_cohort_add_p(text, fovea_analysis_get(limits, "bias_p"));
        fovea_buffer_text(text, "</td><td class=\"number\">");
        fovea_cohort_add_number(text, fovea_analysis_get(limits, "sd_of_differences"), decimals);
        for (size_t k = 1; k < 3; k++) {
            fovea_buffer_text(text, "</td><td class=\"number\">");
            fovea_cohort_add_interval(text, limits, names[k][0], names[k][1], names[k][2], decimals);
        }
        fovea_buffer_text(text, "</td></tr>\n");
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n");
}

void fovea_cohort_add_repeatability(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable) {
    const struct fovea_analysis *found =
        fovea_analyses_find(&cohort->analyses, FOVEA_REPEATABILITY, variable, "all", "");
    if (found == NULL) {
        return;
    }
    int decimals = fovea_cohort_decimals(cohort, variable) + 1;
    double incomplete = fovea_analysis_get(found, "incomplete");
    fovea_buffer_format(text, "<h3>Repeatability</h3>\n<p class=\"lead\">%.0f eyes with all %.0f repeats",
                        fovea_analysis_get(found, "n"), fovea_analysis_get(found, "repeats"));
    if (incomplete > 0.0) {
        fovea_buffer_format(text, "; %.0f more lack some of them and are left out", incomplete);
    }
    fovea_buffer_format(text, ".%s%s</p>\n", found->reason[0] != '\0' ? " " : "", found->reason);
    add_repeat_figures(text, found, decimals);
    add_limits(text, cohort, variable, decimals);
    add_plots(text, cohort, variable);
}
