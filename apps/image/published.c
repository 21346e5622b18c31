#include "image/published.h"

#include "fovea/memory.h"

/* How a sample of 16 bits becomes one of 8. */
enum reduction { HIGH_BYTE, ROUNDED, CUT };

static uint8_t reduce(const struct fovea_image *image, size_t at, enum reduction reduction) {
    if (image->bits == 8) {
        return image->pixels.u8[at];
    }
    uint32_t value = image->pixels.u16[at];
    switch (reduction) {
    case ROUNDED:
        return (uint8_t)((value + 128) / 257);
    case CUT:
        return (uint8_t)(value > 255 ? 255 : value);
    case HIGH_BYTE:
        break;
    }
    return (uint8_t)(value >> 8);
}

static bool has_alpha(const struct fovea_image *image) {
    return image->channels == 2 || image->channels == 4;
}

/* Makes the image one of 8 bits and 1, 3 or 4 channels: grey is repeated, alpha added as 255 or dropped. The colours
 * are multiplied by an alpha that is dropped if `premultiply` says so. */
static enum fv_status reshape(const char *name, struct fovea_image *image, uint32_t channels, enum reduction reduction,
                              bool premultiply, struct fv_error *error) {
    struct fovea_image result;
    enum fv_status status = fovea_image_create(image->width, image->height, channels, 8, &result, error);
    if (status != FV_OK) {
        return fv_error_set(error, status, "%s: out of memory", name);
    }
    size_t pixels = (size_t)image->width * image->height, from = image->channels;
    uint8_t *out = result.pixels.u8;
    for (size_t i = 0; i < pixels; i++) {
        uint32_t alpha = has_alpha(image) ? reduce(image, i * from + from - 1, reduction) : 255;
        for (size_t c = 0; c < channels && c < 3; c++) {
            uint32_t value = reduce(image, i * from + (from >= 3 ? c : 0), reduction);
            *out++ = (uint8_t)(premultiply ? (value * alpha + 127) / 255 : value);
        }
        if (channels == 4) {
            *out++ = (uint8_t)alpha;
        }
    }
    fv_release(image->pixels.bytes);
    image->pixels = result.pixels;
    image->channels = channels;
    image->bits = 8;
    return FV_OK;
}

enum fv_status fovea_image_to_opencv(const char *name, struct fovea_image *image, struct fv_error *error) {
    if (image->format == FOVEA_IMAGE_DICOM) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: holds DICOM, which the published program does not read",
                            name);
    }
    bool tiff = image->format == FOVEA_IMAGE_TIFF;
    bool premultiply = tiff && image->channels == 4 && !image->premultiplied;
    enum fv_status status =
        reshape(name, image, 3, tiff && image->channels >= 3 ? ROUNDED : HIGH_BYTE, premultiply, error);
    return status != FV_OK ? status : fovea_image_make_upright(image, error);
}

/* Pillow has a mode of 32 bits for 16 bit grey, unless it has alpha, and cuts it when it converts. */
static enum reduction pillow_reduction(const struct fovea_image *image) {
    bool grey = image->channels == 1 || (image->channels == 2 && image->colour_key);
    return grey ? CUT : HIGH_BYTE;
}

enum fv_status fovea_image_to_pillow(const char *name, struct fovea_image *image, struct fv_error *error) {
    return reshape(name, image, 3, pillow_reduction(image), false, error);
}

enum fv_status fovea_image_to_pillow_rgba(const char *name, struct fovea_image *image, struct fv_error *error) {
    if (image->bits == 16 && image->channels == 2 && image->colour_key) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: 16 bit grey with a transparent colour is not handled",
                            name);
    }
    return reshape(name, image, 4, pillow_reduction(image), false, error);
}

enum fv_status fovea_image_to_skimage(const char *name, struct fovea_image *image, struct fv_error *error) {
    if (image->palette) {
        return reshape(name, image, image->grey_palette ? 1 : 4, HIGH_BYTE, false, error);
    }
    if (image->colour_key) {
        enum fv_status status = fovea_image_drop_alpha(image, error);
        if (status != FV_OK) {
            return status;
        }
    }
    if (image->channels == 1) {
        return FV_OK;
    }
    return reshape(name, image, image->channels == 3 ? 3 : 4, HIGH_BYTE, false, error);
}
