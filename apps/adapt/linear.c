#include "adapt/linear.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/portable_math.h"

static const double BETA_1 = 0.9, BETA_2 = 0.999, EPSILON = 1e-8;

size_t fovea_linear_size(const struct fovea_linear *layer) {
    return layer->classes * (layer->features + 1);
}

/* Four sums at a time, in a fixed order. */
static double dot(const double *weight, const float *x, size_t count) {
    double sums[4] = {0.0};
    size_t whole = count - count % 4;
    for (size_t f = 0; f < whole; f += 4) {
        for (size_t i = 0; i < 4; i++) {
            sums[i] += weight[f + i] * (double)x[f + i];
        }
    }
    for (size_t f = whole; f < count; f++) {
        sums[0] += weight[f] * (double)x[f];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void fovea_linear_predict(const struct fovea_linear *layer, const float *features, double *probability) {
    const double *bias = layer->values + layer->classes * layer->features;
    double greatest = -INFINITY, sum = 0.0;
    for (size_t k = 0; k < layer->classes; k++) {
        probability[k] = dot(layer->values + k * layer->features, features, layer->features) + bias[k];
        greatest = fmax(greatest, probability[k]);
    }
    for (size_t k = 0; k < layer->classes; k++) {
        probability[k] = exp(probability[k] - greatest);
        sum += probability[k];
    }
    for (size_t k = 0; k < layer->classes; k++) {
        probability[k] /= sum;
    }
}

/* gradient += slope of one class x (features, 1). */
static void add_gradient(const struct fovea_linear *layer, const float *x, size_t class, double slope,
                         double *gradient) {
    double *row = gradient + class * layer->features;
    for (size_t f = 0; f < layer->features; f++) {
        row[f] += slope * (double)x[f];
    }
    gradient[layer->classes * layer->features + class] += slope;
}

double fovea_linear_loss(const struct fovea_linear *layer, const struct fovea_samples *samples, const double *weights,
                         double *gradient) {
    double loss = 0.0, total = 0.0;
    for (size_t i = 0; i < samples->count; i++) {
        total += weights[samples->labels[samples->rows[i]]];
    }
    if (gradient != NULL) {
        memset(gradient, 0, fovea_linear_size(layer) * sizeof *gradient);
    }
    for (size_t i = 0; i < samples->count; i++) {
        const float *x = samples->features + samples->rows[i] * layer->features;
        size_t label = samples->labels[samples->rows[i]];
        double probability[FOVEA_LINEAR_CLASSES_MAX], share = weights[label] / total;
        fovea_linear_predict(layer, x, probability);
        loss -= share * log(fmax(probability[label], DBL_MIN));
        for (size_t k = 0; k < layer->classes && gradient != NULL; k++) {
            add_gradient(layer, x, k, share * (probability[k] - (k == label ? 1.0 : 0.0)), gradient);
        }
    }
    return loss;
}

void fovea_class_weights(const size_t *counts, size_t classes, double *weights) {
    double total = 0.0;
    for (size_t k = 0; k < classes; k++) {
        total += (double)counts[k];
    }
    for (size_t k = 0; k < classes; k++) {
        weights[k] = total / ((double)classes * (double)counts[k]);
    }
}

void fovea_adam_step(struct fovea_adam *adam, double *values, const double *gradient, double rate) {
    adam->steps++;
    const double step = rate / (1.0 - pow(BETA_1, (double)adam->steps));
    const double scale = sqrt(1.0 - pow(BETA_2, (double)adam->steps));
    for (size_t i = 0; i < adam->count; i++) {
        if (i < adam->decayed) {
            values[i] *= 1.0 - rate * adam->decay;
        }
        adam->first[i] = BETA_1 * adam->first[i] + (1.0 - BETA_1) * gradient[i];
        adam->second[i] = BETA_2 * adam->second[i] + (1.0 - BETA_2) * gradient[i] * gradient[i];
        values[i] -= step * adam->first[i] / (sqrt(adam->second[i]) / scale + EPSILON);
    }
}

double fovea_cosine_rate(double rate, size_t epoch, size_t period) {
    /* The cosine repeats, and stays exact for any number of epochs. */
    return rate * (1.0 + portable_cosine(PORTABLE_PI * (double)(epoch % (2 * period)) / (double)period)) / 2.0;
}
