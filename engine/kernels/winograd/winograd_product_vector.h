/* The products of Winograd's convolution at one point: a matrix product that rounds little.
 *
 * The transforms back to outputs enlarge what the sums rounded, so a sum is no long chain: runs of 8 channels are added
 * up to groups of 32, and groups to the whole (FV_WINOGRAD_RUN, FV_WINOGRAD_GROUP). The run and the group both stay in
 * registers, so that the tile is half as large as that of a plain product; runs of the next group go on while the last
 * one is added to memory.
 *
 * Register budget; a step is one channel:
 *   width 16 (AVX-512, 32 registers): 12 x 1 = 12 sums of a run + 12 of a group + 1 weight + 1-2 broadcasts; 12 FMAs
 * for 13 loads, of which two go beside each FMA of 16 lanes width 4  (NEON, 32 registers):    8 x 1 = 8 + 8 sums + 1
 * weight + 8 broadcasts width 8, 4 (AVX2, SSE, 16 regs):  3 x 2 = 6 + 6 sums + 2 weights + 1 broadcast; 6 FMAs for 5
 * loads */
#ifndef FOVEA_KERNELS_WINOGRAD_PRODUCT_VECTOR_H
#define FOVEA_KERNELS_WINOGRAD_PRODUCT_VECTOR_H

#include "kernels/kernels.h"
#include "kernels/vector.h"

#if FV_WIDTH == 16 || defined(FV_NATIVE_NEON)
enum { WINOGRAD_ROWS = FV_WIDTH == 16 ? 12 : 8, WINOGRAD_VECTORS = 1 };
#else
enum { WINOGRAD_ROWS = 3, WINOGRAD_VECTORS = 2 };
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

/* group += the run of channels first .. first+count-1; a whole run, of constant `count`, is unrolled. */
FV_INLINE void winograd_run(const struct winograd_tile *tile, size_t rows, size_t vectors, size_t first, size_t count,
                            vector group[WINOGRAD_ROWS][WINOGRAD_VECTORS]) {
    vector run[WINOGRAD_ROWS][WINOGRAD_VECTORS];
    FV_UNROLL
    for (size_t r = 0; r < rows; r++) {
        FV_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            run[r][v] = vector_zero();
        }
    }
    if (count == FV_WINOGRAD_RUN) {
        FV_UNROLL
        for (size_t k = 0; k < FV_WINOGRAD_RUN; k++) {
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
            group[r][v] += run[r][v];
        }
    }
}

/* One tile of constant `rows` and `vectors`. */
FV_INLINE void winograd_tile_template(const struct winograd_tile *tile, size_t channels, bool accumulate, size_t rows,
                                      size_t vectors) {
    for (size_t first = 0; first < channels; first += FV_WINOGRAD_GROUP, accumulate = true) {
        const size_t left = channels - first, end = first + (left < FV_WINOGRAD_GROUP ? left : FV_WINOGRAD_GROUP);
        vector group[WINOGRAD_ROWS][WINOGRAD_VECTORS];
        FV_UNROLL
        for (size_t r = 0; r < rows; r++) {
            FV_UNROLL
            for (size_t v = 0; v < vectors; v++) {
                group[r][v] = vector_zero();
            }
        }
        size_t k = first;
        for (; k + FV_WINOGRAD_RUN <= end; k += FV_WINOGRAD_RUN) {
            winograd_run(tile, rows, vectors, k, FV_WINOGRAD_RUN, group);
        }
        if (k < end) {
            winograd_run(tile, rows, vectors, k, end - k, group);
        }
        FV_UNROLL
        for (size_t r = 0; r < rows; r++) {
            FV_UNROLL
            for (size_t v = 0; v < vectors; v++) {
                float *sum = tile->sums + r * tile->lanes + v * WIDTH;
                vector_store(sum, accumulate ? vector_load(sum) + group[r][v] : group[r][v]);
            }
        }
    }
}

/* Chooses the instance of the template; cases beyond the tile vanish at compile time. */
FV_INLINE void winograd_rows(const struct winograd_tile *tile, size_t channels, bool accumulate, size_t rows,
                             size_t vectors) {
#define FV_ROWS_CASE(count)                                                                                            \
    case count:                                                                                                        \
        if (count <= WINOGRAD_ROWS) {                                                                                  \
            winograd_tile_template(tile, channels, accumulate, count, vectors);                                        \
        }                                                                                                              \
        break;
    switch (rows) {
        FV_ROWS_CASE(1)
        FV_ROWS_CASE(2)
        FV_ROWS_CASE(3)
        FV_ROWS_CASE(4)
        FV_ROWS_CASE(5)
        FV_ROWS_CASE(6)
        FV_ROWS_CASE(7)
        FV_ROWS_CASE(8)
        FV_ROWS_CASE(9)
        FV_ROWS_CASE(10)
        FV_ROWS_CASE(11)
        FV_ROWS_CASE(12)
    }
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
