/* Outlining the FAZ with a model in nnU-Net's format: prepare, predict by tiles, mirrors and members, label.
 *
 * The steps and their arithmetic are those of nnU-Net 1.6.6 as the published program uses it. A model may also name a
 * working size (fovea.input_size): then the image is first resized so that its shorter side has that size, and the
 * probabilities are resized back bilinearly before the labels are taken.
 *
 * Thread safety: a segmenter is used by one thread at a time. */
#ifndef FOVEA_APPS_SEGMENT_H
#define FOVEA_APPS_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/model.h"
#include "fovea/status.h"
#include "fovea/threads.h"
#include "pipeline/nnunet.h"

struct fovea_segmenter;

struct fovea_segmenter_options {
    struct fv_threads *threads; /* may be NULL */
    bool mirror;                /* predict each tile also mirrored along the axes that the model names, and average */
    const size_t *folds;        /* numbers of the ensemble's members to use, each once, in any order; */
    size_t fold_count;          /* 0: all of them */
    bool fast;                  /* as in struct fv_session_options */
};

/* Plans the members of the ensemble `model`, which must stay open, for its patch size. Errors: FV_ERROR_MODEL (metadata
 * or tensors missing or of the wrong kind), FV_ERROR_UNSUPPORTED (normalisation of CT images, pixel spacings other than
 * 1), FV_ERROR_ARGUMENT (a fold that the model lacks or that is named twice), those of fv_net_build and
 * fv_session_create. On failure *segmenter is NULL; the caller gives it back with fovea_segmenter_destroy. */
enum fv_status fovea_segmenter_create(const struct fv_model *model, const struct fovea_segmenter_options *options,
                                      struct fovea_segmenter **segmenter, struct fv_error *error);
void fovea_segmenter_destroy(struct fovea_segmenter *segmenter);

size_t fovea_segmenter_channels(const struct fovea_segmenter *segmenter); /* planes of an image */
size_t fovea_segmenter_classes(const struct fovea_segmenter *segmenter);
/* How many members of the ensemble are used, and how many it has. */
size_t fovea_segmenter_members(const struct fovea_segmenter *segmenter);
size_t fovea_segmenter_members_most(const struct fovea_segmenter *segmenter);
/* The fold numbers of the members that are used, in the order of their mean. */
const size_t *fovea_segmenter_folds(const struct fovea_segmenter *segmenter);
/* Over how many views of each tile it averages, 1 to 4, and how many that are at most. */
size_t fovea_segmenter_views(const struct fovea_segmenter *segmenter);
size_t fovea_segmenter_views_most(const struct fovea_segmenter *segmenter);
/* The class that is the FAZ: the one called "FAZ" (in any case) in fovea.classes, else 1. */
size_t fovea_segmenter_faz_class(const struct fovea_segmenter *segmenter);

/* How many tiles an image of that size is cut into if nothing is cropped. */
size_t fovea_segmenter_tiles(const struct fovea_segmenter *segmenter, uint32_t width, uint32_t height);

/* Runs one member on one tile of zeros, to be timed: the unit that an image costs tiles x views x members of. */
void fovea_segmenter_pass(struct fovea_segmenter *segmenter);

/* Labels an image of fovea_segmenter_channels() planes: labels[y * width + x] is the class of greatest probability, the
 * first of equals; pixels outside the box of non-zero pixels are background, 0. `probability` (NULL: not wanted)
 * receives classes x height x width floats; outside of the box background has 1. Errors, naming `name`:
 * FV_ERROR_UNSUPPORTED (all pixels are zero, as in the original; another number of planes; 16 bits where the model has
 * a working size of another size), FV_ERROR_MEMORY. */
enum fv_status fovea_segmenter_run(struct fovea_segmenter *segmenter, const char *name,
                                   const struct fovea_planes *planes, uint8_t *labels, float *probability,
                                   struct fv_error *error);

/* The prediction alone: `input` holds channels x height x width prepared values, `probability` receives classes x
 * height x width, the mean over `count` of the members that are used, from index `first` on. Errors: FV_ERROR_MEMORY.
 */
enum fv_status fovea_segmenter_predict(struct fovea_segmenter *segmenter, const float *input, size_t height,
                                       size_t width, size_t first, size_t count, float *probability,
                                       struct fv_error *error);

/* For each channel, whether it is normalised within the non-zero pixels only. */
const bool *fovea_segmenter_masked(const struct fovea_segmenter *segmenter);

#endif
