/* Resizing as Pillow does it (Resample.c), the resampling that the published graders were trained behind.
 *
 * Per axis, horizontal first: output x covers the input around c = (x + 0.5) * in / out with the filter stretched by
 * max(in / out, 1), so that shrinking does not alias. 8 bit samples are rounded between the passes, with 22 bit
 * fixed-point weights: the bytes equal Pillow's. Build with -ffp-contract=off: fused multiply-adds change the weights.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_RESIZE_H
#define FOVEA_APPS_RESIZE_H

#include "fovea/status.h"
#include "image/image.h"

enum fovea_filter {
    FOVEA_FILTER_BILINEAR, /* triangle, radius 1 */
    FOVEA_FILTER_BICUBIC,  /* Keys, a = -0.5, radius 2 */
};

/* Resizes `source` (8 bits, 1 to 4 channels, each channel on its own) to `width` x `height` into *result, which the
 * caller releases. Equal sizes give a copy. Errors: FV_ERROR_ARGUMENT (16 bits, a zero side), FV_ERROR_UNSUPPORTED
 * (beyond the budgets of image.h), FV_ERROR_MEMORY. On failure *result is an empty image. */
enum fv_status fovea_resize(const struct fovea_image *source, uint32_t width, uint32_t height, enum fovea_filter filter,
                            struct fovea_image *result, struct fv_error *error);

/* torchvision's Resize(size): the shorter side becomes `size`, the longer (int)((double)(size * longer) / shorter).
 * All arguments are positive. */
void fovea_resize_shorter_side(uint32_t width, uint32_t height, uint32_t size, uint32_t *result_width,
                               uint32_t *result_height);

/* Resizes a row-major float plane, for maps of probability: the same weights with the triangle filter, sums in double,
 * one rounding to float a pass (Pillow's mode F). `result` holds result_height x result_width floats and does not
 * overlap `plane`. Errors: FV_ERROR_ARGUMENT (a zero side), FV_ERROR_MEMORY. */
enum fv_status fovea_resize_plane(const float *plane, uint32_t width, uint32_t height, float *result,
                                  uint32_t result_width, uint32_t result_height, struct fv_error *error);

#endif
