/* A matrix product by our own kernels: rows are read in place through tables of pointers, weights from packed panels,
 * and sums stay in registers over a chunk. Partial sums between chunks wait in the output, which is in the second-level
 * cache. */
#include "ops/product.h"

#include "fovea/memory.h"

static bool accept(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    (void)context;
    (void)node;
    (void)reason;
    return true;
}

static size_t largest_chunk(const struct fv_product *product) {
    size_t segments = 0;
    for (size_t c = 0; c < product->chunk_count; c++) {
        segments = product->chunks[c].segments > segments ? product->chunks[c].segments : segments;
    }
    return segments;
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    struct fv_product *product;
    const enum fv_status status =
        fv_product_create(context, node, fv_product_kind(context, node), false, &product, error);
    if (status != FV_OK) {
        return status;
    }
    node->state = product;
    node->state_bytes = product->weight_floats * sizeof(float);
    node->tasks = fv_product_tasks(product);
    /* Pointers to inputs, outputs and residuals of the rows of a task. */
    node->scratch = (largest_chunk(product) + 2) * product->row_block * sizeof(float *);
    return FV_OK;
}

struct pointers {
    const float **inputs; /* [tiles][segments][tile_rows] */
    float **outputs, **residuals;
    size_t output_stride, residual_stride;
};

/* All tiles of a task's rows against all its weight panels, for one chunk of the sum. */
static void run_chunk(const struct fv_context *context, const struct fv_node *node, const struct fv_product *product,
                      const struct fv_product_task *task, const struct fv_chunk *chunk,
                      const struct pointers *pointers) {
    const struct fv_kernels *kernels = context->kernels;
    const size_t rows = task->last_row - task->first_row, tile_rows = kernels->tile_rows;
    const size_t tile_pointers = chunk->segments * tile_rows;
    const bool last_chunk = chunk == &product->chunks[product->chunk_count - 1];
    const size_t part_lanes = product->part_vectors * kernels->width;
    for (size_t row = 0; row < rows; row += tile_rows) {
        const size_t count = rows - row < tile_rows ? rows - row : tile_rows;
        fv_product_inputs(context, node, product, chunk, task->part, task->first_row + row, count, tile_rows,
                          pointers->inputs + row / tile_rows * tile_pointers);
    }
    struct fv_epilogue epilogue = {
        .residual_stride = pointers->residual_stride, .activation = node->activation, .slope = node->slope};
    struct fv_gemm_tile tile = {.segments = chunk->segments,
                                .length = chunk->length,
                                .output_stride = pointers->output_stride,
                                .accumulate = chunk != product->chunks,
                                .epilogue = last_chunk ? &epilogue : NULL};
    float *outputs[FV_MAX_TILE_ROWS];
    const float *residuals[FV_MAX_TILE_ROWS];
    tile.outputs = outputs;
    for (size_t vector = task->first_vector; vector < task->last_vector; vector += kernels->tile_vectors) {
        const size_t left = task->last_vector - vector;
        tile.vectors = left < kernels->tile_vectors ? left : kernels->tile_vectors;
        tile.weights = product->weights +
                       (task->part * product->part_vectors + vector) * kernels->width * product->depth +
                       chunk->first_k * tile.vectors * kernels->width;
        epilogue.bias = product->bias + task->part * part_lanes + vector * kernels->width;
        for (size_t row = 0; row < rows; row += tile_rows) {
            tile.rows = rows - row < tile_rows ? rows - row : tile_rows;
            tile.inputs = pointers->inputs + row / tile_rows * tile_pointers;
            for (size_t r = 0; r < tile.rows; r++) {
                outputs[r] = pointers->outputs[row + r] + vector * pointers->output_stride;
                if (pointers->residuals != NULL) {
                    residuals[r] = pointers->residuals[row + r] + vector * pointers->residual_stride;
                }
            }
            epilogue.residual = pointers->residuals != NULL ? residuals : NULL;
            kernels->gemm_tile(&tile);
        }
    }
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t task_number, void *scratch) {
    const struct fv_product *product = node->state;
    const struct fv_product_task task = fv_product_task(product, task_number);
    const size_t rows = task.last_row - task.first_row;
    struct pointers pointers = {.outputs = scratch};
    pointers.inputs = (const float **)(pointers.outputs + 2 * product->row_block);
    pointers.output_stride = fv_product_rows(context, node, product, &context->views[node->output], task.part,
                                             task.first_row, rows, pointers.outputs);
    if (node->residual != FV_NO_VALUE) {
        pointers.residuals = pointers.outputs + product->row_block;
        pointers.residual_stride = fv_product_rows(context, node, product, &context->views[node->residual], task.part,
                                                   task.first_row, rows, pointers.residuals);
    }
    for (size_t c = 0; c < product->chunk_count; c++) {
        run_chunk(context, node, product, &task, &product->chunks[c], &pointers);
    }
}

static void release(struct fv_node *node) {
    fv_product_release(node->state);
    node->state = NULL;
}

const struct fv_algorithm fv_algorithm_indirect_product = {
    .name = "indirect_product", .accept = accept, .prepare = prepare, .run = run, .release = release};
