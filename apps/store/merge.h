/* Joining run folders into one, as if one run had made all of it.
 *
 * All folders must have been made with the same options, models and version. An image that several of them hold, of the
 * same name, copy and SHA-256, is taken once, from a folder where it did not fail if there is one. It is a conflict if
 * two hold different inputs under one name, or if files of two images would get one name: then nothing is joined.
 *
 * Errors: FV_ERROR_ARGUMENT (they differ in what they were made with, conflicts, the output is one of them or holds
 * results already), those of the run folder. Thread safety: reentrant. */
#ifndef FOVEA_APPS_MERGE_H
#define FOVEA_APPS_MERGE_H

#include "base/buffer.h"
#include "store/run_folder.h"

struct fovea_merge {
    const char *output;
    const char *const *folders;
    size_t count;

    /* What came out. */
    size_t states[FOVEA_STATE_COUNT];
    size_t planned;           /* images that the runs had to do */
    size_t repeated;          /* that several folders hold */
    struct fovea_buffer said; /* what a user must know, a line each: missing shares, mixed instruction sets, conflicts;
                                 the caller clears it */
    bool idle;                /* all was joined already */
    bool incomplete;          /* a share is missing, or a run was not finished */
};

/* Joins merge->folders in merge->output and writes its exports. Folders at rest are only read; one where a run was
 * killed is finished first. A merge that was killed is done again from the start; one that is done already is left as
 * it is. */
enum fv_status fovea_merge_run(struct fovea_merge *merge, struct fv_error *error);

#endif
