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

#endif
