/* One multiplication and one addition a channel, by constants of the net itself. */
#include <stdio.h>

#include "fovea/memory.h"
#include "ops/operator.h"

/* The constants by plane block ([blocks][width], zero beyond the channels). */
struct constants {
    float *scale, *shift;
};

static void release(struct fv_node *node) {
    struct constants *constants = node->state;
    if (constants != NULL) {
        fv_release(constants->scale);
        fv_release(constants->shift);
        fv_release(constants);
        node->state = NULL;
    }
}

static bool accept(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]) {
    if (context->views[node->inputs[0]].shape.kind != FV_PLANES) {
        snprintf(reason, FV_REASON_SIZE, "the input is no planes");
        return false;
    }
    return true;
}

static enum fv_status prepare(const struct fv_context *context, struct fv_node *node, struct fv_error *error) {
    const struct fv_view *input = &context->views[node->inputs[0]];
    const size_t width = context->kernels->width, lanes = input->blocks * width;
    struct constants *constants = fv_allocate_zero(1, sizeof *constants);
    node->state = constants;
    if (constants != NULL) {
        constants->scale = fv_allocate_zero(lanes, sizeof(float));
        constants->shift = fv_allocate_zero(lanes, sizeof(float));
    }
    if (constants == NULL || constants->scale == NULL || constants->shift == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", node->name);
    }
    for (size_t b = 0; b < input->blocks; b++) {
        for (size_t lane = 0; lane < input->lanes[b].count; lane++) {
            const size_t channel = input->lanes[b].first + lane;
            constants->scale[b * width + lane] = node->options.affine.scale[channel];
            constants->shift[b * width + lane] = node->options.affine.shift[channel];
        }
    }
    node->tasks = input->blocks;
    node->state_bytes = 2 * lanes * sizeof(float);
    return FV_OK;
}

static void run(const struct fv_context *context, const struct fv_node *node, size_t block, void *scratch) {
    (void)scratch;
    const struct fv_view *input = &context->views[node->inputs[0]];
    const struct constants *constants = node->state;
    const size_t width = context->kernels->width;
    const float *residual = node->residual != FV_NO_VALUE ? context->views[node->residual].block[block] : NULL;
    context->kernels->affine(input->block[block], constants->scale + block * width, constants->shift + block * width,
                             residual, node->activation, node->slope, fv_pixels(input->shape),
                             context->views[node->output].block[block]);
}

static const struct fv_algorithm per_block = {
    .name = "per_block", .accept = accept, .prepare = prepare, .run = run, .release = release, .in_place = true};
static const struct fv_algorithm *const algorithms[] = {&per_block, NULL};

const struct fv_operator fv_operator_affine = {"affine", algorithms};
