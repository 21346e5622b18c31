/* All measures as a table: what every file that shows them goes over.
 *
 * Thread safety: reentrant; the table is constant. */
#ifndef FOVEA_APPS_MEASURE_COLUMNS_H
#define FOVEA_APPS_MEASURE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "measure/measure.h"

enum fovea_measure_kind {
    FOVEA_MEASURE_WHOLE,    /* size_t */
    FOVEA_MEASURE_REAL,     /* double; missing if it is not finite */
    FOVEA_MEASURE_TEXT,     /* const char *, a word without spaces; missing if NULL */
    FOVEA_MEASURE_WARNINGS, /* uint32_t of warnings.h; missing if there are none */
};

/* One measure: its column's name, which ends in its unit (or in al_corrected, after the unit), and what it is. */
struct fovea_measure_column {
    const char *name;    /* [a-z0-9_]+ */
    const char *label;   /* for people, with the unit */
    const char *formula; /* what exactly was computed */
    size_t offset;       /* in struct fovea_measures */
    enum fovea_measure_kind kind;
    bool shape; /* missing for an empty mask */
};

/* In the order of results.csv; every member of struct fovea_measures once. */
extern const struct fovea_measure_column fovea_measure_columns[];
extern const size_t fovea_measure_column_count;

/* The column of that name; NULL: there is none. */
const struct fovea_measure_column *fovea_measure_find(const char *name);

/* Whether there is a value in the column: a cell is blank, a key absent, where there is none. */
bool fovea_measure_has(const struct fovea_measures *measures, const struct fovea_measure_column *column);

/* Whether its values are numbers. */
bool fovea_measure_is_number(const struct fovea_measure_column *column);

/* The value in a column of numbers. */
double fovea_measure_number(const struct fovea_measures *measures, const struct fovea_measure_column *column);

/* Appends the value that there is: whole numbers plainly, others as Python's repr writes them, warnings with "; "
 * between them. Quoting is the caller's. */
void fovea_measure_add(const struct fovea_measures *measures, const struct fovea_measure_column *column,
                       struct fovea_buffer *text);

/* Sets every member to what is missing: NAN, NULL, 0. */
void fovea_measures_clear(struct fovea_measures *measures);

#endif
