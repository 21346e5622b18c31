/* Depthwise convolution of one plane block.
 *
 * Tile and register budget. A tile is 8 neighbouring output pixels of one row. For each kernel row its weights lie in
 * registers and the inputs stream past them: an input is loaded once and multiplied for every output that it is part
 * of. 8 sums + 5 weights (kernel 5) + 1 input + 1 product where there is no fused multiply-add = 15 fit 16 registers of
 * any width, and 8 chains hide the latency of the FMA. Loads are no bound: at stride 1 a kernel row of 5 takes 12
 * inputs and 5 weights for 40 FMAs, one of 3 takes 10 and 3 for 24. Several output rows a tile would save loads that
 * cost nothing, and waste FMAs where rows are few.
 *
 * Tiles whose window or whose pixels leave the row are 4 pixels wide: they read zeros outside and store what is inside.
 * The activation is applied to the sums in registers. Planes larger than the cache are bound by memory: each tile asks
 * for the inputs that the next output row is the first to read. */
#ifndef FOVEA_KERNELS_DEPTHWISE_VECTOR_H
#define FOVEA_KERNELS_DEPTHWISE_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/pointwise/pointwise_vector.h"
#include "kernels/vector_math.h"
#include "kernels/window.h"

enum { DEPTHWISE_PIXELS = 8, DEPTHWISE_EDGE_PIXELS = 4, DEPTHWISE_MAX_KERNEL = 5 };

/* What the tiles of one output row share. */
struct depthwise_row {
    const struct fv_window *window;
    const float *input, *weights; /* at the first kernel row inside the input: its input row, its weights */
    size_t kernel_rows;           /* inside the input */
    const float *ahead;           /* the input rows that the next output row is the first to read */
    size_t rows_ahead;
    vector bias;
    enum fv_activation activation;
    float slope;
    float *output;
};

/* Part of an input row: its columns from `first` on. */
struct depthwise_inputs {
    const float *start;  /* the row, or its column `first` where no tile is at an edge */
    size_t first, width; /* `first` is wrapped around where it lies in the padding */
};

FV_INLINE struct depthwise_inputs depthwise_inputs_at(const float *row, size_t first, size_t width, bool edge) {
    return (struct depthwise_inputs){edge ? row : row + first * WIDTH, first, width};
}

/* Where input `j` lies. At an edge that may be outside, where zeros are. */
FV_INLINE const float *depthwise_input(struct depthwise_inputs inputs, size_t j, bool edge) {
    static const float zeros[FV_WIDTH] = {0};
    if (!edge) {
        return inputs.start + j * WIDTH;
    }
    return inputs.first + j < inputs.width ? inputs.start + (inputs.first + j) * WIDTH : zeros;
}

/* Adds the products of one kernel row of constant size: input j meets tap kx in pixel (j - kx) / stride. */
FV_INLINE void depthwise_add_row(vector sums[DEPTHWISE_PIXELS], struct depthwise_inputs inputs, const float *weights,
                                 size_t kernel, size_t stride, size_t pixels, bool edge) {
    vector taps[DEPTHWISE_MAX_KERNEL];
    FV_UNROLL
    for (size_t kx = 0; kx < kernel; kx++) {
        taps[kx] = vector_load(weights + kx * WIDTH);
    }
    FV_UNROLL
    for (size_t j = 0; j < (pixels - 1) * stride + kernel; j++) {
        const vector x = vector_hold(vector_load(depthwise_input(inputs, j, edge)));
        FV_UNROLL
        for (size_t kx = 0; kx < kernel; kx++) {
            if (j >= kx && (j - kx) % stride == 0 && (j - kx) / stride < pixels) {
                const size_t p = (j - kx) / stride;
                sums[p] = vector_multiply_add(x, taps[kx], sums[p]);
            }
        }
    }
}

/* The same for a kernel and a stride of any size. */
FV_INLINE void depthwise_add_any_row(vector sums[DEPTHWISE_PIXELS], struct depthwise_inputs inputs,
                                     const float *weights, size_t kernel, size_t stride, size_t pixels, bool edge) {
    for (size_t kx = 0; kx < kernel; kx++) {
        const vector tap = vector_load(weights + kx * WIDTH);
        FV_UNROLL
        for (size_t p = 0; p < pixels; p++) {
            const vector x = vector_load(depthwise_input(inputs, kx + p * stride, edge));
            sums[p] = vector_multiply_add(x, tap, sums[p]);
        }
    }
}

FV_INLINE void depthwise_activate_template(vector sums[DEPTHWISE_PIXELS], enum fv_activation activation, float slope,
                                           size_t pixels) {
    const vector slopes = vector_broadcast(slope);
    FV_UNROLL
    for (size_t p = 0; p < pixels; p++) {
        sums[p] = vector_activate(sums[p], activation, slopes);
    }
}

FV_NOINLINE void depthwise_activate_stored(float *stored, enum fv_activation activation, float slope, size_t pixels) {
    activate(stored, NULL, activation, slope, pixels * WIDTH, stored);
}

/* The activations of depthwise nets on the registers, the others by way of memory: that keeps the tiles' code small. */
FV_INLINE void depthwise_activate(vector sums[DEPTHWISE_PIXELS], enum fv_activation activation, float slope,
                                  size_t pixels) {
    float stored[DEPTHWISE_PIXELS * FV_WIDTH];
    switch (activation) {
    case FV_ACTIVATION_NONE:
        break;
    case FV_ACTIVATION_RELU:
        depthwise_activate_template(sums, FV_ACTIVATION_RELU, slope, pixels);
        break;
    case FV_ACTIVATION_SILU:
        depthwise_activate_template(sums, FV_ACTIVATION_SILU, slope, pixels);
        break;
    default:
        FV_UNROLL
        for (size_t p = 0; p < pixels; p++) {
            vector_store(stored + p * WIDTH, sums[p]);
        }
        depthwise_activate_stored(stored, activation, slope, pixels);
        FV_UNROLL
        for (size_t p = 0; p < pixels; p++) {
            sums[p] = vector_load(stored + p * WIDTH);
        }
    }
}

/* The tile at output column `x`: `pixels`, `edge`, and `kernel` and `stride` (0 for any) are constants. */
FV_INLINE void depthwise_tile(const struct depthwise_row *row, size_t x, size_t kernel, size_t stride, size_t pixels,
                              bool edge) {
    const struct fv_window *window = row->window;
    const size_t width = window->input_width, across = kernel != 0 ? stride : window->stride_x;
    const size_t first = x * across - window->pad_left;
    for (size_t r = 0; r < row->rows_ahead; r++) {
        const struct depthwise_inputs ahead = depthwise_inputs_at(row->ahead + r * width * WIDTH, first, width, edge);
        FV_UNROLL
        for (size_t j = 0; j < pixels * stride; j++) {
            __builtin_prefetch(depthwise_input(ahead, j, edge), 0, 2);
        }
    }
    vector sums[DEPTHWISE_PIXELS];
    FV_UNROLL
    for (size_t p = 0; p < pixels; p++) {
        sums[p] = row->bias;
    }
    for (size_t r = 0; r < row->kernel_rows; r++) {
        const struct depthwise_inputs inputs = depthwise_inputs_at(row->input + r * width * WIDTH, first, width, edge);
        const float *weights = row->weights + r * window->kernel_width * WIDTH;
        if (kernel != 0) {
            depthwise_add_row(sums, inputs, weights, kernel, stride, pixels, edge);
        } else {
            depthwise_add_any_row(sums, inputs, weights, window->kernel_width, across, pixels, edge);
        }
    }
    depthwise_activate(sums, row->activation, row->slope, pixels);
    FV_UNROLL
    for (size_t p = 0; p < pixels; p++) {
        if (!edge || x + p < window->output_width) {
            vector_store(row->output + (x + p) * WIDTH, sums[p]);
        }
    }
}

/* How many of the first `padded` input rows, counted from the top padding on, lie inside the input. */
static size_t depthwise_rows_inside(const struct fv_window *window, size_t padded) {
    const size_t rows = padded > window->pad_top ? padded - window->pad_top : 0;
    return rows < window->input_height ? rows : window->input_height;
}

FV_INLINE void depthwise_rows(const struct fv_window *window, const float *input, const float *weights,
                              struct depthwise_row row, size_t first_row, size_t last_row, size_t kernel, size_t stride,
                              float *output) {
    const struct window_inside inside = window_inside_columns(window);
    const size_t input_row = window->input_width * WIDTH;
    for (size_t y = first_row; y < last_row; y++) {
        const struct window_taps taps = window_taps_at(window, y, 0);
        const size_t next = y + 1 < last_row ? y + 1 : y;
        const size_t read = depthwise_rows_inside(window, y * window->stride_y + window->kernel_height);
        row.ahead = input + read * input_row;
        row.rows_ahead = depthwise_rows_inside(window, next * window->stride_y + window->kernel_height) - read;
        row.input = input + taps.top * input_row;
        row.weights = weights + taps.first_y * window->kernel_width * WIDTH;
        row.kernel_rows = taps.last_y - taps.first_y;
        row.output = output + y * window->output_width * WIDTH;
        size_t x = 0;
        while (x < window->output_width) {
            if (x >= inside.first && x + DEPTHWISE_PIXELS <= inside.last) {
                depthwise_tile(&row, x, kernel, stride, DEPTHWISE_PIXELS, false);
                x += DEPTHWISE_PIXELS;
            } else {
                depthwise_tile(&row, x, kernel, stride, DEPTHWISE_EDGE_PIXELS, true);
                x += DEPTHWISE_EDGE_PIXELS;
            }
        }
    }
}

static void depthwise(const struct fv_window *window, const float *input, const float *weights, const float *bias,
                      enum fv_activation activation, float slope, size_t first_row, size_t last_row, float *output) {
    const struct depthwise_row row = {
        .window = window, .bias = vector_load(bias), .activation = activation, .slope = slope};
    if (window->kernel_width == 3 && window->stride_x == 1) {
        depthwise_rows(window, input, weights, row, first_row, last_row, 3, 1, output);
    } else if (window->kernel_width == 3 && window->stride_x == 2) {
        depthwise_rows(window, input, weights, row, first_row, last_row, 3, 2, output);
    } else if (window->kernel_width == 5 && window->stride_x == 1) {
        depthwise_rows(window, input, weights, row, first_row, last_row, 5, 1, output);
    } else if (window->kernel_width == 5 && window->stride_x == 2) {
        depthwise_rows(window, input, weights, row, first_row, last_row, 5, 2, output);
    } else {
        depthwise_rows(window, input, weights, row, first_row, last_row, 0, 0, output);
    }
}

#endif
