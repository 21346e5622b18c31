/* Depthwise convolution of one plane block.
 *
 * Tile and register budget: 8 output pixels of one row share each tap's weights: 8 sums + 1 weight + 1 input, which
 * fits 16 registers and keeps 8 FMAs in flight. Columns whose window leaves the input are computed one by one over the
 * taps inside. */
#ifndef FOVEA_KERNELS_DEPTHWISE_VECTOR_H
#define FOVEA_KERNELS_DEPTHWISE_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector_math.h"
#include "kernels/window.h"

enum { DEPTHWISE_PIXELS = 8 };

/* The sums of `pixels` (a constant) neighbouring outputs over the taps of `taps`. */
FV_INLINE void depthwise_pixels(const struct fv_window *window, struct window_taps taps, const float *input,
                                const float *weights, vector bias, size_t pixels, float *output) {
    vector sums[DEPTHWISE_PIXELS];
    FV_UNROLL
    for (size_t p = 0; p < pixels; p++) {
        sums[p] = bias;
    }
    for (size_t ky = taps.first_y; ky < taps.last_y; ky++) {
        const float *row = input + (taps.top + ky - taps.first_y) * window->input_width * WIDTH + taps.left * WIDTH;
        const float *weight = weights + (ky * window->kernel_width + taps.first_x) * WIDTH;
        for (size_t kx = taps.first_x; kx < taps.last_x; kx++, row += WIDTH, weight += WIDTH) {
            const vector tap = vector_load(weight);
            FV_UNROLL
            for (size_t p = 0; p < pixels; p++) {
                sums[p] = vector_multiply_add(vector_load(row + p * window->stride_x * WIDTH), tap, sums[p]);
            }
        }
    }
    FV_UNROLL
    for (size_t p = 0; p < pixels; p++) {
        vector_store(output + p * WIDTH, sums[p]);
    }
}

static void depthwise(const struct fv_window *window, const float *input, const float *weights, const float *bias,
                      enum fv_activation activation, float slope, size_t first_row, size_t last_row, float *output) {
    const vector start = vector_load(bias);
    const struct window_inside inside = window_inside_columns(window);
    for (size_t y = first_row; y < last_row; y++) {
        float *row = output + y * window->output_width * WIDTH;
        size_t x = 0;
        while (x < window->output_width) {
            const struct window_taps taps = window_taps_at(window, y, x);
            if (x >= inside.first && x + DEPTHWISE_PIXELS <= inside.last) {
                depthwise_pixels(window, taps, input, weights, start, DEPTHWISE_PIXELS, row + x * WIDTH);
                x += DEPTHWISE_PIXELS;
            } else {
                depthwise_pixels(window, taps, input, weights, start, 1, row + x * WIDTH);
                x++;
            }
        }
        activate(row, NULL, activation, slope, window->output_width * WIDTH, row);
    }
}

#endif
