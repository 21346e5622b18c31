/* nnU-Net v1's Generic_UNet in two dimensions (Isensee et al. 2021, doi 10.1038/s41592-020-01008-z), inference only:
 * the softmax of the finest segmentation output. P poolings; features f[0..P]; shapes are channels x height x width. */
#include "net.h"

struct unet {
    size_t poolings, channels, classes, convolutions;
    size_t pools[2 * MAX_STAGES], kernels[2 * MAX_STAGES]; /* pairs y, x */
    double slope, epsilon;
};

static enum fv_status read_parameters(const struct fv_model *model, struct unet *net, struct fv_error *error) {
    size_t pool_values = 0, kernel_values = 0;
    enum fv_status status = net_sizes(model, "unet.pools", 16, net->pools, &pool_values, error);
    if (status == FV_OK) {
        status = net_sizes(model, "unet.kernels", 16, net->kernels, &kernel_values, error);
    }
    net->poolings = pool_values / 2;
    if (status == FV_OK && (pool_values % 2 != 0 || kernel_values != pool_values + 2)) {
        return fv_error_set(error, FV_ERROR_MODEL,
                            "%s: unet.pools has %zu entries and unet.kernels %zu, expected 2 P and 2 (P + 1)",
                            fv_model_path(model), pool_values, kernel_values);
    }
    if (status == FV_OK) {
        status = fv_model_require_size(model, "unet.channels", 1, 64, &net->channels, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_size(model, "unet.classes", 2, 256, &net->classes, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_size(model, "unet.convs_per_stage", 1, 16, &net->convolutions, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_number(model, "unet.negative_slope", &net->slope, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_number(model, "unet.norm_epsilon", &net->epsilon, error);
    }
    return status;
}

/* Convolution, instance norm, leaky ReLU. `level` gives the kernel; sides of 3 are padded by 1. */
static fv_value block(struct fv_graph *graph, const struct unet *net, fv_value x, const char *name, size_t level,
                      size_t stride_y, size_t stride_x) {
    const size_t pad_y = net->kernels[2 * level] == 3 ? 1 : 0, pad_x = net->kernels[2 * level + 1] == 3 ? 1 : 0;
    fv_graph_scope(graph, "%s", name);
    x = fv_graph_convolution(graph, x,
                             &(struct fv_convolution){.weight = net_key("%s.conv.weight", name).text,
                                                      .bias = net_key("%s.conv.bias", name).text,
                                                      .stride_y = stride_y,
                                                      .stride_x = stride_x,
                                                      .padding = {pad_y, pad_x, pad_y, pad_x}});
    x = fv_graph_instance_norm(graph, x, net_key("%s.instnorm", name).text, (float)net->epsilon);
    return fv_graph_activation(graph, x, FV_LEAKY_RELU, (float)net->slope);
}

/* Block `index` of the bottleneck or a decoder step, which are two modules: all blocks but the last, and the last. */
static struct net_key stacked(const char *name, size_t index, size_t blocks) {
    const bool last = index + 1 == blocks;
    return net_key("%s.%d.blocks.%zu", name, last ? 1 : 0, last ? 0 : index);
}

/* Each of the two modules has at least one block. */
static size_t stacked_blocks(const struct unet *net) {
    return net->convolutions > 2 ? net->convolutions : 2;
}

/* The convolutions of one encoder level; the first has the stride of the pooling before it. */
static fv_value encode(struct fv_graph *graph, const struct unet *net, fv_value x, size_t level) {
    const size_t stride_y = level > 0 ? net->pools[2 * level - 2] : 1,
                 stride_x = level > 0 ? net->pools[2 * level - 1] : 1;
    const bool bottom = level == net->poolings;
    const struct net_key stage = net_key("conv_blocks_context.%zu", level);
    const size_t blocks = bottom ? stacked_blocks(net) : net->convolutions;
    for (size_t i = 0; i < blocks; i++) {
        const struct net_key name = bottom ? stacked(stage.text, i, blocks) : net_key("%s.blocks.%zu", stage.text, i);
        x = block(graph, net, x, name.text, level, i == 0 ? stride_y : 1, i == 0 ? stride_x : 1);
    }
    return x; /* f[level] x H / product of pools x W / ... */
}

/* Transposed convolution, concatenation (up first), then as many blocks as in the bottleneck, the first halving f. */
static fv_value decode(struct fv_graph *graph, const struct unet *net, fv_value x, fv_value skip, size_t step) {
    const size_t level = net->poolings - 1 - step;
    fv_graph_scope(graph, "tu.%zu", step);
    const fv_value up = fv_graph_transposed_convolution(
        graph, x,
        &(struct fv_transposed_convolution){.weight = net_key("tu.%zu.weight", step).text,
                                            .stride_y = net->pools[2 * level],
                                            .stride_x = net->pools[2 * level + 1]}); /* f[level] */
    x = fv_graph_concat(graph, (fv_value[]){up, skip}, 2);                           /* 2 f[level] */
    const struct net_key stage = net_key("conv_blocks_localization.%zu", step);
    for (size_t i = 0; i < stacked_blocks(net); i++) {
        const struct net_key name = stacked(stage.text, i, stacked_blocks(net));
        x = block(graph, net, x, name.text, level + 1, 1, 1); /* the kernel is that of one level deeper */
    }
    return x; /* f[level] */
}

enum fv_status net_unet(const struct fv_model *model, const struct fv_net_options *options, struct fv_graph *graph,
                        fv_value *output, struct fv_error *error) {
    struct unet net = {0};
    size_t height = 0, width = 0;
    enum fv_status status = read_parameters(model, &net, error);
    if (status == FV_OK) {
        status = net_input_size(model, options, "fovea.patch_size", &height, &width, error);
    }
    if (status != FV_OK) {
        return status;
    }
    size_t total_y = 1, total_x = 1;
    for (size_t level = 0; level < net.poolings; level++) {
        total_y *= net.pools[2 * level];
        total_x *= net.pools[2 * level + 1];
    }
    if (height % total_y != 0 || width % total_x != 0) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: an input of %zu x %zu, expected multiples of %zu and %zu",
                            fv_model_path(model), height, width, total_y, total_x);
    }
    fv_graph_prefix(graph, net_key("fold_%zu.", fv_net_member_number(model, options->member)).text);
    fv_value skips[MAX_STAGES + 1];
    fv_value x = fv_graph_input(graph, net.channels, height, width);
    for (size_t level = 0; level <= net.poolings; level++) {
        x = encode(graph, &net, x, level);
        skips[level] = x;
    }
    for (size_t step = 0; step < net.poolings; step++) {
        x = decode(graph, &net, x, skips[net.poolings - 1 - step], step);
    }
    fv_graph_scope(graph, "seg_outputs");
    x = fv_graph_convolution(
        graph, x, &(struct fv_convolution){.weight = net_key("seg_outputs.%zu.weight", net.poolings - 1).text});
    if (fv_graph_shape(graph, x).channels != 0 && fv_graph_shape(graph, x).channels != net.classes) {
        fv_graph_fail(graph, FV_ERROR_MODEL, "%s: seg_outputs.%zu.weight has %zu outputs, unet.classes is %zu",
                      fv_model_path(model), net.poolings - 1, fv_graph_shape(graph, x).channels, net.classes);
    }
    *output = fv_graph_softmax(graph, x); /* classes x H x W */
    return FV_OK;
}
