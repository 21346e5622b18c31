/* Tables of grades: those of fovea (a header with `file` and `grade`) and those of the published program (`PATH, LABEL`
 * without a header).
 *
 * Thread safety: all functions are reentrant; a table belongs to one thread while it is filled. */
#ifndef FOVEA_APPS_EVAL_GRADE_TABLE_H
#define FOVEA_APPS_EVAL_GRADE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "eval/failures.h"
#include "eval/match.h"
#include "fovea/pool.h"
#include "fovea/status.h"
#include "pipeline/grade.h"

struct fovea_grade_row {
    size_t grade;                            /* enum fovea_quality */
    double probability[FOVEA_QUALITY_COUNT]; /* where the table has them */
    const char *subject;                     /* whose image it is; "": the table does not say */
};

struct fovea_grade_table {
    const char *file;                  /* its name without folders */
    bool published;                    /* without a header, as the published program writes it */
    bool subjects;                     /* has a column `subject` */
    bool probabilities;                /* has p_ungradable, p_gradable and p_outstanding */
    struct fovea_grade_row *rows;      /* row i is that of entry i */
    struct fovea_match_entry *entries; /* without keys */
    size_t count;
    struct fv_pool texts;
};

/* Reads the table at `path`. A header names the columns `file` and `grade` (or `label`) in any order, and for
 * predictions the three probabilities; `subject` may be there; other columns are left alone. Grades are ungradable,
 * gradable and outstanding, or 0, 1 and 2. Rows that cannot be used (malformed, another number of fields, no name, a
 * grade outside the classes, probabilities that do not add up to 1) become failures and stay as entries that are not
 * usable. The whole table is refused with FV_ERROR_FORMAT, naming file and line, if it is empty or lacks a column;
 * other errors: FV_ERROR_FILE, FV_ERROR_MEMORY. On failure *table is empty; on success the caller gives it back. */
enum fv_status fovea_grade_table_read(const char *path, bool predictions, struct fovea_grade_table *table,
                                      struct fovea_failures *failures, struct fv_error *error);

/* The table as one side of a match by `rule`: sets the keys of its entries. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_grade_table_side(struct fovea_grade_table *table, enum fovea_match_rule rule,
                                      struct fovea_match_side *side, struct fv_error *error);

/* Frees the table; it is empty again. */
void fovea_grade_table_clear(struct fovea_grade_table *table);

#endif
