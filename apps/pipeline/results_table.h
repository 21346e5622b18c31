/* Private to results_*.c: the columns that results.csv and the table for REDCap share.
 *
 * Both append to a buffer, without a line end; fields are separated by commas and quoted as RFC 4180 has it. Thread
 * safety: reentrant. */
#ifndef FOVEA_APPS_RESULTS_TABLE_H
#define FOVEA_APPS_RESULTS_TABLE_H

#include "pipeline/results.h"

/* The names of the columns. */
void fovea_results_add_header(struct fovea_buffer *text);

/* The row of an image; blank where a value is missing, names of files in the bytes of the file system. */
void fovea_results_add_row(struct fovea_buffer *text, const struct fovea_results *results,
                           const struct fovea_result *result);

#endif
