/* Convolution, transposed convolution and linear layers, alone and with what fuses into them, against plain loops. */
#include <stdio.h>

#include "subject.h"

struct shape_case {
    size_t inputs, outputs, groups, kernel_y, kernel_x, stride_y, stride_x;
    struct fv_padding padding;
    size_t height, width;
    bool bias, to_tokens;
};

#define SAME                                                                                                           \
    { 1, 1, 1, 1 }
#define NONE                                                                                                           \
    { 0, 0, 0, 0 }

/* Channels of 1, below, at and above the widths 4, 8 and 16, primes; kernels, strides and paddings of the nets and odd
 * ones. */
static const struct shape_case convolutions[] = {
    {1, 1, 1, 1, 1, 1, 1, NONE, 1, 1, false, false},
    {1, 8, 1, 3, 3, 1, 1, SAME, 5, 7, true, false},
    {3, 17, 1, 3, 3, 1, 1, SAME, 9, 4, true, false},
    {15, 16, 1, 1, 1, 1, 1, NONE, 13, 3, false, false},
    {16, 15, 1, 3, 3, 2, 2, SAME, 7, 8, false, false},
    {17, 33, 1, 1, 1, 2, 2, NONE, 9, 9, true, false},
    {80, 23, 1, 3, 3, 1, 1, SAME, 5, 6, true, false}, /* sums longer than one chunk */
    {600, 5, 1, 1, 1, 1, 1, NONE, 3, 3, true, false},
    {300, 519, 1, 1, 1, 1, 1, NONE, 5, 7, true, false}, /* and outputs cut into blocks, an odd vector at the end */
    {3, 20, 1, 7, 7, 2, 2, {3, 3, 3, 3}, 19, 23, false, false},
    {3, 24, 1, 4, 4, 4, 4, NONE, 12, 16, true, true},
    {5, 33, 1, 3, 3, 1, 1, SAME, 6, 5, true, true},
    {4, 6, 1, 1, 3, 1, 1, {0, 1, 0, 1}, 6, 6, true, false},
    {4, 6, 1, 3, 1, 1, 2, {1, 0, 1, 0}, 6, 7, true, false},
    {9, 11, 1, 1, 7, 1, 1, {0, 3, 0, 3}, 6, 9, true, false}, /* Inception's pair */
    {9, 11, 1, 7, 1, 1, 1, {3, 0, 3, 0}, 6, 9, true, false},
    {3, 18, 1, 3, 3, 2, 2, {0, 0, 1, 1}, 10, 12, false, false}, /* TensorFlow's SAME: the odd pixel after the input */
    {3, 18, 1, 3, 3, 2, 2, {0, 1, 1, 1}, 8, 9, false, false},
    {2, 5, 1, 5, 3, 2, 3, {0, 2, 3, 1}, 11, 10, true, false}, /* all four paddings differ */
    {6, 7, 1, 5, 5, 1, 1, {4, 4, 4, 4}, 2, 3, true, false},   /* kernel above the input */
    {16, 16, 1, 3, 3, 1, 1, SAME, 8, 8, true, false},         /* this one and the next six by Winograd */
    {17, 33, 1, 3, 3, 1, 1, SAME, 13, 9, false, false},
    {48, 20, 1, 3, 3, 1, 1, NONE, 18, 14, true, false},
    {35, 64, 1, 3, 3, 1, 1, {0, 1, 2, 0}, 31, 35, true, false}, /* several blocks of tiles */
    {32, 80, 1, 3, 3, 1, 1, {2, 2, 2, 2}, 10, 11, true, false},
    {176, 300, 1, 3, 3, 1, 1, SAME, 8, 12, true, false}, /* weights transformed on the way, outputs cut in groups */
    {320, 150, 1, 3, 3, 1, 1, SAME, 9, 40, false, false},
    {8, 8, 2, 3, 3, 1, 1, SAME, 6, 6, true, false},
    {32, 32, 8, 3, 3, 1, 1, SAME, 7, 5, false, false},
    {15, 15, 5, 3, 3, 2, 2, SAME, 9, 9, true, false},
    {10, 15, 5, 3, 3, 1, 1, SAME, 5, 5, true, false}, /* 2 in, 3 out a group */
    {64, 64, 2, 3, 3, 1, 1, SAME, 5, 5, false, false},
    {34, 34, 17, 3, 3, 1, 1, SAME, 6, 9, true, false}, /* groups within blocks: 2, 4, 8 and 16 channels */
    {20, 20, 5, 3, 3, 2, 2, SAME, 15, 16, true, false},
    {24, 24, 3, 3, 3, 2, 2, {0, 0, 1, 1}, 14, 15, false, false},
    {40, 40, 5, 3, 3, 1, 1, {2, 0, 1, 1}, 9, 13, true, false},
    {48, 48, 3, 3, 3, 1, 1, SAME, 11, 16, true, false},
    {32, 32, 2, 3, 3, 2, 2, NONE, 13, 31, false, false},
    {8, 16, 4, 1, 1, 1, 1, NONE, 5, 5, true, false},
    {48, 24, 3, 3, 3, 1, 1, SAME, 4, 4, true, false},
    {8, 16, 2, 3, 3, 1, 1, SAME, 4, 5, true, true},
    {12, 20, 4, 1, 1, 1, 1, NONE, 3, 4, true, true},
    {32, 8, 2, 3, 3, 1, 1, SAME, 3, 3, true, true},
    {7, 7, 7, 3, 3, 1, 1, SAME, 6, 7, true, false}, /* depthwise */
    {16, 16, 16, 5, 5, 2, 2, {2, 2, 2, 2}, 9, 10, false, false},
    {33, 33, 33, 3, 3, 1, 1, SAME, 5, 5, true, false},
    {17, 17, 17, 3, 3, 1, 1, {0, 1, 2, 0}, 6, 5, true, false},
    {20, 20, 20, 5, 5, 2, 2, {1, 2, 2, 2}, 8, 11, false, false}, /* depthwise and SAME */
    {12, 12, 12, 3, 3, 2, 2, {0, 0, 1, 1}, 14, 14, false, false},
    {5, 5, 5, 5, 5, 1, 1, {2, 2, 2, 2}, 3, 19, false, false},
    {6, 12, 6, 3, 3, 1, 1, SAME, 5, 5, true, false}, /* two outputs a channel */
    {9, 9, 9, 3, 3, 1, 1, SAME, 5, 5, true, true},
};
enum { CONVOLUTIONS = sizeof convolutions / sizeof *convolutions };

static void name_case(char name[64], const char *operation, int index) {
    snprintf(name, 64, "%s %d", operation, index);
}

static struct fv_convolution options_of(const struct shape_case *shape) {
    return (struct fv_convolution){.weight = "c.weight",
                                   .bias = shape->bias ? "c.bias" : NULL,
                                   .stride_y = shape->stride_y,
                                   .stride_x = shape->stride_x,
                                   .padding = shape->padding,
                                   .groups = shape->groups,
                                   .to_tokens = shape->to_tokens};
}

/* Weight and bias, then a batch norm over the outputs. */
enum { TENSORS = 6 };
static void tensors_of(const struct shape_case *shape, struct check_tensor tensors[TENSORS]) {
    tensors[0] = (struct check_tensor){
        "c.weight", 4, {shape->outputs, shape->inputs / shape->groups, shape->kernel_y, shape->kernel_x}, NULL};
    const char *const vectors[] = {"c.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"};
    for (size_t i = 0; i + 1 < TENSORS; i++) {
        tensors[i + 1] = (struct check_tensor){vectors[i], 1, {shape->outputs}, NULL};
    }
}

/* A graph for convolution `index`, with its input and parameters. */
static struct subject start_convolution(const char *operation, int index) {
    static char name[64];
    const struct shape_case *shape = &convolutions[index];
    struct check_tensor tensors[TENSORS];
    tensors_of(shape, tensors);
    name_case(name, operation, index);
    return subject_start(name, tensors, TENSORS, shape->inputs, shape->height, shape->width, 1);
}

START_TEST(convolution_matches_plain_loops) {
    struct subject subject = start_convolution("convolution", _i);
    const struct fv_convolution options = options_of(&convolutions[_i]);
    struct plain expected = plain_convolution(subject.model, &subject.picture, &options);
    subject_check(&subject, fv_graph_convolution(subject.graph, subject.input, &options), expected);
}
END_TEST

/* activation(norm(convolution(x)) + residual): all of it fuses into one node where the convolution gives planes. The
 * residual is a second convolution, so that shapes agree. */
START_TEST(fused_convolution_matches_plain_loops) {
    struct subject subject = start_convolution("fused convolution", _i);
    struct fv_convolution options = options_of(&convolutions[_i]);
    options.to_tokens = false;
    struct plain plain = plain_convolution(subject.model, &subject.picture, &options);
    struct plain norm = plain_batch_norm(subject.model, &plain, "norm", 1e-5), sums = plain_add(&norm, &plain);
    struct plain expected = plain_activation(&sums, FV_LEAKY_RELU, 0.125);
    const fv_value residual = fv_graph_convolution(subject.graph, subject.input, &options);
    fv_value x = fv_graph_convolution(subject.graph, subject.input, &options);
    x = fv_graph_batch_norm(subject.graph, x, "norm", 1e-5F);
    x = fv_graph_activation(subject.graph, fv_graph_add(subject.graph, residual, x), FV_LEAKY_RELU, 0.125F);
    plain_free(&plain);
    plain_free(&norm);
    plain_free(&sums);
    subject_check(&subject, x, expected);
}
END_TEST

/* A convolution of x * mean(x): the gate fuses into the 1 x 1 convolutions and stays before the others. */
START_TEST(gated_convolution_matches_plain_loops) {
    struct subject subject = start_convolution("gated convolution", _i);
    const struct fv_convolution options = options_of(&convolutions[_i]);
    struct plain gate = plain_mean(&subject.picture), gated = plain_scale(&subject.picture, &gate);
    struct plain expected = plain_convolution(subject.model, &gated, &options);
    plain_free(&gate);
    plain_free(&gated);
    const fv_value x = fv_graph_scale(subject.graph, subject.input, fv_graph_global_mean(subject.graph, subject.input));
    subject_check(&subject, fv_graph_convolution(subject.graph, x, &options), expected);
}
END_TEST

/* inputs, outputs, kernel (and stride), height, width, bias */
static const struct {
    size_t inputs, outputs, kernel_y, kernel_x, height, width;
    bool bias;
} transposed[] = {{1, 1, 2, 2, 1, 1, false},    {16, 8, 2, 2, 5, 3, false}, {17, 15, 2, 2, 4, 4, true},
                  {480, 33, 2, 2, 2, 2, false}, {5, 7, 1, 2, 3, 5, true},   {7, 20, 3, 4, 2, 3, true},
                  {3, 16, 1, 1, 6, 5, false}};
enum { TRANSPOSED = sizeof transposed / sizeof *transposed };

START_TEST(transposed_convolution_matches_plain_loops) {
    const size_t inputs = transposed[_i].inputs, outputs = transposed[_i].outputs;
    const struct check_tensor tensors[] = {
        {"t.weight", 4, {inputs, outputs, transposed[_i].kernel_y, transposed[_i].kernel_x}, NULL},
        {"t.bias", 1, {outputs}, NULL},
    };
    char name[64];
    name_case(name, "transposed convolution", _i);
    struct subject subject = subject_start(name, tensors, 2, inputs, transposed[_i].height, transposed[_i].width, 1);
    const struct fv_transposed_convolution options = {.weight = "t.weight",
                                                      .bias = transposed[_i].bias ? "t.bias" : NULL,
                                                      .stride_y = transposed[_i].kernel_y,
                                                      .stride_x = transposed[_i].kernel_x};
    struct plain up = plain_transposed(subject.model, &subject.picture, &options);
    struct plain expected = plain_activation(&up, FV_RELU, 0);
    plain_free(&up);
    const fv_value x = fv_graph_transposed_convolution(subject.graph, subject.input, &options);
    subject_check(&subject, fv_graph_activation(subject.graph, x, FV_RELU, 0), expected);
}
END_TEST

/* inputs, outputs, height, width */
static const size_t linears[][4] = {{1, 1, 1, 1},   {8, 16, 3, 5},  {17, 3, 7, 2}, {24, 96, 4, 4},
                                    {33, 31, 5, 5}, {160, 7, 3, 3}, {5, 600, 2, 2}};
enum { LINEARS = sizeof linears / sizeof *linears };

START_TEST(linear_layer_of_tokens_matches_plain_loops) {
    const size_t *sizes = linears[_i];
    const struct check_tensor tensors[] = {
        subject_unit(sizes[0]), {"l.weight", 2, {sizes[1], sizes[0]}, NULL}, {"l.bias", 1, {sizes[1]}, NULL}};
    char name[64];
    name_case(name, "linear", _i);
    struct subject subject = subject_start(name, tensors, 3, sizes[0], sizes[2], sizes[3], 1);
    const char *bias = _i % 2 == 0 ? "l.bias" : NULL;
    struct plain tokens = plain_tokens(&subject.picture);
    struct plain once = plain_linear(subject.model, &tokens, "l.weight", bias);
    struct plain gelu = plain_activation(&once, FV_GELU, 0), expected = plain_add(&once, &gelu);
    plain_free(&tokens);
    plain_free(&once);
    plain_free(&gelu);
    const fv_value x = fv_graph_linear(subject.graph, subject_tokens(&subject), "l.weight", bias);
    const fv_value y = fv_graph_activation(subject.graph, x, FV_GELU, 0);
    subject_check(&subject, fv_graph_add(subject.graph, x, y), expected);
}
END_TEST

START_TEST(linear_layer_of_a_map_of_one_pixel_matches_plain_loops) {
    const size_t *sizes = linears[_i];
    const struct check_tensor tensors[] = {{"l.weight", 2, {sizes[1], sizes[0]}, NULL},
                                           {"l.bias", 1, {sizes[1]}, NULL}};
    char name[64];
    name_case(name, "linear of one pixel", _i);
    struct subject subject = subject_start(name, tensors, 2, sizes[0], 1, 1, 1);
    struct plain expected = plain_linear(subject.model, &subject.picture, "l.weight", "l.bias");
    subject_check(&subject, fv_graph_linear(subject.graph, subject.input, "l.weight", "l.bias"), expected);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"convolution_matches_plain_loops", convolution_matches_plain_loops, CONVOLUTIONS},
        {"fused_convolution_matches_plain_loops", fused_convolution_matches_plain_loops, CONVOLUTIONS},
        {"gated_convolution_matches_plain_loops", gated_convolution_matches_plain_loops, CONVOLUTIONS},
        {"transposed_convolution_matches_plain_loops", transposed_convolution_matches_plain_loops, TRANSPOSED},
        {"linear_layer_of_tokens_matches_plain_loops", linear_layer_of_tokens_matches_plain_loops, LINEARS},
        {"linear_layer_of_a_map_of_one_pixel_matches_plain_loops",
         linear_layer_of_a_map_of_one_pixel_matches_plain_loops, LINEARS},
    };
    return check_run("products", cases, sizeof cases / sizeof *cases);
}
