/* The second step of reading: from the pixels in the file to those that the product works on. */
#include "fovea/memory.h"
#include "image/image.h"

#include <string.h>

/* Replaces the pixels, keeping what the file said. */
static void replace(struct fovea_image *image, const struct fovea_image *result) {
    fv_release(image->pixels.bytes);
    image->width = result->width;
    image->height = result->height;
    image->channels = result->channels;
    image->bits = result->bits;
    image->pixels = result->pixels;
}

/* EXIF orientations: 2 mirrors, 3 turns by half, 4 flips, 5 transposes, 6 is upright after a turn to the right, 7
 * transposes across the other diagonal, 8 is upright after a turn to the left. */
enum fv_status fovea_image_make_upright(struct fovea_image *image, struct fv_error *error) {
    uint32_t orientation = image->orientation;
    if (orientation <= 1) {
        return FV_OK;
    }
    bool swaps = orientation >= 5;
    bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    struct fovea_image result;
    enum fv_status status =
        fovea_image_create(swaps ? image->height : image->width, swaps ? image->width : image->height, image->channels,
                           image->bits, &result, error);
    if (status != FV_OK) {
        return status;
    }
    size_t pixel = (size_t)image->channels * (image->bits / 8);
    uint8_t *out = result.pixels.bytes;
    for (uint32_t y = 0; y < result.height; y++) {
        for (uint32_t x = 0; x < result.width; x++) {
            uint32_t source_x = swaps ? y : x;
            uint32_t source_y = swaps ? x : y;
            source_x = from_right ? image->width - 1 - source_x : source_x;
            source_y = from_bottom ? image->height - 1 - source_y : source_y;
            memcpy(out, image->pixels.u8 + ((size_t)source_y * image->width + source_x) * pixel, pixel);
            out += pixel;
        }
    }
    replace(image, &result);
    image->orientation = 1;
    return FV_OK;
}

/* Keeps the first `channels` channels of each pixel. */
static enum fv_status keep_channels(struct fovea_image *image, uint32_t channels, struct fv_error *error) {
    struct fovea_image result;
    enum fv_status status = fovea_image_create(image->width, image->height, channels, image->bits, &result, error);
    if (status != FV_OK) {
        return status;
    }
    size_t sample = image->bits / 8;
    size_t pixels = (size_t)image->width * image->height;
    for (size_t i = 0; i < pixels; i++) {
        memcpy(result.pixels.u8 + i * channels * sample, image->pixels.u8 + i * image->channels * sample,
               channels * sample);
    }
    replace(image, &result);
    return FV_OK;
}

enum fv_status fovea_image_drop_alpha(struct fovea_image *image, struct fv_error *error) {
    if (image->channels != 2 && image->channels != 4) {
        return FV_OK;
    }
    return keep_channels(image, image->channels - 1, error);
}

enum fv_status fovea_image_reduce_to_8_bits(struct fovea_image *image, struct fv_error *error) {
    if (image->bits == 8) {
        return FV_OK;
    }
    struct fovea_image result;
    enum fv_status status = fovea_image_create(image->width, image->height, image->channels, 8, &result, error);
    if (status != FV_OK) {
        return status;
    }
    size_t samples = (size_t)image->width * image->height * image->channels;
    for (size_t i = 0; i < samples; i++) {
        result.pixels.u8[i] = (uint8_t)((image->pixels.u16[i] + 128U) / 257U);
    }
    replace(image, &result);
    return FV_OK;
}

/* Whether the channels of pixel `index` are equal, at the file's own depth, so that a tint of less than one step of 8
 * bits is not lost unseen. */
static bool is_grey(const struct fovea_image *image, size_t index, uint32_t colour[3]) {
    for (size_t c = 0; c < 3; c++) {
        size_t i = index * image->channels + c;
        colour[c] = image->bits == 8 ? image->pixels.u8[i] : image->pixels.u16[i];
    }
    return colour[0] == colour[1] && colour[0] == colour[2];
}

static enum fv_status expect_equal_channels(const char *name, const struct fovea_image *image, struct fv_error *error) {
    static const double OVERLAY = 0.2; /* of the pixels: drawn or written on a grey image */
    size_t pixels = (size_t)image->width * image->height, coloured = 0, first = 0;
    uint32_t colour[3];
    for (size_t i = 0; i < pixels; i++) {
        if (!is_grey(image, i, colour)) {
            first = coloured == 0 ? i : first;
            coloured++;
        }
    }
    if (coloured == 0) {
        return FV_OK;
    }
    double share = (double)coloured / (double)pixels;
    (void)is_grey(image, first, colour);
    return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                        "%s: expected a grey image, found true colour: red %u, green %u, blue %u at column %zu, row "
                        "%zu, and %.2g %% of the pixels coloured (%s)",
                        name, colour[0], colour[1], colour[2], first % image->width, first / image->width, 100 * share,
                        share < OVERLAY ? "an overlay on a screenshot? export the image without it"
                                        : "a fundus photograph or a colour-coded map?");
}

enum fv_status fovea_image_to_grey(const char *name, struct fovea_image *image, struct fv_error *error) {
    enum fv_status status = FV_OK;
    if (image->channels >= 3) {
        status = expect_equal_channels(name, image, error);
        if (status == FV_OK) {
            status = keep_channels(image, 1, error);
        }
    } else {
        status = fovea_image_drop_alpha(image, error);
    }
    if (status == FV_OK) {
        status = fovea_image_reduce_to_8_bits(image, error);
    }
    if (status == FV_OK) {
        status = fovea_image_make_upright(image, error);
    }
    return status;
}
