/* The last layer of a grader, its loss, and the optimiser that trains it; all in double.
 *
 * Thread safety: all functions are reentrant; sums have one order, so results never depend on threads. */
#ifndef FOVEA_APPS_ADAPT_LINEAR_H
#define FOVEA_APPS_ADAPT_LINEAR_H

#include <stddef.h>

/* logits[k] = sum over f of weight[k][f] x[f] + bias[k]. */
struct fovea_linear {
    size_t classes, features;
    double *values; /* weight [classes][features], then bias [classes]; the owner's */
};

enum { FOVEA_LINEAR_CLASSES_MAX = 8 };

/* How many values a layer has. */
size_t fovea_linear_size(const struct fovea_linear *layer);

/* The softmax of the logits of one vector of features. At most FOVEA_LINEAR_CLASSES_MAX classes. */
void fovea_linear_predict(const struct fovea_linear *layer, const float *features, double *probability);

/* Vectors of features with their labels. */
struct fovea_samples {
    const float *features; /* row r begins at r x layer.features */
    const size_t *labels;  /* of row r */
    const size_t *rows;    /* which of them take part, in the order of the sums */
    size_t count;
};

/* Eq. 4 and 5 of Wang et al. 2021: sum of -weight_y log P_y over sum of weight_y, where y is a sample's label and
 * `weights` holds one number a class. With `gradient` (fovea_linear_size values) its derivative by every value of the
 * layer. At least one sample. The smallest P_y that counts is DBL_MIN, so the loss is finite. */
double fovea_linear_loss(const struct fovea_linear *layer, const struct fovea_samples *samples, const double *weights,
                         double *gradient);

/* Eq. 2: samples over classes times those of a class. `counts` has no zero. */
void fovea_class_weights(const size_t *counts, size_t classes, double *weights);

/* Adam (Kingma and Ba 2015) with decoupled weight decay (AdamW, Loshchilov and Hutter 2019), beta 0.9 and 0.999,
 * epsilon 1e-8, as PyTorch computes it. With no decay it is Adam. */
struct fovea_adam {
    size_t count;           /* values */
    size_t decayed;         /* the first of them, which decay: the weights, not the bias */
    double decay;           /* per step, times the learning rate */
    double *first, *second; /* moments, `count` zeros at the start; the owner's */
    size_t steps;
};

/* One step of all values against the gradient. */
void fovea_adam_step(struct fovea_adam *adam, double *values, const double *gradient, double rate);

/* Cosine annealing with restarts up the cosine (PyTorch's CosineAnnealingLR): rate (1 + cos(pi epoch / period)) / 2,
 * epoch counted from 0. */
double fovea_cosine_rate(double rate, size_t epoch, size_t period);

#endif
