/* How long segmenting will take, and what the choice of views and folds changes in that: told before a long run.
 *
 * Thread safety: reentrant but for the segmenter, which is used. */
#ifndef FOVEA_APPS_ESTIMATE_H
#define FOVEA_APPS_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>

struct fovea_inputs;
struct fovea_segmenter;

/* What segmenting costs. */
struct fovea_cost {
    size_t images, tiles;     /* tiles an image */
    size_t views, views_most; /* of each tile: used, and with --tta mirror */
    size_t folds, folds_most; /* used, and in the model */
    bool fixed;               /* views and folds are no choice of the user's */
    double pass_seconds;      /* of one fold on one view of one tile */
};

/* The cost of `inputs`, taking all images to be as large as the first that can be read, with one pass timed. False, and
 * nothing is timed, if the timing itself would be felt (fewer than 60 passes) or no image can be read. */
bool fovea_cost_measure(const struct fovea_inputs *inputs, struct fovea_segmenter *segmenter, struct fovea_cost *cost);

enum { FOVEA_COST_SIZE = 256 };

/* A line about it without a newline: the time, and what would be saved with fewer views and folds, or is saved with
 * those that were chosen. False if all views and folds take less than a minute, which is not worth a line. */
bool fovea_cost_describe(const struct fovea_cost *cost, char text[FOVEA_COST_SIZE]);

#endif
