/* Working through a list of images: several are segmented together, so that each fold is loaded once for all of them,
 * and nothing that comes out depends on how they are grouped.
 *
 * Thread safety: for the main thread; it watches signals and prints. */
#ifndef FOVEA_APPS_BATCH_H
#define FOVEA_APPS_BATCH_H

#include "pipeline/progress.h"
#include "pipeline/segment.h"

struct fovea_batch {
    const char *command; /* for messages */
    void *context;
    size_t count;                      /* images */
    struct fovea_segmenter *segmenter; /* NULL: nothing is segmented */
    bool graded;                       /* images are graded first */
    bool fixed;                        /* views and folds are no choice of the user's */
    double load_seconds;               /* what loading a fold took before */
    struct fovea_progress *progress;   /* begun here; must outlive the jobs */

    const struct fovea_input *(*input)(const void *context, size_t index);

    /* The work on image `index` up to its segmentation. NULL: *result is final. Else a job for `end`, and *task is to
     * be segmented but for its status. */
    void *(*begin)(void *context, size_t index, struct fovea_segment_task *task, struct fovea_result *result);
    /* The rest of the work; `task` is what begin made it and has its status. The job is over. */
    void (*end)(void *job, const struct fovea_segment_task *task);
    /* Forgets what begin made. */
    void (*drop)(void *job);

    /* Takes the result of image `index`, each once and in their order; it may empty it to keep what it owns. */
    enum fv_status (*take)(void *context, size_t index, struct fovea_result *result, struct fv_error *error);
    /* Is told that results were taken and that work goes on which may take long; NULL: no need. */
    enum fv_status (*pause)(void *context, struct fv_error *error);
};

/* Works through the images. *finished receives how many were taken: fewer than all if it was interrupted, when the
 * first image in work is still finished, or failed. Errors: FV_ERROR_MODEL (the weights of a fold are not finite, which
 * shows at the first images), FV_ERROR_MEMORY, those of `take`. */
enum fv_status fovea_batch_run(const struct fovea_batch *batch, size_t *finished, struct fv_error *error);

#endif
