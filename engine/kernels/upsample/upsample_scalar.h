/* Enlarging one plane block, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_UPSAMPLE_SCALAR_H
#define FOVEA_KERNELS_UPSAMPLE_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"
#include "kernels/upsample/upsample_source.h"

static void upsample_nearest(const float *input, size_t height, size_t width, size_t factor_y, size_t factor_x,
                             size_t first_row, size_t last_row, float *output) {
    (void)height;
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t x = 0; x < width * factor_x; x++) {
            for (size_t lane = 0; lane < WIDTH; lane++) {
                output[(y * width * factor_x + x) * WIDTH + lane] =
                    input[(y / factor_y * width + x / factor_x) * WIDTH + lane];
            }
        }
    }
}

static void upsample_bilinear(const float *input, size_t height, size_t width, size_t factor_y, size_t factor_x,
                              size_t first_row, size_t last_row, float *output) {
    for (size_t y = first_row; y < last_row; y++) {
        const struct upsample_source row = upsample_source_at(y, factor_y, height);
        for (size_t x = 0; x < width * factor_x; x++) {
            const struct upsample_source column = upsample_source_at(x, factor_x, width);
            const double down = (double)row.weight, right = (double)column.weight;
            for (size_t lane = 0; lane < WIDTH; lane++) {
                const double above_left = (double)input[(row.low * width + column.low) * WIDTH + lane];
                const double above_right = (double)input[(row.low * width + column.high) * WIDTH + lane];
                const double below_left = (double)input[(row.high * width + column.low) * WIDTH + lane];
                const double below_right = (double)input[(row.high * width + column.high) * WIDTH + lane];
                const double above = above_left * (1 - right) + above_right * right;
                const double below = below_left * (1 - right) + below_right * right;
                output[(y * width * factor_x + x) * WIDTH + lane] = (float)(above * (1 - down) + below * down);
            }
        }
    }
}

#endif
