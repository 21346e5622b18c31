/* Attention of one head in a window, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_ATTENTION_SCALAR_H
#define FOVEA_KERNELS_ATTENTION_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"

static double attention_score(const struct fv_attention *attention, size_t query, size_t key) {
    const size_t at = query * fv_attention_stride(attention->tokens) + key;
    double sum = 0;
    for (size_t c = 0; c < attention->head; c++) {
        sum += (double)attention->queries[query][c] * (double)attention->keys[key][c];
    }
    return sum * (double)attention->scale + (double)attention->bias[at] +
           (attention->mask != NULL ? (double)attention->mask[at] : 0);
}

static void attention(const struct fv_attention *attention) {
    const size_t tokens = attention->tokens;
    for (size_t query = 0; query < tokens; query++) {
        double greatest = -INFINITY, sum = 0;
        for (size_t key = 0; key < tokens; key++) {
            greatest = fmax(greatest, attention_score(attention, query, key));
        }
        for (size_t key = 0; key < tokens; key++) {
            attention->scratch[key] = (float)exp2(attention_score(attention, query, key) - greatest);
            sum += (double)attention->scratch[key];
        }
        for (size_t c = 0; c < attention->head; c++) {
            double value = 0;
            for (size_t key = 0; key < tokens; key++) {
                value += (double)attention->scratch[key] * (double)attention->values[key][c];
            }
            attention->outputs[query][c] = (float)(value / sum);
        }
    }
}

#endif
