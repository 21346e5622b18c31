/* A cohort: results of images joined with a table of subjects, and the statistics that a paper reports.
 *
 * Nothing in the outputs depends on when or where they were made, nor on the order of the rows of the tables or of the
 * result files: what is summed is sorted first. Only the line numbers in messages follow the tables.
 *
 * Statistical functions come from GSL (build option `gsl`). Thread safety: a cohort belongs to one thread at a time. */
#ifndef FOVEA_APPS_COHORT_COHORT_H
#define FOVEA_APPS_COHORT_COHORT_H

#include <stdbool.h>
#include <stddef.h>

#include "cohort/analyses.h"
#include "cohort/table.h"
#include "eval/failures.h"
#include "eval/match.h"
#include "fovea/pool.h"
#include "fovea/status.h"

enum {
    FOVEA_COHORT_MOST_GROUPS = 24,
    FOVEA_COHORT_MOST_REPEATS = 12,
    FOVEA_COHORT_MOST_VARIABLES = 128, /* measures and covariates */
    FOVEA_COHORT_MOST_RESULTS = 64,
};

enum fovea_cohort_unit { FOVEA_COHORT_PER_SUBJECT, FOVEA_COHORT_PER_EYE };

struct fovea_cohort_options {
    const char *output;
    const char *subjects; /* the table */
    char *const *results; /* tables, or folders with a results.csv */
    size_t result_count;
    const char *const *measures; /* columns of the results; none: the default ones that are there; "all" */
    size_t measure_count;
    const char *const *covariates; /* columns of either; none: every numeric column of the table of subjects */
    size_t covariate_count;
    const char *group;  /* the column; NULL: "group", if there is one */
    const char *groups; /* names, separated by commas, in the order to show them; NULL: all */
    const char *repeat; /* the column; NULL: "repeat", if there is one */
    const char *visit;  /* the only one to use, or "mean"; NULL: there is one an eye */
    const char *layer;  /* the only one to use; NULL: there is one */
    enum fovea_cohort_unit per;
    enum fovea_match_rule match;
    bool strict; /* a row that cannot be used: nothing is written */
};

enum fovea_cohort_state { FOVEA_COHORT_OK, FOVEA_COHORT_UNGRADABLE, FOVEA_COHORT_FAILED, FOVEA_COHORT_STATES };

/* A number of every image: a measure, or a covariate. */
struct fovea_cohort_variable {
    const char *name;  /* the column's */
    const char *label; /* for people, with its unit */
    bool covariate;
    long column;                                    /* in the table of subjects; FOVEA_TABLE_ABSENT: in the results */
    long result_columns[FOVEA_COHORT_MOST_RESULTS]; /* in each of the results */
};

/* Where a table has what; FOVEA_TABLE_ABSENT: nowhere. */
struct fovea_cohort_columns {
    long file, run, subject, group, eye, visit, repeat, layer, status;
};

/* One of the results. */
struct fovea_cohort_source {
    struct fovea_table table;
    struct fovea_cohort_columns columns;
    const char *run; /* the folder that holds results.csv, or the table's own name without its suffix */
};

/* What is known of a row or an image; "" where it is not said. Eyes are OD and OS. */
struct fovea_cohort_facts {
    const char *file, *run, *subject, *group, *eye, *visit, *repeat, *layer;
};

/* A row of the table of subjects. */
struct fovea_cohort_row {
    struct fovea_cohort_facts facts;
    size_t row;      /* of the table */
    const char *key; /* by which it is found; NULL: it cannot be used, and was reported */
    size_t images;   /* that were found for it */
};

/* An image and whose it is. */
struct fovea_cohort_image {
    struct fovea_cohort_facts facts; /* of its row, and of its own where the row does not say */
    size_t source, row;              /* of the results */
    struct fovea_cohort_row *owner;
    enum fovea_cohort_state state;
    bool usable; /* false: it was reported, or is not asked for */
    size_t group;
    double *values; /* of the variables; NaN: missing */
};

/* What is counted once in the statistics of groups: an eye, or a subject. */
struct fovea_cohort_observation {
    const char *subject, *eye; /* no eye: the mean of the subject's eyes */
    size_t group, images, eyes;
    double *values; /* of the variables; NaN: missing */
};

struct fovea_cohort_group {
    const char *name;
    size_t subjects, eyes, observations;
    size_t images[FOVEA_COHORT_STATES];
};

/* Repeated scans: one row an eye and visit that has all the repeats. */
struct fovea_cohort_repeats {
    const char *labels[FOVEA_COHORT_MOST_REPEATS]; /* the columns */
    size_t label_count;
    size_t eyes;    /* rows, before those with missing values are left out */
    double *values; /* [variable][eye][label]; NaN: missing */
};

struct fovea_cohort {
    const struct fovea_cohort_options *options;
    struct fovea_table subjects;
    struct fovea_cohort_columns columns; /* of the subjects */
    struct fovea_cohort_source sources[FOVEA_COHORT_MOST_RESULTS];
    size_t source_count;
    const char *group_column, *repeat_column; /* NULL: there is none */
    struct fovea_cohort_variable variables[FOVEA_COHORT_MOST_VARIABLES];
    size_t variable_count, measure_count; /* measures come first */
    struct fovea_cohort_row *rows;
    size_t row_count;
    struct fovea_cohort_image *images;             /* that have an owner, by subject, eye, visit, repeat and file */
    size_t image_count, result_rows;               /* the latter: of all results */
    struct fovea_cohort_observation *observations; /* by group, subject and eye */
    size_t observation_count;
    struct fovea_cohort_group groups[FOVEA_COHORT_MOST_GROUPS];
    size_t group_count;
    struct fovea_cohort_repeats repeats;
    struct fovea_analyses analyses;
    struct fovea_failures failures, notes; /* what could not be used; what should be known */
    struct fv_pool texts;
};

/* Reads the tables, finds the columns and chooses measures and covariates. Errors: FV_ERROR_FILE, FV_ERROR_FORMAT (a
 * table cannot be used, a column is missing), FV_ERROR_ARGUMENT (an option names what is not there), FV_ERROR_MEMORY.
 */
enum fv_status fovea_cohort_read(struct fovea_cohort *cohort, struct fv_error *error);
enum fv_status fovea_cohort_choose(struct fovea_cohort *cohort, struct fv_error *error);

/* Joins images and rows; what has no partner, is there twice or contradicts itself goes to the failures. The images
 * that have a row stay, in the order of struct fovea_cohort. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_cohort_join(struct fovea_cohort *cohort, struct fv_error *error);

/* Keeps the layer, the visit and the groups that were asked for, and looks for contradictions. Errors:
 * FV_ERROR_ARGUMENT (several layers or visits and no option that chooses, unknown or too many groups), FV_ERROR_MEMORY.
 */
enum fv_status fovea_cohort_select(struct fovea_cohort *cohort, struct fv_error *error);

/* Makes observations and repeats of the images. Errors: FV_ERROR_ARGUMENT (too many repeats), FV_ERROR_MEMORY. */
enum fv_status fovea_cohort_gather(struct fovea_cohort *cohort, struct fv_error *error);

/* Fills the analyses. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_cohort_analyse(struct fovea_cohort *cohort, struct fv_error *error);

/* The order of names of groups, visits and repeats: numbers by value, before words by their bytes. As strcmp. */
int fovea_cohort_order(const char *a, const char *b);

/* Adds to the failures a row of the subjects, or an image; printf-formatted. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_cohort_refuse_row(struct fovea_cohort *cohort, size_t row, struct fv_error *error,
                                       const char *format, ...) FV_PRINTF(4, 5);
enum fv_status fovea_cohort_refuse_image(struct fovea_cohort *cohort, size_t source, size_t row, struct fv_error *error,
                                         const char *format, ...) FV_PRINTF(5, 6);

/* Adds a note; printf-formatted. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_cohort_note(struct fovea_cohort *cohort, struct fv_error *error, const char *format, ...)
    FV_PRINTF(3, 4);

/* The values of a variable in a group (FOVEA_COHORT_MOST_GROUPS: in all), NaN where missing, in `values`, which has
 * room for all observations. Returns how many there are. */
size_t fovea_cohort_values(const struct fovea_cohort *cohort, size_t variable, size_t group, double *values);

/* The complete rows of the repeats of a variable, in `values`, which has room for all and one more. Returns how many
 * there are. */
size_t fovea_cohort_repeated(const struct fovea_cohort *cohort, size_t variable, double *values);

/* "subject" or "eye": what is counted once. */
const char *fovea_cohort_unit_name(const struct fovea_cohort *cohort);

/* The sums over the groups. */
struct fovea_cohort_group fovea_cohort_totals(const struct fovea_cohort *cohort);

/* Write one result file each. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_cohort_write_csv(const struct fovea_cohort *cohort, const char *path, struct fv_error *error);
enum fv_status fovea_cohort_write_json(const struct fovea_cohort *cohort, const char *path, struct fv_error *error);
enum fv_status fovea_cohort_write_report(const struct fovea_cohort *cohort, const char *path, struct fv_error *error);

void fovea_cohort_clear(struct fovea_cohort *cohort);

/* Does all of it, with messages on the standard error and a summary on the standard output, and returns the program's
 * exit status. */
int fovea_cohort_run(const struct fovea_cohort_options *options);

#endif
