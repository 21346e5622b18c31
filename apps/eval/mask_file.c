#include "eval/mask_file.h"

#include <stdio.h>
#include <string.h>

#include "eval/nifti.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "image/image.h"

void fovea_shorten_message(struct fv_error *error, const char *path, const char *name) {
    size_t length = strlen(path);
    if (strncmp(error->message, path, length) == 0) {
        char rest[FV_MESSAGE_SIZE];
        snprintf(rest, sizeof rest, "%s", error->message + length);
        fv_error_set(error, error->status, "%s%s", name, rest);
    }
}

static uint32_t sample(const struct fovea_image *image, size_t i) {
    return image->bits == 8 ? image->pixels.u8[i] : image->pixels.u16[i];
}

/* Expects three equal channels. */
static enum fv_status expect_grey(const char *name, const struct fovea_image *image, struct fv_error *error) {
    size_t pixels = (size_t)image->width * image->height;
    for (size_t i = 0; i < pixels; i++) {
        size_t first = i * image->channels;
        if (sample(image, first) != sample(image, first + 1) || sample(image, first) != sample(image, first + 2)) {
            return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                                "%s: expected a mask of one channel, found true colour at column %zu, row %zu (an "
                                "overlay?)",
                                name, i % image->width, i / image->width);
        }
    }
    return FV_OK;
}

static enum fv_status read_labels(const char *path, const char *name, struct fovea_image *image,
                                  struct fv_error *error) {
    struct fv_mapping file;
    enum fv_status status = fv_file_map(path, &file, error);
    if (status != FV_OK) {
        fovea_shorten_message(error, path, name);
        return status;
    }
    if (file.size > FOVEA_IMAGE_MAX_BYTES) {
        status = fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: a file of %zu bytes, the limit is %zu", name, file.size,
                              FOVEA_IMAGE_MAX_BYTES);
    } else if (fovea_nifti_recognise(file.bytes, file.size)) {
        status = fovea_nifti_decode(name, file.bytes, file.size, image, error);
    } else {
        status = fovea_image_decode(name, file.bytes, file.size, image, error);
    }
    fv_file_unmap(&file);
    if (status == FV_OK && image->format == FOVEA_IMAGE_JPEG) {
        status =
            fv_error_set(error, FV_ERROR_UNSUPPORTED,
                         "%s: a JPEG file; its compression changes labels, expected PNG, TIFF, BMP or NIfTI", name);
    }
    if (status == FV_OK && image->pages > 1) {
        status = fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: expected one mask, found a file of %u pages", name,
                              image->pages);
    }
    if (status == FV_OK && image->channels >= 3) {
        status = expect_grey(name, image, error);
    }
    return status == FV_OK ? fovea_image_make_upright(image, error) : status;
}

/* Fills mask->pixels. */
static enum fv_status choose(const char *name, const struct fovea_image *image,
                             const struct fovea_foreground *foreground, struct fovea_mask *mask,
                             struct fv_error *error) {
    size_t pixels = (size_t)image->width * image->height;
    uint32_t only = 0;
    bool found = false, others = false;
    for (size_t i = 0; i < pixels; i++) {
        uint32_t value = sample(image, i * image->channels);
        bool chosen = foreground->kind == FOVEA_FOREGROUND_VALUE ? value == foreground->value : value != 0;
        mask->pixels[i] = chosen;
        found = found || chosen;
        others = others || (value != 0 && !chosen);
        if (foreground->kind != FOVEA_FOREGROUND_ONLY || value == 0 || value == only) {
            continue;
        }
        if (only != 0) {
            return fv_error_set(error, FV_ERROR_FORMAT,
                                "%s: expected one value beside 0, found %u and, at column %zu, row %zu, %u; "
                                "--foreground says which is the FAZ",
                                name, only, i % image->width, i / image->width, value);
        }
        only = value;
    }
    mask->other = others && !found;
    return FV_OK;
}

enum fv_status fovea_mask_read(const char *path, const char *name, const struct fovea_foreground *foreground,
                               struct fovea_mask *mask, struct fv_error *error) {
    *mask = (struct fovea_mask){0};
    struct fovea_image image = {0};
    enum fv_status status = read_labels(path, name, &image, error);
    if (status == FV_OK) {
        *mask = (struct fovea_mask){.width = image.width, .height = image.height};
        mask->pixels = fv_allocate((size_t)image.width * image.height, 1);
        status = mask->pixels == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %u x %u pixels",
                                                     name, image.width, image.height)
                                      : choose(name, &image, foreground, mask, error);
    }
    fovea_image_release(&image);
    if (status != FV_OK) {
        fovea_mask_release(mask);
    }
    return status;
}

void fovea_mask_release(struct fovea_mask *mask) {
    fv_release(mask->pixels);
    *mask = (struct fovea_mask){0};
}
