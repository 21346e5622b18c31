#include "pipeline/image_stages.h"

#include <string.h>

#include "base/digest.h"
#include "fovea/memory.h"
#include "image/image.h"
#include "pipeline/outputs.h"
#include "pipeline/scan_check.h"
#include "pipeline/thumbnail.h"

/* An image on its way through the stages. */
struct fovea_image_job {
    const struct fovea_work *work;
    struct fovea_result *result;
    struct fovea_staged staged; /* where its files go */
    struct fovea_image image;
    struct fovea_segmentation segmentation;
    bool has_mask;              /* the mask was filled */
    struct fovea_planes planes; /* of the image, for the segmenter */
    bool own;                   /* it lies where results would replace it */
    const char *ungraded;       /* why a deep image has no grade; NULL: it has, or needs none */
    struct fv_error error;
};

/* Makes room for labels and describes what is to be segmented. */
static enum fv_status prepare_segmentation(struct fovea_image_job *job, struct fovea_segment_task *task) {
    const struct fovea_work *work = job->work;
    const struct fovea_image *image = &job->image;
    struct fovea_segmentation *segmentation = &job->segmentation;
    job->planes =
        (struct fovea_planes){fovea_segmenter_channels(work->segmenter), image->width, image->height, 8, {NULL}};
    for (size_t c = 0; c < job->planes.count; c++) {
        job->planes.samples[c] = image->pixels.u8;
    }
    size_t pixels = (size_t)image->width * image->height;
    segmentation->classes = fovea_segmenter_classes(work->segmenter);
    segmentation->faz_class = fovea_segmenter_faz_class(work->segmenter);
    segmentation->labels = fv_allocate(pixels, 1);
    bool complete = segmentation->labels != NULL;
    segmentation->probability = fv_allocate(pixels, segmentation->classes * sizeof *segmentation->probability);
    segmentation->save_probability = work->options->save_probability;
    complete = complete && segmentation->probability != NULL;
    *task = (struct fovea_segment_task){.name = job->result->input->name,
                                        .planes = &job->planes,
                                        .labels = segmentation->labels,
                                        .probability = segmentation->probability};
    return complete ? FV_OK : fv_error_set(&job->error, FV_ERROR_MEMORY, "%s: out of memory", task->name);
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

/* The image of the mask `mask`: the one whose output would have the same name. It fails if there is none. */
static enum fv_status read_image_of_mask(const struct fovea_image *mask, struct fovea_result *result,
                                         struct fovea_image *image, struct fv_error *error) {
    const struct fovea_input *input = result->input;
    if (input->image == NULL) {
        return fv_error_set(error, FV_ERROR_FILE, "%s: no image of that name, whatever its suffix, in --images",
                            input->name);
    }
    struct fv_error reason = {0};
    enum fv_status status = fovea_file_digest(input->image, result->image_digest, &reason);
    status = status == FV_OK ? fovea_image_read_grey(input->image, image, &reason) : status;
    if (status != FV_OK) {
        const size_t length = strlen(input->image);
        const bool path = strncmp(reason.message, input->image, length) == 0 && reason.message[length] == ':';
        fv_error_set(error, status, "%s: its image%s%s", input->name, path ? "" : ": ",
                     path ? reason.message + length : reason.message);
    } else if (image->width != mask->width || image->height != mask->height) {
        status = fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: the mask has %u x %u pixels, its image %u x %u",
                              input->name, mask->width, mask->height, image->width, image->height);
        fovea_image_release(image);
    }
    return status;
}

/* Maps the vessels of `image`, and draws the thumbnail of the map. An image in which vessels cannot be mapped, for its
 * size, has none, and a remark. */
static enum fv_status map_vessels(const struct fovea_work *work, const struct fovea_image *image,
                                  struct fovea_vessels *vessels, struct fovea_result *result, struct fv_error *error) {
    struct fv_error remark = {0};
    enum fv_status status = fovea_vessels_find(result->input->name, image->pixels.u8, image->width, image->height,
                                               result->scan.field_x_mm / image->width, vessels, &remark);
    if (status == FV_ERROR_UNSUPPORTED) {
        result->reason = plain_reason(work, result->input, remark.message);
        return FV_OK;
    }
    struct fovea_image picture = {0};
    if (status != FV_OK) {
        return fv_error_set(error, status, "%s", remark.message);
    }
    status = fovea_outputs_draw_vessels(vessels, &picture, error);
    if (status == FV_OK) {
        status = fovea_thumbnail_make(&picture, NULL, &result->vessel_thumbnail, &result->vessel_thumbnail_size, error);
        fovea_image_release(&picture);
    }
    return status;
}

/* The vessels of the image, or of the image that belongs to a mask. */
static enum fv_status find_vessels(const struct fovea_work *work, const struct fovea_image *image,
                                   struct fovea_segmentation *segmentation, struct fovea_result *result,
                                   struct fv_error *error) {
    const struct fovea_scan *scan = &result->scan;
    const bool square = fovea_pixels_are_square(scan->field_x_mm / image->width,
                                                scan->field_y_mm / image->height); /* else told later */
    if (!square || (work->options->stages.masks && work->images == NULL)) {
        return FV_OK;
    }
    if (!work->options->stages.masks) {
        return map_vessels(work, image, &segmentation->vessels, result, error);
    }
    struct fovea_image own;
    enum fv_status status = read_image_of_mask(image, result, &own, error);
    if (status == FV_OK) {
        status = map_vessels(work, &own, &segmentation->vessels, result, error);
        fovea_image_release(&own);
    }
    return status;
}

static enum fv_status measure(const struct fovea_work *work, const struct fovea_image *image,
                              const struct fovea_segmentation *segmentation, struct fovea_result *result,
                              struct fv_error *error) {
    const size_t plane = segmentation->faz_class * (size_t)image->width * image->height;
    const struct fovea_scan *scan = &result->scan;
    const struct fovea_measure_request request = {
        .name = result->input->name,
        .mask = segmentation->mask,
        .width = image->width,
        .height = image->height,
        .field_mm = scan->field_x_mm,
        .field_height_mm = scan->field_y_mm,
        .probability = segmentation->probability != NULL ? segmentation->probability + plane : NULL,
        .vessels = segmentation->vessels.map != NULL ? &segmentation->vessels : NULL,
        .eye = scan->eye,
        .has_layer = scan->has_layer,
        .layer = scan->layer,
        .axial_length_mm = scan->axial_length_mm,
        .reference_axial_length_mm = work->options->reference_axial_length_mm,
    };
    enum fv_status status = fovea_measure(&request, &result->measures, error);
    result->measured = status == FV_OK;
    if (result->measured && result->measures.faz_pixels == 0) {
        fv_release(result->reason);
        result->reason = fv_duplicate("no FAZ was found");
    }
    return status;
}

/* From the mask on: measure, write, draw. */
static enum fv_status finish(struct fovea_image_job *job) {
    const struct fovea_work *work = job->work;
    struct fovea_result *result = job->result;
    struct fv_error remark = {0};
    enum fv_status status = find_vessels(work, &job->image, &job->segmentation, result, &job->error);
    if (status != FV_OK) {
        return status;
    }
    status = measure(work, &job->image, &job->segmentation, result, &remark);
    if (status == FV_ERROR_UNSUPPORTED && !work->options->stages.measure) {
        result->reason = plain_reason(work, result->input, remark.message); /* the mask is what was asked for */
    } else if (status != FV_OK) {
        return fv_error_set(&job->error, status, "%s", remark.message);
    }
    status = FV_OK;
    if (work->options->stages.segment) {
        status = fovea_outputs_write(&job->staged, &job->image, &job->segmentation, &result->files, &job->error);
    } else if (job->segmentation.vessels.map != NULL) {
        status = fovea_outputs_write_vessels(&job->staged, &job->segmentation.vessels, &result->files, &job->error);
    }
    result->unwritten = status == FV_ERROR_FILE ? status : FV_OK;
    return status;
}

/* Grades the image, unless that was done for a deep one. */
static enum fv_status grade(struct fovea_image_job *job) {
    const struct fovea_work *work = job->work;
    struct fovea_result *result = job->result;
    if (!fovea_partners_recall(work->partners, result)) {
        fovea_progress_lap(work->progress, FOVEA_PACE_REST, 0);
        enum fv_status status =
            fovea_grader_run(work->grader, result->input->name, &job->image, &result->grade, &job->error);
        fovea_progress_lap(work->progress, FOVEA_PACE_GRADE, 1);
        if (status != FV_OK) {
            return status;
        }
        result->graded = true;
        fovea_partners_note(work->partners, result);
    }
    return FV_OK;
}

/* A deep image takes the grade of its partner; or `ungraded` says why it does not. */
static void take_grade(struct fovea_image_job *job) {
    struct fovea_result *result = job->result;
    job->ungraded = result->unpaired;
    if (result->input->partner == 0 || job->work->partners == NULL) {
        return;
    }
    const struct fovea_partner_grade *taken = fovea_partners_grade(job->work, result->input->partner - 1);
    result->graded = taken->status == FV_OK;
    result->grade = taken->grade;
    memcpy(result->partner_digest, taken->digest, sizeof result->partner_digest);
    if (!result->graded) {
        job->ungraded = "its superficial partner could not be graded";
        result->passing =
            taken->status == FV_ERROR_MEMORY || (taken->status == FV_ERROR_FILE && taken->digest[0] != '\0');
    }
}

/* Whether a deep image may go on without a grade. */
static bool is_grade_needed(const struct fovea_work *work) {
    return work->options->require_grade || !work->options->stages.segment;
}

/* Refuses a deep image without a grade where one is needed. */
static enum fv_status check_ungraded(struct fovea_image_job *job) {
    const struct fovea_result *result = job->result;
    if (!is_grade_needed(job->work)) {
        return FV_OK;
    }
    return fv_error_set(&job->error, FV_ERROR_UNSUPPORTED,
                        "%s: a deep image (%s), which takes the grade of its superficial one: %s", result->input->name,
                        fovea_source_names[result->scan.layer_source],
                        job->ungraded != NULL ? job->ungraded : "there is none");
}

/* The stages before the mask; *wanted tells whether there is to be one. */
static enum fv_status run_first_stages(struct fovea_image_job *job, bool *wanted) {
    const struct fovea_work *work = job->work;
    const struct fovea_stages *stages = &work->options->stages;
    const struct fovea_image *image = &job->image;
    struct fovea_result *result = job->result;
    *wanted = false;
    result->width = image->width;
    result->height = image->height;
    enum fv_status status = fovea_scan_check(work, result->input->name, &result->scan, image, &job->error);
    if (status != FV_OK) {
        return status;
    }
    if (fovea_scan_is_graded(work, &result->scan)) {
        status = grade(job);
    } else if (stages->grade && !result->graded) {
        status = check_ungraded(job);
    }
    if (status != FV_OK) {
        return status;
    }
    if (result->graded && result->grade.quality == FOVEA_UNGRADABLE) {
        result->state = FOVEA_STATE_UNGRADABLE;
        return FV_OK;
    }
    *wanted = stages->segment || stages->masks;
    return FV_OK;
}

/* Reads the image and does the stages before the mask. */
static enum fv_status begin(struct fovea_image_job *job, bool *wanted) {
    const struct fovea_work *work = job->work;
    const struct fovea_input *input = job->result->input;
    *wanted = false;
    enum fv_status status = fovea_file_digest(input->path, job->result->digest, &job->error);
    if (status == FV_OK && work->options->stages.grade) {
        take_grade(job);
    }
    if (status == FV_OK && job->own) {
        status = fv_error_set(&job->error, FV_ERROR_ARGUMENT,
                              "%s: lies in the output folder, where results would replace it", input->name);
    }
    status =
        status != FV_OK ? status : fovea_image_read_grey_page(input->path, input->scan.page, &job->image, &job->error);
    job->result->remarks = fovea_scan_remarks(&input->scan, &job->image, is_grade_needed(work) ? NULL : job->ungraded);
    status = status != FV_OK ? status : run_first_stages(job, wanted);
    if (status != FV_OK || !*wanted) {
        return status;
    }
    job->segmentation.mask = fv_allocate(job->image.height, job->image.width);
    return job->segmentation.mask != NULL
               ? FV_OK
               : fv_error_set(&job->error, FV_ERROR_MEMORY, "%s: out of memory", input->name);
}

/* The stages after the mask, and the thumbnail. */
static enum fv_status run_last_stages(struct fovea_image_job *job) {
    struct fovea_result *result = job->result;
    enum fv_status status = job->has_mask ? finish(job) : FV_OK;
    return status != FV_OK ? status
                           : fovea_thumbnail_make(&job->image, job->has_mask ? job->segmentation.mask : NULL,
                                                  &result->thumbnail, &result->thumbnail_size, &job->error);
}

static void release(struct fovea_image_job *job) {
    fovea_segmentation_release(&job->segmentation);
    fovea_image_release(&job->image);
    fv_release(job);
}

/* Settles the result of a job that came to `status`, and frees it. */
static void close_job(struct fovea_image_job *job, enum fv_status status) {
    const struct fovea_work *work = job->work;
    struct fovea_result *result = job->result;
    status = status != FV_OK ? status : run_last_stages(job);
    if (status != FV_OK) {
        fv_release(result->reason);
        result->reason = plain_reason(work, result->input, job->error.message);
        result->state = FOVEA_STATE_FAILED;
        result->passing = result->passing || status == FV_ERROR_MEMORY || status == FV_ERROR_FILE;
        result->measured = false;
        result->files = 0;
        fovea_outputs_drop(&job->staged);
    }
    release(job);
}

struct fovea_image_job *fovea_image_begin(const struct fovea_work *work, size_t number, const struct fovea_input *input,
                                          struct fovea_segment_task *task, struct fovea_result *result) {
    const struct fovea_input *partner = fovea_partners_input(work->partners, input);
    *result = (struct fovea_result){.input = input,
                                    .state = FOVEA_STATE_OK,
                                    .scan = input->scan,
                                    .instruction_set = work->instruction_set,
                                    .grade_partner = partner != NULL ? partner->name : NULL,
                                    .partner_scan = partner != NULL ? &partner->scan : NULL,
                                    .unpaired = input->unpaired};
    struct fovea_image_job *job = fv_allocate_zero(1, sizeof *job);
    if (job == NULL) {
        result->state = FOVEA_STATE_FAILED;
        result->passing = true;
        result->reason = fv_duplicate("out of memory");
        return NULL;
    }
    job->work = work;
    job->result = result;
    job->staged = (struct fovea_staged){work->staging, number};
    job->own = (work->options->stages.segment || work->images != NULL) && fovea_outputs_contain(work->output, input);
    result->untouched = job->own;
    bool wanted;
    enum fv_status status = begin(job, &wanted);
    if (status == FV_OK && wanted && work->options->stages.masks) {
        status = take_mask(input, &job->image, job->segmentation.mask, &job->error);
        job->has_mask = status == FV_OK;
    } else if (status == FV_OK && wanted) {
        status = prepare_segmentation(job, task);
        if (status == FV_OK) {
            return job;
        }
    }
    close_job(job, status);
    return NULL;
}

void fovea_image_end(struct fovea_image_job *job, const struct fovea_segment_task *task) {
    struct fovea_segmentation *segmentation = &job->segmentation;
    job->has_mask = task->status == FV_OK;
    if (job->has_mask) {
        for (size_t i = 0; i < (size_t)job->image.width * job->image.height; i++) {
            segmentation->mask[i] = segmentation->labels[i] == segmentation->faz_class;
        }
    } else {
        job->error = task->error;
    }
    close_job(job, task->status);
}

void fovea_image_drop(struct fovea_image_job *job) {
    release(job);
}
