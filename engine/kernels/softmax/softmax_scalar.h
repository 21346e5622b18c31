/* Softmax, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_SOFTMAX_SCALAR_H
#define FOVEA_KERNELS_SOFTMAX_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"

static void softmax_block(const float *input, size_t channels, size_t pixels, float *output) {
    for (size_t p = 0; p < pixels; p++) {
        const float *x = input + p * WIDTH;
        double greatest = -INFINITY, sum = 0;
        for (size_t c = 0; c < channels; c++) {
            greatest = fmax(greatest, (double)x[c]);
        }
        for (size_t c = 0; c < channels; c++) {
            sum += exp((double)x[c] - greatest);
        }
        for (size_t c = 0; c < WIDTH; c++) {
            output[p * WIDTH + c] = c < channels ? (float)(exp((double)x[c] - greatest) / sum) : 0;
        }
    }
}

static double softmax_score(const float *input, const float *bias, const float *mask, size_t i) {
    return (double)input[i] + (bias != NULL ? (double)bias[i] : 0) + (mask != NULL ? (double)mask[i] : 0);
}

static void softmax_row(const float *input, const float *bias, const float *mask, size_t count, float *output) {
    double greatest = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) {
        greatest = fmax(greatest, softmax_score(input, bias, mask, i));
    }
    for (size_t i = 0; i < count; i++) {
        sum += exp(softmax_score(input, bias, mask, i) - greatest);
    }
    for (size_t i = 0; i < count; i++) {
        output[i] = (float)(exp(softmax_score(input, bias, mask, i) - greatest) / sum);
    }
    for (size_t i = count; i % FV_TOKEN_ALIGNMENT != 0; i++) {
        output[i] = 0;
    }
}

#endif
