/* The work on one image.
 *
 * Thread safety: one thread at a time may use a struct fovea_work. */
#ifndef FOVEA_APPS_IMAGE_STAGES_H
#define FOVEA_APPS_IMAGE_STAGES_H

#include "pipeline/grade.h"
#include "pipeline/partners.h"
#include "pipeline/pipeline.h"
#include "pipeline/progress.h"
#include "pipeline/results.h"
#include "pipeline/segment.h"

/* What is ready for every image. */
struct fovea_work {
    const struct fovea_pipeline_options *options;
    struct fovea_grader *grader;                              /* NULL: this run grades nothing */
    struct fovea_segmenter *segmenter;                        /* NULL: it segments nothing */
    const struct fovea_model *grader_model, *segmenter_model; /* what they were made of */
    const struct fovea_inputs *images;                        /* of the masks that are measured; NULL: none */
    const char *output;                                       /* canonical path of the output folder */
    const char *instruction_set;                              /* that the nets run with, static; NULL: none run */
    const char *staging;                                      /* where files wait below it */
    struct fovea_progress *progress;                          /* is told what was done */
    struct fovea_partners *partners;                          /* the grades that deep images take; NULL: none do */
};

struct fovea_image_job;

/* Does the stages of one image, number `number` of the run, before its segmentation, and, if it is not to be segmented,
 * all: its mask and pictures are written to where they wait (struct fovea_staged). Then the result, whatever happened,
 * is in *result, which the caller clears, and NULL is returned. Else *task is to be segmented, and the job goes to
 * fovea_image_end or fovea_image_drop; *result must stay where it is. A result whose `unwritten` is not FV_OK is none:
 * the output cannot be written. */
struct fovea_image_job *fovea_image_begin(const struct fovea_work *work, size_t number, const struct fovea_input *input,
                                          struct fovea_segment_task *task, struct fovea_result *result);

/* Does the stages after the segmentation, or those after its failure, and frees the job. */
void fovea_image_end(struct fovea_image_job *job, const struct fovea_segment_task *task);

/* Frees the job: nothing of the image was written. */
void fovea_image_drop(struct fovea_image_job *job);

#endif
