/* Residual nets of bottleneck blocks: ResNet (He et al. 2016, arXiv:1512.03385), ResNeXt with groups
 * (arXiv:1611.05431), squeeze-and-excitation (arXiv:1709.01507). Keys of torchvision and timm, or of Cadene's senet
 * ("legacy"). Shapes are channels x height x width for an input of 224 x 224. */
#include <string.h>

#include "net.h"

struct resnet {
    size_t depths[2 * MAX_STAGES], layers, groups, channels;
    bool squeeze, legacy, ceil_pool;
    double epsilon;
};

static enum fv_status read_parameters(const struct fv_model *model, struct resnet *net, struct fv_error *error) {
    enum fv_status status = net_sizes(model, "resnet.depths", 256, net->depths, &net->layers, error);
    if (status == FV_OK) {
        status = fv_model_require_size(model, "resnet.groups", 1, 4096, &net->groups, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_size(model, "resnet.channels", 1, 64, &net->channels, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_number(model, "resnet.norm_epsilon", &net->epsilon, error);
    }
    const char *naming = "", *pool = "";
    if (status == FV_OK) {
        status = fv_model_require_string(model, "resnet.naming", &naming, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_string(model, "resnet.stem_pool", &pool, error);
    }
    if (status == FV_OK && !fv_model_boolean(model, "resnet.se", &net->squeeze)) {
        return fv_error_set(error, FV_ERROR_MODEL, "%s: resnet.se is missing or no boolean", fv_model_path(model));
    }
    net->legacy = strcmp(naming, "legacy") == 0;
    net->ceil_pool = strcmp(pool, "ceil") == 0;
    if (status == FV_OK &&
        ((!net->legacy && strcmp(naming, "timm") != 0) || (!net->ceil_pool && strcmp(pool, "padded") != 0))) {
        return fv_error_set(error, FV_ERROR_MODEL,
                            "%s: resnet.naming is %s and resnet.stem_pool %s, expected timm or legacy, padded or ceil",
                            fv_model_path(model), naming, pool);
    }
    return status;
}

/* Convolution without bias, then batch norm. */
static fv_value conv_norm(struct fv_graph *graph, const struct resnet *net, fv_value x, const char *conv,
                          const char *norm, size_t stride, size_t padding, size_t groups) {
    x = fv_graph_convolution(graph, x,
                             &(struct fv_convolution){.weight = net_key("%s.weight", conv).text,
                                                      .stride_y = stride,
                                                      .stride_x = stride,
                                                      .padding = {padding, padding, padding, padding},
                                                      .groups = groups});
    return fv_graph_batch_norm(graph, x, norm, (float)net->epsilon);
}

/* x * sigmoid(fc2(relu(fc1(mean(x))))) */
static fv_value squeeze_excite(struct fv_graph *graph, fv_value x, const char *name) {
    fv_graph_scope(graph, "%s", name);
    fv_value gate = fv_graph_global_mean(graph, x); /* C x 1 x 1 */
    for (size_t i = 1; i <= 2; i++) {
        gate = fv_graph_convolution(graph, gate,
                                    &(struct fv_convolution){.weight = net_key("%s.fc%zu.weight", name, i).text,
                                                             .bias = net_key("%s.fc%zu.bias", name, i).text});
        gate = fv_graph_activation(graph, gate, i == 1 ? FV_RELU : FV_SIGMOID, 0);
    }
    return fv_graph_scale(graph, x, gate);
}

/* Whether the shortcut of a block needs a projection: the first block's does where its sides or its channels change
 * (a net of few channels may keep both in layer 1), and any block's does that has the tensor. */
static bool projects(const struct fv_model *model, struct fv_shape input, const char *block, size_t stride) {
    const struct fv_tensor *last = fv_model_tensor(model, net_key("%s.conv3.weight", block).text);
    return stride != 1 || (last != NULL && last->shape[0] != input.channels) ||
           fv_model_tensor(model, net_key("%s.downsample.0.weight", block).text) != NULL;
}

/* 1x1, 3x3 (here the stride and the groups), 1x1, each with batch norm. */
static fv_value bottleneck(struct fv_graph *graph, const struct fv_model *model, const struct resnet *net, fv_value x,
                           size_t layer, size_t number, size_t stride) {
    const struct net_key name = net_key("layer%zu.%zu", layer + 1, number);
    fv_graph_scope(graph, "%s", name.text);
    fv_value shortcut = x;
    if (projects(model, fv_graph_shape(graph, x), name.text, stride)) {
        shortcut = conv_norm(graph, net, x, net_key("%s.downsample.0", name.text).text,
                             net_key("%s.downsample.1", name.text).text, stride, 0, 1);
    }
    fv_value y =
        conv_norm(graph, net, x, net_key("%s.conv1", name.text).text, net_key("%s.bn1", name.text).text, 1, 0, 1);
    y = fv_graph_activation(graph, y, FV_RELU, 0);
    y = conv_norm(graph, net, y, net_key("%s.conv2", name.text).text, net_key("%s.bn2", name.text).text, stride, 1,
                  net->groups);
    y = fv_graph_activation(graph, y, FV_RELU, 0);
    y = conv_norm(graph, net, y, net_key("%s.conv3", name.text).text, net_key("%s.bn3", name.text).text, 1, 0, 1);
    if (net->squeeze) {
        y = squeeze_excite(graph, y, net_key("%s.%s", name.text, net->legacy ? "se_module" : "se").text);
        fv_graph_scope(graph, "%s", name.text);
    }
    return fv_graph_activation(graph, fv_graph_add(graph, y, shortcut), FV_RELU, 0);
}

enum fv_status net_resnet(const struct fv_model *model, const struct fv_net_options *options, struct fv_graph *graph,
                          fv_value *output, struct fv_error *error) {
    struct resnet net = {0};
    size_t height = 0, width = 0;
    enum fv_status status = read_parameters(model, &net, error);
    if (status == FV_OK) {
        status = net_input_size(model, options, "fovea.input_size", &height, &width, error);
    }
    if (status != FV_OK) {
        return status;
    }
    fv_graph_scope(graph, "stem");
    fv_value x = fv_graph_input(graph, net.channels, height, width); /* 3 x 224 x 224 */
    x = conv_norm(graph, &net, x, net.legacy ? "layer0.conv1" : "conv1", net.legacy ? "layer0.bn1" : "bn1", 2, 3, 1);
    if (net.legacy) {
        fv_graph_scope(graph, "layer0");
    }
    x = fv_graph_activation(graph, x, FV_RELU, 0); /* 64 x 112 x 112 */
    fv_graph_scope(graph, "stem");
    const size_t pad = net.ceil_pool ? 0 : 1;
    x = fv_graph_max_pool(graph, x,
                          &(struct fv_pooling){.kernel_y = 3,
                                               .kernel_x = 3,
                                               .stride_y = 2,
                                               .stride_x = 2,
                                               .padding = {pad, pad, pad, pad},
                                               .ceil_mode = net.ceil_pool}); /* 64 x 56 x 56 */
    for (size_t layer = 0; layer < net.layers; layer++) {
        for (size_t number = 0; number < net.depths[layer]; number++) {
            /* 256 x 56 x 56, 512 x 28 x 28, 1024 x 14 x 14, 2048 x 7 x 7 */
            x = bottleneck(graph, model, &net, x, layer, number, layer > 0 && number == 0 ? 2 : 1);
        }
    }
    fv_graph_scope(graph, "%s", "");
    x = fv_graph_global_mean(graph, x); /* 2048 x 1 x 1 */
    *output = net_head(graph, model, x, "resnet", net.legacy ? "last_linear" : "fc");
    return FV_OK;
}
