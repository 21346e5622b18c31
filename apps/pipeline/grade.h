/* Grading an image's quality with a classifier.
 *
 * Thread safety: a grader is used by one thread at a time. */
#ifndef FOVEA_APPS_GRADE_H
#define FOVEA_APPS_GRADE_H

#include <stdint.h>

#include "base/tuning.h"
#include "fovea/model.h"
#include "fovea/status.h"
#include "fovea/threads.h"
#include "image/image.h"

enum fovea_quality { FOVEA_UNGRADABLE, FOVEA_GRADABLE, FOVEA_OUTSTANDING, FOVEA_QUALITY_COUNT };

/* "ungradable", "gradable", "outstanding". */
extern const char *const fovea_quality_names[FOVEA_QUALITY_COUNT];

struct fovea_grade {
    enum fovea_quality quality;              /* of the greatest logit, the first of equals */
    double probability[FOVEA_QUALITY_COUNT]; /* softmax of the logits */
};

struct fovea_grader;

/* Plans `model`, which must stay open, for square images of its input size. `threads` may be NULL.
 * Errors: FV_ERROR_MODEL (metadata missing, classes other than the three above in that order, or another number of
 * outputs), those of fv_net_build and fovea_session_create. On failure *grader is NULL; the caller gives it back with
 * fovea_grader_destroy. */
enum fv_status fovea_grader_create(const struct fv_model *model, struct fv_threads *threads,
                                   const struct fovea_planning *planning, struct fovea_grader **grader,
                                   struct fv_error *error);
void fovea_grader_destroy(struct fovea_grader *grader);

/* Grades `image` (8 bits; 1 channel, which is repeated as the net wants, or as many as the net has): resizes it with
 * Pillow's arithmetic, normalises, runs the net. Errors, naming `name`: FV_ERROR_UNSUPPORTED (not square: the published
 * program has no rule for such images; another number of channels, or several for a model that normalises each image by
 * its own mean), FV_ERROR_MEMORY. */
enum fv_status fovea_grader_run(struct fovea_grader *grader, const char *name, const struct fovea_image *image,
                                struct fovea_grade *grade, struct fv_error *error);

/* The last layer of a grader: logits = weight x features + bias. */
struct fovea_grader_head {
    size_t features;
    const struct fv_tensor *weight, *bias; /* [classes, features] and [classes], of the model; the bias may be NULL */
};

/* A grader whose net ends at what the last layer takes, for fovea_features_run only. Errors as fovea_grader_create, and
 * FV_ERROR_UNSUPPORTED (the net does not end in a linear layer). */
enum fv_status fovea_features_create(const struct fv_model *model, struct fv_threads *threads,
                                     struct fovea_grader **grader, struct fovea_grader_head *head,
                                     struct fv_error *error);

/* Prepares `image` as fovea_grader_run does, runs the net and stores head.features values. Errors as
 * fovea_grader_run. */
enum fv_status fovea_features_run(struct fovea_grader *grader, const char *name, const struct fovea_image *image,
                                  float *features, struct fv_error *error);

#endif
