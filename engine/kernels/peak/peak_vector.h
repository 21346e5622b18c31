/* The loop that measures the machine's peak: independent multiply-adds in registers and nothing else. FV_FMA_CHAINS
 * sums hide the latency of two units of latency 4 or 5 and fit 16 registers. */
#ifndef FOVEA_KERNELS_PEAK_VECTOR_H
#define FOVEA_KERNELS_PEAK_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector.h"

static void fma_loop(size_t steps, float *result) {
    vector sums[FV_FMA_CHAINS];
    vector factor = vector_broadcast(0.5F), term = vector_broadcast(1);
    __asm__ volatile("" : "+m"(factor), "+m"(term)); /* values that the compiler cannot fold */
    FV_UNROLL
    for (size_t c = 0; c < FV_FMA_CHAINS; c++) {
        sums[c] = vector_broadcast((float)c);
    }
    for (size_t i = 0; i < steps; i++) {
        FV_UNROLL
        for (size_t c = 0; c < FV_FMA_CHAINS; c++) {
            sums[c] = vector_multiply_add(sums[c], factor, term);
        }
    }
    FV_UNROLL
    for (size_t c = 1; c < FV_FMA_CHAINS; c++) {
        sums[0] += sums[c];
    }
    vector_store(result, sums[0]);
}

#endif
