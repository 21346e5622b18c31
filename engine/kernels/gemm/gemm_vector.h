/* The register tile of every matrix product: convolutions of all kinds, linear layers and attention.
 *
 * Tile and register budget. A tile keeps rows x vectors sums in registers; a step of k loads `vectors` weight vectors
 * and broadcasts one input float a row:
 *   width 8  (AVX2, 16 registers):    6 x 2 = 12 sums + 2 weights + 1-2 broadcasts;  12 FMAs for 8 loads
 *   width 16 (AVX-512, 32 registers): 12 x 2 = 24 sums + 2 weights + 1-2 broadcasts; 24 FMAs for 14 loads
 *                                     a third vector goes with 6 rows at a time: 18 sums + 3 weights + 1-2 broadcasts;
 *                                     18 FMAs for 9 loads, where 12 x 1 has 12 FMAs for 13
 *   width 4  (SSE, 16 registers):     6 x 2, as AVX2
 *   width 4  (NEON, 32 registers):    8 x 2 = 16 sums + 2 weights + 8 vectors of 4 inputs, whose lanes FMLA picks;
 *                                     8 x 3 would spill
 * Two FMAs a cycle of latency 4 want at least 8 sums in flight.
 *
 * Every smaller tile (remainders) is an instance of the same template with constant bounds. A sum is one chain over
 * segments and k whatever the tile, so the bits do not depend on how the product is cut into tiles. Sums of several
 * chunks begin at zero each and are added up: roundings grow with a chunk's depth, not with the whole sum's. */
#ifndef FOVEA_KERNELS_GEMM_VECTOR_H
#define FOVEA_KERNELS_GEMM_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector.h"
#include "kernels/vector_math.h"

enum { TILE_VECTORS = 2 };
#if FV_WIDTH == 16
enum { TILE_ROWS = 12, LAST_VECTORS = 3 };
#elif defined(FV_NATIVE_NEON)
enum { TILE_ROWS = 8, LAST_VECTORS = 2 };
#else
enum { TILE_ROWS = 6, LAST_VECTORS = 2 };
#endif

/* Steps of k that the main loop unrolls: one block of channels where the width is the machine's own. A width that is
 * merely emulated, for tests, is not worth the code; nor is a build for sanitizers (FV_COMPACT_CODE), which would
 * compile for minutes. */
#if !defined(FV_COMPACT_CODE) &&                                                                                       \
    (defined(FV_NATIVE_AVX512) || defined(FV_NATIVE_AVX2) || defined(FV_NATIVE_SSE) || defined(FV_NATIVE_NEON))
enum { UNROLLED_STEPS = WIDTH };
#else
enum { UNROLLED_STEPS = 1 };
#endif

#if defined(FV_NATIVE_NEON)
enum { BY_LANE = (int)UNROLLED_STEPS == (int)WIDTH };
#else
enum { BY_LANE = 0 };
#endif

/* sums += inputs[r][k] * weights[k][v] for k < count; `count` is a constant where the loop shall unroll. */
FV_INLINE void gemm_steps(vector sums[TILE_ROWS][LAST_VECTORS], const float *const inputs[TILE_ROWS],
                          const float *weights, size_t rows, size_t vectors, size_t first, size_t count) {
    FV_UNROLL
    for (size_t k = 0; k < count; k++) {
        vector weight[LAST_VECTORS];
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            weight[v] = vector_load(weights + (k * vectors + v) * WIDTH);
        }
        FV_UNROLL
        for (size_t r = 0; r < rows; r++) {
            const vector input = vector_broadcast(inputs[r][first + k]);
            FV_UNROLL
            for (size_t v = 0; v < vectors; v++) {
                sums[r][v] = vector_multiply_add(input, weight[v], sums[r][v]);
            }
        }
    }
}

/* The same for WIDTH steps, where the instruction set multiplies by a lane: one load of inputs a row serves them all.
 */
FV_INLINE void gemm_steps_by_lane(vector sums[TILE_ROWS][LAST_VECTORS], const float *const inputs[TILE_ROWS],
                                  const float *weights, size_t rows, size_t vectors, size_t first) {
    vector input[TILE_ROWS];
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        input[r] = vector_load(inputs[r] + first);
    }
    FV_UNROLL
    for (size_t k = 0; k < WIDTH; k++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const vector weight = vector_load(weights + (k * vectors + v) * WIDTH);
            FV_UNROLL
            for (size_t r = 0; r < rows; r++) {
                sums[r][v] = vector_multiply_add_lane(weight, input[r], k, sums[r][v]);
            }
        }
    }
}

/* Adds bias and residual and applies the activations that need a few instructions only. */
FV_INLINE void gemm_epilogue(vector sums[TILE_ROWS][LAST_VECTORS], const struct fv_epilogue *epilogue, size_t rows,
                             size_t vectors) {
    if (epilogue->bias != NULL) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const vector bias = vector_load(epilogue->bias + v * WIDTH);
            FV_UNROLL
            for (size_t r = 0; r < rows; r++) {
                sums[r][v] += bias;
            }
        }
    }
    if (epilogue->residual != NULL) {
        FV_UNROLL
        for (size_t r = 0; r < rows; r++) {
            FV_UNROLL
            for (size_t v = 0; v < vectors; v++) {
                sums[r][v] +=
                    vector_load(epilogue->residual[r] + epilogue->residual_offset + v * epilogue->residual_stride);
            }
        }
    }
    if (epilogue->activation == FV_ACTIVATION_RELU) {
        FV_UNROLL
        for (size_t r = 0; r < rows; r++) {
            FV_UNROLL
            for (size_t v = 0; v < vectors; v++) {
                sums[r][v] = vector_relu(sums[r][v]);
            }
        }
    } else if (epilogue->activation == FV_ACTIVATION_LEAKY_RELU) {
        const vector slope = vector_broadcast(epilogue->slope);
        FV_UNROLL
        for (size_t r = 0; r < rows; r++) {
            FV_UNROLL
            for (size_t v = 0; v < vectors; v++) {
                sums[r][v] = vector_leaky_relu(sums[r][v], slope);
            }
        }
    }
}

/* The longer activations, over the stored outputs: keeping them out of the tile's template keeps its code small. */
FV_INLINE void gemm_activate_template(const struct fv_gemm_tile *tile, enum fv_activation activation) {
    for (size_t r = 0; r < tile->rows; r++) {
        float *output = tile->outputs[r] + tile->output_offset;
        for (size_t v = 0; v < tile->vectors; v++, output += tile->output_stride) {
            vector_store(output, vector_activate(vector_load(output), activation, vector_zero()));
        }
    }
}

FV_NOINLINE void gemm_activate_stored(const struct fv_gemm_tile *tile) {
    switch (tile->epilogue->activation) {
    case FV_ACTIVATION_SILU:
        gemm_activate_template(tile, FV_ACTIVATION_SILU);
        break;
    case FV_ACTIVATION_SIGMOID:
        gemm_activate_template(tile, FV_ACTIVATION_SIGMOID);
        break;
    case FV_ACTIVATION_GELU:
        gemm_activate_template(tile, FV_ACTIVATION_GELU);
        break;
    default:
        break;
    }
}

/* Outputs and residuals may be in the second-level cache or beyond: they come while the sums grow. */
FV_INLINE void gemm_prefetch(const struct fv_gemm_tile *tile, size_t rows, size_t vectors) {
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            __builtin_prefetch(tile->outputs[r] + tile->output_offset + v * tile->output_stride, 1);
        }
    }
    if (tile->epilogue != NULL && tile->epilogue->residual != NULL) {
        const struct fv_epilogue *epilogue = tile->epilogue;
        FV_UNROLL
        for (size_t r = 0; r < rows; r++) {
            FV_UNROLL
            for (size_t v = 0; v < vectors; v++) {
                __builtin_prefetch(epilogue->residual[r] + epilogue->residual_offset + v * epilogue->residual_stride);
            }
        }
    }
}

/* One tile of constant `rows` and `vectors`. */
FV_INLINE void gemm_tile_template(const struct fv_gemm_tile *tile, size_t rows, size_t vectors) {
    vector sums[TILE_ROWS][LAST_VECTORS];
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            sums[r][v] = vector_zero();
        }
    }
    gemm_prefetch(tile, rows, vectors);
    const float *weights = tile->weights;
    const float *const *segment = tile->inputs;
    const size_t length = tile->length;
    for (size_t s = 0; s < tile->segments; s++, segment += TILE_ROWS) {
        const float *inputs[TILE_ROWS];
        FV_UNROLL
        for (size_t r = 0; r < rows; r++) {
            inputs[r] = segment[r];
        }
        if (BY_LANE && length == UNROLLED_STEPS) { /* a block of channels, short where vectors are */
            gemm_steps_by_lane(sums, inputs, weights, rows, vectors, 0);
            weights += UNROLLED_STEPS * vectors * WIDTH;
            continue;
        }
        const size_t unrolled = UNROLLED_STEPS > 1 ? length - length % UNROLLED_STEPS : 0;
        size_t k = 0;
        for (; k < unrolled; k += UNROLLED_STEPS, weights += UNROLLED_STEPS * vectors * WIDTH) {
            if (BY_LANE) {
                gemm_steps_by_lane(sums, inputs, weights, rows, vectors, k);
            } else {
                gemm_steps(sums, inputs, weights, rows, vectors, k, UNROLLED_STEPS);
            }
        }
        for (; k < length; k++, weights += vectors * WIDTH) {
            gemm_steps(sums, inputs, weights, rows, vectors, k, 1);
        }
    }
    if (tile->accumulate) {
        FV_UNROLL
        for (size_t r = 0; r < rows; r++) {
            FV_UNROLL
            for (size_t v = 0; v < vectors; v++) {
                sums[r][v] += vector_load(tile->outputs[r] + tile->output_offset + v * tile->output_stride);
            }
        }
    }
    if (tile->epilogue != NULL) {
        gemm_epilogue(sums, tile->epilogue, rows, vectors);
    }
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            vector_store(tile->outputs[r] + tile->output_offset + v * tile->output_stride, sums[r][v]);
        }
    }
}

/* Chooses the instance of the template for at most `most` rows, a constant. */
FV_INLINE void gemm_tile_of_vectors(const struct fv_gemm_tile *tile, size_t most, size_t vectors) {
#define FV_ROWS_CASE(count)                                                                                            \
    case count:                                                                                                        \
        if (count <= TILE_ROWS && count <= most) {                                                                     \
            gemm_tile_template(tile, count, vectors);                                                                  \
        }                                                                                                              \
        break;
    switch (tile->rows) { FV_COUNT_CASES(FV_ROWS_CASE) }
#undef FV_ROWS_CASE
}

FV_NOINLINE void gemm_tile_1(const struct fv_gemm_tile *tile) {
    gemm_tile_of_vectors(tile, TILE_ROWS, 1);
}

FV_NOINLINE void gemm_tile_2(const struct fv_gemm_tile *tile) {
    gemm_tile_of_vectors(tile, TILE_ROWS, 2);
}

#if FV_WIDTH == 16
/* Three vectors: the rows in two halves, whose sums fit the registers. */
FV_NOINLINE void gemm_half_tile_3(const struct fv_gemm_tile *tile) {
    gemm_tile_of_vectors(tile, TILE_ROWS / 2, 3);
}

FV_NOINLINE void gemm_tile_3(const struct fv_gemm_tile *tile) {
    struct fv_gemm_tile half = *tile;
    half.rows = (tile->rows + 1) / 2;
    gemm_half_tile_3(&half);
    if (half.rows == tile->rows) {
        return;
    }
    struct fv_epilogue epilogue;
    if (tile->epilogue != NULL && tile->epilogue->residual != NULL) {
        epilogue = *tile->epilogue;
        epilogue.residual += half.rows;
        half.epilogue = &epilogue;
    }
    half.inputs += half.rows;
    half.outputs += half.rows;
    half.rows = tile->rows - half.rows;
    gemm_half_tile_3(&half);
}
#endif

static void gemm_tile(const struct fv_gemm_tile *tile) {
    if (tile->vectors == 1) {
        gemm_tile_1(tile);
    } else if (tile->vectors == 2) {
        gemm_tile_2(tile);
    }
#if FV_WIDTH == 16
    else {
        gemm_tile_3(tile);
    }
#endif
    if (tile->epilogue != NULL) {
        gemm_activate_stored(tile);
    }
}

#endif
