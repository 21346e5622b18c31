/* Norms, activations, softmax and window attention, each alone, against plain loops. */
#include <stdio.h>

#include "subject.h"

/* channels, height, width */
static const size_t sizes[][3] = {{1, 2, 3},  {4, 5, 5},   {7, 1, 2},  {8, 9, 4},   {15, 3, 3},
                                  {16, 8, 8}, {17, 2, 31}, {33, 5, 2}, {48, 11, 7}, {2, 40, 50}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void name_case(char name[64], const char *operation, int index) {
    snprintf(name, 64, "%s %d", operation, index);
}

START_TEST(instance_norm_matches_plain_loops) {
    const size_t channels = sizes[_i][0];
    const struct check_tensor tensors[] = {{"n.weight", 1, {channels}, NULL}, {"n.bias", 1, {channels}, NULL}};
    char name[64];
    name_case(name, "instance norm", _i);
    struct subject subject = subject_start(name, tensors, 2, channels, sizes[_i][1], sizes[_i][2], 4);
    struct plain norm = plain_norm(subject.model, &subject.picture, "n", 1e-5);
    struct plain sums = plain_add(&norm, &subject.picture), expected = plain_activation(&sums, FV_LEAKY_RELU, 0.01);
    plain_free(&norm);
    plain_free(&sums);
    fv_value x = fv_graph_instance_norm(subject.graph, subject.input, "n", 1e-5F);
    x = fv_graph_add(subject.graph, x, subject.input);
    subject_check(&subject, fv_graph_activation(subject.graph, x, FV_LEAKY_RELU, 0.01F), expected);
}
END_TEST

START_TEST(layer_norm_matches_plain_loops) {
    const size_t channels = sizes[_i][0] + 1; /* of one channel nothing would be left */
    const struct check_tensor tensors[] = {
        subject_unit(channels), {"n.weight", 1, {channels}, NULL}, {"n.bias", 1, {channels}, NULL}};
    char name[64];
    name_case(name, "layer norm", _i);
    struct subject subject = subject_start(name, tensors, 3, channels, sizes[_i][1], sizes[_i][2], 4);
    struct plain tokens = plain_tokens(&subject.picture);
    struct plain expected = plain_norm(subject.model, &tokens, "n", 1e-5);
    plain_free(&tokens);
    subject_check(&subject, fv_graph_layer_norm(subject.graph, subject_tokens(&subject), "n", 1e-5F), expected);
}
END_TEST

START_TEST(batch_norm_alone_matches_plain_loops) {
    const size_t channels = sizes[_i][0];
    const struct check_tensor tensors[] = {{"n.weight", 1, {channels}, NULL},
                                           {"n.bias", 1, {channels}, NULL},
                                           {"n.running_mean", 1, {channels}, NULL},
                                           {"n.running_var", 1, {channels}, NULL}};
    char name[64];
    name_case(name, "batch norm", _i);
    struct subject subject = subject_start(name, tensors, 4, channels, sizes[_i][1], sizes[_i][2], 4);
    struct plain expected = plain_batch_norm(subject.model, &subject.picture, "n", 1e-3);
    subject_check(&subject, fv_graph_batch_norm(subject.graph, subject.input, "n", 1e-3F), expected);
}
END_TEST

/* activation(x * scale + shift + x): all of it fuses into one node. */
START_TEST(affine_map_matches_plain_loops) {
    static const float scale[] = {0.458F, -1.75F, 0, 3}, shift[] = {-0.03F, 0.5F, 1, -2};
    static const size_t sides[][2] = {{1, 1}, {3, 5}, {17, 2}, {40, 31}};
    const size_t channels = (size_t)_i % FV_MAX_AFFINE_CHANNELS + 1, *side = sides[_i / FV_MAX_AFFINE_CHANNELS];
    char name[64];
    name_case(name, "affine", _i);
    struct subject subject = subject_start(name, NULL, 0, channels, side[0], side[1], 4);
    struct plain mapped = plain_affine(&subject.picture, scale, shift), sums = plain_add(&mapped, &subject.picture);
    struct plain expected = plain_activation(&sums, FV_SILU, 0);
    plain_free(&mapped);
    plain_free(&sums);
    fv_value x = fv_graph_affine(subject.graph, subject.input, scale, shift, channels);
    x = fv_graph_add(subject.graph, x, subject.input);
    subject_check(&subject, fv_graph_activation(subject.graph, x, FV_SILU, 0), expected);
}
END_TEST

static const enum fv_activation_kind kinds[] = {FV_RELU, FV_LEAKY_RELU, FV_SILU, FV_SIGMOID, FV_GELU};
enum { KINDS = sizeof kinds / sizeof *kinds };

START_TEST(activation_of_planes_matches_plain_loops) {
    const size_t *size = sizes[_i % SIZES];
    char name[64];
    name_case(name, "activation", _i);
    struct subject subject = subject_start(name, NULL, 0, size[0], size[1], size[2], 16);
    struct plain expected = plain_activation(&subject.picture, kinds[_i / SIZES], 0.25);
    subject_check(&subject, fv_graph_activation(subject.graph, subject.input, kinds[_i / SIZES], 0.25F), expected);
}
END_TEST

START_TEST(activation_of_tokens_matches_plain_loops) {
    const size_t *size = sizes[_i % SIZES];
    const struct check_tensor unit = subject_unit(size[0]);
    char name[64];
    name_case(name, "activation of tokens", _i);
    struct subject subject = subject_start(name, &unit, 1, size[0], size[1], size[2], 16);
    struct plain tokens = plain_tokens(&subject.picture), expected = plain_activation(&tokens, kinds[_i / SIZES], 0.25);
    plain_free(&tokens);
    const fv_value x = subject_tokens(&subject);
    subject_check(&subject, fv_graph_activation(subject.graph, x, kinds[_i / SIZES], 0.25F), expected);
}
END_TEST

START_TEST(softmax_matches_plain_loops) {
    char name[64];
    name_case(name, "softmax", _i);
    struct subject subject = subject_start(name, NULL, 0, sizes[_i][0], sizes[_i][1], sizes[_i][2], 8);
    struct plain expected = plain_softmax(&subject.picture);
    subject_check(&subject, fv_graph_softmax(subject.graph, subject.input), expected);
}
END_TEST

START_TEST(softmax_of_far_apart_values_matches_plain_loops) {
    char name[64];
    name_case(name, "far softmax", _i);
    struct subject subject = subject_start(name, NULL, 0, sizes[_i][0], sizes[_i][1], sizes[_i][2], 64);
    struct plain expected = plain_softmax(&subject.picture);
    subject_check(&subject, fv_graph_softmax(subject.graph, subject.input), expected);
}
END_TEST

/* heads, channels of a head, window, shift, height, width */
static const size_t attentions[][6] = {
    {1, 4, 2, 0, 4, 4},  {2, 8, 2, 1, 4, 6},   {3, 16, 4, 2, 8, 8}, {2, 32, 7, 3, 14, 14},
    {5, 3, 3, 1, 9, 6},  {1, 17, 5, 2, 5, 10}, {2, 20, 1, 0, 3, 2}, {4, 12, 4, 3, 4, 12},
    {1, 48, 6, 0, 6, 6}, {1, 64, 8, 4, 16, 8}, {3, 1, 2, 1, 2, 2},  {2, 5, 9, 4, 18, 9},
};
enum { ATTENTIONS = sizeof attentions / sizeof *attentions };

START_TEST(window_attention_matches_plain_loops) {
    const size_t *a = attentions[_i], channels = a[0] * a[1];
    const struct check_tensor tensors[] = {
        subject_unit(3 * channels), {"relative_position_bias_table", 2, {(2 * a[2] - 1) * (2 * a[2] - 1), a[0]}, NULL}};
    char name[64];
    name_case(name, "attention", _i);
    struct subject subject = subject_start(name, tensors, 2, 3 * channels, a[4], a[5], 2);
    const struct fv_window_attention options = {
        .table = "relative_position_bias_table", .heads = a[0], .window = a[2], .shift = a[3]};
    struct plain tokens = plain_tokens(&subject.picture);
    struct plain expected = plain_attention(subject.model, &tokens, &options);
    plain_free(&tokens);
    subject_check(&subject, fv_graph_window_attention(subject.graph, subject_tokens(&subject), &options), expected);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"instance_norm_matches_plain_loops", instance_norm_matches_plain_loops, SIZES},
        {"layer_norm_matches_plain_loops", layer_norm_matches_plain_loops, SIZES},
        {"batch_norm_alone_matches_plain_loops", batch_norm_alone_matches_plain_loops, SIZES},
        {"affine_map_matches_plain_loops", affine_map_matches_plain_loops, 4 * FV_MAX_AFFINE_CHANNELS},
        {"activation_of_planes_matches_plain_loops", activation_of_planes_matches_plain_loops, KINDS * SIZES},
        {"activation_of_tokens_matches_plain_loops", activation_of_tokens_matches_plain_loops, KINDS * SIZES},
        {"softmax_matches_plain_loops", softmax_matches_plain_loops, SIZES},
        {"softmax_of_far_apart_values_matches_plain_loops", softmax_of_far_apart_values_matches_plain_loops, SIZES},
        {"window_attention_matches_plain_loops", window_attention_matches_plain_loops, ATTENTIONS},
    };
    return check_run("functions", cases, sizeof cases / sizeof *cases);
}
