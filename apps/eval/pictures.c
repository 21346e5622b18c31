#include "eval/pictures.h"

#include "fovea/memory.h"
#include "image/image.h"
#include "image/overlay.h"
#include "image/resize.h"

enum { LONGER_SIDE = 420 };

/* Reads the image upright, in 8 bits, grey or in colour. */
static enum fv_status read_image(const struct fovea_comparison *comparison, struct fovea_image *image,
                                 struct fv_error *error) {
    enum fv_status status = fovea_image_read(comparison->image_path, image, error);
    if (status != FV_OK) {
        fovea_shorten_message(error, comparison->image_path, comparison->image_name);
        return status;
    }
    status = fovea_image_drop_alpha(image, error);
    status = status != FV_OK ? status : fovea_image_reduce_to_8_bits(image, error);
    status = status != FV_OK ? status : fovea_image_make_upright(image, error);
    return status;
}

/* Brings a mask to the size of the picture: where at least half of what a pixel covers belongs to it. */
static enum fv_status shrink_mask(struct fovea_mask *mask, uint32_t width, uint32_t height, struct fv_error *error) {
    struct fovea_image whole = {0}, small = {0};
    enum fv_status status = fovea_image_create(mask->width, mask->height, 1, 8, &whole, error);
    if (status == FV_OK) {
        for (size_t i = 0; i < (size_t)mask->width * mask->height; i++) {
            whole.pixels.u8[i] = mask->pixels[i] != 0 ? 255 : 0;
        }
        status = fovea_resize(&whole, width, height, FOVEA_FILTER_BILINEAR, &small, error);
    }
    for (size_t i = 0; status == FV_OK && i < (size_t)width * height; i++) {
        mask->pixels[i] = small.pixels.u8[i] >= 128;
    }
    fovea_image_release(&whole);
    fovea_image_release(&small);
    return status;
}

static enum fv_status draw(const struct fovea_image *image, struct fovea_mask *predicted, struct fovea_mask *reference,
                           uint8_t **bytes, size_t *size, struct fv_error *error) {
    uint32_t width = image->width, height = image->height, longer = width > height ? width : height;
    if (longer > LONGER_SIDE) {
        width = (uint32_t)((uint64_t)width * LONGER_SIDE / longer);
        height = (uint32_t)((uint64_t)height * LONGER_SIDE / longer);
        width = width > 0 ? width : 1;
        height = height > 0 ? height : 1;
    }
    struct fovea_image small = {0}, picture = {0};
    enum fv_status status = fovea_resize(image, width, height, FOVEA_FILTER_BILINEAR, &small, error);
    if (status == FV_OK && longer > LONGER_SIDE) {
        status = shrink_mask(predicted, width, height, error);
        status = status != FV_OK ? status : shrink_mask(reference, width, height, error);
    }
    status =
        status != FV_OK ? status : fovea_overlay_compare(&small, reference->pixels, predicted->pixels, &picture, error);
    status = status != FV_OK ? status : fovea_image_encode_png(&picture, bytes, size, error);
    fovea_image_release(&small);
    fovea_image_release(&picture);
    return status;
}

enum fv_status fovea_comparison_draw(const struct fovea_comparison *comparison, uint8_t **bytes, size_t *size,
                                     struct fv_error *error) {
    struct fovea_image image = {0};
    struct fovea_mask predicted = {0}, reference = {0};
    *bytes = NULL;
    enum fv_status status = read_image(comparison, &image, error);
    status = status != FV_OK ? status
                             : fovea_mask_read(comparison->predicted_path, comparison->name, comparison->foreground,
                                               &predicted, error);
    status = status != FV_OK ? status
                             : fovea_mask_read(comparison->reference_path, comparison->name, comparison->foreground,
                                               &reference, error);
    if (status == FV_OK && (image.width != reference.width || image.height != reference.height)) {
        status = fv_error_set(error, FV_ERROR_FORMAT, "%s has %u x %u pixels, the masks have %u x %u",
                              comparison->image_name, image.width, image.height, reference.width, reference.height);
    }
    status = status != FV_OK ? status : draw(&image, &predicted, &reference, bytes, size, error);
    fovea_mask_release(&predicted);
    fovea_mask_release(&reference);
    fovea_image_release(&image);
    return status;
}
