/* Maximum and average pooling of one plane block: one output pixel at a time over the taps inside the input. Memory
 * bound: a tap is one load and one operation, so no register tile pays. */
#ifndef FOVEA_KERNELS_POOL_VECTOR_H
#define FOVEA_KERNELS_POOL_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector.h"
#include "kernels/window.h"

static void max_pool(const struct fv_window *window, const float *input, size_t first_row, size_t last_row,
                     float *output) {
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t x = 0; x < window->output_width; x++) {
            const struct window_taps taps = window_taps_at(window, y, x);
            const float *row = input + (taps.top * window->input_width + taps.left) * WIDTH;
            vector greatest = vector_load(row);
            for (size_t ky = taps.first_y; ky < taps.last_y; ky++, row += window->input_width * WIDTH) {
                for (size_t kx = 0; kx < taps.last_x - taps.first_x; kx++) {
                    greatest = vector_maximum(greatest, vector_load(row + kx * WIDTH));
                }
            }
            vector_store(output + (y * window->output_width + x) * WIDTH, greatest);
        }
    }
}

static void average_pool(const struct fv_window *window, const float *input, bool include_padding, size_t first_row,
                         size_t last_row, float *output) {
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t x = 0; x < window->output_width; x++) {
            const struct window_taps taps = window_taps_at(window, y, x);
            const size_t height = taps.last_y - taps.first_y, width = taps.last_x - taps.first_x;
            const size_t taps_inside = height * width;
            const size_t divisor = include_padding ? window->kernel_height * window->kernel_width : taps_inside;
            const float *row = input + (taps.top * window->input_width + taps.left) * WIDTH;
            vector sum = vector_zero();
            for (size_t ky = 0; ky < height; ky++, row += window->input_width * WIDTH) {
                for (size_t kx = 0; kx < width; kx++) {
                    sum += vector_load(row + kx * WIDTH);
                }
            }
            vector_store(output + (y * window->output_width + x) * WIDTH, sum / vector_broadcast((float)divisor));
        }
    }
}

#endif
