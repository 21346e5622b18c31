/* EfficientNet B0 to B8 with timm's names or lukemelas' (EfficientNet-PyTorch): its blocks and tensors. */
#include "efficientnet_plan.h"

#include <stdio.h>

const uint32_t efficientnet_kernels[EFFICIENTNET_STAGES] = {3, 3, 5, 3, 5, 5, 3};
const uint32_t efficientnet_strides[EFFICIENTNET_STAGES] = {1, 2, 2, 2, 1, 2, 1};

/* timm's conv_pw expands in most blocks and projects in those that do not expand. */
const struct efficientnet_names *efficientnet_names_of(const struct efficientnet *net,
                                                       const struct efficientnet_block *block) {
    static const struct efficientnet_names names[2][2] = {
        {{NULL, NULL, "conv_dw", "bn1", "se.conv_reduce", "se.conv_expand", "conv_pw", "bn2"},
         {"conv_pw", "bn1", "conv_dw", "bn2", "se.conv_reduce", "se.conv_expand", "conv_pwl", "bn3"}},
        {{NULL, NULL, "_depthwise_conv", "_bn1", "_se_reduce", "_se_expand", "_project_conv", "_bn2"},
         {"_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_se_reduce", "_se_expand", "_project_conv", "_bn2"}},
    };
    return &names[net->lukemelas ? 1 : 0][block->expands ? 1 : 0];
}

/* Adds a block to the list; false if there are too many. */
static bool add_block(struct plan *plan, struct efficientnet *net, size_t stage, const char *name) {
    if (net->block_count == EFFICIENTNET_MOST_BLOCKS) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: an EfficientNet of more than %d blocks", plan->checkpoint->path,
                  EFFICIENTNET_MOST_BLOCKS);
        return false;
    }
    struct efficientnet_block *block = &net->blocks[net->block_count++];
    snprintf(block->name, sizeof block->name, "%s", name);
    block->stage = stage;
    block->stride = net->repeats[stage]++ == 0 ? efficientnet_strides[stage] : 1;
    block->expands =
        plan_look(plan, net->lukemelas ? "%s._expand_conv.weight" : "%s.conv_pwl.weight", block->name) != NULL;
    return true;
}

/* timm numbers the blocks stage by stage. */
static void list_timm(struct plan *plan, struct efficientnet *net) {
    char name[EFFICIENTNET_NAME_SIZE];
    for (size_t stage = 0; stage < EFFICIENTNET_STAGES; stage++) {
        for (size_t number = 0;; number++) {
            snprintf(name, sizeof name, "blocks.%zu.%zu", stage, number);
            if (plan_look(plan, "%s.conv_dw.weight", name) == NULL || !add_block(plan, net, stage, name)) {
                break;
            }
        }
    }
}

/* lukemelas numbers them from first to last: a stage begins where the channels change. */
static void list_lukemelas(struct plan *plan, struct efficientnet *net) {
    char name[EFFICIENTNET_NAME_SIZE];
    size_t inputs = plan_dimension(plan_look(plan, "_conv_stem.weight"), 0), stages = 0;
    for (size_t number = 0;; number++) {
        snprintf(name, sizeof name, "_blocks.%zu", number);
        const size_t outputs = plan_dimension(plan_look(plan, "%s._project_conv.weight", name), 0);
        if (outputs == 0) {
            return;
        }
        stages += number == 0 || outputs != inputs ? 1 : 0;
        if (stages > EFFICIENTNET_STAGES) {
            plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: tensor %s._project_conv.weight begins stage %zu, expected %d",
                      plan->checkpoint->path, name, stages, EFFICIENTNET_STAGES);
            return;
        }
        if (!add_block(plan, net, stages - 1, name)) {
            return;
        }
        inputs = outputs;
    }
}

/* Relatives that share names: their strides, activations or blocks are others. */
static void refuse_relatives(struct plan *plan, const struct efficientnet *net) {
    const char *path = plan->checkpoint->path;
    for (size_t stage = 0; stage < EFFICIENTNET_STAGES; stage++) {
        if (net->repeats[stage] == 0) {
            plan_fail(plan, FV_ERROR_UNSUPPORTED,
                      "%s: like an EfficientNet, but stage %zu of %d has no blocks (a MobileNet, MNASNet or "
                      "EfficientNet-V2 has other stages)",
                      path, stage + 1, EFFICIENTNET_STAGES);
            return;
        }
    }
    for (size_t i = 0; i < net->block_count; i++) {
        const struct efficientnet_block *block = &net->blocks[i];
        const struct efficientnet_names *names = efficientnet_names_of(net, block);
        const size_t kernel = plan_dimension(plan_look(plan, "%s.%s.weight", block->name, names->depthwise), 2);
        if (kernel != efficientnet_kernels[block->stage]) {
            plan_fail(plan, FV_ERROR_UNSUPPORTED,
                      "%s: like an EfficientNet, but %s.%s has a kernel of %zu, expected %u in stage %zu", path,
                      block->name, names->depthwise, kernel, efficientnet_kernels[block->stage], block->stage + 1);
        }
        if (plan_look(plan, "%s.%s.weight", block->name, names->reduce) == NULL) {
            plan_fail(plan, FV_ERROR_UNSUPPORTED,
                      "%s: like an EfficientNet, but %s has no squeeze-and-excitation (EfficientNet-Lite and MNASNet)",
                      path, block->name);
        }
    }
}

/* Expand, depthwise, squeeze, excite, project; returns the channels of the result. */
static size_t take_block(struct plan *plan, const struct efficientnet *net, const struct efficientnet_block *block,
                         size_t inputs) {
    const struct efficientnet_names *names = efficientnet_names_of(net, block);
    const size_t kernel = efficientnet_kernels[block->stage];
    const char *name = block->name;
    size_t middle = inputs;
    if (block->expands) {
        middle = plan_dimension(plan_look(plan, "%s.%s.weight", name, names->expand), 0);
        plan_take(plan, PLAN_WEIGHT, SHAPE(middle, inputs, 1, 1), "%s.%s.weight", name, names->expand);
        plan_batch_norm(plan, middle, "%s.%s", name, names->expand_norm);
    }
    plan_take(plan, PLAN_WEIGHT, SHAPE(middle, 1, kernel, kernel), "%s.%s.weight", name, names->depthwise);
    plan_batch_norm(plan, middle, "%s.%s", name, names->depthwise_norm);
    const size_t hidden = plan_dimension(plan_look(plan, "%s.%s.weight", name, names->reduce), 0);
    plan_take(plan, PLAN_WEIGHT, SHAPE(hidden, middle, 1, 1), "%s.%s.weight", name, names->reduce);
    plan_take(plan, PLAN_VECTOR, SHAPE(hidden), "%s.%s.bias", name, names->reduce);
    plan_take(plan, PLAN_WEIGHT, SHAPE(middle, hidden, 1, 1), "%s.%s.weight", name, names->excite);
    plan_take(plan, PLAN_VECTOR, SHAPE(middle), "%s.%s.bias", name, names->excite);
    const size_t outputs = plan_dimension(plan_look(plan, "%s.%s.weight", name, names->project), 0);
    plan_take(plan, PLAN_WEIGHT, SHAPE(outputs, middle, 1, 1), "%s.%s.weight", name, names->project);
    plan_batch_norm(plan, outputs, "%s.%s", name, names->project_norm);
    return outputs;
}

static void take_all(struct plan *plan, const struct efficientnet *net) {
    const bool lukemelas = net->lukemelas;
    const char *stem = lukemelas ? "_conv_stem.weight" : "conv_stem.weight";
    const char *head = lukemelas ? "_conv_head.weight" : "conv_head.weight";
    size_t channels = plan_dimension(plan_look(plan, "%s", stem), 0);
    plan_take(plan, PLAN_WEIGHT, SHAPE(channels, plan->channels, 3, 3), "%s", stem);
    plan_batch_norm(plan, channels, "%s", lukemelas ? "_bn0" : "bn1");
    for (size_t i = 0; i < net->block_count; i++) {
        channels = take_block(plan, net, &net->blocks[i], channels);
    }
    const size_t features = plan_dimension(plan_look(plan, "%s", head), 0);
    plan_take(plan, PLAN_WEIGHT, SHAPE(features, channels, 1, 1), "%s", head);
    plan_batch_norm(plan, features, "%s", lukemelas ? "_bn1" : "bn2");
    head_take(plan, &net->head, features, net->head.name);
}

void efficientnet_plan(struct plan *plan) {
    struct efficientnet net = {.lukemelas = plan_look(plan, "_conv_stem.weight") != NULL};
    plan->architecture = "efficientnet";
    plan->naming = net.lukemelas ? "lukemelas" : "timm";
    plan->channels = plan_dimension(plan_look(plan, net.lukemelas ? "_conv_stem.weight" : "conv_stem.weight"), 1);
    head_infer(plan, &net.head, net.lukemelas ? "_fc" : "classifier");
    if (net.lukemelas) {
        list_lukemelas(plan, &net);
    } else {
        list_timm(plan, &net);
    }
    if (plan->status == FV_OK) {
        refuse_relatives(plan, &net);
    }
    if (plan->status != FV_OK) {
        return;
    }
    take_all(plan, &net);
    plan_set_string(plan, "efficientnet.naming", plan->naming);
    plan_set_u32s(plan, "efficientnet.repeats", net.repeats, EFFICIENTNET_STAGES);
    plan_set_u32s(plan, "efficientnet.strides", efficientnet_strides, EFFICIENTNET_STAGES);
    plan_set_u32s(plan, "efficientnet.kernels", efficientnet_kernels, EFFICIENTNET_STAGES);
    plan_set_u32(plan, "efficientnet.classes", plan->classes);
    plan_set_u32(plan, "efficientnet.channels", plan->channels);
    efficientnet_choose(plan, &net);
    if (plan->status != FV_OK) {
        return;
    }
    plan_set_string(plan, "efficientnet.padding", net.padding);
    if (net.image_size != 0) {
        plan_set_u32(plan, "efficientnet.image_size", net.image_size);
    }
    plan_set_f32(plan, "efficientnet.norm_epsilon", (float)net.epsilon);
}
