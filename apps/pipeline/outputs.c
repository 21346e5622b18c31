#include "pipeline/outputs.h"

#include <string.h>
#include <unistd.h>

#include "fovea/memory.h"
#include "fovea/npy.h"
#include "fovea/text.h"
#include "image/nifti.h"
#include "image/overlay.h"

enum { CLASSES_RANK = 3 };

const struct fovea_output_kind fovea_output_kinds[FOVEA_OUTPUT_KINDS] = {
    {FOVEA_FOLDER_MASKS, "png"},       {FOVEA_FOLDER_OVERLAYS, "png"}, {FOVEA_FOLDER_CONTOURS, "png"},
    {FOVEA_FOLDER_LABELS, "nii.gz"},   {FOVEA_FOLDER_VESSELS, "png"},  {FOVEA_FOLDER_PROBABILITY, "npy"},
    {FOVEA_FOLDER_PROBABILITY, "png"},
};

unsigned fovea_output_kind_bit(const char *name) {
    for (unsigned k = 0; k < FOVEA_OUTPUT_KINDS; k++) {
        const char *folder = fovea_folder_names[fovea_output_kinds[k].folder];
        const size_t length = strlen(folder);
        if (strncmp(name, folder, length) == 0 && name[length] == '.' &&
            strcmp(name + length + 1, fovea_output_kinds[k].suffix) == 0) {
            return 1U << k;
        }
    }
    return 0;
}

void fovea_segmentation_release(struct fovea_segmentation *segmentation) {
    fv_release(segmentation->mask);
    fv_release(segmentation->labels);
    fv_release(segmentation->probability);
    fovea_vessels_release(&segmentation->vessels);
    *segmentation = (struct fovea_segmentation){0};
}

/* Files on their way. */
struct writing {
    const struct fovea_staged *staged;
    unsigned files; /* that are there */
};

static char *staged_path(const struct fovea_staged *staged, enum fovea_folder folder, const char *suffix) {
    return fv_text_format("%s/%zu.%s.%s", staged->folder, staged->number, fovea_folder_names[folder], suffix);
}

/* The path of a file to write. The caller releases it; NULL if memory is exhausted. */
static char *begin_file(struct writing *writing, enum fovea_folder folder, const char *suffix, struct fv_error *error) {
    char *path = staged_path(writing->staged, folder, suffix);
    if (path == NULL) {
        fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", fovea_folder_names[folder]);
    }
    for (unsigned k = 0; k < FOVEA_OUTPUT_KINDS; k++) {
        if (fovea_output_kinds[k].folder == folder && strcmp(fovea_output_kinds[k].suffix, suffix) == 0) {
            writing->files |= 1U << k;
        }
    }
    return path;
}

static enum fv_status write_picture(struct writing *writing, enum fovea_folder folder,
                                    const struct fovea_image *picture, struct fv_error *error) {
    char *path = begin_file(writing, folder, "png", error);
    enum fv_status status = path == NULL ? FV_ERROR_MEMORY : fovea_image_write_png(path, picture, error);
    fv_release(path);
    return status;
}

static enum fv_status write_mask(struct writing *writing, const struct fovea_image *image, const uint8_t *mask,
                                 struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = fovea_image_create(image->width, image->height, 1, 8, &picture, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        picture.pixels.u8[i] = mask[i] != 0 ? 255 : 0;
    }
    status = write_picture(writing, FOVEA_FOLDER_MASKS, &picture, error);
    fovea_image_release(&picture);
    return status;
}

/* One of the two views of the mask on the image. */
typedef enum fv_status overlay_function(const struct fovea_image *image, const uint8_t *mask,
                                        struct fovea_image *result, struct fv_error *error);

static enum fv_status write_overlay(struct writing *writing, enum fovea_folder folder, overlay_function *draw,
                                    const struct fovea_image *image, const uint8_t *mask, struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = draw(image, mask, &picture, error);
    if (status == FV_OK) {
        status = write_picture(writing, folder, &picture, error);
        fovea_image_release(&picture);
    }
    return status;
}

static enum fv_status write_labels(struct writing *writing, const struct fovea_image *image, uint8_t *labels,
                                   struct fv_error *error) {
    char *path = begin_file(writing, FOVEA_FOLDER_LABELS, "nii.gz", error);
    const struct fovea_image plane = {
        .width = image->width, .height = image->height, .channels = 1, .bits = 8, .pixels = {.u8 = labels}};
    enum fv_status status = path == NULL ? FV_ERROR_MEMORY : fovea_nifti_write(path, &plane, 0, error);
    fv_release(path);
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

static enum fv_status write_vessels(struct writing *writing, const struct fovea_vessels *vessels,
                                    struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = fovea_outputs_draw_vessels(vessels, &picture, error);
    if (status == FV_OK) {
        status = write_picture(writing, FOVEA_FOLDER_VESSELS, &picture, error);
        fovea_image_release(&picture);
    }
    return status;
}

enum fv_status fovea_outputs_write_vessels(const struct fovea_staged *staged, const struct fovea_vessels *vessels,
                                           unsigned *files, struct fv_error *error) {
    struct writing writing = {staged, 0};
    const enum fv_status status = write_vessels(&writing, vessels, error);
    *files = writing.files;
    return status;
}

/* The FAZ's probability as a picture of 16 bits: 0 to 65535. */
static enum fv_status write_probability_picture(struct writing *writing, const struct fovea_image *image,
                                                const float *probability, struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = fovea_image_create(image->width, image->height, 1, 16, &picture, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        double value = probability[i];
        picture.pixels.u16[i] = (uint16_t)((value < 0 ? 0 : value > 1 ? 1 : value) * 65535.0 + 0.5);
    }
    status = write_picture(writing, FOVEA_FOLDER_PROBABILITY, &picture, error);
    fovea_image_release(&picture);
    return status;
}

static enum fv_status write_probability(struct writing *writing, const struct fovea_image *image,
                                        const struct fovea_segmentation *segmentation, struct fv_error *error) {
    char *path = begin_file(writing, FOVEA_FOLDER_PROBABILITY, "npy", error);
    const size_t shape[CLASSES_RANK] = {segmentation->classes, image->height, image->width};
    enum fv_status status =
        path == NULL ? FV_ERROR_MEMORY : fv_npy_write(path, segmentation->probability, shape, CLASSES_RANK, error);
    fv_release(path);
    if (status == FV_OK) {
        size_t pixels = (size_t)image->width * image->height;
        status = write_probability_picture(writing, image, segmentation->probability + segmentation->faz_class * pixels,
                                           error);
    }
    return status;
}

enum fv_status fovea_outputs_write(const struct fovea_staged *staged, const struct fovea_image *image,
                                   const struct fovea_segmentation *segmentation, unsigned *files,
                                   struct fv_error *error) {
    const uint8_t *mask = segmentation->mask;
    struct writing writing = {staged, 0};
    enum fv_status status = write_mask(&writing, image, mask, error);
    if (status == FV_OK) {
        status = write_overlay(&writing, FOVEA_FOLDER_OVERLAYS, fovea_overlay_blend, image, mask, error);
    }
    if (status == FV_OK) {
        status = write_overlay(&writing, FOVEA_FOLDER_CONTOURS, fovea_overlay_contour, image, mask, error);
    }
    if (status == FV_OK && segmentation->labels != NULL) {
        status = write_labels(&writing, image, segmentation->labels, error);
    }
    if (status == FV_OK && segmentation->vessels.map != NULL) {
        status = write_vessels(&writing, &segmentation->vessels, error);
    }
    if (status == FV_OK && segmentation->save_probability) {
        status = write_probability(&writing, image, segmentation, error);
    }
    *files = writing.files;
    return status;
}

void fovea_outputs_drop(const struct fovea_staged *staged) {
    for (size_t k = 0; k < FOVEA_OUTPUT_KINDS; k++) {
        char *path = staged_path(staged, fovea_output_kinds[k].folder, fovea_output_kinds[k].suffix);
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

/* Whether the input, which lies in one of these folders, is where a file of `stem` goes. */
static bool is_result_of(const char *below, const char *stem) {
    const size_t length = strlen(stem);
    for (size_t k = 0; k < FOVEA_OUTPUT_KINDS; k++) {
        const char *folder = fovea_folder_names[fovea_output_kinds[k].folder];
        const size_t part = strlen(folder);
        if (strncmp(below, folder, part) == 0 && below[part] == '/' && strncmp(below + part + 1, stem, length) == 0 &&
            below[part + 1 + length] == '.' && strcmp(below + part + length + 2, fovea_output_kinds[k].suffix) == 0) {
            return true;
        }
    }
    return false;
}

enum fv_status fovea_outputs_check(const char *output, const struct fovea_inputs *inputs, struct fv_error *error) {
    for (size_t i = 0; i < inputs->count; i++) {
        const struct fovea_input *input = &inputs->items[i];
        for (size_t k = 0; k < inputs->count && fovea_outputs_contain(output, input); k++) {
            if (k != i && is_result_of(input->canonical + strlen(output) + 1, inputs->items[k].stem)) {
                return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: lies where a result of %s would replace it",
                                    input->path, inputs->items[k].path);
            }
        }
    }
    return FV_OK;
}
