/* What a session says of its nodes: bytes that are touched, and times that were measured. */
#include <string.h>

#include "checks.h"

static const struct check_tensor tensors[] = {
    {"conv.weight", 4, {6, 4, 3, 3}, NULL},
    {"half.weight", 4, {6, 4, 1, 1}, NULL},
    {"half.bias", 1, {6}, NULL},
    {"norm.weight", 1, {6}, NULL},
    {"norm.bias", 1, {6}, NULL},
    {"norm.running_mean", 1, {6}, NULL},
    {"norm.running_var", 1, {6}, NULL},
};

struct net {
    struct fv_model *model;
    struct fv_graph *graph;
    struct fv_session *session;
};

/* Of the input 4 x 7 x 7, a convolution with norm and residual, and a strided one of one tap that is the residual; both
 * joined. Their outputs are 6 x 4 x 4. */
static struct net start(bool profile) {
    struct net net = {.model = check_model(tensors, sizeof tensors / sizeof *tensors)};
    struct fv_error error = {0};
    check_success(fv_graph_create(net.model, &net.graph, &error), &error);
    const fv_value input = fv_graph_input(net.graph, 4, 7, 7);
    const fv_value half = fv_graph_convolution(
        net.graph, input,
        &(struct fv_convolution){.weight = "half.weight", .bias = "half.bias", .stride_y = 2, .stride_x = 2});
    const fv_value conv = fv_graph_convolution(
        net.graph, input,
        &(struct fv_convolution){.weight = "conv.weight", .stride_y = 2, .stride_x = 2, .padding = {1, 1, 1, 1}});
    const fv_value norm = fv_graph_batch_norm(net.graph, conv, "norm", 1e-5F);
    const fv_value sum = fv_graph_add(net.graph, norm, half);
    const fv_value joined = fv_graph_concat(net.graph, (const fv_value[]){sum, half}, 2);
    check_success(fv_graph_finish(net.graph, fv_graph_global_mean(net.graph, joined), &error), &error);
    const struct fv_session_options options = {.profile = profile};
    check_success(fv_session_create(net.graph, &options, &net.session, &error), &error);
    return net;
}

static void end(struct net *net) {
    fv_session_destroy(net->session);
    fv_graph_destroy(net->graph);
    fv_model_close(net->model);
}

/* The only node of this operation whose name begins with `name`. */
static struct fv_node_info find(const struct net *net, const char *operation, const char *name) {
    struct fv_node_info found = {0};
    for (size_t n = 0; n < fv_session_info(net->session).nodes; n++) {
        const struct fv_node_info node = fv_session_node(net->session, n);
        if (strcmp(node.operation, operation) == 0 && strncmp(node.name, name, strlen(name)) == 0) {
            ck_assert_ptr_null(found.name);
            found = node;
        }
    }
    ck_assert_msg(found.name != NULL, "no %s %s", operation, name);
    return found;
}

START_TEST(bytes_are_what_is_read_and_written_once) {
    struct net net = start(false);
    const size_t input = 4 * 7 * 7, output = 6 * 4 * 4;
    ck_assert_uint_eq(find(&net, "input", "").bytes, 0);
    ck_assert_uint_eq(find(&net, "concat", "").bytes, 0);
    /* Weight, the norm's shift, input, residual, output. */
    ck_assert_uint_eq(find(&net, "convolution", "conv").bytes, 4 * (6 * 4 * 9 + 6 + input + 2 * output));
    /* Of a plane of 7 x 7, 4 x 4 pixels. */
    ck_assert_uint_eq(find(&net, "convolution", "half").bytes, 4 * (6 * 4 + 6 + 4 * 4 * 4 + output));
    ck_assert_uint_eq(find(&net, "global_mean", "").bytes, 4 * (2 * output + 12));
    end(&net);
}
END_TEST

START_TEST(times_are_measured_when_asked_for) {
    struct net net = start(_i == 1);
    static float input[4 * 7 * 7], output[12];
    fv_session_run(net.session, input, output);
    const struct fv_session_info info = fv_session_info(net.session);
    ck_assert_int_eq(info.input_seconds > 0, _i == 1);
    ck_assert_int_eq(info.output_seconds > 0, _i == 1);
    ck_assert_int_eq(find(&net, "convolution", "conv").seconds > 0, _i == 1);
    ck_assert_int_eq(find(&net, "global_mean", "").seconds > 0, _i == 1);
    ck_assert(find(&net, "concat", "").seconds == 0);
    end(&net);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"bytes_are_what_is_read_and_written_once", bytes_are_what_is_read_and_written_once, 0},
        {"times_are_measured_when_asked_for", times_are_measured_when_asked_for, 2},
    };
    return check_run("session", cases, sizeof cases / sizeof *cases);
}
