/* The matrix tile, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_GEMM_SCALAR_H
#define FOVEA_KERNELS_GEMM_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"

enum { TILE_ROWS = 4, TILE_VECTORS = FV_MAX_TILE_VECTORS, LAST_VECTORS = TILE_VECTORS };

static double gemm_sum(const struct fv_gemm_tile *tile, size_t row, size_t column) {
    const size_t columns = tile->vectors * WIDTH;
    const float *weights = tile->weights + column;
    double sum = 0;
    for (size_t s = 0; s < tile->segments; s++) {
        const float *input = tile->inputs[s * TILE_ROWS + row];
        for (size_t k = 0; k < tile->length; k++, weights += columns) {
            sum += (double)input[k] * (double)*weights;
        }
    }
    return sum;
}

static void gemm_tile(const struct fv_gemm_tile *tile) {
    const struct fv_epilogue *epilogue = tile->epilogue;
    for (size_t row = 0; row < tile->rows; row++) {
        for (size_t column = 0; column < tile->vectors * WIDTH; column++) {
            const size_t vector = column / WIDTH, lane = column % WIDTH;
            float *output = tile->outputs[row] + tile->output_offset + vector * tile->output_stride + lane;
            double sum = gemm_sum(tile, row, column);
            if (tile->accumulate) {
                sum += (double)*output;
            }
            if (epilogue != NULL) {
                if (epilogue->bias != NULL) {
                    sum += (double)epilogue->bias[column];
                }
                if (epilogue->residual != NULL) {
                    sum += (double)epilogue
                               ->residual[row][epilogue->residual_offset + vector * epilogue->residual_stride + lane];
                }
                sum = activate_scalar(sum, epilogue->activation, (double)epilogue->slope);
            }
            *output = (float)sum;
        }
    }
}

#endif
