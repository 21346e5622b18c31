/* What the report says of one measure in groups. */
#include <math.h>
#include <string.h>

#include "base/plots.h"
#include "base/statistics.h"
#include "cohort/report.h"
#include "fovea/memory.h"

#define DASH "\xe2\x80\x93"

void fovea_cohort_add_number(struct fovea_buffer *text, double value, int decimals) {
    if (isnan(value)) {
        fovea_buffer_text(text, DASH);
    } else if (isinf(value)) {
        fovea_buffer_text(text, value > 0.0 ? "\xe2\x88\x9e" : "\xe2\x88\x92\xe2\x88\x9e");
    } else if (value != 0.0 && (fabs(value) >= 1e9 || fabs(value) < 0.5 * pow(10.0, -decimals))) {
        fovea_buffer_format(text, "%s%.2e", value < 0.0 ? "\xe2\x88\x92" : "", fabs(value));
    } else {
        fovea_buffer_format(text, "%s%.*f", value < 0.0 ? "\xe2\x88\x92" : "", decimals, fabs(value));
    }
}

void fovea_cohort_add_interval(struct fovea_buffer *text, const struct fovea_analysis *analysis, const char *value,
                               const char *low, const char *high, int decimals) {
    fovea_cohort_add_number(text, fovea_analysis_get(analysis, value), decimals);
    if (!isnan(fovea_analysis_get(analysis, low))) {
        fovea_buffer_text(text, "<span class=\"interval\">");
        fovea_cohort_add_number(text, fovea_analysis_get(analysis, low), decimals);
        fovea_buffer_text(text, " to ");
        fovea_cohort_add_number(text, fovea_analysis_get(analysis, high), decimals);
        fovea_buffer_text(text, "</span>");
    }
}

void fovea_cohort_add_p(struct fovea_buffer *text, double p) {
    if (p < 0.0001) {
        fovea_buffer_text(text, "&lt;&nbsp;0.0001");
    } else {
        fovea_cohort_add_number(text, p, 4);
    }
}

int fovea_cohort_digits(double size) {
    return size > 0.0 ? (int)fmin(fmax(2.0 - floor(log10(size)), 0.0), 12.0) : 3;
}

int fovea_cohort_decimals(const struct fovea_cohort *cohort, size_t variable) {
    const struct fovea_analysis *all = fovea_analyses_find(&cohort->analyses, FOVEA_DESCRIBE, variable, "all", "");
    double size = all != NULL ? fovea_analysis_get(all, "sd") : NAN;
    size = all != NULL && !(size > 0.0) ? fabs(fovea_analysis_get(all, "mean")) / 10.0 : size;
    return fovea_cohort_digits(size);
}

/* Why an analysis lacks figures, under them. */
static void add_reason(struct fovea_buffer *text, const struct fovea_analysis *analysis) {
    if (analysis->reason[0] != '\0') {
        fovea_buffer_format(text, "<span class=\"why\">%s</span>", analysis->reason);
    }
}

static void add_cell(struct fovea_buffer *text, const struct fovea_analysis *analysis, const char *statistic,
                     int decimals) {
    fovea_buffer_text(text, "<td class=\"number\">");
    fovea_cohort_add_number(text, fovea_analysis_get(analysis, statistic), decimals);
    fovea_buffer_text(text, "</td>");
}

static void add_p_cell(struct fovea_buffer *text, const struct fovea_analysis *analysis, const char *statistic) {
    fovea_buffer_text(text, "<td class=\"number\">");
    fovea_cohort_add_p(text, fovea_analysis_get(analysis, statistic));
    fovea_buffer_text(text, "</td>");
}

static void add_interval_cell(struct fovea_buffer *text, const struct fovea_analysis *analysis,
                              const char *const names[3], int decimals) {
    fovea_buffer_text(text, "<td class=\"number\">");
    fovea_cohort_add_interval(text, analysis, names[0], names[1], names[2], decimals);
    fovea_buffer_text(text, "</td>");
}

static void add_description_row(struct fovea_buffer *text, const struct fovea_analysis *analysis, const char *label,
                                int decimals) {
    fovea_buffer_text(text, "<tr><td>");
    fovea_buffer_html(text, label);
    add_reason(text, analysis);
    fovea_buffer_text(text, "</td>");
    add_cell(text, analysis, "n", 0);
    add_cell(text, analysis, "missing", 0);
    add_interval_cell(text, analysis, (const char *const[]){"mean", "mean_low", "mean_high"}, decimals);
    add_cell(text, analysis, "sd", decimals);
    add_interval_cell(text, analysis, (const char *const[]){"median", "lower_quartile", "upper_quartile"}, decimals);
    add_cell(text, analysis, "least", decimals);
    add_cell(text, analysis, "most", decimals);
    fovea_buffer_text(text, "</tr>\n");
}

void fovea_cohort_add_description(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable) {
    int decimals = fovea_cohort_decimals(cohort, variable);
    bool all = true; /* which comes first */
    fovea_buffer_text(text,
                      "<div class=\"scroll\"><table>\n<thead><tr><th>Group</th><th class=\"number\">n</th><th "
                      "class=\"number\">Missing</th><th class=\"number\">Mean<span class=\"interval\">95 % interval"
                      "</span></th><th class=\"number\">SD</th><th class=\"number\">Median<span class=\"interval\">"
                      "quartiles</span></th><th class=\"number\">Least</th><th class=\"number\">Greatest</th></tr>"
                      "</thead>\n<tbody>\n");
    for (size_t i = 0; i < cohort->analyses.count; i++) {
        const struct fovea_analysis *analysis = &cohort->analyses.items[i];
        if (analysis->kind == FOVEA_DESCRIBE && analysis->variable == variable) {
            add_description_row(text, analysis, all ? "All" : analysis->group, decimals);
            all = false;
        }
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n");
}

static void add_boxes(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable) {
    struct fovea_plot_box boxes[FOVEA_COHORT_MOST_GROUPS];
    struct fovea_spread spreads[FOVEA_COHORT_MOST_GROUPS];
    double *values = fv_allocate(cohort->observation_count, sizeof *values);
    size_t filled = 0;
    text->failed = text->failed || values == NULL;
    for (size_t g = 0; g < cohort->group_count && !text->failed; g++) {
        size_t count = fovea_cohort_values(cohort, variable, g, values + filled);
        text->failed = fovea_spread_find(values + filled, count, &spreads[g], NULL) != FV_OK;
        boxes[g] = (struct fovea_plot_box){"", cohort->groups[g].name, values + filled, count, &spreads[g]};
        filled += count;
    }
    if (!text->failed) {
        fovea_buffer_text(text, "<figure>\n");
        fovea_plot_boxes(text, cohort->variables[variable].label, boxes, cohort->group_count, NAN);
        fovea_buffer_text(text, "</figure>\n");
    }
    fv_release(values);
}

/* "A less B", and under it how the tests were made, or why they were not. */
static void add_pair(struct fovea_buffer *text, const struct fovea_analysis *welch,
                     const struct fovea_analysis *ranks) {
    fovea_buffer_html(text, welch->group);
    fovea_buffer_text(text, " \xe2\x88\x92 ");
    fovea_buffer_html(text, welch->against);
    if (welch->reason[0] != '\0') {
        fovea_buffer_format(text, "<span class=\"why\">Welch: %s</span>", welch->reason);
    }
    fovea_buffer_format(text, "<span class=\"why\">Mann-Whitney: %s%s</span>", ranks->method, ranks->reason);
}

static void add_pairs(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable) {
    static const char *const difference[3] = {"difference", "difference_low", "difference_high"};
    bool several = cohort->group_count > 2;
    int decimals = fovea_cohort_decimals(cohort, variable);
    fovea_buffer_format(
        text,
        "<h3>%s</h3>\n<div class=\"scroll\"><table>\n<thead><tr><th>Groups</th><th class=\"number\">"
        "Difference of means<span class=\"interval\">95 %% interval</span></th><th class=\"number\">t</th>"
        "<th class=\"number\">df</th><th class=\"number\">p, Welch</th>%s<th class=\"number\">"
        "Hedges\xe2\x80\x99 g</th><th class=\"number\">U</th><th class=\"number\">p, Mann-Whitney</th>%s"
        "<th class=\"number\">P(first &gt; second)</th></tr></thead>\n<tbody>\n",
        several ? "Every pair of groups" : "The two groups", several ? "<th class=\"number\">after Holm</th>" : "",
        several ? "<th class=\"number\">after Holm</th>" : "");
    for (size_t i = 0; i + 1 < cohort->analyses.count; i++) {
        const struct fovea_analysis *welch = &cohort->analyses.items[i], *ranks = welch + 1;
        if (welch->kind != FOVEA_WELCH || welch->variable != variable) {
            continue;
        }
        fovea_buffer_text(text, "<tr><td>");
        add_pair(text, welch, ranks);
        fovea_buffer_text(text, "</td>");
        add_interval_cell(text, welch, difference, decimals);
        add_cell(text, welch, "t", 3);
        add_cell(text, welch, "df", 1);
        add_p_cell(text, welch, "p");
        if (several) {
            add_p_cell(text, welch, "p_holm");
        }
        add_cell(text, welch, "hedges_g", 3);
        add_cell(text, ranks, "u", 1);
        add_p_cell(text, ranks, "p");
        if (several) {
            add_p_cell(text, ranks, "p_holm");
        }
        add_cell(text, ranks, "superiority", 3);
        fovea_buffer_text(text, "</tr>\n");
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n");
}

/* One test of all groups. */
static void add_omnibus(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable,
                        enum fovea_analysis_kind kind, const char *name, const char *statistic, const char *effect,
                        const char *effect_name) {
    const struct fovea_analysis *analysis = fovea_analyses_find(&cohort->analyses, kind, variable, "all", "");
    if (analysis == NULL) {
        return;
    }
    fovea_buffer_format(text, "<tr><td>%s", name);
    add_reason(text, analysis);
    fovea_buffer_format(text, "</td><td class=\"number\">%s = ", statistic);
    fovea_cohort_add_number(text, fovea_analysis_get(analysis, kind == FOVEA_KRUSKAL_WALLIS ? "h" : "f"), 3);
    fovea_buffer_text(text, "</td><td class=\"number\">");
    fovea_cohort_add_number(text, fovea_analysis_get(analysis, kind == FOVEA_KRUSKAL_WALLIS ? "df" : "df_between"), 0);
    if (kind != FOVEA_KRUSKAL_WALLIS) {
        fovea_buffer_text(text, "; ");
        fovea_cohort_add_number(text, fovea_analysis_get(analysis, "df_within"), kind == FOVEA_ANOVA ? 0 : 1);
    }
    fovea_buffer_text(text, "</td>");
    add_p_cell(text, analysis, "p");
    fovea_buffer_format(text, "<td class=\"number\">%s", effect_name);
    if (effect != NULL) {
        fovea_cohort_add_number(text, fovea_analysis_get(analysis, effect), 3);
    }
    fovea_buffer_text(text, "</td></tr>\n");
}

static void add_tests(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable) {
    if (cohort->group_count > 2) {
        fovea_buffer_text(text, "<h3>All groups</h3>\n<div class=\"scroll\"><table>\n<thead><tr><th>Test</th><th "
                                "class=\"number\">Statistic</th><th class=\"number\">df</th><th class=\"number\">p</th>"
                                "<th class=\"number\">Effect size</th></tr></thead>\n<tbody>\n");
        add_omnibus(text, cohort, variable, FOVEA_KRUSKAL_WALLIS, "Kruskal-Wallis", "H", "epsilon_squared",
                    "\xce\xb5\xc2\xb2 = ");
        add_omnibus(text, cohort, variable, FOVEA_ANOVA, "Analysis of variance, equal variances assumed", "F",
                    "omega_squared", "\xcf\x89\xc2\xb2 = ");
        add_omnibus(text, cohort, variable, FOVEA_WELCH_ANOVA, "Welch\xe2\x80\x99s analysis of variance", "F", NULL,
                    DASH);
        fovea_buffer_text(text, "</tbody>\n</table></div>\n");
    }
    add_pairs(text, cohort, variable);
}

void fovea_cohort_add_measure(struct fovea_buffer *text, const struct fovea_cohort *cohort, size_t variable) {
    fovea_buffer_text(text, "<section class=\"measure\">\n<h2>");
    fovea_buffer_html(text, cohort->variables[variable].label);
    fovea_buffer_text(text, "</h2>\n<p class=\"lead\"><code>");
    fovea_buffer_html(text, cohort->variables[variable].name);
    fovea_buffer_text(text, "</code></p>\n");
    add_boxes(text, cohort, variable);
    fovea_cohort_add_description(text, cohort, variable);
    if (cohort->group_count > 1) {
        add_tests(text, cohort, variable);
    }
    fovea_cohort_add_correlations(text, cohort, variable);
    fovea_cohort_add_repeatability(text, cohort, variable);
    fovea_buffer_text(text, "</section>\n");
}
