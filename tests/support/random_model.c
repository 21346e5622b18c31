/* Each architecture is one walk over its tensors, taken twice: to declare them and to write them. */
#include "random_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "fovea/model.h"
#include "seeded.h"

enum { NAME_SIZE = 128 };

struct walk {
    struct fv_writer *writer;
    struct fv_error *error;
    enum fv_status status; /* the first failure; later calls do nothing */
    bool write;
    const char *without;
    char prefix[NAME_SIZE];
};

static void tensor(struct walk *walk, const size_t *shape, uint32_t rank, const char *format, ...) FV_PRINTF(4, 5);

static void tensor(struct walk *walk, const size_t *shape, uint32_t rank, const char *format, ...) {
    if (walk->status != FV_OK) {
        return;
    }
    char leaf[NAME_SIZE], name[2 * NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(leaf, sizeof leaf, format, arguments);
    va_end(arguments);
    snprintf(name, sizeof name, "%s%s", walk->prefix, leaf);
    if (walk->without != NULL && strcmp(name, walk->without) == 0) {
        return;
    }
    if (!walk->write) {
        walk->status = fv_writer_declare(walk->writer, name, FV_TYPE_F32, shape, rank, walk->error);
        return;
    }
    size_t elements = 1;
    for (uint32_t i = 0; i < rank; i++) {
        elements *= shape[i];
    }
    float *values = fv_allocate(elements, sizeof *values);
    if (values == NULL) {
        walk->status = fv_error_set(walk->error, FV_ERROR_MEMORY, "out of memory for %s", name);
        return;
    }
    seeded_tensor(name, shape, rank, values);
    walk->status = fv_writer_tensor(walk->writer, values, elements, walk->error);
    fv_release(values);
}

static void vector(struct walk *walk, const char *name, const char *leaf, size_t length) {
    tensor(walk, &length, 1, "%s.%s", name, leaf);
}

static void affine(struct walk *walk, const char *name, size_t length) {
    vector(walk, name, "weight", length);
    vector(walk, name, "bias", length);
}

static void linear(struct walk *walk, const char *name, size_t outputs, size_t inputs, bool bias) {
    tensor(walk, (size_t[]){outputs, inputs}, 2, "%s.weight", name);
    if (bias) {
        vector(walk, name, "bias", outputs);
    }
}

static void convolution(struct walk *walk, const char *name, const size_t shape[4], bool bias) {
    tensor(walk, shape, 4, "%s.weight", name);
    if (bias) {
        vector(walk, name, "bias", shape[0]);
    }
}

static void batch_norm(struct walk *walk, const char *name, size_t length) {
    affine(walk, name, length);
    vector(walk, name, "running_mean", length);
    vector(walk, name, "running_var", length);
}

/* A name made from a format; lives until the end of the caller's block. */
struct name {
    char text[NAME_SIZE];
};

static struct name name_of(const char *format, ...) FV_PRINTF(1, 2);

static struct name name_of(const char *format, ...) {
    struct name name;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name.text, sizeof name.text, format, arguments);
    va_end(arguments);
    return name;
}

static size_t count_of(const uint32_t list[MODEL_MAX_STAGES]) {
    size_t count = 0;
    while (count < MODEL_MAX_STAGES && list[count] != 0) {
        count++;
    }
    return count;
}

static void walk_swin(struct walk *walk, const struct model_description *model) {
    const struct swin_parameters *swin = &model->parameters.swin;
    const size_t stages = count_of(swin->depths);
    size_t channels = swin->embed, side = model->height / swin->patch;
    convolution(walk, "patch_embed.proj", (size_t[]){channels, model->channels, swin->patch, swin->patch}, true);
    affine(walk, "patch_embed.norm", channels);
    for (size_t i = 0; i < stages; i++, channels *= 2, side /= 2) {
        const size_t window = side <= swin->window ? side : swin->window, table = (2 * window - 1) * (2 * window - 1);
        for (size_t j = 0; j < swin->depths[i]; j++) {
            const struct name block = name_of("layers.%zu.blocks.%zu", i, j);
            affine(walk, name_of("%s.norm1", block.text).text, channels);
            tensor(walk, (size_t[]){table, swin->heads[i]}, 2, "%s.attn.relative_position_bias_table", block.text);
            linear(walk, name_of("%s.attn.qkv", block.text).text, 3 * channels, channels, true);
            linear(walk, name_of("%s.attn.proj", block.text).text, channels, channels, true);
            affine(walk, name_of("%s.norm2", block.text).text, channels);
            linear(walk, name_of("%s.mlp.fc1", block.text).text, 4 * channels, channels, true);
            linear(walk, name_of("%s.mlp.fc2", block.text).text, channels, 4 * channels, true);
        }
        if (i + 1 < stages) {
            affine(walk, name_of("layers.%zu.downsample.norm", i).text, 4 * channels);
            linear(walk, name_of("layers.%zu.downsample.reduction", i).text, 2 * channels, 4 * channels, false);
        }
    }
    affine(walk, "norm", channels / 2);
    linear(walk, "head", model->classes, channels / 2, true);
}

static void conv_norm(struct walk *walk, const char *conv, const char *norm, const size_t shape[4]) {
    convolution(walk, conv, shape, false);
    batch_norm(walk, norm, shape[0]);
}

static void walk_bottleneck(struct walk *walk, const struct resnet_parameters *net, size_t layer, size_t number,
                            size_t input) {
    const struct name block = name_of("layer%zu.%zu", layer + 1, number);
    const size_t width = net->widths[layer], output = net->outputs[layer], hidden = net->hidden[layer];
    conv_norm(walk, name_of("%s.conv1", block.text).text, name_of("%s.bn1", block.text).text,
              (size_t[]){width, input, 1, 1});
    conv_norm(walk, name_of("%s.conv2", block.text).text, name_of("%s.bn2", block.text).text,
              (size_t[]){width, width / net->groups, 3, 3});
    conv_norm(walk, name_of("%s.conv3", block.text).text, name_of("%s.bn3", block.text).text,
              (size_t[]){output, width, 1, 1});
    if (hidden != 0) {
        const char *squeeze = net->legacy ? "se_module" : "se";
        convolution(walk, name_of("%s.%s.fc1", block.text, squeeze).text, (size_t[]){hidden, output, 1, 1}, true);
        convolution(walk, name_of("%s.%s.fc2", block.text, squeeze).text, (size_t[]){output, hidden, 1, 1}, true);
    }
    if (number == 0 && (layer > 0 || input != output)) {
        conv_norm(walk, name_of("%s.downsample.0", block.text).text, name_of("%s.downsample.1", block.text).text,
                  (size_t[]){output, input, 1, 1});
    }
}

static void walk_resnet(struct walk *walk, const struct model_description *model) {
    const struct resnet_parameters *net = &model->parameters.resnet;
    conv_norm(walk, net->legacy ? "layer0.conv1" : "conv1", net->legacy ? "layer0.bn1" : "bn1",
              (size_t[]){net->stem, model->channels, 7, 7});
    size_t channels = net->stem;
    for (size_t layer = 0; layer < count_of(net->depths); layer++) {
        for (size_t number = 0; number < net->depths[layer]; number++) {
            walk_bottleneck(walk, net, layer, number, channels);
            channels = net->outputs[layer];
        }
    }
    linear(walk, net->legacy ? "last_linear" : "fc", model->classes, channels, true);
}

static uint32_t convolutions_of(const struct unet_parameters *net) {
    return net->convolutions != 0 ? net->convolutions : 2;
}

static uint32_t kernel_of(const struct unet_parameters *net, size_t level, size_t axis) {
    return net->kernels[0][0] != 0 ? net->kernels[level][axis] : 3;
}

static void walk_block(struct walk *walk, const struct unet_parameters *net, const char *name, size_t outputs,
                       size_t inputs, size_t level) {
    convolution(walk, name_of("%s.conv", name).text,
                (size_t[]){outputs, inputs, kernel_of(net, level, 0), kernel_of(net, level, 1)}, true);
    affine(walk, name_of("%s.instnorm", name).text, outputs);
}

/* Two stacks, as in the bottleneck and the decoder: all blocks but the last (at least one), and the last. */
static void walk_stacks(struct walk *walk, const struct unet_parameters *net, const char *name, size_t outputs,
                        size_t inputs, size_t level) {
    const size_t convolutions = convolutions_of(net), first = convolutions > 1 ? convolutions - 1 : 1;
    for (size_t i = 0; i < first; i++) {
        walk_block(walk, net, name_of("%s.0.blocks.%zu", name, i).text, outputs, i == 0 ? inputs : outputs, level);
    }
    walk_block(walk, net, name_of("%s.1.blocks.0", name).text, outputs, outputs, level);
}

static void walk_unet(struct walk *walk, const struct model_description *model) {
    const struct unet_parameters *net = &model->parameters.unet;
    const size_t poolings = count_of(net->features) - 1;
    for (size_t level = 0; level < poolings; level++) {
        for (size_t i = 0; i < convolutions_of(net); i++) {
            const size_t below = level > 0 ? net->features[level - 1] : model->channels;
            walk_block(walk, net, name_of("conv_blocks_context.%zu.blocks.%zu", level, i).text, net->features[level],
                       i == 0 ? below : net->features[level], level);
        }
    }
    walk_stacks(walk, net, name_of("conv_blocks_context.%zu", poolings).text, net->features[poolings],
                net->features[poolings - 1], poolings);
    for (size_t step = 0; step < poolings; step++) {
        const size_t level = poolings - 1 - step, features = net->features[level];
        convolution(walk, name_of("tu.%zu", step).text,
                    (size_t[]){net->features[level + 1], features, net->pools[level][0], net->pools[level][1]}, false);
        walk_stacks(walk, net, name_of("conv_blocks_localization.%zu", step).text, features, 2 * features, level + 1);
        convolution(walk, name_of("seg_outputs.%zu", step).text, (size_t[]){model->classes, features, 1, 1}, false);
    }
}

/* A convolution with its norm: channels of the published net, kernel. */
struct unit {
    const char *name;
    uint32_t outputs, kernel_y, kernel_x;
};

/* Units one after the other, up to one without a name; returns the channels of the last. */
static size_t walk_units(struct walk *walk, const struct model_description *model, const char *block,
                         const struct unit *units, size_t channels) {
    for (; units->name != NULL; units++) {
        const struct name name = name_of("%s%s%s", block, *block != '\0' ? "." : "", units->name);
        const size_t outputs = units->outputs / model->parameters.inception.divisor;
        conv_norm(walk, name_of("%s.conv", name.text).text, name_of("%s.bn", name.text).text,
                  (size_t[]){outputs, channels, units->kernel_y, units->kernel_x});
        channels = outputs;
    }
    return channels;
}

#define UNITS(...) walk_units(walk, model, block, (const struct unit[]){__VA_ARGS__, {0}}, channels)

static size_t walk_inception_a(struct walk *walk, const struct model_description *model, const char *block,
                               size_t channels, uint32_t pooled) {
    return UNITS({"branch1x1", 64, 1, 1}) + UNITS({"branch5x5_1", 48, 1, 1}, {"branch5x5_2", 64, 5, 5}) +
           UNITS({"branch3x3dbl_1", 64, 1, 1}, {"branch3x3dbl_2", 96, 3, 3}, {"branch3x3dbl_3", 96, 3, 3}) +
           UNITS({"branch_pool", pooled, 1, 1});
}

static size_t walk_inception_b(struct walk *walk, const struct model_description *model, const char *block,
                               size_t channels) {
    return UNITS({"branch3x3", 384, 3, 3}) +
           UNITS({"branch3x3dbl_1", 64, 1, 1}, {"branch3x3dbl_2", 96, 3, 3}, {"branch3x3dbl_3", 96, 3, 3}) + channels;
}

static size_t walk_inception_c(struct walk *walk, const struct model_description *model, const char *block,
                               size_t channels, uint32_t inner) {
    return UNITS({"branch1x1", 192, 1, 1}) +
           UNITS({"branch7x7_1", inner, 1, 1}, {"branch7x7_2", inner, 1, 7}, {"branch7x7_3", 192, 7, 1}) +
           UNITS({"branch7x7dbl_1", inner, 1, 1}, {"branch7x7dbl_2", inner, 7, 1}, {"branch7x7dbl_3", inner, 1, 7},
                 {"branch7x7dbl_4", inner, 7, 1}, {"branch7x7dbl_5", 192, 1, 7}) +
           UNITS({"branch_pool", 192, 1, 1});
}

static size_t walk_inception_d(struct walk *walk, const struct model_description *model, const char *block,
                               size_t channels) {
    return UNITS({"branch3x3_1", 192, 1, 1}, {"branch3x3_2", 320, 3, 3}) +
           UNITS({"branch7x7x3_1", 192, 1, 1}, {"branch7x7x3_2", 192, 1, 7}, {"branch7x7x3_3", 192, 7, 1},
                 {"branch7x7x3_4", 192, 3, 3}) +
           channels;
}

static size_t walk_inception_e(struct walk *walk, const struct model_description *model, const char *block,
                               size_t channels) {
    size_t outputs = UNITS({"branch1x1", 320, 1, 1}) + UNITS({"branch_pool", 192, 1, 1});
    const size_t all = channels;
    channels = UNITS({"branch3x3_1", 384, 1, 1});
    outputs += UNITS({"branch3x3_2a", 384, 1, 3}) + UNITS({"branch3x3_2b", 384, 3, 1});
    channels = all;
    channels = UNITS({"branch3x3dbl_1", 448, 1, 1}, {"branch3x3dbl_2", 384, 3, 3});
    return outputs + UNITS({"branch3x3dbl_3a", 384, 1, 3}) + UNITS({"branch3x3dbl_3b", 384, 3, 1});
}

static void walk_inception(struct walk *walk, const struct model_description *model) {
    const char *block = "";
    size_t channels = model->channels;
    channels = UNITS({"Conv2d_1a_3x3", 32, 3, 3}, {"Conv2d_2a_3x3", 32, 3, 3}, {"Conv2d_2b_3x3", 64, 3, 3},
                     {"Conv2d_3b_1x1", 80, 1, 1}, {"Conv2d_4a_3x3", 192, 3, 3});
    channels = walk_inception_a(walk, model, "Mixed_5b", channels, 32);
    channels = walk_inception_a(walk, model, "Mixed_5c", channels, 64);
    channels = walk_inception_a(walk, model, "Mixed_5d", channels, 64);
    channels = walk_inception_b(walk, model, "Mixed_6a", channels);
    channels = walk_inception_c(walk, model, "Mixed_6b", channels, 128);
    channels = walk_inception_c(walk, model, "Mixed_6c", channels, 160);
    channels = walk_inception_c(walk, model, "Mixed_6d", channels, 160);
    channels = walk_inception_c(walk, model, "Mixed_6e", channels, 192);
    channels = walk_inception_d(walk, model, "Mixed_7a", channels);
    channels = walk_inception_e(walk, model, "Mixed_7b", channels);
    channels = walk_inception_e(walk, model, "Mixed_7c", channels);
    linear(walk, "fc", model->classes, channels, true);
}

static const uint32_t efficientnet_kernels[] = {3, 3, 5, 3, 5, 5, 3}, efficientnet_strides[] = {1, 2, 2, 2, 1, 2, 1};

static bool is_lukemelas(const struct efficientnet_parameters *net) {
    return strcmp(net->padding, "static") == 0;
}

/* Expand six times (but in the first stage), depthwise, squeeze to a quarter of the input, excite, project. */
static void walk_efficientnet_block(struct walk *walk, const struct efficientnet_parameters *net, const char *block,
                                    size_t stage, size_t input) {
    const bool expands = stage > 0, other = is_lukemelas(net);
    const size_t middle = expands ? 6 * input : input, output = net->outputs[stage],
                 kernel = efficientnet_kernels[stage];
    if (expands) {
        conv_norm(walk, name_of("%s.%s", block, other ? "_expand_conv" : "conv_pw").text,
                  name_of("%s.%s", block, other ? "_bn0" : "bn1").text, (size_t[]){middle, input, 1, 1});
    }
    conv_norm(walk, name_of("%s.%s", block, other ? "_depthwise_conv" : "conv_dw").text,
              name_of("%s.%s", block,
                      other     ? "_bn1"
                      : expands ? "bn2"
                                : "bn1")
                  .text,
              (size_t[]){middle, 1, kernel, kernel});
    convolution(walk, name_of("%s.%s", block, other ? "_se_reduce" : "se.conv_reduce").text,
                (size_t[]){input / 4, middle, 1, 1}, true);
    convolution(walk, name_of("%s.%s", block, other ? "_se_expand" : "se.conv_expand").text,
                (size_t[]){middle, input / 4, 1, 1}, true);
    conv_norm(walk,
              name_of("%s.%s", block,
                      other     ? "_project_conv"
                      : expands ? "conv_pwl"
                                : "conv_pw")
                  .text,
              name_of("%s.%s", block,
                      other     ? "_bn2"
                      : expands ? "bn3"
                                : "bn2")
                  .text,
              (size_t[]){output, middle, 1, 1});
}

static void walk_efficientnet(struct walk *walk, const struct model_description *model) {
    const struct efficientnet_parameters *net = &model->parameters.efficientnet;
    const bool other = is_lukemelas(net);
    size_t channels = net->stem, flat = 0;
    conv_norm(walk, other ? "_conv_stem" : "conv_stem", other ? "_bn0" : "bn1",
              (size_t[]){channels, model->channels, 3, 3});
    for (size_t stage = 0; stage < count_of(net->repeats); stage++) {
        for (size_t number = 0; number < net->repeats[stage]; number++, flat++) {
            const struct name block = other ? name_of("_blocks.%zu", flat) : name_of("blocks.%zu.%zu", stage, number);
            walk_efficientnet_block(walk, net, block.text, stage, channels);
            channels = net->outputs[stage];
        }
    }
    conv_norm(walk, other ? "_conv_head" : "conv_head", other ? "_bn1" : "bn2", (size_t[]){net->head, channels, 1, 1});
    linear(walk, other ? "_fc" : "classifier", model->classes, net->head, true);
}

static void walk_members(struct walk *walk, const struct model_description *model) {
    const uint32_t members = model->parameters.unet.members;
    for (uint32_t member = 0; member < (members != 0 ? members : 1); member++) {
        snprintf(walk->prefix, sizeof walk->prefix, "fold_%u.", member);
        walk_unet(walk, model);
    }
}

static void walk_tensors(struct walk *walk, const struct model_description *model) {
    void (*const walks[])(struct walk *, const struct model_description *) = {[MODEL_SWIN] = walk_swin,
                                                                              [MODEL_RESNET] = walk_resnet,
                                                                              [MODEL_UNET] = walk_members,
                                                                              [MODEL_INCEPTION_V3] = walk_inception,
                                                                              [MODEL_EFFICIENTNET] = walk_efficientnet};
    walk->prefix[0] = '\0';
    walk->without = model->without;
    walks[model->architecture](walk, model);
    if (model->extra != NULL) {
        walk->prefix[0] = '\0';
        walk->without = NULL;
        tensor(walk, (size_t[]){3}, 1, "%s", model->extra);
    }
}

static void set_text(struct walk *walk, const char *key, const char *value) {
    if (walk->status == FV_OK) {
        walk->status = fv_writer_set_string(walk->writer, key, value, walk->error);
    }
}

static void set_texts(struct walk *walk, const char *key, const char *const *values, size_t count) {
    if (walk->status == FV_OK) {
        walk->status = fv_writer_set_strings(walk->writer, key, values, count, walk->error);
    }
}

static void set_size(struct walk *walk, const char *key, uint32_t value) {
    if (walk->status == FV_OK) {
        walk->status = fv_writer_set_u32(walk->writer, key, value, walk->error);
    }
}

static void set_sizes(struct walk *walk, const char *key, const uint32_t *values, size_t count) {
    if (walk->status == FV_OK) {
        walk->status = fv_writer_set_u32s(walk->writer, key, values, count, walk->error);
    }
}

static void set_number(struct walk *walk, const char *key, float value) {
    if (walk->status == FV_OK) {
        walk->status = fv_writer_set_f32(walk->writer, key, value, walk->error);
    }
}

static void set_numbers(struct walk *walk, const char *key, const float *values, size_t count) {
    if (walk->status == FV_OK) {
        walk->status = fv_writer_set_f32s(walk->writer, key, values, count, walk->error);
    }
}

static void set_flag(struct walk *walk, const char *key, bool value) {
    if (walk->status == FV_OK) {
        walk->status = fv_writer_set_bool(walk->writer, key, value, walk->error);
    }
}

static void describe_swin(struct walk *walk, const struct model_description *model) {
    const struct swin_parameters *swin = &model->parameters.swin;
    set_text(walk, "general.architecture", "swin");
    set_text(walk, "fovea.task", "quality");
    set_size(walk, "swin.embed_dim", swin->embed);
    set_sizes(walk, "swin.depths", swin->depths, count_of(swin->depths));
    set_sizes(walk, "swin.heads", swin->heads, count_of(swin->heads));
    set_size(walk, "swin.window", swin->window);
    set_size(walk, "swin.patch", swin->patch);
    set_size(walk, "swin.image_size", model->height);
    set_size(walk, "swin.classes", model->classes);
    set_size(walk, "swin.channels", model->channels);
    set_number(walk, "swin.norm_epsilon", 1e-5F);
    set_size(walk, "fovea.input_size", model->height);
}

static void describe_resnet(struct walk *walk, const struct model_description *model) {
    const struct resnet_parameters *net = &model->parameters.resnet;
    set_text(walk, "general.architecture", "resnet");
    set_text(walk, "fovea.task", "quality");
    set_sizes(walk, "resnet.depths", net->depths, count_of(net->depths));
    set_sizes(walk, "resnet.widths", net->widths, count_of(net->widths));
    set_sizes(walk, "resnet.outputs", net->outputs, count_of(net->outputs));
    set_size(walk, "resnet.stem", net->stem);
    set_size(walk, "resnet.groups", net->groups);
    set_flag(walk, "resnet.se", net->hidden[0] != 0);
    set_text(walk, "resnet.stem_pool", net->legacy ? "ceil" : "padded");
    set_text(walk, "resnet.naming", net->legacy ? "legacy" : "timm");
    set_size(walk, "resnet.classes", model->classes);
    set_size(walk, "resnet.channels", model->channels);
    set_number(walk, "resnet.norm_epsilon", 1e-5F);
    set_size(walk, "fovea.input_size", model->height);
}

static void describe_unet(struct walk *walk, const struct model_description *model) {
    const struct unet_parameters *net = &model->parameters.unet;
    const size_t levels = count_of(net->features);
    uint32_t kernels[MODEL_MAX_STAGES][2];
    for (size_t level = 0; level < levels; level++) {
        kernels[level][0] = kernel_of(net, level, 0);
        kernels[level][1] = kernel_of(net, level, 1);
    }
    set_text(walk, "general.architecture", "unet");
    set_text(walk, "fovea.task", "segmentation");
    set_size(walk, "unet.channels", model->channels);
    set_size(walk, "unet.classes", model->classes);
    set_sizes(walk, "unet.features", net->features, levels);
    set_sizes(walk, "unet.pools", net->pools[0], 2 * (levels - 1));
    set_sizes(walk, "unet.kernels", kernels[0], 2 * levels);
    set_size(walk, "unet.convs_per_stage", convolutions_of(net));
    set_number(walk, "unet.negative_slope", 1e-2F);
    set_number(walk, "unet.norm_epsilon", 1e-5F);
    set_sizes(walk, "unet.folds", (uint32_t[MODEL_MAX_FOLDS]){0, 1, 2, 3, 4}, net->members != 0 ? net->members : 1);
    set_sizes(walk, "fovea.patch_size", (uint32_t[2]){model->height, model->width}, 2);
    set_sizes(walk, "fovea.mirror_axes", (uint32_t[2]){0, 1}, 2);
    set_sizes(walk, "fovea.use_mask_for_norm", (uint32_t[MODEL_MAX_CHANNELS]){0}, model->channels);
    set_numbers(walk, "fovea.fov", (float[2]){3, 6}, 2);
    set_texts(walk, "fovea.layers", (const char *const[2]){"superficial", "deep"}, 2);
}

static void describe_inception(struct walk *walk, const struct model_description *model) {
    set_text(walk, "general.architecture", "inception_v3");
    set_text(walk, "fovea.task", "quality");
    set_size(walk, "inception_v3.channels", model->channels);
    set_size(walk, "inception_v3.classes", model->classes);
    set_flag(walk, "inception_v3.transform_input", model->parameters.inception.transform_input);
    set_number(walk, "inception_v3.norm_epsilon", 1e-3F);
    set_size(walk, "fovea.input_size", model->height);
}

static void describe_efficientnet(struct walk *walk, const struct model_description *model) {
    const struct efficientnet_parameters *net = &model->parameters.efficientnet;
    const size_t stages = count_of(net->repeats);
    set_text(walk, "general.architecture", "efficientnet");
    set_text(walk, "fovea.task", "quality");
    set_text(walk, "efficientnet.naming", is_lukemelas(net) ? "lukemelas" : "timm");
    set_sizes(walk, "efficientnet.repeats", net->repeats, stages);
    set_sizes(walk, "efficientnet.strides", efficientnet_strides, stages);
    set_sizes(walk, "efficientnet.kernels", efficientnet_kernels, stages);
    set_text(walk, "efficientnet.padding", net->padding);
    if (net->image_size != 0) {
        set_size(walk, "efficientnet.image_size", net->image_size);
    }
    set_size(walk, "efficientnet.classes", model->classes);
    set_size(walk, "efficientnet.channels", model->channels);
    set_number(walk, "efficientnet.norm_epsilon", strcmp(net->padding, "symmetric") == 0 ? 1e-5F : 1e-3F);
    set_size(walk, "fovea.input_size", model->height);
}

enum fv_status random_model_write(const struct model_description *model, const char *path, struct fv_error *error) {
    struct walk walk = {.error = error};
    walk.status = fv_writer_create(path, &walk.writer, error);
    if (walk.status != FV_OK) {
        return walk.status;
    }
    void (*const describe[])(struct walk *,
                             const struct model_description *) = {[MODEL_SWIN] = describe_swin,
                                                                  [MODEL_RESNET] = describe_resnet,
                                                                  [MODEL_UNET] = describe_unet,
                                                                  [MODEL_INCEPTION_V3] = describe_inception,
                                                                  [MODEL_EFFICIENTNET] = describe_efficientnet};
    describe[model->architecture](&walk, model);
    walk_tensors(&walk, model);
    if (walk.status == FV_OK) {
        walk.status = fv_writer_begin(walk.writer, error);
    }
    walk.write = true;
    walk_tensors(&walk, model);
    if (walk.status != FV_OK) {
        fv_writer_abandon(walk.writer);
        return walk.status;
    }
    return fv_writer_finish(walk.writer, error);
}
