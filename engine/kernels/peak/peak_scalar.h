/* The loop that measures the machine's peak, as plain C compiles. */
#ifndef FOVEA_KERNELS_PEAK_SCALAR_H
#define FOVEA_KERNELS_PEAK_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"

static void fma_loop(size_t steps, float *result) {
    double sums[FV_FMA_CHAINS * FV_WIDTH];
    for (size_t c = 0; c < FV_FMA_CHAINS * WIDTH; c++) {
        sums[c] = (double)(c / WIDTH);
    }
    for (size_t i = 0; i < steps; i++) {
        for (size_t c = 0; c < FV_FMA_CHAINS * WIDTH; c++) {
            sums[c] = sums[c] * 0.5 + 1;
        }
    }
    for (size_t lane = 0; lane < WIDTH; lane++) {
        double sum = 0;
        for (size_t c = lane; c < FV_FMA_CHAINS * WIDTH; c += WIDTH) {
            sum += sums[c];
        }
        result[lane] = (float)sum;
    }
}

#endif
