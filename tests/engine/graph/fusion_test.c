/* Fusion rules, one a test: which nodes are left and what they took in. */
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "graph/internal.h"

static const struct check_tensor tensors[] = {
    {"a.weight", 4, {8, 8, 3, 3}, NULL},
    {"b.weight", 4, {8, 8, 1, 1}, NULL},
    {"norm.weight", 1, {8}, NULL},
    {"norm.bias", 1, {8}, NULL},
    {"norm.running_mean", 1, {8}, NULL},
    {"norm.running_var", 1, {8}, NULL},
    {"tokens.weight", 4, {8, 8, 1, 1}, NULL},
    {"qkv.weight", 2, {24, 8}, NULL},
    {"table", 2, {9, 2}, NULL},
};

struct net {
    struct fv_model *model;
    struct fv_graph *graph;
    fv_value input;
    struct fv_node *nodes; /* fused */
    size_t count;
};

static struct net start(void) {
    struct net net = {.model = check_model(tensors, sizeof tensors / sizeof *tensors)};
    struct fv_error error = {0};
    check_success(fv_graph_create(net.model, &net.graph, &error), &error);
    net.input = fv_graph_input(net.graph, 8, 4, 4);
    return net;
}

static void fuse(struct net *net, fv_value output) {
    struct fv_error error = {0};
    check_success(fv_graph_finish(net->graph, output, &error), &error);
    check_success(fv_nodes_copy(net->graph, &net->nodes, &error), &error);
    net->count = net->graph->node_count;
    fv_nodes_fuse(net->nodes, net->count, output);
}

static void end(struct net *net) {
    for (size_t n = 0; n < net->count; n++) {
        fv_release(net->nodes[n].name);
    }
    fv_release(net->nodes);
    fv_graph_destroy(net->graph);
    fv_model_close(net->model);
}

/* The node that makes `value`, or NULL. */
static const struct fv_node *maker(const struct net *net, fv_value value) {
    for (size_t n = 0; n < net->count; n++) {
        if (net->nodes[n].operation != NULL && net->nodes[n].output == value) {
            return &net->nodes[n];
        }
    }
    return NULL;
}

static fv_value convolve(struct net *net, fv_value x) {
    const struct fv_convolution options = {.weight = "a.weight", .padding = {1, 1, 1, 1}};
    return fv_graph_convolution(net->graph, x, &options);
}

static fv_value project(struct net *net, fv_value x) {
    return fv_graph_convolution(net->graph, x, &(struct fv_convolution){.weight = "b.weight"});
}

static fv_value relu(struct net *net, fv_value x) {
    return fv_graph_activation(net->graph, x, FV_RELU, 0);
}

START_TEST(batch_norm_folds_into_the_convolution_before_it) {
    struct net net = start();
    const fv_value norm = fv_graph_batch_norm(net.graph, convolve(&net, net.input), "norm", 1e-5F);
    fuse(&net, norm);
    ck_assert_ptr_eq(maker(&net, norm)->operation, &fv_operator_convolution);
    ck_assert_ptr_eq(maker(&net, norm)->norm_mean, fv_model_tensor(net.model, "norm.running_mean"));
    end(&net);
}
END_TEST

START_TEST(batch_norm_stays_when_the_convolution_has_another_user) {
    struct net net = start();
    const fv_value convolved = convolve(&net, net.input);
    const fv_value norm = fv_graph_batch_norm(net.graph, convolved, "norm", 1e-5F);
    fuse(&net, fv_graph_concat(net.graph, (fv_value[]){convolved, norm}, 2));
    ck_assert_ptr_eq(maker(&net, norm)->operation, &fv_operator_batch_norm);
    ck_assert_ptr_null(maker(&net, convolved)->norm_mean);
    end(&net);
}
END_TEST

START_TEST(second_batch_norm_stays) {
    struct net net = start();
    const fv_value first = fv_graph_batch_norm(net.graph, convolve(&net, net.input), "norm", 1e-5F);
    const fv_value second = fv_graph_batch_norm(net.graph, first, "norm", 1e-5F);
    fuse(&net, second);
    ck_assert_ptr_eq(maker(&net, second)->operation, &fv_operator_batch_norm);
    ck_assert_ptr_eq(maker(&net, first)->operation, &fv_operator_convolution);
    end(&net);
}
END_TEST

START_TEST(batch_norm_after_an_activation_stays) {
    struct net net = start();
    const fv_value active = relu(&net, convolve(&net, net.input));
    const fv_value norm = fv_graph_batch_norm(net.graph, active, "norm", 1e-5F);
    fuse(&net, norm);
    ck_assert_ptr_eq(maker(&net, norm)->operation, &fv_operator_batch_norm);
    end(&net);
}
END_TEST

START_TEST(activation_fuses_into_the_convolution_before_it) {
    struct net net = start();
    const fv_value active = relu(&net, convolve(&net, net.input));
    fuse(&net, active);
    ck_assert_ptr_eq(maker(&net, active)->operation, &fv_operator_convolution);
    ck_assert_int_eq(maker(&net, active)->activation, FV_ACTIVATION_RELU);
    end(&net);
}
END_TEST

START_TEST(activation_stays_when_its_input_has_another_user) {
    struct net net = start();
    const fv_value convolved = convolve(&net, net.input), active = relu(&net, convolved);
    fuse(&net, fv_graph_concat(net.graph, (fv_value[]){convolved, active}, 2));
    ck_assert_ptr_eq(maker(&net, active)->operation, &fv_operator_activation);
    ck_assert_int_eq(maker(&net, convolved)->activation, FV_ACTIVATION_NONE);
    end(&net);
}
END_TEST

START_TEST(activation_stays_when_its_input_is_the_output) {
    struct net net = start();
    const fv_value convolved = convolve(&net, net.input);
    relu(&net, convolved);
    fuse(&net, convolved);
    ck_assert_ptr_nonnull(maker(&net, convolved));
    ck_assert_int_eq(maker(&net, convolved)->activation, FV_ACTIVATION_NONE);
    end(&net);
}
END_TEST

START_TEST(second_activation_stays) {
    struct net net = start();
    const fv_value first = relu(&net, convolve(&net, net.input));
    const fv_value second = fv_graph_activation(net.graph, first, FV_SIGMOID, 0);
    fuse(&net, second);
    ck_assert_ptr_eq(maker(&net, second)->operation, &fv_operator_activation);
    end(&net);
}
END_TEST

START_TEST(residual_goes_to_the_later_operand) {
    struct net net = start();
    const fv_value early = convolve(&net, net.input), late = project(&net, net.input);
    const fv_value sums = fv_graph_add(net.graph, _i == 0 ? early : late, _i == 0 ? late : early);
    fuse(&net, sums);
    ck_assert_ptr_eq(maker(&net, sums)->weight, fv_model_tensor(net.model, "b.weight"));
    ck_assert_uint_eq(maker(&net, sums)->residual, early);
    end(&net);
}
END_TEST

START_TEST(activation_after_a_residual_fuses_too) {
    struct net net = start();
    const fv_value sums = relu(&net, fv_graph_add(net.graph, net.input, convolve(&net, net.input)));
    fuse(&net, sums);
    ck_assert_ptr_eq(maker(&net, sums)->operation, &fv_operator_convolution);
    ck_assert_uint_eq(maker(&net, sums)->residual, net.input);
    ck_assert_int_eq(maker(&net, sums)->activation, FV_ACTIVATION_RELU);
    end(&net);
}
END_TEST

START_TEST(residual_is_not_added_after_an_activation) {
    struct net net = start();
    const fv_value sums = fv_graph_add(net.graph, net.input, relu(&net, convolve(&net, net.input)));
    fuse(&net, sums);
    ck_assert_ptr_eq(maker(&net, sums)->operation, &fv_operator_add);
    end(&net);
}
END_TEST

START_TEST(residual_stays_when_the_later_operand_has_another_user) {
    struct net net = start();
    const fv_value convolved = convolve(&net, net.input), sums = fv_graph_add(net.graph, net.input, convolved);
    fuse(&net, fv_graph_concat(net.graph, (fv_value[]){convolved, sums}, 2));
    ck_assert_ptr_eq(maker(&net, sums)->operation, &fv_operator_add);
    end(&net);
}
END_TEST

START_TEST(value_added_to_itself_stays) {
    struct net net = start();
    const fv_value convolved = convolve(&net, net.input), sums = fv_graph_add(net.graph, convolved, convolved);
    fuse(&net, sums);
    ck_assert_ptr_eq(maker(&net, sums)->operation, &fv_operator_add);
    end(&net);
}
END_TEST

/* Planes to tokens to the queries, keys and values of two heads. */
static fv_value project_tokens(struct net *net) {
    const struct fv_convolution options = {.weight = "tokens.weight", .to_tokens = true};
    return fv_graph_linear(net->graph, fv_graph_convolution(net->graph, net->input, &options), "qkv.weight", NULL);
}

static const struct fv_window_attention two_heads = {.table = "table", .heads = 2, .window = 2};

static fv_value gate(struct net *net, fv_value x) {
    return fv_graph_scale(net->graph, x, fv_graph_global_mean(net->graph, x));
}

START_TEST(gate_goes_into_the_pointwise_convolution) {
    struct net net = start();
    const fv_value x = convolve(&net, net.input), scaled = gate(&net, x), output = project(&net, scaled);
    fuse(&net, output);
    ck_assert_ptr_null(maker(&net, scaled));
    ck_assert_uint_eq(maker(&net, output)->inputs[0], x);
    ck_assert_ptr_eq(maker(&net, maker(&net, output)->gate)->operation, &fv_operator_global_mean);
    end(&net);
}
END_TEST

START_TEST(gate_stays_before_a_larger_kernel) {
    struct net net = start();
    const fv_value scaled = gate(&net, net.input), output = convolve(&net, scaled);
    fuse(&net, output);
    ck_assert_ptr_nonnull(maker(&net, scaled));
    ck_assert_uint_eq(maker(&net, output)->gate, FV_NO_VALUE);
    end(&net);
}
END_TEST

START_TEST(gate_with_an_activation_stays) {
    struct net net = start();
    const fv_value scaled = relu(&net, gate(&net, net.input)), output = project(&net, scaled);
    fuse(&net, output);
    ck_assert_uint_eq(maker(&net, output)->inputs[0], scaled);
    ck_assert_uint_eq(maker(&net, output)->gate, FV_NO_VALUE);
    end(&net);
}
END_TEST

START_TEST(gate_stays_when_the_gated_has_another_user) {
    struct net net = start();
    const fv_value scaled = gate(&net, net.input);
    const fv_value output = fv_graph_add(net.graph, project(&net, scaled), scaled);
    fuse(&net, output);
    ck_assert_ptr_nonnull(maker(&net, scaled));
    end(&net);
}
END_TEST

START_TEST(attention_scale_goes_into_the_queries) {
    struct net net = start();
    const fv_value qkv = project_tokens(&net), attended = fv_graph_window_attention(net.graph, qkv, &two_heads);
    fuse(&net, attended);
    ck_assert_uint_eq(maker(&net, qkv)->scaled_outputs, 8);
    ck_assert_double_eq(maker(&net, qkv)->output_scale, 0.5 * 1.44269504088896340736);
    ck_assert_double_eq(maker(&net, attended)->output_scale, 1);
    end(&net);
}
END_TEST

START_TEST(attention_keeps_its_scale_when_the_queries_have_another_user) {
    struct net net = start();
    const fv_value qkv = project_tokens(&net), attended = fv_graph_window_attention(net.graph, qkv, &two_heads);
    const fv_value other = fv_graph_window_attention(net.graph, qkv, &two_heads);
    fuse(&net, fv_graph_add(net.graph, attended, other));
    ck_assert_uint_eq(maker(&net, qkv)->scaled_outputs, 0);
    ck_assert_double_eq(maker(&net, attended)->output_scale, 0.5 * 1.44269504088896340736);
    end(&net);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"batch_norm_folds_into_the_convolution_before_it", batch_norm_folds_into_the_convolution_before_it, 0},
        {"batch_norm_stays_when_the_convolution_has_another_user",
         batch_norm_stays_when_the_convolution_has_another_user, 0},
        {"second_batch_norm_stays", second_batch_norm_stays, 0},
        {"batch_norm_after_an_activation_stays", batch_norm_after_an_activation_stays, 0},
        {"activation_fuses_into_the_convolution_before_it", activation_fuses_into_the_convolution_before_it, 0},
        {"activation_stays_when_its_input_has_another_user", activation_stays_when_its_input_has_another_user, 0},
        {"activation_stays_when_its_input_is_the_output", activation_stays_when_its_input_is_the_output, 0},
        {"second_activation_stays", second_activation_stays, 0},
        {"residual_goes_to_the_later_operand", residual_goes_to_the_later_operand, 2},
        {"activation_after_a_residual_fuses_too", activation_after_a_residual_fuses_too, 0},
        {"residual_is_not_added_after_an_activation", residual_is_not_added_after_an_activation, 0},
        {"residual_stays_when_the_later_operand_has_another_user",
         residual_stays_when_the_later_operand_has_another_user, 0},
        {"value_added_to_itself_stays", value_added_to_itself_stays, 0},
        {"gate_goes_into_the_pointwise_convolution", gate_goes_into_the_pointwise_convolution, 0},
        {"gate_stays_before_a_larger_kernel", gate_stays_before_a_larger_kernel, 0},
        {"gate_with_an_activation_stays", gate_with_an_activation_stays, 0},
        {"gate_stays_when_the_gated_has_another_user", gate_stays_when_the_gated_has_another_user, 0},
        {"attention_scale_goes_into_the_queries", attention_scale_goes_into_the_queries, 0},
        {"attention_keeps_its_scale_when_the_queries_have_another_user",
         attention_keeps_its_scale_when_the_queries_have_another_user, 0},
    };
    return check_run("fusion", cases, sizeof cases / sizeof *cases);
}
