/* How long segmenting will take, and what the choice of views and folds changes in that: told in a long run.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_ESTIMATE_H
#define FOVEA_APPS_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>

/* What segmenting costs. */
struct fovea_cost {
    size_t images, tiles;     /* tiles of all images */
    size_t views, views_most; /* of each tile: used, and with --tta mirror */
    size_t folds, folds_most; /* used, and in the model */
    size_t loads;             /* of folds' weights */
    bool fixed;               /* views and folds are no choice of the user's */
    double pass_seconds;      /* of one fold on one view of one tile */
    double load_seconds;      /* of one fold's weights */
};

enum { FOVEA_COST_SIZE = 256 };

/* A line about it without a newline: the time, and what would be saved with fewer views and folds, or is saved with
 * those that were chosen. False if all views and folds take less than a minute, which is not worth a line. */
bool fovea_cost_describe(const struct fovea_cost *cost, char text[FOVEA_COST_SIZE]);

#endif
