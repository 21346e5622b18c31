/* Attention inside shifted windows (Swin). One task is one window and head: keys become a panel, scores of all queries
 * fit the first or second-level cache, softmax with bias and mask, then the product with the values. Rolling, cutting
 * and their inverses are only the order of the row pointers. */
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "ops/operator.h"

/* Windows at the end of an axis hold tokens from both ends of the rolled grid. */
enum { MASK_BOTTOM = 1, MASK_RIGHT = 2, MASK_KINDS = 4 };

struct attention {
    size_t tokens; /* of a window */
    size_t padded; /* rounded up to FV_TOKEN_ALIGNMENT: the row stride of scores, bias and mask */
    size_t windows_y, windows_x;
    size_t head, padded_head; /* channels of a head, rounded up to the vector width */
    float *bias;              /* [heads][tokens][padded] */
    float *mask;              /* [MASK_KINDS][tokens][padded], kind 0 unused; NULL without a shift */
};

static bool accept(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    (void)context;
    (void)node;
    (void)reason;
    return true;
}

/* bias[head][p][q] = table[(py - qy + T - 1)(2T - 1) + px - qx + T - 1][head], T the window that the table was made
 * for. */
static void fill_bias(const struct fv_node *node, const struct attention *state, const float *table) {
    const size_t window = node->options.attention.window, side = node->options.attention.table_window;
    const size_t heads = node->options.attention.heads;
    for (size_t head = 0; head < heads; head++) {
        for (size_t p = 0; p < state->tokens; p++) {
            float *row = state->bias + (head * state->tokens + p) * state->padded;
            for (size_t q = 0; q < state->tokens; q++) {
                const size_t y = p / window + side - 1 - q / window, x = p % window + side - 1 - q % window;
                row[q] = table[(y * (2 * side - 1) + x) * heads + head];
            }
        }
    }
}

/* Region of a coordinate inside the last window of an axis: before or after the seam of the roll. */
static void fill_mask(const struct fv_node *node, const struct attention *state) {
    const size_t window = node->options.attention.window, seam = window - node->options.attention.shift;
    for (size_t kind = 1; kind < MASK_KINDS; kind++) {
        for (size_t p = 0; p < state->tokens; p++) {
            float *row = state->mask + (kind * state->tokens + p) * state->padded;
            for (size_t q = 0; q < state->tokens; q++) {
                const bool split_y = (p / window < seam) != (q / window < seam);
                const bool split_x = (p % window < seam) != (q % window < seam);
                const bool apart = ((kind & MASK_BOTTOM) != 0 && split_y) || ((kind & MASK_RIGHT) != 0 && split_x);
                row[q] = apart ? -100.0f : 0.0f;
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
    state->padded = fv_round_up(state->tokens, FV_TOKEN_ALIGNMENT);
    state->windows_y = output.height / window;
    state->windows_x = output.width / window;
    state->head = output.channels / heads;
    state->padded_head = fv_round_up(state->head, context->kernels->width);
    const size_t square = state->tokens * state->padded;
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
    /* Pointers of queries, keys, values and outputs; key panel, value panel, scores, products. */
    node->scratch =
        4 * state->padded * sizeof(float *) + (state->head * (state->padded + FV_MAX_WIDTH * FV_MAX_TILE_VECTORS) +
                                               2 * state->padded * state->padded_head + square) *
                                                  sizeof(float);
    return status;
}

/* The working set of one task. */
struct workspace {
    const float **queries, **keys, **values;
    float **outputs;
    float *key_panel;   /* [key tiles][head][tile lanes] */
    float *value_panel; /* [value tiles][tokens][tile lanes] */
    float *scores;      /* [tokens][padded] */
    float *products;    /* [tokens][padded_head], where a head is no whole number of vectors */
};

static void locate(const struct fv_context *context, const struct fv_node *node, size_t task,
                   const struct workspace *workspace) {
    const struct attention *state = node->state;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const size_t heads = node->options.attention.heads, window = node->options.attention.window;
    const size_t channels = output->shape.channels, head = task % heads;
    const size_t window_y = task / heads / state->windows_x, window_x = task / heads % state->windows_x;
    const size_t offset = head * (channels / heads);
    for (size_t t = 0; t < state->tokens; t++) {
        const size_t y = (window_y * window + t / window + node->options.attention.shift) % output->shape.height;
        const size_t x = (window_x * window + t % window + node->options.attention.shift) % output->shape.width;
        const size_t token = y * output->shape.width + x;
        const float *row = input->block[0] + token * input->stride + offset;
        workspace->queries[t] = row;
        workspace->keys[t] = row + channels;
        workspace->values[t] = row + 2 * channels;
        workspace->outputs[t] = output->block[0] + token * output->stride + offset;
    }
}

/* rows x columns: outputs[r][c] = sum over k of inputs[r][k] * panel[k][c], panels of tile_vectors. */
static void multiply(const struct fv_kernels *kernels, const float *const *inputs, size_t rows, size_t length,
                     const float *panels, size_t vectors, float *const *outputs) {
    const size_t step = kernels->tile_vectors * kernels->width;
    for (size_t vector = 0; vector < vectors; vector += kernels->tile_vectors) {
        const size_t left = vectors - vector;
        const struct fv_epilogue epilogue = {.activation = FV_ACTIVATION_NONE};
        struct fv_gemm_tile tile = {.vectors = left < kernels->tile_vectors ? left : kernels->tile_vectors,
                                    .segments = 1,
                                    .length = length,
                                    .output_stride = kernels->width,
                                    .epilogue = &epilogue};
        tile.weights = panels + vector / kernels->tile_vectors * step * length;
        for (size_t row = 0; row < rows; row += kernels->tile_rows) {
            float *targets[FV_MAX_TILE_ROWS];
            tile.rows = rows - row < kernels->tile_rows ? rows - row : kernels->tile_rows;
            tile.inputs = inputs + row;
            for (size_t r = 0; r < tile.rows; r++) {
                targets[r] = outputs[row + r] + vector * kernels->width;
            }
            tile.outputs = targets;
            kernels->gemm_tile(&tile);
        }
    }
}

/* Panels of the products: keys transposed, values cut into tiles. The last panel of each may be narrower. */
static void pack_panels(const struct fv_kernels *kernels, const struct attention *state, double scale,
                        const struct workspace *workspace) {
    const size_t step = kernels->tile_vectors * kernels->width, head = state->head;
    for (size_t key = 0; key < state->padded; key += step) {
        const size_t lanes = state->tokens > key ? state->tokens - key : 0;
        const size_t padded = state->padded - key < step ? state->padded - key : step;
        kernels->transpose_panel(workspace->keys + key, lanes < padded ? lanes : padded, head, padded,
                                 workspace->key_panel + key * head);
    }
    for (size_t i = 0; scale != 1 && i < state->padded * head; i++) {
        workspace->key_panel[i] = (float)(workspace->key_panel[i] * scale);
    }
    for (size_t first = 0; first < head; first += step) {
        const size_t lanes = state->padded_head - first < step ? state->padded_head - first : step;
        const size_t count = head - first < lanes ? head - first : lanes;
        for (size_t t = 0; t < state->tokens; t++) {
            float *row = workspace->value_panel + first * state->tokens + t * lanes;
            memcpy(row, workspace->values[t] + first, count * sizeof(float));
            memset(row + count, 0, (lanes - count) * sizeof(float));
        }
    }
}

/* Probabilities times values. A head that does not fill its last vector is computed aside: that vector's end is the
 * next head's. */
static void weigh_values(const struct fv_kernels *kernels, const struct attention *state,
                         const float *const *probabilities, const struct workspace *workspace) {
    const size_t vectors = state->padded_head / kernels->width;
    if (state->padded_head == state->head) {
        multiply(kernels, probabilities, state->tokens, state->tokens, workspace->value_panel, vectors,
                 workspace->outputs);
        return;
    }
    float **rows = (float **)(workspace->queries); /* the scores are done */
    for (size_t t = 0; t < state->tokens; t++) {
        rows[t] = workspace->products + t * state->padded_head;
    }
    multiply(kernels, probabilities, state->tokens, state->tokens, workspace->value_panel, vectors, rows);
    for (size_t t = 0; t < state->tokens; t++) {
        memcpy(workspace->outputs[t], rows[t], state->head * sizeof(float));
    }
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    const struct attention *state = node->state;
    const struct fv_kernels *kernels = context->kernels;
    const size_t heads = node->options.attention.heads;
    const size_t head = state->head, padded = state->padded;
    struct workspace workspace = {.key_panel = scratch};
    workspace.value_panel = workspace.key_panel + head * (padded + FV_MAX_WIDTH * FV_MAX_TILE_VECTORS);
    workspace.scores = workspace.value_panel + padded * state->padded_head;
    workspace.products = workspace.scores + state->tokens * padded;
    workspace.outputs = (float **)(workspace.products + padded * state->padded_head);
    workspace.queries = (const float **)(workspace.outputs + padded);
    workspace.keys = workspace.queries + padded;
    workspace.values = workspace.keys + padded;
    locate(context, node, task, &workspace);
    pack_panels(kernels, state, node->output_scale, &workspace);

    float **score_rows = (float **)(workspace.keys); /* keys and values are in their panels by now */
    for (size_t t = 0; t < state->tokens; t++) {
        score_rows[t] = workspace.scores + t * padded;
    }
    multiply(kernels, workspace.queries, state->tokens, head, workspace.key_panel, padded / kernels->width, score_rows);

    const size_t window = task / heads;
    const size_t kind = (window / state->windows_x + 1 == state->windows_y ? MASK_BOTTOM : 0) |
                        (window % state->windows_x + 1 == state->windows_x ? MASK_RIGHT : 0);
    const float *bias = state->bias + task % heads * state->tokens * padded;
    const float *mask = state->mask != NULL && kind != 0 ? state->mask + kind * state->tokens * padded : NULL;
    for (size_t t = 0; t < state->tokens; t++) {
        kernels->softmax_row(score_rows[t], bias + t * padded, mask != NULL ? mask + t * padded : NULL, state->tokens,
                             score_rows[t]);
    }
    weigh_values(kernels, state, (const float *const *)score_rows, &workspace);
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
