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

enum { PATCH_MAX = 4096, GROUP_BYTES = 32 * 1000 * 1000 };

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

static enum fv_status make_buffers(struct fovea_segmenter *segmenter, struct fv_error *error) {
    size_t height = segmenter->patch_height, width = segmenter->patch_width, pixels = height * width;
    segmenter->tile = fv_allocate(pixels, segmenter->channels * sizeof(float));
    segmenter->output = fv_allocate(pixels, segmenter->classes * sizeof(float));
    segmenter->sum = fv_allocate(pixels, segmenter->classes * sizeof(float));
    segmenter->weights = fv_allocate(pixels, sizeof(float));
    double *scratch = fv_allocate(height + width, sizeof *scratch);
    bool complete = segmenter->tile != NULL && segmenter->output != NULL && segmenter->sum != NULL &&
                    segmenter->weights != NULL && scratch != NULL;
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
    const struct fv_session_options session_options = {.threads = options->threads, .exact = options->planning.exact};
    made->session_options = session_options;
    made->tune = options->planning.tune;
    enum fv_status status = fovea_model_check(model, false, error);
    status = status != FV_OK ? status : read_patch(made, error);
    status = status != FV_OK ? status : read_mirrors(made, options->mirror, error);
    status = status != FV_OK ? status : fovea_read_size(model, false, &made->working_size, &made->filter, error);
    status = status != FV_OK ? status : fovea_segmenter_plan(made, options, error);
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
    fv_session_destroy(segmenter->session);
    fv_tuning_clear(&segmenter->tuning);
    fv_release(segmenter->places);
    fv_release(segmenter->folds);
    fv_release(segmenter->tile);
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

size_t fovea_segmenter_tiles(const struct fovea_segmenter *segmenter, uint32_t width, uint32_t height) {
    if (segmenter->working_size != 0) {
        fovea_resize_shorter_side(width, height, segmenter->working_size, &width, &height);
    }
    size_t patch_height = segmenter->patch_height, patch_width = segmenter->patch_width;
    return fovea_nnunet_tiles(height > patch_height ? height : patch_height, patch_height, segmenter->tile_step) *
           fovea_nnunet_tiles(width > patch_width ? width : patch_width, patch_width, segmenter->tile_step);
}

size_t fovea_segmenter_room(const struct fovea_segmenter *segmenter, uint32_t width, uint32_t height) {
    size_t values = (segmenter->channels + segmenter->classes) * sizeof(float);
    return (size_t)width * height * (values + segmenter->channels + 1);
}

bool fovea_segmenter_takes_more(const struct fovea_segmenter *segmenter, size_t images, size_t bytes) {
    return images < (segmenter->members > 1 ? FOVEA_SEGMENT_MOST : 1) && bytes < GROUP_BYTES;
}
