/* The work on one image of a project: into the published folders, graded, segmented, drawn and measured.
 *
 * Thread safety: one thread at a time may use a struct coips_work. */
#ifndef FOVEA_APPS_COIPS_IMAGE_WORK_H
#define FOVEA_APPS_COIPS_IMAGE_WORK_H

#include "coips/coips.h"
#include "coips/listing.h"
#include "pipeline/grade.h"
#include "pipeline/results.h"
#include "pipeline/segment.h"

/* What is ready for every image. */
struct coips_work {
    const struct fovea_coips_options *options;
    struct fovea_grader *grader; /* NULL: deep images are not graded */
    struct fovea_segmenter *segmenter;
};

/* Does all stages of one image. Whatever happens is in *result, which the caller releases as part of fovea_results; of
 * a deep image that is segmented the grade is gradable, whose folders it lies in, and `graded` is false. */
void coips_work_on_image(const struct coips_work *work, const struct coips_image *image, struct fovea_result *result);

#endif
