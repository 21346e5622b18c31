/* Element by element: y = activation(x * scale + shift + residual). Memory bound; the activation is chosen outside the
 * loop, one instance of the template each. */
#ifndef FOVEA_KERNELS_POINTWISE_VECTOR_H
#define FOVEA_KERNELS_POINTWISE_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector_math.h"

FV_INLINE void affine_template(const float *input, vector scale, vector shift, const float *residual,
                               enum fv_activation activation, float slope, size_t pixels, float *output) {
    const vector slopes = vector_broadcast(slope);
    if (residual != NULL) {
        FV_UNROLL_SOME
        for (size_t i = 0; i < pixels * WIDTH; i += WIDTH) {
            const vector sum = vector_multiply_add(vector_load(input + i), scale, shift) + vector_load(residual + i);
            vector_store(output + i, vector_activate(sum, activation, slopes));
        }
    } else {
        FV_UNROLL_SOME
        for (size_t i = 0; i < pixels * WIDTH; i += WIDTH) {
            const vector sum = vector_multiply_add(vector_load(input + i), scale, shift);
            vector_store(output + i, vector_activate(sum, activation, slopes));
        }
    }
}

static void affine(const float *input, const float *scale, const float *shift, const float *residual,
                   enum fv_activation activation, float slope, size_t pixels, float *output) {
    const vector a = scale != NULL ? vector_load(scale) : vector_broadcast(1);
    const vector b = shift != NULL ? vector_load(shift) : vector_zero();
    switch (activation) {
    case FV_ACTIVATION_NONE:
        affine_template(input, a, b, residual, FV_ACTIVATION_NONE, slope, pixels, output);
        break;
    case FV_ACTIVATION_RELU:
        affine_template(input, a, b, residual, FV_ACTIVATION_RELU, slope, pixels, output);
        break;
    case FV_ACTIVATION_LEAKY_RELU:
        affine_template(input, a, b, residual, FV_ACTIVATION_LEAKY_RELU, slope, pixels, output);
        break;
    case FV_ACTIVATION_SILU:
        affine_template(input, a, b, residual, FV_ACTIVATION_SILU, slope, pixels, output);
        break;
    case FV_ACTIVATION_SIGMOID:
        affine_template(input, a, b, residual, FV_ACTIVATION_SIGMOID, slope, pixels, output);
        break;
    case FV_ACTIVATION_GELU:
        affine_template(input, a, b, residual, FV_ACTIVATION_GELU, slope, pixels, output);
        break;
    }
}

static void activate(const float *input, const float *residual, enum fv_activation activation, float slope,
                     size_t count, float *output) {
    if (activation == FV_ACTIVATION_NONE && residual == NULL && input == output) {
        return;
    }
    affine(input, NULL, NULL, residual, activation, slope, count / WIDTH, output);
}

static void scale_rows(const float *input, const float *factors, size_t rows, size_t count, float *output) {
    for (size_t row = 0; row < rows; row++) {
        const vector factor = vector_broadcast(factors[row]);
        FV_UNROLL_SOME
        for (size_t i = row * count; i < (row + 1) * count; i += WIDTH) {
            vector_store(output + i, vector_load(input + i) * factor);
        }
    }
}

#endif
