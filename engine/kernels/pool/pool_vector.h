/* Maximum and average pooling of one plane block. Memory bound; a tile of 4 output pixels shares the address arithmetic
 * of the window and keeps 4 chains in flight. Columns whose window leaves the input are computed one by one over the
 * taps inside. */
#ifndef FOVEA_KERNELS_POOL_VECTOR_H
#define FOVEA_KERNELS_POOL_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector.h"
#include "kernels/window.h"

enum { POOL_PIXELS = 4 };

enum pool_kind { POOL_MAXIMUM, POOL_AVERAGE };

/* `pixels` neighbouring outputs over the taps of `taps`; `pixels` and `kind` are constants. `divisor` is 0 to divide by
 * the number of taps. */
FV_INLINE void pool_pixels(const struct fv_window *window, struct window_taps taps, const float *input,
                           enum pool_kind kind, size_t divisor, size_t pixels, float *output) {
    const size_t across = taps.last_x - taps.first_x, down = taps.last_y - taps.first_y;
    const float *row = input + (taps.top * window->input_width + taps.left) * WIDTH;
    vector results[POOL_PIXELS];
    FV_UNROLL
    for (size_t p = 0; p < pixels; p++) {
        results[p] = kind == POOL_MAXIMUM ? vector_load(row + p * window->stride_x * WIDTH) : vector_zero();
    }
    for (size_t ky = 0; ky < down; ky++, row += window->input_width * WIDTH) {
        for (size_t kx = 0; kx < across; kx++) {
            FV_UNROLL
            for (size_t p = 0; p < pixels; p++) {
                const vector x = vector_load(row + (kx + p * window->stride_x) * WIDTH);
                results[p] = kind == POOL_MAXIMUM ? vector_maximum(results[p], x) : results[p] + x;
            }
        }
    }
    const vector count = vector_broadcast((float)(divisor != 0 ? divisor : across * down));
    FV_UNROLL
    for (size_t p = 0; p < pixels; p++) {
        vector_store(output + p * WIDTH, kind == POOL_MAXIMUM ? results[p] : results[p] / count);
    }
}

FV_INLINE void pool_rows(const struct fv_window *window, const float *input, enum pool_kind kind, size_t divisor,
                         size_t first_row, size_t last_row, float *output) {
    const struct window_inside inside = window_inside_columns(window);
    for (size_t y = first_row; y < last_row; y++) {
        float *row = output + y * window->output_width * WIDTH;
        size_t x = 0;
        while (x < window->output_width) {
            const struct window_taps taps = window_taps_at(window, y, x);
            if (x >= inside.first && x + POOL_PIXELS <= inside.last) {
                pool_pixels(window, taps, input, kind, divisor, POOL_PIXELS, row + x * WIDTH);
                x += POOL_PIXELS;
            } else {
                pool_pixels(window, taps, input, kind, divisor, 1, row + x * WIDTH);
                x++;
            }
        }
    }
}

static void max_pool(const struct fv_window *window, const float *input, size_t first_row, size_t last_row,
                     float *output) {
    pool_rows(window, input, POOL_MAXIMUM, 0, first_row, last_row, output);
}

static void average_pool(const struct fv_window *window, const float *input, bool include_padding, size_t first_row,
                         size_t last_row, float *output) {
    const size_t divisor = include_padding ? window->kernel_height * window->kernel_width : 0;
    pool_rows(window, input, POOL_AVERAGE, divisor, first_row, last_row, output);
}

#endif
