#include "pipeline/outputs.h"

#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "fovea/memory.h"
#include "fovea/npy.h"
#include "fovea/text.h"
#include "image/nifti.h"
#include "image/overlay.h"

enum { CLASSES_RANK = 3 };

/* Every kind of file. */
static const struct {
    enum fovea_folder folder;
    const char *suffix;
} kinds[] = {
    {FOVEA_FOLDER_MASKS, "png"},       {FOVEA_FOLDER_OVERLAYS, "png"}, {FOVEA_FOLDER_CONTOURS, "png"},
    {FOVEA_FOLDER_LABELS, "nii.gz"},   {FOVEA_FOLDER_VESSELS, "png"},  {FOVEA_FOLDER_PROBABILITY, "npy"},
    {FOVEA_FOLDER_PROBABILITY, "png"},
};

void fovea_segmentation_release(struct fovea_segmentation *segmentation) {
    fv_release(segmentation->mask);
    fv_release(segmentation->labels);
    fv_release(segmentation->probability);
    fovea_vessels_release(&segmentation->vessels);
    *segmentation = (struct fovea_segmentation){0};
}

/* Where a file of `input` goes; the caller releases it; NULL if memory is exhausted. */
static char *output_path(const char *output, const struct fovea_input *input, enum fovea_folder folder,
                         const char *suffix) {
    return fv_text_format("%s/%s/%s.%s", output, fovea_folder_names[folder], input->stem, suffix);
}

/* The path, with its folder made. On success the caller releases *path. */
static enum fv_status prepare_path(const char *output, const struct fovea_input *input, enum fovea_folder folder,
                                   const char *suffix, char **path, struct fv_error *error) {
    *path = output_path(output, input, folder, suffix);
    char *above = *path == NULL ? NULL : fv_duplicate(*path);
    enum fv_status status = FV_OK;
    if (above == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", input->name);
    } else {
        *strrchr(above, '/') = '\0';
        status = fovea_folder_make(above, error);
    }
    fv_release(above);
    if (status != FV_OK) {
        fv_release(*path);
    }
    return status;
}

static enum fv_status write_picture(const char *output, const struct fovea_input *input, enum fovea_folder folder,
                                    const struct fovea_image *picture, struct fv_error *error) {
    char *path;
    enum fv_status status = prepare_path(output, input, folder, "png", &path, error);
    if (status == FV_OK) {
        status = fovea_image_write_png(path, picture, error);
        fv_release(path);
    }
    return status;
}

static enum fv_status write_mask(const char *output, const struct fovea_input *input, const struct fovea_image *image,
                                 const uint8_t *mask, struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = fovea_image_create(image->width, image->height, 1, 8, &picture, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        picture.pixels.u8[i] = mask[i] != 0 ? 255 : 0;
    }
    status = write_picture(output, input, FOVEA_FOLDER_MASKS, &picture, error);
    fovea_image_release(&picture);
    return status;
}

/* One of the two views of the mask on the image. */
typedef enum fv_status overlay_function(const struct fovea_image *image, const uint8_t *mask,
                                        struct fovea_image *result, struct fv_error *error);

static enum fv_status write_overlay(const char *output, const struct fovea_input *input, enum fovea_folder folder,
                                    overlay_function *draw, const struct fovea_image *image, const uint8_t *mask,
                                    struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = draw(image, mask, &picture, error);
    if (status == FV_OK) {
        status = write_picture(output, input, folder, &picture, error);
        fovea_image_release(&picture);
    }
    return status;
}

static enum fv_status write_labels(const char *output, const struct fovea_input *input, const struct fovea_image *image,
                                   uint8_t *labels, struct fv_error *error) {
    char *path;
    enum fv_status status = prepare_path(output, input, FOVEA_FOLDER_LABELS, "nii.gz", &path, error);
    if (status == FV_OK) {
        const struct fovea_image plane = {
            .width = image->width, .height = image->height, .channels = 1, .bits = 8, .pixels = {.u8 = labels}};
        status = fovea_nifti_write(path, &plane, 0, error);
        fv_release(path);
    }
    return status;
}

enum fv_status fovea_outputs_draw_vessels(const struct fovea_vessels *vessels, struct fovea_image *picture,
                                          struct fv_error *error) {
    static const uint8_t values[] = {[FOVEA_VESSEL_NONE] = 0, [FOVEA_VESSEL_BODY] = 128, [FOVEA_VESSEL_LINE] = 255};
    enum fv_status status = fovea_image_create(vessels->width, vessels->height, 1, 8, picture, error);
    for (size_t i = 0; status == FV_OK && i < (size_t)vessels->width * vessels->height; i++) {
        picture->pixels.u8[i] = values[vessels->map[i]];
    }
    return status;
}

enum fv_status fovea_outputs_write_vessels(const char *output, const struct fovea_input *input,
                                           const struct fovea_vessels *vessels, struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = fovea_outputs_draw_vessels(vessels, &picture, error);
    if (status == FV_OK) {
        status = write_picture(output, input, FOVEA_FOLDER_VESSELS, &picture, error);
        fovea_image_release(&picture);
    }
    return status;
}

/* The FAZ's probability as a picture of 16 bits: 0 to 65535. */
static enum fv_status write_probability_picture(const char *output, const struct fovea_input *input,
                                                const struct fovea_image *image, const float *probability,
                                                struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = fovea_image_create(image->width, image->height, 1, 16, &picture, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        double value = probability[i];
        picture.pixels.u16[i] = (uint16_t)((value < 0 ? 0 : value > 1 ? 1 : value) * 65535.0 + 0.5);
    }
    status = write_picture(output, input, FOVEA_FOLDER_PROBABILITY, &picture, error);
    fovea_image_release(&picture);
    return status;
}

static enum fv_status write_probability(const char *output, const struct fovea_input *input,
                                        const struct fovea_image *image, const struct fovea_segmentation *segmentation,
                                        struct fv_error *error) {
    char *path;
    enum fv_status status = prepare_path(output, input, FOVEA_FOLDER_PROBABILITY, "npy", &path, error);
    if (status == FV_OK) {
        const size_t shape[CLASSES_RANK] = {segmentation->classes, image->height, image->width};
        status = fv_npy_write(path, segmentation->probability, shape, CLASSES_RANK, error);
        fv_release(path);
    }
    if (status == FV_OK) {
        size_t pixels = (size_t)image->width * image->height;
        status = write_probability_picture(output, input, image,
                                           segmentation->probability + segmentation->faz_class * pixels, error);
    }
    return status;
}

enum fv_status fovea_outputs_write(const char *output, const struct fovea_input *input, const struct fovea_image *image,
                                   const struct fovea_segmentation *segmentation, struct fv_error *error) {
    const uint8_t *mask = segmentation->mask;
    enum fv_status status = write_mask(output, input, image, mask, error);
    if (status == FV_OK) {
        status = write_overlay(output, input, FOVEA_FOLDER_OVERLAYS, fovea_overlay_blend, image, mask, error);
    }
    if (status == FV_OK) {
        status = write_overlay(output, input, FOVEA_FOLDER_CONTOURS, fovea_overlay_contour, image, mask, error);
    }
    if (status == FV_OK && segmentation->labels != NULL) {
        status = write_labels(output, input, image, segmentation->labels, error);
    }
    if (status == FV_OK && segmentation->vessels.map != NULL) {
        status = fovea_outputs_write_vessels(output, input, &segmentation->vessels, error);
    } else {
        fovea_outputs_remove(output, input, FOVEA_FOLDER_VESSELS); /* it would not belong to this image */
    }
    if (!segmentation->save_probability) {
        fovea_outputs_remove(output, input, FOVEA_FOLDER_PROBABILITY); /* it would not belong to these labels */
    } else if (status == FV_OK) {
        status = write_probability(output, input, image, segmentation, error);
    }
    return status;
}

void fovea_outputs_remove(const char *output, const struct fovea_input *input, enum fovea_folder first) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *path = kinds[i].folder < first ? NULL : output_path(output, input, kinds[i].folder, kinds[i].suffix);
        if (path != NULL) {
            unlink(path);
        }
        fv_release(path);
    }
}

bool fovea_outputs_contain(const char *output, const struct fovea_input *input) {
    size_t length = strlen(output);
    if (strncmp(input->canonical, output, length) != 0 || input->canonical[length] != '/') {
        return false;
    }
    const char *below = input->canonical + length + 1;
    for (size_t i = 0; i < FOVEA_FOLDER_COUNT; i++) {
        size_t part = strlen(fovea_folder_names[i]);
        if (strncmp(below, fovea_folder_names[i], part) == 0 && below[part] == '/') {
            return true;
        }
    }
    return false;
}
