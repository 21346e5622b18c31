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

#include "base/tuning.h"
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
    struct fovea_planning planning;
};

/* The members of the ensemble `model` that `options` asks for, in the order of their mean: their numbers in *folds and,
 * where `places` is not NULL, where they stand in the model. Both arrays belong to the caller (fv_release). Errors:
 * FV_ERROR_ARGUMENT (a fold that the model lacks or that is named twice), FV_ERROR_MEMORY; then both are NULL. */
enum fv_status fovea_segmenter_choose_folds(const struct fv_model *model, const struct fovea_segmenter_options *options,
                                            size_t **places, size_t **folds, size_t *count, struct fv_error *error);

/* Checks the members of the ensemble `model`, which must stay open, and plans the first for its patch size: the packed
 * weights and the memory of one member at a time are held. Errors: FV_ERROR_MODEL (metadata or tensors missing or of
 * the wrong kind), FV_ERROR_UNSUPPORTED (normalisation of CT images, pixel spacings other than 1), FV_ERROR_ARGUMENT (a
 * fold that the model lacks or that is named twice), those of fv_net_build, fv_session_create and fovea_tuning_get. On
 * failure *segmenter is NULL; the caller gives it back with fovea_segmenter_destroy. */
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

/* An image to segment, and what came of it. */
struct fovea_segment_task {
    const char *name;                  /* for messages */
    const struct fovea_planes *planes; /* fovea_segmenter_channels() */
    uint8_t *labels;                   /* height x width, filled */
    float *probability;                /* classes x height x width, filled; NULL: not wanted */
    enum fv_status status;             /* set */
    struct fv_error error;             /* set, unless status is FV_OK */
};

enum fovea_segment_step {
    FOVEA_SEGMENT_LOAD, /* a member's weights */
    FOVEA_SEGMENT_PASS, /* of a member on a view of a tile of an image */
};

/* Who is told how many passes there will be and of each step when it is done, and is asked after a member has been run
 * on an image whether to finish the first image only. */
struct fovea_segment_watch {
    void *context;
    void (*begin)(void *context, size_t passes);
    void (*done)(void *context, enum fovea_segment_step step);
    bool (*hurry)(void *context);
};

/* How many images are best segmented together, since each member is loaded once for all of them: at most 8, and only
 * one if nothing is loaded again or if `bytes`, what fovea_segmenter_room says of those that are there, is 32 MB. */
enum { FOVEA_SEGMENT_MOST = 8 };
bool fovea_segmenter_takes_more(const struct fovea_segmenter *segmenter, size_t images, size_t bytes);
/* The bytes that an image of that size takes while it is segmented with others, its labels included. */
size_t fovea_segmenter_room(const struct fovea_segmenter *segmenter, uint32_t width, uint32_t height);

/* Segments `count` images, at most FOVEA_SEGMENT_MOST, member by member; each gets the bits that it would get alone:
 * labels[y * width + x] is the class of greatest probability, the first of equals; pixels outside the box of non-zero
 * pixels are background, 0, and there `probability` is 1 for background. Returns how many were worked on: all, or only
 * the first if the watch (NULL: none) hurried.
 * Each task's own errors name it: FV_ERROR_UNSUPPORTED (all pixels are zero, as in the original; another number of
 * planes; 16 bits where the model has a working size of another size), FV_ERROR_MEMORY. If a member cannot be loaded,
 * all that had no error have that one: FV_ERROR_MODEL (weights that are not finite), FV_ERROR_MEMORY. */
size_t fovea_segmenter_run_all(struct fovea_segmenter *segmenter, struct fovea_segment_task *tasks, size_t count,
                               const struct fovea_segment_watch *watch);

/* The same for one image. */
enum fv_status fovea_segmenter_run(struct fovea_segmenter *segmenter, const char *name,
                                   const struct fovea_planes *planes, uint8_t *labels, float *probability,
                                   struct fv_error *error);

/* The prediction alone: `input` holds channels x height x width prepared values, `probability` receives classes x
 * height x width, the mean over `count` of the members that are used, from index `first` on. Errors: FV_ERROR_MEMORY,
 * those of loading a member. */
enum fv_status fovea_segmenter_predict(struct fovea_segmenter *segmenter, const float *input, size_t height,
                                       size_t width, size_t first, size_t count, float *probability,
                                       struct fv_error *error);

/* For each channel, whether it is normalised within the non-zero pixels only. */
const bool *fovea_segmenter_masked(const struct fovea_segmenter *segmenter);

#endif
