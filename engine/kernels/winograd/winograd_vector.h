/* The transforms of Winograd's convolution, a vector of channels at a time.
 *
 * Each two-dimensional transform is a pass over columns and one over rows; the 6 x 6 vectors between them wait on the
 * stack. A line of the input transform takes 14 operations, 168 a tile and block, beside 36 times the outputs of the
 * product that follows; a line of the output transform 14, 140 a tile; a line of the weights 8, 72 a filter. Points
 * come in pairs +-a, which share their even and odd parts. */
#ifndef FOVEA_KERNELS_WINOGRAD_VECTOR_H
#define FOVEA_KERNELS_WINOGRAD_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector.h"
#include "kernels/vector_math.h"
#include "kernels/winograd/winograd.h"

/* transformed[i * step] = sum over j of B^T[i][j] * line[j * step] */
FV_INLINE void winograd_input_line(const vector *line, size_t line_step, vector *transformed, size_t step) {
    const vector p = vector_broadcast((float)WINOGRAD_P), q = vector_broadcast((float)WINOGRAD_Q);
    const vector two = vector_broadcast(-2), half = vector_broadcast(-0.5F), both = vector_broadcast(-2.5F);
    const vector d0 = line[0], d1 = line[line_step], d2 = line[2 * line_step], d3 = line[3 * line_step],
                 d4 = line[4 * line_step], d5 = line[5 * line_step];
    const vector even_p = vector_multiply_add(two, d2, d4), odd_p = p * vector_multiply_add(two, d1, d3);
    const vector even_q = vector_multiply_add(half, d2, d4), odd_q = q * vector_multiply_add(half, d1, d3);
    transformed[0] = vector_multiply_add(both, d2, d0 + d4);
    transformed[step] = even_p + odd_p;
    transformed[2 * step] = even_p - odd_p;
    transformed[3 * step] = even_q + odd_q;
    transformed[4 * step] = even_q - odd_q;
    transformed[5 * step] = vector_multiply_add(both, d3, d1 + d5);
}

/* transformed[i * step] = sum over j of G[i][j] * line[j * line_step] */
FV_INLINE void winograd_weight_line(const vector *line, size_t line_step, vector *transformed, size_t step) {
    const vector g0 = line[0], g1 = line[line_step], g2 = line[2 * line_step];
    const vector even_p = vector_broadcast((float)(-2.0 / 3)) * vector_multiply_add(vector_broadcast(0.5F), g2, g0);
    const vector odd_p = vector_broadcast((float)(-2.0 / 3 * WINOGRAD_P)) * g1;
    const vector even_q = vector_broadcast((float)(1.0 / 6)) * vector_multiply_add(vector_broadcast(2), g2, g0);
    const vector odd_q = vector_broadcast((float)(1.0 / 6 * WINOGRAD_Q)) * g1;
    transformed[0] = g0;
    transformed[step] = even_p + odd_p;
    transformed[2 * step] = even_p - odd_p;
    transformed[3 * step] = even_q + odd_q;
    transformed[4 * step] = even_q - odd_q;
    transformed[5 * step] = g2;
}

/* outputs[i * step] = sum over j of A^T[i][j] * line[j * line_step] */
FV_INLINE void winograd_output_line(const vector *line, size_t line_step, vector *outputs, size_t step) {
    const vector p = vector_broadcast((float)WINOGRAD_P), q = vector_broadcast((float)WINOGRAD_Q);
    const vector half = vector_broadcast(0.5F), two = vector_broadcast(2);
    const vector even_p = line[line_step] + line[2 * line_step], odd_p = p * (line[line_step] - line[2 * line_step]);
    const vector even_q = line[3 * line_step] + line[4 * line_step],
                 odd_q = q * (line[3 * line_step] - line[4 * line_step]);
    outputs[0] = line[0] + even_p + even_q;
    outputs[step] = odd_p + odd_q;
    outputs[2 * step] = vector_multiply_add(two, even_q, half * even_p);
    outputs[3 * step] = vector_multiply_add(two, odd_q, vector_multiply_add(half, odd_p, line[5 * line_step]));
}

/* One tile of which all 6 x 6 inputs exist or, if not `inside`, those in the padding are zero. */
FV_INLINE void winograd_input_tile(const struct fv_winograd *geometry, const struct winograd_place *place,
                                   const float *input, bool inside, float *transformed, size_t point_stride) {
    vector columns[FV_WINOGRAD_POINTS], line[WINOGRAD_TILE];
    const float *corner = NULL;
    if (inside) {
        corner = input + ((size_t)place->top * geometry->input_width + (size_t)place->left) * WIDTH;
    }
    FV_UNROLL
    for (size_t j = 0; j < WINOGRAD_TILE; j++) {
        FV_UNROLL
        for (size_t i = 0; i < WINOGRAD_TILE; i++) {
            const float *source = inside ? corner + (i * geometry->input_width + j) * WIDTH
                                         : winograd_source(geometry, place, input, WIDTH, i, j);
            line[i] = inside || source != NULL ? vector_load(source) : vector_zero();
        }
        winograd_input_line(line, 1, columns + j, WINOGRAD_TILE);
    }
    FV_UNROLL
    for (size_t i = 0; i < WINOGRAD_TILE; i++) {
        winograd_input_line(columns + i * WINOGRAD_TILE, 1, line, 1);
        FV_UNROLL
        for (size_t j = 0; j < WINOGRAD_TILE; j++) {
            vector_store(transformed + (i * WINOGRAD_TILE + j) * point_stride, line[j]);
        }
    }
}

static void winograd_input(const struct fv_winograd *geometry, const float *input, size_t first, size_t count,
                           float *transformed, size_t point_stride, size_t tile_stride) {
    for (size_t t = 0; t < count; t++, transformed += tile_stride) {
        const struct winograd_place place = winograd_place(geometry, first + t);
        if (place.inside) {
            winograd_input_tile(geometry, &place, input, true, transformed, point_stride);
        } else {
            winograd_input_tile(geometry, &place, input, false, transformed, point_stride);
        }
    }
}

static void winograd_weights(const float *weights, size_t tap_stride, size_t count, float *transformed,
                             size_t point_stride) {
    for (size_t i = 0; i < count; i += WIDTH) {
        vector taps[9], columns[WINOGRAD_TILE * 3], line[WINOGRAD_TILE];
        FV_UNROLL
        for (size_t tap = 0; tap < 9; tap++) {
            taps[tap] = vector_load(weights + tap * tap_stride + i);
        }
        FV_UNROLL
        for (size_t j = 0; j < 3; j++) {
            winograd_weight_line(taps + j, 3, columns + j, 3);
        }
        FV_UNROLL
        for (size_t row = 0; row < WINOGRAD_TILE; row++) {
            winograd_weight_line(columns + row * 3, 1, line, 1);
            FV_UNROLL
            for (size_t j = 0; j < WINOGRAD_TILE; j++) {
                vector_store(transformed + (row * WINOGRAD_TILE + j) * point_stride + i, line[j]);
            }
        }
    }
}

/* The 4 x 4 sums of one tile, before bias and activation. */
FV_INLINE void winograd_output_sums(const float *products, size_t point_stride,
                                    vector sums[FV_WINOGRAD_OUTPUTS * FV_WINOGRAD_OUTPUTS]) {
    vector columns[FV_WINOGRAD_OUTPUTS * WINOGRAD_TILE], line[WINOGRAD_TILE];
    FV_UNROLL
    for (size_t j = 0; j < WINOGRAD_TILE; j++) {
        FV_UNROLL
        for (size_t i = 0; i < WINOGRAD_TILE; i++) {
            line[i] = vector_load(products + (i * WINOGRAD_TILE + j) * point_stride);
        }
        winograd_output_line(line, 1, columns + j, WINOGRAD_TILE);
    }
    FV_UNROLL
    for (size_t i = 0; i < FV_WINOGRAD_OUTPUTS; i++) {
        winograd_output_line(columns + i * WINOGRAD_TILE, 1, sums + i * FV_WINOGRAD_OUTPUTS, 1);
    }
}

/* Bias, residual and activation for the rows x columns sums that lie inside the output. */
FV_INLINE void winograd_output_store(const struct fv_winograd *geometry, const struct winograd_place *place,
                                     const struct fv_winograd_epilogue *epilogue, const vector *sums, size_t rows,
                                     size_t columns, float *output) {
    const vector bias = vector_load(epilogue->bias), slope = vector_broadcast(epilogue->slope);
    for (size_t i = 0; i < rows; i++) {
        const size_t at = ((place->y + i) * geometry->output_width + place->x) * WIDTH;
        for (size_t j = 0; j < columns; j++) {
            vector sum = sums[i * FV_WINOGRAD_OUTPUTS + j] + bias;
            if (epilogue->residual != NULL) {
                sum += vector_load(epilogue->residual + at + j * WIDTH);
            }
            vector_store(output + at + j * WIDTH, vector_activate(sum, epilogue->activation, slope));
        }
    }
}

static void winograd_output(const struct fv_winograd *geometry, const float *products, size_t point_stride,
                            size_t tile_stride, const struct fv_winograd_epilogue *epilogue, size_t first, size_t count,
                            float *output) {
    for (size_t t = 0; t < count; t++, products += tile_stride) {
        const struct winograd_place place = winograd_place(geometry, first + t);
        vector sums[FV_WINOGRAD_OUTPUTS * FV_WINOGRAD_OUTPUTS];
        winograd_output_sums(products, point_stride, sums);
        winograd_output_store(geometry, &place, epilogue, sums, place.rows, place.columns, output);
    }
}

#endif
