/* The transforms of Winograd's convolution by their matrices, in double: the reference for the vector source. */
#ifndef FOVEA_KERNELS_WINOGRAD_SCALAR_H
#define FOVEA_KERNELS_WINOGRAD_SCALAR_H

#include <math.h>

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"
#include "kernels/winograd/winograd.h"

/* B^T, G without the rows' factors, and A^T of one form. */
struct winograd_matrices {
    double b[FV_WINOGRAD_MOST_SIDE][FV_WINOGRAD_MOST_SIDE], g[FV_WINOGRAD_MOST_SIDE][3],
        a[FV_WINOGRAD_MOST_OUTPUTS][FV_WINOGRAD_MOST_SIDE];
};

static const struct winograd_matrices winograd_small = {
    .b = {{-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}},
    .g = {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 1}},
    .a = {{1, 1, 1, 0}, {0, 1, -1, 1}},
};

static const struct winograd_matrices winograd_large = {
    .b = {{WINOGRAD_P2 * WINOGRAD_Q2, 0, -WINOGRAD_P2 - WINOGRAD_Q2, 0, 1, 0},
          {0, -WINOGRAD_P *WINOGRAD_Q2, -WINOGRAD_Q2, WINOGRAD_P, 1, 0},
          {0, WINOGRAD_P *WINOGRAD_Q2, -WINOGRAD_Q2, -WINOGRAD_P, 1, 0},
          {0, -WINOGRAD_Q *WINOGRAD_P2, -WINOGRAD_P2, WINOGRAD_Q, 1, 0},
          {0, WINOGRAD_Q *WINOGRAD_P2, -WINOGRAD_P2, -WINOGRAD_Q, 1, 0},
          {0, WINOGRAD_P2 *WINOGRAD_Q2, 0, -WINOGRAD_P2 - WINOGRAD_Q2, 0, 1}},
    .g = {{1, 0, 0},
          {1, WINOGRAD_P, WINOGRAD_P2},
          {1, -WINOGRAD_P, WINOGRAD_P2},
          {1, WINOGRAD_Q, WINOGRAD_Q2},
          {1, -WINOGRAD_Q, WINOGRAD_Q2},
          {0, 0, 1}},
    .a = {{1, 1, 1, 1, 1, 0},
          {0, WINOGRAD_P, -WINOGRAD_P, WINOGRAD_Q, -WINOGRAD_Q, 0},
          {0, WINOGRAD_P2, WINOGRAD_P2, WINOGRAD_Q2, WINOGRAD_Q2, 0},
          {0, WINOGRAD_P2 *WINOGRAD_P, -WINOGRAD_P2 *WINOGRAD_P, WINOGRAD_Q2 *WINOGRAD_Q, -WINOGRAD_Q2 *WINOGRAD_Q, 1}},
};

static const struct winograd_matrices winograd_strided = {
    .b = {{-1, 0, 0, 0, 1, 0, 0},
          {0, 0, 1, 0, 1, 0, 0},
          {0, 0, -1, 0, 1, 0, 0},
          {0, 0, -1, 0, 0, 0, 1},
          {0, 1, 0, 0, 0, 0, 0},
          {0, 0, 0, 1, 0, 0, 0},
          {0, 0, 0, 0, 0, 1, 0}},
    .g = {{1, 0, 0}, {1, 0, 1}, {1, 0, -1}, {0, 0, 1}, {0, 1, 0}},
    .a = {{1, 1, 1, 0, 1, 0, 0}, {0, 1, -1, 0, 0, 1, 0}, {0, 1, 1, 1, 0, 0, 1}},
};

static const struct winograd_matrices *winograd_matrices(enum fv_winograd_form form) {
    return form == FV_WINOGRAD_2X2 ? &winograd_small : form == FV_WINOGRAD_4X4 ? &winograd_large : &winograd_strided;
}

/* One element of matrix . values . matrix^T, whose matrix has `columns` columns. */
static double winograd_element(const double *row, const double *column, const double *values, size_t columns) {
    double sum = 0;
    for (size_t i = 0; i < columns; i++) {
        for (size_t j = 0; j < columns; j++) {
            sum += row[i] * column[j] * values[i * columns + j];
        }
    }
    return sum;
}

/* The points of a line and their powers. */
static const double winograd_line_points[] = {0, WINOGRAD_P, -WINOGRAD_P, WINOGRAD_Q, -WINOGRAD_Q};

/* Element `i` of the matrix whose rows are the powers of the points, 0 .. last, and for infinity the last alone. */
static double winograd_power(size_t i, size_t power, size_t last) {
    if (i == FV_WINOGRAD_LINE_POINTS - 1) {
        return power == last ? 1 : 0;
    }
    return pow(winograd_line_points[i], (double)power);
}

static void winograd_line_input(const struct fv_winograd *geometry, const float *input, size_t first, size_t count,
                                float *transformed, size_t point_stride, size_t tile_stride) {
    for (size_t i = 0; i < count * (size_t)2 * FV_WINOGRAD_LINE_POINTS * WIDTH; i++) {
        const size_t lane = i % WIDTH, point = i / WIDTH % fv_winograd_points(FV_WINOGRAD_LINE);
        const size_t t = i / WIDTH / fv_winograd_points(FV_WINOGRAD_LINE);
        const struct winograd_line_place place = winograd_line_place(geometry, first + t);
        double sum = 0;
        for (size_t j = 0; j < FV_WINOGRAD_LINE_POINTS; j++) {
            const size_t offset = point / FV_WINOGRAD_LINE_POINTS * 4;
            const float *source = winograd_line_source(&place, input, WIDTH, offset + j);
            sum += source != NULL ? winograd_large.b[point % FV_WINOGRAD_LINE_POINTS][j] * (double)source[lane] : 0;
        }
        transformed[point * point_stride + t * tile_stride + lane] = (float)sum;
    }
}

static void winograd_line_weights(const struct fv_winograd *geometry, const float *weights, size_t tap_stride,
                                  size_t count, float *transformed, size_t filter_stride) {
    for (size_t f = 0; f < fv_winograd_filters(FV_WINOGRAD_LINE); f++) {
        const size_t group = f / FV_WINOGRAD_LINE_POINTS, point = f % FV_WINOGRAD_LINE_POINTS;
        for (size_t i = 0; i < count; i++) {
            double sum = 0;
            for (size_t j = 0; j < 4 && 4 * group + j < geometry->taps; j++) {
                sum += winograd_power(point, j, 3) * (double)weights[(4 * group + j) * tap_stride + i];
            }
            transformed[f * filter_stride + i] = (float)(winograd_factor(FV_WINOGRAD_LINE, point) * sum);
        }
    }
}

static void winograd_line_output(const struct fv_winograd *geometry, const float *products, size_t point_stride,
                                 size_t tile_stride, const struct fv_winograd_epilogue *epilogue, size_t first,
                                 size_t count, float *output) {
    for (size_t t = 0; t < count; t++) {
        const struct winograd_line_place place = winograd_line_place(geometry, first + t);
        for (size_t i = 0; i < place.outputs * WIDTH; i++) {
            const size_t lane = i % WIDTH, at = (place.output + i / WIDTH * place.output_step) * WIDTH + lane;
            double sum = (double)epilogue->bias[lane];
            for (size_t p = 0; p < FV_WINOGRAD_LINE_POINTS; p++) {
                sum += winograd_power(p, i / WIDTH, 2) * (double)products[p * point_stride + t * tile_stride + lane];
            }
            sum += epilogue->residual != NULL ? (double)epilogue->residual[at] : 0;
            output[at] = (float)activate_scalar(sum, epilogue->activation, (double)epilogue->slope);
        }
    }
}

static void winograd_input(const struct fv_winograd *geometry, const float *input, size_t first, size_t count,
                           float *transformed, size_t point_stride, size_t tile_stride) {
    if (geometry->form == FV_WINOGRAD_LINE) {
        winograd_line_input(geometry, input, first, count, transformed, point_stride, tile_stride);
        return;
    }
    const struct winograd_matrices *matrices = winograd_matrices(geometry->form);
    const size_t side = fv_winograd_side(geometry->form);
    for (size_t t = 0; t < count; t++) {
        const struct winograd_place place = winograd_place(geometry, first + t);
        for (size_t lane = 0; lane < WIDTH; lane++) {
            double values[FV_WINOGRAD_MOST_POINTS];
            for (size_t i = 0; i < side * side; i++) {
                const float *source = winograd_source(geometry, &place, input, WIDTH, i / side, i % side);
                values[i] = source != NULL ? (double)source[lane] : 0;
            }
            for (size_t p = 0; p < side * side; p++) {
                transformed[p * point_stride + t * tile_stride + lane] =
                    (float)winograd_element(matrices->b[p / side], matrices->b[p % side], values, side);
            }
        }
    }
}

static void winograd_weights(const struct fv_winograd *geometry, const float *weights, size_t tap_stride, size_t count,
                             float *transformed, size_t filter_stride) {
    const enum fv_winograd_form form = geometry->form;
    if (form == FV_WINOGRAD_LINE) {
        winograd_line_weights(geometry, weights, tap_stride, count, transformed, filter_stride);
        return;
    }
    const struct winograd_matrices *matrices = winograd_matrices(form);
    const size_t side = fv_winograd_filter_side(form);
    for (size_t i = 0; i < count; i++) {
        double values[9];
        for (size_t tap = 0; tap < 9; tap++) {
            values[tap] = (double)weights[tap * tap_stride + i];
        }
        for (size_t f = 0; f < side * side; f++) {
            const size_t row = f / side, column = f % side;
            transformed[f * filter_stride + i] =
                (float)(winograd_factor(form, row) * winograd_factor(form, column) *
                        winograd_element(matrices->g[row], matrices->g[column], values, 3));
        }
    }
}

enum { WINOGRAD_RUN = 1 };

static void winograd_product(const struct fv_winograd_product *product, const float *inputs, const float *weights,
                             float *sums) {
    const size_t lanes = product->vectors * WIDTH;
    for (size_t i = 0; i < product->rows * lanes; i++) {
        double sum = product->accumulate ? (double)sums[i] : 0;
        for (size_t c = 0; c < product->channels; c++) {
            sum += (double)inputs[i / lanes * product->row_stride + c] * (double)weights[c * lanes + i % lanes];
        }
        sums[i] = (float)sum;
    }
}

static void winograd_output(const struct fv_winograd *geometry, const float *products, size_t point_stride,
                            size_t tile_stride, const struct fv_winograd_epilogue *epilogue, size_t first, size_t count,
                            float *output) {
    if (geometry->form == FV_WINOGRAD_LINE) {
        winograd_line_output(geometry, products, point_stride, tile_stride, epilogue, first, count, output);
        return;
    }
    const struct winograd_matrices *matrices = winograd_matrices(geometry->form);
    const size_t side = fv_winograd_side(geometry->form);
    for (size_t t = 0; t < count; t++) {
        const struct winograd_place place = winograd_place(geometry, first + t);
        for (size_t lane = 0; lane < WIDTH; lane++) {
            double values[FV_WINOGRAD_MOST_POINTS];
            for (size_t p = 0; p < side * side; p++) {
                values[p] = (double)products[p * point_stride + t * tile_stride + lane];
            }
            for (size_t i = 0; i < place.rows * place.columns; i++) {
                const size_t row = i / place.columns, column = i % place.columns;
                const size_t at = ((place.y + row) * geometry->output_width + place.x + column) * WIDTH + lane;
                double sum = winograd_element(matrices->a[row], matrices->a[column], values, side) +
                             (double)epilogue->bias[lane];
                sum += epilogue->residual != NULL ? (double)epilogue->residual[at] : 0;
                output[at] = (float)activate_scalar(sum, epilogue->activation, (double)epilogue->slope);
            }
        }
    }
}

#endif
