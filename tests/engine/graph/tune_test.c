/* Which algorithm a session takes: by the model of costs, by measurements, and what fv_tune measures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "fovea/tune.h"

enum { CHANNELS = 64, SIDE = 32, INPUTS = CHANNELS * SIDE * SIDE, OUTPUTS = INPUTS / 16 };

static const char *const transformed = "winograd_3x3_stride_2", *const direct = "indirect_product";

static const struct check_tensor tensors[] = {
    {"wide.weight", 4, {CHANNELS, CHANNELS, 3, 3}, NULL},
    {"again.weight", 4, {CHANNELS, CHANNELS, 3, 3}, NULL},
    {"point.weight", 4, {CHANNELS, CHANNELS, 1, 1}, NULL},
};

struct net {
    struct fv_model *model;
    struct fv_graph *graph;
};

/* Two convolutions of stride 2, which two algorithms accept whatever the instruction set, and one that one refuses. */
static struct net start(void) {
    struct net net = {.model = check_model(tensors, sizeof tensors / sizeof *tensors)};
    struct fv_error error = {0};
    unsetenv("FOVEA_GEMM");
    check_success(fv_graph_create(net.model, &net.graph, &error), &error);
    fv_value x = fv_graph_input(net.graph, CHANNELS, SIDE, SIDE);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        const size_t pad = tensors[i].shape[2] / 2, stride = pad + 1;
        x = fv_graph_convolution(
            net.graph, x,
            &(struct fv_convolution){
                .weight = tensors[i].name, .stride_y = stride, .stride_x = stride, .padding = {pad, pad, pad, pad}});
    }
    check_success(fv_graph_finish(net.graph, x, &error), &error);
    return net;
}

static void end(struct net *net) {
    fv_graph_destroy(net->graph);
    fv_model_close(net->model);
}

static struct fv_session *plan(const struct net *net, const struct fv_measurement *measurements, size_t count) {
    const struct fv_session_options options = {.measurements = measurements, .measurement_count = count};
    struct fv_session *session;
    struct fv_error error = {0};
    check_success(fv_session_create(net->graph, &options, &session, &error), &error);
    return session;
}

static struct fv_node_info node_of(const struct fv_session *session, const char *name) {
    struct fv_node_info node = {.name = ""};
    for (size_t n = 0; strcmp(node.name, name) != 0; n++) {
        ck_assert_uint_lt(n, fv_session_info(session).nodes);
        node = fv_session_node(session, n);
    }
    return node;
}

/* Seconds of the algorithm that the model of costs prefers and of the other, 0: not measured; which is chosen. */
static const struct {
    double preferred, other;
    bool other_chosen;
    const char *reason;
} choices[] = {
    {1e-3, 3e-3, false, "took 3.00 times as long"},
    {3e-3, 1e-3, true, "took 3.00 times as long"},
    {1e-3, 0.98e-3, false, "took 0.98 times as long"},
    {1e-3, 0.96e-3, true, "took 1.04 times as long"},
    {3e-3, 0, false, "would take"},
    {0, 1e-3, false, "would take"},
};
enum { CHOICES = sizeof choices / sizeof *choices };

START_TEST(the_clearly_fastest_is_chosen_if_all_were_measured) {
    struct net net = start();
    struct fv_session *session = plan(&net, NULL, 0);
    const char *preferred = strcmp(node_of(session, "wide").algorithm, direct) == 0 ? direct : transformed;
    const char *other = preferred == direct ? transformed : direct;
    ck_assert_str_eq(node_of(session, "wide").algorithm, preferred);
    const char *again = strcmp(node_of(session, "again").algorithm, direct) == 0 ? direct : transformed;
    fv_session_destroy(session);
    struct fv_measurement measurements[2];
    size_t count = 0;
    if (choices[_i].other > 0) {
        measurements[count++] = (struct fv_measurement){"wide", other, choices[_i].other};
    }
    if (choices[_i].preferred > 0) {
        measurements[count++] = (struct fv_measurement){"wide", preferred, choices[_i].preferred};
    }
    session = plan(&net, measurements, count);
    const struct fv_node_info node = node_of(session, "wide");
    char reason[128];
    ck_assert_str_eq(node.algorithm, choices[_i].other_chosen ? other : preferred);
    snprintf(reason, sizeof reason, "%s: %s", choices[_i].other_chosen ? preferred : other, choices[_i].reason);
    ck_assert_msg(strncmp(node.refusals, reason, strlen(reason)) == 0, "%s", node.refusals);
    ck_assert_str_eq(node_of(session, "again").algorithm, again);
    ck_assert_ptr_nonnull(strstr(node_of(session, "again").refusals, ": would take "));
    ck_assert_ptr_nonnull(strstr(node_of(session, "point").refusals, "winograd_3x3_stride_2: kernel 1 x 1"));
    fv_session_destroy(session);
    end(&net);
}
END_TEST

START_TEST(seconds_that_are_none_are_an_error) {
    static const double wrong[] = {0, -1, NAN, INFINITY};
    struct net net = start();
    const struct fv_measurement measurement = {"wide", transformed, wrong[_i]};
    const struct fv_session_options options = {.measurements = &measurement, .measurement_count = 1};
    struct fv_session *session;
    struct fv_error error = {0};
    check_failure(fv_session_create(net.graph, &options, &session, &error), &error, FV_ERROR_ARGUMENT,
                  "wide by winograd_3x3_stride_2");
    ck_assert_ptr_null(session);
    end(&net);
}
END_TEST

/* How often the pair was measured. */
static size_t times_measured(const struct fv_tuning *tuning, const char *node, const char *algorithm) {
    size_t count = 0;
    for (size_t m = 0; m < tuning->count; m++) {
        ck_assert(tuning->measurements[m].seconds > 0 && tuning->measurements[m].seconds < 10);
        count += strcmp(tuning->measurements[m].node, node) == 0 &&
                 strcmp(tuning->measurements[m].algorithm, algorithm) == 0;
    }
    return count;
}

START_TEST(every_algorithm_of_every_layer_is_measured_once) {
    struct net net = start();
    struct fv_threads *threads = NULL;
    struct fv_tuning tuning;
    struct fv_error error = {0};
    check_success(fv_threads_create((size_t)_i + 1, &threads, &error), &error);
    const struct fv_session_options options = {.threads = threads};
    check_success(fv_tune(net.graph, &options, 0, &tuning, &error), &error);
    ck_assert_uint_eq(tuning.count, 4);
    ck_assert_uint_eq(times_measured(&tuning, "wide", transformed), 1);
    ck_assert_uint_eq(times_measured(&tuning, "wide", direct), 1);
    ck_assert_uint_eq(times_measured(&tuning, "again", transformed), 1);
    ck_assert_uint_eq(times_measured(&tuning, "again", direct), 1);
    fv_tuning_clear(&tuning);
    ck_assert_uint_eq(tuning.count, 0);
    fv_threads_destroy(threads);
    end(&net);
}
END_TEST

START_TEST(direct_sums_alone_leave_nothing_to_measure) {
    struct net net = start();
    struct fv_tuning tuning;
    struct fv_error error = {0};
    check_success(fv_tune(net.graph, &(struct fv_session_options){.exact = true}, 0, &tuning, &error), &error);
    ck_assert_uint_eq(tuning.count, 0);
    fv_tuning_clear(&tuning);
    end(&net);
}
END_TEST

static float *run(const struct net *net, const char *algorithm) {
    const struct fv_measurement measurements[] = {{"wide", algorithm, 1},
                                                  {"wide", algorithm == direct ? transformed : direct, 2},
                                                  {"again", algorithm, 1},
                                                  {"again", algorithm == direct ? transformed : direct, 2}};
    struct fv_session *session = plan(net, measurements, 4);
    ck_assert_str_eq(node_of(session, "again").algorithm, algorithm);
    float *input = check_allocate(INPUTS, sizeof *input), *output = check_allocate(OUTPUTS, sizeof *output);
    for (size_t i = 0; i < INPUTS; i++) {
        input[i] = (float)(i * 7919 % 1009) / 1009 - 0.5F;
    }
    fv_session_run(session, input, output);
    fv_session_destroy(session);
    free(input);
    return output;
}

/* Each layer rounds at most 1.6 times as much as the direct sum, some 4e-7 of its range; three layers, two results. */
START_TEST(every_choice_computes_the_same) {
    struct net net = start();
    float *one = run(&net, direct), *other = run(&net, transformed);
    double range = 0, difference = 0;
    for (size_t i = 0; i < OUTPUTS; i++) {
        range = fmax(range, fabs((double)one[i]));
        difference = fmax(difference, fabs((double)one[i] - (double)other[i]));
    }
    ck_assert(difference > 0);
    ck_assert_msg(difference <= 1e-5 * range, "%g of %g", difference, range);
    free(one);
    free(other);
    end(&net);
}
END_TEST

START_TEST(any_allocation_may_fail) {
    struct net net = start();
    long failures = 0;
    enum fv_status status = FV_ERROR_MEMORY;
    for (; status != FV_OK; failures++) {
        struct fv_error error = {0};
        struct fv_tuning tuning;
        fv_memory_fail_after(failures);
        status = fv_tune(net.graph, NULL, 0, &tuning, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || (status == FV_ERROR_MEMORY && tuning.count == 0 && tuning.measurements == NULL));
        ck_assert_int_eq(error.status, status);
        fv_tuning_clear(&tuning);
    }
    ck_assert_int_gt(failures, 50);
    end(&net);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"the_clearly_fastest_is_chosen_if_all_were_measured", the_clearly_fastest_is_chosen_if_all_were_measured,
         CHOICES},
        {"seconds_that_are_none_are_an_error", seconds_that_are_none_are_an_error, 4},
        {"every_algorithm_of_every_layer_is_measured_once", every_algorithm_of_every_layer_is_measured_once, 2},
        {"direct_sums_alone_leave_nothing_to_measure", direct_sums_alone_leave_nothing_to_measure, 0},
        {"every_choice_computes_the_same", every_choice_computes_the_same, 0},
        {"any_allocation_may_fail", any_allocation_may_fail, 0},
    };
    return check_run("tune", cases, sizeof cases / sizeof *cases);
}
