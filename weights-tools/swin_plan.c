/* Swin Transformer: the authors' names (timm's too before 0.9), and timm's since 0.9, where the merging that follows
 * stage i is called layers.{i+1}.downsample and the head is head.fc. The model has the authors' names in any case. */
#include "swin_plan.h"

#include <math.h>
#include <stdio.h>

enum { MOST_BLOCKS = 256, NAME_SIZE = 96 };

/* Side of the square whose area is `area`; 0 if there is none. */
static size_t square_root(size_t area) {
    size_t side = (size_t)lround(sqrt((double)area));
    return side * side == area ? side : 0;
}

/* Reads off the tensors everything but the input's size. */
static void infer(struct plan *plan, struct swin *swin) {
    swin->modern = head_exists(plan, "head.fc");
    plan->architecture = "swin";
    plan->naming = swin->modern ? "timm >= 0.9" : "authors";
    const struct fv_checkpoint_tensor *patch = plan_look(plan, "patch_embed.proj.weight");
    swin->embed = plan_dimension(patch, 0);
    swin->patch = plan_dimension(patch, 2);
    plan->channels = plan_dimension(patch, 1);
    head_infer(plan, &swin->head, swin->modern ? "head.fc" : "head");
    while (swin->stages < SWIN_STAGES && plan_look(plan, "layers.%zu.blocks.0.norm1.weight", swin->stages) != NULL) {
        size_t stage = swin->stages++;
        uint32_t depth = 0;
        while (depth < MOST_BLOCKS && plan_look(plan, "layers.%zu.blocks.%u.norm1.weight", stage, depth) != NULL) {
            depth++;
        }
        const struct fv_checkpoint_tensor *table =
            plan_look(plan, "layers.%zu.blocks.0.attn.relative_position_bias_table", stage);
        swin->depths[stage] = depth;
        swin->heads[stage] = (uint32_t)plan_dimension(table, 1);
        if (stage == 0) {
            swin->window = (square_root(plan_dimension(table, 0)) + 1) / 2;
        }
    }
}

static void check_inferred(struct plan *plan, const struct swin *swin) {
    const char *missing = swin->embed == 0 || swin->patch == 0 ? "a four-dimensional patch_embed.proj.weight"
                          : plan->classes == 0                 ? "head.weight or head.fc.weight"
                          : swin->stages == 0                  ? "layers.0.blocks.0"
                          : swin->window == 0                  ? "a square relative_position_bias_table"
                                                               : NULL;
    if (missing != NULL) {
        plan_fail(plan, FV_ERROR_MODEL, "%s: a Swin Transformer without %s", plan->checkpoint->path, missing);
    }
}

/* The side of the input: the first stage's attention mask has one entry a window; without it the caller must say. */
static void choose_size(struct plan *plan, struct swin *swin) {
    const char *path = plan->checkpoint->path;
    size_t windows = plan_dimension(plan_look(plan, "layers.0.blocks.1.attn_mask"), 0);
    size_t from_mask = swin->patch * swin->window * square_root(windows);
    size_t from_module = swin_module_size(plan, swin);
    swin->image = plan->options->image_size;
    if (swin->image != 0 && from_mask == 0 && from_module != 0 && swin->image != from_module) {
        plan_fail(plan, FV_ERROR_ARGUMENT,
                  "%s: --image-size %zu contradicts the module, whose input_resolution is for %zu", path, swin->image,
                  from_module);
    } else if (from_mask == 0 && from_module != 0) {
        swin->image = from_module;
        plan_decide(plan, "swin.image_size: %zu, from the module's input_resolution", swin->image);
    } else if (swin->image != 0 && from_mask != 0 && swin->image != from_mask) {
        plan_fail(plan, FV_ERROR_ARGUMENT,
                  "%s: --image-size %zu contradicts the file, whose attention masks are for %zu", path, swin->image,
                  from_mask);
    } else if (swin->image == 0 && from_mask == 0 && plan->preset != NULL) {
        const uint32_t given = plan->options->resize_size;
        swin->image = given != 0 ? given : plan->preset->grader.resize_size;
        plan_decide(plan, "swin.image_size: %zu, by %s; the file has no attention masks to check it", swin->image,
                    given != 0 ? "--resize" : "--preset");
    } else if (swin->image == 0 && from_mask == 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT,
                  "%s: the file has no attention masks, so it cannot tell the side of the network's input; give "
                  "--image-size N (a multiple of %zu; 224, 256 and 384 are usual)",
                  path, swin->patch * swin->window);
    } else if (from_mask == 0) {
        plan_decide(plan, "swin.image_size: %zu, by --image-size; the file has no attention masks to check it",
                    swin->image);
    } else {
        swin->image = from_mask;
        plan_decide(plan, "swin.image_size: %zu, from the attention masks in the file", swin->image);
    }
}

/* Side of the feature map of a stage. */
static size_t stage_side(const struct swin *swin, size_t stage) {
    return swin->image / swin->patch >> stage;
}

/* A stage smaller than the window is one window. */
static size_t stage_window(const struct swin *swin, size_t stage) {
    size_t side = stage_side(swin, stage);
    return side < swin->window ? side : swin->window;
}

/* Every stage is cut into whole windows, and every merging halves it. */
static void check_size(struct plan *plan, const struct swin *swin) {
    bool fits = swin->image > 0 && swin->image <= LARGEST_SIDE && swin->image % swin->patch == 0;
    for (size_t stage = 0; stage < swin->stages && fits; stage++) {
        size_t side = stage_side(swin, stage);
        size_t window = stage_window(swin, stage);
        fits = side > 0 && side % window == 0 && (stage + 1 == swin->stages || side % 2 == 0);
    }
    if (!fits) {
        plan_fail(plan, FV_ERROR_ARGUMENT,
                  "%s: an input of %zu pixels cannot be cut into windows of %zu in all %zu stages",
                  plan->checkpoint->path, swin->image, swin->window, swin->stages);
    }
}

/* norm1, attention, norm2, mlp. */
static void take_block(struct plan *plan, const struct swin *swin, size_t stage, uint32_t block) {
    char name[NAME_SIZE];
    size_t channels = swin->embed << stage;
    size_t window = stage_window(swin, stage);
    size_t heads = swin->heads[stage];
    snprintf(name, sizeof name, "layers.%zu.blocks.%u", stage, block);
    plan_norm(plan, channels, "%s.norm1", name);
    plan_take(plan, PLAN_VECTOR, SHAPE((2 * window - 1) * (2 * window - 1), heads),
              "%s.attn.relative_position_bias_table", name);
    plan_take(plan, PLAN_WEIGHT, SHAPE(3 * channels, channels), "%s.attn.qkv.weight", name);
    plan_take(plan, PLAN_VECTOR, SHAPE(3 * channels), "%s.attn.qkv.bias", name);
    plan_take(plan, PLAN_WEIGHT, SHAPE(channels, channels), "%s.attn.proj.weight", name);
    plan_take(plan, PLAN_VECTOR, SHAPE(channels), "%s.attn.proj.bias", name);
    plan_norm(plan, channels, "%s.norm2", name);
    plan_take(plan, PLAN_WEIGHT, SHAPE(4 * channels, channels), "%s.mlp.fc1.weight", name);
    plan_take(plan, PLAN_VECTOR, SHAPE(4 * channels), "%s.mlp.fc1.bias", name);
    plan_take(plan, PLAN_WEIGHT, SHAPE(channels, 4 * channels), "%s.mlp.fc2.weight", name);
    plan_take(plan, PLAN_VECTOR, SHAPE(channels), "%s.mlp.fc2.bias", name);
    swin_check_buffers(plan, stage, block, stage_side(swin, stage), window);
}

/* A tensor that timm calls otherwise. */
static void take_renamed(struct plan *plan, enum plan_role role, const size_t *shape, uint32_t rank, const char *target,
                         const char *source, const char *part) {
    char to[2 * NAME_SIZE];
    char from[2 * NAME_SIZE];
    snprintf(to, sizeof to, "%s.%s", target, part);
    snprintf(from, sizeof from, "%s.%s", source, part);
    plan_take_as(plan, role, shape, rank, to, from);
}

/* The merging after a stage: four neighbours' channels are normalised and halved. */
static void take_merging(struct plan *plan, const struct swin *swin, size_t stage) {
    char target[NAME_SIZE];
    char source[NAME_SIZE];
    size_t channels = swin->embed << stage;
    snprintf(target, sizeof target, "layers.%zu.downsample", stage);
    snprintf(source, sizeof source, "layers.%zu.downsample", swin->modern ? stage + 1 : stage);
    take_renamed(plan, PLAN_VECTOR, SHAPE(4 * channels), target, source, "norm.weight");
    take_renamed(plan, PLAN_VECTOR, SHAPE(4 * channels), target, source, "norm.bias");
    take_renamed(plan, PLAN_WEIGHT, SHAPE(2 * channels, 4 * channels), target, source, "reduction.weight");
}

static void take_all(struct plan *plan, const struct swin *swin) {
    plan_take(plan, PLAN_WEIGHT, SHAPE(swin->embed, plan->channels, swin->patch, swin->patch),
              "patch_embed.proj.weight");
    plan_take(plan, PLAN_VECTOR, SHAPE(swin->embed), "patch_embed.proj.bias");
    plan_norm(plan, swin->embed, "patch_embed.norm");
    for (size_t stage = 0; stage < swin->stages; stage++) {
        for (uint32_t block = 0; block < swin->depths[stage]; block++) {
            take_block(plan, swin, stage, block);
        }
        if (stage + 1 < swin->stages) {
            take_merging(plan, swin, stage);
        }
    }
    size_t features = swin->embed << (swin->stages - 1);
    plan_norm(plan, features, "norm");
    head_take(plan, &swin->head, features, "head");
}

/* What the tensors alone tell. */
static void set_sizes(struct plan *plan, const struct swin *swin) {
    plan_set_u32(plan, "swin.embed_dim", swin->embed);
    plan_set_u32s(plan, "swin.depths", swin->depths, swin->stages);
    plan_set_u32s(plan, "swin.heads", swin->heads, swin->stages);
    plan_set_u32(plan, "swin.window", swin->window);
    plan_set_u32(plan, "swin.patch", swin->patch);
    plan_set_u32(plan, "swin.classes", plan->classes);
    plan_set_u32(plan, "swin.channels", plan->channels);
    plan_set_f32(plan, "swin.norm_epsilon", 1e-5f);
    if (swin->modern) {
        plan_decide(plan, "names: timm's since 0.9, as head.fc.weight tells; the model has the authors' names");
    }
}

void swin_plan(struct plan *plan) {
    struct swin swin = {0};
    infer(plan, &swin);
    check_inferred(plan, &swin);
    set_sizes(plan, &swin);
    if (plan->status == FV_OK) {
        choose_size(plan, &swin);
    }
    if (plan->status == FV_OK) {
        check_size(plan, &swin);
    }
    if (plan->status != FV_OK) {
        return;
    }
    take_all(plan, &swin);
    swin_check_module(plan, &swin);
    plan_set_u32(plan, "swin.image_size", swin.image);
}
