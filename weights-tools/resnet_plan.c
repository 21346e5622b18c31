/* ResNet with bottleneck blocks, optionally grouped (ResNeXt) and with squeeze-and-excitation:
 * torchvision's and timm's names, and those of the older SENet code ("legacy", Cadene). */
#include "head_plan.h"
#include "module_check.h"
#include "plan.h"

enum { LAYERS = 4, MOST_BLOCKS = 256 };

#define NORM_EPSILON 1e-5

struct resnet {
    bool legacy;
    bool squeeze;
    uint32_t depths[LAYERS];
    uint32_t widths[LAYERS];
    uint32_t outputs[LAYERS];
    size_t groups;
    size_t stem;
    struct head head;
};

/* Relatives whose arithmetic differs though they share most names. */
static void refuse_relatives(struct plan *plan, const struct resnet *resnet) {
    const char *path = plan->checkpoint->path;
    const struct fv_checkpoint_tensor *shortcut = plan_look(plan, "layer1.0.downsample.1.weight");
    if (shortcut != NULL && shortcut->rank == 4) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: a ResNet whose shortcuts pool before the convolution (timm's \"d\")",
                  path);
    }
    if (plan_look(plan, "layer0.conv2.weight") != NULL) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: a SENet with a stem of three convolutions (SENet-154)", path);
    }
    if (plan_look(plan, "layer1.0.conv3.weight") == NULL) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED,
                  "%s: a ResNet without bottleneck blocks (there is no layer1.0.conv3.weight)", path);
    }
    if (resnet->legacy && resnet->squeeze && resnet->groups == 1) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: a legacy SE-ResNet (one group), which strides in conv1", path);
    }
}

/* Reads the sizes off the first block of each layer. */
static void infer(struct plan *plan, struct resnet *resnet) {
    resnet->legacy = plan_look(plan, "layer0.conv1.weight") != NULL;
    resnet->squeeze =
        plan_look(plan, resnet->legacy ? "layer1.0.se_module.fc1.weight" : "layer1.0.se.fc1.weight") != NULL;
    const struct fv_checkpoint_tensor *stem = plan_look(plan, resnet->legacy ? "layer0.conv1.weight" : "conv1.weight");
    resnet->stem = plan_dimension(stem, 0);
    plan->channels = plan_dimension(stem, 1);
    plan->architecture = "resnet";
    plan->naming = resnet->legacy ? "legacy" : "timm";
    head_infer(plan, &resnet->head, resnet->legacy ? "last_linear" : "fc");
    for (size_t layer = 0; layer < LAYERS; layer++) {
        uint32_t depth = 0;
        while (depth < MOST_BLOCKS && plan_look(plan, "layer%zu.%u.conv1.weight", layer + 1, depth) != NULL) {
            depth++;
        }
        const struct fv_checkpoint_tensor *middle = plan_look(plan, "layer%zu.0.conv2.weight", layer + 1);
        const struct fv_checkpoint_tensor *last = plan_look(plan, "layer%zu.0.conv3.weight", layer + 1);
        resnet->depths[layer] = depth;
        resnet->widths[layer] = (uint32_t)plan_dimension(middle, 0);
        resnet->outputs[layer] = (uint32_t)plan_dimension(last, 0);
        if (layer == 0 && plan_dimension(middle, 1) > 0) {
            resnet->groups = plan_dimension(middle, 0) / plan_dimension(middle, 1);
        }
    }
}

/* fc1: C -> C/16, fc2: back, both 1x1 convolutions with bias. */
static void take_squeeze(struct plan *plan, const struct resnet *resnet, size_t layer, uint32_t block) {
    const char *name = resnet->legacy ? "se_module" : "se";
    size_t channels = resnet->outputs[layer];
    size_t hidden = plan_dimension(plan_look(plan, "layer%zu.%u.%s.fc1.weight", layer + 1, block, name), 0);
    plan_take(plan, PLAN_WEIGHT, SHAPE(hidden, channels, 1, 1), "layer%zu.%u.%s.fc1.weight", layer + 1, block, name);
    plan_take(plan, PLAN_VECTOR, SHAPE(hidden), "layer%zu.%u.%s.fc1.bias", layer + 1, block, name);
    plan_take(plan, PLAN_WEIGHT, SHAPE(channels, hidden, 1, 1), "layer%zu.%u.%s.fc2.weight", layer + 1, block, name);
    plan_take(plan, PLAN_VECTOR, SHAPE(channels), "layer%zu.%u.%s.fc2.bias", layer + 1, block, name);
}

/* conv1 1x1, conv2 3x3 (grouped), conv3 1x1, each with its norm; squeeze; a shortcut in the first block. */
static void take_block(struct plan *plan, const struct resnet *resnet, size_t layer, uint32_t block) {
    size_t width = resnet->widths[layer];
    size_t outputs = resnet->outputs[layer];
    size_t before = layer == 0 ? resnet->stem : resnet->outputs[layer - 1];
    size_t inputs = block == 0 ? before : outputs;
    plan_take(plan, PLAN_WEIGHT, SHAPE(width, inputs, 1, 1), "layer%zu.%u.conv1.weight", layer + 1, block);
    plan_batch_norm(plan, width, "layer%zu.%u.bn1", layer + 1, block);
    plan_take(plan, PLAN_WEIGHT, SHAPE(width, width / resnet->groups, 3, 3), "layer%zu.%u.conv2.weight", layer + 1,
              block);
    plan_batch_norm(plan, width, "layer%zu.%u.bn2", layer + 1, block);
    plan_take(plan, PLAN_WEIGHT, SHAPE(outputs, width, 1, 1), "layer%zu.%u.conv3.weight", layer + 1, block);
    plan_batch_norm(plan, outputs, "layer%zu.%u.bn3", layer + 1, block);
    if (resnet->squeeze) {
        take_squeeze(plan, resnet, layer, block);
    }
    if (block == 0) {
        plan_take(plan, PLAN_WEIGHT, SHAPE(outputs, inputs, 1, 1), "layer%zu.0.downsample.0.weight", layer + 1);
        plan_batch_norm(plan, outputs, "layer%zu.0.downsample.1", layer + 1);
    }
}

/* What a pickled module says of a block, against what our network does. */
static void check_block(struct plan *plan, const struct resnet *resnet, size_t layer, uint32_t block) {
    static const char *const activations[] = {"act1", "act2", "act3", "relu"};
    int64_t stride = layer > 0 && block == 0 ? 2 : 1;
    module_check_convolution(plan, 1, 0, 1, "layer%zu.%u.conv1", layer + 1, block);
    module_check_convolution(plan, stride, 1, (int64_t)resnet->groups, "layer%zu.%u.conv2", layer + 1, block);
    module_check_convolution(plan, 1, 0, 1, "layer%zu.%u.conv3", layer + 1, block);
    for (int i = 1; i <= 3; i++) {
        module_check_norm(plan, NORM_EPSILON, "layer%zu.%u.bn%d", layer + 1, block, i);
    }
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        module_check_class(plan, "ReLU", "layer%zu.%u.%s", layer + 1, block, activations[i]);
    }
    if (block == 0) {
        module_check_convolution(plan, stride, 0, 1, "layer%zu.0.downsample.0", layer + 1);
        module_check_norm(plan, NORM_EPSILON, "layer%zu.0.downsample.1", layer + 1);
    }
    if (resnet->squeeze) {
        module_check_class(plan, "ReLU", "layer%zu.%u.se.act", layer + 1, block);
        module_check_class(plan, "ReLU", "layer%zu.%u.se_module.relu", layer + 1, block);
        module_check_class(plan, "Sigmoid", "layer%zu.%u.se.gate", layer + 1, block);
        module_check_class(plan, "Sigmoid", "layer%zu.%u.se_module.sigmoid", layer + 1, block);
    }
}

static void check_module(struct plan *plan, const struct resnet *resnet) {
    const char *stem = resnet->legacy ? "layer0." : "";
    module_check_convolution(plan, 2, 3, 1, "%sconv1", stem);
    module_check_norm(plan, NORM_EPSILON, "%sbn1", stem);
    module_check_class(plan, "ReLU", "act1");
    module_check_class(plan, "ReLU", "relu");
    module_check_class(plan, "ReLU", "layer0.relu1");
    module_check_class(plan, "MaxPool2d", "maxpool");
    module_check_stem_pool(plan, 1, false, "maxpool");
    module_check_stem_pool(plan, 0, true, "pool0");
    module_check_stem_pool(plan, 0, true, "layer0.pool");
    module_check_string(plan, "global_pool", "pool_type", "avg");
    for (size_t layer = 0; layer < LAYERS; layer++) {
        for (uint32_t block = 0; block < resnet->depths[layer]; block++) {
            check_block(plan, resnet, layer, block);
        }
    }
}

static void take_all(struct plan *plan, const struct resnet *resnet) {
    const char *stem = resnet->legacy ? "layer0." : "";
    plan_take(plan, PLAN_WEIGHT, SHAPE(resnet->stem, plan->channels, 7, 7), "%sconv1.weight", stem);
    plan_batch_norm(plan, resnet->stem, "%sbn1", stem);
    for (size_t layer = 0; layer < LAYERS; layer++) {
        for (uint32_t block = 0; block < resnet->depths[layer]; block++) {
            take_block(plan, resnet, layer, block);
        }
    }
    head_take(plan, &resnet->head, resnet->outputs[LAYERS - 1], resnet->head.name);
}

void resnet_plan(struct plan *plan) {
    struct resnet resnet = {.groups = 1};
    infer(plan, &resnet);
    refuse_relatives(plan, &resnet);
    for (size_t layer = 0; layer < LAYERS && plan->status == FV_OK; layer++) {
        if (resnet.depths[layer] == 0 || resnet.groups == 0 || resnet.widths[layer] % resnet.groups != 0) {
            plan_fail(plan, FV_ERROR_MODEL, "%s: layer%zu has no blocks, or %u channels in %zu groups",
                      plan->checkpoint->path, layer + 1, resnet.widths[layer], resnet.groups);
        }
    }
    if (plan->status != FV_OK) {
        return;
    }
    take_all(plan, &resnet);
    check_module(plan, &resnet);
    plan_set_u32s(plan, "resnet.depths", resnet.depths, LAYERS);
    plan_set_u32s(plan, "resnet.widths", resnet.widths, LAYERS);
    plan_set_u32s(plan, "resnet.outputs", resnet.outputs, LAYERS);
    plan_set_u32(plan, "resnet.stem", resnet.stem);
    plan_set_u32(plan, "resnet.groups", resnet.groups);
    plan_set_bool(plan, "resnet.se", resnet.squeeze);
    /* torchvision and timm pad the stem's pooling; the legacy code rounds its size up instead. */
    plan_set_string(plan, "resnet.stem_pool", resnet.legacy ? "ceil" : "padded");
    plan_decide(plan, "resnet.stem_pool: %s, %s%s",
                resnet.legacy ? "rounded up without padding" : "padded without rounding up",
                resnet.legacy ? "as in the legacy code, whose names the tensors have (layer0.conv1)"
                              : "as in torchvision and timm, whose names the tensors have (conv1)",
                plan->checkpoint->module != NULL ? "; the pickled module agrees" : "");
    plan_set_string(plan, "resnet.naming", plan->naming);
    plan_set_u32(plan, "resnet.classes", plan->classes);
    plan_set_u32(plan, "resnet.channels", plan->channels);
    plan_set_f32(plan, "resnet.norm_epsilon", (float)NORM_EPSILON);
}
