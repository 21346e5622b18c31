#include "pipeline/thumbnail.h"

#include <string.h>

#include "fovea/memory.h"
#include "image/overlay.h"
#include "image/resize.h"

enum { LONGER_SIDE = 240 };

/* The mask at the size of the thumbnail: where at least half of what a pixel covers belongs to it. */
static enum fv_status shrink_mask(const struct fovea_image *image, const uint8_t *mask, uint32_t width, uint32_t height,
                                  struct fovea_image *small, struct fv_error *error) {
    struct fovea_image whole;
    enum fv_status status = fovea_image_create(image->width, image->height, 1, 8, &whole, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        whole.pixels.u8[i] = mask[i] != 0 ? 255 : 0;
    }
    status = fovea_resize(&whole, width, height, FOVEA_FILTER_BILINEAR, small, error);
    fovea_image_release(&whole);
    for (size_t i = 0; status == FV_OK && i < (size_t)width * height; i++) {
        small->pixels.u8[i] = small->pixels.u8[i] >= 128;
    }
    return status;
}

/* Replaces *picture by itself with the outline of `mask`, which belongs to `image`. */
static enum fv_status outline(const struct fovea_image *image, const uint8_t *mask, struct fovea_image *picture,
                              struct fv_error *error) {
    struct fovea_image small = {0}, drawn;
    enum fv_status status = shrink_mask(image, mask, picture->width, picture->height, &small, error);
    if (status == FV_OK) {
        status = fovea_overlay_contour(picture, small.pixels.u8, &drawn, error);
    }
    if (status == FV_OK) {
        fovea_image_release(picture);
        *picture = drawn;
    }
    fovea_image_release(&small);
    return status;
}

enum fv_status fovea_thumbnail_make(const struct fovea_image *image, const uint8_t *mask, uint8_t **bytes, size_t *size,
                                    struct fv_error *error) {
    *bytes = NULL;
    uint32_t width = image->width, height = image->height, longer = width > height ? width : height;
    if (longer > LONGER_SIDE) {
        width = (uint32_t)((uint64_t)width * LONGER_SIDE / longer);
        height = (uint32_t)((uint64_t)height * LONGER_SIDE / longer);
    }
    struct fovea_image picture;
    enum fv_status status =
        fovea_resize(image, width > 0 ? width : 1, height > 0 ? height : 1, FOVEA_FILTER_BILINEAR, &picture, error);
    if (status == FV_OK && mask != NULL) {
        status = outline(image, mask, &picture, error);
    }
    if (status == FV_OK) {
        status = fovea_image_encode_png(&picture, bytes, size, error);
    }
    fovea_image_release(&picture);
    return status;
}
