/* Batch norm that stands alone, instance norm and layer norm. */
#include <math.h>
#include <stdio.h>

#include "fovea/memory.h"
#include "ops/statistics.h"

/* Per-channel factors laid out by plane block ([blocks][width], zero beyond the channels) or, for tokens, by channel.
 */
struct factors {
    float *weight, *bias;
};

static void release(struct fv_node *node) {
    struct factors *factors = node->state;
    if (factors != NULL) {
        fv_release(factors->weight);
        fv_release(factors->bias);
        fv_release(factors);
        node->state = NULL;
    }
}

static bool accept_planes(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    if (context->views[node->inputs[0]].shape.kind != FV_PLANES) {
        snprintf(reason, FV_REASON_SIZE, "the input is no planes");
        return false;
    }
    return true;
}

static bool accept_tokens(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    if (context->views[node->inputs[0]].shape.kind != FV_TOKENS) {
        snprintf(reason, FV_REASON_SIZE, "the input is no tokens");
        return false;
    }
    return true;
}

/* Spreads per-channel values over the lanes of the input's blocks. */
static void spread(const struct fv_view *view, size_t width, const float *channels, float *lanes) {
    for (size_t b = 0; b < view->blocks; b++) {
        for (size_t lane = 0; lane < view->lanes[b].count; lane++) {
            lanes[b * width + lane] = channels[view->lanes[b].first + lane];
        }
    }
}

static enum fv_status read_factors(const struct fv_context *context, struct fv_node *node,
                                   const struct fv_tensor *weight, const struct fv_tensor *bias,
                                   struct fv_error *error) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    const bool tokens = input->shape.kind == FV_TOKENS;
    const size_t channels = input->shape.channels, width = context->kernels->width;
    const size_t lanes = tokens ? input->stride : input->blocks * width;
    struct factors *factors = fv_allocate_zero(1, sizeof *factors);
    float *values = fv_allocate(channels, sizeof(float));
    enum fv_status status = FV_OK;
    node->state = factors;
    if (factors != NULL) {
        factors->weight = fv_allocate_zero(lanes, sizeof(float));
        factors->bias = fv_allocate_zero(lanes, sizeof(float));
    }
    if (factors == NULL || values == NULL || factors->weight == NULL || factors->bias == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    const struct fv_tensor *tensors[2] = {weight, bias};
    for (size_t i = 0; i < 2 && status == FV_OK; i++) {
        status = fv_tensor_read(tensors[i], values, error);
        float *target = i == 0 ? factors->weight : factors->bias;
        for (size_t c = 0; c < channels && tokens && status == FV_OK; c++) {
            target[c] = values[c];
        }
        if (!tokens && status == FV_OK) {
            spread(input, width, values, target);
        }
    }
    fv_release(values);
    node->state_bytes = 2 * lanes * sizeof(float);
    return status;
}

static enum fv_status prepare_instance(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    node->tasks = input->blocks * (input->statistics != NULL ? fv_row_blocks(input->shape, input->blocks) : 1);
    return read_factors(context, node, node->weight, node->bias, error);
}

/* Scale and shift of a block's lanes, from its mean and variance, which its writer may have gathered. */
static void find_factors(const struct fv_context *context, const struct fv_node *node, size_t block, float *scale,
                         float *shift) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    const struct factors *factors = node->state;
    const size_t pixels = fv_pixels(input->shape), width = context->kernels->width;
    struct fv_moments moments = {.pixels = 0};
    if (input->statistics != NULL) {
        moments = fv_statistics_total(input->statistics, block);
    } else {
        fv_moments_add(context, FV_GATHER_MOMENTS, input->block[block], pixels, &moments);
    }
    for (size_t lane = 0; lane < width; lane++) {
        const double variance = moments.squares[lane] / (double)pixels;
        const double factor = factors->weight[block * width + lane] / sqrt(variance + (double)node->epsilon);
        scale[lane] = (float)factor;
        shift[lane] = (float)(factors->bias[block * width + lane] - moments.mean[lane] * factor);
    }
}

/* y = (x - mean) / sqrt(variance + epsilon) * weight + bias with the mean and variance of a block. A task takes all of
 * a block, or some of its pixels if its moments were gathered; neighbours share its factors. */
static void run_instance(const struct fv_context *context, const struct fv_node *node, size_t first, size_t last,
                         void *scratch) {
    (void)scratch;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const size_t pieces = node->tasks / input->blocks, width = context->kernels->width;
    float scale[FV_MAX_WIDTH], shift[FV_MAX_WIDTH];
    for (size_t task = first; task < last; task++) {
        const size_t block = task / pieces;
        if (task == first || task % pieces == 0) {
            find_factors(context, node, block, scale, shift);
        }
        size_t begin, end;
        fv_split(fv_pixels(input->shape), pieces, task % pieces, &begin, &end);
        const float *residual =
            node->residual != FV_NO_VALUE ? context->views[node->residual].block[block] + begin * width : NULL;
        context->kernels->affine(input->block[block] + begin * width, scale, shift, residual, node->activation,
                                 node->slope, end - begin, output->block[block] + begin * width);
    }
}

/* A batch norm without a convolution before it becomes y = x * scale + shift. */
static enum fv_status prepare_batch(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    const size_t channels = input->shape.channels, width = context->kernels->width;
    node->tasks = input->blocks;
    enum fv_status status = read_factors(context, node, node->norm_weight, node->norm_bias, error);
    float *mean = fv_allocate(channels, sizeof(float)), *variance = fv_allocate(channels, sizeof(float));
    if (status == FV_OK && (mean == NULL || variance == NULL)) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    if (status == FV_OK) {
        status = fv_tensor_read(node->norm_mean, mean, error);
    }
    if (status == FV_OK) {
        status = fv_tensor_read(node->norm_variance, variance, error);
    }
    struct factors *factors = node->state;
    for (size_t b = 0; b < input->blocks && status == FV_OK; b++) {
        for (size_t lane = 0; lane < input->lanes[b].count; lane++) {
            const size_t c = input->lanes[b].first + lane, i = b * width + lane;
            const double factor = factors->weight[i] / sqrt((double)variance[c] + (double)node->epsilon);
            factors->weight[i] = (float)factor;
            factors->bias[i] = (float)(factors->bias[i] - mean[c] * factor);
        }
    }
    fv_release(mean);
    fv_release(variance);
    return status;
}

static void run_batch(const struct fv_context *context, const struct fv_node *node, size_t block, void *scratch) {
    (void)scratch;
    const struct fv_view *input = &context->views[node->inputs[0]];
    const struct factors *factors = node->state;
    const size_t width = context->kernels->width;
    const float *residual = node->residual != FV_NO_VALUE ? context->views[node->residual].block[block] : NULL;
    context->kernels->affine(input->block[block], factors->weight + block * width, factors->bias + block * width,
                             residual, node->activation, node->slope, fv_pixels(input->shape),
                             context->views[node->output].block[block]);
}

static enum fv_status prepare_layer(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    const size_t tokens = fv_pixels(context->views[node->inputs[0]].shape);
    node->tasks = tokens < 64 ? tokens : 64;
    return read_factors(context, node, node->weight, node->bias, error);
}

static void run_layer(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch) {
    (void)scratch;
    const struct fv_view *input = &context->views[node->inputs[0]], *output = &context->views[node->output];
    const struct factors *factors = node->state;
    size_t first, last;
    fv_split(fv_pixels(input->shape), node->tasks, task, &first, &last);
    for (size_t t = first; t < last; t++) {
        context->kernels->layer_norm(input->block[0] + t * input->stride, input->shape.channels, factors->weight,
                                     factors->bias, node->epsilon, output->block[0] + t * output->stride);
    }
}

static const struct fv_algorithm instance_algorithm = {.name = "per_block",
                                                       .accept = accept_planes,
                                                       .prepare = prepare_instance,
                                                       .run_range = run_instance,
                                                       .release = release,
                                                       .in_place = true,
                                                       .wanted = FV_GATHER_MOMENTS};
static const struct fv_algorithm batch_algorithm = {.name = "per_block",
                                                    .accept = accept_planes,
                                                    .prepare = prepare_batch,
                                                    .run = run_batch,
                                                    .release = release,
                                                    .in_place = true};
static const struct fv_algorithm layer_algorithm = {.name = "per_token",
                                                    .accept = accept_tokens,
                                                    .prepare = prepare_layer,
                                                    .run = run_layer,
                                                    .release = release,
                                                    .in_place = true};

static const struct fv_algorithm *const instance_algorithms[] = {&instance_algorithm, NULL};
static const struct fv_algorithm *const batch_algorithms[] = {&batch_algorithm, NULL};
static const struct fv_algorithm *const layer_algorithms[] = {&layer_algorithm, NULL};

const struct fv_operator fv_operator_instance_norm = {"instance_norm", instance_algorithms};
const struct fv_operator fv_operator_batch_norm = {"batch_norm", batch_algorithms};
const struct fv_operator fv_operator_layer_norm = {"layer_norm", layer_algorithms};
