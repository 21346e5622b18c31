/* Inception-V3 (Szegedy et al. 2016, arXiv:1512.00567) with the keys of torchvision and timm. The auxiliary head, which
 * only training uses, is no part of it. Channels are the published net's; the tensors decide. Shapes are channels x
 * height x width for an input of 299 x 299. */
#include "net.h"

struct inception {
    struct fv_graph *graph;
    size_t channels;
    bool transform_input;
    float epsilon;
};

static enum fv_status read_parameters(const struct fv_model *model, struct inception *net, struct fv_error *error) {
    double epsilon = 0;
    enum fv_status status = fv_model_require_size(model, "inception_v3.channels", 1, 64, &net->channels, error);
    if (status == FV_OK) {
        status = fv_model_require_number(model, "inception_v3.norm_epsilon", &epsilon, error);
    }
    if (status == FV_OK && !fv_model_boolean(model, "inception_v3.transform_input", &net->transform_input)) {
        status = fv_error_set(error, FV_ERROR_MODEL, "%s: inception_v3.transform_input is missing or no boolean",
                              fv_model_path(model));
    }
    if (status == FV_OK && net->transform_input && net->channels != 3) {
        status = fv_error_set(error, FV_ERROR_MODEL,
                              "%s: inception_v3.transform_input with inception_v3.channels of %zu, expected 3",
                              fv_model_path(model), net->channels);
    }
    net->epsilon = (float)epsilon;
    return status;
}

/* From the normalization of torchvision's other nets to (x - 0.5) / 0.5, for which the weights were made. */
static fv_value transform(const struct inception *net, fv_value x) {
    static const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
    float scale[3], shift[3];
    for (size_t c = 0; c < 3; c++) {
        scale[c] = (float)(deviation[c] / 0.5);
        shift[c] = (float)((mean[c] - 0.5) / 0.5);
    }
    fv_graph_scope(net->graph, "transform_input");
    return fv_graph_affine(net->graph, x, scale, shift, 3);
}

/* The paper's unit: convolution without bias, batch norm, ReLU. */
static fv_value convolve(const struct inception *net, fv_value x, const char *name, size_t stride, size_t pad_y,
                         size_t pad_x) {
    fv_graph_scope(net->graph, "%s", name);
    x = fv_graph_convolution(net->graph, x,
                             &(struct fv_convolution){.weight = net_key("%s.conv.weight", name).text,
                                                      .stride_y = stride,
                                                      .stride_x = stride,
                                                      .padding = {pad_y, pad_x, pad_y, pad_x}});
    x = fv_graph_batch_norm(net->graph, x, net_key("%s.bn", name).text, net->epsilon);
    return fv_graph_activation(net->graph, x, FV_RELU, 0);
}

/* The same inside a block: `branch` of `block`, stride 1 unless given. */
static fv_value branch(const struct inception *net, fv_value x, const char *block, const char *name, size_t pad_y,
                       size_t pad_x) {
    return convolve(net, x, net_key("%s.%s", block, name).text, 1, pad_y, pad_x);
}

static fv_value halve(const struct inception *net, fv_value x, const char *block, const char *name) {
    return convolve(net, x, net_key("%s.%s", block, name).text, 2, 0, 0);
}

static fv_value max_pool(const struct inception *net, fv_value x, const char *scope) {
    fv_graph_scope(net->graph, "%s", scope);
    return fv_graph_max_pool(net->graph, x,
                             &(struct fv_pooling){.kernel_y = 3, .kernel_x = 3, .stride_y = 2, .stride_x = 2});
}

/* Average over 3 x 3 with the zeros around the map counted, then 1x1. */
static fv_value pool_branch(const struct inception *net, fv_value x, const char *block) {
    fv_graph_scope(net->graph, "%s", block);
    x = fv_graph_average_pool(
        net->graph, x,
        &(struct fv_pooling){.kernel_y = 3, .kernel_x = 3, .padding = {1, 1, 1, 1}, .include_padding = true});
    return branch(net, x, block, "branch_pool", 0, 0);
}

static fv_value join(const struct inception *net, const char *block, const fv_value *branches, size_t count) {
    fv_graph_scope(net->graph, "%s", block);
    return fv_graph_concat(net->graph, branches, count);
}

/* Figure 5: 1x1; 5x5; two 3x3; pooling. */
static fv_value inception_a(const struct inception *net, fv_value x, const char *block) {
    const fv_value one = branch(net, x, block, "branch1x1", 0, 0);  /* 64 x 35 x 35 */
    fv_value five = branch(net, x, block, "branch5x5_1", 0, 0);     /* 48 x 35 x 35 */
    five = branch(net, five, block, "branch5x5_2", 2, 2);           /* 64 x 35 x 35 */
    fv_value twice = branch(net, x, block, "branch3x3dbl_1", 0, 0); /* 64 x 35 x 35 */
    twice = branch(net, twice, block, "branch3x3dbl_2", 1, 1);      /* 96 x 35 x 35 */
    twice = branch(net, twice, block, "branch3x3dbl_3", 1, 1);      /* 96 x 35 x 35 */
    const fv_value pool = pool_branch(net, x, block);               /* 32 or 64 x 35 x 35 */
    return join(net, block, (fv_value[]){one, five, twice, pool}, 4);
}

/* Figure 10: the map is halved by a 3x3, by two 3x3 and by pooling side by side. */
static fv_value inception_b(const struct inception *net, fv_value x, const char *block) {
    const fv_value three = halve(net, x, block, "branch3x3");       /* 384 x 17 x 17 */
    fv_value twice = branch(net, x, block, "branch3x3dbl_1", 0, 0); /* 64 x 35 x 35 */
    twice = branch(net, twice, block, "branch3x3dbl_2", 1, 1);      /* 96 x 35 x 35 */
    twice = halve(net, twice, block, "branch3x3dbl_3");             /* 96 x 17 x 17 */
    const fv_value pool = max_pool(net, x, block);                  /* 288 x 17 x 17 */
    return join(net, block, (fv_value[]){three, twice, pool}, 3);
}

/* Figure 6 with n = 7: 7x7 as 1x7 and 7x1, once and twice. */
static fv_value inception_c(const struct inception *net, fv_value x, const char *block) {
    const fv_value one = branch(net, x, block, "branch1x1", 0, 0);  /* 192 x 17 x 17 */
    fv_value seven = branch(net, x, block, "branch7x7_1", 0, 0);    /* 128 to 192 x 17 x 17 */
    seven = branch(net, seven, block, "branch7x7_2", 0, 3);         /* 1x7 */
    seven = branch(net, seven, block, "branch7x7_3", 3, 0);         /* 7x1: 192 x 17 x 17 */
    fv_value twice = branch(net, x, block, "branch7x7dbl_1", 0, 0); /* 128 to 192 x 17 x 17 */
    twice = branch(net, twice, block, "branch7x7dbl_2", 3, 0);      /* 7x1 */
    twice = branch(net, twice, block, "branch7x7dbl_3", 0, 3);      /* 1x7 */
    twice = branch(net, twice, block, "branch7x7dbl_4", 3, 0);      /* 7x1 */
    twice = branch(net, twice, block, "branch7x7dbl_5", 0, 3);      /* 1x7: 192 x 17 x 17 */
    const fv_value pool = pool_branch(net, x, block);               /* 192 x 17 x 17 */
    return join(net, block, (fv_value[]){one, seven, twice, pool}, 4);
}

/* The second halving. */
static fv_value inception_d(const struct inception *net, fv_value x, const char *block) {
    fv_value three = branch(net, x, block, "branch3x3_1", 0, 0);   /* 192 x 17 x 17 */
    three = halve(net, three, block, "branch3x3_2");               /* 320 x 8 x 8 */
    fv_value seven = branch(net, x, block, "branch7x7x3_1", 0, 0); /* 192 x 17 x 17 */
    seven = branch(net, seven, block, "branch7x7x3_2", 0, 3);      /* 1x7 */
    seven = branch(net, seven, block, "branch7x7x3_3", 3, 0);      /* 7x1 */
    seven = halve(net, seven, block, "branch7x7x3_4");             /* 192 x 8 x 8 */
    const fv_value pool = max_pool(net, x, block);                 /* 768 x 8 x 8 */
    return join(net, block, (fv_value[]){three, seven, pool}, 3);
}

/* Figure 7: the 3x3 at the end of a branch widened into 1x3 beside 3x1. */
static fv_value inception_e(const struct inception *net, fv_value x, const char *block) {
    const fv_value one = branch(net, x, block, "branch1x1", 0, 0);                  /* 320 x 8 x 8 */
    const fv_value three = branch(net, x, block, "branch3x3_1", 0, 0);              /* 384 x 8 x 8 */
    const fv_value wide = branch(net, three, block, "branch3x3_2a", 0, 1);          /* 1x3: 384 x 8 x 8 */
    const fv_value high = branch(net, three, block, "branch3x3_2b", 1, 0);          /* 3x1: 384 x 8 x 8 */
    fv_value twice = branch(net, x, block, "branch3x3dbl_1", 0, 0);                 /* 448 x 8 x 8 */
    twice = branch(net, twice, block, "branch3x3dbl_2", 1, 1);                      /* 384 x 8 x 8 */
    const fv_value twice_wide = branch(net, twice, block, "branch3x3dbl_3a", 0, 1); /* 384 x 8 x 8 */
    const fv_value twice_high = branch(net, twice, block, "branch3x3dbl_3b", 1, 0); /* 384 x 8 x 8 */
    const fv_value pool = pool_branch(net, x, block);                               /* 192 x 8 x 8 */
    return join(net, block, (fv_value[]){one, wide, high, twice_wide, twice_high, pool}, 6);
}

static fv_value stem(const struct inception *net, fv_value x) {
    x = convolve(net, x, "Conv2d_1a_3x3", 2, 0, 0); /* 32 x 149 x 149 */
    x = convolve(net, x, "Conv2d_2a_3x3", 1, 0, 0); /* 32 x 147 x 147 */
    x = convolve(net, x, "Conv2d_2b_3x3", 1, 1, 1); /* 64 x 147 x 147 */
    x = max_pool(net, x, "pool1");                  /* 64 x 73 x 73 */
    x = convolve(net, x, "Conv2d_3b_1x1", 1, 0, 0); /* 80 x 73 x 73 */
    x = convolve(net, x, "Conv2d_4a_3x3", 1, 0, 0); /* 192 x 71 x 71 */
    return max_pool(net, x, "pool2");               /* 192 x 35 x 35 */
}

enum fv_status net_inception_v3(const struct fv_model *model, const struct fv_net_options *options,
                                struct fv_graph *graph, fv_value *output, struct fv_error *error) {
    struct inception net = {.graph = graph};
    size_t height = 0, width = 0;
    enum fv_status status = read_parameters(model, &net, error);
    if (status == FV_OK) {
        status = net_input_size(model, options, "fovea.input_size", &height, &width, error);
    }
    if (status != FV_OK) {
        return status;
    }
    fv_value x = fv_graph_input(graph, net.channels, height, width); /* 3 x 299 x 299 */
    if (net.transform_input) {
        x = transform(&net, x);
    }
    x = stem(&net, x);                    /* 192 x 35 x 35 */
    x = inception_a(&net, x, "Mixed_5b"); /* 256 x 35 x 35 */
    x = inception_a(&net, x, "Mixed_5c"); /* 288 x 35 x 35 */
    x = inception_a(&net, x, "Mixed_5d"); /* 288 x 35 x 35 */
    x = inception_b(&net, x, "Mixed_6a"); /* 768 x 17 x 17 */
    x = inception_c(&net, x, "Mixed_6b");
    x = inception_c(&net, x, "Mixed_6c");
    x = inception_c(&net, x, "Mixed_6d");
    x = inception_c(&net, x, "Mixed_6e"); /* 768 x 17 x 17 */
    x = inception_d(&net, x, "Mixed_7a"); /* 1280 x 8 x 8 */
    x = inception_e(&net, x, "Mixed_7b"); /* 2048 x 8 x 8 */
    x = inception_e(&net, x, "Mixed_7c"); /* 2048 x 8 x 8 */
    fv_graph_scope(graph, "%s", "");
    x = fv_graph_global_mean(graph, x);                        /* 2048 x 1 x 1 */
    *output = net_head(graph, model, x, "inception_v3", "fc"); /* classes x 1 x 1 */
    return FV_OK;
}
