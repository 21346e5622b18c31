/* What was computed, in one form for all writers: each analysis with its figures.
 *
 * Thread safety: a list belongs to one thread at a time. */
#ifndef FOVEA_APPS_COHORT_ANALYSES_H
#define FOVEA_APPS_COHORT_ANALYSES_H

#include <stddef.h>

enum { FOVEA_ANALYSIS_MOST_FIGURES = 24 };

enum fovea_analysis_kind {
    FOVEA_DESCRIBE,       /* a variable in a group */
    FOVEA_WELCH,          /* two groups */
    FOVEA_MANN_WHITNEY,   /* two groups */
    FOVEA_ANOVA,          /* all groups */
    FOVEA_WELCH_ANOVA,    /* all groups */
    FOVEA_KRUSKAL_WALLIS, /* all groups */
    FOVEA_PEARSON,        /* a measure against a covariate, in a group or in all */
    FOVEA_SPEARMAN,
    FOVEA_REGRESSION,
    FOVEA_REPEATABILITY, /* all repeats of a measure */
    FOVEA_BLAND_ALTMAN,  /* two repeats */
    FOVEA_ANALYSIS_KINDS,
};

/* "describe", "welch_t", ...: what files call them. */
extern const char *const fovea_analysis_names[FOVEA_ANALYSIS_KINDS];

struct fovea_figure {
    const char *statistic; /* static storage */
    double value;          /* NaN: cannot be computed, or does not apply */
};

struct fovea_analysis {
    enum fovea_analysis_kind kind;
    size_t variable;     /* of the cohort */
    const char *group;   /* "all": all of them together */
    const char *against; /* the other group, covariate or repeat; "" if there is none */
    const char *method;  /* which variant was computed; "" if there is only one */
    const char *reason;  /* why figures are missing; "" if none is */
    struct fovea_figure figures[FOVEA_ANALYSIS_MOST_FIGURES];
    size_t figure_count;
};

/* A zeroed struct is an empty list. */
struct fovea_analyses {
    struct fovea_analysis *items;
    size_t count, capacity;
};

/* Adds an analysis without figures; the texts must outlive the list. The pointer is good until the next is added; NULL
 * if memory is exhausted. */
struct fovea_analysis *fovea_analyses_add(struct fovea_analyses *analyses, enum fovea_analysis_kind kind,
                                          size_t variable, const char *group, const char *against);

/* Adds a figure; `statistic` has static storage. */
void fovea_analysis_set(struct fovea_analysis *analysis, const char *statistic, double value);

/* The figure called `statistic`; NaN if there is none. */
double fovea_analysis_get(const struct fovea_analysis *analysis, const char *statistic);

/* The analysis of that description, or NULL. */
const struct fovea_analysis *fovea_analyses_find(const struct fovea_analyses *analyses, enum fovea_analysis_kind kind,
                                                 size_t variable, const char *group, const char *against);

/* Frees the list; it is empty again. */
void fovea_analyses_clear(struct fovea_analyses *analyses);

#endif
