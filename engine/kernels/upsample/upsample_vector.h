/* Enlarging one plane block by whole factors. Memory bound.
 *
 * Bilinear: output i of factor f lies at (2 i + 1 - f) / (2 f), which splits into f phases of constant weight each. */
#ifndef FOVEA_KERNELS_UPSAMPLE_VECTOR_H
#define FOVEA_KERNELS_UPSAMPLE_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/upsample/upsample_source.h"
#include "kernels/vector.h"

static void upsample_nearest(const float *input, size_t height, size_t width, size_t factor_y, size_t factor_x,
                             size_t first_row, size_t last_row, float *output) {
    (void)height;
    for (size_t y = first_row; y < last_row; y++) {
        const float *row = input + y / factor_y * width * WIDTH;
        float *out = output + y * width * factor_x * WIDTH;
        for (size_t x = 0; x < width; x++) {
            const vector pixel = vector_load(row + x * WIDTH);
            for (size_t i = 0; i < factor_x; i++, out += WIDTH) {
                vector_store(out, pixel);
            }
        }
    }
}

/* One output pixel between two rows (weight `vertical` of the lower) and two columns (`horizontal` of the right). */
FV_INLINE vector bilinear_pixel(const float *above, const float *below, size_t left, size_t right, vector vertical,
                                vector horizontal) {
    const vector above_left = vector_load(above + left * WIDTH), above_right = vector_load(above + right * WIDTH);
    const vector below_left = vector_load(below + left * WIDTH), below_right = vector_load(below + right * WIDTH);
    const vector top = vector_multiply_add(above_right - above_left, horizontal, above_left);
    const vector bottom = vector_multiply_add(below_right - below_left, horizontal, below_left);
    return vector_multiply_add(bottom - top, vertical, top);
}

static void upsample_bilinear(const float *input, size_t height, size_t width, size_t factor_y, size_t factor_x,
                              size_t first_row, size_t last_row, float *output) {
    for (size_t y = first_row; y < last_row; y++) {
        const struct upsample_source row = upsample_source_at(y, factor_y, height);
        const float *above = input + row.low * width * WIDTH, *below = input + row.high * width * WIDTH;
        const vector vertical = vector_broadcast(row.weight);
        float *out = output + y * width * factor_x * WIDTH;
        for (size_t phase = 0; phase < factor_x; phase++) {
            const vector horizontal =
                vector_broadcast(upsample_source_at(phase + factor_x, factor_x, width + 2).weight);
            const bool before = 2 * phase + 1 < factor_x; /* left of the source pixel's centre */
            for (size_t x = 0; x < width; x++) {
                const size_t first = before ? x - (x > 0) : x;
                const size_t second = before ? x : x + (x + 1 < width);
                vector_store(out + (x * factor_x + phase) * WIDTH,
                             bilinear_pixel(above, below, first, second, vertical, horizontal));
            }
        }
    }
}

#endif
