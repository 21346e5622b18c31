/* Convolutions whose outputs depend on the inputs of their own plane block alone: depthwise, and grouped where the
 * groups fit into blocks. A task takes some output rows of one block. */
#include <stdio.h>

#include "fovea/memory.h"
#include "ops/in_block.h"
#include "ops/statistics.h"

struct in_block {
    struct fv_in_block convolution;
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

enum fv_status fv_in_block_create(const struct fv_context *context, const struct fv_node *node,
                                  struct fv_in_block *convolution, struct fv_error *error) {
    const struct fv_shape input = context->views[node->inputs[0]].shape, output = context->views[node->output].shape;
    convolution->window = (struct fv_window){.input_height = input.height,
                                             .input_width = input.width,
                                             .output_height = output.height,
                                             .output_width = output.width,
                                             .kernel_height = node->options.convolution.kernel_y,
                                             .kernel_width = node->options.convolution.kernel_x,
                                             .stride_y = node->options.convolution.stride_y,
                                             .stride_x = node->options.convolution.stride_x,
                                             .pad_top = node->options.convolution.padding.top,
                                             .pad_left = node->options.convolution.padding.left};
    return fv_product_create(context, node, FV_PRODUCT_IN_BLOCK, FV_WEIGHTS_PANELS, &convolution->terms, error);
}

void fv_in_block_release(struct fv_in_block *convolution) {
    fv_product_release(convolution->terms);
    convolution->terms = NULL;
}

void fv_in_block_rows(const struct fv_context *context, const struct fv_node *node,
                      const struct fv_in_block *convolution, const struct fv_window *window, size_t block,
                      const float *input, const float *residual, size_t first, size_t last, float *output) {
    const size_t width = context->kernels->width, inputs = node->weight->shape[1];
    const float *weights = convolution->terms->weights + block * convolution->terms->depth * width;
    const float *bias = convolution->terms->bias + block * width;
    if (inputs == 1) {
        context->kernels->depthwise(window, input, weights, bias, node->activation, node->slope, first, last, output);
        return;
    }
    const struct fv_grouped grouped = {.window = *window,
                                       .group = inputs,
                                       .input = input,
                                       .weights = weights,
                                       .bias = bias,
                                       .residual = residual,
                                       .activation = node->activation,
                                       .slope = node->slope,
                                       .output = output};
    context->kernels->grouped(&grouped, first, last);
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    struct in_block *state = fv_allocate_zero(1, sizeof *state);
    if (state == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    node->state = state;
    const enum fv_status status = fv_in_block_create(context, node, &state->convolution, error);
    if (status != FV_OK) {
        return status;
    }
    const struct fv_view *output = &context->views[node->output];
    state->row_blocks = fv_row_blocks(output->shape, output->blocks);
    node->state_bytes = state->convolution.terms->weight_floats * sizeof(float);
    node->tasks = output->blocks * state->row_blocks;
    node->pieces = state->row_blocks;
    return FV_OK;
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct in_block *state = node->state;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const size_t block = task / state->row_blocks;
    size_t first, last;
    fv_split(output->shape.height, state->row_blocks, task % state->row_blocks, &first, &last);
    fv_in_block_rows(context, node, &state->convolution, &state->convolution.window, block, input->block[block],
                     node->residual != FV_NO_VALUE ? context->views[node->residual].block[block] : NULL, first, last,
                     output->block[block]);
    fv_statistics_gather_run(context, node, block, task % state->row_blocks, first * output->shape.width,
                             (last - first) * output->shape.width);
}

static void release(struct fv_node *node) {
    struct in_block *state = node->state;
    if (state != NULL) {
        fv_in_block_release(&state->convolution);
        fv_release(state);
        node->state = NULL;
    }
}

const struct fv_algorithm fv_algorithm_depthwise = {.name = "depthwise",
                                                    .accept = accept_depthwise,
                                                    .prepare = prepare,
                                                    .run = run,
                                                    .release = release,
                                                    .gathers = true};
const struct fv_algorithm fv_algorithm_grouped = {
    .name = "grouped", .accept = accept_grouped, .prepare = prepare, .run = run, .release = release, .gathers = true};
