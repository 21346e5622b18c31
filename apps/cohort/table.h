/* A table of separated values (base/csv.h) whose columns are found by name.
 *
 * Names of columns are compared without regard to case and the blanks around them; fields are read without those
 * blanks. Thread safety: an open table may be read by any number of threads. */
#ifndef FOVEA_APPS_COHORT_TABLE_H
#define FOVEA_APPS_COHORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/csv.h"

enum { FOVEA_TABLE_ABSENT = -1 };

/* A zeroed struct is a closed table. */
struct fovea_table {
    char *name; /* what messages call it; owned */
    struct fovea_csv csv;
    size_t columns; /* of the header, which is record 0 */
};

/* Opens the table at `path`; `name` is copied. Errors: FV_ERROR_FILE, FV_ERROR_FORMAT (empty, malformed, a header with
 * the same name twice), FV_ERROR_MEMORY. On failure *table is closed; on success the caller closes it. */
enum fv_status fovea_table_open(const char *path, const char *name, struct fovea_table *table, struct fv_error *error);
void fovea_table_close(struct fovea_table *table);

/* The column called `name`, or FOVEA_TABLE_ABSENT. */
long fovea_table_column(const struct fovea_table *table, const char *name);
/* The name of a column, without blanks around it. */
const char *fovea_table_column_name(const struct fovea_table *table, size_t column);

/* The records behind the header, 0 .. fovea_table_rows - 1, and the line at which each begins. */
size_t fovea_table_rows(const struct fovea_table *table);
size_t fovea_table_line(const struct fovea_table *table, size_t row);

/* Why `row` cannot be read (malformed, too few or too many fields), stored in `reason`; false if it can. */
bool fovea_table_broken(const struct fovea_table *table, size_t row, char *reason, size_t size);

/* The field of a row that is not broken; "" where `column` is FOVEA_TABLE_ABSENT. */
const char *fovea_table_field(const struct fovea_table *table, size_t row, long column);

enum fovea_number_kind {
    FOVEA_NUMBER_GOOD,
    FOVEA_NUMBER_BLANK,
    FOVEA_NUMBER_MISSING, /* NaN, NA, N/A, null or a lone point: a word for a missing value */
    FOVEA_NUMBER_COMMA,   /* it would be one with a decimal point instead of a comma */
    FOVEA_NUMBER_BAD,
};

/* What `text` is; *value is a number of at most 1e100 in size (what is greater is bad), or NaN. */
enum fovea_number_kind fovea_table_number(const char *text, double *value);

#endif
