/* Between planar images, rows and blocks, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_REORDER_SCALAR_H
#define FOVEA_KERNELS_REORDER_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"

static void planar_to_block(const float *planar, size_t channel_stride, size_t channels, size_t pixels, float *block) {
    for (size_t p = 0; p < pixels; p++) {
        for (size_t c = 0; c < WIDTH; c++) {
            block[p * WIDTH + c] = c < channels ? planar[c * channel_stride + p] : 0;
        }
    }
}

static void block_to_planar(const float *block, size_t channels, size_t pixels, float *planar, size_t channel_stride) {
    for (size_t c = 0; c < channels; c++) {
        for (size_t p = 0; p < pixels; p++) {
            planar[c * channel_stride + p] = block[p * WIDTH + c];
        }
    }
}

#endif
