/* The transforms of Winograd's convolution by their matrices, in double: the reference for the vector source. */
#ifndef FOVEA_KERNELS_WINOGRAD_SCALAR_H
#define FOVEA_KERNELS_WINOGRAD_SCALAR_H

#include "kernels/kernels.h"
#include "kernels/scalar_math.h"
#include "kernels/winograd/winograd.h"

static const double winograd_b[WINOGRAD_TILE][WINOGRAD_TILE] = {
    {WINOGRAD_P2 * WINOGRAD_Q2, 0, -WINOGRAD_P2 - WINOGRAD_Q2, 0, 1, 0},
    {0, -WINOGRAD_P *WINOGRAD_Q2, -WINOGRAD_Q2, WINOGRAD_P, 1, 0},
    {0, WINOGRAD_P *WINOGRAD_Q2, -WINOGRAD_Q2, -WINOGRAD_P, 1, 0},
    {0, -WINOGRAD_Q *WINOGRAD_P2, -WINOGRAD_P2, WINOGRAD_Q, 1, 0},
    {0, WINOGRAD_Q *WINOGRAD_P2, -WINOGRAD_P2, -WINOGRAD_Q, 1, 0},
    {0, WINOGRAD_P2 *WINOGRAD_Q2, 0, -WINOGRAD_P2 - WINOGRAD_Q2, 0, 1},
};

/* Without the rows' factors. */
static const double winograd_g[WINOGRAD_TILE][3] = {
    {1, 0, 0},
    {1, WINOGRAD_P, WINOGRAD_P2},
    {1, -WINOGRAD_P, WINOGRAD_P2},
    {1, WINOGRAD_Q, WINOGRAD_Q2},
    {1, -WINOGRAD_Q, WINOGRAD_Q2},
    {0, 0, 1},
};

static const double winograd_a[FV_WINOGRAD_OUTPUTS][WINOGRAD_TILE] = {
    {1, 1, 1, 1, 1, 0},
    {0, WINOGRAD_P, -WINOGRAD_P, WINOGRAD_Q, -WINOGRAD_Q, 0},
    {0, WINOGRAD_P2, WINOGRAD_P2, WINOGRAD_Q2, WINOGRAD_Q2, 0},
    {0, WINOGRAD_P2 *WINOGRAD_P, -WINOGRAD_P2 *WINOGRAD_P, WINOGRAD_Q2 *WINOGRAD_Q, -WINOGRAD_Q2 *WINOGRAD_Q, 1},
};

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

static void winograd_input(const struct fv_winograd *geometry, const float *input, size_t first, size_t count,
                           float *transformed, size_t point_stride, size_t tile_stride) {
    for (size_t t = 0; t < count; t++) {
        const struct winograd_place place = winograd_place(geometry, first + t);
        for (size_t lane = 0; lane < WIDTH; lane++) {
            double values[FV_WINOGRAD_POINTS];
            for (size_t i = 0; i < FV_WINOGRAD_POINTS; i++) {
                const float *source =
                    winograd_source(geometry, &place, input, WIDTH, i / WINOGRAD_TILE, i % WINOGRAD_TILE);
                values[i] = source != NULL ? (double)source[lane] : 0;
            }
            for (size_t p = 0; p < FV_WINOGRAD_POINTS; p++) {
                transformed[p * point_stride + t * tile_stride + lane] = (float)winograd_element(
                    winograd_b[p / WINOGRAD_TILE], winograd_b[p % WINOGRAD_TILE], values, WINOGRAD_TILE);
            }
        }
    }
}

static void winograd_weights(const float *weights, size_t tap_stride, size_t count, float *transformed,
                             size_t point_stride) {
    for (size_t i = 0; i < count; i++) {
        double values[9];
        for (size_t tap = 0; tap < 9; tap++) {
            values[tap] = (double)weights[tap * tap_stride + i];
        }
        for (size_t p = 0; p < FV_WINOGRAD_POINTS; p++) {
            const size_t row = p / WINOGRAD_TILE, column = p % WINOGRAD_TILE;
            transformed[p * point_stride + i] =
                (float)(winograd_factor(row) * winograd_factor(column) *
                        winograd_element(winograd_g[row], winograd_g[column], values, 3));
        }
    }
}

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
    for (size_t t = 0; t < count; t++) {
        const struct winograd_place place = winograd_place(geometry, first + t);
        for (size_t lane = 0; lane < WIDTH; lane++) {
            double values[FV_WINOGRAD_POINTS];
            for (size_t p = 0; p < FV_WINOGRAD_POINTS; p++) {
                values[p] = (double)products[p * point_stride + t * tile_stride + lane];
            }
            for (size_t i = 0; i < place.rows * place.columns; i++) {
                const size_t row = i / place.columns, column = i % place.columns;
                const size_t at = ((place.y + row) * geometry->output_width + place.x + column) * WIDTH + lane;
                double sum = winograd_element(winograd_a[row], winograd_a[column], values, WINOGRAD_TILE) +
                             (double)epilogue->bias[lane];
                sum += epilogue->residual != NULL ? (double)epilogue->residual[at] : 0;
                output[at] = (float)activate_scalar(sum, epilogue->activation, (double)epilogue->slope);
            }
        }
    }
}

#endif
