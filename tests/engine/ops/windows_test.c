/* Pools, upsampling, means, merging, concatenation, sums and gates, each alone, against plain loops. */
#include <stdio.h>

#include "subject.h"

static void name_case(char name[64], const char *operation, int index) {
    snprintf(name, 64, "%s %d", operation, index);
}

/* channels, height, width */
static const size_t sizes[][3] = {{1, 2, 3},  {4, 5, 5},   {7, 4, 2},  {8, 9, 4},  {15, 3, 3},
                                  {16, 8, 8}, {17, 2, 31}, {33, 5, 2}, {3, 40, 50}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static const struct {
    size_t height, width;
    struct fv_pooling options;
} pools[] = {
    {8, 8, {2, 2, 2, 2, {0, 0, 0, 0}, false, false}}, {9, 7, {2, 2, 2, 2, {0, 0, 0, 0}, false, false}},
    {9, 7, {2, 2, 2, 2, {0, 0, 0, 0}, true, false}},  {8, 9, {3, 3, 2, 2, {1, 1, 1, 1}, false, false}},
    {8, 9, {3, 3, 2, 2, {0, 0, 0, 0}, true, false}},  {7, 10, {3, 3, 2, 2, {0, 0, 0, 0}, true, false}},
    {5, 6, {3, 3, 1, 1, {1, 1, 1, 1}, false, true}},  {5, 6, {3, 3, 1, 1, {1, 1, 1, 1}, false, false}},
    {6, 5, {1, 1, 2, 3, {0, 0, 0, 0}, true, false}},  {7, 11, {3, 2, 1, 3, {1, 0, 2, 1}, false, false}},
    {3, 3, {3, 3, 3, 3, {0, 0, 0, 0}, false, false}}, {5, 5, {2, 2, 3, 3, {1, 1, 1, 1}, true, false}},
    {1, 1, {1, 1, 1, 1, {0, 0, 0, 0}, false, false}}, {12, 9, {5, 4, 2, 2, {2, 1, 0, 3}, false, false}},
};
enum { POOLS = sizeof pools / sizeof *pools };

START_TEST(max_pool_matches_plain_loops) {
    char name[64];
    name_case(name, "max pool", _i);
    struct subject subject = subject_start(name, NULL, 0, 11, pools[_i].height, pools[_i].width, 1);
    struct plain expected = plain_pool(&subject.picture, &pools[_i].options, true);
    subject_check(&subject, fv_graph_max_pool(subject.graph, subject.input, &pools[_i].options), expected);
}
END_TEST

START_TEST(average_pool_matches_plain_loops) {
    char name[64];
    name_case(name, "average pool", _i);
    struct subject subject = subject_start(name, NULL, 0, 18, pools[_i].height, pools[_i].width, 1);
    struct plain expected = plain_pool(&subject.picture, &pools[_i].options, false);
    subject_check(&subject, fv_graph_average_pool(subject.graph, subject.input, &pools[_i].options), expected);
}
END_TEST

START_TEST(upsampling_matches_plain_loops) {
    static const size_t factors[][2] = {{1, 1}, {2, 2}, {3, 1}, {1, 4}, {5, 3}};
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
        for (int bilinear = 0; bilinear < 2; bilinear++) {
            char name[64];
            snprintf(name, sizeof name, "upsampling %d by %zu, %zu, %s", _i, factors[f][0], factors[f][1],
                     bilinear != 0 ? "bilinear" : "nearest");
            struct subject subject = subject_start(name, NULL, 0, sizes[_i][0], sizes[_i][1], sizes[_i][2], 1);
            struct plain expected = plain_upsample(&subject.picture, factors[f][0], factors[f][1], bilinear != 0);
            const fv_value x =
                fv_graph_upsample(subject.graph, subject.input, factors[f][0], factors[f][1], bilinear != 0);
            subject_check(&subject, x, expected);
        }
    }
}
END_TEST

START_TEST(mean_of_planes_matches_plain_loops) {
    char name[64];
    name_case(name, "mean", _i);
    struct subject subject = subject_start(name, NULL, 0, sizes[_i][0], sizes[_i][1], sizes[_i][2], 1);
    struct plain expected = plain_mean(&subject.picture);
    subject_check(&subject, fv_graph_global_mean(subject.graph, subject.input), expected);
}
END_TEST

START_TEST(mean_of_tokens_matches_plain_loops) {
    const struct check_tensor unit = subject_unit(sizes[_i][0]);
    char name[64];
    name_case(name, "mean of tokens", _i);
    struct subject subject = subject_start(name, &unit, 1, sizes[_i][0], sizes[_i][1], sizes[_i][2], 1);
    struct plain tokens = plain_tokens(&subject.picture), expected = plain_mean(&tokens);
    plain_free(&tokens);
    subject_check(&subject, fv_graph_global_mean(subject.graph, subject_tokens(&subject)), expected);
}
END_TEST

START_TEST(patch_merge_takes_the_vertical_neighbour_second) {
    const size_t channels = sizes[_i][0];
    const struct check_tensor unit = subject_unit(channels);
    char name[64];
    name_case(name, "merge", _i);
    struct subject subject = subject_start(name, &unit, 1, channels, 2 * sizes[_i][1], 2 * sizes[_i][2], 1);
    struct plain tokens = plain_tokens(&subject.picture), expected = plain_merge(&tokens);
    plain_free(&tokens);
    subject_check(&subject, fv_graph_patch_merge(subject.graph, subject_tokens(&subject)), expected);
}
END_TEST

START_TEST(sum_matches_plain_loops) {
    const struct fv_pooling same = {.kernel_y = 3, .kernel_x = 3, .padding = {1, 1, 1, 1}};
    char name[64];
    name_case(name, "sum", _i);
    struct subject subject = subject_start(name, NULL, 0, sizes[_i][0], sizes[_i][1], sizes[_i][2], 1);
    struct plain pooled = plain_pool(&subject.picture, &same, true), expected = plain_add(&subject.picture, &pooled);
    plain_free(&pooled);
    const fv_value other = fv_graph_max_pool(subject.graph, subject.input, &same);
    subject_check(&subject, fv_graph_add(subject.graph, subject.input, other), expected);
}
END_TEST

START_TEST(gate_matches_plain_loops) {
    char name[64];
    name_case(name, "gate", _i);
    struct subject subject = subject_start(name, NULL, 0, sizes[_i][0], sizes[_i][1], sizes[_i][2], 1);
    struct plain gate = plain_mean(&subject.picture), scaled = plain_scale(&subject.picture, &gate);
    struct plain sums = plain_add(&scaled, &subject.picture), expected = plain_activation(&sums, FV_RELU, 0);
    plain_free(&gate);
    plain_free(&scaled);
    plain_free(&sums);
    fv_value x = fv_graph_scale(subject.graph, subject.input, fv_graph_global_mean(subject.graph, subject.input));
    x = fv_graph_add(subject.graph, subject.input, x);
    subject_check(&subject, fv_graph_activation(subject.graph, x, FV_RELU, 0), expected);
}
END_TEST

/* Parts of 5 and 5 channels: blocks that are not full in the middle. Every operator that keeps the lanes of its input,
 * and those that read them, must still find the channels. */
enum { AFTER_CONCAT = 7 };

static struct plain plain_after(const struct subject *subject, int which, const struct plain *both) {
    const struct fv_pooling pool = {.kernel_y = 2, .kernel_x = 2, .stride_y = 2, .stride_x = 2};
    switch (which) {
    case 0:
        return plain_pool(both, &pool, true);
    case 1:
        return plain_activation(both, FV_SILU, 0);
    case 2:
        return plain_upsample(both, 2, 3, true);
    case 3:
        return plain_softmax(both);
    case 4:
        return plain_norm(subject->model, both, "n", 1e-5);
    case 5:
        return plain_convolution(subject->model, both,
                                 &(struct fv_convolution){.weight = "c.weight", .padding = {1, 1, 1, 1}});
    default:
        return plain_transposed(subject->model, both, &(struct fv_transposed_convolution){"t.weight", NULL, 2, 2});
    }
}

static fv_value after(struct subject *subject, int which, fv_value both) {
    struct fv_graph *graph = subject->graph;
    const struct fv_pooling pool = {.kernel_y = 2, .kernel_x = 2, .stride_y = 2, .stride_x = 2};
    switch (which) {
    case 0:
        return fv_graph_max_pool(graph, both, &pool);
    case 1:
        return fv_graph_activation(graph, both, FV_SILU, 0);
    case 2:
        return fv_graph_upsample(graph, both, 2, 3, true);
    case 3:
        return fv_graph_softmax(graph, both);
    case 4:
        return fv_graph_instance_norm(graph, both, "n", 1e-5F);
    case 5:
        return fv_graph_convolution(graph, both,
                                    &(struct fv_convolution){.weight = "c.weight", .padding = {1, 1, 1, 1}});
    default:
        return fv_graph_transposed_convolution(graph, both,
                                               &(struct fv_transposed_convolution){"t.weight", NULL, 2, 2});
    }
}

static const struct check_tensor after_tensors[] = {{"n.weight", 1, {10}, NULL},
                                                    {"n.bias", 1, {10}, NULL},
                                                    {"c.weight", 4, {10, 10, 3, 3}, NULL},
                                                    {"t.weight", 4, {10, 6, 2, 2}, NULL},
                                                    {"in.weight", 4, {10, 5, 3, 3}, NULL}};

START_TEST(operators_after_a_concat_of_odd_parts_match_plain_loops) {
    const struct fv_pooling same = {.kernel_y = 3, .kernel_x = 3, .padding = {1, 1, 1, 1}};
    char name[64];
    name_case(name, "concat", _i);
    struct subject subject = subject_start(name, after_tensors, 5, 5, 6, 4, 1);
    struct plain parts[2] = {subject.picture, plain_pool(&subject.picture, &same, true)};
    struct plain both = plain_concat(parts, 2), expected = plain_after(&subject, _i, &both);
    plain_free(&parts[1]);
    plain_free(&both);
    const fv_value pooled = fv_graph_max_pool(subject.graph, subject.input, &same);
    const fv_value x = fv_graph_concat(subject.graph, (fv_value[]){subject.input, pooled}, 2);
    subject_check(&subject, after(&subject, _i, x), expected);
}
END_TEST

/* A value of odd lanes as a residual of one with the usual lanes must be refused, never added wrongly. */
START_TEST(residual_with_other_lanes_is_refused) {
    struct fv_model *model = check_model(after_tensors, 5);
    struct fv_graph *graph = NULL;
    struct fv_session *session = NULL;
    struct fv_error error = {0};
    check_success(fv_graph_create(model, &graph, &error), &error);
    const fv_value input = fv_graph_input(graph, 5, 6, 4);
    const fv_value both = fv_graph_concat(graph, (fv_value[]){input, input}, 2);
    const fv_value odd = fv_graph_activation(graph, both, FV_SILU, 0);
    const struct fv_convolution same = {.weight = "in.weight", .padding = {1, 1, 1, 1}};
    const fv_value sums = fv_graph_add(graph, odd, fv_graph_convolution(graph, input, &same));
    check_success(fv_graph_finish(graph, sums, &error), &error);
    check_failure(fv_session_create(graph, NULL, &session, &error), &error, FV_ERROR_UNSUPPORTED, "concatenation");
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"max_pool_matches_plain_loops", max_pool_matches_plain_loops, POOLS},
        {"average_pool_matches_plain_loops", average_pool_matches_plain_loops, POOLS},
        {"upsampling_matches_plain_loops", upsampling_matches_plain_loops, SIZES},
        {"mean_of_planes_matches_plain_loops", mean_of_planes_matches_plain_loops, SIZES},
        {"mean_of_tokens_matches_plain_loops", mean_of_tokens_matches_plain_loops, SIZES},
        {"patch_merge_takes_the_vertical_neighbour_second", patch_merge_takes_the_vertical_neighbour_second, SIZES},
        {"sum_matches_plain_loops", sum_matches_plain_loops, SIZES},
        {"gate_matches_plain_loops", gate_matches_plain_loops, SIZES},
        {"operators_after_a_concat_of_odd_parts_match_plain_loops",
         operators_after_a_concat_of_odd_parts_match_plain_loops, AFTER_CONCAT},
        {"residual_with_other_lanes_is_refused", residual_with_other_lanes_is_refused, 0},
    };
    return check_run("windows", cases, sizeof cases / sizeof *cases);
}
