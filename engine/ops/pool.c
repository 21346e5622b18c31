/* Max and average pooling. */
#include <stdio.h>

#include "fovea/memory.h"
#include "ops/operator.h"

/* PyTorch's rule: rounding up is taken back if the last window would start in the padding at the end. */
static size_t pooled_side(size_t input, size_t before, size_t after, size_t kernel, size_t stride, bool ceil_mode) {
    const size_t span = input + before + after - kernel;
    size_t side = span / stride + 1;
    if (ceil_mode && span % stride != 0 && side * stride < input + before) {
        side++;
    }
    return side;
}

enum fv_status fv_pool_shape(const struct fv_node *node, struct fv_shape input, bool ceil_mode, struct fv_shape *output,
                             struct fv_error *error) {
    const struct fv_padding *padding = &node->options.pool.padding;
    const size_t kernel_y = node->options.pool.kernel_y, kernel_x = node->options.pool.kernel_x;
    if (input.height + padding->top + padding->bottom < kernel_y ||
        input.width + padding->left + padding->right < kernel_x) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: an input of %zu x %zu is smaller than the window %zu x %zu",
                            node->name, input.height, input.width, kernel_y, kernel_x);
    }
    if (padding->top >= kernel_y || padding->left >= kernel_x) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: padding %zu, %zu must be smaller than the window %zu x %zu",
                            node->name, padding->top, padding->left, kernel_y, kernel_x);
    }
    *output = input;
    output->height =
        pooled_side(input.height, padding->top, padding->bottom, kernel_y, node->options.pool.stride_y, ceil_mode);
    output->width =
        pooled_side(input.width, padding->left, padding->right, kernel_x, node->options.pool.stride_x, ceil_mode);
    return FV_OK;
}

static bool accept(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    if (context->views[node->inputs[0]].shape.kind != FV_PLANES) {
        snprintf(reason, FV_REASON_SIZE, "the input is no planes");
        return false;
    }
    return true;
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    (void)error;
    const struct fv_view *output = &context->views[node->output];
    node->tasks = output->blocks * fv_row_blocks(output->shape, output->blocks);
    return FV_OK;
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const size_t pieces = fv_row_blocks(output->shape, output->blocks), block = task / pieces;
    const struct fv_window window = {.input_height = input->shape.height,
                                     .input_width = input->shape.width,
                                     .output_height = output->shape.height,
                                     .output_width = output->shape.width,
                                     .kernel_height = node->options.pool.kernel_y,
                                     .kernel_width = node->options.pool.kernel_x,
                                     .stride_y = node->options.pool.stride_y,
                                     .stride_x = node->options.pool.stride_x,
                                     .pad_top = node->options.pool.padding.top,
                                     .pad_left = node->options.pool.padding.left};
    size_t first, last;
    fv_split(output->shape.height, pieces, task % pieces, &first, &last);
    if (node->operation == &fv_operator_max_pool) {
        context->kernels->max_pool(&window, input->block[block], first, last, output->block[block]);
    } else {
        context->kernels->average_pool(&window, input->block[block], node->options.pool.include_padding, first, last,
                                       output->block[block]);
    }
}

static void release(struct fv_node *node) {
    (void)node;
}

static const struct fv_algorithm windowed = {
    .name = "windowed", .accept = accept, .prepare = prepare, .run = run, .release = release};
static const struct fv_algorithm *const algorithms[] = {&windowed, NULL};

const struct fv_operator fv_operator_max_pool = {"max_pool", algorithms};
const struct fv_operator fv_operator_average_pool = {"average_pool", algorithms};
