/* A matrix product through OpenBLAS: the rows of a task are gathered, multiplied by sgemm, finished and scattered. The
 * yardstick for our own kernels, and another opinion on their results. */
#include "ops/product.h"

#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"

#if FOVEA_OPENBLAS
#include <cblas.h>
#endif

enum { GATHERED_ROWS = 192 };

static bool accept(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    (void)node;
    if (context->gemm != FV_GEMM_OPENBLAS) {
        snprintf(reason, FV_REASON_SIZE, "OpenBLAS was not asked for");
        return false;
    }
    return true;
}

static size_t row_blocks(const struct fv_product *product) {
    return (product->rows + product->row_block - 1) / product->row_block;
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    struct fv_product *product;
    const enum fv_status status =
        fv_product_create(context, node, fv_product_kind(context, node), FV_WEIGHTS_ROWS, &product, error);
    if (status != FV_OK) {
        return status;
    }
    const size_t columns = fv_round_up(product->part_vectors * context->kernels->width, FV_TOKEN_ALIGNMENT);
    node->state = product;
    node->state_bytes = product->weight_floats * sizeof(float);
    /* The gathered rows of a task take scratch. */
    product->row_block = product->row_block < GATHERED_ROWS ? product->row_block : GATHERED_ROWS;
    node->tasks = product->parts * row_blocks(product);
    node->scratch = product->row_block * (2 + product->segment_count) * sizeof(float *) +
                    product->row_block * (fv_round_up(product->depth, FV_TOKEN_ALIGNMENT) + columns) * sizeof(float);
    return FV_OK;
}

#if FOVEA_OPENBLAS
/* A task is a block of rows of one part against all its columns, which sgemm blocks itself. Rows vary fastest, so that
 * the tasks of one thread share their weights. */
struct task {
    size_t part, first_row, last_row;
};

static struct task find_task(const struct fv_product *product, size_t number) {
    const size_t blocks = row_blocks(product), first = number % blocks * product->row_block;
    const size_t left = product->rows - first;
    return (struct task){number / blocks, first, first + (left < product->row_block ? left : product->row_block)};
}

/* Copies the rows of a task to [rows][depth], multiplied by the gate if there is one. */
static void gather(const struct fv_context *context, const struct fv_node *node, const struct fv_product *product,
                   const struct task *task, const float **pointers, float *gathered) {
    const struct fv_view *gate = node->gate != FV_NO_VALUE ? &context->views[node->gate] : NULL;
    for (size_t c = 0; c < product->chunk_count; c++) {
        const struct fv_chunk *chunk = &product->chunks[c];
        for (size_t row = task->first_row; row < task->last_row; row += FV_MAX_TILE_ROWS) {
            const size_t left = task->last_row - row;
            const size_t rows = left < FV_MAX_TILE_ROWS ? left : FV_MAX_TILE_ROWS;
            fv_product_inputs(context, node, product, chunk, task->part, row, rows, rows, pointers);
            for (size_t s = 0; s < chunk->segments; s++) {
                for (size_t r = 0; r < rows; r++) {
                    float *target = gathered + (row - task->first_row + r) * product->depth + chunk->first_k;
                    memcpy(target + s * chunk->length, pointers[s * rows + r], chunk->length * sizeof(float));
                    for (size_t k = 0; gate != NULL && k < chunk->length; k++) {
                        target[s * chunk->length + k] *=
                            gate->block[product->segments[chunk->first_segment + s].block][k];
                    }
                }
            }
        }
    }
}

/* Bias, residual and activation of one row, then its vectors go where they belong. */
static void finish_row(const struct fv_context *context, const struct fv_node *node, const float *bias, size_t vectors,
                       const float *residual, size_t residual_stride, float *row, float *output, size_t output_stride) {
    const size_t width = context->kernels->width;
    for (size_t i = 0; i < vectors * width; i++) {
        row[i] += bias[i];
    }
    for (size_t v = 0; residual != NULL && v < vectors; v++) {
        for (size_t lane = 0; lane < width; lane++) {
            row[v * width + lane] += residual[v * residual_stride + lane];
        }
    }
    context->kernels->activate(row, NULL, node->activation, node->slope,
                               fv_round_up(vectors * width, FV_TOKEN_ALIGNMENT), row);
    for (size_t v = 0; v < vectors; v++) {
        memcpy(output + v * output_stride, row + v * width, width * sizeof(float));
    }
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t task_number, void *scratch) {
    const struct fv_product *product = node->state;
    const struct task task = find_task(product, task_number);
    const size_t rows = task.last_row - task.first_row;
    const size_t lanes = product->part_vectors * context->kernels->width;
    const size_t columns = fv_round_up(lanes, FV_TOKEN_ALIGNMENT);
    float *results = scratch;
    float *gathered = results + product->row_block * columns;
    float **outputs = (float **)(gathered + product->row_block * fv_round_up(product->depth, FV_TOKEN_ALIGNMENT));
    float **residuals = outputs + product->row_block;
    gather(context, node, product, &task, (const float **)(residuals + product->row_block), gathered);
    memset(results, 0, rows * columns * sizeof(float));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)rows, (blasint)lanes, (blasint)product->depth, 1.0f,
                gathered, (blasint)product->depth, product->weights + task.part * lanes * product->depth,
                (blasint)lanes, 0.0f, results, (blasint)columns);
    const size_t output_stride = fv_product_rows(context, node, product, &context->views[node->output], task.part,
                                                 task.first_row, rows, outputs);
    size_t residual_stride = 0;
    if (node->residual != FV_NO_VALUE) {
        residual_stride = fv_product_rows(context, node, product, &context->views[node->residual], task.part,
                                          task.first_row, rows, residuals);
    }
    for (size_t r = 0; r < rows; r++) {
        finish_row(context, node, product->bias + task.part * lanes, product->part_vectors,
                   node->residual != FV_NO_VALUE ? residuals[r] : NULL, residual_stride, results + r * columns,
                   outputs[r], output_stride);
    }
}
#else
/* Never reached: a session without OpenBLAS refuses the choice. */
static void run(const struct fv_context *context, const struct fv_node *node, size_t task_number, void *scratch) {
    (void)context;
    (void)node;
    (void)task_number;
    (void)scratch;
}
#endif

static void release(struct fv_node *node) {
    fv_product_release(node->state);
    node->state = NULL;
}

const struct fv_algorithm fv_algorithm_blas_product = {
    .name = "openblas_product", .accept = accept, .prepare = prepare, .run = run, .release = release};
