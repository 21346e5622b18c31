/* The work on one image of a project: into the published folders, graded, segmented, drawn and measured.
 *
 * Thread safety: one thread at a time may use a struct coips_work. */
#ifndef FOVEA_APPS_COIPS_IMAGE_WORK_H
#define FOVEA_APPS_COIPS_IMAGE_WORK_H

#include "coips/coips.h"
#include "coips/listing.h"
#include "pipeline/grade.h"
#include "pipeline/progress.h"
#include "pipeline/results.h"
#include "pipeline/segment.h"

/* What is ready for every image. */
struct coips_work {
    const struct fovea_coips_options *options;
    struct fovea_grader *grader; /* NULL: deep images are not graded */
    struct fovea_segmenter *segmenter;
    struct fovea_progress *progress; /* is told what was done */
};

struct coips_job;

/* Does the stages of one image before its segmentation, and all if it needs none: then the result, whatever happened,
 * is in *result, which the caller releases as part of fovea_results, and NULL is returned. Else *task is to be
 * segmented, and the job goes to coips_image_end or coips_image_drop; *result must stay where it is. Of a deep image
 * that is segmented the grade is gradable, whose folders it lies in, and `graded` is false. */
struct coips_job *coips_image_begin(const struct coips_work *work, const struct coips_image *image,
                                    struct fovea_segment_task *task, struct fovea_result *result);

/* Does the stages after the segmentation, or those after its failure, and frees the job. */
void coips_image_end(struct coips_job *job, const struct fovea_segment_task *task);

/* Frees the job: the image lies in its folders and has no label, as if the run had ended there. */
void coips_image_drop(struct coips_job *job);

#endif
