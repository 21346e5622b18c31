/* Softmax of token rows (attention scores) and over the lanes of a plane block. Both subtract the greatest element
 * first, so no exponential overflows and masks of -100 or minus infinity give almost zero. */
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

/* x + bias + mask of one vector; columns from `count` on are minus infinity. */
FV_INLINE vector softmax_score(const float *input, const float *bias, const float *mask, size_t column, size_t count) {
    vector x = vector_load(input + column);
    if (bias != NULL) {
        x += vector_load(bias + column);
    }
    if (mask != NULL) {
        x += vector_load(mask + column);
    }
    if (column + WIDTH > count) {
        x = vector_select(mask_first(count > column ? count - column : 0), x, vector_broadcast(-INFINITY));
    }
    return x;
}

static void softmax_row(const float *input, const float *bias, const float *mask, size_t count, float *output) {
    const size_t padded = (count + FV_TOKEN_ALIGNMENT - 1) / FV_TOKEN_ALIGNMENT * FV_TOKEN_ALIGNMENT;
    vector greatest = vector_broadcast(-INFINITY);
    for (size_t i = 0; i < padded; i += WIDTH) {
        const vector x = softmax_score(input, bias, mask, i, count);
        greatest = vector_maximum(x, greatest);
        vector_store(output + i, x);
    }
    greatest = vector_greatest(greatest);
    vector sum = vector_zero();
    for (size_t i = 0; i < padded; i += WIDTH) {
        vector exponential = vector_exp(vector_load(output + i) - greatest);
        if (i + WIDTH > count) {
            exponential = vector_keep(mask_first(count > i ? count - i : 0), exponential);
        }
        sum += exponential;
        vector_store(output + i, exponential);
    }
    const vector scale = vector_broadcast(1) / vector_sum(sum);
    for (size_t i = 0; i < padded; i += WIDTH) {
        vector_store(output + i, vector_load(output + i) * scale);
    }
}

#endif
