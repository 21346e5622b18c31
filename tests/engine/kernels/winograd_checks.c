/* The transforms of Winograd's convolution against their matrices, and as a convolution. */
#include <stdio.h>
#include <string.h>

#include "harness.h"

/* Greatest sums of magnitudes in a row of B^T, G and A^T: a transform of numbers of at most 1 has terms of at most the
 * square, along one axis the sum itself. A line takes at most 5 roundings, constants included, so both passes cost at
 * most 6 epsilon of it. */
static double gain_of(enum fv_winograd_form form, double small, double large, double strided, double line) {
    return form == FV_WINOGRAD_2X2    ? small * small
           : form == FV_WINOGRAD_4X4  ? large * large
           : form == FV_WINOGRAD_LINE ? line
                                      : strided * strided;
}
static double input_gain(enum fv_winograd_form form) {
    return gain_of(form, 2, 5.49, 2, 5.49);
}
static double weight_gain(enum fv_winograd_form form) {
    return gain_of(form, 1.5, 1.29, 1, 1.48);
}
static double output_gain(enum fv_winograd_form form) {
    return gain_of(form, 3, 8.41, 4, 6.45);
}
static const double ROUNDINGS = 6 * (double)FLT_EPSILON;

/* Outputs from 1 x 1 on: below, at and above one tile, several tiles that hang over, paddings of each kind. */
static const struct fv_winograd geometries[] = {
    {FV_WINOGRAD_4X4, 1, 1, 1, 1, 1, 1, 1, 3, false},
    {FV_WINOGRAD_4X4, 4, 4, 4, 4, 1, 1, 1, 3, false},
    {FV_WINOGRAD_4X4, 5, 3, 5, 3, 1, 1, 1, 3, false},
    {FV_WINOGRAD_4X4, 6, 6, 4, 4, 0, 0, 1, 3, false},
    {FV_WINOGRAD_4X4, 16, 20, 16, 20, 1, 1, 5, 3, false},
    {FV_WINOGRAD_4X4, 9, 23, 9, 23, 1, 1, 6, 3, false},
    {FV_WINOGRAD_4X4, 11, 14, 9, 12, 0, 0, 3, 3, false},
    {FV_WINOGRAD_4X4, 7, 10, 9, 10, 2, 1, 3, 3, false},
    {FV_WINOGRAD_4X4, 13, 7, 13, 9, 1, 2, 3, 3, false},
    {FV_WINOGRAD_2X2, 1, 1, 1, 1, 1, 1, 1, 3, false},
    {FV_WINOGRAD_2X2, 2, 2, 2, 2, 1, 1, 1, 3, false},
    {FV_WINOGRAD_2X2, 3, 1, 3, 1, 1, 1, 1, 3, false},
    {FV_WINOGRAD_2X2, 4, 4, 2, 2, 0, 0, 1, 3, false},
    {FV_WINOGRAD_2X2, 8, 10, 8, 10, 1, 1, 5, 3, false},
    {FV_WINOGRAD_2X2, 9, 23, 9, 23, 1, 1, 12, 3, false},
    {FV_WINOGRAD_2X2, 11, 14, 9, 12, 0, 0, 6, 3, false},
    {FV_WINOGRAD_2X2, 5, 6, 7, 6, 2, 1, 3, 3, false},
    {FV_WINOGRAD_2X2, 7, 5, 7, 7, 1, 2, 4, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 1, 1, 1, 1, 1, 1, 1, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 6, 6, 3, 3, 1, 1, 1, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 5, 3, 3, 2, 1, 1, 1, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 7, 7, 3, 3, 0, 0, 1, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 32, 34, 16, 17, 1, 1, 6, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 17, 45, 9, 23, 1, 1, 8, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 21, 27, 10, 13, 0, 0, 5, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 12, 18, 7, 9, 2, 1, 3, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 25, 13, 13, 8, 1, 2, 3, 3, false},
    {FV_WINOGRAD_3X3_STRIDE_2, 20, 20, 10, 10, 0, 0, 4, 3, false},
    {FV_WINOGRAD_LINE, 1, 1, 1, 1, 0, 3, 1, 7, false},
    {FV_WINOGRAD_LINE, 17, 17, 17, 17, 0, 3, 6, 7, false},
    {FV_WINOGRAD_LINE, 5, 12, 5, 6, 0, 0, 2, 7, false},
    {FV_WINOGRAD_LINE, 4, 9, 4, 9, 0, 2, 3, 5, false},
    {FV_WINOGRAD_LINE, 9, 11, 9, 11, 0, 3, 4, 8, false},
    {FV_WINOGRAD_LINE, 7, 20, 7, 19, 0, 1, 7, 6, false},
    {FV_WINOGRAD_LINE, 3, 30, 3, 30, 0, 6, 10, 7, false},
    {FV_WINOGRAD_LINE, 1, 1, 1, 1, 3, 0, 1, 7, true},
    {FV_WINOGRAD_LINE, 17, 17, 17, 17, 3, 0, 6, 7, true},
    {FV_WINOGRAD_LINE, 12, 5, 6, 5, 0, 0, 2, 7, true},
    {FV_WINOGRAD_LINE, 4, 9, 4, 9, 2, 0, 2, 5, true},
    {FV_WINOGRAD_LINE, 9, 11, 9, 11, 3, 0, 3, 8, true},
    {FV_WINOGRAD_LINE, 7, 20, 6, 20, 1, 0, 2, 6, true},
    {FV_WINOGRAD_LINE, 3, 30, 3, 30, 6, 0, 1, 7, true},
};
enum { GEOMETRIES = sizeof geometries / sizeof geometries[0] };

static size_t tiles_of(const struct fv_winograd *geometry) {
    const size_t outputs = fv_winograd_outputs(geometry->form);
    if (geometry->form == FV_WINOGRAD_LINE) {
        return geometry->tiles_x * (geometry->vertical ? geometry->output_width : geometry->output_height);
    }
    return geometry->tiles_x * ((geometry->output_height + outputs - 1) / outputs);
}

/* Tiles of a geometry, transformed in two calls that meet in the middle; strides with a gap. */
static void transform_input(const struct fv_kernels *table, const struct fv_winograd *geometry, const float *input,
                            struct guarded *transformed) {
    const size_t tiles = tiles_of(geometry), middle = tiles / 2,
                 stride = transformed->count / fv_winograd_points(geometry->form);
    table->winograd_input(geometry, input, 0, middle, transformed->data, stride, table->width);
    table->winograd_input(geometry, input, middle, tiles - middle, transformed->data + middle * table->width, stride,
                          table->width);
}

void check_winograd_input(struct check *check) {
    const size_t width = check->table->width;
    for (size_t g = 0; g < GEOMETRIES; g++) {
        const struct fv_winograd *geometry = &geometries[g];
        struct guarded input = guarded_random(check, geometry->input_height * geometry->input_width * width, -1, 1);
        struct guarded actual = guarded_make(fv_winograd_points(geometry->form) * tiles_of(geometry) * width);
        struct guarded expected = guarded_make(actual.count);
        char what[48];
        snprintf(what, sizeof what, "input transform, geometry %zu", g);
        transform_input(check->table, geometry, input.data, &actual);
        transform_input(check->reference, geometry, input.data, &expected);
        check_close(check, &actual, &expected, input_gain(geometry->form) * ROUNDINGS, 0, what);
        guarded_end(check, input, what);
        guarded_end(check, actual, what);
        guarded_end(check, expected, what);
    }
}

void check_winograd_weights(struct check *check) {
    const size_t width = check->table->width;
    for (size_t i = 0; i < (size_t)5 * FV_WINOGRAD_FORMS; i++) {
        const enum fv_winograd_form form = (enum fv_winograd_form)(i % FV_WINOGRAD_FORMS);
        const struct fv_winograd geometry = {.form = form, .taps = 5 + i % 4};
        const size_t count = (1 + i / FV_WINOGRAD_FORMS) * width;
        struct guarded weights = guarded_random(check, 9 * count, -1, 1);
        struct guarded actual = guarded_make(fv_winograd_filters(form) * count), expected = guarded_make(actual.count);
        check->table->winograd_weights(&geometry, weights.data, count, count, actual.data, count);
        check->reference->winograd_weights(&geometry, weights.data, count, count, expected.data, count);
        check_close(check, &actual, &expected, weight_gain(form) * ROUNDINGS, 0, "weight transform");
        guarded_end(check, weights, "weights");
        guarded_end(check, actual, "weight transform");
        guarded_end(check, expected, "weight transform");
    }
}

/* Terms of at most 1: a run rounds at most twice a term, and the compensated total and what is stored at most six times
 * in all, each time at most half an epsilon of the sum of magnitudes. */
static void check_product_of(struct check *check, const struct fv_winograd_product *product) {
    const size_t lanes = product->vectors * check->table->width;
    struct guarded inputs = guarded_random(check, (product->rows - 1) * product->row_stride + product->channels, -1, 1);
    struct guarded weights = guarded_random(check, product->channels * lanes, -1, 1);
    struct guarded actual = guarded_random(check, product->rows * lanes, -1, 1);
    struct guarded expected = guarded_make(actual.count);
    memcpy(expected.data, actual.data, actual.count * sizeof(float));
    check->table->winograd_product(product, inputs.data, weights.data, actual.data);
    check->reference->winograd_product(product, inputs.data, weights.data, expected.data);
    check_close(check, &actual, &expected,
                (2 * FV_WINOGRAD_RUN + 6) * (double)FLT_EPSILON / 2 * (double)(product->channels + 1), 0,
                "winograd product");
    guarded_end(check, inputs, "inputs");
    guarded_end(check, weights, "weights");
    guarded_end(check, actual, "winograd product");
    guarded_end(check, expected, "winograd product");
}

void check_winograd_product(struct check *check) {
    const size_t channels[] = {1, FV_WINOGRAD_RUN - 1, FV_WINOGRAD_RUN, FV_WINOGRAD_RUN + 1, 37, 64};
    size_t turn = 0;
    for (size_t vectors = 1; vectors <= check->table->tile_vectors; vectors++) {
        for (size_t rows = 1; rows <= 2 * check->table->tile_rows + 1; rows++) {
            for (size_t i = 0; i < sizeof channels / sizeof *channels; i++, turn++) {
                const struct fv_winograd_product product = {.rows = rows,
                                                            .row_stride = channels[i] + turn % 3,
                                                            .channels = channels[i],
                                                            .vectors = vectors,
                                                            .accumulate = turn % 2 == 1};
                check_product_of(check, &product);
            }
        }
    }
}

void check_winograd_output(struct check *check) {
    const size_t width = check->table->width;
    for (size_t i = 0; i < (size_t)GEOMETRIES * ACTIVATIONS * 2; i++) {
        const struct fv_winograd *geometry = &geometries[i % GEOMETRIES];
        const enum fv_activation activation = (enum fv_activation)(i / GEOMETRIES % ACTIVATIONS);
        const size_t tiles = tiles_of(geometry), stride = tiles * width, middle = tiles / 2;
        struct guarded products = guarded_random(check, fv_winograd_sums(geometry->form) * stride, -1, 1);
        struct guarded actual = guarded_make(geometry->output_height * geometry->output_width * width);
        struct guarded expected = guarded_make(actual.count);
        struct guarded bias = guarded_random(check, width, -1, 1),
                       residual = guarded_random(check, actual.count, -1, 1);
        const struct fv_winograd_epilogue epilogue = {bias.data, i % 2 == 0 ? residual.data : NULL, activation, 0.01F};
        check->reference->winograd_output(geometry, products.data, stride, width, &epilogue, 0, tiles, expected.data);
        check->table->winograd_output(geometry, products.data, stride, width, &epilogue, 0, middle, actual.data);
        check->table->winograd_output(geometry, products.data + middle * width, stride, width, &epilogue, middle,
                                      tiles - middle, actual.data);
        const double bound = (output_gain(geometry->form) + 2) * ROUNDINGS * activation_slope(activation, 0.01F);
        check_close(check, &actual, &expected, bound + activation_error(activation), ACTIVATION_RELATIVE,
                    "output transform");
        guarded_end(check, products, "products");
        guarded_end(check, bias, "bias");
        guarded_end(check, residual, "residual");
        guarded_end(check, actual, "output transform");
        guarded_end(check, expected, "output transform");
    }
}

/* All three together, lane by lane, are the depthwise convolution of the same weights. A wrong constant shows at 1e-2;
 * the rounding of random numbers stayed below 6e-6 over a million outputs, and the bound leaves room for a factor of
 * four. */
void check_winograd_is_a_convolution(struct check *check) {
    const size_t width = check->table->width;
    for (size_t g = 0; g < GEOMETRIES; g++) {
        const struct fv_winograd *geometry = &geometries[g];
        const bool line = geometry->form == FV_WINOGRAD_LINE;
        const struct fv_window window = {.input_height = geometry->input_height,
                                         .input_width = geometry->input_width,
                                         .output_height = geometry->output_height,
                                         .output_width = geometry->output_width,
                                         .kernel_height = line && !geometry->vertical ? 1 : geometry->taps,
                                         .kernel_width = line && geometry->vertical ? 1 : geometry->taps,
                                         .stride_y = fv_winograd_stride(geometry->form),
                                         .stride_x = fv_winograd_stride(geometry->form),
                                         .pad_top = geometry->pad_top,
                                         .pad_left = geometry->pad_left};
        const size_t tiles = tiles_of(geometry), stride = tiles * width;
        struct guarded input = guarded_random(check, geometry->input_height * geometry->input_width * width, -1, 1);
        struct guarded weights = guarded_random(check, 9 * width, -1, 1), bias = guarded_random(check, width, -1, 1);
        struct guarded points = guarded_make(fv_winograd_points(geometry->form) * stride);
        struct guarded filters = guarded_make(fv_winograd_filters(geometry->form) * width);
        struct guarded sums = guarded_make(fv_winograd_sums(geometry->form) * stride);
        memset(sums.data, 0, sums.count * sizeof(float));
        struct guarded actual = guarded_make(geometry->output_height * geometry->output_width * width);
        struct guarded expected = guarded_make(actual.count);
        transform_input(check->table, geometry, input.data, &points);
        check->table->winograd_weights(geometry, weights.data, width, width, filters.data, width);
        for (size_t i = 0; i < points.count; i++) {
            const size_t point = i / stride;
            const float filter = filters.data[fv_winograd_filter(geometry->form, point) * width + i % width];
            sums.data[point % fv_winograd_sums(geometry->form) * stride + i % stride] += points.data[i] * filter;
        }
        const struct fv_winograd_epilogue epilogue = {bias.data, NULL, FV_ACTIVATION_NONE, 0};
        check->table->winograd_output(geometry, sums.data, stride, width, &epilogue, 0, tiles, actual.data);
        check->reference->depthwise(&window, input.data, weights.data, bias.data, FV_ACTIVATION_NONE, 0, 0,
                                    geometry->output_height, expected.data);
        check_close(check, &actual, &expected, 2.4e-5, 0, "winograd convolution");
        guarded_end(check, input, "input");
        guarded_end(check, weights, "weights");
        guarded_end(check, bias, "bias");
        guarded_end(check, points, "points");
        guarded_end(check, filters, "filters");
        guarded_end(check, sums, "sums");
        guarded_end(check, actual, "winograd convolution");
        guarded_end(check, expected, "winograd convolution");
    }
}
