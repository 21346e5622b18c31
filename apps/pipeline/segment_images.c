#include <string.h>

#include "fovea/memory.h"
#include "pipeline/nnunet.h"
#include "pipeline/segmenter.h"

/* An image on its way through the members. */
struct subject {
    struct fovea_image images[FOVEA_PLANES_MAX]; /* at the working size; empty: the image has it */
    struct fovea_planes planes;                  /* what is predicted: the image's, or those */
    struct fovea_box box;
    struct fovea_canvas canvas;
    float *probability; /* classes x box */
};

/* labels = the class of greatest probability inside `box`, 0 outside. */
static void label(const float *probability, size_t classes, const struct fovea_box *box, uint32_t width,
                  uint32_t height, uint8_t *labels) {
    memset(labels, 0, (size_t)width * height);
    size_t pixels = box->height * box->width;
    for (size_t y = 0; y < box->height; y++) {
        for (size_t x = 0; x < box->width; x++) {
            const float *at = probability + y * box->width + x;
            size_t best = 0;
            for (size_t k = 1; k < classes; k++) {
                best = at[k * pixels] > at[best * pixels] ? k : best;
            }
            labels[(box->top + y) * width + box->left + x] = (uint8_t)best;
        }
    }
}

/* plane = class `class` of the probabilities inside `box`, and outside of it what is certain there: background. */
static void spread(const float *probability, size_t class, const struct fovea_box *box, uint32_t width, uint32_t height,
                   float *plane) {
    for (size_t i = 0; i < (size_t)width * height; i++) {
        plane[i] = class == 0 ? 1.0f : 0.0f;
    }
    for (size_t y = 0; y < box->height; y++) {
        memcpy(plane + (box->top + y) * width + box->left, probability + (class * box->height + y) * box->width,
               box->width * sizeof *plane);
    }
}

static enum fv_status resize_planes(const struct fovea_segmenter *segmenter, const char *name,
                                    const struct fovea_planes *planes, struct subject *subject,
                                    struct fv_error *error) {
    if (planes->bits != 8) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: 16 bits; %s resizes its images and takes 8 bits", name,
                            fv_model_path(segmenter->model));
    }
    subject->planes = *planes;
    fovea_resize_shorter_side(planes->width, planes->height, segmenter->working_size, &subject->planes.width,
                              &subject->planes.height);
    for (size_t c = 0; c < planes->count; c++) {
        if (c > 0 && planes->samples[c] == planes->samples[0]) {
            subject->planes.samples[c] = subject->planes.samples[0];
            continue;
        }
        struct fovea_image plane;
        enum fv_status status = fovea_image_create(planes->width, planes->height, 1, 8, &plane, error);
        if (status == FV_OK) {
            memcpy(plane.pixels.u8, planes->samples[c], (size_t)planes->width * planes->height);
            status = fovea_resize(&plane, subject->planes.width, subject->planes.height, segmenter->filter,
                                  &subject->images[c], error);
            fovea_image_release(&plane);
        }
        if (status != FV_OK) {
            return status;
        }
        subject->planes.samples[c] = subject->images[c].pixels.u8;
    }
    return FV_OK;
}

/* Brings probabilities inside `box` of a working image to the size of the whole image. */
static enum fv_status enlarge(const struct fovea_segmenter *segmenter, const float *probability,
                              const struct fovea_box *box, const struct fovea_planes *working, uint32_t width,
                              uint32_t height, float *result, struct fv_error *error) {
    float *plane = fv_allocate((size_t)working->width * working->height, sizeof *plane);
    enum fv_status status = plane != NULL ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "resizing: out of memory");
    for (size_t k = 0; k < segmenter->classes && status == FV_OK; k++) {
        spread(probability, k, box, working->width, working->height, plane);
        status = fovea_resize_plane(plane, working->width, working->height, result + k * (size_t)width * height, width,
                                    height, error);
    }
    fv_release(plane);
    return status;
}

/* Sets planes: those of the image, or others at the working size. */
static enum fv_status choose_planes(const struct fovea_segmenter *segmenter, const struct fovea_segment_task *task,
                                    struct subject *subject, struct fv_error *error) {
    const struct fovea_planes *planes = task->planes;
    uint32_t shorter = planes->width < planes->height ? planes->width : planes->height;
    if (planes->count != segmenter->channels) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: %zu channels; the model takes %zu", task->name,
                            planes->count, segmenter->channels);
    }
    if (segmenter->working_size != 0 && shorter != segmenter->working_size) {
        return resize_planes(segmenter, task->name, planes, subject, error);
    }
    subject->planes = *planes;
    return FV_OK;
}

/* Crops, normalises and pads. */
static enum fv_status prepare(const struct fovea_segmenter *segmenter, const struct fovea_segment_task *task,
                              struct subject *subject, struct fv_error *error) {
    enum fv_status status = choose_planes(segmenter, task, subject, error);
    if (status != FV_OK) {
        return status;
    }
    if (!fovea_nnunet_crop(&subject->planes, &subject->box)) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: all pixels are zero; there is nothing to segment",
                            task->name);
    }
    size_t height = subject->box.height, width = subject->box.width, pixels = height * width;
    float *input = fv_allocate(pixels, segmenter->channels * sizeof(float));
    subject->probability = fv_allocate(pixels, segmenter->classes * sizeof(float));
    bool complete = input != NULL && subject->probability != NULL;
    if (complete) {
        fovea_nnunet_normalise(&subject->planes, &subject->box, segmenter->masked, input);
        complete = fovea_canvas_create(segmenter, input, height, width, &subject->canvas);
    }
    fv_release(input);
    return complete ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", task->name);
}

static bool is_resized(const struct subject *subject) {
    return subject->images[0].pixels.bytes != NULL;
}

/* From the probabilities at the working size to the labels and probabilities of the image. */
static enum fv_status finish_resized(const struct fovea_segmenter *segmenter, const struct subject *subject,
                                     const struct fovea_segment_task *task, struct fv_error *error) {
    uint32_t width = task->planes->width, height = task->planes->height;
    float *probability = task->probability, *own = NULL;
    if (probability == NULL) {
        probability = own = fv_allocate((size_t)width * height, segmenter->classes * sizeof *own);
        if (own == NULL) {
            return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", task->name);
        }
    }
    enum fv_status status =
        enlarge(segmenter, subject->probability, &subject->box, &subject->planes, width, height, probability, error);
    if (status == FV_OK) {
        const struct fovea_box all = {0, 0, height, width};
        label(probability, segmenter->classes, &all, width, height, task->labels);
    }
    fv_release(own);
    return status;
}

static enum fv_status finish(const struct fovea_segmenter *segmenter, const struct subject *subject,
                             const struct fovea_segment_task *task, struct fv_error *error) {
    fovea_segmenter_mean(segmenter, &subject->canvas, segmenter->members, subject->probability);
    if (is_resized(subject)) {
        return finish_resized(segmenter, subject, task, error);
    }
    uint32_t width = task->planes->width, height = task->planes->height;
    label(subject->probability, segmenter->classes, &subject->box, width, height, task->labels);
    for (size_t k = 0; task->probability != NULL && k < segmenter->classes; k++) {
        spread(subject->probability, k, &subject->box, width, height, task->probability + k * (size_t)width * height);
    }
    return FV_OK;
}

static void release(struct subject *subject) {
    for (size_t c = 0; c < FOVEA_PLANES_MAX; c++) {
        fovea_image_release(&subject->images[c]);
    }
    fovea_canvas_release(&subject->canvas);
    fv_release(subject->probability);
}

/* One member on all images that nothing is wrong with. */
static void predict_all(struct fovea_segmenter *segmenter, struct fovea_segment_task *tasks, size_t *count,
                        const struct subject *subjects, const struct fovea_segment_watch *watch) {
    for (size_t i = 0; i < *count; i++) {
        if (tasks[i].status == FV_OK) {
            tasks[i].status = fovea_segmenter_predict_member(
                segmenter, &subjects[i].canvas, watch, segmenter->loaded > 0, subjects[i].probability, &tasks[i].error);
        }
        if (watch != NULL && watch->hurry(watch->context)) {
            *count = 1;
        }
    }
}

/* Gives each of the tasks that nothing is wrong with this failure. */
static void fail_all(struct fovea_segment_task *tasks, size_t count, enum fv_status status,
                     const struct fv_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].status == FV_OK) {
            tasks[i].status = status;
            tasks[i].error = *error;
        }
    }
}

size_t fovea_segmenter_run_all(struct fovea_segmenter *segmenter, struct fovea_segment_task *tasks, size_t count,
                               const struct fovea_segment_watch *watch) {
    struct subject *subjects = fv_allocate_zero(count, sizeof *subjects);
    struct fv_error error = {0};
    if (subjects == NULL) {
        fail_all(tasks, count, fv_error_set(&error, FV_ERROR_MEMORY, "segmenting: out of memory"), &error);
        return count;
    }
    const size_t prepared = count;
    size_t passes = 0;
    for (size_t i = 0; i < count; i++) {
        tasks[i].status = prepare(segmenter, &tasks[i], &subjects[i], &tasks[i].error);
        passes += tasks[i].status == FV_OK ? subjects[i].canvas.tiles_down * subjects[i].canvas.tiles_across : 0;
    }
    if (watch != NULL) {
        watch->begin(watch->context, passes * fovea_segmenter_views(segmenter) * segmenter->members);
    }
    for (size_t member = 0; passes > 0 && member < segmenter->members; member++) {
        bool load = segmenter->session == NULL || segmenter->loaded != member;
        enum fv_status status = fovea_segmenter_load(segmenter, member, &error);
        if (status != FV_OK) {
            fail_all(tasks, count, status, &error);
            break;
        }
        if (load && watch != NULL) {
            watch->done(watch->context, FOVEA_SEGMENT_LOAD);
        }
        predict_all(segmenter, tasks, &count, subjects, watch);
    }
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].status == FV_OK) {
            tasks[i].status = finish(segmenter, &subjects[i], &tasks[i], &tasks[i].error);
        }
    }
    for (size_t i = 0; i < prepared; i++) {
        release(&subjects[i]);
    }
    fv_release(subjects);
    return count;
}

enum fv_status fovea_segmenter_run(struct fovea_segmenter *segmenter, const char *name,
                                   const struct fovea_planes *planes, uint8_t *labels, float *probability,
                                   struct fv_error *error) {
    struct fovea_segment_task task = {.name = name, .planes = planes, .labels = labels, .probability = probability};
    fovea_segmenter_run_all(segmenter, &task, 1, NULL);
    if (task.status != FV_OK && error != NULL) {
        *error = task.error;
    }
    return task.status;
}
