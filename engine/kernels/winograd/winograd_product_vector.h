/* The products of Winograd's convolution at one point: a matrix product that rounds little.
 *
 * The transform back to outputs takes differences of sums that are larger than the outputs, so what the sums rounded
 * shows. A sum is no long chain: short runs of channels are added up with compensation (Dekker's fast two-sum: what an
 * addition rounded off is found by subtracting, and kept), so that it rounds as a run does, however many channels there
 * are. The additions go beside the multiply-adds where the machine has units of their own for them.
 *
 * Register budget; a step is one channel:
 *   width 16   (AVX-512, 32 registers): 8 x 1, runs of 4: 8 sums of the run, 8 totals, 8 rests, 1 weight, 1-2
 *                                       temporaries; 8 FMAs for 9 loads, of which two go beside each FMA
 *   width 4    (NEON, 32 registers):    6 x 1, runs of 4: 6 + 6 + 6 sums, 1 weight, 6 inputs
 *   width 8, 4 (AVX2, SSE, 16):         3 x 2, runs of 8: 6 sums, 2 weights, 1 broadcast, while totals and rests pass
 *                                       through the stack; 6 FMAs for 5 loads */
#ifndef FOVEA_KERNELS_WINOGRAD_PRODUCT_VECTOR_H
#define FOVEA_KERNELS_WINOGRAD_PRODUCT_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector.h"

#if FV_WIDTH == 16 || defined(FV_NATIVE_NEON)
enum { WINOGRAD_ROWS = FV_WIDTH == 16 ? 8 : 6, WINOGRAD_VECTORS = 1, WINOGRAD_RUN = FV_WINOGRAD_RUN / 2 };
#else
enum { WINOGRAD_ROWS = 3, WINOGRAD_VECTORS = 2, WINOGRAD_RUN = FV_WINOGRAD_RUN };
#endif

/* Whether a run is as long as a vector of inputs whose lanes the machine multiplies by. */
#if defined(FV_NATIVE_NEON)
enum { WINOGRAD_BY_LANE = 1 };
_Static_assert((int)WINOGRAD_RUN == (int)WIDTH, "a vector of inputs serves a run");
#else
enum { WINOGRAD_BY_LANE = 0 };
#endif

/* A tile of rows that are `stride` apart; weights of a channel, and the sums of a row, are `lanes` apart. */
struct winograd_tile {
    const float *inputs, *weights;
    float *sums;
    size_t stride, lanes;
};

/* run += the product of channel k. */
FV_INLINE void winograd_step(const struct winograd_tile *tile, size_t rows, size_t vectors, size_t k,
                             vector run[WINOGRAD_ROWS][WINOGRAD_VECTORS]) {
    vector weight[WINOGRAD_VECTORS];
    FV_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        weight[v] = vector_load(tile->weights + k * tile->lanes + v * WIDTH);
    }
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        const vector input = vector_broadcast(tile->inputs[r * tile->stride + k]);
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            run[r][v] = vector_multiply_add(input, weight[v], run[r][v]);
        }
    }
}

/* The same for a run of WIDTH channels from `first` on: one load of inputs a row serves them all. */
FV_INLINE void winograd_steps_by_lane(const struct winograd_tile *tile, size_t rows, size_t vectors, size_t first,
                                      vector run[WINOGRAD_ROWS][WINOGRAD_VECTORS]) {
    vector input[WINOGRAD_ROWS];
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        input[r] = vector_load(tile->inputs + r * tile->stride + first);
    }
    FV_UNROLL
    for (size_t k = 0; k < WIDTH; k++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const vector weight = vector_load(tile->weights + (first + k) * tile->lanes + v * WIDTH);
            FV_UNROLL
            for (size_t r = 0; r < rows; r++) {
                run[r][v] = vector_multiply_add_lane(weight, input[r], k, run[r][v]);
            }
        }
    }
}

/* A total and what it rounded off. */
struct winograd_sums {
    vector total[WINOGRAD_ROWS][WINOGRAD_VECTORS], rest[WINOGRAD_ROWS][WINOGRAD_VECTORS];
};

/* sums += the run of channels first .. first+count-1; a whole run, of constant `count`, is unrolled. */
FV_INLINE void winograd_run(const struct winograd_tile *tile, size_t rows, size_t vectors, size_t first, size_t count,
                            struct winograd_sums *sums) {
    vector run[WINOGRAD_ROWS][WINOGRAD_VECTORS];
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            run[r][v] = vector_zero();
        }
    }
    if (WINOGRAD_BY_LANE && count == WINOGRAD_RUN) {
        winograd_steps_by_lane(tile, rows, vectors, first, run);
    } else if (count == WINOGRAD_RUN) {
        FV_UNROLL
        for (size_t k = 0; k < WINOGRAD_RUN; k++) {
            winograd_step(tile, rows, vectors, first + k, run);
        }
    } else {
        for (size_t k = 0; k < count; k++) {
            winograd_step(tile, rows, vectors, first + k, run);
        }
    }
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            const vector before = sums->total[r][v], after = before + run[r][v];
            sums->rest[r][v] += run[r][v] - (after - before);
            sums->total[r][v] = after;
        }
    }
}

/* One tile of constant `rows` and `vectors`. */
FV_INLINE void winograd_tile_template(const struct winograd_tile *tile, size_t channels, bool accumulate, size_t rows,
                                      size_t vectors) {
    struct winograd_sums sums;
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            sums.total[r][v] = sums.rest[r][v] = vector_zero();
        }
    }
    size_t k = 0;
    for (; k + WINOGRAD_RUN <= channels; k += WINOGRAD_RUN) {
        winograd_run(tile, rows, vectors, k, WINOGRAD_RUN, &sums);
    }
    if (k < channels) {
        winograd_run(tile, rows, vectors, k, channels - k, &sums);
    }
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            float *stored = tile->sums + r * tile->lanes + v * WIDTH;
            const vector sum = sums.total[r][v] + sums.rest[r][v];
            vector_store(stored, accumulate ? vector_load(stored) + sum : sum);
        }
    }
}

/* Chooses the instance of the template. */
FV_INLINE void winograd_rows(const struct winograd_tile *tile, size_t channels, bool accumulate, size_t rows,
                             size_t vectors) {
#define FV_ROWS_CASE(count)                                                                                            \
    case count:                                                                                                        \
        if (count <= WINOGRAD_ROWS) {                                                                                  \
            winograd_tile_template(tile, channels, accumulate, count, vectors);                                        \
        }                                                                                                              \
        break;
    switch (rows) { FV_COUNT_CASES(FV_ROWS_CASE) }
#undef FV_ROWS_CASE
}

FV_NOINLINE void winograd_rows_1(const struct winograd_tile *tile, size_t channels, bool accumulate, size_t rows) {
    winograd_rows(tile, channels, accumulate, rows, 1);
}

FV_NOINLINE void winograd_rows_all(const struct winograd_tile *tile, size_t channels, bool accumulate, size_t rows) {
    winograd_rows(tile, channels, accumulate, rows, WINOGRAD_VECTORS);
}

static void winograd_product(const struct fv_winograd_product *product, const float *inputs, const float *weights,
                             float *sums) {
    struct winograd_tile tile = {.stride = product->row_stride, .lanes = product->vectors * WIDTH};
    for (size_t first = 0; first < product->rows; first += WINOGRAD_ROWS) {
        const size_t left = product->rows - first, rows = left < WINOGRAD_ROWS ? left : WINOGRAD_ROWS;
        tile.inputs = inputs + first * tile.stride;
        for (size_t v = 0; v < product->vectors;) {
            tile.weights = weights + v * WIDTH;
            tile.sums = sums + first * tile.lanes + v * WIDTH;
            if (v + WINOGRAD_VECTORS <= product->vectors) {
                winograd_rows_all(&tile, product->channels, product->accumulate, rows);
                v += WINOGRAD_VECTORS;
            } else {
                winograd_rows_1(&tile, product->channels, product->accumulate, rows);
                v++;
            }
        }
    }
}

#endif
