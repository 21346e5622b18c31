/* Which prediction belongs to which reference.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_EVAL_MATCH_H
#define FOVEA_APPS_EVAL_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "eval/failures.h"
#include "fovea/pool.h"
#include "fovea/status.h"

/* What of two names must be equal. */
enum fovea_match_rule {
    FOVEA_MATCH_PATH, /* all of it */
    FOVEA_MATCH_STEM, /* all of it but the last suffix (.nii.gz is one) */
    FOVEA_MATCH_BASE, /* the part after the last slash or backslash, without its last suffix */
};

/* "path", "stem", "base", NULL: what command lines and files call them. */
extern const char *const fovea_match_rule_names[];

/* The part of `name` that counts, in `texts`; NULL if memory is exhausted. */
const char *fovea_match_key(enum fovea_match_rule rule, const char *name, struct fv_pool *texts);

/* What reports show of `name`: the part after the last slash or backslash of a path from the root, since folders of a
 * machine are nobody's business, else all of it. A part of `name`. */
const char *fovea_match_shown(const char *name);

/* One row or file of a side. */
struct fovea_match_entry {
    const char *name;
    const char *key;  /* NULL: it has no name, and was reported */
    const char *file; /* what a message about it names */
    size_t line;      /* in that file; 0: none */
    bool usable;      /* false: it was reported as a failure, and so its partner need not be */
};

struct fovea_match_side {
    const char *whole; /* the table or folder, as messages name it */
    struct fovea_match_entry *entries;
    size_t count;
    /* Whether entries a and b, which share a key, say the same; NULL: never. */
    bool (*same)(const void *context, size_t a, size_t b);
    const void *context;
};

struct fovea_match_pair {
    size_t predicted, reference; /* indices of entries */
};

/* Pairs the usable entries of the two sides that share a key, in the order of the references. An entry that repeats an
 * earlier one of its side is a failure; if the two differ, neither is used. Entries without a partner are failures. The
 * caller gives *pairs back with fv_release. Errors: FV_ERROR_MEMORY; *pairs is NULL then. */
enum fv_status fovea_match(struct fovea_match_side *predicted, struct fovea_match_side *reference,
                           struct fovea_match_pair **pairs, size_t *count, struct fovea_failures *failures,
                           struct fv_error *error);

#endif
