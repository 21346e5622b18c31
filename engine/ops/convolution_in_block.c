/* Convolutions whose outputs depend on the inputs of their own plane block alone: depthwise, and grouped where the
 * groups fit into blocks. A task takes some output rows of one block. */
#include <stdio.h>

#include "fovea/memory.h"
#include "ops/product.h"

struct in_block {
    struct fv_product *terms; /* weights packed as [block][taps][inputs of a group][width] */
    struct fv_window window;
    size_t row_blocks;
};

static bool accept_depthwise(const struct fv_context *context, const struct fv_node *node,
                             char reason[FV_REASON_SIZE]) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    if (input->shape.kind != FV_PLANES || node->options.convolution.groups < 2) {
        snprintf(reason, FV_REASON_SIZE, "not a grouped convolution of planes");
        return false;
    }
    if (node->weight->shape[1] != 1 || node->weight->shape[0] != input->shape.channels) {
        snprintf(reason, FV_REASON_SIZE, "%zu inputs and %zu outputs a group, expected 1 and 1", node->weight->shape[1],
                 node->weight->shape[0] / node->options.convolution.groups);
        return false;
    }
    if (node->residual != FV_NO_VALUE || context->views[node->output].shape.kind != FV_PLANES) {
        snprintf(reason, FV_REASON_SIZE, "has a residual, or tokens as output");
        return false;
    }
    return true;
}

static bool accept_grouped(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    const size_t width = context->kernels->width, groups = node->options.convolution.groups;
    const size_t inputs = node->weight->shape[1], outputs = node->weight->shape[0] / groups;
    const size_t stride_y = node->options.convolution.stride_y, stride_x = node->options.convolution.stride_x;
    if (input->shape.kind != FV_PLANES || context->views[node->output].shape.kind != FV_PLANES || groups < 2) {
        snprintf(reason, FV_REASON_SIZE, "not a grouped convolution from planes to planes");
        return false;
    }
    if (inputs != outputs || inputs < 2 || width % inputs != 0) {
        snprintf(reason, FV_REASON_SIZE, "%zu inputs and %zu outputs a group, expected equal numbers that divide %zu",
                 inputs, outputs, width);
        return false;
    }
    if (node->options.convolution.kernel_y != 3 || node->options.convolution.kernel_x != 3 || stride_y != stride_x ||
        stride_x > 2) {
        snprintf(reason, FV_REASON_SIZE, "kernel %zu x %zu, stride %zu x %zu, expected 3 x 3 and 1 x 1 or 2 x 2",
                 node->options.convolution.kernel_y, node->options.convolution.kernel_x, stride_y, stride_x);
        return false;
    }
    return true;
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    struct in_block *state = fv_allocate_zero(1, sizeof *state);
    if (state == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    node->state = state;
    const enum fv_status status =
        fv_product_create(context, node, FV_PRODUCT_IN_BLOCK, FV_WEIGHTS_PANELS, &state->terms, error);
    if (status != FV_OK) {
        return status;
    }
    const struct fv_shape input = context->views[node->inputs[0]].shape, output = context->views[node->output].shape;
    state->window = (struct fv_window){.input_height = input.height,
                                       .input_width = input.width,
                                       .output_height = output.height,
                                       .output_width = output.width,
                                       .kernel_height = node->options.convolution.kernel_y,
                                       .kernel_width = node->options.convolution.kernel_x,
                                       .stride_y = node->options.convolution.stride_y,
                                       .stride_x = node->options.convolution.stride_x,
                                       .pad_top = node->options.convolution.padding.top,
                                       .pad_left = node->options.convolution.padding.left};
    state->row_blocks = fv_row_blocks(output, context->views[node->output].blocks);
    node->state_bytes = state->terms->weight_floats * sizeof(float);
    node->tasks = context->views[node->output].blocks * state->row_blocks;
    return FV_OK;
}

/* The block and the output rows of a task. */
struct rows {
    size_t block, first, last;
};

static struct rows rows_of(const struct fv_context *context, const struct fv_node *node, size_t task) {
    const struct in_block *state = node->state;
    struct rows rows = {.block = task / state->row_blocks};
    fv_split(context->views[node->output].shape.height, state->row_blocks, task % state->row_blocks, &rows.first,
             &rows.last);
    return rows;
}

static void run_depthwise(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct in_block *state = node->state;
    const struct rows rows = rows_of(context, node, task);
    const size_t width = context->kernels->width;
    context->kernels->depthwise(&state->window, context->views[node->inputs[0]].block[rows.block],
                                state->terms->weights + rows.block * state->terms->depth * width,
                                state->terms->bias + rows.block * width, node->activation, node->slope, rows.first,
                                rows.last, context->views[node->output].block[rows.block]);
}

static void run_grouped(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct in_block *state = node->state;
    const struct rows rows = rows_of(context, node, task);
    const size_t width = context->kernels->width;
    const struct fv_grouped convolution = {
        .window = state->window,
        .group = node->weight->shape[1],
        .input = context->views[node->inputs[0]].block[rows.block],
        .weights = state->terms->weights + rows.block * state->terms->depth * width,
        .bias = state->terms->bias + rows.block * width,
        .residual = node->residual != FV_NO_VALUE ? context->views[node->residual].block[rows.block] : NULL,
        .activation = node->activation,
        .slope = node->slope,
        .output = context->views[node->output].block[rows.block]};
    context->kernels->grouped(&convolution, rows.first, rows.last);
}

static void release(struct fv_node *node) {
    struct in_block *state = node->state;
    if (state != NULL) {
        fv_product_release(state->terms);
        fv_release(state);
        node->state = NULL;
    }
}

const struct fv_algorithm fv_algorithm_depthwise = {
    .name = "depthwise", .accept = accept_depthwise, .prepare = prepare, .run = run_depthwise, .release = release};
const struct fv_algorithm fv_algorithm_grouped = {
    .name = "grouped", .accept = accept_grouped, .prepare = prepare, .run = run_grouped, .release = release};
