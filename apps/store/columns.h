/* Private to the room: the columns of the table `images`, from a result and back.
 *
 * First come those of the table below, then one for each of fovea_scan_columns and one for each of
 * fovea_measure_columns, of its name. A measure that a result has not, or that is no number, is NULL. Thread safety:
 * constant. */
#ifndef FOVEA_APPS_COLUMNS_STORE_H
#define FOVEA_APPS_COLUMNS_STORE_H

#include <sqlite3.h>

#include "base/buffer.h"
#include "fovea/pool.h"
#include "pipeline/results.h"

/* A row that is being read. The texts are owned. */
struct fovea_row {
    long long id;
    struct fovea_input input; /* name, stem and copy */
    struct fovea_result result;
    struct fv_pool texts; /* holds texts of the scan and of measures */
    bool lost;            /* memory was exhausted for one of the texts */
};

void fovea_row_clear(struct fovea_row *row);

struct fovea_image_column {
    const char *name, *type;                                                             /* of SQL */
    bool (*bind)(sqlite3_stmt *statement, int index, const struct fovea_result *result); /* false: it could not */
    void (*read)(sqlite3_stmt *statement, int column, struct fovea_row *row);
};
extern const struct fovea_image_column fovea_image_columns[];
extern const size_t fovea_image_column_count;

/* Appends the columns' definitions, ",\n  NAME TYPE" each. */
void fovea_columns_define(struct fovea_buffer *text);
/* Appends their names with commas between them; those of measures that `missing` says the table has not (one flag a
 * measure; NULL: none) as NULL. */
void fovea_columns_list(struct fovea_buffer *text, const bool *missing);
/* Appends as many question marks. */
void fovea_columns_mark(struct fovea_buffer *text);

/* Binds all from parameter `first` on; `result` must stay until the statement is stepped. False if memory is exhausted:
 * a value would be lost. */
bool fovea_columns_bind(sqlite3_stmt *statement, int first, const struct fovea_result *result);
/* Reads all from column `first` on into an empty row. False if memory is exhausted. */
bool fovea_columns_read(sqlite3_stmt *statement, int first, struct fovea_row *row);

#endif
