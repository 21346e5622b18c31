#include "pipeline/estimate.h"

#include <stdio.h>
#include <time.h>

#include "image/image.h"
#include "pipeline/inputs.h"
#include "pipeline/progress.h"
#include "pipeline/segment.h"

enum { PASSES_LEAST = 60, LONG_RUN = 60, IMAGES_TRIED = 8 };

/* The size of the first image that can be read. */
static bool find_size(const struct fovea_inputs *inputs, uint32_t *width, uint32_t *height) {
    for (size_t i = 0; i < inputs->count && i < IMAGES_TRIED; i++) {
        struct fovea_image image;
        if (!inputs->items[i].missing && fovea_image_read(inputs->items[i].path, &image, NULL) == FV_OK) {
            *width = image.width;
            *height = image.height;
            fovea_image_release(&image);
            return true;
        }
    }
    return false;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

bool fovea_cost_measure(const struct fovea_inputs *inputs, struct fovea_segmenter *segmenter, struct fovea_cost *cost) {
    uint32_t width, height;
    if (!find_size(inputs, &width, &height)) {
        return false;
    }
    *cost = (struct fovea_cost){
        .images = inputs->count,
        .tiles = fovea_segmenter_tiles(segmenter, width, height),
        .views = fovea_segmenter_views(segmenter),
        .views_most = fovea_segmenter_views_most(segmenter),
        .folds = fovea_segmenter_members(segmenter),
        .folds_most = fovea_segmenter_members_most(segmenter),
    };
    if (cost->images * cost->tiles * cost->views * cost->folds < PASSES_LEAST) {
        return false;
    }
    double start = now();
    fovea_segmenter_pass(segmenter);
    cost->pass_seconds = now() - start;
    return true;
}

bool fovea_cost_describe(const struct fovea_cost *cost, char text[FOVEA_COST_SIZE]) {
    double pass = (double)cost->images * (double)cost->tiles * cost->pass_seconds;
    double used = pass * (double)(cost->views * cost->folds),
           all = pass * (double)(cost->views_most * cost->folds_most);
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
        fovea_format_time(used - used / (double)cost->views, saved);
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
