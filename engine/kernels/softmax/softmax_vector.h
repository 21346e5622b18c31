/* Softmax over the lanes of a plane block. The greatest element is subtracted first, so no exponential overflows. */
#ifndef FOVEA_KERNELS_SOFTMAX_VECTOR_H
#define FOVEA_KERNELS_SOFTMAX_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector_math.h"

static void softmax_block(const float *input, size_t channels, size_t pixels, float *output) {
    const vector_mask inside = mask_first(channels);
    const vector outside = vector_broadcast(-INFINITY);
    for (size_t p = 0; p < pixels; p++) {
        const vector x = vector_select(inside, vector_load(input + p * WIDTH), outside);
        const vector exponential = vector_exp(x - vector_greatest(x));
        const vector kept = vector_keep(inside, exponential);
        vector_store(output + p * WIDTH, kept / vector_sum(kept));
    }
}

#endif
