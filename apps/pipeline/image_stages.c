#include "pipeline/image_stages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "image/image.h"
#include "image/overlay.h"
#include "pipeline/folders.h"
#include "pipeline/thumbnail.h"

enum { CHANNELS_MAX = 8 };

/* Where the picture of `input` in `folder` goes; the caller releases it; NULL if memory is exhausted. */
static char *output_path(const struct fovea_work *work, const struct fovea_input *input, enum fovea_folder folder) {
    return fv_text_format("%s/%s/%s.png", work->output, fovea_folder_names[folder], input->stem);
}

/* Whether the input lies where this run writes, and could be replaced by its own result. */
static bool lies_in_output(const struct fovea_work *work, const struct fovea_input *input) {
    size_t length = strlen(work->output);
    if (strncmp(input->canonical, work->output, length) != 0 || input->canonical[length] != '/') {
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

static enum fv_status write_picture(const struct fovea_work *work, const struct fovea_input *input,
                                    enum fovea_folder folder, const struct fovea_image *picture,
                                    struct fv_error *error) {
    char *path = output_path(work, input, folder);
    char *above = path == NULL ? NULL : fv_duplicate(path);
    enum fv_status status = FV_OK;
    if (path == NULL || above == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", input->name);
    } else {
        *strrchr(above, '/') = '\0';
        status = fovea_folder_make(above, error);
        status = status != FV_OK ? status : fovea_image_write_png(path, picture, error);
    }
    fv_release(path);
    fv_release(above);
    return status;
}

static enum fv_status write_mask(const struct fovea_work *work, const struct fovea_input *input,
                                 const struct fovea_image *image, const uint8_t *mask, struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = fovea_image_create(image->width, image->height, 1, 8, &picture, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        picture.pixels.u8[i] = mask[i] != 0 ? 255 : 0;
    }
    status = write_picture(work, input, FOVEA_FOLDER_MASKS, &picture, error);
    fovea_image_release(&picture);
    return status;
}

/* One of the two views of the mask on the image. */
typedef enum fv_status overlay_function(const struct fovea_image *image, const uint8_t *mask,
                                        struct fovea_image *result, struct fv_error *error);

static enum fv_status write_overlay(const struct fovea_work *work, const struct fovea_input *input,
                                    enum fovea_folder folder, overlay_function *draw, const struct fovea_image *image,
                                    const uint8_t *mask, struct fv_error *error) {
    struct fovea_image picture;
    enum fv_status status = draw(image, mask, &picture, error);
    if (status == FV_OK) {
        status = write_picture(work, input, folder, &picture, error);
        fovea_image_release(&picture);
    }
    return status;
}

/* Removes what an earlier run wrote under this image's name. */
static void remove_pictures(const struct fovea_work *work, const struct fovea_input *input) {
    for (size_t folder = 0; folder < FOVEA_FOLDER_COUNT; folder++) {
        char *path = output_path(work, input, (enum fovea_folder)folder);
        if (path != NULL) {
            unlink(path);
        }
        fv_release(path);
    }
}

static enum fv_status segment(const struct fovea_work *work, const struct fovea_input *input,
                              const struct fovea_image *image, uint8_t *mask, struct fv_error *error) {
    const uint8_t *planes[CHANNELS_MAX];
    size_t channels = fovea_segmenter_channels(work->segmenter), faz = fovea_segmenter_faz_class(work->segmenter);
    for (size_t c = 0; c < channels && c < CHANNELS_MAX; c++) {
        planes[c] = image->pixels.u8;
    }
    enum fv_status status =
        fovea_segmenter_run(work->segmenter, input->name, planes, image->width, image->height, mask, error);
    for (size_t i = 0; status == FV_OK && i < (size_t)image->width * image->height; i++) {
        mask[i] = mask[i] == faz;
    }
    return status;
}

/* Takes `image` for a mask: black is background, and there may be one other value. */
static enum fv_status take_mask(const struct fovea_input *input, const struct fovea_image *image, uint8_t *mask,
                                struct fv_error *error) {
    uint8_t value = 0;
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        uint8_t pixel = image->pixels.u8[i];
        if (pixel != 0 && value != 0 && pixel != value) {
            return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                                "%s: a mask has 0 and one other value; this has %u and %u: is it an image?",
                                input->name, value, pixel);
        }
        value = pixel != 0 ? pixel : value;
        mask[i] = pixel != 0;
    }
    return FV_OK;
}

static enum fv_status measure(const struct fovea_work *work, const struct fovea_image *image, const uint8_t *mask,
                              struct fovea_result *result, struct fv_error *error) {
    enum fv_status status = fovea_measure(result->input->name, mask, image->width, image->height,
                                          work->options->field_mm, &result->measures, error);
    result->measured = status == FV_OK;
    if (result->measured && result->measures.faz_pixels == 0) {
        result->reason = fv_duplicate("no FAZ was found");
    }
    return status;
}

/* The reason of a failure as a report may show it: without the path of the input or of the output folder, which are
 * where they are on this machine only. */
static char *plain_reason(const struct fovea_work *work, const struct fovea_input *input, const char *message) {
    const char *const prefixes[] = {input->path, input->name};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t length = strlen(prefixes[i]);
        if (strncmp(message, prefixes[i], length) == 0 && strncmp(message + length, ": ", 2) == 0) {
            return fv_duplicate(message + length + 2);
        }
    }
    size_t length = strlen(work->output);
    bool output = strncmp(message, work->output, length) == 0 && message[length] == '/';
    return fv_duplicate(output ? message + length + 1 : message);
}

/* From the mask on: measure, write, draw. */
static enum fv_status finish(const struct fovea_work *work, const struct fovea_image *image, const uint8_t *mask,
                             struct fovea_result *result, struct fv_error *error) {
    struct fv_error remark = {0};
    enum fv_status status = measure(work, image, mask, result, &remark);
    if (status == FV_ERROR_UNSUPPORTED && !work->options->stages.measure) {
        result->reason = plain_reason(work, result->input, remark.message); /* the mask is what was asked for */
    } else if (status != FV_OK) {
        return fv_error_set(error, status, "%s", remark.message);
    }
    if (!work->options->stages.segment) {
        return FV_OK;
    }
    status = write_mask(work, result->input, image, mask, error);
    if (status == FV_OK) {
        status = write_overlay(work, result->input, FOVEA_FOLDER_OVERLAYS, fovea_overlay_blend, image, mask, error);
    }
    if (status == FV_OK) {
        status = write_overlay(work, result->input, FOVEA_FOLDER_CONTOURS, fovea_overlay_contour, image, mask, error);
    }
    return status;
}

/* All stages; *has_mask tells whether `mask` was filled. */
static enum fv_status run_stages(const struct fovea_work *work, const struct fovea_image *image, uint8_t *mask,
                                 bool *has_mask, struct fovea_result *result, struct fv_error *error) {
    const struct fovea_stages *stages = &work->options->stages;
    enum fv_status status = FV_OK;
    if (stages->measure && image->width != image->height) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: %u x %u pixels: one field of view cannot scale both sides", result->input->name,
                            image->width, image->height);
    }
    if (work->grader != NULL) {
        status = fovea_grader_run(work->grader, result->input->name, image, &result->grade, error);
        result->graded = status == FV_OK;
        if (status != FV_OK || result->grade.quality == FOVEA_UNGRADABLE) {
            result->state = FOVEA_STATE_UNGRADABLE;
            return status;
        }
    }
    if (!stages->segment && !stages->masks) {
        return FV_OK;
    }
    status =
        stages->masks ? take_mask(result->input, image, mask, error) : segment(work, result->input, image, mask, error);
    *has_mask = status == FV_OK;
    return status != FV_OK ? status : finish(work, image, mask, result, error);
}

/* Works on the decoded image. */
static enum fv_status run_image(const struct fovea_work *work, const struct fovea_image *image,
                                struct fovea_result *result, struct fv_error *error) {
    result->width = image->width;
    result->height = image->height;
    uint8_t *mask = fv_allocate(image->height, image->width);
    if (mask == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", result->input->name);
    }
    bool has_mask = false;
    enum fv_status status = run_stages(work, image, mask, &has_mask, result, error);
    if (status == FV_OK) {
        status =
            fovea_thumbnail_make(image, has_mask ? mask : NULL, &result->thumbnail, &result->thumbnail_size, error);
    }
    fv_release(mask);
    return status;
}

void fovea_work_on_image(const struct fovea_work *work, const struct fovea_input *input, struct fovea_result *result) {
    *result = (struct fovea_result){.input = input, .state = FOVEA_STATE_OK};
    struct fv_error error = {0};
    enum fv_status status;
    bool own = work->options->stages.segment && lies_in_output(work, input);
    if (own) {
        status = fv_error_set(&error, FV_ERROR_ARGUMENT,
                              "%s: lies in the output folder, where results would replace it", input->name);
    } else {
        struct fovea_image image;
        status = fovea_image_read_grey(input->path, &image, &error);
        if (status == FV_OK) {
            status = run_image(work, &image, result, &error);
            fovea_image_release(&image);
        }
    }
    if (status != FV_OK) {
        fv_release(result->reason);
        result->reason = plain_reason(work, input, error.message);
        result->state = FOVEA_STATE_FAILED;
        result->measured = false;
    }
    if (work->options->stages.segment && !own && result->state != FOVEA_STATE_OK) {
        remove_pictures(work, input);
    }
}
