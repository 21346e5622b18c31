#include <string.h>

#include "fovea/memory.h"
#include "fovea/nets.h"
#include "pipeline/segmenter.h"

enum { CLASSES_MAX = 255 };

/* How often `fold` is among those that are asked for. */
static size_t count_fold(const struct fovea_segmenter_options *options, size_t fold) {
    size_t count = 0;
    for (size_t i = 0; i < options->fold_count; i++) {
        count += options->folds[i] == fold;
    }
    return count;
}

static enum fv_status check_folds(const struct fv_model *model, const struct fovea_segmenter_options *options,
                                  struct fv_error *error) {
    size_t available = fv_net_members(model);
    for (size_t i = 0; i < options->fold_count; i++) {
        bool found = false;
        for (size_t member = 0; member < available && !found; member++) {
            found = fv_net_member_number(model, member) == options->folds[i];
        }
        if (!found) {
            return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: has no fold %zu; it has %zu, numbered %zu to %zu",
                                fv_model_path(model), options->folds[i], available, fv_net_member_number(model, 0),
                                fv_net_member_number(model, available - 1));
        }
        if (count_fold(options, options->folds[i]) > 1) {
            return fv_error_set(error, FV_ERROR_ARGUMENT, "fold %zu is named twice", options->folds[i]);
        }
    }
    return FV_OK;
}

/* The graph of the member that is number `index` of those that are used, which the caller destroys. */
static enum fv_status build(const struct fovea_segmenter *segmenter, size_t index, struct fv_graph **graph,
                            struct fv_error *error) {
    struct fv_net_options options = {segmenter->patch_height, segmenter->patch_width, segmenter->places[index]};
    return fv_net_build(segmenter->model, &options, graph, error);
}

/* Members differ in their weights alone, so the first one's measurements serve all. */
static enum fv_status tune(struct fovea_segmenter *segmenter, const struct fv_graph *graph, struct fv_error *error) {
    struct fv_session_options *options = &segmenter->session_options;
    if (!segmenter->tune || segmenter->tuned) {
        return FV_OK;
    }
    const enum fv_status status = fovea_tuning_get(segmenter->model, graph, options, &segmenter->tuning, error);
    options->measurements = segmenter->tuning.measurements;
    options->measurement_count = segmenter->tuning.count;
    segmenter->tuned = status == FV_OK;
    return status;
}

enum fv_status fovea_segmenter_load(struct fovea_segmenter *segmenter, size_t index, struct fv_error *error) {
    if (segmenter->session != NULL && segmenter->loaded == index) {
        return FV_OK;
    }
    fv_session_destroy(segmenter->session); /* first: two members at once would be twice the memory */
    segmenter->session = NULL;
    struct fv_graph *graph;
    enum fv_status status = build(segmenter, index, &graph, error);
    if (status == FV_OK) {
        status = tune(segmenter, graph, error);
        status = status != FV_OK ? status
                                 : fv_session_create(graph, &segmenter->session_options, &segmenter->session, error);
        fv_graph_destroy(graph);
    }
    segmenter->loaded = index;
    return status;
}

enum fv_status fovea_segmenter_choose_folds(const struct fv_model *model, const struct fovea_segmenter_options *options,
                                            size_t **places, size_t **folds, size_t *count, struct fv_error *error) {
    size_t available = fv_net_members(model);
    size_t *standing = fv_allocate(available, sizeof *standing);
    *folds = fv_allocate(available, sizeof **folds);
    *count = 0;
    enum fv_status status = standing == NULL || *folds == NULL
                                ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", fv_model_path(model))
                                : check_folds(model, options, error);
    for (size_t member = 0; status == FV_OK && member < available; member++) {
        size_t fold = fv_net_member_number(model, member);
        if (options->fold_count == 0 || count_fold(options, fold) == 1) {
            standing[*count] = member;
            (*folds)[(*count)++] = fold;
        }
    }
    if (status != FV_OK) {
        fv_release(*folds);
        *folds = NULL;
    }
    if (status != FV_OK || places == NULL) {
        fv_release(standing);
        standing = NULL;
    }
    if (places != NULL) {
        *places = standing;
    }
    return status;
}

/* Finds what is wrong with a member before the first image is worked on, but for its weights' values. */
static enum fv_status check_members(const struct fovea_segmenter *segmenter, struct fv_error *error) {
    enum fv_status status = FV_OK;
    for (size_t index = 1; index < segmenter->members && status == FV_OK; index++) {
        struct fv_graph *graph;
        status = build(segmenter, index, &graph, error);
        if (status == FV_OK) {
            fv_graph_destroy(graph);
        }
    }
    return status;
}

enum fv_status fovea_segmenter_plan(struct fovea_segmenter *segmenter, const struct fovea_segmenter_options *options,
                                    struct fv_error *error) {
    enum fv_status status = fovea_segmenter_choose_folds(segmenter->model, options, &segmenter->places,
                                                         &segmenter->folds, &segmenter->members, error);
    status = status != FV_OK ? status : check_members(segmenter, error);
    status = status != FV_OK ? status : fovea_segmenter_load(segmenter, 0, error);
    if (status != FV_OK) {
        return status;
    }
    struct fv_shape input = fv_session_input_shape(segmenter->session);
    struct fv_shape output = fv_session_output_shape(segmenter->session);
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
