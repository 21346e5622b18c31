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

struct fovea_segmenter;

/* Plans every member of the ensemble `model`, which must stay open, for its patch size. `mirror` predicts each tile
 * also mirrored along the axes that the model names, and averages. `threads` may be NULL. Errors: FV_ERROR_MODEL
 * (metadata or tensors missing or of the wrong kind), FV_ERROR_UNSUPPORTED (normalisation of CT images, pixel spacings
 * other than 1), those of fv_net_build and fv_session_create. On failure *segmenter is NULL; the caller gives it back
 * with fovea_segmenter_destroy. */
enum fv_status fovea_segmenter_create(const struct fv_model *model, struct fv_threads *threads, bool mirror,
                                      struct fovea_segmenter **segmenter, struct fv_error *error);
void fovea_segmenter_destroy(struct fovea_segmenter *segmenter);

size_t fovea_segmenter_channels(const struct fovea_segmenter *segmenter); /* planes of an image */
size_t fovea_segmenter_classes(const struct fovea_segmenter *segmenter);
size_t fovea_segmenter_members(const struct fovea_segmenter *segmenter);
/* The class that is the FAZ: the one called "FAZ" (in any case) in fovea.classes, else 1. */
size_t fovea_segmenter_faz_class(const struct fovea_segmenter *segmenter);

/* Labels an image of fovea_segmenter_channels() planes of height x width bytes (the same plane may be given several
 * times): labels[y * width + x] is the class of greatest probability, the first of equals; pixels outside the box of
 * non-zero pixels are background, 0. Errors, naming `name`: FV_ERROR_UNSUPPORTED (all pixels are zero, as in the
 * original), FV_ERROR_MEMORY. */
enum fv_status fovea_segmenter_run(struct fovea_segmenter *segmenter, const char *name, const uint8_t *const *planes,
                                   uint32_t width, uint32_t height, uint8_t *labels, struct fv_error *error);

/* The prediction alone: `input` holds channels x height x width prepared values, `probability` receives classes x
 * height x width, the mean over `count` members from number `first` on. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_segmenter_predict(struct fovea_segmenter *segmenter, const float *input, size_t height,
                                       size_t width, size_t first, size_t count, float *probability,
                                       struct fv_error *error);

/* For each channel, whether it is normalised within the non-zero pixels only. */
const bool *fovea_segmenter_masked(const struct fovea_segmenter *segmenter);

#endif
