#include <string.h>

#include "doctor/doctor.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "phantom/phantom.h"
#include "pipeline/grade.h"
#include "pipeline/models.h"
#include "pipeline/progress.h"
#include "pipeline/segment.h"

enum { PHANTOM_SIDE = 320, PHANTOM_SEED = 7 };
static const double LEAST_DICE = 0.8;

/* What a model made of a phantom. */
struct outcome {
    struct fovea_grade grade;
    uint8_t *labels; /* of a segmenter; owned */
    size_t faz_class;
    double seconds;
};

static enum fv_status grade(const struct fovea_model *model, struct fv_threads *threads,
                            const struct fovea_phantom *phantom, struct outcome *outcome, struct fv_error *error) {
    struct fovea_grader *grader = NULL;
    const struct fovea_planning planning = {0};
    enum fv_status status = fovea_grader_create(model->file, threads, &planning, &grader, error);
    const double start = fovea_progress_clock();
    if (status == FV_OK) {
        status = fovea_grader_run(grader, "phantom", &phantom->image, &outcome->grade, error);
    }
    outcome->seconds = fovea_progress_clock() - start;
    fovea_grader_destroy(grader);
    return status;
}

static enum fv_status segment(const struct fovea_model *model, struct fv_threads *threads,
                              const struct fovea_phantom *phantom, struct outcome *outcome, struct fv_error *error) {
    struct fovea_segmenter *segmenter = NULL;
    const struct fovea_segmenter_options options = {.threads = threads};
    const struct fovea_image *image = &phantom->image;
    enum fv_status status = fovea_segmenter_create(model->file, &options, &segmenter, error);
    const double start = fovea_progress_clock();
    if (status == FV_OK) {
        struct fovea_planes planes = {fovea_segmenter_channels(segmenter), image->width, image->height, 8, {NULL}};
        for (size_t c = 0; c < planes.count; c++) {
            planes.samples[c] = image->pixels.u8;
        }
        outcome->faz_class = fovea_segmenter_faz_class(segmenter);
        outcome->labels = fv_allocate(image->height, image->width);
        status = outcome->labels != NULL
                     ? fovea_segmenter_run(segmenter, "phantom", &planes, outcome->labels, NULL, error)
                     : fv_error_set(error, FV_ERROR_MEMORY, "out of memory");
    }
    outcome->seconds = fovea_progress_clock() - start;
    fovea_segmenter_destroy(segmenter);
    return status;
}

static enum fv_status run(const struct fovea_model *model, size_t count, const struct fovea_phantom *phantom,
                          struct outcome *outcome, struct fv_error *error) {
    struct fv_threads *threads = NULL;
    enum fv_status status = fv_threads_create(count, &threads, error);
    if (status == FV_OK) {
        status = model->task == FOVEA_TASK_QUALITY ? grade(model, threads, phantom, outcome, error)
                                                   : segment(model, threads, phantom, outcome, error);
    }
    fv_threads_destroy(threads);
    return status;
}

static bool same_bits(const struct fovea_model *model, const struct fovea_phantom *phantom, const struct outcome *one,
                      const struct outcome *all) {
    if (model->task == FOVEA_TASK_QUALITY) {
        return memcmp(one->grade.probability, all->grade.probability, sizeof one->grade.probability) == 0;
    }
    return memcmp(one->labels, all->labels, (size_t)phantom->image.width * phantom->image.height) == 0;
}

/* 2 |A and B| / (|A| + |B|) of the outlined FAZ and the phantom's; 0 if both are empty. */
static double dice(const struct fovea_phantom *phantom, const struct outcome *outcome) {
    size_t both = 0, sum = 0;
    for (size_t i = 0; i < (size_t)phantom->image.width * phantom->image.height; i++) {
        const bool outlined = outcome->labels[i] == outcome->faz_class, truth = phantom->mask.pixels.u8[i] != 0;
        both += outlined && truth;
        sum += (size_t)outlined + (size_t)truth;
    }
    return sum > 0 ? 2 * (double)both / (double)sum : 0;
}

static void tell(struct fovea_doctor *doctor, const struct fovea_models *models, const struct fovea_model *model,
                 const struct fovea_phantom *phantom, const struct outcome *outcome) {
    if (model->task == FOVEA_TASK_QUALITY) {
        fovea_doctor_ok("model %s: grades a phantom %s, %.2f s", model->file_name,
                        fovea_quality_names[outcome->grade.quality], outcome->seconds);
        return;
    }
    const double overlap = dice(phantom, outcome);
    if (models->shipped && overlap < LEAST_DICE) {
        fovea_doctor_fail(doctor,
                          "model %s: the FAZ of a phantom is outlined with a Dice of %.3f, expected at least %.1f",
                          model->file_name, overlap, LEAST_DICE);
        return;
    }
    fovea_doctor_ok("model %s: outlines the FAZ of a phantom, Dice %.3f, %.2f s for one view of it", model->file_name,
                    overlap, outcome->seconds);
}

/* A phantom of a field and layer that the model serves; other fields than 3 and 6 mm are shown that of 3 mm. */
static struct fovea_phantom_request request_for(const struct fovea_model *model) {
    struct fovea_phantom_request request = {.seed = PHANTOM_SEED,
                                            .side = PHANTOM_SIDE,
                                            .field_mm = 3,
                                            .layer = FOVEA_PHANTOM_SUPERFICIAL,
                                            .grade = FOVEA_PHANTOM_OUTSTANDING};
    if (fovea_model_field(model, 0) == 6) {
        request.field_mm = 6;
    }
    if (!model->layers[FOVEA_LAYER_SUPERFICIAL]) {
        request.layer = FOVEA_PHANTOM_DEEP;
    }
    return request;
}

static void check_model(struct fovea_doctor *doctor, const struct fovea_models *models,
                        const struct fovea_model *model) {
    struct fv_error error = {0};
    struct fovea_phantom phantom = {0};
    struct outcome one = {0}, all = {0};
    const struct fovea_phantom_request request = request_for(model);
    enum fv_status status = fovea_phantom_make(&request, &phantom, &error);
    status = status == FV_OK ? run(model, 1, &phantom, &one, &error) : status;
    status = status == FV_OK ? run(model, 0, &phantom, &all, &error) : status;
    if (status != FV_OK) {
        fovea_doctor_fail(doctor, "model %s: %s", model->file_name, error.message);
    } else if (!same_bits(model, &phantom, &one, &all)) {
        fovea_doctor_fail(doctor, "model %s: one thread and all give different bits", model->file_name);
    } else {
        tell(doctor, models, model, &phantom, &all);
    }
    fv_release(one.labels);
    fv_release(all.labels);
    fovea_phantom_release(&phantom);
}

void fovea_doctor_models(struct fovea_doctor *doctor) {
    struct fv_error error = {0};
    struct fovea_models models = {0};
    if (fovea_models_open(doctor->models, &models, &error) != FV_OK) {
        fovea_doctor_fail(doctor, "models: %s", error.message);
        return;
    }
    for (size_t i = 0; i < models.count; i++) {
        check_model(doctor, &models, &models.items[i]);
    }
    if (models.shipped) {
        fovea_doctor_note("these are the small demo models that come with fovea; give your own with --models");
    }
    fovea_models_close(&models);
}
