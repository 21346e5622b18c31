/* nnU-Net's Generic_UNet in two dimensions, one set of tensors a fold. */
#include <stdio.h>
#include <string.h>

#include "nnunet.h"
#include "plan.h"

enum { MOST_FEATURES = 480 }; /* where nnU-Net stops doubling in 2-D */

struct unet {
    const struct nnunet_plans *plans;
    uint32_t features[NNUNET_POOLS + 1];
};

/* A convolution with bias and its instance norm. */
static void take_block(struct plan *plan, const struct unet *unet, size_t level, size_t inputs, const char *name) {
    const uint32_t *kernel = unet->plans->kernel[level];
    size_t outputs = unet->features[level];
    plan_take(plan, PLAN_WEIGHT, SHAPE(outputs, inputs, kernel[0], kernel[1]), "%s.conv.weight", name);
    plan_take(plan, PLAN_VECTOR, SHAPE(outputs), "%s.conv.bias", name);
    plan_norm(plan, outputs, "%s.instnorm", name);
}

/* Bottleneck and decoder steps are two modules: all blocks but the last, and the last; neither is ever empty. */
static size_t stacked_blocks(const struct nnunet_plans *plans) {
    return plans->convs_per_stage > 2 ? plans->convs_per_stage : 2;
}

/* Levels 0 .. P-1 of n blocks each, and the bottleneck P. */
static void take_encoder(struct plan *plan, const struct unet *unet) {
    char name[96];
    const struct nnunet_plans *plans = unet->plans;
    for (size_t level = 0; level <= plans->pools; level++) {
        size_t inputs = level == 0 ? plans->channels : unet->features[level - 1];
        size_t blocks = level < plans->pools ? plans->convs_per_stage : stacked_blocks(plans);
        for (size_t block = 0; block < blocks; block++) {
            bool last = block + 1 == blocks;
            if (level < plans->pools) {
                snprintf(name, sizeof name, "conv_blocks_context.%zu.blocks.%zu", level, block);
            } else {
                snprintf(name, sizeof name, "conv_blocks_context.%zu.%d.blocks.%zu", level, last ? 1 : 0,
                         last ? 0 : block);
            }
            take_block(plan, unet, level, block == 0 ? inputs : unet->features[level], name);
        }
    }
}

/* The decoder's kernels are those of one level deeper than its skip, while its width is the skip's. */
static void take_decoder(struct plan *plan, const struct unet *unet) {
    char name[96];
    const struct nnunet_plans *plans = unet->plans;
    for (size_t step = 0; step < plans->pools; step++) {
        size_t skip = plans->pools - 1 - step;
        size_t features = unet->features[skip];
        const uint32_t *pool = plans->pool[skip];
        const uint32_t *kernel = plans->kernel[skip + 1];
        plan_take(plan, PLAN_WEIGHT, SHAPE(unet->features[skip + 1], features, pool[0], pool[1]), "tu.%zu.weight",
                  step);
        for (size_t block = 0; block < stacked_blocks(plans); block++) {
            bool last = block + 1 == stacked_blocks(plans);
            size_t inputs = block == 0 ? 2 * features : features;
            snprintf(name, sizeof name, "conv_blocks_localization.%zu.%d.blocks.%zu", step, last ? 1 : 0,
                     last ? 0 : block);
            plan_take(plan, PLAN_WEIGHT, SHAPE(features, inputs, kernel[0], kernel[1]), "%s.conv.weight", name);
            plan_take(plan, PLAN_VECTOR, SHAPE(features), "%s.conv.bias", name);
            plan_norm(plan, features, "%s.instnorm", name);
        }
        plan_take(plan, PLAN_WEIGHT, SHAPE(plans->classes, features, 1, 1), "seg_outputs.%zu.weight", step);
    }
}

static void set_network(struct plan *plan, const struct unet *unet) {
    const struct nnunet_plans *plans = unet->plans;
    plan_set_u32(plan, "unet.channels", plans->channels);
    plan_set_u32(plan, "unet.classes", plans->classes);
    plan_set_u32s(plan, "unet.features", unet->features, plans->pools + 1);
    plan_set_u32s(plan, "unet.pools", &plans->pool[0][0], 2 * plans->pools);
    plan_set_u32s(plan, "unet.kernels", &plans->kernel[0][0], 2 * (plans->pools + 1));
    plan_set_u32(plan, "unet.convs_per_stage", plans->convs_per_stage);
    plan_set_f32(plan, "unet.negative_slope", 1e-2f);
    plan_set_f32(plan, "unet.norm_epsilon", 1e-5f);
    plan_set_u32s(plan, "unet.folds", plans->fold, plans->folds);
}

/* The training set's intensities, which CT schemes normalise by; absent unless a channel needs them. */
static void set_intensities(struct plan *plan, const struct nnunet_plans *plans) {
    float values[4][NNUNET_CHANNELS] = {{0}};
    bool needed = false;
    for (size_t i = 0; i < plans->channels; i++) {
        const struct nnunet_channel *channel = &plans->channel[i];
        needed = needed || channel->has_intensity;
        values[0][i] = (float)channel->mean;
        values[1][i] = (float)channel->deviation;
        values[2][i] = (float)channel->low;
        values[3][i] = (float)channel->high;
    }
    static const char *const keys[] = {"fovea.intensity_mean", "fovea.intensity_deviation", "fovea.intensity_low",
                                       "fovea.intensity_high"};
    for (size_t i = 0; needed && i < 4; i++) {
        plan_set_f32s(plan, keys[i], values[i], plans->channels);
    }
}

static void set_preprocessing(struct plan *plan, const struct nnunet_plans *plans) {
    static const uint32_t mirror_axes[] = {0, 1};
    const char *schemes[NNUNET_CHANNELS];
    uint32_t masked[NNUNET_CHANNELS];
    float spacing[3];
    for (size_t i = 0; i < plans->channels; i++) {
        schemes[i] = plans->channel[i].scheme;
        masked[i] = plans->channel[i].masked ? 1 : 0;
    }
    for (size_t i = 0; i < plans->spacing_count; i++) {
        spacing[i] = (float)plans->spacing[i];
    }
    plan_set_u32s(plan, "fovea.patch_size", plans->patch, 2);
    plan_set_strings(plan, "fovea.normalization_schemes", schemes, plans->channels);
    plan_set_u32s(plan, "fovea.use_mask_for_norm", masked, plans->channels);
    set_intensities(plan, plans);
    plan_set_f32(plan, "fovea.tile_step", 0.5f);
    plan_set_u32s(plan, "fovea.mirror_axes", mirror_axes, 2);
    if (plans->spacing_count > 0) {
        plan_set_f32s(plan, "fovea.spacing", spacing, plans->spacing_count);
    }
}

void unet_plan(struct plan *plan) {
    struct unet unet = {.plans = plan->checkpoint->plans};
    size_t features = unet.plans->base_features;
    for (size_t level = 0; level <= unet.plans->pools; level++) {
        unet.features[level] = (uint32_t)(features < MOST_FEATURES ? features : MOST_FEATURES);
        features = unet.features[level] * (size_t)2;
    }
    plan->architecture = "unet";
    plan->naming = "nnU-Net v1";
    plan->channels = unet.plans->channels;
    plan->classes = unet.plans->classes;
    for (size_t i = 0; i < unet.plans->folds; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "fold_%u.", unet.plans->fold[i]);
        plan->prefix = prefix;
        take_encoder(plan, &unet);
        take_decoder(plan, &unet);
        plan->prefix = "";
    }
    set_network(plan, &unet);
    set_preprocessing(plan, unet.plans);
}
