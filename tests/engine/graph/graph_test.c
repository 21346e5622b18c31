/* Sticky errors of a graph, refusals of a session, and every allocation failing once. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "catalogue.h"
#include "checks.h"
#include "fovea/memory.h"
#include "fovea/nets.h"

static const struct check_tensor tensors[] = {
    {"conv.weight", 4, {6, 4, 3, 3}, NULL},
    {"conv.bias", 1, {5}, NULL},
    {"odd.weight", 4, {5, 2, 3, 3}, NULL},
    {"up.weight", 4, {4, 6, 3, 3}, NULL},
    {"linear.weight", 2, {7, 4}, NULL},
    {"norm.weight", 1, {4}, NULL},
    {"tokens.weight", 4, {12, 4, 1, 1}, NULL},
    {"table", 2, {9, 2}, NULL},
    {"lines", 2, {10, 2}, NULL},
    {"five.weight", 4, {5, 8, 1, 1}, NULL},
    {"three.weight", 4, {3, 8, 1, 1}, NULL},
    {"point.weight", 4, {8, 8, 1, 1}, NULL},
};

static struct fv_graph *start(struct fv_model **model) {
    struct fv_graph *graph = NULL;
    struct fv_error error = {0};
    *model = check_model(tensors, sizeof tensors / sizeof *tensors);
    check_success(fv_graph_create(*model, &graph, &error), &error);
    return graph;
}

typedef fv_value mistake(struct fv_graph *graph, fv_value planes, fv_value tokens);

static fv_value missing_tensor(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    fv_graph_prefix(graph, "fold_3.");
    return fv_graph_convolution(graph, planes, &(struct fv_convolution){.weight = "conv.weight"});
}

static fv_value misshapen_bias(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_convolution(graph, planes, &(struct fv_convolution){.weight = "conv.weight", .bias = "conv.bias"});
}

static fv_value misshapen_weight(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_convolution(graph, planes, &(struct fv_convolution){.weight = "odd.weight"});
}

static fv_value wrong_rank(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_convolution(graph, planes, &(struct fv_convolution){.weight = "linear.weight"});
}

static fv_value undivided_inputs(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_convolution(graph, planes, &(struct fv_convolution){.weight = "conv.weight", .groups = 3});
}

static fv_value undivided_outputs(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_convolution(graph, planes, &(struct fv_convolution){.weight = "odd.weight", .groups = 2});
}

static fv_value kernel_above_input(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    planes = fv_graph_max_pool(graph, planes, &(struct fv_pooling){.kernel_y = 3, .kernel_x = 3});
    return fv_graph_convolution(graph, planes, &(struct fv_convolution){.weight = "conv.weight"});
}

static fv_value overlapping_transposed(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_transposed_convolution(
        graph, planes, &(struct fv_transposed_convolution){.weight = "up.weight", .stride_y = 2, .stride_x = 2});
}

static fv_value linear_of_planes(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_linear(graph, planes, "linear.weight", NULL);
}

static fv_value layer_norm_of_planes(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_layer_norm(graph, planes, "norm", 1e-5F);
}

static fv_value convolution_of_tokens(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)planes;
    return fv_graph_convolution(graph, tokens, &(struct fv_convolution){.weight = "conv.weight"});
}

static fv_value sum_of_other_shapes(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    return fv_graph_add(graph, planes, tokens);
}

static fv_value concat_of_nothing(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_concat(graph, &planes, 0);
}

static fv_value gate_of_planes(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_scale(graph, planes, planes);
}

static fv_value window_that_does_not_divide(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)planes;
    return fv_graph_window_attention(graph, tokens,
                                     &(struct fv_window_attention){.table = "table", .heads = 2, .window = 3});
}

static fv_value shift_of_a_window(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)planes;
    return fv_graph_window_attention(
        graph, tokens, &(struct fv_window_attention){.table = "table", .heads = 2, .window = 2, .shift = 2});
}

static fv_value table_of_no_window(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)planes;
    return fv_graph_window_attention(graph, tokens,
                                     &(struct fv_window_attention){.table = "lines", .heads = 2, .window = 2});
}

static const float ones[4] = {1, 1, 1, 1};

static fv_value affine_map_of_other_channels(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)tokens;
    return fv_graph_affine(graph, planes, ones, ones, 3);
}

static fv_value affine_map_of_tokens(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)planes;
    return fv_graph_affine(graph, tokens, ones, ones, 4);
}

static fv_value second_input(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)planes;
    (void)tokens;
    return fv_graph_input(graph, 1, 1, 1);
}

static fv_value value_of_nowhere(struct fv_graph *graph, fv_value planes, fv_value tokens) {
    (void)planes;
    (void)tokens;
    return fv_graph_softmax(graph, 99);
}

static const struct {
    mistake *make;
    enum fv_status status;
    const char *message;
} mistakes[] = {
    {missing_tensor, FV_ERROR_MODEL, "tensor fold_3.conv.weight is missing"},
    {misshapen_bias, FV_ERROR_MODEL, "tensor conv.bias has shape [5], expected [6]"},
    {misshapen_weight, FV_ERROR_MODEL, "tensor odd.weight has shape [5, 2, 3, 3], expected [?, 4, ?, ?]"},
    {wrong_rank, FV_ERROR_MODEL, "tensor linear.weight has shape [7, 4], expected [?, 4, ?, ?]"},
    {undivided_inputs, FV_ERROR_MODEL, "4 channels do not divide into 3 groups"},
    {undivided_outputs, FV_ERROR_MODEL, "5 outputs do not divide into 2 groups"},
    {kernel_above_input, FV_ERROR_ARGUMENT, "smaller than the kernel 3 x 3"},
    {overlapping_transposed, FV_ERROR_UNSUPPORTED, "kernel 3 x 3 with stride 2 x 2"},
    {linear_of_planes, FV_ERROR_ARGUMENT, "planes of 4 x 4"},
    {layer_norm_of_planes, FV_ERROR_ARGUMENT, "layer_norm of planes"},
    {convolution_of_tokens, FV_ERROR_ARGUMENT, "no planes"},
    {sum_of_other_shapes, FV_ERROR_MODEL, "differ"},
    {concat_of_nothing, FV_ERROR_ARGUMENT, "concat of 0 values"},
    {gate_of_planes, FV_ERROR_MODEL, "expected 4 x 1 x 1"},
    {window_that_does_not_divide, FV_ERROR_MODEL, "window 3"},
    {shift_of_a_window, FV_ERROR_MODEL, "shift 2"},
    {table_of_no_window, FV_ERROR_MODEL, "position table of 10 rows"},
    {affine_map_of_other_channels, FV_ERROR_ARGUMENT, "3 numbers for 4 channels of planes"},
    {affine_map_of_tokens, FV_ERROR_ARGUMENT, "4 numbers for 12 channels of tokens"},
    {second_input, FV_ERROR_ARGUMENT, "one input"},
    {value_of_nowhere, FV_ERROR_ARGUMENT, "no value of this graph"},
};
enum { MISTAKES = sizeof mistakes / sizeof *mistakes };

START_TEST(first_mistake_is_kept_and_later_calls_do_nothing) {
    struct fv_model *model = NULL;
    struct fv_graph *graph = start(&model);
    struct fv_error error = {0};
    const fv_value planes = fv_graph_input(graph, 4, 4, 4);
    const struct fv_convolution to_tokens = {.weight = "tokens.weight", .to_tokens = true};
    const fv_value tokens = fv_graph_convolution(graph, planes, &to_tokens);
    ck_assert_uint_eq(fv_graph_shape(graph, tokens).channels, 12);
    ck_assert_uint_eq(mistakes[_i].make(graph, planes, tokens), FV_NO_VALUE);
    const fv_value later = fv_graph_linear(graph, planes, "nowhere.weight", NULL);
    ck_assert_uint_eq(later, FV_NO_VALUE);
    ck_assert_uint_eq(fv_graph_shape(graph, later).channels, 0);
    check_failure(fv_graph_finish(graph, planes, &error), &error, mistakes[_i].status, mistakes[_i].message);
    struct fv_session *session = NULL;
    struct fv_error refused = {0};
    check_failure(fv_session_create(graph, NULL, &session, &refused), &refused, FV_ERROR_ARGUMENT, "not finished");
    ck_assert_ptr_null(session);
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

START_TEST(wrong_environment_is_an_error) {
    static const struct { const char *variable, *value; } wrong[] = {{"FOVEA_GEMM", "fast"}, {"FOVEA_ISA", "abacus"}};
    struct fv_model *model = NULL;
    struct fv_graph *graph = start(&model);
    struct fv_error error = {0};
    struct fv_session *session = NULL;
    check_success(fv_graph_finish(graph, fv_graph_input(graph, 4, 4, 4), &error), &error);
    setenv(wrong[_i].variable, wrong[_i].value, 1);
    check_failure(fv_session_create(graph, NULL, &session, &error), &error, FV_ERROR_ARGUMENT, wrong[_i].value);
    unsetenv(wrong[_i].variable); /* for runs with CK_FORK=no, as under valgrind */
    ck_assert_ptr_null(session);
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

static fv_value mean_of(struct fv_graph *graph, fv_value x, const char *weight) {
    return fv_graph_global_mean(graph, fv_graph_convolution(graph, x, &(struct fv_convolution){.weight = weight}));
}

/* The gate's channels lie in blocks of 5 and 3 lanes, those of the input do not: no session may pair them, whether the
 * product stays apart (0) or goes into the convolution that follows (1). */
START_TEST(gate_that_is_a_concatenation_is_refused) {
    struct fv_model *model = NULL;
    struct fv_graph *graph = start(&model);
    struct fv_error error = {0};
    struct fv_session *session = NULL;
    const fv_value x = fv_graph_input(graph, 8, 4, 4);
    const fv_value means[] = {mean_of(graph, x, "five.weight"), mean_of(graph, x, "three.weight")};
    fv_value output = fv_graph_scale(graph, x, fv_graph_concat(graph, means, 2));
    if (_i == 1) {
        output = fv_graph_convolution(graph, output, &(struct fv_convolution){.weight = "point.weight"});
    }
    check_success(fv_graph_finish(graph, output, &error), &error);
    check_failure(fv_session_create(graph, NULL, &session, &error), &error, FV_ERROR_UNSUPPORTED,
                  "after a concatenation");
    ck_assert_ptr_null(session);
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

/* Opens, builds and creates; frees all. */
static enum fv_status whole_start(const char *path, struct fv_threads *threads, struct fv_error *error) {
    struct fv_model *model = NULL;
    struct fv_graph *graph = NULL;
    struct fv_session *session = NULL;
    enum fv_status status = fv_model_open(path, &model, error);
    if (status == FV_OK) {
        status = fv_net_build(model, NULL, &graph, error);
    }
    if (status == FV_OK) {
        status = fv_session_create(graph, &(struct fv_session_options){.threads = threads}, &session, error);
    }
    ck_assert((status == FV_OK) == (session != NULL));
    fv_session_destroy(session);
    fv_graph_destroy(graph);
    fv_model_close(model);
    return status;
}

static const struct {
    const char *net, *gemm;
    size_t threads;
} starts[] = {
    {"swin_two_stages", "own", 1},      {"se_resnext_odd", "own", 1},        {"unet_one_pooling", "own", 1},
    {"swin_two_stages", "own", 3},      {"se_resnext_odd", "own", 2},
#if FOVEA_OPENBLAS
    {"swin_two_stages", "openblas", 1}, {"unet_one_pooling", "openblas", 1},
#endif
};
enum { STARTS = sizeof starts / sizeof *starts };

START_TEST(any_allocation_may_fail) {
    const char *path = "allocation-test.gguf";
    struct fv_error error = {0};
    check_success(random_model_write(catalogue_find(starts[_i].net), path, &error), &error);
    setenv("FOVEA_GEMM", starts[_i].gemm, 1);
    struct fv_threads *threads = NULL;
    check_success(fv_threads_create(starts[_i].threads, &threads, &error), &error);
    long failures = 0;
    enum fv_status status = FV_ERROR_MEMORY;
    for (; status != FV_OK; failures++) {
        struct fv_error failed = {0};
        fv_memory_fail_after(failures);
        status = whole_start(path, threads, &failed);
        fv_memory_fail_after(-1);
        ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY, "allocation %ld: status %s: %s", failures,
                      fv_status_name(status), failed.message);
        ck_assert_int_eq(failed.status, status);
    }
    unlink(path);
    fv_threads_destroy(threads);
    ck_assert_int_gt(failures, 50);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"first_mistake_is_kept_and_later_calls_do_nothing", first_mistake_is_kept_and_later_calls_do_nothing,
         MISTAKES},
        {"wrong_environment_is_an_error", wrong_environment_is_an_error, 2},
        {"gate_that_is_a_concatenation_is_refused", gate_that_is_a_concatenation_is_refused, 2},
        {"any_allocation_may_fail", any_allocation_may_fail, STARTS},
    };
    return check_run("graph", cases, sizeof cases / sizeof *cases);
}
