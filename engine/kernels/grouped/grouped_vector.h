/* Grouped 3 x 3 convolution of one plane block: all lanes work, whatever the size of a group.
 *
 * Input channel i of every group is brought to all lanes of its group (a permutation of the pixel, or a broadcast where
 * the group is the whole block) and multiplied by the weights of input i, whose lanes are the outputs. Each such vector
 * serves every output of the tile whose window holds the pixel.
 *
 * Tile and register budget. A tile keeps 2 rows x GROUPED_PIXELS sums. The loop over i is outermost, the 4 input rows
 * under the tile follow (5 with stride 2), of which the middle ones serve both rows of outputs:
 *   width 16 (AVX-512, 32 registers): 2 x 7 = 14 sums + 9 weights + 1 index + 1 input; 126 FMAs for 36 permutations
 *   width 8  (AVX2, 16 registers):    2 x 4 = 8 sums + 6 weights + 1 index + 1 input;  72 FMAs for 24 permutations
 *   width 4  (SSE, 16 registers):     as AVX2
 *   width 4  (NEON, 32 registers):    as AVX-512
 * Maps are often 7 x 2^n pixels wide, which 7 and 4 cut with little or no rest. In 16 registers, 1 x 7 is slower than
 * 2 x 4 by a tenth: each row makes all its permutations for itself.
 *
 * A tile whose windows leave the input is computed from a copy of its input pixels with zeros around. A sum is one
 * chain over i and the taps in the same order whatever the tile, so the bits do not depend on how the output is cut. */
#ifndef FOVEA_KERNELS_GROUPED_VECTOR_H
#define FOVEA_KERNELS_GROUPED_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/pointwise/pointwise_vector.h"
#include "kernels/vector_math.h"

enum { GROUPED_TAPS = 3, GROUPED_ROWS = 2, GROUPED_STRIDES = 2 };
#if !defined(FV_COMPACT_CODE) && (defined(FV_NATIVE_AVX512) || defined(FV_NATIVE_NEON))
enum { GROUPED_PIXELS = 7 };
#elif !defined(FV_COMPACT_CODE) && (defined(FV_NATIVE_AVX2) || defined(FV_NATIVE_SSE))
enum { GROUPED_PIXELS = 4 };
#else /* an emulated width, or a build for sanitizers: little code */
enum { GROUPED_PIXELS = 2 };
#endif

/* Input rows and columns under a tile of `outputs` rows or columns. */
#define GROUPED_SPAN(outputs, stride) (((outputs)-1) * (stride) + GROUPED_TAPS)

enum {
    GROUPED_COPY =
        GROUPED_SPAN(GROUPED_ROWS, GROUPED_STRIDES) * GROUPED_SPAN(GROUPED_PIXELS, GROUPED_STRIDES) * FV_WIDTH
};

/* Where a tile lies in the output, and its input pixels. */
struct grouped_tile {
    size_t y, x, rows, pixels;
    const float *input; /* at the first tap of the first output */
    size_t row_stride;  /* between input rows, in floats */
};

/* sums[r][p] += the products of input channel i of each group. */
FV_INLINE void grouped_channel(const struct grouped_tile *tile, const float *weights, size_t tap_stride, size_t i,
                               vector_mask index, size_t stride, size_t pixels, bool whole,
                               vector sums[GROUPED_ROWS][GROUPED_PIXELS]) {
    FV_UNROLL
    for (size_t t = 0; t < GROUPED_SPAN(GROUPED_ROWS, stride); t++) {
        const float *row = tile->input + t * tile->row_stride;
        FV_UNROLL
        for (size_t c = 0; c < GROUPED_SPAN(pixels, stride); c++) {
            const float *pixel = row + c * WIDTH;
            const vector input = whole ? vector_broadcast(pixel[i]) : vector_permute(vector_load(pixel), index);
            FV_UNROLL
            for (size_t r = 0; r < GROUPED_ROWS; r++) {
                FV_UNROLL
                for (size_t p = 0; p < pixels; p++) {
                    const size_t ky = t - r * stride, kx = c - p * stride; /* huge where there is no such tap */
                    if (ky < GROUPED_TAPS && kx < GROUPED_TAPS) {
                        const vector weight = vector_load(weights + (ky * GROUPED_TAPS + kx) * tap_stride);
                        sums[r][p] = vector_multiply_add(input, weight, sums[r][p]);
                    }
                }
            }
        }
    }
}

/* Adds the residual, applies the activations that need a few instructions only, and stores. */
FV_INLINE void grouped_store(const struct fv_grouped *convolution, const struct grouped_tile *tile, size_t pixels,
                             vector sums[GROUPED_ROWS][GROUPED_PIXELS]) {
    const vector slope = vector_broadcast(convolution->slope);
    FV_UNROLL
    for (size_t r = 0; r < GROUPED_ROWS; r++) {
        if (r >= tile->rows) {
            break;
        }
        const size_t at = ((tile->y + r) * convolution->window.output_width + tile->x) * WIDTH;
        FV_UNROLL
        for (size_t p = 0; p < pixels; p++) {
            vector sum = sums[r][p];
            if (convolution->residual != NULL) {
                sum += vector_load(convolution->residual + at + p * WIDTH);
            }
            if (convolution->activation == FV_ACTIVATION_RELU) {
                sum = vector_relu(sum);
            } else if (convolution->activation == FV_ACTIVATION_LEAKY_RELU) {
                sum = vector_leaky_relu(sum, slope);
            }
            vector_store(convolution->output + at + p * WIDTH, sum);
        }
    }
}

/* One tile of a constant number of pixels a row, groups as wide as the block (whole) or narrower. */
FV_INLINE void grouped_tile_template(const struct fv_grouped *convolution, const struct grouped_tile *tile,
                                     size_t stride, size_t pixels, bool whole) {
    const size_t group = convolution->group;
    const vector bias = vector_load(convolution->bias);
    vector sums[GROUPED_ROWS][GROUPED_PIXELS];
    FV_UNROLL
    for (size_t r = 0; r < GROUPED_ROWS; r++) {
        FV_UNROLL
        for (size_t p = 0; p < pixels; p++) {
            sums[r][p] = bias;
        }
    }
    vector_mask index;
    FV_UNROLL
    for (int lane = 0; lane < WIDTH; lane++) {
        index[lane] = lane;
    }
    index &= -mask_broadcast((int32_t)group); /* the first lane of each group; group is a power of two */
    for (size_t i = 0; i < group; i++) {
        grouped_channel(tile, convolution->weights + i * WIDTH, group * WIDTH, i, index, stride, pixels, whole, sums);
        index += 1;
    }
    grouped_store(convolution, tile, pixels, sums);
}

/* Chooses the instance of the template. */
FV_INLINE void grouped_tile_of(const struct fv_grouped *convolution, const struct grouped_tile *tile, size_t stride,
                               bool whole) {
#define FV_PIXELS_CASE(count)                                                                                          \
    case count:                                                                                                        \
        if (count <= GROUPED_PIXELS) {                                                                                 \
            grouped_tile_template(convolution, tile, stride, count, whole);                                            \
        }                                                                                                              \
        break;
    switch (tile->pixels) { FV_COUNT_CASES(FV_PIXELS_CASE) }
#undef FV_PIXELS_CASE
}

FV_NOINLINE void grouped_tile_1(const struct fv_grouped *convolution, const struct grouped_tile *tile) {
    grouped_tile_of(convolution, tile, 1, false);
}

FV_NOINLINE void grouped_tile_2(const struct fv_grouped *convolution, const struct grouped_tile *tile) {
    grouped_tile_of(convolution, tile, 2, false);
}

FV_NOINLINE void grouped_tile_whole_1(const struct fv_grouped *convolution, const struct grouped_tile *tile) {
    grouped_tile_of(convolution, tile, 1, true);
}

FV_NOINLINE void grouped_tile_whole_2(const struct fv_grouped *convolution, const struct grouped_tile *tile) {
    grouped_tile_of(convolution, tile, 2, true);
}

/* Copies the pixels under a tile from (top, left) on, zeros where they lie outside the input. */
static void grouped_copy(const struct fv_window *window, const float *input, ptrdiff_t top, ptrdiff_t left, size_t rows,
                         size_t columns, float *copy) {
    for (size_t t = 0; t < rows; t++) {
        const ptrdiff_t y = top + (ptrdiff_t)t;
        const bool row_inside = y >= 0 && y < (ptrdiff_t)window->input_height;
        const float *row = input + (row_inside ? (size_t)y * window->input_width * WIDTH : 0);
        for (size_t c = 0; c < columns; c++, copy += WIDTH) {
            const ptrdiff_t x = left + (ptrdiff_t)c;
            const bool inside = row_inside && x >= 0 && x < (ptrdiff_t)window->input_width;
            vector_store(copy, inside ? vector_load(row + (size_t)x * WIDTH) : vector_zero());
        }
    }
}

/* Finds the input pixels of a tile, or copies them to `copy` where some lie outside the input. */
FV_INLINE void grouped_place(const struct fv_grouped *convolution, struct grouped_tile *tile, float *copy) {
    const struct fv_window *window = &convolution->window;
    const size_t stride = window->stride_x;
    const size_t rows = GROUPED_SPAN((size_t)GROUPED_ROWS, stride), columns = GROUPED_SPAN(tile->pixels, stride);
    const ptrdiff_t top = (ptrdiff_t)(tile->y * stride) - (ptrdiff_t)window->pad_top;
    const ptrdiff_t left = (ptrdiff_t)(tile->x * stride) - (ptrdiff_t)window->pad_left;
    if (top >= 0 && left >= 0 && (size_t)top + rows <= window->input_height &&
        (size_t)left + columns <= window->input_width) {
        tile->input = convolution->input + ((size_t)top * window->input_width + (size_t)left) * WIDTH;
        tile->row_stride = window->input_width * WIDTH;
    } else {
        grouped_copy(window, convolution->input, top, left, rows, columns, copy);
        tile->input = copy;
        tile->row_stride = columns * WIDTH;
    }
}

static void grouped(const struct fv_grouped *convolution, size_t first_row, size_t last_row) {
    const size_t columns = convolution->window.output_width;
    const size_t pieces = (columns + GROUPED_PIXELS - 1) / GROUPED_PIXELS;
    const bool whole = convolution->group == WIDTH;
    void (*const run)(const struct fv_grouped *, const struct grouped_tile *) =
        convolution->window.stride_x == 1 ? (whole ? grouped_tile_whole_1 : grouped_tile_1)
                                          : (whole ? grouped_tile_whole_2 : grouped_tile_2);
    float copy[GROUPED_COPY];
    for (size_t y = first_row; y < last_row; y += GROUPED_ROWS) {
        struct grouped_tile tile = {.y = y, .rows = last_row - y < GROUPED_ROWS ? last_row - y : GROUPED_ROWS};
        for (size_t piece = 0; piece < pieces; piece++) {
            tile.x = columns * piece / pieces;
            tile.pixels = columns * (piece + 1) / pieces - tile.x;
            grouped_place(convolution, &tile, copy);
            run(convolution, &tile);
        }
        float *row = convolution->output + y * columns * WIDTH;
        if (convolution->activation != FV_ACTIVATION_RELU && convolution->activation != FV_ACTIVATION_LEAKY_RELU) {
            activate(row, NULL, convolution->activation, convolution->slope, tile.rows * columns * WIDTH, row);
        }
    }
}

#endif
