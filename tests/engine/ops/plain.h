/* Every operator in plain double loops, the reference of the operator tests, with bounds for float32's rounding.
 *
 * Bounds. u = 2^-24 is the unit roundoff. A sum of n products in any order is off by at most n u S, S the sum of the
 * products' magnitudes; n + 4 allows for bias, residual and weights that were scaled and rounded once more. Functions
 * of one value carry the bound of their argument times the steepest slope (at most 1.2 among the activations) and add 8
 * u of the magnitude for their own evaluation (4 ulp, which is what the kernels' own tests allow). Other bounds stand
 * at their functions.
 *
 * Thread safety: Check's own; one test at a time. */
#ifndef FOVEA_TESTS_PLAIN_H
#define FOVEA_TESTS_PLAIN_H

#include "checks.h"

/* Planes [channels][height][width] or tokens [rows][channels], and how far off float32 may be. */
struct plain {
    struct fv_shape shape;
    size_t count;
    double *values, *bounds;
};

/* An array of that shape, zero. Every struct plain is freed with plain_free. */
struct plain plain_new(struct fv_shape shape);
void plain_free(struct plain *array);

/* The position of a value. */
size_t plain_at(const struct plain *array, size_t channel, size_t y, size_t x);

/* Planes as tokens, exactly. */
struct plain plain_tokens(const struct plain *planes);

/* Operators as in fovea/graph.h; weights come from the model. */
struct plain plain_convolution(const struct fv_model *model, const struct plain *input,
                               const struct fv_convolution *options);
struct plain plain_transposed(const struct fv_model *model, const struct plain *input,
                              const struct fv_transposed_convolution *options);
struct plain plain_linear(const struct fv_model *model, const struct plain *input, const char *weight,
                          const char *bias);
struct plain plain_batch_norm(const struct fv_model *model, const struct plain *input, const char *name,
                              double epsilon);
struct plain plain_affine(const struct plain *input, const float *scale, const float *shift);
/* Instance norm of planes, layer norm of tokens. */
struct plain plain_norm(const struct fv_model *model, const struct plain *input, const char *name, double epsilon);
struct plain plain_activation(const struct plain *input, enum fv_activation_kind kind, double slope);
struct plain plain_softmax(const struct plain *input);
struct plain plain_attention(const struct fv_model *model, const struct plain *qkv,
                             const struct fv_window_attention *options);
struct plain plain_merge(const struct plain *input);
struct plain plain_add(const struct plain *a, const struct plain *b);
struct plain plain_concat(const struct plain *inputs, size_t count);
struct plain plain_scale(const struct plain *input, const struct plain *gate);
struct plain plain_mean(const struct plain *input);
struct plain plain_pool(const struct plain *input, const struct fv_pooling *options, bool maximum);
struct plain plain_upsample(const struct plain *input, size_t factor_y, size_t factor_x, bool bilinear);

#endif
