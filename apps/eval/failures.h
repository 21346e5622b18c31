/* What of a set could not be evaluated, and why.
 *
 * A zeroed struct is an empty list. Thread safety: a list belongs to one thread at a time. */
#ifndef FOVEA_APPS_EVAL_FAILURES_H
#define FOVEA_APPS_EVAL_FAILURES_H

#include <stddef.h>

#include "fovea/pool.h"
#include "fovea/status.h"

struct fovea_failure {
    const char *image; /* its name; "" where the place has none */
    const char *file;  /* in which the cause lies, without folders that only this machine has */
    size_t line;       /* in that file; 0: it has no lines */
    const char *reason;
};

struct fovea_failures {
    struct fovea_failure *items; /* in the order in which they were found */
    size_t count, capacity;
    struct fv_pool texts; /* holds all strings */
};

/* Adds a failure; the strings are copied, of `image` what fovea_match_shown shows. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_failures_add(struct fovea_failures *failures, const char *image, const char *file, size_t line,
                                  struct fv_error *error, const char *format, ...) FV_PRINTF(6, 7);

/* Frees the list; it is empty again. */
void fovea_failures_clear(struct fovea_failures *failures);

#endif
