/* Seeded copies of an image, as the published graders were trained on: mirrored left to right with probability one
 * half, turned by an angle uniform in +-15 degrees.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_AUGMENT_H
#define FOVEA_APPS_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "fovea/status.h"
#include "image/image.h"

struct fovea_augmentation {
    bool mirror;
    double degrees; /* counter-clockwise */
};

/* What copy `copy` of image `image` of a series gets. Copy 0 is the image as it is. The same on every machine. */
struct fovea_augmentation fovea_augmentation_draw(uint64_t seed, uint64_t image, uint64_t copy);

/* Mirrors, then turns about the centre with bilinear weights; what comes from outside the image is 0. `source` has 1
 * channel of 8 bits. Errors: FV_ERROR_ARGUMENT (other pixels), FV_ERROR_UNSUPPORTED, FV_ERROR_MEMORY. On failure
 * *result is an empty image; on success the caller releases it. */
enum fv_status fovea_augment(const struct fovea_image *source, struct fovea_augmentation augmentation,
                             struct fovea_image *result, struct fv_error *error);

#endif
