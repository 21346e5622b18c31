/* Element by element, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_POINTWISE_SCALAR_H
#define FOVEA_KERNELS_POINTWISE_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"

static void affine(const float *input, const float *scale, const float *shift, const float *residual,
                   enum fv_activation activation, float slope, size_t pixels, float *output) {
    for (size_t i = 0; i < pixels * WIDTH; i++) {
        const size_t lane = i % WIDTH;
        double sum = (double)input[i] * (scale != NULL ? (double)scale[lane] : 1);
        sum += shift != NULL ? (double)shift[lane] : 0;
        sum += residual != NULL ? (double)residual[i] : 0;
        output[i] = (float)activate_scalar(sum, activation, (double)slope);
    }
}

static void activate(const float *input, const float *residual, enum fv_activation activation, float slope,
                     size_t count, float *output) {
    affine(input, NULL, NULL, residual, activation, slope, count / WIDTH, output);
}

static void scale_rows(const float *input, const float *factors, size_t rows, size_t count, float *output) {
    for (size_t i = 0; i < rows * count; i++) {
        output[i] = input[i] * factors[i / count];
    }
}

#endif
