/* The transforms of Winograd's convolution along one axis, a vector of channels at a time: 12 operations for each
 * group's input line, 11 for an output line. Included by winograd_vector.h, whose lines it shares. */
#ifndef FOVEA_KERNELS_WINOGRAD_LINE_VECTOR_H
#define FOVEA_KERNELS_WINOGRAD_LINE_VECTOR_H

enum { WINOGRAD_LINE_INPUTS = FV_WINOGRAD_LINE_POINTS + 4, WINOGRAD_LINE_OUTPUTS = 3 };

static void winograd_line_input(const struct fv_winograd *geometry, const float *input, size_t first, size_t count,
                                float *transformed, size_t point_stride, size_t tile_stride) {
    for (size_t t = 0; t < count; t++, transformed += tile_stride) {
        const struct winograd_line_place place = winograd_line_place(geometry, first + t);
        vector line[WINOGRAD_LINE_INPUTS], points[FV_WINOGRAD_LINE_POINTS];
        FV_UNROLL
        for (size_t j = 0; j < WINOGRAD_LINE_INPUTS; j++) {
            const float *source = winograd_line_source(&place, input, WIDTH, j);
            line[j] = source != NULL ? vector_load(source) : vector_zero();
        }
        FV_UNROLL
        for (size_t group = 0; group < 2; group++) {
            winograd_input_line_4(line + 4 * group, 1, points, 1);
            FV_UNROLL
            for (size_t i = 0; i < FV_WINOGRAD_LINE_POINTS; i++) {
                vector_store(transformed + (FV_WINOGRAD_LINE_POINTS * group + i) * point_stride, points[i]);
            }
        }
    }
}

/* Half a vector of taps 4 * group .. 4 * group + 3, of which those that are not there are 0. */
FV_INLINE void winograd_line_taps(const float *weights, size_t tap_stride, size_t group, size_t taps,
                                  winograd_double values[4]) {
    FV_UNROLL
    for (size_t j = 0; j < 4; j++) {
        winograd_half half = {0};
        if (4 * group + j < taps) {
            memcpy(&half, weights + (4 * group + j) * tap_stride, sizeof half);
        }
        values[j] = __builtin_convertvector(half, winograd_double);
    }
}

static void winograd_line_weights(const struct fv_winograd *geometry, const float *weights, size_t tap_stride,
                                  size_t count, float *transformed, size_t filter_stride) {
    const double points[] = {WINOGRAD_P, WINOGRAD_Q};
    for (size_t i = 0; i < count; i += WIDTH / 2) {
        for (size_t group = 0; group < 2; group++) {
            winograd_double g[4], filters[FV_WINOGRAD_LINE_POINTS];
            winograd_line_taps(weights + i, tap_stride, group, geometry->taps, g);
            filters[0] = g[0];
            FV_UNROLL
            for (size_t pair = 0; pair < 2; pair++) {
                const double a = points[pair], square = a * a;
                const winograd_double even = g[0] + square * g[2], odd = a * (g[1] + square * g[3]);
                filters[2 * pair + 1] = even + odd;
                filters[2 * pair + 2] = even - odd;
            }
            filters[FV_WINOGRAD_LINE_POINTS - 1] = g[3];
            FV_UNROLL
            for (size_t p = 0; p < FV_WINOGRAD_LINE_POINTS; p++) {
                const double factor = winograd_factor(FV_WINOGRAD_LINE, p);
                const winograd_half half = __builtin_convertvector(factor * filters[p], winograd_half);
                memcpy(transformed + (FV_WINOGRAD_LINE_POINTS * group + p) * filter_stride + i, &half, sizeof half);
            }
        }
    }
}

/* The outputs of a line, before bias and activation. */
FV_INLINE void winograd_line_sums(const vector m[FV_WINOGRAD_LINE_POINTS], vector sums[WINOGRAD_LINE_OUTPUTS]) {
    const vector p = vector_broadcast((float)WINOGRAD_P), q = vector_broadcast((float)WINOGRAD_Q);
    const vector p2 = vector_broadcast((float)WINOGRAD_P2), q2 = vector_broadcast((float)WINOGRAD_Q2);
    const vector even_p = m[1] + m[2], odd_p = m[1] - m[2], even_q = m[3] + m[4], odd_q = m[3] - m[4];
    sums[0] = m[0] + even_p + even_q;
    sums[1] = vector_multiply_add(p, odd_p, q * odd_q);
    sums[2] = vector_multiply_add(q2, even_q, vector_multiply_add(p2, even_p, m[5]));
}

static void winograd_line_output(const struct fv_winograd *geometry, const float *products, size_t point_stride,
                                 size_t tile_stride, const struct fv_winograd_epilogue *epilogue, size_t first,
                                 size_t count, float *output) {
    const vector bias = vector_load(epilogue->bias), slope = vector_broadcast(epilogue->slope);
    for (size_t t = 0; t < count; t++, products += tile_stride) {
        const struct winograd_line_place place = winograd_line_place(geometry, first + t);
        vector m[FV_WINOGRAD_LINE_POINTS], sums[WINOGRAD_LINE_OUTPUTS];
        FV_UNROLL
        for (size_t i = 0; i < FV_WINOGRAD_LINE_POINTS; i++) {
            m[i] = vector_load(products + i * point_stride);
        }
        winograd_line_sums(m, sums);
        for (size_t j = 0; j < place.outputs; j++) {
            winograd_store(epilogue, slope, sums[j] + bias, (place.output + j * place.output_step) * WIDTH, output);
        }
    }
}

#endif
