/* The results for people: one page that loads nothing. */
#include "cohort/report.h"

#include <math.h>
#include <string.h>

#include "base/report_style.h"
#include "commands.h"

enum { FAILURES_SHOWN = 500 }; /* cohort.json lists all */

static const char cohort_style[] =
    ".charts{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;align-items:flex-start}figure{margin:.8rem 0;overflow-x:auto;"
    "max-width:100%}.scroll{overflow-x:auto}\n"
    ".interval{display:block;color:var(--soft);font-size:.82rem;white-space:nowrap}"
    "h3{margin:1.5rem 0 .4rem;font-size:1rem}.measure{border-top:1px solid var(--line);margin-top:2.2rem}"
    "ul.notes{margin:.6rem 0;padding-left:1.2rem}td .why{max-width:20rem;overflow-wrap:normal}\n"
    "@media(max-width:46rem){.scroll thead{display:table-header-group}.scroll tr{display:table-row}"
    ".scroll td{display:table-cell;padding:.4rem}.scroll td.number{text-align:right}.scroll td,.scroll th{"
    "border-bottom:1px solid var(--line)}figure svg{min-width:34rem}}\n"
    "@media print{figure,table{break-inside:avoid}figure svg{min-width:0}.measure{break-before:page}.scroll{"
    "overflow:visible}}\n";

static void add_head(struct fovea_buffer *text, const struct fovea_cohort *cohort) {
    fovea_buffer_text(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                            "<title>Fovea cohort</title>\n<style>\n");
    fovea_buffer_text(text, report_style);
    fovea_buffer_text(text, cohort_style);
    fovea_buffer_text(text, "</style>\n</head>\n<body>\n<header>\n<h1>Cohort</h1>\n<p class=\"lead\">");
    fovea_buffer_html(text, cohort->subjects.name);
    fovea_buffer_format(text, " joined with %zu %s of results &middot; fovea cohort %s</p>\n</header>\n",
                        cohort->source_count, cohort->source_count == 1 ? "table" : "tables", FOVEA_VERSION);
    fovea_buffer_format(text, "<p class=\"notice\">%s</p>\n", FOVEA_NOTICE);
}

static void add_tile(struct fovea_buffer *text, size_t count, const char *one, const char *many) {
    fovea_buffer_format(text, "<div class=\"tile\"><b>%zu</b><span>%s</span></div>\n", count, count == 1 ? one : many);
}

/* How many subjects have images of both eyes. */
static size_t count_pairs(const struct fovea_cohort *cohort) {
    size_t pairs = 0;
    for (size_t i = 0; i < cohort->observation_count; i++) {
        const struct fovea_cohort_observation *own = &cohort->observations[i];
        if (cohort->options->per == FOVEA_COHORT_PER_SUBJECT) {
            pairs += own->eyes > 1;
        } else if (i > 0) {
            pairs += strcmp(own->subject, cohort->observations[i - 1].subject) == 0;
        }
    }
    return pairs;
}

/* Whether any image says which eye it shows. */
static bool knows_eyes(const struct fovea_cohort *cohort) {
    for (size_t i = 0; i < cohort->image_count; i++) {
        if (cohort->images[i].facts.eye[0] != '\0') {
            return true;
        }
    }
    return false;
}

static void add_unit(struct fovea_buffer *text, const struct fovea_cohort *cohort) {
    size_t pairs = count_pairs(cohort);
    bool per_eye = cohort->options->per == FOVEA_COHORT_PER_EYE;
    fovea_buffer_text(text, "<p class=\"remark\"><b>What counts once: ");
    fovea_buffer_format(text, "the %s.</b> ", fovea_cohort_unit_name(cohort));
    if (!knows_eyes(cohort)) {
        fovea_buffer_text(text, "No column says which eye an image shows: all images of a subject are taken for one "
                                "eye, and their mean is used.");
    } else if (!per_eye) {
        fovea_buffer_format(text,
                            "Two eyes of a subject are not independent, so every subject enters with the mean of its "
                            "eyes; %zu of %zu subjects have images of both.",
                            pairs, cohort->observation_count);
    } else if (pairs == 0) {
        fovea_buffer_text(text, "No subject has images of both eyes here.");
    } else {
        fovea_buffer_format(text,
                            "%zu %s here with both eyes, which are not independent: standard errors are too small, "
                            "intervals too narrow and p values too low. Use <code>--per subject</code> for tests.",
                            pairs, pairs == 1 ? "subject is" : "subjects are");
    }
    fovea_buffer_text(text, " Repeats of an eye and visit are averaged first.</p>\n");
}

/* How many p values the report has, before any adjustment. */
static size_t count_tests(const struct fovea_cohort *cohort) {
    size_t tests = 0;
    for (size_t i = 0; i < cohort->analyses.count; i++) {
        tests += isnan(fovea_analysis_get(&cohort->analyses.items[i], "p")) ? 0 : 1;
    }
    return tests;
}

static void add_tests(struct fovea_buffer *text, const struct fovea_cohort *cohort) {
    size_t tests = count_tests(cohort);
    if (tests > 1) {
        fovea_buffer_format(
            text,
            "<p class=\"remark\"><b>%zu tests of groups and correlations are in this report.</b> If "
            "nothing at all were there, about %.0f of them would still have p &lt; 0.05. %s p values of "
            "different tests, measures and covariates are not adjusted for each other: say "
            "beforehand which one decides.</p>\n",
            tests, fmax(1.0, 0.05 * (double)tests),
            cohort->group_count > 2 ? "\xe2\x80\x9c"
                                      "After Holm\xe2\x80\x9d adjusts one test of one measure for the "
                                      "number of pairs of groups, and for nothing else."
                                    : "");
    }
}

static void add_summary(struct fovea_buffer *text, const struct fovea_cohort *cohort) {
    struct fovea_cohort_group totals = fovea_cohort_totals(cohort);
    fovea_buffer_text(text, "<section>\n<h2>Summary</h2>\n<div class=\"tiles\">\n");
    add_tile(text, totals.subjects, "subject", "subjects");
    if (knows_eyes(cohort)) {
        add_tile(text, totals.eyes, "eye", "eyes");
    }
    add_tile(text, totals.images[FOVEA_COHORT_OK], "image used", "images used");
    add_tile(text, totals.images[FOVEA_COHORT_UNGRADABLE], "ungradable image, left out", "ungradable images, left out");
    add_tile(text, totals.images[FOVEA_COHORT_FAILED], "failed image, left out", "failed images, left out");
    add_tile(text, cohort->failures.count, "\xe2\x9c\x95 problem", "\xe2\x9c\x95 problems");
    fovea_buffer_text(text, "</div>\n");
    if (cohort->failures.count > 0) {
        fovea_buffer_format(text,
                            "<p class=\"remark\"><b>%zu %s.</b> Rows, images and values that could not be used are "
                            "listed at the end with file, line and reason, and are in none of the figures.</p>\n",
                            cohort->failures.count, cohort->failures.count == 1 ? "problem" : "problems");
    }
    add_unit(text, cohort);
    add_tests(text, cohort);
    if (cohort->notes.count > 0) {
        fovea_buffer_text(text, "<ul class=\"notes\">\n");
        for (size_t i = 0; i < cohort->notes.count; i++) {
            fovea_buffer_text(text, "<li>");
            fovea_buffer_html(text, cohort->notes.items[i].reason);
            fovea_buffer_text(text, "</li>\n");
        }
        fovea_buffer_text(text, "</ul>\n");
    }
    fovea_buffer_text(text, "</section>\n");
}

static void add_group_row(struct fovea_buffer *text, const struct fovea_cohort_group *group, const char *name) {
    fovea_buffer_text(text, "<tr><td>");
    fovea_buffer_html(text, name);
    fovea_buffer_format(text,
                        "</td><td class=\"number\">%zu</td><td class=\"number\">%zu</td><td class=\"number\">%zu</td>"
                        "<td class=\"number\">%zu</td><td class=\"number\">%zu</td></tr>\n",
                        group->subjects, group->eyes, group->images[FOVEA_COHORT_OK],
                        group->images[FOVEA_COHORT_UNGRADABLE], group->images[FOVEA_COHORT_FAILED]);
}

static void add_groups(struct fovea_buffer *text, const struct fovea_cohort *cohort) {
    struct fovea_cohort_group totals = fovea_cohort_totals(cohort);
    fovea_buffer_text(text, "<section>\n<h2>Groups</h2>\n");
    if (cohort->group_column == NULL) {
        fovea_buffer_text(text, "<p>The table of subjects has no column <code>group</code>: all are one group.</p>\n");
    }
    fovea_buffer_text(text, "<div class=\"scroll\"><table>\n<thead><tr><th>Group</th><th class=\"number\">Subjects</th>"
                            "<th class=\"number\">Eyes</th><th class=\"number\">Images used</th><th class=\"number\">"
                            "Ungradable</th><th class=\"number\">Failed</th></tr></thead>\n<tbody>\n");
    for (size_t g = 0; g < cohort->group_count && cohort->group_count > 1; g++) {
        add_group_row(text, &cohort->groups[g], cohort->groups[g].name);
    }
    add_group_row(text, &totals, "All");
    fovea_buffer_text(text, "</tbody>\n</table></div>\n");
    if (cohort->variable_count > cohort->measure_count) {
        fovea_buffer_text(text, "<h3>Covariates</h3>\n");
        for (size_t v = cohort->measure_count; v < cohort->variable_count; v++) {
            fovea_buffer_text(text, "<p><b>");
            fovea_buffer_html(text, cohort->variables[v].label);
            fovea_buffer_text(text, "</b></p>\n");
            fovea_cohort_add_description(text, cohort, v);
        }
    }
    fovea_buffer_text(text, "</section>\n");
}

static void add_failures(struct fovea_buffer *text, const struct fovea_cohort *cohort) {
    const struct fovea_failures *failures = &cohort->failures;
    if (failures->count == 0) {
        return;
    }
    fovea_buffer_text(text, "<section>\n<h2>Problems</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>Place</th><th>"
                            "Name</th><th>Reason</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < failures->count && i < FAILURES_SHOWN; i++) {
        fovea_buffer_text(text, "<tr><td>");
        fovea_buffer_html(text, failures->items[i].file);
        fovea_buffer_format(text, ", line %zu</td><td>", failures->items[i].line);
        fovea_buffer_html(text, failures->items[i].image);
        fovea_buffer_text(text, "</td><td>");
        fovea_buffer_html(text, failures->items[i].reason);
        fovea_buffer_text(text, "</td></tr>\n");
    }
    if (failures->count > FAILURES_SHOWN) {
        fovea_buffer_format(text, "<tr><td></td><td></td><td>and %zu more, in cohort.json</td></tr>\n",
                            failures->count - FAILURES_SHOWN);
    }
    fovea_buffer_text(text, "</tbody>\n</table></div>\n</section>\n");
}

static void add_methods(struct fovea_buffer *text) {
    static const char *const terms[][2] = {
        {"Figures of groups",
         "SD: squares over n \xe2\x88\x92 1. Quartiles: linear between neighbours (type 7 of "
         "Hyndman and Fan). Interval of the mean: Student\xe2\x80\x99s t. All intervals are of 95 %, "
         "all tests two-sided."},
        {"Box plots", "Box: quartiles and median (its number on the right); diamond: mean; whiskers: the outermost "
                      "values within 1.5 box lengths; circles: values beyond."},
        {"Welch",
         "t test for unequal variances (Welch 1947). Hedges\xe2\x80\x99 g: difference over the pooled SD, times "
         "1 \xe2\x88\x92 3 / (4 n \xe2\x88\x92 9)."},
        {"Mann-Whitney",
         "U counts the pairs in which the first group is greater, ties half. p is exact without ties and "
         "with at most 8 values in the smaller and 1000 in the larger group; else by the normal "
         "approximation, corrected for ties and continuity: the rule of SciPy. P(first > second) = "
         "U / (n\xe2\x82\x81 n\xe2\x82\x82)."},
        {"Kruskal-Wallis", "H corrected for ties, p by chi-squared; \xce\xb5\xc2\xb2 = H / (n \xe2\x88\x92 1)."},
        {"Analysis of variance",
         "One-way; \xcf\x89\xc2\xb2 of the classical one; Welch\xe2\x80\x99s (1951) allows unequal "
         "variances."},
        {"Correlations",
         "p by Student\xe2\x80\x99s t of n \xe2\x88\x92 2 degrees of freedom. Intervals by Fisher\xe2\x80\x99s "
         "z with variance 1 / (n \xe2\x88\x92 3) (Pearson) and (1 + \xcf\x81\xc2\xb2 / 2) / (n \xe2\x88\x92 3) "
         "(Spearman; Bonett and Wright 2000). Slope: least squares, of all groups together in the plots."},
        {"Repeatability",
         "Intraclass correlations of single measurements after Shrout and Fleiss 1979, intervals after "
         "McGraw and Wong 1996. Within-subject SD: root of the mean square within eyes; interval by "
         "chi-squared. Coefficient of repeatability: 1.96 \xe2\x88\x9a"
         "2 within-subject SDs (Bland and Altman 1996). Eyes count once each here, and at every "
         "visit, also two of a subject."},
        {"Limits of agreement",
         "Bias \xc2\xb1 1.96 SDs of the differences (Bland and Altman 1999); standard error of a "
         "limit: SD \xe2\x88\x9a(1 / n + 1.96\xc2\xb2 / (2 (n \xe2\x88\x92 1))). p of the bias: paired "
         "t test."},
        {"Not done",
         "No test of normality, no paired comparison of groups, no adjustment for covariates, no mixed model."},
    };
    fovea_buffer_text(text, "<section>\n<h2>Methods</h2>\n<dl>\n");
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        fovea_buffer_format(text, "<dt>%s</dt><dd>", terms[i][0]);
        fovea_buffer_html(text, terms[i][1]);
        fovea_buffer_text(text, "</dd>\n");
    }
    fovea_buffer_text(text, "</dl>\n<p>A dash is a figure that cannot be computed; the reason stands beside it. "
                            "Statistical distributions, correlations and lines are computed by the GNU Scientific "
                            "Library. The published program (COIPS) writes areas image by image and aggregates nothing."
                            "</p>\n</section>\n");
}

enum fv_status fovea_cohort_write_report(const struct fovea_cohort *cohort, const char *path, struct fv_error *error) {
    struct fovea_buffer text = {0};
    add_head(&text, cohort);
    add_summary(&text, cohort);
    add_groups(&text, cohort);
    for (size_t v = 0; v < cohort->measure_count; v++) {
        fovea_cohort_add_measure(&text, cohort, v);
    }
    add_failures(&text, cohort);
    add_methods(&text);
    fovea_buffer_text(&text,
                      "<footer>" FOVEA_NOTICE " Made by fovea " FOVEA_VERSION
                      "; the same figures are in cohort.csv, a line each, and in cohort.json. Subjects are named "
                      "only where there are problems and notes, as the table of subjects names "
                      "them.</footer>\n</body>\n</html>\n");
    enum fv_status status = fovea_buffer_write(&text, path, error);
    fovea_buffer_clear(&text);
    return status;
}
