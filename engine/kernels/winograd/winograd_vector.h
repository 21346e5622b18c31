/* The transforms of Winograd's convolution, a vector of channels at a time.
 *
 * Each two-dimensional transform is a pass over columns and one over rows; the vectors between them wait on the stack
 * (F(2x2): 16, which stay in the registers of AVX-512). Points come in pairs +-a, which share their even and odd parts.
 * Operations of a line, and of a tile, block or filter:
 *             F(4x4)                     F(2x2)               stride 2
 *   input     12, 144                    4, 32                4, 56
 *   output    12, 120                    4, 24                7, 70
 *   weights   10, 180 and 72 for factors 4, 56 and 32         2, 32 and 50    (in double, on half vectors)
 * The form is a constant of each template, and the functions of the table choose the instance. */
#ifndef FOVEA_KERNELS_WINOGRAD_VECTOR_H
#define FOVEA_KERNELS_WINOGRAD_VECTOR_H

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/vector.h"
#include "kernels/vector_math.h"
#include "kernels/winograd/winograd.h"

enum {
    WINOGRAD_AHEAD = 2,       /* tiles between the one in work and the one asked for */
    WINOGRAD_LINE_FLOATS = 16 /* of a cache line */
};

/* transformed[i * step] = sum over j of B^T[i][j] * line[j * step] */
FV_INLINE void winograd_input_line_4(const vector *line, size_t line_step, vector *transformed, size_t step) {
    const vector p = vector_broadcast((float)WINOGRAD_P), q = vector_broadcast((float)WINOGRAD_Q);
    const vector minus_p2 = vector_broadcast((float)-WINOGRAD_P2), minus_q2 = vector_broadcast((float)-WINOGRAD_Q2);
    const vector product = vector_broadcast((float)(WINOGRAD_P2 * WINOGRAD_Q2));
    const vector minus_sum = vector_broadcast((float)(-WINOGRAD_P2 - WINOGRAD_Q2));
    const vector d0 = line[0], d1 = line[line_step], d2 = line[2 * line_step], d3 = line[3 * line_step],
                 d4 = line[4 * line_step], d5 = line[5 * line_step];
    const vector even_p = vector_multiply_add(minus_q2, d2, d4), odd_p = vector_multiply_add(minus_q2, d1, d3);
    const vector even_q = vector_multiply_add(minus_p2, d2, d4), odd_q = vector_multiply_add(minus_p2, d1, d3);
    transformed[0] = vector_multiply_add(minus_sum, d2, vector_multiply_add(product, d0, d4));
    transformed[step] = vector_multiply_add(p, odd_p, even_p);
    transformed[2 * step] = vector_multiply_add(-p, odd_p, even_p);
    transformed[3 * step] = vector_multiply_add(q, odd_q, even_q);
    transformed[4 * step] = vector_multiply_add(-q, odd_q, even_q);
    transformed[5 * step] = vector_multiply_add(minus_sum, d3, vector_multiply_add(product, d1, d5));
}

/* outputs[i * step] = sum over j of A^T[i][j] * line[j * line_step] */
FV_INLINE void winograd_output_line_4(const vector *line, size_t line_step, vector *outputs, size_t step) {
    const vector p = vector_broadcast((float)WINOGRAD_P), q = vector_broadcast((float)WINOGRAD_Q);
    const vector p2 = vector_broadcast((float)WINOGRAD_P2), q2 = vector_broadcast((float)WINOGRAD_Q2);
    const vector p3 = vector_broadcast((float)(WINOGRAD_P2 * WINOGRAD_P));
    const vector q3 = vector_broadcast((float)(WINOGRAD_Q2 * WINOGRAD_Q));
    const vector even_p = line[line_step] + line[2 * line_step], odd_p = line[line_step] - line[2 * line_step];
    const vector even_q = line[3 * line_step] + line[4 * line_step], odd_q = line[3 * line_step] - line[4 * line_step];
    outputs[0] = line[0] + even_p + even_q;
    outputs[step] = vector_multiply_add(p, odd_p, q * odd_q);
    outputs[2 * step] = vector_multiply_add(q2, even_q, p2 * even_p);
    outputs[3 * step] = vector_multiply_add(q3, odd_q, vector_multiply_add(p3, odd_p, line[5 * line_step]));
}

FV_INLINE void winograd_input_line_2(const vector *line, size_t line_step, vector *transformed, size_t step) {
    const vector d0 = line[0], d1 = line[line_step], d2 = line[2 * line_step], d3 = line[3 * line_step];
    transformed[0] = d2 - d0;
    transformed[step] = d2 + d1;
    transformed[2 * step] = d2 - d1;
    transformed[3 * step] = d3 - d1;
}

FV_INLINE void winograd_output_line_2(const vector *line, size_t line_step, vector *outputs, size_t step) {
    const vector even = line[line_step] + line[2 * line_step], odd = line[line_step] - line[2 * line_step];
    outputs[0] = line[0] + even;
    outputs[step] = line[3 * line_step] + odd;
}

/* The even inputs as in F(2x2), the odd ones as they are. */
FV_INLINE void winograd_input_line_strided(const vector *line, size_t line_step, vector *transformed, size_t step) {
    winograd_input_line_2(line, 2 * line_step, transformed, step);
    transformed[4 * step] = line[line_step];
    transformed[5 * step] = line[3 * line_step];
    transformed[6 * step] = line[5 * line_step];
}

FV_INLINE void winograd_output_line_strided(const vector *line, size_t line_step, vector *outputs, size_t step) {
    const vector even = line[line_step] + line[2 * line_step], odd = line[line_step] - line[2 * line_step];
    outputs[0] = line[0] + even + line[4 * line_step];
    outputs[step] = odd + line[5 * line_step];
    outputs[2 * step] = line[3 * line_step] + even + line[6 * line_step];
}

FV_INLINE void winograd_input_line(enum fv_winograd_form form, const vector *line, size_t line_step,
                                   vector *transformed, size_t step) {
    if (form == FV_WINOGRAD_2X2) {
        winograd_input_line_2(line, line_step, transformed, step);
    } else if (form == FV_WINOGRAD_4X4) {
        winograd_input_line_4(line, line_step, transformed, step);
    } else {
        winograd_input_line_strided(line, line_step, transformed, step);
    }
}

FV_INLINE void winograd_output_line(enum fv_winograd_form form, const vector *line, size_t line_step, vector *outputs,
                                    size_t step) {
    if (form == FV_WINOGRAD_2X2) {
        winograd_output_line_2(line, line_step, outputs, step);
    } else if (form == FV_WINOGRAD_4X4) {
        winograd_output_line_4(line, line_step, outputs, step);
    } else {
        winograd_output_line_strided(line, line_step, outputs, step);
    }
}

/* One tile of which all inputs exist or, if not `inside`, those in the padding are zero. */
FV_INLINE void winograd_input_tile(const struct fv_winograd *geometry, const struct winograd_place *place,
                                   enum fv_winograd_form form, const float *input, bool inside, float *transformed,
                                   size_t point_stride) {
    const size_t side = fv_winograd_side(form);
    vector columns[FV_WINOGRAD_MOST_POINTS], line[FV_WINOGRAD_MOST_SIDE];
    const float *corner = NULL;
    if (inside) {
        corner = input + ((size_t)place->top * geometry->input_width + (size_t)place->left) * WIDTH;
    }
    FV_UNROLL
    for (size_t j = 0; j < side; j++) {
        FV_UNROLL
        for (size_t i = 0; i < side; i++) {
            const float *source = inside ? corner + (i * geometry->input_width + j) * WIDTH
                                         : winograd_source(geometry, place, input, WIDTH, i, j);
            line[i] = inside || source != NULL ? vector_load(source) : vector_zero();
        }
        winograd_input_line(form, line, 1, columns + j, side);
    }
    FV_UNROLL
    for (size_t i = 0; i < side; i++) {
        winograd_input_line(form, columns + i * side, 1, line, 1);
        FV_UNROLL
        for (size_t j = 0; j < side; j++) {
            vector_store(transformed + (i * side + j) * point_stride, line[j]);
        }
    }
}

/* Asks for the columns of a tile that its left neighbour does not have: the rows of a tile are too far apart for the
 * machine to see a pattern. */
FV_INLINE void winograd_prefetch_input(const struct fv_winograd *geometry, enum fv_winograd_form form,
                                       const float *input, size_t tile) {
    const struct winograd_place place = winograd_place(geometry, tile);
    const size_t side = fv_winograd_side(form), fresh = fv_winograd_outputs(form) * fv_winograd_stride(form);
    if (place.inside) {
        const float *corner =
            input + ((size_t)place.top * geometry->input_width + (size_t)place.left + side - fresh) * WIDTH;
        FV_UNROLL
        for (size_t i = 0; i < side; i++) {
            FV_UNROLL
            for (size_t j = 0; j < fresh * WIDTH; j += WINOGRAD_LINE_FLOATS) {
                __builtin_prefetch(corner + i * geometry->input_width * WIDTH + j, 0);
            }
        }
    }
}

FV_INLINE void winograd_input_template(const struct fv_winograd *geometry, enum fv_winograd_form form,
                                       const float *input, size_t first, size_t count, float *transformed,
                                       size_t point_stride, size_t tile_stride) {
    for (size_t t = 0; t < count; t++, transformed += tile_stride) {
        const struct winograd_place place = winograd_place(geometry, first + t);
        winograd_prefetch_input(geometry, form, input, first + t + WINOGRAD_AHEAD);
        if (place.inside) {
            winograd_input_tile(geometry, &place, form, input, true, transformed, point_stride);
        } else {
            winograd_input_tile(geometry, &place, form, input, false, transformed, point_stride);
        }
    }
}

/* Half a vector of weights in double: what their transform rounds would show as much as what that of the inputs does,
 * and is avoided at the cost of few layers, those whose weights are transformed anew for every block of tiles. */
typedef double winograd_double __attribute__((vector_size(WIDTH / 2 * sizeof(double))));
typedef float winograd_half __attribute__((vector_size(WIDTH / 2 * sizeof(float))));

/* Residual and activation for one output, bias added, at float `at` of the block. */
FV_INLINE void winograd_store(const struct fv_winograd_epilogue *epilogue, vector slope, vector sum, size_t at,
                              float *output) {
    if (epilogue->residual != NULL) {
        sum += vector_load(epilogue->residual + at);
    }
    vector_store(output + at, vector_activate(sum, epilogue->activation, slope));
}

#include "kernels/winograd/winograd_line_vector.h"

static void winograd_input(const struct fv_winograd *geometry, const float *input, size_t first, size_t count,
                           float *transformed, size_t point_stride, size_t tile_stride) {
    switch (geometry->form) {
    case FV_WINOGRAD_2X2:
        winograd_input_template(geometry, FV_WINOGRAD_2X2, input, first, count, transformed, point_stride, tile_stride);
        break;
    case FV_WINOGRAD_4X4:
        winograd_input_template(geometry, FV_WINOGRAD_4X4, input, first, count, transformed, point_stride, tile_stride);
        break;
    case FV_WINOGRAD_LINE:
        winograd_line_input(geometry, input, first, count, transformed, point_stride, tile_stride);
        break;
    default:
        winograd_input_template(geometry, FV_WINOGRAD_3X3_STRIDE_2, input, first, count, transformed, point_stride,
                                tile_stride);
    }
}

/* transformed[i * step] = sum over j of G[i][j] * line[j * line_step], but for the factors of its rows, which are
 * applied at the end (winograd_factor). */
FV_INLINE void winograd_weight_line(enum fv_winograd_form form, const winograd_double *line, size_t line_step,
                                    winograd_double *transformed, size_t step) {
    const double points[] = {form == FV_WINOGRAD_2X2 ? 1 : WINOGRAD_P, WINOGRAD_Q};
    const winograd_double g0 = line[0], g1 = line[line_step], g2 = line[2 * line_step];
    transformed[0] = g0;
    if (form == FV_WINOGRAD_3X3_STRIDE_2) {
        transformed[step] = g0 + g2;
        transformed[2 * step] = g0 - g2;
        transformed[3 * step] = g2;
        transformed[4 * step] = g1;
        return;
    }
    FV_UNROLL
    for (size_t pair = 0; pair < fv_winograd_outputs(form) / 2; pair++) {
        const winograd_double even = g0 + points[pair] * points[pair] * g2, odd = points[pair] * g1;
        transformed[(2 * pair + 1) * step] = even + odd;
        transformed[(2 * pair + 2) * step] = even - odd;
    }
    transformed[(fv_winograd_outputs(form) + 1) * step] = g2;
}

FV_INLINE void winograd_weights_template(enum fv_winograd_form form, const float *weights, size_t tap_stride,
                                         size_t count, float *transformed, size_t filter_stride) {
    const size_t side = fv_winograd_filter_side(form);
    for (size_t i = 0; i < count; i += WIDTH / 2) {
        winograd_double taps[9], columns[FV_WINOGRAD_MOST_SIDE * 3], line[FV_WINOGRAD_MOST_SIDE];
        FV_UNROLL
        for (size_t tap = 0; tap < 9; tap++) {
            winograd_half half;
            memcpy(&half, weights + tap * tap_stride + i, sizeof half);
            taps[tap] = __builtin_convertvector(half, winograd_double);
        }
        FV_UNROLL
        for (size_t j = 0; j < 3; j++) {
            winograd_weight_line(form, taps + j, 3, columns + j, 3);
        }
        FV_UNROLL
        for (size_t row = 0; row < side; row++) {
            winograd_weight_line(form, columns + row * 3, 1, line, 1);
            FV_UNROLL
            for (size_t j = 0; j < side; j++) {
                const double factor = winograd_factor(form, row) * winograd_factor(form, j);
                const winograd_half half = __builtin_convertvector(factor * line[j], winograd_half);
                memcpy(transformed + (row * side + j) * filter_stride + i, &half, sizeof half);
            }
        }
    }
}

static void winograd_weights(const struct fv_winograd *geometry, const float *weights, size_t tap_stride, size_t count,
                             float *transformed, size_t filter_stride) {
    switch (geometry->form) {
    case FV_WINOGRAD_2X2:
        winograd_weights_template(FV_WINOGRAD_2X2, weights, tap_stride, count, transformed, filter_stride);
        break;
    case FV_WINOGRAD_4X4:
        winograd_weights_template(FV_WINOGRAD_4X4, weights, tap_stride, count, transformed, filter_stride);
        break;
    case FV_WINOGRAD_LINE:
        winograd_line_weights(geometry, weights, tap_stride, count, transformed, filter_stride);
        break;
    default:
        winograd_weights_template(FV_WINOGRAD_3X3_STRIDE_2, weights, tap_stride, count, transformed, filter_stride);
    }
}

/* The sums of one tile, before bias and activation. */
FV_INLINE void winograd_output_sums(enum fv_winograd_form form, const float *products, size_t point_stride,
                                    vector sums[FV_WINOGRAD_MOST_OUTPUTS * FV_WINOGRAD_MOST_OUTPUTS]) {
    const size_t side = fv_winograd_side(form), outputs = fv_winograd_outputs(form);
    vector columns[FV_WINOGRAD_MOST_OUTPUTS * FV_WINOGRAD_MOST_SIDE], line[FV_WINOGRAD_MOST_SIDE];
    FV_UNROLL
    for (size_t j = 0; j < side; j++) {
        FV_UNROLL
        for (size_t i = 0; i < side; i++) {
            line[i] = vector_load(products + (i * side + j) * point_stride);
        }
        winograd_output_line(form, line, 1, columns + j, side);
    }
    FV_UNROLL
    for (size_t i = 0; i < outputs; i++) {
        winograd_output_line(form, columns + i * side, 1, sums + i * outputs, 1);
    }
}

/* Bias, residual and activation for the sums that lie inside the output. */
FV_INLINE void winograd_output_store(const struct fv_winograd *geometry, const struct winograd_place *place,
                                     const struct fv_winograd_epilogue *epilogue, const vector *sums, size_t outputs,
                                     float *output) {
    const vector bias = vector_load(epilogue->bias), slope = vector_broadcast(epilogue->slope);
    for (size_t i = 0; i < place->rows; i++) {
        const size_t at = ((place->y + i) * geometry->output_width + place->x) * WIDTH;
        for (size_t j = 0; j < place->columns; j++) {
            winograd_store(epilogue, slope, sums[i * outputs + j] + bias, at + j * WIDTH, output);
        }
    }
}

FV_INLINE void winograd_output_template(const struct fv_winograd *geometry, enum fv_winograd_form form,
                                        const float *products, size_t point_stride, size_t tile_stride,
                                        const struct fv_winograd_epilogue *epilogue, size_t first, size_t count,
                                        float *output) {
    for (size_t t = 0; t < count; t++, products += tile_stride) {
        const struct winograd_place place = winograd_place(geometry, first + t);
        vector sums[FV_WINOGRAD_MOST_OUTPUTS * FV_WINOGRAD_MOST_OUTPUTS];
        winograd_output_sums(form, products, point_stride, sums);
        winograd_output_store(geometry, &place, epilogue, sums, fv_winograd_outputs(form), output);
    }
}

static void winograd_output(const struct fv_winograd *geometry, const float *products, size_t point_stride,
                            size_t tile_stride, const struct fv_winograd_epilogue *epilogue, size_t first, size_t count,
                            float *output) {
    switch (geometry->form) {
    case FV_WINOGRAD_2X2:
        winograd_output_template(geometry, FV_WINOGRAD_2X2, products, point_stride, tile_stride, epilogue, first, count,
                                 output);
        break;
    case FV_WINOGRAD_4X4:
        winograd_output_template(geometry, FV_WINOGRAD_4X4, products, point_stride, tile_stride, epilogue, first, count,
                                 output);
        break;
    case FV_WINOGRAD_LINE:
        winograd_line_output(geometry, products, point_stride, tile_stride, epilogue, first, count, output);
        break;
    default:
        winograd_output_template(geometry, FV_WINOGRAD_3X3_STRIDE_2, products, point_stride, tile_stride, epilogue,
                                 first, count, output);
    }
}

#endif
