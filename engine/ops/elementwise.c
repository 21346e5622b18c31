/* Activation, addition, scaling by a gate, softmax over channels. */
#include <math.h>
#include <stdio.h>

#include "fovea/memory.h"
#include "ops/operator.h"

enum { TOKEN_TASKS = 64 };

static bool accept(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    (void)context;
    (void)node;
    (void)reason;
    return true;
}

static void release(struct fv_node *node) {
    (void)node;
}

/* Planes: pieces of rows of each block; tokens: ranges of rows. */
static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    (void)error;
    const struct fv_view *output = &context->views[node->output];
    const size_t tokens = fv_pixels(output->shape);
    node->tasks = output->shape.kind == FV_PLANES ? output->blocks * fv_row_blocks(output->shape, output->blocks)
                  : tokens < TOKEN_TASKS          ? tokens
                                                  : TOKEN_TASKS;
    return FV_OK;
}

/* The part of a value that one task works on. */
struct piece {
    size_t block, offset, pixels; /* planes: floats from the block's start; tokens: from the first row, in floats */
};

static struct piece find_piece(const struct fv_context *context, const struct fv_node *node, size_t task) {
    const struct fv_view *output = &context->views[node->output];
    size_t first, last;
    if (output->shape.kind == FV_TOKENS) {
        fv_split(fv_pixels(output->shape), node->tasks, task, &first, &last);
        return (struct piece){0, first * output->stride, (last - first) * output->stride};
    }
    const size_t pieces = fv_row_blocks(output->shape, output->blocks);
    fv_split(output->shape.height, pieces, task % pieces, &first, &last);
    const size_t columns = output->shape.width;
    return (struct piece){task / pieces, first * columns * context->kernels->width, (last - first) * columns};
}

/* y = activation(x * gate + residual): every element-wise operation but the sum of tokens. */
static void run_affine(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const struct piece piece = find_piece(context, node, task);
    const fv_value other = node->operation == &fv_operator_add ? node->inputs[1] : node->residual;
    const float *residual = other != FV_NO_VALUE ? context->views[other].block[piece.block] + piece.offset : NULL;
    const float *source = input->block[piece.block] + piece.offset;
    float *target = output->block[piece.block] + piece.offset;
    if (output->shape.kind == FV_TOKENS) {
        context->kernels->activate(source, residual, node->activation, node->slope, piece.pixels, target);
        return;
    }
    const float *gate =
        node->operation == &fv_operator_scale ? context->views[node->inputs[1]].block[piece.block] : NULL;
    context->kernels->affine(source, gate, NULL, residual, node->activation, node->slope, piece.pixels, target);
}

static bool accept_planes(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    if (context->views[node->inputs[0]].shape.kind != FV_PLANES) {
        snprintf(reason, FV_REASON_SIZE, "the input is no planes");
        return false;
    }
    return true;
}

static bool accept_softmax(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    if (input->shape.kind != FV_PLANES || input->blocks != 1) {
        snprintf(reason, FV_REASON_SIZE, "%zu channels, expected planes of at most %zu", input->shape.channels,
                 context->kernels->width);
        return false;
    }
    return true;
}

static void run_softmax(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct piece piece = find_piece(context, node, task);
    const struct fv_view *input = &context->views[node->inputs[0]];
    context->kernels->softmax_block(input->block[0] + piece.offset, input->shape.channels, piece.pixels,
                                    context->views[node->output].block[0] + piece.offset);
}

/* More channels than a block has lanes: pixel by pixel over all blocks, sums in double. */
static void run_softmax_blocks(const struct fv_context *context, const struct fv_node *node, size_t task,
                               void *scratch) {
    (void)scratch;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const size_t width = context->kernels->width;
    size_t first, last;
    fv_split(fv_pixels(input->shape), node->tasks, task, &first, &last);
    for (size_t p = first; p < last; p++) {
        float maximum = -INFINITY;
        double sum = 0;
        for (size_t b = 0; b < input->blocks; b++) {
            for (size_t lane = 0; lane < input->lanes[b].count; lane++) {
                maximum = fmaxf(maximum, input->block[b][p * width + lane]);
            }
        }
        for (size_t b = 0; b < input->blocks; b++) {
            for (size_t lane = 0; lane < width; lane++) {
                const bool used = lane < input->lanes[b].count;
                const double value = used ? exp((double)(input->block[b][p * width + lane] - maximum)) : 0;
                output->block[b][p * width + lane] = (float)value;
                sum += value;
            }
        }
        for (size_t b = 0; b < input->blocks; b++) {
            for (size_t lane = 0; lane < width; lane++) {
                output->block[b][p * width + lane] = (float)(output->block[b][p * width + lane] / sum);
            }
        }
    }
}

static enum fv_status prepare_softmax_blocks(const struct fv_context *context, struct fv_node *node,
                                             struct fv_error *error) {
    (void)error;
    const size_t pixels = fv_pixels(context->views[node->output].shape);
    node->tasks = pixels < TOKEN_TASKS ? pixels : TOKEN_TASKS;
    return FV_OK;
}

static const struct fv_algorithm affine_algorithm = {
    .name = "affine", .accept = accept, .prepare = prepare, .run = run_affine, .release = release, .in_place = true};
static const struct fv_algorithm scale_algorithm = {.name = "affine",
                                                    .accept = accept_planes,
                                                    .prepare = prepare,
                                                    .run = run_affine,
                                                    .release = release,
                                                    .in_place = true};
static const struct fv_algorithm softmax_algorithm = {
    .name = "one_block", .accept = accept_softmax, .prepare = prepare, .run = run_softmax, .release = release};

static const struct fv_algorithm softmax_blocks_algorithm = {.name = "many_blocks",
                                                             .accept = accept_planes,
                                                             .prepare = prepare_softmax_blocks,
                                                             .run = run_softmax_blocks,
                                                             .release = release};

static const struct fv_algorithm *const affine_algorithms[] = {&affine_algorithm, NULL};
static const struct fv_algorithm *const scale_algorithms[] = {&scale_algorithm, NULL};
static const struct fv_algorithm *const softmax_algorithms[] = {&softmax_algorithm, &softmax_blocks_algorithm, NULL};

const struct fv_operator fv_operator_activation = {"activation", affine_algorithms};
const struct fv_operator fv_operator_add = {"add", affine_algorithms};
const struct fv_operator fv_operator_scale = {"scale", scale_algorithms};
const struct fv_operator fv_operator_softmax = {"softmax", softmax_algorithms};
