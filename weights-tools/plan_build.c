/* Which network a checkpoint holds, by the names of its tensors. */
#include <string.h>

#include "plan.h"

/* A tensor that only this network has, and who plans it; the first that is there decides. Where `plan` is NULL the
 * network is known and not handled. */
static const struct family {
    const char *key;
    void (*plan)(struct plan *plan);
    const char *unsupported;
} families[] = {
    {"patch_embed.proj.weight", swin_plan, NULL},
    {"layer0.conv1.weight", resnet_plan, NULL},
    {"conv1.weight", resnet_plan, NULL},
    {"conv1.0.weight", NULL, "a ResNet with a deep stem (timm's \"d\" and \"t\" variants)"},
    {"Conv2d_1a_3x3.conv.weight", inception_plan, NULL},
    {"conv_stem.weight", efficientnet_plan, NULL},
    {"_conv_stem.weight", efficientnet_plan, NULL},
    {"conv_blocks_context.0.blocks.0.conv.weight", NULL,
     "an nnU-Net; its plans are needed, so give its whole folder (the one with plans.pkl)"},
    {"input_block.conv1.conv.weight", NULL, "a MONAI DynUNet"},
};

static void plan_family(struct plan *plan) {
    const struct fv_checkpoint *checkpoint = plan->checkpoint;
    if (checkpoint->plans != NULL) {
        unet_plan(plan);
        return;
    }
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (fv_checkpoint_tensor(checkpoint, families[i].key) == NULL) {
            continue;
        }
        if (families[i].plan == NULL) {
            plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: cannot be converted: it holds %s", checkpoint->path,
                      families[i].unsupported);
        } else {
            families[i].plan(plan);
        }
        return;
    }
    plan_fail(plan, FV_ERROR_MODEL,
              "%s: an unknown network: its first tensor is %s, and it has none of the tensors by "
              "which Swin, ResNet, SE-ResNeXt, Inception-V3, EfficientNet and nnU-Net are known",
              checkpoint->path, checkpoint->tensor_count == 0 ? "(none)" : checkpoint->tensors[0].name);
}

/* The options that only one network has: their values, and that it is that network. */
static void check_special_options(struct plan *plan) {
    const struct {
        const char *name, *value, *choices[2], *architecture, *network;
    } options[] = {
        {"--variant", plan->options->variant, {"tf", "plain"}, "efficientnet", "EfficientNets"},
        {"--transform-input", plan->options->transform_input, {"yes", "no"}, "inception_v3", "Inception-V3"},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const char *value = options[i].value;
        if (value == NULL) {
            continue;
        }
        if (strcmp(value, options[i].choices[0]) != 0 && strcmp(value, options[i].choices[1]) != 0) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "%s %s: expected %s or %s", options[i].name, value,
                      options[i].choices[0], options[i].choices[1]);
        }
        if (strcmp(plan->architecture, "unknown") != 0 && strcmp(plan->architecture, options[i].architecture) != 0) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "%s: %s %s does not fit: it is for %s, the network is a %s",
                      plan->checkpoint->path, options[i].name, value, options[i].network, plan->architecture);
        }
    }
}

enum fv_status plan_build(struct plan *plan, const struct fv_checkpoint *checkpoint,
                          const struct fv_convert_options *options, struct fv_error *error) {
    *plan = (struct plan){
        .checkpoint = checkpoint,
        .options = options,
        .error = error,
        .prefix = "",
        .architecture = "unknown",
        .naming = "unknown",
    };
    if (options->preset != NULL) {
        plan->preset = preset_find(options->preset);
        if (plan->preset == NULL) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "--preset %s: expected coips-3x3 or coips-6x6", options->preset);
            return plan->status;
        }
    }
    plan_family(plan);
    check_special_options(plan);
    plan_check_unused(plan);
    if (plan->status == FV_OK) {
        pipeline_plan(plan);
    }
    if (plan->status == FV_OK && plan->decision_count > 0) {
        plan_set_strings(plan, "fovea.decisions", plan->decisions, plan->decision_count);
    }
    return plan->status;
}
