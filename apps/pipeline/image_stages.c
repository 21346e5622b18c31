#include "pipeline/image_stages.h"

#include <string.h>

#include "fovea/memory.h"
#include "image/image.h"
#include "pipeline/outputs.h"
#include "pipeline/thumbnail.h"

/* Segments the image; the mask is there already, to be filled. */
static enum fv_status segment(const struct fovea_work *work, const struct fovea_input *input,
                              const struct fovea_image *image, struct fovea_segmentation *segmentation,
                              struct fv_error *error) {
    struct fovea_planes planes = {fovea_segmenter_channels(work->segmenter), image->width, image->height, 8, {NULL}};
    for (size_t c = 0; c < planes.count; c++) {
        planes.samples[c] = image->pixels.u8;
    }
    size_t pixels = (size_t)image->width * image->height;
    segmentation->classes = fovea_segmenter_classes(work->segmenter);
    segmentation->faz_class = fovea_segmenter_faz_class(work->segmenter);
    segmentation->labels = fv_allocate(pixels, 1);
    bool complete = segmentation->labels != NULL;
    if (work->options->save_probability) {
        segmentation->probability = fv_allocate(pixels, segmentation->classes * sizeof *segmentation->probability);
        complete = complete && segmentation->probability != NULL;
    }
    if (!complete) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", input->name);
    }
    enum fv_status status = fovea_segmenter_run(work->segmenter, input->name, &planes, segmentation->labels,
                                                segmentation->probability, error);
    for (size_t i = 0; status == FV_OK && i < pixels; i++) {
        segmentation->mask[i] = segmentation->labels[i] == segmentation->faz_class;
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
static enum fv_status finish(const struct fovea_work *work, const struct fovea_image *image,
                             const struct fovea_segmentation *segmentation, struct fovea_result *result,
                             struct fv_error *error) {
    struct fv_error remark = {0};
    enum fv_status status = measure(work, image, segmentation->mask, result, &remark);
    if (status == FV_ERROR_UNSUPPORTED && !work->options->stages.measure) {
        result->reason = plain_reason(work, result->input, remark.message); /* the mask is what was asked for */
    } else if (status != FV_OK) {
        return fv_error_set(error, status, "%s", remark.message);
    }
    return work->options->stages.segment ? fovea_outputs_write(work->output, result->input, image, segmentation, error)
                                         : FV_OK;
}

/* All stages; *has_mask tells whether the mask was filled. */
static enum fv_status run_stages(const struct fovea_work *work, const struct fovea_image *image,
                                 struct fovea_segmentation *segmentation, bool *has_mask, struct fovea_result *result,
                                 struct fv_error *error) {
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
    status = stages->masks ? take_mask(result->input, image, segmentation->mask, error)
                           : segment(work, result->input, image, segmentation, error);
    *has_mask = status == FV_OK;
    return status != FV_OK ? status : finish(work, image, segmentation, result, error);
}

/* Works on the decoded image. */
static enum fv_status run_image(const struct fovea_work *work, const struct fovea_image *image,
                                struct fovea_result *result, struct fv_error *error) {
    result->width = image->width;
    result->height = image->height;
    struct fovea_segmentation segmentation = {.mask = fv_allocate(image->height, image->width)};
    if (segmentation.mask == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", result->input->name);
    }
    bool has_mask = false;
    enum fv_status status = run_stages(work, image, &segmentation, &has_mask, result, error);
    if (status == FV_OK) {
        status = fovea_thumbnail_make(image, has_mask ? segmentation.mask : NULL, &result->thumbnail,
                                      &result->thumbnail_size, error);
    }
    fovea_segmentation_release(&segmentation);
    return status;
}

void fovea_work_on_image(const struct fovea_work *work, const struct fovea_input *input, struct fovea_result *result) {
    *result = (struct fovea_result){.input = input, .state = FOVEA_STATE_OK};
    struct fv_error error = {0};
    enum fv_status status;
    bool own = work->options->stages.segment && fovea_outputs_contain(work->output, input);
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
        fovea_outputs_remove(work->output, input, FOVEA_FOLDER_MASKS);
    }
}
