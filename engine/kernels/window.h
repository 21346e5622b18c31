/* Where a sliding window touches its input. */
#ifndef FOVEA_KERNELS_WINDOW_H
#define FOVEA_KERNELS_WINDOW_H

#include <stddef.h>

#include "kernels/kernels.h"

/* The taps of one output that lie inside the input: rows first_y .. last_y-1 and columns first_x .. last_x-1 of the
 * kernel, the first of which reads the input at (top, left). */
struct window_taps {
    size_t first_y, last_y, first_x, last_x, top, left;
};

/* Taps of one axis inside 0 .. size-1 for a window that starts at origin - pad. */
static inline void window_clip(size_t origin, size_t pad, size_t kernel, size_t size, size_t *first, size_t *last,
                               size_t *start) {
    const size_t end = size + pad > origin ? size + pad - origin : 0; /* the first tap beyond the input */
    *first = pad > origin ? pad - origin : 0;
    *last = end < kernel ? end : kernel;
    *start = origin + *first - pad;
    if (*first >= *last) {
        *first = *last = *start = 0;
    }
}

static inline struct window_taps window_taps_at(const struct fv_window *window, size_t y, size_t x) {
    struct window_taps taps;
    window_clip(y * window->stride_y, window->pad_top, window->kernel_height, window->input_height, &taps.first_y,
                &taps.last_y, &taps.top);
    window_clip(x * window->stride_x, window->pad_left, window->kernel_width, window->input_width, &taps.first_x,
                &taps.last_x, &taps.left);
    return taps;
}

/* Output columns first .. last-1: those whose window lies wholly inside the input's columns. */
struct window_inside {
    size_t first, last;
};

static inline struct window_inside window_inside_columns(const struct fv_window *window) {
    const size_t stride = window->stride_x;
    struct window_inside inside = {(window->pad_left + stride - 1) / stride, 0};
    if (window->input_width + window->pad_left >= window->kernel_width) {
        inside.last = (window->input_width + window->pad_left - window->kernel_width) / stride + 1;
    }
    if (inside.last > window->output_width) {
        inside.last = window->output_width;
    }
    return inside;
}

#endif
