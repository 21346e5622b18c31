/* Swin Transformer (Liu et al. 2021, arXiv:2103.14030) with the keys of the authors' checkpoints. E: embedding
 * dimension, w: window, H x W: the grid of 4 x 4 patches. Shapes are tokens x channels. */
#include <stdio.h>

#include "net.h"

struct swin {
    size_t embed, depths[2 * MAX_STAGES], heads[2 * MAX_STAGES], stages, window, patch, image, channels;
    double epsilon;
};

static enum fv_status read_parameters(const struct fv_model *model, struct swin *swin, struct fv_error *error) {
    size_t head_stages = 0;
    enum fv_status status = fv_model_require_size(model, "swin.embed_dim", 1, 4096, &swin->embed, error);
    if (status == FV_OK) {
        status = net_sizes(model, "swin.depths", 256, swin->depths, &swin->stages, error);
    }
    if (status == FV_OK) {
        status = net_sizes(model, "swin.heads", 256, swin->heads, &head_stages, error);
    }
    if (status == FV_OK && head_stages != swin->stages) {
        return fv_error_set(error, FV_ERROR_MODEL, "%s: swin.heads has %zu entries, swin.depths %zu",
                            fv_model_path(model), head_stages, swin->stages);
    }
    if (status == FV_OK) {
        status = fv_model_require_size(model, "swin.window", 1, 256, &swin->window, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_size(model, "swin.patch", 1, 64, &swin->patch, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_size(model, "swin.image_size", 1, 16384, &swin->image, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_size(model, "swin.channels", 1, 64, &swin->channels, error);
    }
    if (status == FV_OK) {
        status = fv_model_require_number(model, "swin.norm_epsilon", &swin->epsilon, error);
    }
    return status;
}

/* x + attention(norm1(x)), then x + mlp(norm2(x)); the windows of odd blocks are shifted by half a window. */
static fv_value block(struct fv_graph *graph, const struct swin *swin, fv_value x, size_t stage, size_t number) {
    const float epsilon = (float)swin->epsilon;
    const struct fv_shape shape = fv_graph_shape(graph, x); /* [H*W][C] */
    const size_t shorter = shape.height < shape.width ? shape.height : shape.width;
    const bool whole = shorter <= swin->window;
    const struct net_key scope = net_key("layers.%zu.blocks.%zu", stage, number);
    fv_graph_scope(graph, "%s", scope.text);

    fv_value y = fv_graph_layer_norm(graph, x, net_key("%s.norm1", scope.text).text, epsilon); /* [H*W][C] */
    fv_graph_scope(graph, "%s.attn", scope.text);
    y = fv_graph_linear(graph, y, net_key("%s.attn.qkv.weight", scope.text).text,
                        net_key("%s.attn.qkv.bias", scope.text).text); /* [H*W][3C] */
    y = fv_graph_window_attention(
        graph, y,
        &(struct fv_window_attention){.table = net_key("%s.attn.relative_position_bias_table", scope.text).text,
                                      .heads = swin->heads[stage],
                                      .window = whole ? shorter : swin->window,
                                      .shift = whole || number % 2 == 0 ? 0 : swin->window / 2}); /* [H*W][C] */
    y = fv_graph_linear(graph, y, net_key("%s.attn.proj.weight", scope.text).text,
                        net_key("%s.attn.proj.bias", scope.text).text); /* [H*W][C] */
    fv_graph_scope(graph, "%s", scope.text);
    x = fv_graph_add(graph, x, y);

    y = fv_graph_layer_norm(graph, x, net_key("%s.norm2", scope.text).text, epsilon);
    fv_graph_scope(graph, "%s.mlp", scope.text);
    y = fv_graph_linear(graph, y, net_key("%s.mlp.fc1.weight", scope.text).text,
                        net_key("%s.mlp.fc1.bias", scope.text).text); /* [H*W][4C] */
    y = fv_graph_activation(graph, y, FV_GELU, 0);
    y = fv_graph_linear(graph, y, net_key("%s.mlp.fc2.weight", scope.text).text,
                        net_key("%s.mlp.fc2.bias", scope.text).text); /* [H*W][C] */
    fv_graph_scope(graph, "%s", scope.text);
    return fv_graph_add(graph, x, y);
}

/* Four neighbouring tokens become one of twice the channels. */
static fv_value merge(struct fv_graph *graph, const struct swin *swin, fv_value x, size_t stage) {
    const struct net_key name = net_key("layers.%zu.downsample", stage);
    fv_graph_scope(graph, "%s", name.text);
    x = fv_graph_patch_merge(graph, x);                                                          /* [H*W/4][4C] */
    x = fv_graph_layer_norm(graph, x, net_key("%s.norm", name.text).text, (float)swin->epsilon); /* [H*W/4][4C] */
    return fv_graph_linear(graph, x, net_key("%s.reduction.weight", name.text).text, NULL);      /* [H*W/4][2C] */
}

enum fv_status net_swin(const struct fv_model *model, const struct fv_net_options *options, struct fv_graph *graph,
                        fv_value *output, struct fv_error *error) {
    struct swin swin = {0};
    const enum fv_status status = read_parameters(model, &swin, error);
    if (status != FV_OK) {
        return status;
    }
    if ((options->height != 0 && options->height != swin.image) ||
        (options->width != 0 && options->width != swin.image)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: an input of %zu x %zu, expected %zu x %zu",
                            fv_model_path(model), options->height, options->width, swin.image, swin.image);
    }
    fv_graph_scope(graph, "patch_embed");
    fv_value x = fv_graph_input(graph, swin.channels, swin.image, swin.image);
    x = fv_graph_convolution(graph, x,
                             &(struct fv_convolution){.weight = "patch_embed.proj.weight",
                                                      .bias = "patch_embed.proj.bias",
                                                      .stride_y = swin.patch,
                                                      .stride_x = swin.patch,
                                                      .to_tokens = true});      /* [H*W][E] */
    x = fv_graph_layer_norm(graph, x, "patch_embed.norm", (float)swin.epsilon); /* [H*W][E] */
    if (fv_graph_shape(graph, x).channels != 0 && fv_graph_shape(graph, x).channels != swin.embed) {
        fv_graph_fail(graph, FV_ERROR_MODEL, "%s: patch_embed.proj.weight has %zu outputs, swin.embed_dim is %zu",
                      fv_model_path(model), fv_graph_shape(graph, x).channels, swin.embed);
    }
    for (size_t stage = 0; stage < swin.stages; stage++) {
        for (size_t number = 0; number < swin.depths[stage]; number++) {
            x = block(graph, &swin, x, stage, number); /* [H*W / 4^stage][E * 2^stage] */
        }
        if (stage + 1 < swin.stages) {
            x = merge(graph, &swin, x, stage);
        }
    }
    fv_graph_scope(graph, "%s", "");
    x = fv_graph_layer_norm(graph, x, "norm", (float)swin.epsilon);
    x = fv_graph_global_mean(graph, x);                  /* [1][E * 2^(stages-1)] */
    *output = net_head(graph, model, x, "swin", "head"); /* [1][classes] */
    return FV_OK;
}
