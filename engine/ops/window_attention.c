/* Attention inside shifted windows (Swin). One task is one window and head. Rolling, cutting and their inverses are
 * only the order of the row pointers; scores are in base 2, so bias and mask are kept times log2(e). */
#include <math.h>

#include "fovea/memory.h"
#include "ops/operator.h"

/* Windows at the end of an axis hold tokens from both ends of the rolled grid. */
enum { MASK_BOTTOM = 1, MASK_RIGHT = 2, MASK_KINDS = 4 };

struct attention {
    size_t tokens; /* of a window */
    size_t stride; /* of bias and mask */
    size_t windows_y, windows_x;
    size_t head; /* channels of a head */
    float *bias; /* [heads][tokens][stride], minus infinity from column `tokens` on */
    float *mask; /* [MASK_KINDS][tokens][stride], kind 0 unused; NULL without a shift */
};

static bool accept(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    (void)context;
    (void)node;
    (void)reason;
    return true;
}

/* bias[head][p][q] = log2(e) table[(py - qy + T - 1)(2T - 1) + px - qx + T - 1][head], T the window that the table
 * was made for. */
static void fill_bias(const struct fv_node *node, const struct attention *state, const float *table) {
    const size_t window = node->options.attention.window, side = node->options.attention.table_window;
    const size_t heads = node->options.attention.heads;
    for (size_t head = 0; head < heads; head++) {
        for (size_t p = 0; p < state->tokens; p++) {
            float *row = state->bias + (head * state->tokens + p) * state->stride;
            for (size_t q = 0; q < state->tokens; q++) {
                const size_t y = p / window + side - 1 - q / window, x = p % window + side - 1 - q % window;
                row[q] = (float)(FV_LOG2_E * (double)table[(y * (2 * side - 1) + x) * heads + head]);
            }
            for (size_t q = state->tokens; q < state->stride; q++) {
                row[q] = -INFINITY;
            }
        }
    }
}

/* Region of a coordinate inside the last window of an axis: before or after the seam of the roll. */
static void fill_mask(const struct fv_node *node, const struct attention *state) {
    const size_t window = node->options.attention.window, seam = window - node->options.attention.shift;
    for (size_t kind = 1; kind < MASK_KINDS; kind++) {
        for (size_t p = 0; p < state->tokens; p++) {
            float *row = state->mask + (kind * state->tokens + p) * state->stride;
            for (size_t q = 0; q < state->tokens; q++) {
                const bool split_y = (p / window < seam) != (q / window < seam);
                const bool split_x = (p % window < seam) != (q % window < seam);
                const bool apart = ((kind & MASK_BOTTOM) != 0 && split_y) || ((kind & MASK_RIGHT) != 0 && split_x);
                row[q] = apart ? (float)(-100 * FV_LOG2_E) : 0;
            }
        }
    }
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    const struct fv_shape output = context->views[node->output].shape;
    const size_t window = node->options.attention.window, heads = node->options.attention.heads;
    struct attention *state = fv_allocate_zero(1, sizeof *state);
    node->state = state;
    if (state == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    state->tokens = window * window;
    state->stride = fv_attention_stride(state->tokens);
    state->windows_y = output.height / window;
    state->windows_x = output.width / window;
    state->head = output.channels / heads;
    const size_t square = state->tokens * state->stride;
    const bool shifted = node->options.attention.shift != 0;
    float *table = fv_allocate(node->weight->elements, sizeof(float));
    state->bias = fv_allocate_zero(heads, square * sizeof(float));
    state->mask = shifted ? fv_allocate_zero(MASK_KINDS, square * sizeof(float)) : NULL;
    enum fv_status status = FV_OK;
    if (table == NULL || state->bias == NULL || (shifted && state->mask == NULL)) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for the position bias", node->name);
    } else {
        status = fv_tensor_read(node->weight, table, error);
    }
    if (status == FV_OK) {
        fill_bias(node, state, table);
        if (shifted) {
            fill_mask(node, state);
        }
    }
    fv_release(table);
    node->state_bytes = (heads + (shifted ? MASK_KINDS : 0)) * square * sizeof(float);
    node->tasks = state->windows_y * state->windows_x * heads;
    node->scratch =
        fv_attention_scratch(state->tokens, state->head) * sizeof(float) + 4 * state->tokens * sizeof(float *);
    return status;
}

/* The rows of a window and head. */
struct rows {
    const float **queries, **keys, **values;
    float **outputs;
};

static void locate(const struct fv_context *context, const struct fv_node *node, size_t task, const struct rows *rows) {
    const struct attention *state = node->state;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const size_t heads = node->options.attention.heads, window = node->options.attention.window;
    const size_t channels = output->shape.channels, head = task % heads;
    const size_t window_y = task / heads / state->windows_x, window_x = task / heads % state->windows_x;
    const size_t offset = head * (channels / heads);
    const size_t shift = node->options.attention.shift;
    size_t y = (window_y * window + shift) % output->shape.height, column = 0;
    const size_t first_x = (window_x * window + shift) % output->shape.width;
    size_t x = first_x;
    for (size_t t = 0; t < state->tokens; t++) {
        const size_t token = y * output->shape.width + x;
        const float *row = input->block[0] + token * input->stride + offset;
        rows->queries[t] = row;
        rows->keys[t] = row + channels;
        rows->values[t] = row + 2 * channels;
        rows->outputs[t] = output->block[0] + token * output->stride + offset;
        x = x + 1 < output->shape.width ? x + 1 : 0;
        if (++column == window) {
            column = 0;
            x = first_x;
            y = y + 1 < output->shape.height ? y + 1 : 0;
        }
    }
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    const struct attention *state = node->state;
    const size_t heads = node->options.attention.heads, square = state->tokens * state->stride;
    struct rows rows = {.outputs = (float **)((float *)scratch + fv_attention_scratch(state->tokens, state->head))};
    rows.queries = (const float **)(rows.outputs + state->tokens);
    rows.keys = rows.queries + state->tokens;
    rows.values = rows.keys + state->tokens;
    locate(context, node, task, &rows);

    const size_t window = task / heads;
    const size_t kind = (window / state->windows_x + 1 == state->windows_y ? MASK_BOTTOM : 0) |
                        (window % state->windows_x + 1 == state->windows_x ? MASK_RIGHT : 0);
    const struct fv_attention attention = {
        .tokens = state->tokens,
        .head = state->head,
        .scale = (float)node->output_scale,
        .queries = rows.queries,
        .keys = rows.keys,
        .values = rows.values,
        .outputs = rows.outputs,
        .bias = state->bias + task % heads * square,
        .mask = state->mask != NULL && kind != 0 ? state->mask + kind * square : NULL,
        .scratch = scratch,
    };
    context->kernels->attention(&attention);
}

static void release(struct fv_node *node) {
    struct attention *state = node->state;
    if (state != NULL) {
        fv_release(state->bias);
        fv_release(state->mask);
        fv_release(state);
        node->state = NULL;
    }
}

static const struct fv_algorithm per_window_and_head = {
    .name = "per_window_and_head", .accept = accept, .prepare = prepare, .run = run, .release = release};
static const struct fv_algorithm *const algorithms[] = {&per_window_and_head, NULL};

const struct fv_operator fv_operator_window_attention = {"window_attention", algorithms};
