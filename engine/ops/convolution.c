/* Convolution, transposed convolution and linear layers: shape rules and algorithms. */
#include <stdio.h>

#include "fovea/memory.h"
#include "ops/product.h"

enum fv_status fv_convolution_shape(const struct fv_node *node, struct fv_shape input, bool to_tokens,
                                    struct fv_shape *output, struct fv_error *error) {
    const struct fv_padding *padding = &node->options.convolution.padding;
    const size_t height = input.height + padding->top + padding->bottom;
    const size_t width = input.width + padding->left + padding->right;
    const size_t kernel_y = node->options.convolution.kernel_y, kernel_x = node->options.convolution.kernel_x;
    if (height < kernel_y || width < kernel_x) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "%s: a padded input of %zu x %zu is smaller than the kernel %zu x %zu", node->name, height,
                            width, kernel_y, kernel_x);
    }
    *output = (struct fv_shape){to_tokens ? FV_TOKENS : FV_PLANES, node->weight->shape[0],
                                (height - kernel_y) / node->options.convolution.stride_y + 1,
                                (width - kernel_x) / node->options.convolution.stride_x + 1};
    return FV_OK;
}

/* Depthwise: one kernel a channel. */
struct depthwise {
    struct fv_product *terms; /* weights packed as [block][taps][width] */
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

static enum fv_status prepare_depthwise(const struct fv_context *context, struct fv_node *node,
                                        struct fv_error *error) {
    struct depthwise *state = fv_allocate_zero(1, sizeof *state);
    if (state == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    node->state = state;
    enum fv_status status =
        fv_product_create(context, node, FV_PRODUCT_DEPTHWISE, FV_WEIGHTS_PANELS, &state->terms, error);
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

static void run_depthwise(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct depthwise *state = node->state;
    const struct fv_view *output = &context->views[node->output];
    const size_t block = task / state->row_blocks, width = context->kernels->width;
    size_t first, last;
    fv_split(output->shape.height, state->row_blocks, task % state->row_blocks, &first, &last);
    context->kernels->depthwise(&state->window, context->views[node->inputs[0]].block[block],
                                state->terms->weights + block * state->terms->depth * width,
                                state->terms->bias + block * width, node->activation, node->slope, first, last,
                                output->block[block]);
}

static void release_depthwise(struct fv_node *node) {
    struct depthwise *state = node->state;
    if (state != NULL) {
        fv_product_release(state->terms);
        fv_release(state);
        node->state = NULL;
    }
}

static const struct fv_algorithm depthwise_algorithm = {.name = "depthwise",
                                                        .accept = accept_depthwise,
                                                        .prepare = prepare_depthwise,
                                                        .run = run_depthwise,
                                                        .release = release_depthwise};

static const struct fv_algorithm *const convolution_algorithms[] = {
    &depthwise_algorithm,           &fv_algorithm_grouped,
    &fv_algorithm_blas_product,     &fv_algorithm_winograd_4x4,
    &fv_algorithm_winograd_2x2,     &fv_algorithm_compact_product,
    &fv_algorithm_indirect_product, NULL};
static const struct fv_algorithm *const product_algorithms[] = {&fv_algorithm_blas_product,
                                                                &fv_algorithm_indirect_product, NULL};

const struct fv_operator fv_operator_convolution = {"convolution", convolution_algorithms};
const struct fv_operator fv_operator_transposed_convolution = {"transposed_convolution", product_algorithms};
const struct fv_operator fv_operator_linear = {"linear", product_algorithms};
