/* Private to segment.c and predict.c: what a segmenter holds. */
#ifndef FOVEA_APPS_SEGMENTER_H
#define FOVEA_APPS_SEGMENTER_H

#include "fovea/session.h"
#include "image/resize.h"
#include "pipeline/segment.h"

struct fovea_segmenter {
    const struct fv_model *model;
    struct fv_session **sessions; /* one a member that is used */
    size_t *folds;                /* its number */
    size_t members, channels, classes, faz_class;
    size_t patch_height, patch_width;
    double tile_step;
    bool mirror_vertical, mirror_horizontal; /* what is done */
    size_t views_most;                       /* what the model allows */
    bool masked[FOVEA_PLANES_MAX];
    uint32_t working_size; /* 0: the image's own */
    enum fovea_filter filter;

    /* For one tile; they live as long as the segmenter. */
    float *tile, *flipped; /* channels x patch */
    float *output, *sum;   /* classes x patch */
    float *weights;        /* patch */
};

#endif
