/* The work on one image.
 *
 * Thread safety: one thread at a time may use a struct fovea_work. */
#ifndef FOVEA_APPS_IMAGE_STAGES_H
#define FOVEA_APPS_IMAGE_STAGES_H

#include "pipeline/grade.h"
#include "pipeline/pipeline.h"
#include "pipeline/results.h"
#include "pipeline/segment.h"

/* What is ready for every image. */
struct fovea_work {
    const struct fovea_pipeline_options *options;
    struct fovea_grader *grader;       /* NULL: this run grades nothing */
    struct fovea_segmenter *segmenter; /* NULL: it segments nothing */
    const char *output;                /* canonical path of the output folder */
};

/* Does all stages of one image and writes its mask and pictures, or removes those that an earlier run left under its
 * name if this one makes none. Whatever happens is in *result, which the caller releases as part of fovea_results. */
void fovea_work_on_image(const struct fovea_work *work, const struct fovea_input *input, struct fovea_result *result);

#endif
