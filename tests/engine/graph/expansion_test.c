/* A 1 x 1 convolution and the depthwise one after it, in one and apart: the same bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/cpu.h"
#include "seeded.h"

enum { INPUTS = 20, CHANNELS = 75 };

/* Windows of the second convolution. */
static const struct window {
    size_t kernel, stride;
    struct fv_padding padding;
    size_t wider; /* columns of the map more than rows */
} windows[] = {
    {3, 1, {1, 1, 1, 1}, 0}, {5, 1, {2, 2, 2, 2}, 7}, {3, 2, {0, 0, 1, 1}, 3},
    {5, 2, {1, 2, 2, 1}, 0}, {3, 4, {1, 1, 1, 1}, 2}, {7, 1, {3, 3, 3, 3}, 0},
};
enum { WINDOWS = sizeof windows / sizeof *windows };

struct net {
    struct fv_model *model;
    struct fv_graph *graph;
    fv_value input, expanded, output;
};

static struct net start(const struct window *window, size_t side, bool expands) {
    const struct check_tensor tensors[] = {
        {"expand.weight", 4, {CHANNELS, INPUTS, 1, 1}, NULL},
        {"norm.weight", 1, {CHANNELS}, NULL},
        {"norm.bias", 1, {CHANNELS}, NULL},
        {"norm.running_mean", 1, {CHANNELS}, NULL},
        {"norm.running_var", 1, {CHANNELS}, NULL},
        {"depthwise.weight", 4, {CHANNELS, 1, window->kernel, window->kernel}, NULL},
        {"depthwise.bias", 1, {CHANNELS}, NULL},
    };
    struct net net = {.model = check_model(tensors, sizeof tensors / sizeof *tensors)};
    struct fv_error error = {0};
    check_success(fv_graph_create(net.model, &net.graph, &error), &error);
    net.input = fv_graph_input(net.graph, expands ? INPUTS : CHANNELS, side, side + window->wider);
    net.expanded = net.input;
    if (expands) {
        net.expanded = fv_graph_convolution(net.graph, net.input, &(struct fv_convolution){.weight = "expand.weight"});
        net.expanded = fv_graph_batch_norm(net.graph, net.expanded, "norm", 1e-3F);
        net.expanded = fv_graph_activation(net.graph, net.expanded, FV_SILU, 0);
    }
    net.output = fv_graph_convolution(net.graph, net.expanded,
                                      &(struct fv_convolution){.weight = "depthwise.weight",
                                                               .bias = "depthwise.bias",
                                                               .stride_y = window->stride,
                                                               .stride_x = window->stride,
                                                               .padding = window->padding,
                                                               .groups = CHANNELS});
    net.output = fv_graph_activation(net.graph, net.output, FV_SILU, 0);
    return net;
}

static void end(struct net *net) {
    fv_graph_destroy(net->graph);
    fv_model_close(net->model);
}

static size_t elements(struct fv_shape shape) {
    return shape.channels * shape.height * shape.width;
}

/* Whether some node of the session uses `algorithm`. */
static bool uses(const struct fv_session *session, const char *algorithm) {
    for (size_t n = 0; n < fv_session_info(session).nodes; n++) {
        if (strcmp(fv_session_node(session, n).algorithm, algorithm) == 0) {
            return true;
        }
    }
    return false;
}

/* The value of `output` for `input`, in new memory; whether that was by the two in one, and the bytes of the arena. */
static float *run(struct net *net, fv_value output, const float *input, size_t threads, bool *expanded, size_t *arena) {
    struct fv_error error = {0};
    struct fv_session_options options = {0};
    struct fv_session *session = NULL;
    check_success(fv_threads_create(threads, &options.threads, &error), &error);
    check_success(fv_graph_finish(net->graph, output, &error), &error);
    check_success(fv_session_create(net->graph, &options, &session, &error), &error);
    float *result = check_allocate(elements(fv_session_output_shape(session)), sizeof(float));
    fv_session_run(session, input, result);
    *expanded = uses(session, "expanded");
    *arena = fv_session_info(session).arena_bytes;
    fv_session_destroy(session);
    fv_threads_destroy(options.threads);
    return result;
}

/* A side that makes the map between larger than the second-level cache. */
static size_t large_side(void) {
    const size_t cache = fv_cpu_caches().level2;
    return (size_t)sqrt((double)(cache != 0 ? cache : 262144) / (double)(CHANNELS * sizeof(float))) + 1;
}

static void compare(const struct window *window, size_t side, bool large) {
    const size_t floats = INPUTS * side * (side + window->wider);
    float *input = check_allocate(floats, sizeof(float));
    seeded_uniform("input", floats, input);
    bool together, apart;
    size_t arena, arena_apart;
    struct net net = start(window, side, true);
    float *result = run(&net, net.output, input, 1, &together, &arena);
    float *threaded = run(&net, net.output, input, 3, &apart, &arena_apart);
    ck_assert_int_eq(together, large);
    const size_t outputs = elements(fv_graph_shape(net.graph, net.output));
    ck_assert_msg(memcmp(result, threaded, outputs * sizeof(float)) == 0, "other bits with three threads");

    float *between = run(&net, net.expanded, input, 1, &together, &arena_apart);
    struct net second = start(window, side, false);
    float *expected = run(&second, second.output, between, 1, &apart, &arena_apart);
    ck_assert(!together && !apart);
    ck_assert_msg(memcmp(result, expected, outputs * sizeof(float)) == 0, "other bits than the two apart");
    if (large) { /* the input and the outputs, but nothing of the map between */
        ck_assert_uint_lt(arena, arena_apart);
    }
    end(&second);
    end(&net);
    free(input);
    free(result);
    free(threaded);
    free(between);
    free(expected);
}

START_TEST(one_or_two_the_bits_are_the_same) {
    struct check_setting settings[CHECK_MAX_SETTINGS];
    const size_t count = check_settings(settings);
    for (size_t s = 0; s < count; s++) {
        check_use(&settings[s]);
        compare(&windows[_i], large_side(), settings[s].gemm == FV_GEMM_OWN);
    }
}
END_TEST

START_TEST(a_small_map_stays_apart) {
    compare(&windows[_i], 9, false);
}
END_TEST

START_TEST(a_map_that_others_read_stays_whole) {
    struct net net = start(&windows[0], large_side(), true);
    const fv_value mean = fv_graph_global_mean(net.graph, net.expanded);
    const fv_value scaled = fv_graph_scale(net.graph, net.output, mean);
    const size_t floats = elements(fv_graph_shape(net.graph, net.input));
    float *input = check_allocate(floats, sizeof(float));
    bool together;
    size_t arena;
    free(run(&net, scaled, input, 1, &together, &arena));
    ck_assert(!together);
    free(input);
    end(&net);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"one_or_two_the_bits_are_the_same", one_or_two_the_bits_are_the_same, WINDOWS},
        {"a_small_map_stays_apart", a_small_map_stays_apart, WINDOWS},
        {"a_map_that_others_read_stays_whole", a_map_that_others_read_stays_whole, 0},
    };
    return check_run("expansion", cases, sizeof cases / sizeof *cases);
}
