#include "pipeline/grade.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "fovea/memory.h"
#include "fovea/nets.h"
#include "fovea/session.h"
#include "image/normalise.h"
#include "pipeline/nnunet.h"
#include "pipeline/preparation.h"
#include "pipeline/readiness.h"

enum { CHANNELS_MAX = FOVEA_PLANES_MAX };

const char *const fovea_quality_names[FOVEA_QUALITY_COUNT] = {"ungradable", "gradable", "outstanding"};

struct fovea_grader {
    const struct fv_model *model;
    struct fv_session *session;
    uint32_t size;
    enum fovea_filter filter;
    uint32_t channels;
    bool per_image; /* z-score of each image instead of fixed numbers */
    float mean[CHANNELS_MAX], deviation[CHANNELS_MAX];
    float *input; /* channels x size x size */
};

static enum fv_status check_classes(const struct fv_model *model, struct fv_error *error) {
    long count = fv_model_array_length(model, "fovea.classes");
    bool fits = count == FOVEA_QUALITY_COUNT;
    for (size_t k = 0; fits && k < FOVEA_QUALITY_COUNT; k++) {
        const char *name = "";
        fits = fv_model_array_string(model, "fovea.classes", k, &name) && strcmp(name, fovea_quality_names[k]) == 0;
    }
    return fits ? FV_OK
                : fv_error_set(error, FV_ERROR_MODEL,
                               "%s: fovea.classes: expected ungradable, gradable, outstanding in this order",
                               fv_model_path(model));
}

/* Makes what the last layer takes the graph's result, and describes the layer. */
static enum fv_status cut_head(struct fv_graph *graph, struct fovea_grader_head *head, size_t *outputs,
                               struct fv_error *error) {
    struct fv_head found;
    enum fv_status status = fv_graph_head(graph, &found, error);
    status = status != FV_OK ? status : fv_graph_choose(graph, found.input_stage, NULL, error);
    if (status == FV_OK) {
        *head = (struct fovea_grader_head){found.features, found.weight, found.bias};
        *outputs = found.outputs;
    }
    return status;
}

/* Without `head` the whole net is planned, else what comes before its last layer. */
static enum fv_status plan(struct fovea_grader *grader, struct fv_threads *threads,
                           const struct fovea_planning *planning, struct fovea_grader_head *head,
                           struct fv_error *error) {
    struct fv_net_options options = {grader->size, grader->size, 0};
    struct fv_graph *graph;
    enum fv_status status = fv_net_build(grader->model, &options, &graph, error);
    if (status != FV_OK) {
        return status;
    }
    size_t values = 0;
    status = head != NULL ? cut_head(graph, head, &values, error) : FV_OK;
    status = status != FV_OK
                 ? status
                 : fovea_session_create(grader->model, graph, &(struct fv_session_options){.threads = threads},
                                        planning, &grader->session, error);
    fv_graph_destroy(graph);
    if (status != FV_OK) {
        return status;
    }
    struct fv_shape input = fv_session_input_shape(grader->session), output = fv_session_output_shape(grader->session);
    values = head != NULL ? values : output.channels * output.height * output.width;
    if (values != FOVEA_QUALITY_COUNT || input.channels > CHANNELS_MAX) {
        return fv_error_set(error, FV_ERROR_MODEL,
                            "%s: the net takes %zu channels and gives %zu values; a grader takes up to %d and gives %d",
                            fv_model_path(grader->model), input.channels, values, CHANNELS_MAX, FOVEA_QUALITY_COUNT);
    }
    grader->channels = (uint32_t)input.channels;
    grader->input = fv_allocate((size_t)grader->size * grader->size, grader->channels * sizeof *grader->input);
    return grader->input != NULL
               ? FV_OK
               : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", fv_model_path(grader->model));
}

/* One float for each channel, or one for all. */
static enum fv_status read_channels(const struct fovea_grader *grader, const char *key, float *values,
                                    struct fv_error *error) {
    long count = fv_model_array_length(grader->model, key);
    for (uint32_t c = 0; c < grader->channels; c++) {
        double value;
        if ((count != 1 && count != (long)grader->channels) ||
            !fv_model_array_number(grader->model, key, count == 1 ? 0 : c, &value) || !isfinite(value)) {
            return fv_error_set(error, FV_ERROR_MODEL, "%s: %s: expected a number for each of %u channels",
                                fv_model_path(grader->model), key, grader->channels);
        }
        values[c] = (float)value;
    }
    return FV_OK;
}

static enum fv_status read_normalisation(struct fovea_grader *grader, struct fv_error *error) {
    const char *word;
    enum fv_status status = fv_model_require_string(grader->model, "fovea.normalization", &word, error);
    if (status != FV_OK) {
        return status;
    }
    grader->per_image = strcmp(word, "zscore") == 0;
    if (grader->per_image) {
        return FV_OK;
    }
    if (strcmp(word, "fixed") != 0) {
        return fv_error_set(error, FV_ERROR_MODEL, "%s: fovea.normalization: expected fixed or zscore, found '%s'",
                            fv_model_path(grader->model), word);
    }
    status = read_channels(grader, "fovea.mean", grader->mean, error);
    return status != FV_OK ? status : read_channels(grader, "fovea.std", grader->deviation, error);
}

static enum fv_status create(const struct fv_model *model, struct fv_threads *threads,
                             const struct fovea_planning *planning, struct fovea_grader **grader,
                             struct fovea_grader_head *head, struct fv_error *error) {
    *grader = NULL;
    struct fovea_grader *made = fv_allocate_zero(1, sizeof *made);
    if (made == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", fv_model_path(model));
    }
    made->model = model;
    enum fv_status status = fovea_model_check(model, false, error);
    status = status != FV_OK ? status : check_classes(model, error);
    status = status != FV_OK ? status : fovea_read_size(model, true, &made->size, &made->filter, error);
    status = status != FV_OK ? status : plan(made, threads, planning, head, error);
    status = status != FV_OK ? status : read_normalisation(made, error);
    if (status != FV_OK) {
        fovea_grader_destroy(made);
        return status;
    }
    *grader = made;
    return FV_OK;
}

enum fv_status fovea_grader_create(const struct fv_model *model, struct fv_threads *threads,
                                   const struct fovea_planning *planning, struct fovea_grader **grader,
                                   struct fv_error *error) {
    return create(model, threads, planning, grader, NULL, error);
}

enum fv_status fovea_features_create(const struct fv_model *model, struct fv_threads *threads,
                                     struct fovea_grader **grader, struct fovea_grader_head *head,
                                     struct fv_error *error) {
    return create(model, threads, &(struct fovea_planning){0}, grader, head, error);
}

void fovea_grader_destroy(struct fovea_grader *grader) {
    if (grader == NULL) {
        return;
    }
    if (grader->session != NULL) {
        fv_session_destroy(grader->session);
    }
    fv_release(grader->input);
    fv_release(grader);
}

static enum fv_status prepare(struct fovea_grader *grader, const struct fovea_image *image, struct fv_error *error) {
    struct fovea_image resized;
    enum fv_status status = fovea_resize(image, grader->size, grader->size, grader->filter, &resized, error);
    if (status != FV_OK) {
        return status;
    }
    if (grader->per_image) {
        struct fovea_planes planes = {
            .count = grader->channels, .width = grader->size, .height = grader->size, .bits = 8};
        static const bool masked[FOVEA_PLANES_MAX];
        for (uint32_t c = 0; c < grader->channels; c++) {
            planes.samples[c] = resized.pixels.u8;
        }
        struct fovea_box all = {0, 0, grader->size, grader->size};
        fovea_nnunet_normalise(&planes, &all, masked, grader->input);
    } else {
        status = fovea_normalise(&resized, grader->channels, grader->mean, grader->deviation, grader->input, error);
    }
    fovea_image_release(&resized);
    return status;
}

/* The greatest logit and the softmax of all. */
static void decide(const float *logits, struct fovea_grade *grade) {
    size_t best = 0;
    for (size_t k = 1; k < FOVEA_QUALITY_COUNT; k++) {
        best = logits[k] > logits[best] ? k : best;
    }
    double sum = 0;
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
        grade->probability[k] = exp((double)logits[k] - (double)logits[best]);
        sum += grade->probability[k];
    }
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
        grade->probability[k] /= sum;
    }
    grade->quality = (enum fovea_quality)best;
}

/* Runs the net on `image`; `output` holds as many values as it gives. */
static enum fv_status run_net(struct fovea_grader *grader, const char *name, const struct fovea_image *image,
                              float *output, struct fv_error *error) {
    if (image->width != image->height) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: %u x %u pixels; only square images are graded", name,
                            image->width, image->height);
    }
    if (image->channels != 1 && (image->channels != grader->channels || grader->per_image)) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: an image of %u channels; this grader takes %s", name,
                            image->channels, grader->per_image ? "grey ones" : "another number");
    }
    enum fv_status status = prepare(grader, image, error);
    if (status == FV_OK) {
        fv_session_run(grader->session, grader->input, output);
    }
    return status;
}

enum fv_status fovea_grader_run(struct fovea_grader *grader, const char *name, const struct fovea_image *image,
                                struct fovea_grade *grade, struct fv_error *error) {
    float logits[FOVEA_QUALITY_COUNT];
    enum fv_status status = run_net(grader, name, image, logits, error);
    if (status == FV_OK) {
        decide(logits, grade);
    }
    return status;
}

enum fv_status fovea_features_run(struct fovea_grader *grader, const char *name, const struct fovea_image *image,
                                  float *features, struct fv_error *error) {
    return run_net(grader, name, image, features, error);
}
