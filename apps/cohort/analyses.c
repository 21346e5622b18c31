#include "cohort/analyses.h"

#include <math.h>
#include <string.h>

#include "fovea/memory.h"

const char *const fovea_analysis_names[FOVEA_ANALYSIS_KINDS] = {
    "describe", "welch_t",  "mann_whitney", "anova",         "welch_anova",  "kruskal_wallis",
    "pearson",  "spearman", "regression",   "repeatability", "bland_altman",
};

struct fovea_analysis *fovea_analyses_add(struct fovea_analyses *analyses, enum fovea_analysis_kind kind,
                                          size_t variable, const char *group, const char *against) {
    enum { FIRST_CAPACITY = 64 };
    if (analyses->count == analyses->capacity) {
        size_t capacity = analyses->capacity == 0 ? FIRST_CAPACITY : analyses->capacity * 2;
        struct fovea_analysis *grown =
            fv_reallocate(analyses->items, analyses->capacity, capacity, sizeof *analyses->items);
        if (grown == NULL) {
            return NULL;
        }
        analyses->items = grown;
        analyses->capacity = capacity;
    }
    struct fovea_analysis *analysis = &analyses->items[analyses->count++];
    *analysis = (struct fovea_analysis){
        .kind = kind, .variable = variable, .group = group, .against = against, .method = "", .reason = ""};
    return analysis;
}

void fovea_analysis_set(struct fovea_analysis *analysis, const char *statistic, double value) {
    if (analysis->figure_count < FOVEA_ANALYSIS_MOST_FIGURES) {
        analysis->figures[analysis->figure_count++] = (struct fovea_figure){statistic, value};
    }
}

double fovea_analysis_get(const struct fovea_analysis *analysis, const char *statistic) {
    for (size_t i = 0; i < analysis->figure_count; i++) {
        if (strcmp(analysis->figures[i].statistic, statistic) == 0) {
            return analysis->figures[i].value;
        }
    }
    return NAN;
}

const struct fovea_analysis *fovea_analyses_find(const struct fovea_analyses *analyses, enum fovea_analysis_kind kind,
                                                 size_t variable, const char *group, const char *against) {
    for (size_t i = 0; i < analyses->count; i++) {
        const struct fovea_analysis *analysis = &analyses->items[i];
        if (analysis->kind == kind && analysis->variable == variable && strcmp(analysis->group, group) == 0 &&
            strcmp(analysis->against, against) == 0) {
            return analysis;
        }
    }
    return NULL;
}

void fovea_analyses_clear(struct fovea_analyses *analyses) {
    fv_release(analyses->items);
    *analyses = (struct fovea_analyses){0};
}
