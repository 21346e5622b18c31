#include "pipeline/segment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fovea/memory.h"
#include "fovea/nets.h"
#include "pipeline/nnunet.h"
#include "pipeline/preparation.h"
#include "pipeline/readiness.h"
#include "pipeline/segmenter.h"

enum { PATCH_MAX = 4096, CLASSES_MAX = 255 };

static enum fv_status wrong_field(const struct fovea_segmenter *segmenter, const char *key, const char *expected,
                                  struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MODEL, "%s: %s: expected %s", fv_model_path(segmenter->model), key, expected);
}

static enum fv_status read_patch(struct fovea_segmenter *segmenter, struct fv_error *error) {
    int64_t sides[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        fv_model_array_integer(segmenter->model, "fovea.patch_size", i, &sides[i]);
        if (sides[i] < 1 || sides[i] > PATCH_MAX || fv_model_array_length(segmenter->model, "fovea.patch_size") != 2) {
            return wrong_field(segmenter, "fovea.patch_size", "height and width of a tile, 1 to 4096 pixels", error);
        }
    }
    segmenter->patch_height = (size_t)sides[0];
    segmenter->patch_width = (size_t)sides[1];
    segmenter->tile_step = 0.5; /* nnU-Net's */
    fv_model_number(segmenter->model, "fovea.tile_step", &segmenter->tile_step);
    if (!(segmenter->tile_step > 0.01 && segmenter->tile_step <= 1)) {
        return wrong_field(segmenter, "fovea.tile_step", "a share of the tile from 0.01 to 1", error);
    }
    return FV_OK;
}

static enum fv_status read_mirrors(struct fovea_segmenter *segmenter, bool mirror, struct fv_error *error) {
    long count = fv_model_array_length(segmenter->model, "fovea.mirror_axes");
    if (count < 0 && mirror) {
        return wrong_field(segmenter, "fovea.mirror_axes", "a list of axes", error);
    }
    bool axes[2] = {false, false};
    for (long i = 0; i < count; i++) {
        int64_t axis = -1;
        fv_model_array_integer(segmenter->model, "fovea.mirror_axes", (size_t)i, &axis);
        if (axis != 0 && axis != 1) {
            return wrong_field(segmenter, "fovea.mirror_axes", "axes 0 and 1", error);
        }
        axes[axis] = true;
    }
    segmenter->views_most = (axes[0] ? (size_t)2 : 1) * (axes[1] ? 2 : 1);
    segmenter->mirror_vertical = mirror && axes[0];
    segmenter->mirror_horizontal = mirror && axes[1];
    return FV_OK;
}

/* How each channel is normalised; needs the number of channels. */
static enum fv_status read_normalisation(struct fovea_segmenter *segmenter, struct fv_error *error) {
    const struct fv_model *model = segmenter->model;
    for (size_t c = 0; c < segmenter->channels; c++) {
        const char *scheme = "nonCT";
        fv_model_array_string(model, "fovea.normalization_schemes", c, &scheme);
        if (strcmp(scheme, "nonCT") != 0) {
            return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                                "%s: channel %zu is normalised as '%s'; only nonCT (z-score) is handled",
                                fv_model_path(model), c, scheme);
        }
        int64_t masked = -1;
        fv_model_array_integer(model, "fovea.use_mask_for_norm", c, &masked);
        if (masked != 0 && masked != 1) {
            return wrong_field(segmenter, "fovea.use_mask_for_norm", "0 or 1 for each channel", error);
        }
        segmenter->masked[c] = masked == 1;
    }
    /* The images have no spacing of their own but 1; only the last two axes lie in the image. */
    long axes = fv_model_array_length(model, "fovea.spacing");
    for (long i = axes > 2 ? axes - 2 : 0; i < axes; i++) {
        double spacing = 0;
        fv_model_array_number(model, "fovea.spacing", (size_t)i, &spacing);
        if (fabs(spacing - 1) > 1e-6) {
            return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                                "%s: planned for pixels of spacing %g; only spacing 1 is handled", fv_model_path(model),
                                spacing);
        }
    }
    return FV_OK;
}

static void find_faz(struct fovea_segmenter *segmenter) {
    segmenter->faz_class = 1;
    for (size_t k = 0; k < segmenter->classes; k++) {
        const char *name;
        if (fv_model_array_string(segmenter->model, "fovea.classes", k, &name) && strcasecmp(name, "FAZ") == 0) {
            segmenter->faz_class = k;
        }
    }
}

/* Plans the next member, which has number `member` in the model. */
static enum fv_status plan_member(struct fovea_segmenter *segmenter, size_t member,
                                  const struct fovea_segmenter_options *choice, struct fv_error *error) {
    struct fv_net_options options = {segmenter->patch_height, segmenter->patch_width, member};
    struct fv_graph *graph;
    enum fv_status status = fv_net_build(segmenter->model, &options, &graph, error);
    if (status != FV_OK) {
        return status;
    }
    struct fv_session_options session_options = {.threads = choice->threads, .fast = choice->fast};
    status = fv_session_create(graph, &session_options, &segmenter->sessions[segmenter->members], error);
    fv_graph_destroy(graph);
    if (status == FV_OK) {
        segmenter->folds[segmenter->members++] = fv_net_member_number(segmenter->model, member);
    }
    return status;
}

/* How often `fold` is among those that are asked for. */
static size_t count_fold(const struct fovea_segmenter_options *options, size_t fold) {
    size_t count = 0;
    for (size_t i = 0; i < options->fold_count; i++) {
        count += options->folds[i] == fold;
    }
    return count;
}

static enum fv_status check_folds(const struct fovea_segmenter *segmenter,
                                  const struct fovea_segmenter_options *options, struct fv_error *error) {
    size_t available = fv_net_members(segmenter->model);
    for (size_t i = 0; i < options->fold_count; i++) {
        bool found = false;
        for (size_t member = 0; member < available && !found; member++) {
            found = fv_net_member_number(segmenter->model, member) == options->folds[i];
        }
        if (!found) {
            return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: has no fold %zu; it has %zu, numbered %zu to %zu",
                                fv_model_path(segmenter->model), options->folds[i], available,
                                fv_net_member_number(segmenter->model, 0),
                                fv_net_member_number(segmenter->model, available - 1));
        }
        if (count_fold(options, options->folds[i]) > 1) {
            return fv_error_set(error, FV_ERROR_ARGUMENT, "fold %zu is named twice", options->folds[i]);
        }
    }
    return FV_OK;
}

static enum fv_status plan_members(struct fovea_segmenter *segmenter, const struct fovea_segmenter_options *options,
                                   struct fv_error *error) {
    size_t available = fv_net_members(segmenter->model);
    segmenter->sessions = fv_allocate_zero(available, sizeof(struct fv_session *));
    segmenter->folds = fv_allocate(available, sizeof *segmenter->folds);
    if (segmenter->sessions == NULL || segmenter->folds == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", fv_model_path(segmenter->model));
    }
    enum fv_status status = check_folds(segmenter, options, error);
    for (size_t member = 0; status == FV_OK && member < available; member++) {
        if (options->fold_count == 0 || count_fold(options, fv_net_member_number(segmenter->model, member)) == 1) {
            status = plan_member(segmenter, member, options, error);
        }
    }
    if (status != FV_OK) {
        return status;
    }
    struct fv_shape input = fv_session_input_shape(segmenter->sessions[0]);
    struct fv_shape output = fv_session_output_shape(segmenter->sessions[0]);
    if (output.kind != FV_PLANES || output.height != segmenter->patch_height ||
        output.width != segmenter->patch_width || output.channels < 2 || output.channels > CLASSES_MAX) {
        return fv_error_set(error, FV_ERROR_MODEL, "%s: the net gives no map of classes; this is no segmenter",
                            fv_model_path(segmenter->model));
    }
    segmenter->channels = input.channels;
    segmenter->classes = output.channels;
    return segmenter->channels <= FOVEA_PLANES_MAX
               ? FV_OK
               : fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: %zu input channels, at most %d are handled",
                              fv_model_path(segmenter->model), segmenter->channels, FOVEA_PLANES_MAX);
}

static enum fv_status make_buffers(struct fovea_segmenter *segmenter, struct fv_error *error) {
    size_t height = segmenter->patch_height, width = segmenter->patch_width, pixels = height * width;
    segmenter->tile = fv_allocate(pixels, segmenter->channels * sizeof(float));
    segmenter->flipped = fv_allocate(pixels, segmenter->channels * sizeof(float));
    segmenter->output = fv_allocate(pixels, segmenter->classes * sizeof(float));
    segmenter->sum = fv_allocate(pixels, segmenter->classes * sizeof(float));
    segmenter->weights = fv_allocate(pixels, sizeof(float));
    double *scratch = fv_allocate(height + width, sizeof *scratch);
    bool complete = segmenter->tile != NULL && segmenter->flipped != NULL && segmenter->output != NULL &&
                    segmenter->sum != NULL && segmenter->weights != NULL && scratch != NULL;
    if (complete) {
        fovea_nnunet_gaussian(height, width, scratch, scratch + height, segmenter->weights);
    }
    fv_release(scratch);
    return complete ? FV_OK
                    : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", fv_model_path(segmenter->model));
}

enum fv_status fovea_segmenter_create(const struct fv_model *model, const struct fovea_segmenter_options *options,
                                      struct fovea_segmenter **segmenter, struct fv_error *error) {
    *segmenter = NULL;
    struct fovea_segmenter *made = fv_allocate_zero(1, sizeof *made);
    if (made == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", fv_model_path(model));
    }
    made->model = model;
    enum fv_status status = fovea_model_check(model, false, error);
    status = status != FV_OK ? status : read_patch(made, error);
    status = status != FV_OK ? status : read_mirrors(made, options->mirror, error);
    status = status != FV_OK ? status : fovea_read_size(model, false, &made->working_size, &made->filter, error);
    status = status != FV_OK ? status : plan_members(made, options, error);
    status = status != FV_OK ? status : read_normalisation(made, error);
    status = status != FV_OK ? status : make_buffers(made, error);
    if (status != FV_OK) {
        fovea_segmenter_destroy(made);
        return status;
    }
    find_faz(made);
    *segmenter = made;
    return FV_OK;
}

void fovea_segmenter_destroy(struct fovea_segmenter *segmenter) {
    if (segmenter == NULL) {
        return;
    }
    for (size_t member = 0; member < segmenter->members; member++) {
        fv_session_destroy(segmenter->sessions[member]);
    }
    fv_release(segmenter->sessions);
    fv_release(segmenter->folds);
    fv_release(segmenter->tile);
    fv_release(segmenter->flipped);
    fv_release(segmenter->output);
    fv_release(segmenter->sum);
    fv_release(segmenter->weights);
    fv_release(segmenter);
}

size_t fovea_segmenter_channels(const struct fovea_segmenter *segmenter) {
    return segmenter->channels;
}

size_t fovea_segmenter_classes(const struct fovea_segmenter *segmenter) {
    return segmenter->classes;
}

size_t fovea_segmenter_members(const struct fovea_segmenter *segmenter) {
    return segmenter->members;
}

size_t fovea_segmenter_members_most(const struct fovea_segmenter *segmenter) {
    return fv_net_members(segmenter->model);
}

const size_t *fovea_segmenter_folds(const struct fovea_segmenter *segmenter) {
    return segmenter->folds;
}

size_t fovea_segmenter_views(const struct fovea_segmenter *segmenter) {
    return (size_t)(segmenter->mirror_vertical ? 2 : 1) * (size_t)(segmenter->mirror_horizontal ? 2 : 1);
}

size_t fovea_segmenter_views_most(const struct fovea_segmenter *segmenter) {
    return segmenter->views_most;
}

size_t fovea_segmenter_faz_class(const struct fovea_segmenter *segmenter) {
    return segmenter->faz_class;
}

const bool *fovea_segmenter_masked(const struct fovea_segmenter *segmenter) {
    return segmenter->masked;
}

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

size_t fovea_segmenter_tiles(const struct fovea_segmenter *segmenter, uint32_t width, uint32_t height) {
    if (segmenter->working_size != 0) {
        fovea_resize_shorter_side(width, height, segmenter->working_size, &width, &height);
    }
    size_t patch_height = segmenter->patch_height, patch_width = segmenter->patch_width;
    return fovea_nnunet_tiles(height > patch_height ? height : patch_height, patch_height, segmenter->tile_step) *
           fovea_nnunet_tiles(width > patch_width ? width : patch_width, patch_width, segmenter->tile_step);
}

void fovea_segmenter_pass(struct fovea_segmenter *segmenter) {
    size_t values = segmenter->channels * segmenter->patch_height * segmenter->patch_width;
    memset(segmenter->tile, 0, values * sizeof *segmenter->tile);
    fv_session_run(segmenter->sessions[0], segmenter->tile, segmenter->output);
}

/* Predicts the image of the given planes inside *box, which is set here. The caller releases *probability. */
static enum fv_status predict_planes(struct fovea_segmenter *segmenter, const char *name,
                                     const struct fovea_planes *planes, struct fovea_box *box, float **probability,
                                     struct fv_error *error) {
    *probability = NULL;
    if (!fovea_nnunet_crop(planes, box)) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: all pixels are zero; there is nothing to segment", name);
    }
    size_t pixels = box->height * box->width;
    float *input = fv_allocate(pixels, segmenter->channels * sizeof(float));
    *probability = fv_allocate(pixels, segmenter->classes * sizeof(float));
    enum fv_status status = FV_OK;
    if (input == NULL || *probability == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    } else {
        fovea_nnunet_normalise(planes, box, segmenter->masked, input);
        status = fovea_segmenter_predict(segmenter, input, box->height, box->width, 0, segmenter->members, *probability,
                                         error);
    }
    fv_release(input);
    return status;
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

/* The planes of an image at the working size, in memory of their own. */
struct working_image {
    struct fovea_image images[FOVEA_PLANES_MAX];
    struct fovea_planes planes;
};

static enum fv_status resize_planes(const struct fovea_segmenter *segmenter, const char *name,
                                    const struct fovea_planes *planes, struct working_image *working,
                                    struct fv_error *error) {
    if (planes->bits != 8) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: 16 bits; %s resizes its images and takes 8 bits", name,
                            fv_model_path(segmenter->model));
    }
    working->planes = *planes;
    fovea_resize_shorter_side(planes->width, planes->height, segmenter->working_size, &working->planes.width,
                              &working->planes.height);
    for (size_t c = 0; c < planes->count; c++) {
        if (c > 0 && planes->samples[c] == planes->samples[0]) {
            working->planes.samples[c] = working->planes.samples[0];
            continue;
        }
        struct fovea_image plane;
        enum fv_status status = fovea_image_create(planes->width, planes->height, 1, 8, &plane, error);
        if (status == FV_OK) {
            memcpy(plane.pixels.u8, planes->samples[c], (size_t)planes->width * planes->height);
            status = fovea_resize(&plane, working->planes.width, working->planes.height, segmenter->filter,
                                  &working->images[c], error);
            fovea_image_release(&plane);
        }
        if (status != FV_OK) {
            return status;
        }
        working->planes.samples[c] = working->images[c].pixels.u8;
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

static enum fv_status run_resized(struct fovea_segmenter *segmenter, const char *name,
                                  const struct fovea_planes *planes, uint8_t *labels, float *probability,
                                  struct fv_error *error) {
    uint32_t width = planes->width, height = planes->height;
    struct working_image working = {0};
    struct fovea_box box;
    float *predicted = NULL, *own = NULL;
    enum fv_status status = resize_planes(segmenter, name, planes, &working, error);
    if (status == FV_OK) {
        status = predict_planes(segmenter, name, &working.planes, &box, &predicted, error);
    }
    if (status == FV_OK && probability == NULL) {
        probability = own = fv_allocate((size_t)width * height, segmenter->classes * sizeof *own);
        status = own != NULL ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    }
    if (status == FV_OK) {
        status = enlarge(segmenter, predicted, &box, &working.planes, width, height, probability, error);
    }
    if (status == FV_OK) {
        struct fovea_box all = {0, 0, height, width};
        label(probability, segmenter->classes, &all, width, height, labels);
    }
    for (size_t c = 0; c < segmenter->channels; c++) {
        fovea_image_release(&working.images[c]);
    }
    fv_release(own);
    fv_release(predicted);
    return status;
}

enum fv_status fovea_segmenter_run(struct fovea_segmenter *segmenter, const char *name,
                                   const struct fovea_planes *planes, uint8_t *labels, float *probability,
                                   struct fv_error *error) {
    uint32_t width = planes->width, height = planes->height, shorter = width < height ? width : height;
    if (planes->count != segmenter->channels) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: %zu channels; the model takes %zu", name, planes->count,
                            segmenter->channels);
    }
    if (segmenter->working_size != 0 && shorter != segmenter->working_size) {
        return run_resized(segmenter, name, planes, labels, probability, error);
    }
    struct fovea_box box;
    float *predicted;
    enum fv_status status = predict_planes(segmenter, name, planes, &box, &predicted, error);
    if (status == FV_OK) {
        label(predicted, segmenter->classes, &box, width, height, labels);
    }
    for (size_t k = 0; status == FV_OK && probability != NULL && k < segmenter->classes; k++) {
        spread(predicted, k, &box, width, height, probability + k * (size_t)width * height);
    }
    fv_release(predicted);
    return status;
}
