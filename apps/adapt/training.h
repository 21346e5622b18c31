/* Training a last layer on cached features: epochs of shuffled batches, a schedule, early stopping.
 *
 * Thread safety: trainings are independent of each other; what they only read may be shared. */
#ifndef FOVEA_APPS_ADAPT_TRAINING_H
#define FOVEA_APPS_ADAPT_TRAINING_H

#include <stdint.h>

#include "adapt/linear.h"
#include "fovea/status.h"

struct fovea_training_options {
    double rate, decay; /* learning rate at the top of the schedule; weight decay */
    size_t epochs;      /* at most */
    size_t patience;    /* epochs without a new least watched loss after which it stops */
    size_t batch;       /* samples a step */
    size_t period;      /* of the schedule, in epochs */
    uint64_t seed;
};

/* One point of a learning curve; point 0 is before the first step. */
struct fovea_epoch {
    double loss;     /* of the samples that train; during the epoch */
    double watched;  /* loss of the watched samples after it; NaN: none are watched */
    double accuracy; /* of the watched samples */
};

struct fovea_training {
    struct fovea_linear layer; /* at the best epoch; owned */
    struct fovea_epoch *curve; /* `run` + 1 points; owned */
    size_t run;                /* epochs that were run */
    size_t best;               /* the epoch that is kept */
};

/* Trains a copy of `start` on `train`, with `weights` a class. With watched samples (`watch` may be NULL) the epoch of
 * the greatest watched accuracy is kept, of equals that of the least watched loss, of these the first, and training
 * stops as `patience` says; without, all epochs are run and the last is kept. `stream` tells trainings of one seed
 * apart. Errors: FV_ERROR_MEMORY. On failure *result is empty; the caller gives it back with fovea_training_clear. */
enum fv_status fovea_train(const struct fovea_linear *start, const struct fovea_samples *train,
                           const struct fovea_samples *watch, const double *weights,
                           const struct fovea_training_options *options, uint64_t stream, struct fovea_training *result,
                           struct fv_error *error);
void fovea_training_clear(struct fovea_training *training);

/* The share of the samples whose most probable class, the first of equals, is their label. */
double fovea_linear_accuracy(const struct fovea_linear *layer, const struct fovea_samples *samples);

/* The class of the greatest probability, the first of equals. */
size_t fovea_most_probable(const double *probability, size_t classes);

#endif
