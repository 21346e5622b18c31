/* Grouped convolution of one plane block against the scalar table. */
#include <stdio.h>

#include "harness.h"

enum { KERNEL = 3, TAPS = KERNEL * KERNEL, TILE = 7 /* the widest register tile */ };

/* Output columns 1, below, at and above the tiles of 4 and 7, a prime; even and odd rows. */
static const size_t columns[] = {1, 3, TILE - 1, TILE, TILE + 1, 2 * TILE, 23};
static const size_t rows[] = {1, 2, 5};
static const size_t pads[][2] = {{1, 1}, {0, 0}, {2, 1}, {0, 2}};
enum {
    COLUMNS = sizeof columns / sizeof *columns,
    ROWS = sizeof rows / sizeof *rows,
    PADS = sizeof pads / sizeof *pads
};

/* Input of a size that leaves the padding at the end, if any, to one pixel. */
static struct fv_window window_of(size_t height, size_t width, size_t stride, const size_t pad[2]) {
    const size_t span_y = (height - 1) * stride + KERNEL, span_x = (width - 1) * stride + KERNEL;
    return (struct fv_window){.input_height = span_y > pad[0] + 1 ? span_y - pad[0] - 1 : 1,
                              .input_width = span_x > pad[1] + 1 ? span_x - pad[1] - 1 : 1,
                              .output_height = height,
                              .output_width = width,
                              .kernel_height = KERNEL,
                              .kernel_width = KERNEL,
                              .stride_y = stride,
                              .stride_x = stride,
                              .pad_top = pad[0],
                              .pad_left = pad[1]};
}

/* One convolution; the table's in two calls that meet in the middle. */
static void check_window(struct check *check, const struct fv_window *window, size_t group,
                         enum fv_activation activation, bool add) {
    const size_t width = check->table->width, middle = window->output_height / 2;
    struct guarded input = guarded_random(check, window->input_height * window->input_width * width, -1, 1);
    struct guarded weights = guarded_random(check, TAPS * group * width, -1, 1);
    struct guarded bias = guarded_random(check, width, -1, 1);
    struct guarded actual = guarded_make(window->output_height * window->output_width * width);
    struct guarded expected = guarded_make(actual.count), residual = guarded_random(check, actual.count, -1, 1);
    struct fv_grouped convolution = {.window = *window,
                                     .group = group,
                                     .input = input.data,
                                     .weights = weights.data,
                                     .bias = bias.data,
                                     .residual = add ? residual.data : NULL,
                                     .activation = activation,
                                     .slope = 0.01F,
                                     .output = expected.data};
    char what[96];
    snprintf(what, sizeof what, "groups of %zu, %zu x %zu outputs, stride %zu, padding %zu and %zu", group,
             window->output_height, window->output_width, window->stride_x, window->pad_top, window->pad_left);
    check->reference->grouped(&convolution, 0, window->output_height);
    convolution.output = actual.data;
    check->table->grouped(&convolution, 0, middle);
    check->table->grouped(&convolution, middle, window->output_height);
    /* 9 group + 2 terms of at most 1 each, each step within epsilon of the sum of magnitudes */
    const double steps = (double)(TAPS * group + 2);
    const double bound = steps * steps * (double)FLT_EPSILON * activation_slope(activation, 0.01F);
    check_close(check, &actual, &expected, bound + activation_error(activation), ACTIVATION_RELATIVE, what);
    guarded_end(check, input, what);
    guarded_end(check, weights, what);
    guarded_end(check, bias, what);
    guarded_end(check, residual, what);
    guarded_end(check, actual, what);
    guarded_end(check, expected, what);
}

void check_grouped(struct check *check) {
    size_t turn = 0; /* activations and residuals take turns */
    for (size_t group = 1; group <= check->table->width; group *= 2) {
        for (size_t i = 0; i < (size_t)COLUMNS * ROWS * PADS * 2; i++, turn++) {
            const struct fv_window window = window_of(rows[i / COLUMNS % ROWS], columns[i % COLUMNS],
                                                      1 + i / COLUMNS / ROWS / PADS, pads[i / COLUMNS / ROWS % PADS]);
            check_window(check, &window, group, (enum fv_activation)(turn % ACTIVATIONS), turn / ACTIVATIONS % 2 == 0);
        }
    }
}
