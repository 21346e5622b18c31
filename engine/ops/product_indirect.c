/* A matrix product by our own kernels: rows are read in place through tables of pointers, weights from packed panels.
 *
 * A task is one register tile of rows against a block of weight panels. A range of tasks runs block of rows by block,
 * chunk of the sum by chunk: the inputs of a tile of rows, a chunk deep, stay in the first-level cache while all panels
 * of the block pass through it from the second-level cache; partial sums between chunks wait in the outputs, which a
 * block of rows keeps in the second-level cache too. */
#include "ops/product.h"
#include "ops/statistics.h"

#include "fovea/memory.h"

enum {
    GATHERED_TILES = 8, /* whose outputs are gathered together */
    LEAST_TASKS = 8     /* of the rows, if they are */
};

/* Shares of the peak that the register tile reaches in large products, with fused multiply-add and without. */
static const double FUSED_EFFICIENCY = 0.9, UNFUSED_EFFICIENCY = 0.65;

static bool accept(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    (void)context;
    (void)node;
    (void)reason;
    return true;
}

/* Multiply-adds of whole vectors of outputs, over what the kernels reach. */
static double cost(const struct fv_context *context, const struct fv_node *node) {
    const struct fv_shape output = context->views[node->output].shape;
    const double outputs = (double)fv_pixels(output) * (double)output.channels;
    const double vectors = (double)fv_round_up(output.channels, context->kernels->width) /
                           (double)context->kernels->width * (double)fv_pixels(output);
    return node->multiply_adds / outputs * vectors /
           (fv_kernels_fuse(context->kernels) ? FUSED_EFFICIENCY : UNFUSED_EFFICIENCY);
}

static size_t largest_chunk(const struct fv_product *product) {
    size_t segments = 0;
    for (size_t c = 0; c < product->chunk_count; c++) {
        segments = product->chunks[c].segments > segments ? product->chunks[c].segments : segments;
    }
    return segments;
}

static size_t largest_depth(const struct fv_product *product) {
    size_t depth = 0;
    for (size_t c = 0; c < product->chunk_count; c++) {
        const size_t chunk = product->chunks[c].segments * product->chunks[c].length;
        depth = chunk > depth ? chunk : depth;
    }
    return depth;
}

/* Of the pointers to the inputs, outputs and residuals of a tile of rows: whole vectors. */
static size_t pointer_bytes(const struct fv_context *context, const struct fv_product *product) {
    return fv_round_up((largest_chunk(product) + 2) * context->kernels->tile_rows * sizeof(float *), FV_ALIGNMENT);
}

/* Whether all parts read the same inputs, so that one task serves them all. */
static bool shares_inputs(const struct fv_product *product) {
    return product->kind == FV_PRODUCT_TRANSPOSED;
}

/* Rows are cut evenly into register tiles, so that no tile is left with a few only. */
static size_t row_tiles(const struct fv_context *context, const struct fv_product *product) {
    return (product->rows + context->kernels->tile_rows - 1) / context->kernels->tile_rows;
}

/* Register tiles of a task: one, or several where their outputs are gathered, which few rows are not worth. */
static size_t task_tiles(const struct fv_context *context, const struct fv_node *node,
                         const struct fv_product *product) {
    const size_t tiles = row_tiles(context, product), few = tiles / LEAST_TASKS;
    return node->gather == FV_GATHER_NOTHING || few == 0 ? 1 : few < GATHERED_TILES ? few : GATHERED_TILES;
}

static size_t row_tasks(const struct fv_context *context, const struct fv_node *node,
                        const struct fv_product *product) {
    const size_t tiles = task_tiles(context, node, product);
    return (row_tiles(context, product) + tiles - 1) / tiles;
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    struct fv_product *product;
    const enum fv_status status =
        fv_product_create(context, node, fv_product_kind(context, node), FV_WEIGHTS_WIDE_PANELS, &product, error);
    if (status != FV_OK) {
        return status;
    }
    node->state = product;
    node->state_bytes = product->weight_floats * sizeof(float);
    node->pieces = row_tasks(context, node, product);
    node->tasks = (shares_inputs(product) ? 1 : product->parts) * product->vector_blocks * node->pieces;
    node->scratch = pointer_bytes(context, product);
    if (node->gate != FV_NO_VALUE) { /* the last block may take in one vector more */
        node->scratch += largest_depth(product) * (product->vector_block + 1) * context->kernels->width * sizeof(float);
    }
    return FV_OK;
}

/* A block of rows and weight panels, the chunk at hand, a tile of the rows, and the part of the product. */
struct visit {
    const struct fv_node *node;
    const struct fv_product *product;
    size_t first_part, last_part, first_tile, last_tile, first_vector, last_vector; /* the block */
    const struct fv_chunk *chunk;
    size_t part, first_row, rows;          /* rows of the tile */
    float **outputs, **residuals;          /* [tile_rows] */
    const float **inputs;                  /* [segments][tile_rows] */
    size_t output_stride, residual_stride; /* between the vectors of a row */
    float *gated;                          /* weights of the block and chunk times the gate, panel after panel */
};

static size_t panel_vectors(const struct fv_context *context, const struct visit *visit, size_t vector) {
    return fv_panel_vectors(context, visit->product, visit->last_vector - vector);
}

/* The weights of the panel at `vector`, the chunk at hand. */
static const float *panel_weights(const struct fv_context *context, const struct visit *visit, size_t vector) {
    const struct fv_product *product = visit->product;
    const size_t width = context->kernels->width;
    return product->weights + (visit->part * product->part_vectors + vector) * width * product->depth +
           visit->chunk->first_k * panel_vectors(context, visit, vector) * width;
}

/* Where a panel of the block lies among the gated weights. */
static float *panel_gated(const struct fv_context *context, const struct visit *visit, size_t vector) {
    return visit->gated +
           (vector - visit->first_vector) * context->kernels->width * visit->chunk->segments * visit->chunk->length;
}

/* Multiplies the weights of the block and chunk by the gate. */
static void apply_gate(const struct fv_context *context, const struct visit *visit) {
    const struct fv_chunk *chunk = visit->chunk;
    const struct fv_view *gate = &context->views[visit->node->gate];
    size_t vectors;
    for (size_t vector = visit->first_vector; vector < visit->last_vector; vector += vectors) {
        vectors = panel_vectors(context, visit, vector);
        const size_t lanes = vectors * context->kernels->width;
        const float *weights = panel_weights(context, visit, vector);
        float *gated = panel_gated(context, visit, vector);
        for (size_t s = 0; s < chunk->segments; s++) {
            const size_t offset = s * chunk->length * lanes;
            context->kernels->scale_rows(weights + offset,
                                         gate->block[visit->product->segments[chunk->first_segment + s].block],
                                         chunk->length, lanes, gated + offset);
        }
    }
}

/* Takes up the inputs of a tile of rows. The parts of a transposed convolution share them. */
static void take_inputs(const struct fv_context *context, struct visit *visit, size_t tile) {
    size_t end;
    fv_split(visit->product->rows, row_tiles(context, visit->product), tile, &visit->first_row, &end);
    visit->rows = end - visit->first_row;
    fv_product_inputs(context, visit->node, visit->product, visit->chunk, visit->first_part, visit->first_row,
                      visit->rows, context->kernels->tile_rows, visit->inputs);
}

static void take_outputs(const struct fv_context *context, struct visit *visit) {
    const struct fv_node *node = visit->node;
    visit->output_stride = fv_product_rows(context, node, visit->product, &context->views[node->output], visit->part,
                                           visit->first_row, visit->rows, visit->outputs);
    if (node->residual != FV_NO_VALUE) {
        visit->residual_stride = fv_product_rows(context, node, visit->product, &context->views[node->residual],
                                                 visit->part, visit->first_row, visit->rows, visit->residuals);
    }
}

/* The tile of rows against one weight panel. */
static void multiply(const struct fv_context *context, const struct visit *visit, size_t vector) {
    const struct fv_kernels *kernels = context->kernels;
    const struct fv_product *product = visit->product;
    const struct fv_chunk *chunk = visit->chunk;
    const bool residual = visit->node->residual != FV_NO_VALUE;
    const bool gated = visit->node->gate != FV_NO_VALUE;
    const size_t first_lane = (visit->part * product->part_vectors + vector) * kernels->width;
    const struct fv_epilogue epilogue = {.bias = product->bias + first_lane,
                                         .residual = residual ? (const float *const *)visit->residuals : NULL,
                                         .residual_offset = vector * visit->residual_stride,
                                         .residual_stride = visit->residual_stride,
                                         .activation = visit->node->activation,
                                         .slope = visit->node->slope};
    const struct fv_gemm_tile tile = {
        .rows = visit->rows,
        .vectors = panel_vectors(context, visit, vector),
        .segments = chunk->segments,
        .length = chunk->length,
        .inputs = visit->inputs,
        .weights = gated ? panel_gated(context, visit, vector) : panel_weights(context, visit, vector),
        .outputs = visit->outputs,
        .output_offset = vector * visit->output_stride,
        .output_stride = visit->output_stride,
        .accumulate = chunk != product->chunks,
        .epilogue = chunk == &product->chunks[product->chunk_count - 1] ? &epilogue : NULL};
    kernels->gemm_tile(&tile);
}

/* Gathers the block's outputs, which are final, task by task. */
static void gather(const struct fv_context *context, const struct visit *visit) {
    const struct fv_product *product = visit->product;
    const size_t tiles = task_tiles(context, visit->node, product);
    for (size_t tile = visit->first_tile; tile < visit->last_tile; tile += tiles) {
        const size_t end = tile + tiles < visit->last_tile ? tile + tiles : visit->last_tile;
        size_t first, last, ignored;
        fv_split(product->rows, row_tiles(context, product), tile, &first, &ignored);
        fv_split(product->rows, row_tiles(context, product), end - 1, &ignored, &last);
        for (size_t vector = visit->first_vector; vector < visit->last_vector; vector++) {
            fv_statistics_gather_run(context, visit->node, visit->first_part * product->part_vectors + vector,
                                     tile / tiles, first, last - first);
        }
    }
}

static void run_block(const struct fv_context *context, struct visit *visit) {
    const struct fv_product *product = visit->product;
    for (size_t c = 0; c < product->chunk_count; c++) {
        visit->chunk = &product->chunks[c];
        visit->part = visit->first_part;
        if (visit->node->gate != FV_NO_VALUE) {
            apply_gate(context, visit);
        }
        for (size_t tile = visit->first_tile; tile < visit->last_tile; tile++) {
            take_inputs(context, visit, tile);
            for (visit->part = visit->first_part; visit->part < visit->last_part; visit->part++) {
                take_outputs(context, visit);
                for (size_t vector = visit->first_vector; vector < visit->last_vector;
                     vector += panel_vectors(context, visit, vector)) {
                    multiply(context, visit, vector);
                }
            }
        }
    }
    if (visit->node->gather != FV_GATHER_NOTHING) {
        gather(context, visit);
    }
}

/* The block that begins with task `first`, which ends before `last` or earlier; returns the number of tasks. */
static size_t find_block(const struct fv_context *context, struct visit *visit, size_t first, size_t last) {
    const struct fv_product *product = visit->product;
    const size_t tasks = row_tasks(context, visit->node, product), tiles = task_tiles(context, visit->node, product);
    const size_t group = first / tasks, task = first % tasks, columns = group % product->vector_blocks;
    size_t count = product->row_block / context->kernels->tile_rows / tiles;
    count = count > 1 ? count : 1;
    count = count < tasks - task ? count : tasks - task;
    count = count < last - first ? count : last - first;
    visit->first_part = group / product->vector_blocks;
    visit->last_part = shares_inputs(product) ? product->parts : visit->first_part + 1;
    const size_t end = (task + count) * tiles, all = row_tiles(context, product);
    visit->first_tile = task * tiles;
    visit->last_tile = end < all ? end : all;
    visit->first_vector = columns * product->vector_block;
    visit->last_vector =
        columns + 1 < product->vector_blocks ? visit->first_vector + product->vector_block : product->part_vectors;
    return count;
}

static void run_range(const struct fv_context *context, const struct fv_node *node, size_t first, size_t last,
                      void *scratch) {
    const struct fv_product *product = node->state;
    struct visit visit = {.node = node, .product = product, .outputs = scratch};
    visit.residuals = visit.outputs + context->kernels->tile_rows;
    visit.inputs = (const float **)(visit.residuals + context->kernels->tile_rows);
    visit.gated = (float *)(void *)((char *)scratch + pointer_bytes(context, product));
    while (first < last) {
        first += find_block(context, &visit, first, last);
        run_block(context, &visit);
    }
}

static void release(struct fv_node *node) {
    fv_product_release(node->state);
    node->state = NULL;
}

const struct fv_algorithm fv_algorithm_indirect_product = {.name = "indirect_product",
                                                           .accept = accept,
                                                           .cost = cost,
                                                           .prepare = prepare,
                                                           .run_range = run_range,
                                                           .release = release,
                                                           .gathers = true};
