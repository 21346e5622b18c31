/* Attention of one head in a window: keys and values are packed into panels once, then a block of queries, at most a
 * register tile high, goes through all steps while its scores stay in the first-level cache:
 *
 *   scores   = queries x keys + bias         tiles of gemm_vector.h, the bias as residual
 *   weights  = 2^(scores - greatest)         in place; a row's sum is kept
 *   products = weights x values              tiles again
 *   outputs  = products / sum                a division a row, head / width products instead of tokens / width
 *
 * Twelve queries of a window of 12 x 12 have 6.9 KB of scores; panels of keys and values have 18 KB each with a head of
 * 32. Blocks are cut evenly, so that a window of 7 x 7 has blocks of 10, 10, 10, 10 and 9, not 12, 12, 12, 12 and 1.
 *
 * The tiles' register budget is that of gemm_vector.h. An exponential has 5 multiply-adds and 7 operations of other
 * ports (difference, floor, rounding in three, shift, sum) per vector of scores, beside the 2 x head multiply-adds of
 * the products. */
#ifndef FOVEA_KERNELS_ATTENTION_VECTOR_H
#define FOVEA_KERNELS_ATTENTION_VECTOR_H

#include "kernels/gemm/gemm_vector.h"
#include "kernels/kernels.h"
#include "kernels/vector_math.h"

/* Weights end at 2^-125: a normal number, nothing in a sum whose greatest term is 1. */
static const float ATTENTION_LEAST = -125;

/* Where the parts of a call lie in its scratch. */
struct attention_parts {
    size_t key_vectors, head_vectors;
    float *keys;     /* [key tiles][head][tile lanes] */
    float *values;   /* [head tiles][tokens][tile lanes] */
    float *scores;   /* [TILE_ROWS][key_vectors * WIDTH], then the weights */
    float *products; /* [TILE_ROWS][head_vectors * WIDTH] */
};

static struct attention_parts attention_divide(const struct fv_attention *attention) {
    struct attention_parts parts;
    parts.key_vectors = (attention->tokens + WIDTH - 1) / WIDTH;
    parts.head_vectors = (attention->head + WIDTH - 1) / WIDTH;
    parts.scores = attention->scratch;
    parts.products = parts.scores + TILE_ROWS * parts.key_vectors * WIDTH;
    parts.keys = parts.products + TILE_ROWS * parts.head_vectors * WIDTH;
    parts.values = parts.keys + attention->head * parts.key_vectors * WIDTH;
    return parts;
}

/* panel[c][i] = keys[i][c] * scale for WIDTH keys, zero from key `count` on; rows of the panel are `stride` apart. */
static void attention_transpose(const float *const *keys, size_t count, size_t head, vector scale, size_t stride,
                                float *panel) {
    size_t c = 0;
    for (; c + WIDTH <= head; c += WIDTH) {
        vector rows[FV_WIDTH];
        FV_UNROLL
        for (size_t i = 0; i < WIDTH; i++) {
            rows[i] = i < count ? vector_load(keys[i] + c) * scale : vector_zero();
        }
        vector_transpose(rows);
        FV_UNROLL
        for (size_t i = 0; i < WIDTH; i++) {
            vector_store(panel + (c + i) * stride, rows[i]);
        }
    }
    for (; c < head; c++) {
        for (size_t i = 0; i < WIDTH; i++) {
            panel[c * stride + i] = i < count ? keys[i][c] * scale[0] : 0;
        }
    }
}

static void attention_pack_keys(const struct fv_attention *attention, const struct attention_parts *parts) {
    const vector scale = vector_broadcast(attention->scale);
    for (size_t v = 0; v < parts->key_vectors; v++) {
        const size_t first = v / TILE_VECTORS * TILE_VECTORS, left = parts->key_vectors - first;
        const size_t stride = (left < TILE_VECTORS ? left : TILE_VECTORS) * WIDTH, key = v * WIDTH;
        attention_transpose(attention->keys + key, attention->tokens - key, attention->head, scale, stride,
                            parts->keys + first * WIDTH * attention->head + (v - first) * WIDTH);
    }
}

static void attention_pack_values(const struct fv_attention *attention, const struct attention_parts *parts) {
    const size_t head = attention->head, columns = parts->head_vectors * WIDTH, step = TILE_VECTORS * WIDTH;
    for (size_t t = 0; t < attention->tokens; t++) {
        for (size_t first = 0; first < columns; first += step) {
            const size_t lanes = columns - first < step ? columns - first : step;
            float *row = parts->values + first * attention->tokens + t * lanes;
            const float *value = attention->values[t] + first;
            size_t lane = 0;
            for (; lane < lanes && first + lane + WIDTH <= head; lane += WIDTH) {
                vector_store(row + lane, vector_load(value + lane));
            }
            for (; lane < lanes; lane++) {
                row[lane] = first + lane < head ? value[lane] : 0;
            }
        }
    }
}

/* outputs[r][columns] = inputs[r][length] x panels + added[r][columns], all tiles of at most TILE_ROWS rows; `added`
 * may be NULL. */
static void attention_product(const float *const *inputs, size_t rows, size_t length, const float *panels,
                              size_t vectors, const float *added, size_t added_stride, float *outputs) {
    for (size_t first = 0; first < vectors; first += TILE_VECTORS) {
        float *targets[TILE_ROWS];
        const float *residual[TILE_ROWS];
        for (size_t r = 0; r < rows; r++) {
            targets[r] = outputs + (r * vectors + first) * WIDTH;
            residual[r] = added != NULL ? added + r * added_stride + first * WIDTH : NULL;
        }
        const struct fv_epilogue epilogue = {.residual = added != NULL ? residual : NULL, .residual_stride = WIDTH};
        const struct fv_gemm_tile tile = {.rows = rows,
                                          .vectors = vectors - first < TILE_VECTORS ? vectors - first : TILE_VECTORS,
                                          .segments = 1,
                                          .length = length,
                                          .inputs = inputs,
                                          .weights = panels + first * WIDTH * length,
                                          .outputs = targets,
                                          .output_stride = WIDTH,
                                          .epilogue = &epilogue};
        gemm_tile(&tile);
    }
}

/* scores += mask; returns the greatest in every lane. */
FV_INLINE vector attention_greatest(float *scores, size_t columns, const float *mask) {
    vector greatest = vector_broadcast(-INFINITY);
    FV_UNROLL_SOME
    for (size_t i = 0; i < columns; i += WIDTH) {
        vector score = vector_load(scores + i);
        if (mask != NULL) {
            score += vector_load(mask + i);
            vector_store(scores + i, score);
        }
        greatest = vector_maximum(score, greatest);
    }
    return vector_greatest(greatest);
}

/* Scores become weights; returns sums of every WIDTHth. */
FV_INLINE vector attention_weigh(float *scores, size_t columns, vector greatest) {
    const vector magic = vector_broadcast(FV_ROUND_MAGIC);
    vector sum = vector_zero();
    FV_UNROLL_SOME
    for (size_t i = 0; i < columns; i += WIDTH) {
        const vector distance = vector_maximum(vector_broadcast(ATTENTION_LEAST), vector_load(scores + i) - greatest);
        const vector rounded = distance + magic;
        const vector weight = vector_power_of_two(distance - (rounded - magic), rounded);
        sum += weight;
        vector_store(scores + i, weight);
    }
    return sum;
}

/* Scores of `rows` queries to weights; reciprocals[r] of their sums in every lane. Each step goes over all rows before
 * the next: rows are independent, the steps of one are not. */
static void attention_softmax(float *scores, size_t rows, size_t columns, const float *mask, size_t mask_stride,
                              vector reciprocals[TILE_ROWS]) {
    vector greatest[TILE_ROWS], sums[TILE_ROWS];
    for (size_t r = 0; r < rows; r++) {
        greatest[r] = attention_greatest(scores + r * columns, columns, mask != NULL ? mask + r * mask_stride : NULL);
    }
    for (size_t r = 0; r < rows; r++) {
        sums[r] = attention_weigh(scores + r * columns, columns, greatest[r]);
    }
    for (size_t r = 0; r < rows; r++) {
        reciprocals[r] = vector_broadcast(1) / vector_sum(sums[r]);
    }
}

/* outputs[r][0 .. head-1] = products[r] * scales[r]. */
static void attention_scale_rows(const struct attention_parts *parts, const vector scales[TILE_ROWS], size_t rows,
                                 size_t head, float *const *outputs) {
    for (size_t r = 0; r < rows; r++) {
        float *products = parts->products + r * parts->head_vectors * WIDTH;
        size_t i = 0;
        for (; i + WIDTH <= head; i += WIDTH) {
            vector_store(outputs[r] + i, vector_load(products + i) * scales[r]);
        }
        if (i < head) {
            vector_store(products + i, vector_load(products + i) * scales[r]);
            memcpy(outputs[r] + i, products + i, (head - i) * sizeof(float));
        }
    }
}

/* Asks for what the scores of queries first .. last-1 read: they lie far apart or are read once a window, and the tile
 * would wait for each. */
static void attention_prefetch(const struct fv_attention *attention, size_t first, size_t last) {
    const size_t line = FV_TOKEN_ALIGNMENT, stride = fv_attention_stride(attention->tokens);
    for (size_t i = first * stride; i < last * stride; i += line) {
        vector_prefetch(attention->bias + i);
        if (attention->mask != NULL) {
            vector_prefetch(attention->mask + i);
        }
    }
    for (size_t t = first; t < last; t++) {
        for (size_t c = 0; c < attention->head; c += line) {
            vector_prefetch(attention->queries[t] + c);
        }
    }
}

static void attention(const struct fv_attention *attention) {
    const struct attention_parts parts = attention_divide(attention);
    const size_t tokens = attention->tokens, head = attention->head, stride = fv_attention_stride(tokens);
    const size_t columns = parts.key_vectors * WIDTH, blocks = (tokens + TILE_ROWS - 1) / TILE_ROWS;
    const float *rows[TILE_ROWS];
    for (size_t r = 0; r < TILE_ROWS; r++) {
        rows[r] = parts.scores + r * columns;
    }
    attention_prefetch(attention, 0, tokens / blocks);
    attention_pack_keys(attention, &parts);
    attention_pack_values(attention, &parts);
    for (size_t block = 0; block < blocks; block++) {
        const size_t first = tokens * block / blocks, last = tokens * (block + 1) / blocks, count = last - first;
        vector reciprocals[TILE_ROWS];
        if (block + 1 < blocks) {
            attention_prefetch(attention, last, tokens * (block + 2) / blocks);
        }
        attention_product(attention->queries + first, count, head, parts.keys, parts.key_vectors,
                          attention->bias + first * stride, stride, parts.scores);
        attention_softmax(parts.scores, count, columns,
                          attention->mask != NULL ? attention->mask + first * stride : NULL, stride, reciprocals);
        attention_product(rows, count, tokens, parts.values, parts.head_vectors, NULL, 0, parts.products);
        attention_scale_rows(&parts, reciprocals, count, head, attention->outputs + first);
    }
}

#endif
