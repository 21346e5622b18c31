/* What is left to do of a list of inputs in a run folder that may hold some of their results already.
 *
 * An input and a row belong together by name and copy. Nothing depends on clocks or on times of files: whether an input
 * is what it was is told by its SHA-256.
 *
 * Thread safety: reentrant, as far as the store is. */
#ifndef FOVEA_APPS_PLAN_H
#define FOVEA_APPS_PLAN_H

#include "fovea/pool.h"
#include "pipeline/inputs.h"
#include "store/store.h"

enum fovea_fate {
    FOVEA_FATE_NEW,     /* there is no row */
    FOVEA_FATE_DONE,    /* its row and files are there, and it is what it was; or it cannot be read any more */
    FOVEA_FATE_AGAIN,   /* there is a row, but what failed may succeed, a file is gone, or its files get other names */
    FOVEA_FATE_CHANGED, /* it is not what it was */
    FOVEA_FATE_COUNT,
};

struct fovea_plan {
    unsigned char *fates; /* enum fovea_fate, one an input; owned */
    const char **reasons; /* one an input, for people; NULL: none */
    struct fv_pool texts; /* holds the reasons */
    size_t counts[FOVEA_FATE_COUNT];
    size_t changed;      /* the first that is; meaningful if there is one */
    size_t unreadable;   /* done ones that cannot be read any more */
    long long *vanished; /* rows without an input, in the order of names; owned */
    size_t vanished_count, vanished_capacity;
    char *vanished_name; /* of the first of them; owned */
    long long *removed;  /* rows whose files get other names; owned */
    size_t removed_count, removed_capacity;
};

/* Compares `inputs`, in their order, with the rows of `store` (NULL: there are none), whose files lie in `output`.
 * Errors: FV_ERROR_MEMORY, FV_ERROR_ARGUMENT (an input would write to the files of a vanished one, which the message
 * names), those of the store. On failure *plan is empty; the caller gives it back with fovea_plan_release. */
enum fv_status fovea_plan_make(struct fovea_store *store, const char *output, const struct fovea_inputs *inputs,
                               struct fovea_plan *plan, struct fv_error *error);
void fovea_plan_release(struct fovea_plan *plan);

#endif
