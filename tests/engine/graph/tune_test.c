/* Which algorithm a session takes: by the model of costs, by measurements, and what fv_tune measures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "fovea/tune.h"

enum { CHANNELS = 64, SIDE = 16, VALUES = CHANNELS * SIDE * SIDE };

static const struct check_tensor tensors[] = {
    {"wide.weight", 4, {CHANNELS, CHANNELS, 3, 3}, NULL},
    {"again.weight", 4, {CHANNELS, CHANNELS, 3, 3}, NULL},
    {"point.weight", 4, {CHANNELS, CHANNELS, 1, 1}, NULL},
};

struct net {
    struct fv_model *model;
    struct fv_graph *graph;
};

/* Two convolutions that Winograd's algorithms accept, and one that they refuse. */
static struct net start(void) {
    struct net net = {.model = check_model(tensors, sizeof tensors / sizeof *tensors)};
    struct fv_error error = {0};
    unsetenv("FOVEA_GEMM");
    check_success(fv_graph_create(net.model, &net.graph, &error), &error);
    fv_value x = fv_graph_input(net.graph, CHANNELS, SIDE, SIDE);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        const size_t pad = tensors[i].shape[2] / 2;
        x = fv_graph_convolution(net.graph, x,
                                 &(struct fv_convolution){.weight = tensors[i].name, .padding = {pad, pad, pad, pad}});
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

/* Seconds of wide by F(4x4), F(2x2) and the direct sum, 0: not measured; what is chosen. The model prefers F(4x4). */
static const struct {
    double large, small, direct;
    const char *chosen, *reason;
} choices[] = {
    {1e-3, 2e-3, 3e-3, "winograd_4x4", "indirect_product: took 3.00 times as long"},
    {3e-3, 2e-3, 1e-3, "indirect_product", "winograd_4x4: took 3.00 times as long"},
    {3e-3, 1e-3, 2e-3, "winograd_2x2", "indirect_product: took 2.00 times as long"},
    {1e-3, 0.98e-3, 2e-3, "winograd_4x4", "winograd_2x2: took 0.98 times as long"},
    {1e-3, 0.96e-3, 2e-3, "winograd_2x2", "winograd_4x4: took 1.04 times as long"},
    {3e-3, 0, 1e-3, "winograd_4x4", "winograd_2x2: would take"},
};
enum { CHOICES = sizeof choices / sizeof *choices };

START_TEST(the_clearly_fastest_is_chosen_if_all_were_measured) {
    struct net net = start();
    struct fv_measurement measurements[3];
    size_t count = 0;
    const double seconds[] = {choices[_i].direct, choices[_i].small, choices[_i].large};
    const char *const names[] = {"indirect_product", "winograd_2x2", "winograd_4x4"};
    for (size_t i = 0; i < 3; i++) {
        if (seconds[i] > 0) {
            measurements[count++] = (struct fv_measurement){"wide", names[i], seconds[i]};
        }
    }
    struct fv_session *session = plan(&net, measurements, count);
    const struct fv_node_info node = node_of(session, "wide"), other = node_of(session, "again");
    ck_assert_str_eq(node.algorithm, choices[_i].chosen);
    ck_assert_msg(strstr(node.refusals, choices[_i].reason) != NULL, "%s", node.refusals);
    ck_assert_str_eq(other.algorithm, "winograd_4x4");
    ck_assert_ptr_nonnull(strstr(other.refusals, "indirect_product: would take "));
    ck_assert_ptr_nonnull(strstr(node_of(session, "point").refusals, "winograd_2x2: kernel 1 x 1"));
    fv_session_destroy(session);
    end(&net);
}
END_TEST

START_TEST(seconds_that_are_none_are_an_error) {
    static const double wrong[] = {0, -1, NAN, INFINITY};
    struct net net = start();
    const struct fv_measurement measurement = {"wide", "winograd_2x2", wrong[_i]};
    const struct fv_session_options options = {.measurements = &measurement, .measurement_count = 1};
    struct fv_session *session;
    struct fv_error error = {0};
    check_failure(fv_session_create(net.graph, &options, &session, &error), &error, FV_ERROR_ARGUMENT,
                  "wide by winograd_2x2");
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
    ck_assert_uint_eq(tuning.count, 6);
    ck_assert_uint_eq(times_measured(&tuning, "wide", "winograd_4x4"), 1);
    ck_assert_uint_eq(times_measured(&tuning, "wide", "winograd_2x2"), 1);
    ck_assert_uint_eq(times_measured(&tuning, "wide", "indirect_product"), 1);
    ck_assert_uint_eq(times_measured(&tuning, "again", "indirect_product"), 1);
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
    const char *const names[] = {"winograd_4x4", "winograd_2x2", "indirect_product"};
    struct fv_measurement measurements[6];
    for (size_t i = 0; i < 6; i++) {
        const double seconds = strcmp(names[i % 3], algorithm) == 0 ? 1 : 2;
        measurements[i] = (struct fv_measurement){i < 3 ? "wide" : "again", names[i % 3], seconds};
    }
    struct fv_session *session = plan(net, measurements, 6);
    ck_assert_str_eq(node_of(session, "again").algorithm, algorithm);
    float *input = check_allocate(VALUES, sizeof *input), *output = check_allocate(VALUES, sizeof *output);
    for (size_t i = 0; i < VALUES; i++) {
        input[i] = (float)(i * 7919 % 1009) / 1009 - 0.5F;
    }
    fv_session_run(session, input, output);
    fv_session_destroy(session);
    free(input);
    return output;
}

/* Each layer rounds at most 1.6 times as much as the direct sum, some 4e-7 of its range; three layers, two results. */
START_TEST(every_choice_computes_the_same) {
    static const char *const others[] = {"winograd_4x4", "winograd_2x2"};
    struct net net = start();
    float *direct = run(&net, "indirect_product"), *other = run(&net, others[_i]);
    double range = 0, difference = 0;
    for (size_t i = 0; i < VALUES; i++) {
        range = fmax(range, fabs((double)direct[i]));
        difference = fmax(difference, fabs((double)direct[i] - (double)other[i]));
    }
    ck_assert(difference > 0);
    ck_assert_msg(difference <= 1e-5 * range, "%g of %g", difference, range);
    free(direct);
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
        {"every_choice_computes_the_same", every_choice_computes_the_same, 2},
        {"any_allocation_may_fail", any_allocation_may_fail, 0},
    };
    return check_run("tune", cases, sizeof cases / sizeof *cases);
}
