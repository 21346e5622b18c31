/* Private to segment.c, segment_images.c, members.c and predict.c: what a segmenter holds, and the steps of a
 * prediction. */
#ifndef FOVEA_APPS_SEGMENTER_H
#define FOVEA_APPS_SEGMENTER_H

#include "fovea/session.h"
#include "image/resize.h"
#include "pipeline/segment.h"

struct fovea_segmenter {
    const struct fv_model *model;
    struct fv_session_options session_options;
    bool tune, tuned;           /* choose by measurements; they are there */
    struct fv_tuning tuning;    /* of the first member that was loaded */
    struct fv_session *session; /* of one member at a time; NULL: none could be loaded */
    size_t loaded;              /* which of those that are used */
    size_t *places, *folds;     /* of those that are used: where it stands in the model, its number */
    size_t members, channels, classes, faz_class;
    size_t patch_height, patch_width;
    double tile_step;
    bool mirror_vertical, mirror_horizontal; /* what is done */
    size_t views_most;                       /* what the model allows */
    bool masked[FOVEA_PLANES_MAX];
    uint32_t working_size; /* 0: the image's own */
    enum fovea_filter filter;

    /* For one tile; they live as long as the segmenter. */
    float *tile;         /* channels x patch */
    float *output, *sum; /* classes x patch */
    float *weights;      /* patch */
};

/* Chooses and checks the members that `options` names and loads the first. Sets members, places, folds, channels and
 * classes. Errors: as of fovea_segmenter_create. */
enum fv_status fovea_segmenter_plan(struct fovea_segmenter *segmenter, const struct fovea_segmenter_options *options,
                                    struct fv_error *error);

/* Makes segmenter->session that of the member that is number `index` of those that are used, in place of the one
 * before. Errors: those of fv_net_build, fv_session_create and fovea_tuning_get; then there is no session. */
enum fv_status fovea_segmenter_load(struct fovea_segmenter *segmenter, size_t index, struct fv_error *error);

/* A prepared image, padded to at least a patch. */
struct fovea_canvas {
    size_t image_height, image_width;
    size_t height, width; /* at least a patch */
    size_t top, left;     /* where the image lies on it */
    size_t tiles_down, tiles_across;
    float *input; /* channels x canvas */
};

/* A canvas of channels x height x width prepared values. False if memory is exhausted. The caller releases it with
 * fovea_canvas_release, which an empty one allows. */
bool fovea_canvas_create(const struct fovea_segmenter *segmenter, const float *input, size_t height, size_t width,
                         struct fovea_canvas *canvas);
void fovea_canvas_release(struct fovea_canvas *canvas);

/* probability (classes x image) = what the loaded member says, or, if `add`, that plus what it was. `watch` may be
 * NULL. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_segmenter_predict_member(struct fovea_segmenter *segmenter, const struct fovea_canvas *canvas,
                                              const struct fovea_segment_watch *watch, bool add, float *probability,
                                              struct fv_error *error);

/* probability /= count, unless that is 1. */
void fovea_segmenter_mean(const struct fovea_segmenter *segmenter, const struct fovea_canvas *canvas, size_t count,
                          float *probability);

#endif
