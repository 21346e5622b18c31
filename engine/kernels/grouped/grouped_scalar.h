/* Grouped convolution, plainly: the reference for the vector source. */
#ifndef FOVEA_KERNELS_GROUPED_SCALAR_H
#define FOVEA_KERNELS_GROUPED_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"
#include "kernels/window.h"

static double grouped_sum(const struct fv_grouped *convolution, size_t y, size_t x, size_t lane) {
    const struct fv_window *window = &convolution->window;
    const struct window_taps taps = window_taps_at(window, y, x);
    const size_t group = convolution->group, first = lane - lane % group;
    double sum = 0;
    for (size_t ky = taps.first_y; ky < taps.last_y; ky++) {
        for (size_t kx = taps.first_x; kx < taps.last_x; kx++) {
            const size_t row = taps.top + ky - taps.first_y, column = taps.left + kx - taps.first_x;
            const float *pixel = convolution->input + (row * window->input_width + column) * WIDTH;
            const float *weights = convolution->weights + (ky * window->kernel_width + kx) * group * WIDTH;
            for (size_t i = 0; i < group; i++) {
                sum += (double)pixel[first + i] * (double)weights[i * WIDTH + lane];
            }
        }
    }
    return sum;
}

static void grouped(const struct fv_grouped *convolution, size_t first_row, size_t last_row) {
    const size_t columns = convolution->window.output_width;
    for (size_t i = first_row * columns * WIDTH; i < last_row * columns * WIDTH; i++) {
        const size_t pixel = i / WIDTH, lane = i % WIDTH;
        double sum = grouped_sum(convolution, pixel / columns, pixel % columns, lane) + (double)convolution->bias[lane];
        if (convolution->residual != NULL) {
            sum += (double)convolution->residual[i];
        }
        convolution->output[i] = (float)activate_scalar(sum, convolution->activation, (double)convolution->slope);
    }
}

#endif
