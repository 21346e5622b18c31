/* Depthwise convolution, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_DEPTHWISE_SCALAR_H
#define FOVEA_KERNELS_DEPTHWISE_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"
#include "kernels/window.h"

static double depthwise_sum(const struct fv_window *window, const float *input, const float *weights, size_t y,
                            size_t x, size_t lane) {
    const struct window_taps taps = window_taps_at(window, y, x);
    double sum = 0;
    for (size_t ky = taps.first_y; ky < taps.last_y; ky++) {
        for (size_t kx = taps.first_x; kx < taps.last_x; kx++) {
            const size_t row = taps.top + ky - taps.first_y, column = taps.left + kx - taps.first_x;
            sum += (double)input[(row * window->input_width + column) * WIDTH + lane] *
                   (double)weights[(ky * window->kernel_width + kx) * WIDTH + lane];
        }
    }
    return sum;
}

static void depthwise(const struct fv_window *window, const float *input, const float *weights, const float *bias,
                      enum fv_activation activation, float slope, size_t first_row, size_t last_row, float *output) {
    for (size_t y = first_row; y < last_row; y++) {
        for (size_t x = 0; x < window->output_width; x++) {
            for (size_t lane = 0; lane < WIDTH; lane++) {
                const double sum = depthwise_sum(window, input, weights, y, x, lane) + (double)bias[lane];
                output[(y * window->output_width + x) * WIDTH + lane] =
                    (float)activate_scalar(sum, activation, (double)slope);
            }
        }
    }
}

#endif
