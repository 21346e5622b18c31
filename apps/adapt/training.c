#include "adapt/training.h"

#include <math.h>
#include <string.h>

#include "base/portable_math.h"
#include "fovea/memory.h"

/* Random streams from here on are for shuffling; those below are for copies of images. */
#define SHUFFLES (UINT64_C(1) << 32)

/* What one training works with. */
struct work {
    const struct fovea_samples *train, *watch;
    const double *weights;
    const struct fovea_training_options *options;
    uint64_t stream;
    struct fovea_linear layer; /* in training */
    struct fovea_adam adam;
    double *gradient;
    size_t *order; /* rows, shuffled */
    struct fovea_training *result;
};

size_t fovea_most_probable(const double *probability, size_t classes) {
    size_t best = 0;
    for (size_t k = 1; k < classes; k++) {
        best = probability[k] > probability[best] ? k : best;
    }
    return best;
}

double fovea_linear_accuracy(const struct fovea_linear *layer, const struct fovea_samples *samples) {
    size_t right = 0;
    for (size_t i = 0; i < samples->count; i++) {
        double probability[FOVEA_LINEAR_CLASSES_MAX];
        size_t row = samples->rows[i];
        fovea_linear_predict(layer, samples->features + row * layer->features, probability);
        right += fovea_most_probable(probability, layer->classes) == samples->labels[row];
    }
    return (double)right / (double)samples->count;
}

/* Fisher and Yates. */
static void shuffle(size_t *rows, size_t count, struct random *random) {
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(random, (uint32_t)i), kept = rows[i - 1];
        rows[i - 1] = rows[other];
        rows[other] = kept;
    }
}

/* One epoch of steps; returns the loss over its batches, each before its step. */
static double run_epoch(struct work *work, size_t epoch) {
    struct random random;
    double loss = 0.0, rate = fovea_cosine_rate(work->options->rate, epoch, work->options->period);
    random_start(&random, work->options->seed, work->stream, SHUFFLES + epoch);
    shuffle(work->order, work->train->count, &random);
    for (size_t at = 0; at < work->train->count; at += work->options->batch) {
        size_t left = work->train->count - at;
        struct fovea_samples batch = *work->train;
        batch.rows = work->order + at;
        batch.count = left < work->options->batch ? left : work->options->batch;
        loss += (double)batch.count * fovea_linear_loss(&work->layer, &batch, work->weights, work->gradient);
        fovea_adam_step(&work->adam, work->layer.values, work->gradient, rate);
    }
    return loss / (double)work->train->count;
}

/* Notes where an epoch led to, and keeps the layer if it is the best so far. */
static void note(struct work *work, size_t epoch, double loss) {
    struct fovea_training *result = work->result;
    struct fovea_epoch *point = &result->curve[epoch], *best = &result->curve[result->best];
    *point = (struct fovea_epoch){loss, NAN, NAN};
    bool better = true;
    if (work->watch != NULL) {
        point->watched = fovea_linear_loss(&work->layer, work->watch, work->weights, NULL);
        point->accuracy = fovea_linear_accuracy(&work->layer, work->watch);
        better = epoch == 0 || point->accuracy > best->accuracy ||
                 (point->accuracy >= best->accuracy && point->watched < best->watched);
    }
    if (better) {
        result->best = epoch;
        memcpy(result->layer.values, work->layer.values, fovea_linear_size(&work->layer) * sizeof *work->layer.values);
    }
    result->run = epoch;
}

static void run(struct work *work) {
    size_t least = 0; /* the epoch of the least watched loss */
    note(work, 0, fovea_linear_loss(&work->layer, work->train, work->weights, NULL));
    for (size_t epoch = 1; epoch <= work->options->epochs; epoch++) {
        double loss = run_epoch(work, epoch - 1);
        note(work, epoch, loss);
        if (work->watch == NULL) {
            continue;
        }
        least = work->result->curve[epoch].watched < work->result->curve[least].watched ? epoch : least;
        if (epoch - least >= work->options->patience) {
            return;
        }
    }
}

enum fv_status fovea_train(const struct fovea_linear *start, const struct fovea_samples *train,
                           const struct fovea_samples *watch, const double *weights,
                           const struct fovea_training_options *options, uint64_t stream, struct fovea_training *result,
                           struct fv_error *error) {
    const size_t size = fovea_linear_size(start);
    *result = (struct fovea_training){.layer = {start->classes, start->features, NULL}};
    result->layer.values = fv_allocate(size, sizeof *result->layer.values);
    result->curve = fv_allocate(options->epochs + 1, sizeof *result->curve);
    double *values = fv_allocate(size, sizeof *values), *gradient = fv_allocate(size, sizeof *gradient);
    double *moments = fv_allocate_zero(2 * size, sizeof *moments);
    size_t *order = fv_allocate(train->count, sizeof *order);
    bool complete = result->layer.values != NULL && result->curve != NULL && values != NULL && gradient != NULL &&
                    moments != NULL && order != NULL;
    if (complete) {
        memcpy(values, start->values, size * sizeof *values);
        memcpy(order, train->rows, train->count * sizeof *order);
        struct work work = {
            .train = train,
            .watch = watch,
            .weights = weights,
            .options = options,
            .stream = stream,
            .layer = {start->classes, start->features, values},
            .adam = {size, size - start->classes, options->decay, moments, moments + size, 0},
            .gradient = gradient,
            .order = order,
            .result = result,
        };
        run(&work);
    } else {
        fovea_training_clear(result);
    }
    fv_release(values);
    fv_release(gradient);
    fv_release(moments);
    fv_release(order);
    return complete ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "training the last layer: out of memory");
}

void fovea_training_clear(struct fovea_training *training) {
    fv_release(training->layer.values);
    fv_release(training->curve);
    *training = (struct fovea_training){0};
}
