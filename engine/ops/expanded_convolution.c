/* A 1 x 1 convolution and the depthwise one after it, a few rows at a time (the first two layers of an inverted
 * residual block, Sandler et al. 2018): the map between them, several times as large as those around it, never leaves
 * the second-level cache and takes no part of the arena.
 *
 * A task takes some plane blocks of that map and some output rows. Strip by strip it computes the rows under them that
 * the strip before has not left, by the register tile of all products, and runs the second convolution on them. Tasks
 * that cut the rows of a block compute some twice, (kernel - stride) a cut, so rows are cut only where there are few
 * blocks. Every sum is that of the two layers alone, bit for bit.
 *
 * The input is read once for every group of blocks, in exchange for a map that is written and read; where both are in
 * a large third-level cache the time is the same (EfficientNet-B7 on Zen 4: 0.99 of the two layers' on one thread),
 * and the memory less (361 to 321 MB). */
#include <string.h>

#include "fovea/memory.h"
#include "ops/in_block.h"
#include "ops/statistics.h"

enum {
    STRIP_ROWS = 8,   /* outputs of a strip, if they fit: few of the rows under them are moved from strip to strip */
    GROUP_PANELS = 4, /* weight panels that one look-up of input rows serves, if they fit */
    LEAST_GROUPS = 4, /* of panels, for the threads */
    LEAST_TASKS = 16,
    LEAST_ROWS = 16 /* output rows of a task, for each row that is computed twice */
};

struct expanded {
    struct fv_product *expansion;
    struct fv_in_block convolution;
    size_t group, groups; /* vectors of a task (the last one's may be one more), and how many such groups */
    size_t pieces;        /* tasks that share a group's rows */
    size_t strip;         /* output rows */
    size_t capacity;      /* rows of the map between that lie in the scratch */
};

bool fv_expansion_accept(const struct fv_context *context, const struct fv_node *expansion,
                         const struct fv_node *node) {
    const struct fv_view *between = &context->views[expansion->output];
    const bool pointwise = expansion->operation == &fv_operator_convolution &&
                           expansion->options.convolution.kernel_y * expansion->options.convolution.kernel_x == 1 &&
                           expansion->options.convolution.stride_y * expansion->options.convolution.stride_x == 1 &&
                           expansion->options.convolution.groups == 1;
    const struct fv_padding *padding = &expansion->options.convolution.padding;
    if (context->gemm != FV_GEMM_OWN || !pointwise || between->shape.kind != FV_PLANES ||
        expansion->residual != FV_NO_VALUE || expansion->gate != FV_NO_VALUE ||
        padding->top + padding->left + padding->bottom + padding->right != 0) {
        return false;
    }
    return fv_plane_bytes(context, between) > fv_level2_bytes(context) && node->algorithm == &fv_algorithm_depthwise;
}

/* How the outputs are cut. */
static void cut(const struct fv_context *context, struct expanded *state) {
    const struct fv_window *window = &state->convolution.window;
    const struct fv_product *expansion = state->expansion;
    const size_t tile = context->kernels->tile_vectors, width = context->kernels->width;
    size_t panels = 0;
    for (size_t v = 0; v < expansion->part_vectors;
         v += fv_panel_vectors(context, expansion, expansion->part_vectors - v)) {
        panels++;
    }
    size_t fit = 0;
    for (size_t strip = STRIP_ROWS; strip > 0 && fit < GROUP_PANELS; strip /= 2) {
        state->strip = window->output_height < strip ? window->output_height : strip;
        state->capacity = (state->strip - 1) * window->stride_y + window->kernel_height;
        fit = fv_level2_bytes(context) / 2 /
              ((state->capacity * window->input_width + expansion->depth) * width * sizeof(float) * tile);
    }
    const size_t fair = (panels + LEAST_GROUPS - 1) / LEAST_GROUPS;
    size_t group = fit < fair ? fit : fair;
    group = group > 1 ? group : 1;
    state->group = group * tile;
    state->groups = (panels + group - 1) / group;
    const size_t twice = window->kernel_height > window->stride_y ? window->kernel_height - window->stride_y : 1;
    const size_t most = window->output_height / (LEAST_ROWS * twice);
    state->pieces = (LEAST_TASKS + state->groups - 1) / state->groups;
    state->pieces = state->pieces < most ? state->pieces : most;
    state->pieces = state->pieces > 1 ? state->pieces : 1;
}

static size_t buffer_bytes(const struct fv_context *context, const struct expanded *state) {
    return (state->group + 1) * state->capacity * state->convolution.window.input_width * context->kernels->width *
           sizeof(float);
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    struct expanded *state = fv_allocate_zero(1, sizeof *state);
    if (state == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    node->state = state;
    enum fv_status status = fv_in_block_create(context, node, &state->convolution, error);
    if (status == FV_OK) {
        status = fv_product_create(context, node->expansion, FV_PRODUCT_CONVOLUTION, FV_WEIGHTS_WIDE_PANELS,
                                   &state->expansion, error);
    }
    if (status != FV_OK) {
        return status;
    }
    cut(context, state);
    node->state_bytes = (state->convolution.terms->weight_floats + state->expansion->weight_floats) * sizeof(float);
    node->tasks = state->groups * state->pieces;
    node->pieces = state->pieces;
    size_t segments = 0;
    for (size_t c = 0; c < state->expansion->chunk_count; c++) {
        const size_t count = state->expansion->chunks[c].segments;
        segments = count > segments ? count : segments;
    }
    node->scratch = buffer_bytes(context, state) + (state->group + 1) * sizeof(struct fv_moments) +
                    segments * context->kernels->tile_rows * sizeof(const float *);
    return FV_OK;
}

/* The plane blocks of a task and the rows of the map between that its buffer holds. */
struct visit {
    const struct fv_node *node;
    const struct expanded *state;
    size_t first_block, last_block;
    float *buffer; /* [blocks][capacity][columns][width] */
    const float **inputs;
    size_t top, bottom;
    struct fv_moments *moments; /* [blocks], of what the task has written */
};

static float *buffer_row(const struct fv_context *context, const struct visit *visit, size_t block, size_t row) {
    const struct expanded *state = visit->state;
    return visit->buffer + ((block - visit->first_block) * state->capacity + row - visit->top) *
                               state->convolution.window.input_width * context->kernels->width;
}

/* One chunk of the sums of `rows` pixels from number `first` on, against all panels of the task. */
static void multiply(const struct fv_context *context, const struct visit *visit, const struct fv_chunk *chunk,
                     size_t first, size_t rows) {
    const struct fv_kernels *kernels = context->kernels;
    const struct fv_product *expansion = visit->state->expansion;
    const size_t width = kernels->width, columns = visit->state->convolution.window.input_width;
    float *outputs[FV_MAX_TILE_ROWS];
    float *base = buffer_row(context, visit, visit->first_block, visit->top);
    for (size_t r = 0; r < rows; r++) {
        outputs[r] = base + (first + r - visit->top * columns) * width;
    }
    fv_product_inputs(context, visit->node->expansion, expansion, chunk, 0, first, rows, kernels->tile_rows,
                      visit->inputs);
    size_t vectors;
    for (size_t vector = visit->first_block; vector < visit->last_block; vector += vectors) {
        vectors = fv_panel_vectors(context, expansion, expansion->part_vectors - vector);
        const struct fv_epilogue epilogue = {.bias = expansion->bias + vector * width,
                                             .activation = visit->node->expansion->activation,
                                             .slope = visit->node->expansion->slope};
        const struct fv_gemm_tile tile = {
            .rows = rows,
            .vectors = vectors,
            .segments = chunk->segments,
            .length = chunk->length,
            .inputs = visit->inputs,
            .weights = expansion->weights + (vector * expansion->depth + chunk->first_k * vectors) * width,
            .outputs = outputs,
            .output_offset = (vector - visit->first_block) * visit->state->capacity * columns * width,
            .output_stride = visit->state->capacity * columns * width,
            .accumulate = chunk != expansion->chunks,
            .epilogue = chunk == &expansion->chunks[expansion->chunk_count - 1] ? &epilogue : NULL};
        kernels->gemm_tile(&tile);
    }
}

/* Lets the buffer hold the rows top .. bottom-1: those that it has move to its beginning, the others are computed. */
static void expand(const struct fv_context *context, struct visit *visit, size_t top, size_t bottom) {
    const size_t columns = visit->state->convolution.window.input_width;
    const size_t old_top = visit->top, kept = visit->bottom > top ? visit->bottom - top : 0;
    for (size_t block = visit->first_block; block < visit->last_block && kept > 0; block++) {
        memmove(buffer_row(context, visit, block, old_top), buffer_row(context, visit, block, top),
                kept * columns * context->kernels->width * sizeof(float));
    }
    visit->top = top;
    visit->bottom = bottom;
    const struct fv_product *expansion = visit->state->expansion;
    const size_t tile_rows = context->kernels->tile_rows, last = bottom * columns;
    for (size_t c = 0; c < expansion->chunk_count; c++) {
        for (size_t pixel = (top + kept) * columns; pixel < last; pixel += tile_rows) {
            multiply(context, visit, &expansion->chunks[c], pixel, last - pixel < tile_rows ? last - pixel : tile_rows);
        }
    }
}

/* Output rows first .. last-1 of all blocks of the task. */
static void run_strip(const struct fv_context *context, struct visit *visit, size_t first, size_t last) {
    const struct fv_in_block *convolution = &visit->state->convolution;
    struct fv_window window = convolution->window;
    const size_t begin = first * window.stride_y, end = (last - 1) * window.stride_y + window.kernel_height;
    const size_t top = begin > window.pad_top ? begin - window.pad_top : 0;
    const size_t below = end > window.pad_top ? end - window.pad_top : 0;
    expand(context, visit, top, below < window.input_height ? below : window.input_height);
    window.pad_top = top + window.pad_top - begin;
    window.input_height = visit->bottom - visit->top;
    window.output_height = last - first;
    const struct fv_node *node = visit->node;
    const size_t offset = first * window.output_width * context->kernels->width;
    for (size_t block = visit->first_block; block < visit->last_block; block++) {
        fv_in_block_rows(context, node, convolution, &window, block, buffer_row(context, visit, block, visit->top),
                         NULL, 0, last - first, context->views[node->output].block[block] + offset);
        if (node->gather != FV_GATHER_NOTHING) {
            fv_moments_add(context, node->gather, context->views[node->output].block[block] + offset,
                           (last - first) * window.output_width, &visit->moments[block - visit->first_block]);
        }
    }
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    const struct expanded *state = node->state;
    const size_t group = task % state->groups;
    struct visit visit = {.node = node,
                          .state = state,
                          .first_block = group * state->group,
                          .last_block =
                              group + 1 < state->groups ? (group + 1) * state->group : state->expansion->part_vectors,
                          .buffer = scratch};
    visit.moments = (struct fv_moments *)(void *)((char *)scratch + buffer_bytes(context, state));
    memset(visit.moments, 0, (state->group + 1) * sizeof *visit.moments);
    visit.inputs = (const float **)(void *)(visit.moments + state->group + 1);
    size_t first, last;
    fv_split(state->convolution.window.output_height, state->pieces, task / state->groups, &first, &last);
    for (size_t row = first; row < last; row += state->strip) {
        run_strip(context, &visit, row, last - row < state->strip ? last : row + state->strip);
    }
    for (size_t block = visit.first_block; block < visit.last_block && node->gather != FV_GATHER_NOTHING; block++) {
        fv_statistics_keep(context, node, block, task / state->groups, &visit.moments[block - visit.first_block]);
    }
}

static void release(struct fv_node *node) {
    struct expanded *state = node->state;
    if (state != NULL) {
        fv_in_block_release(&state->convolution);
        fv_product_release(state->expansion);
        fv_release(state);
        node->state = NULL;
    }
}

const struct fv_algorithm fv_algorithm_expanded = {
    .name = "expanded", .prepare = prepare, .run = run, .release = release, .gathers = true};
