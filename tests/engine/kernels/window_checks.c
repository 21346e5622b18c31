/* Depthwise convolution and pooling over windows of many geometries. */
#include <stdio.h>
#include <string.h>

#include "harness.h"

static const struct fv_window windows[] = {
    {.input_height = 1,
     .input_width = 1,
     .kernel_height = 3,
     .kernel_width = 3,
     .stride_y = 1,
     .stride_x = 1,
     .pad_top = 1,
     .pad_left = 1,
     .output_height = 1,
     .output_width = 1},
    {.input_height = 7,
     .input_width = 19,
     .kernel_height = 3,
     .kernel_width = 3,
     .stride_y = 1,
     .stride_x = 1,
     .pad_top = 1,
     .pad_left = 1,
     .output_height = 7,
     .output_width = 19},
    {.input_height = 11,
     .input_width = 35,
     .kernel_height = 5,
     .kernel_width = 5,
     .stride_y = 2,
     .stride_x = 2,
     .pad_top = 1,
     .pad_left = 1,
     .output_height = 5,
     .output_width = 17}, /* one row of padding more at the end */
    {.input_height = 6,
     .input_width = 29,
     .kernel_height = 5,
     .kernel_width = 5,
     .stride_y = 1,
     .stride_x = 1,
     .pad_top = 2,
     .pad_left = 2,
     .output_height = 6,
     .output_width = 29},
    {.input_height = 9,
     .input_width = 41,
     .kernel_height = 3,
     .kernel_width = 3,
     .stride_y = 2,
     .stride_x = 2,
     .pad_top = 1,
     .pad_left = 1,
     .output_height = 5,
     .output_width = 21},
    {.input_height = 8,
     .input_width = 8,
     .kernel_height = 2,
     .kernel_width = 2,
     .stride_y = 2,
     .stride_x = 2,
     .pad_top = 0,
     .pad_left = 0,
     .output_height = 4,
     .output_width = 4},
    {.input_height = 9,
     .input_width = 10,
     .kernel_height = 3,
     .kernel_width = 3,
     .stride_y = 2,
     .stride_x = 2,
     .pad_top = 0,
     .pad_left = 0,
     .output_height = 4,
     .output_width = 5}, /* ceil mode: the last window hangs over */
    {.input_height = 3,
     .input_width = 5,
     .kernel_height = 7,
     .kernel_width = 7,
     .stride_y = 1,
     .stride_x = 1,
     .pad_top = 3,
     .pad_left = 3,
     .output_height = 3,
     .output_width = 5}, /* kernel larger than the input */
    {.input_height = 6,
     .input_width = 23,
     .kernel_height = 1,
     .kernel_width = 7,
     .stride_y = 1,
     .stride_x = 1,
     .pad_top = 0,
     .pad_left = 3,
     .output_height = 6,
     .output_width = 23},
    {.input_height = 5,
     .input_width = 13,
     .kernel_height = 3,
     .kernel_width = 1,
     .stride_y = 1,
     .stride_x = 3,
     .pad_top = 1,
     .pad_left = 0,
     .output_height = 5,
     .output_width = 5},
};

enum { WINDOWS = sizeof windows / sizeof windows[0] };

/* What the three kernels have in common. */
struct window_case {
    const struct fv_window *window;
    struct guarded input, actual, expected;
    size_t taps, middle; /* output rows are computed in two calls, cut at `middle` */
    char what[96];
};

static struct window_case case_make(struct check *check, size_t index) {
    const struct fv_window *window = &windows[index];
    const size_t width = check->table->width;
    struct window_case result = {
        .window = window, .taps = window->kernel_height * window->kernel_width, .middle = window->output_height / 2};
    result.input = guarded_random(check, window->input_height * window->input_width * width, -1, 1);
    result.actual = guarded_make(window->output_height * window->output_width * width);
    result.expected = guarded_make(result.actual.count);
    snprintf(result.what, sizeof result.what, "window %zu (kernel %zux%zu, stride %zux%zu)", index,
             window->kernel_height, window->kernel_width, window->stride_y, window->stride_x);
    return result;
}

static void case_end(struct check *check, struct window_case *c, double absolute, double relative) {
    check_close(check, &c->actual, &c->expected, absolute, relative, c->what);
    guarded_end(check, c->input, c->what);
    guarded_end(check, c->actual, c->what);
    guarded_end(check, c->expected, c->what);
}

void check_depthwise(struct check *check) {
    const size_t width = check->table->width;
    for (size_t i = 0; i < WINDOWS; i++) {
        for (int a = 0; a < ACTIVATIONS; a++) {
            const enum fv_activation activation = (enum fv_activation)a;
            struct window_case c = case_make(check, i);
            struct guarded weights = guarded_random(check, c.taps * width, -1, 1);
            struct guarded bias = guarded_random(check, width, -1, 1);
            check->reference->depthwise(c.window, c.input.data, weights.data, bias.data, activation, 0.01F, 0,
                                        c.window->output_height, c.expected.data);
            check->table->depthwise(c.window, c.input.data, weights.data, bias.data, activation, 0.01F, 0, c.middle,
                                    c.actual.data);
            check->table->depthwise(c.window, c.input.data, weights.data, bias.data, activation, 0.01F, c.middle,
                                    c.window->output_height, c.actual.data);
            guarded_end(check, weights, "weights");
            guarded_end(check, bias, "bias");
            /* taps + 1 terms of at most 1 each, each step within epsilon of the sum of magnitudes */
            const double steps = (double)c.taps + 1;
            const double bound = steps * steps * (double)FLT_EPSILON * activation_slope(activation, 0.01F);
            case_end(check, &c, bound + activation_error(activation), ACTIVATION_RELATIVE);
        }
    }
}

void check_max_pool(struct check *check) {
    for (size_t i = 0; i < WINDOWS; i++) {
        struct window_case c = case_make(check, i);
        check->reference->max_pool(c.window, c.input.data, 0, c.window->output_height, c.expected.data);
        check->table->max_pool(c.window, c.input.data, 0, c.middle, c.actual.data);
        check->table->max_pool(c.window, c.input.data, c.middle, c.window->output_height, c.actual.data);
        case_end(check, &c, 0, 0);
    }
}

void check_average_pool(struct check *check) {
    for (size_t i = 0; i < 2 * WINDOWS; i++) {
        const bool include_padding = i >= WINDOWS;
        struct window_case c = case_make(check, i % WINDOWS);
        check->reference->average_pool(c.window, c.input.data, include_padding, 0, c.window->output_height,
                                       c.expected.data);
        check->table->average_pool(c.window, c.input.data, include_padding, 0, c.middle, c.actual.data);
        check->table->average_pool(c.window, c.input.data, include_padding, c.middle, c.window->output_height,
                                   c.actual.data);
        /* a mean of terms of at most 1: `taps` roundings */
        case_end(check, &c, (double)c.taps * (double)FLT_EPSILON, 0);
    }
}
