/* A clinic's own labels: which image has which grade, and whose it is.
 *
 * Thread safety: belongs to one thread while it is read. */
#ifndef FOVEA_APPS_ADAPT_LABELS_H
#define FOVEA_APPS_ADAPT_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "eval/failures.h"
#include "fovea/pool.h"
#include "fovea/status.h"

struct fovea_labelled {
    const char *name;    /* as the table has it, without folders of this machine: what reports show */
    const char *path;    /* opens the file */
    const char *subject; /* "": not said */
    size_t line;         /* of the table */
    size_t label;        /* enum fovea_quality */
    char sha256[65];     /* of the file; "" if it could not be read */
};

struct fovea_labels {
    const char *file;             /* the table's name without folders */
    struct fovea_labelled *items; /* in the order of the table */
    size_t count;
    bool subjects; /* the table has a column `subject` */
    struct fv_pool texts;
    char sha256[65]; /* of the table */
};

/* Reads the table at `path`: columns `file` and `grade` (or `label`), perhaps `subject`, or PATH, LABEL without a
 * header (eval/grade_table.h). Relative names count from `folder`, or, if that is NULL, from the table's own. Rows that
 * cannot be used go to `problems`: malformed, unknown grades, a blank subject in a column of subjects, an image that is
 * there twice, by name or by content. Files that cannot be read are no problem of the table's: they stay, without
 * sha256. Errors: FV_ERROR_FORMAT (the table is empty, lacks a column, or is broken), FV_ERROR_FILE, FV_ERROR_MEMORY.
 * The caller gives *labels back with fovea_labels_clear, on failure too. */
enum fv_status fovea_labels_read(const char *path, const char *folder, struct fovea_labels *labels,
                                 struct fovea_failures *problems, struct fv_error *error);
void fovea_labels_clear(struct fovea_labels *labels);

/* Stores the SHA-256 of the file at `path`. Errors: FV_ERROR_FILE. */
enum fv_status fovea_file_identify(const char *path, char sha256[65], struct fv_error *error);

#endif
