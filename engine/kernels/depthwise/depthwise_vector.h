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

/* The sums of `pixels` (a constant) neighbouring outputs over the taps of `taps`; `stride` is the window's, given as a
 * constant where it is a common one. */
FV_INLINE void depthwise_pixels(const struct fv_window *window, struct window_taps taps, const float *input,
                                const float *weights, vector bias, size_t stride, size_t pixels, float *output) {
    const size_t width = window->input_width, taps_across = taps.last_x - taps.first_x;
    const float *row = input + (taps.top * width + taps.left) * WIDTH;
    const float *weight_row = weights + (taps.first_y * window->kernel_width + taps.first_x) * WIDTH;
    vector sums[DEPTHWISE_PIXELS];
    FV_UNROLL
    for (size_t p = 0; p < pixels; p++) {
        sums[p] = bias;
    }
    for (size_t ky = taps.first_y; ky < taps.last_y; ky++) {
        for (size_t kx = 0; kx < taps_across; kx++) {
            const vector tap = vector_load(weight_row + kx * WIDTH);
            FV_UNROLL
            for (size_t p = 0; p < pixels; p++) {
                sums[p] = vector_multiply_add(vector_load(row + (kx + p * stride) * WIDTH), tap, sums[p]);
            }
        }
        row += width * WIDTH;
        weight_row += window->kernel_width * WIDTH;
    }
    FV_UNROLL
    for (size_t p = 0; p < pixels; p++) {
        vector_store(output + p * WIDTH, sums[p]);
    }
}

FV_INLINE void depthwise_row(const struct fv_window *window, const float *input, const float *weights, vector bias,
                             size_t stride, size_t y, float *output) {
    const struct window_inside inside = window_inside_columns(window);
    size_t x = 0;
    while (x < window->output_width) {
        const struct window_taps taps = window_taps_at(window, y, x);
        if (x >= inside.first && x + DEPTHWISE_PIXELS <= inside.last) {
            depthwise_pixels(window, taps, input, weights, bias, stride, DEPTHWISE_PIXELS, output + x * WIDTH);
            x += DEPTHWISE_PIXELS;
        } else {
            depthwise_pixels(window, taps, input, weights, bias, stride, 1, output + x * WIDTH);
            x++;
        }
    }
}

static void depthwise(const struct fv_window *window, const float *input, const float *weights, const float *bias,
                      enum fv_activation activation, float slope, size_t first_row, size_t last_row, float *output) {
    const vector start = vector_load(bias);
    for (size_t y = first_row; y < last_row; y++) {
        float *row = output + y * window->output_width * WIDTH;
        switch (window->stride_x) {
        case 1:
            depthwise_row(window, input, weights, start, 1, y, row);
            break;
        case 2:
            depthwise_row(window, input, weights, start, 2, y, row);
            break;
        default:
            depthwise_row(window, input, weights, start, window->stride_x, y, row);
        }
        activate(row, NULL, activation, slope, window->output_width * WIDTH, row);
    }
}

#endif
