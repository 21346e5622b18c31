/* Between planar images, rows and blocks: transposes of WIDTH x WIDTH in registers, the edges element by element. */
#ifndef FOVEA_KERNELS_REORDER_VECTOR_H
#define FOVEA_KERNELS_REORDER_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector.h"

static void planar_to_block(const float *planar, size_t channel_stride, size_t channels, size_t pixels, float *block) {
    size_t p = 0;
    for (; p + WIDTH <= pixels; p += WIDTH) {
        vector rows[FV_WIDTH];
        for (size_t c = 0; c < WIDTH; c++) {
            rows[c] = c < channels ? vector_load(planar + c * channel_stride + p) : vector_zero();
        }
        vector_transpose(rows);
        for (size_t i = 0; i < WIDTH; i++) {
            vector_store(block + (p + i) * WIDTH, rows[i]);
        }
    }
    for (; p < pixels; p++) {
        for (size_t c = 0; c < WIDTH; c++) {
            block[p * WIDTH + c] = c < channels ? planar[c * channel_stride + p] : 0;
        }
    }
}

static void block_to_planar(const float *block, size_t channels, size_t pixels, float *planar, size_t channel_stride) {
    size_t p = 0;
    for (; p + WIDTH <= pixels; p += WIDTH) {
        vector rows[FV_WIDTH];
        for (size_t i = 0; i < WIDTH; i++) {
            rows[i] = vector_load(block + (p + i) * WIDTH);
        }
        vector_transpose(rows);
        for (size_t c = 0; c < channels; c++) {
            vector_store(planar + c * channel_stride + p, rows[c]);
        }
    }
    for (; p < pixels; p++) {
        for (size_t c = 0; c < channels; c++) {
            planar[c * channel_stride + p] = block[p * WIDTH + c];
        }
    }
}

#endif
