/* Global mean, upsampling, patch merging; concatenation and input, which need no work. */
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "ops/statistics.h"

static bool accept_any(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    (void)context;
    (void)node;
    (void)reason;
    return true;
}

static bool accept_planes(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    if (context->views[node->inputs[0]].shape.kind != FV_PLANES) {
        snprintf(reason, FV_REASON_SIZE, "the input is no planes");
        return false;
    }
    return true;
}

static void release(struct fv_node *node) {
    (void)node;
}

static enum fv_status prepare_mean(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    (void)error;
    const struct fv_view *input = &context->views[node->inputs[0]];
    node->tasks = input->shape.kind == FV_PLANES ? input->blocks : fv_token_floats(input->shape) / FV_TOKEN_ALIGNMENT;
    return FV_OK;
}

/* Tokens: FV_TOKEN_ALIGNMENT channels, summed in double over the rows. */
static void mean_of_tokens(const struct fv_view *input, size_t first, float *output) {
    const size_t rows = fv_pixels(input->shape);
    double sums[FV_TOKEN_ALIGNMENT] = {0};
    for (size_t row = 0; row < rows; row++) {
        const float *values = input->block[0] + row * input->stride + first;
        for (size_t lane = 0; lane < FV_TOKEN_ALIGNMENT; lane++) {
            sums[lane] += (double)values[lane];
        }
    }
    for (size_t lane = 0; lane < FV_TOKEN_ALIGNMENT; lane++) {
        output[first + lane] = (float)(sums[lane] / (double)rows);
    }
}

static void run_mean(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    if (input->shape.kind == FV_TOKENS) {
        mean_of_tokens(input, task * FV_TOKEN_ALIGNMENT, output->block[0]);
    } else if (input->statistics != NULL) {
        const struct fv_moments moments = fv_statistics_total(input->statistics, task);
        for (size_t lane = 0; lane < context->kernels->width; lane++) {
            output->block[task][lane] = (float)moments.mean[lane];
        }
    } else {
        context->kernels->mean(input->block[task], fv_pixels(input->shape), output->block[task]);
    }
}

static enum fv_status prepare_upsample(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    (void)error;
    const struct fv_view *output = &context->views[node->output];
    node->tasks = output->blocks * fv_row_blocks(output->shape, output->blocks);
    return FV_OK;
}

static void run_upsample(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const size_t pieces = fv_row_blocks(output->shape, output->blocks), block = task / pieces;
    size_t first, last;
    fv_split(output->shape.height, pieces, task % pieces, &first, &last);
    if (node->options.upsample.bilinear) {
        context->kernels->upsample_bilinear(input->block[block], input->shape.height, input->shape.width,
                                            node->options.upsample.factor_y, node->options.upsample.factor_x, first,
                                            last, output->block[block]);
    } else {
        context->kernels->upsample_nearest(input->block[block], input->shape.height, input->shape.width,
                                           node->options.upsample.factor_y, node->options.upsample.factor_x, first,
                                           last, output->block[block]);
    }
}

static enum fv_status prepare_merge(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    (void)error;
    node->tasks = context->views[node->output].shape.height;
    return FV_OK;
}

/* One row of the output grid; the neighbours' order is Swin's: vertical first. */
static void run_merge(const struct fv_context *context, const struct fv_node *node, size_t y, void *scratch) {
    (void)scratch;
    static const size_t neighbours[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const size_t channels = input->shape.channels;
    for (size_t x = 0; x < output->shape.width; x++) {
        float *target = output->block[0] + (y * output->shape.width + x) * output->stride;
        for (size_t n = 0; n < 4; n++) {
            const size_t token = (2 * y + neighbours[n][0]) * input->shape.width + 2 * x + neighbours[n][1];
            memcpy(target + n * channels, input->block[0] + token * input->stride, channels * sizeof(float));
        }
        memset(target + 4 * channels, 0, (fv_token_floats(output->shape) - 4 * channels) * sizeof(float));
    }
}

static const struct fv_algorithm mean_algorithm = {.name = "per_channel",
                                                   .accept = accept_any,
                                                   .prepare = prepare_mean,
                                                   .run = run_mean,
                                                   .release = release,
                                                   .wanted = FV_GATHER_MEAN};
static const struct fv_algorithm upsample_algorithm = {
    .name = "per_block", .accept = accept_planes, .prepare = prepare_upsample, .run = run_upsample, .release = release};
static const struct fv_algorithm merge_algorithm = {
    .name = "per_row", .accept = accept_any, .prepare = prepare_merge, .run = run_merge, .release = release};

static const struct fv_algorithm *const mean_algorithms[] = {&mean_algorithm, NULL};
static const struct fv_algorithm *const upsample_algorithms[] = {&upsample_algorithm, NULL};
static const struct fv_algorithm *const merge_algorithms[] = {&merge_algorithm, NULL};

const struct fv_operator fv_operator_input = {"input", NULL};
const struct fv_operator fv_operator_concat = {"concat", NULL};
const struct fv_operator fv_operator_global_mean = {"global_mean", mean_algorithms};
const struct fv_operator fv_operator_upsample = {"upsample", upsample_algorithms};
const struct fv_operator fv_operator_patch_merge = {"patch_merge", merge_algorithms};
