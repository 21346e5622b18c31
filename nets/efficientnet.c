/* EfficientNet (Tan and Le 2019, arXiv:1905.11946), B0 to B8: inverted residual blocks with depthwise convolution and
 * squeeze-and-excitation, scaled in depth and width. Keys of timm or of lukemelas' EfficientNet-PyTorch; kernels and
 * channels are the tensors'. Shapes are channels x height x width of B7 for an input of 600 x 600. */
#include <string.h>

#include "net.h"

/* How a convolution is padded. */
enum padding_rule {
    PAD_SYMMETRIC, /* (kernel - 1) / 2 on every side */
    PAD_SAME,      /* TensorFlow's: as little as gives ceil(side / stride), the odd pixel after the input */
    PAD_STATIC,    /* the same, computed once for image_size whatever the input */
};

/* Names of a block's parts, NULL for none. */
struct block_names {
    const char *expand, *expand_norm, *depthwise, *depthwise_norm, *reduce, *excite, *project, *project_norm;
};

/* timm's conv_pw expands in most blocks and projects in those of the first stage, which do not expand. */
static const struct block_names timm_expanding = {"conv_pw",        "bn1",      "conv_dw", "bn2", "se.conv_reduce",
                                                  "se.conv_expand", "conv_pwl", "bn3"};
static const struct block_names timm_plain = {NULL,      NULL, "conv_dw", "bn1", "se.conv_reduce", "se.conv_expand",
                                              "conv_pw", "bn2"};
static const struct block_names lukemelas_expanding = {"_expand_conv", "_bn0",       "_depthwise_conv", "_bn1",
                                                       "_se_reduce",   "_se_expand", "_project_conv",   "_bn2"};
static const struct block_names lukemelas_plain = {NULL,         NULL,         "_depthwise_conv", "_bn1",
                                                   "_se_reduce", "_se_expand", "_project_conv",   "_bn2"};

struct efficientnet {
    const struct fv_model *model;
    struct fv_graph *graph;
    size_t repeats[2 * MAX_STAGES], strides[2 * MAX_STAGES], stages, channels;
    bool lukemelas;
    enum padding_rule padding;
    size_t image_size;  /* of PAD_STATIC */
    size_t static_side; /* the side that an input of image_size has here */
    float epsilon;
};

static enum fv_status read_padding(const struct fv_model *model, struct efficientnet *net, struct fv_error *error) {
    const char *naming = "", *padding = "";
    enum fv_status status = fv_model_require_string(model, "efficientnet.naming", &naming, error);
    if (status == FV_OK) {
        status = fv_model_require_string(model, "efficientnet.padding", &padding, error);
    }
    if (status != FV_OK) {
        return status;
    }
    net->lukemelas = strcmp(naming, "lukemelas") == 0;
    net->padding = strcmp(padding, "same") == 0     ? PAD_SAME
                   : strcmp(padding, "static") == 0 ? PAD_STATIC
                                                    : PAD_SYMMETRIC;
    if ((!net->lukemelas && strcmp(naming, "timm") != 0) ||
        (net->padding == PAD_SYMMETRIC && strcmp(padding, "symmetric") != 0)) {
        return fv_error_set(error, FV_ERROR_MODEL,
                            "%s: efficientnet.naming is %s and efficientnet.padding %s, expected timm or lukemelas, "
                            "same, symmetric or static",
                            fv_model_path(model), naming, padding);
    }
    if (net->padding == PAD_STATIC) {
        status = fv_model_require_size(model, "efficientnet.image_size", 1, 16384, &net->image_size, error);
    }
    net->static_side = net->image_size;
    return status;
}

static enum fv_status read_parameters(struct efficientnet *net, struct fv_error *error) {
    const struct fv_model *model = net->model;
    size_t stride_stages = 0;
    double epsilon = 0;
    enum fv_status status = net_sizes(model, "efficientnet.repeats", 256, net->repeats, &net->stages, error);
    if (status == FV_OK) {
        status = net_sizes(model, "efficientnet.strides", 4, net->strides, &stride_stages, error);
    }
    if (status == FV_OK && stride_stages != net->stages) {
        status =
            fv_error_set(error, FV_ERROR_MODEL, "%s: efficientnet.strides has %zu entries, efficientnet.repeats %zu",
                         fv_model_path(model), stride_stages, net->stages);
    }
    if (status == FV_OK) {
        status = fv_model_require_size(model, "efficientnet.channels", 1, 64, &net->channels, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_number(model, "efficientnet.norm_epsilon", &epsilon, error);
    }
    net->epsilon = (float)epsilon;
    return status == FV_OK ? read_padding(model, net, error) : status;
}

/* TensorFlow's SAME: all of the padding of one axis. */
static size_t same_padding(size_t side, size_t kernel, size_t stride) {
    const size_t covered = ((side + stride - 1) / stride - 1) * stride + kernel;
    return covered > side ? covered - side : 0;
}

static struct fv_padding pad(const struct efficientnet *net, struct fv_shape input, size_t kernel, size_t stride) {
    if (net->padding == PAD_SYMMETRIC) {
        const size_t side = (kernel - 1) / 2;
        return (struct fv_padding){side, side, side, side};
    }
    const bool fixed = net->padding == PAD_STATIC;
    const size_t y = same_padding(fixed ? net->static_side : input.height, kernel, stride);
    const size_t x = same_padding(fixed ? net->static_side : input.width, kernel, stride);
    return (struct fv_padding){.top = y / 2, .left = x / 2, .bottom = y - y / 2, .right = x - x / 2};
}

/* Convolution without bias, then batch norm; both names are complete. */
static fv_value conv_norm(struct efficientnet *net, fv_value x, const char *conv, const char *norm, size_t stride,
                          size_t groups) {
    const struct net_key weight = net_key("%s.weight", conv);
    const struct fv_tensor *tensor = fv_model_tensor(net->model, weight.text);
    const size_t kernel = tensor != NULL && tensor->rank == 4 ? tensor->shape[2] : 1;
    x = fv_graph_convolution(
        net->graph, x,
        &(struct fv_convolution){.weight = weight.text,
                                 .stride_y = stride,
                                 .stride_x = stride,
                                 .padding = pad(net, fv_graph_shape(net->graph, x), kernel, stride),
                                 .groups = groups});
    net->static_side = (net->static_side + stride - 1) / stride;
    return fv_graph_batch_norm(net->graph, x, norm, net->epsilon);
}

/* x * sigmoid(expand(silu(reduce(mean(x))))) */
static fv_value squeeze_excite(const struct efficientnet *net, fv_value x, const char *block,
                               const struct block_names *names) {
    const char *const parts[] = {names->reduce, names->excite};
    struct fv_graph *graph = net->graph;
    fv_graph_scope(graph, "%s.se", block);
    fv_value gate = fv_graph_global_mean(graph, x); /* C x 1 x 1 */
    for (size_t i = 0; i < 2; i++) {
        gate = fv_graph_convolution(graph, gate,
                                    &(struct fv_convolution){.weight = net_key("%s.%s.weight", block, parts[i]).text,
                                                             .bias = net_key("%s.%s.bias", block, parts[i]).text});
        gate = fv_graph_activation(graph, gate, i == 0 ? FV_SILU : FV_SIGMOID, 0);
    }
    x = fv_graph_scale(graph, x, gate);
    fv_graph_scope(graph, "%s", block);
    return x;
}

/* Expand (but in the first stage), depthwise convolution with the stride, squeeze and excite, project; and the way
 * around where nothing changes its shape. */
static fv_value inverted_residual(struct efficientnet *net, fv_value x, const char *block, size_t stride) {
    struct fv_graph *graph = net->graph;
    const char *expanding = net->lukemelas ? "_expand_conv" : "conv_pwl";
    const bool expands = fv_model_tensor(net->model, net_key("%s.%s.weight", block, expanding).text) != NULL;
    const struct block_names *names = net->lukemelas ? (expands ? &lukemelas_expanding : &lukemelas_plain)
                                                     : (expands ? &timm_expanding : &timm_plain);
    const fv_value shortcut = x;
    fv_graph_scope(graph, "%s", block);
    if (expands) {
        x = conv_norm(net, x, net_key("%s.%s", block, names->expand).text,
                      net_key("%s.%s", block, names->expand_norm).text, 1, 1);
        x = fv_graph_activation(graph, x, FV_SILU, 0);
    }
    x = conv_norm(net, x, net_key("%s.%s", block, names->depthwise).text,
                  net_key("%s.%s", block, names->depthwise_norm).text, stride, fv_graph_shape(graph, x).channels);
    x = fv_graph_activation(graph, x, FV_SILU, 0);
    x = squeeze_excite(net, x, block, names);
    x = conv_norm(net, x, net_key("%s.%s", block, names->project).text,
                  net_key("%s.%s", block, names->project_norm).text, 1, 1);
    const bool same = fv_graph_shape(graph, x).channels == fv_graph_shape(graph, shortcut).channels;
    return stride == 1 && same ? fv_graph_add(graph, x, shortcut) : x;
}

enum fv_status net_efficientnet(const struct fv_model *model, const struct fv_net_options *options,
                                struct fv_graph *graph, fv_value *output, struct fv_error *error) {
    struct efficientnet net = {.model = model, .graph = graph};
    size_t height = 0, width = 0;
    enum fv_status status = read_parameters(&net, error);
    if (status == FV_OK) {
        status = net_input_size(model, options, "fovea.input_size", &height, &width, error);
    }
    if (status != FV_OK) {
        return status;
    }
    const bool lukemelas = net.lukemelas;
    fv_graph_scope(graph, "stem");
    fv_value x = fv_graph_input(graph, net.channels, height, width); /* 3 x 600 x 600 */
    x = conv_norm(&net, x, lukemelas ? "_conv_stem" : "conv_stem", lukemelas ? "_bn0" : "bn1", 2, 1);
    x = fv_graph_activation(graph, x, FV_SILU, 0); /* 64 x 300 x 300 */
    size_t flat = 0;
    for (size_t stage = 0; stage < net.stages; stage++) {
        for (size_t number = 0; number < net.repeats[stage]; number++, flat++) {
            const struct net_key block =
                lukemelas ? net_key("_blocks.%zu", flat) : net_key("blocks.%zu.%zu", stage, number);
            x = inverted_residual(&net, x, block.text, number == 0 ? net.strides[stage] : 1);
        } /* 32 x 300 x 300, 48 x 150 x 150, 80 x 75 x 75, 160 x 38 x 38, 224 x 38 x 38, 384 and 640 x 19 x 19 */
    }
    fv_graph_scope(graph, "head");
    x = conv_norm(&net, x, lukemelas ? "_conv_head" : "conv_head", lukemelas ? "_bn1" : "bn2", 1, 1);
    x = fv_graph_activation(graph, x, FV_SILU, 0); /* 2560 x 19 x 19 */
    x = fv_graph_global_mean(graph, x);            /* 2560 x 1 x 1 */
    /* classes x 1 x 1 */
    *output = net_head(graph, model, x, "efficientnet", lukemelas ? "_fc" : "classifier");
    return FV_OK;
}
