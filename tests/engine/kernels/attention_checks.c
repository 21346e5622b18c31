/* Attention of one head in a window. */
#include <math.h>
#include <stdio.h>

#include "harness.h"

enum { MOST_TOKENS = 256 };

struct buffers {
    struct guarded queries, keys, values, bias, mask, scratch;
};

/* Bias is minus infinity and the mask zero beyond the tokens. */
static struct buffers make(struct check *check, size_t tokens, size_t head) {
    const size_t stride = fv_attention_stride(tokens);
    struct buffers made = {
        .queries = guarded_random(check, tokens * head, -1, 1),
        .keys = guarded_random(check, tokens * head, -1, 1),
        .values = guarded_random(check, tokens * head, -1, 1),
        .bias = guarded_random(check, tokens * stride, -10, 10),
        .mask = guarded_make(tokens * stride),
        .scratch = guarded_make(fv_attention_scratch(tokens, head)),
    };
    for (size_t i = 0; i < tokens * stride; i++) {
        const bool beyond = i % stride >= tokens;
        made.bias.data[i] = beyond ? -INFINITY : made.bias.data[i];
        made.mask.data[i] = beyond || i % stride == i / stride || check_below(check, 3) != 0 ? 0 : -144;
    }
    return made;
}

static void run(const struct fv_kernels *kernels, const struct buffers *buffers, size_t tokens, size_t head,
                bool masked, float *outputs) {
    const float *queries[MOST_TOKENS], *keys[MOST_TOKENS], *values[MOST_TOKENS];
    float *rows[MOST_TOKENS];
    for (size_t t = 0; t < tokens; t++) {
        queries[t] = buffers->queries.data + t * head;
        keys[t] = buffers->keys.data + (tokens - 1 - t) * head;
        values[t] = buffers->values.data + t * head;
        rows[t] = outputs + (tokens - 1 - t) * head;
    }
    const struct fv_attention attention = {.tokens = tokens,
                                           .head = head,
                                           .scale = 4 / (float)head,
                                           .queries = queries,
                                           .keys = keys,
                                           .values = values,
                                           .outputs = rows,
                                           .bias = buffers->bias.data,
                                           .mask = masked ? buffers->mask.data : NULL,
                                           .scratch = buffers->scratch.data};
    kernels->attention(&attention);
}

/* Scores are at most 4 + 10; each of the head + 4 roundings of a score and of the difference from the greatest moves a
 * weight by ln 2 times its size. A weight itself is off by 6 roundings. Both enter numerator and denominator, whose
 * sums add a rounding a token. Values are at most 1. */
static double attention_error(size_t tokens, size_t head) {
    const double unit = (double)FLT_EPSILON / 2, weight = log(2) * 2 * (double)(head + 4) * 14 + 6;
    return unit * 2 * (weight + (double)tokens + 2);
}

static void check_case(struct check *check, size_t tokens, size_t head) {
    char what[64];
    snprintf(what, sizeof what, "attention of %zu tokens, head %zu", tokens, head);
    struct buffers buffers = make(check, tokens, head);
    for (unsigned masked = 0; masked < 2; masked++) {
        struct guarded actual = guarded_make(tokens * head), expected = guarded_make(tokens * head);
        run(check->reference, &buffers, tokens, head, masked != 0, expected.data);
        run(check->table, &buffers, tokens, head, masked != 0, actual.data);
        check_close(check, &actual, &expected, attention_error(tokens, head), 0, what);
        guarded_end(check, actual, what);
        guarded_end(check, expected, what);
    }
    guarded_end(check, buffers.queries, what);
    guarded_end(check, buffers.keys, what);
    guarded_end(check, buffers.values, what);
    guarded_end(check, buffers.bias, what);
    guarded_end(check, buffers.mask, what);
    guarded_end(check, buffers.scratch, what);
}

void check_attention(struct check *check) {
    const size_t width = check->table->width, rows = check->table->tile_rows;
    const size_t token_rule[] = {1, rows - 1, rows, rows + 1, width, 2 * width, 2 * width + 1, 49, 144, 211};
    const size_t head_rule[] = {1, width - 1, width, width + 1, 2 * width, 32, 37};
    for (size_t i = 0; i < sizeof token_rule / sizeof *token_rule; i++) {
        for (size_t k = 0; k < sizeof head_rule / sizeof *head_rule; k++) {
            check_case(check, token_rule[i], head_rule[k]);
        }
    }
}

/* Scores far beyond what a power of two holds: each query sees the key of its greatest score alone. */
void check_attention_far_apart(struct check *check) {
    enum { TOKENS = 49, HEAD = 32 };
    struct buffers buffers = make(check, TOKENS, HEAD);
    struct guarded actual = guarded_make(TOKENS * HEAD), expected = guarded_make(TOKENS * HEAD);
    for (size_t p = 0; p < TOKENS; p++) {
        for (size_t q = 0; q < TOKENS; q++) {
            buffers.bias.data[p * fv_attention_stride(TOKENS) + q] = q == (7 * p) % TOKENS ? 3e30F : -1e30F;
        }
        for (size_t c = 0; c < HEAD; c++) {
            expected.data[(TOKENS - 1 - p) * HEAD + c] = buffers.values.data[7 * p % TOKENS * HEAD + c];
        }
    }
    run(check->table, &buffers, TOKENS, HEAD, false, actual.data);
    check_close(check, &actual, &expected, TOKENS * 0x1p-125, 0, "attention of scores far apart");
    guarded_end(check, actual, "attention of scores far apart");
    guarded_end(check, expected, "attention of scores far apart");
    guarded_end(check, buffers.queries, "attention of scores far apart");
    guarded_end(check, buffers.keys, "attention of scores far apart");
    guarded_end(check, buffers.values, "attention of scores far apart");
    guarded_end(check, buffers.bias, "attention of scores far apart");
    guarded_end(check, buffers.mask, "attention of scores far apart");
    guarded_end(check, buffers.scratch, "attention of scores far apart");
}
