/* Maximum and average pooling, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_POOL_SCALAR_H
#define FOVEA_KERNELS_POOL_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"
#include "kernels/window.h"

static float pool_maximum(const struct fv_window *window, const float *input, struct window_taps taps, size_t lane) {
    float greatest = -INFINITY;
    for (size_t y = taps.top; y < taps.top + taps.last_y - taps.first_y; y++) {
        for (size_t x = taps.left; x < taps.left + taps.last_x - taps.first_x; x++) {
            greatest = fmaxf(greatest, input[(y * window->input_width + x) * WIDTH + lane]);
        }
    }
    return greatest;
}

static double pool_sum(const struct fv_window *window, const float *input, struct window_taps taps, size_t lane) {
    double sum = 0;
    for (size_t y = taps.top; y < taps.top + taps.last_y - taps.first_y; y++) {
        for (size_t x = taps.left; x < taps.left + taps.last_x - taps.first_x; x++) {
            sum += (double)input[(y * window->input_width + x) * WIDTH + lane];
        }
    }
    return sum;
}

static void max_pool(const struct fv_window *window, const float *input, size_t first_row, size_t last_row,
                     float *output) {
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t x = 0; x < window->output_width; x++) {
            const struct window_taps taps = window_taps_at(window, y, x);
            for (size_t lane = 0; lane < WIDTH; lane++) {
                output[(y * window->output_width + x) * WIDTH + lane] = pool_maximum(window, input, taps, lane);
            }
        }
    }
}

static void average_pool(const struct fv_window *window, const float *input, bool include_padding, size_t first_row,
                         size_t last_row, float *output) {
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t x = 0; x < window->output_width; x++) {
            const struct window_taps taps = window_taps_at(window, y, x);
            const size_t inside = (taps.last_y - taps.first_y) * (taps.last_x - taps.first_x);
            const size_t divisor = include_padding ? window->kernel_height * window->kernel_width : inside;
            for (size_t lane = 0; lane < WIDTH; lane++) {
                output[(y * window->output_width + x) * WIDTH + lane] =
                    (float)(pool_sum(window, input, taps, lane) / (double)divisor);
            }
        }
    }
}

#endif
