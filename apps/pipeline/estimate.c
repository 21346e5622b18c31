#include "pipeline/estimate.h"

#include <stdio.h>

#include "pipeline/progress.h"

enum { LONG_RUN = 60 }; /* seconds */

bool fovea_cost_describe(const struct fovea_cost *cost, char text[FOVEA_COST_SIZE]) {
    double pass = (double)cost->tiles * cost->pass_seconds;
    double load = (double)cost->loads * cost->load_seconds / (double)cost->folds; /* of one fold, each time */
    double used = (pass * (double)cost->views + load) * (double)cost->folds,
           all = (pass * (double)cost->views_most + load) * (double)cost->folds_most;
    if (all < LONG_RUN) {
        return false;
    }
    char time[FOVEA_TIME_SIZE], saved[FOVEA_TIME_SIZE];
    fovea_format_time(used, time);
    int length =
        snprintf(text, FOVEA_COST_SIZE, "segmenting %zu images: about %s with %zu of %zu folds and %zu of %zu views",
                 cost->images, time, cost->folds, cost->folds_most, cost->views, cost->views_most);
    if (cost->fixed) {
        return true;
    }
    char *rest = text + length;
    size_t room = FOVEA_COST_SIZE - (size_t)length;
    if (used < all) {
        fovea_format_time(all - used, saved);
        snprintf(rest, room, ", which saves %s", saved);
        return true;
    }
    if (cost->views > 1) {
        fovea_format_time(pass * (double)((cost->views - 1) * cost->folds), saved);
        length = snprintf(rest, room, "; --tta off would save %s", saved);
        rest += length;
        room -= (size_t)length;
    }
    if (cost->folds > 1) {
        fovea_format_time(used / (double)cost->folds, saved);
        snprintf(rest, room, "; each fold that --folds leaves out saves %s", saved);
    }
    return true;
}
