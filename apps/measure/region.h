/* A region of pixels by itself: a window that holds it with a margin of background.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_REGION_H
#define FOVEA_APPS_MEASURE_REGION_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

struct fovea_region {
    uint8_t *pixels;        /* height x width, 0 and 1; owned */
    uint32_t width, height; /* of the window */
    int64_t left, top;      /* where its first pixel lies in the image; negative where the margin goes beyond */
    uint32_t margin;        /* rows and columns of zeros on every side */
    size_t count;           /* pixels of the region */
};

/* Cuts the ones of `mask` (height x width, 0 and 1, at least a 1) out with `margin` on every side, also beyond the
 * image. Errors: FV_ERROR_MEMORY. The caller gives *region back with fovea_region_release. */
enum fv_status fovea_region_crop(const uint8_t *mask, uint32_t width, uint32_t height, uint32_t margin,
                                 struct fovea_region *region, struct fv_error *error);
void fovea_region_release(struct fovea_region *region);

#endif
