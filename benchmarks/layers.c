/* The layers of the published nets, one by one. */
#include "layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalogue.h"
#include "fovea/machine.h"
#include "fovea/memory.h"
#include "fovea/nets.h"
#include "graph/session.h"
#include "timing.h"

enum { TEXT_SIZE = 128, PASSES = 3 };

static const double PEAK_SECONDS = 0.3;

/* A net, ready to run. */
struct net {
    struct fv_model *model;
    struct fv_session *session;
    struct fv_session_info info;
    struct fv_machine_peak peak;
    double pass; /* seconds */
};

struct layer {
    char text[TEXT_SIZE]; /* all that makes it distinct but its operation and algorithm */
    size_t node, count;
};

static enum fv_status open_net(const struct model_description *description, bool exact, struct net *net,
                               struct fv_error *error) {
    const char *folder = getenv("TMPDIR");
    char path[1024];
    struct fv_graph *graph = NULL;
    snprintf(path, sizeof path, "%s/fovea-bench-%ld.gguf", folder != NULL ? folder : "/tmp", (long)getpid());
    enum fv_status status = random_model_write(description, path, error);
    status = status != FV_OK ? status : fv_model_open(path, &net->model, error);
    unlink(path);
    status = status != FV_OK ? status : fv_net_build(net->model, NULL, &graph, error);
    if (status == FV_OK) {
        status = fv_session_create(graph, &(struct fv_session_options){.exact = exact}, &net->session, error);
    }
    fv_graph_destroy(graph);
    return status;
}

static size_t floats_of(struct fv_shape shape) {
    return shape.channels * shape.height * shape.width;
}

static void time_pass(struct net *net) {
    float *input = bench_random_floats(floats_of(fv_session_input_shape(net->session)));
    float *output = bench_random_floats(floats_of(fv_session_output_shape(net->session)));
    net->pass = 1e30;
    for (int i = 0; i <= PASSES; i++) {
        const double start = bench_now();
        fv_session_run(net->session, input, output);
        const double time = bench_now() - start;
        net->pass = i > 0 && time < net->pass ? time : net->pass;
    }
    fv_release(input);
    fv_release(output);
}

static void append_shape(char *text, struct fv_shape shape) {
    const size_t used = strlen(text);
    if (shape.kind == FV_TOKENS) {
        snprintf(text + used, TEXT_SIZE - used, "[%zu][%zu]", shape.height * shape.width, shape.channels);
    } else {
        snprintf(text + used, TEXT_SIZE - used, "%zux%zux%zu", shape.channels, shape.height, shape.width);
    }
}

static void append_number(char *text, const char *name, size_t number) {
    const size_t used = strlen(text);
    snprintf(text + used, TEXT_SIZE - used, "%s%zu", name, number);
}

static void append_options(char *text, const struct fv_node *node) {
    const union fv_options *options = &node->options;
    if (node->operation == &fv_operator_convolution || node->operation == &fv_operator_transposed_convolution) {
        append_number(text, " kernel ", options->convolution.kernel_y);
        append_number(text, "x", options->convolution.kernel_x);
        append_number(text, " stride ", options->convolution.stride_y);
        if (options->convolution.groups > 1) {
            append_number(text, " groups ", options->convolution.groups);
        }
    } else if (node->operation == &fv_operator_max_pool || node->operation == &fv_operator_average_pool) {
        append_number(text, " kernel ", options->pool.kernel_y);
        append_number(text, " stride ", options->pool.stride_y);
    } else if (node->operation == &fv_operator_window_attention) {
        append_number(text, " heads ", options->attention.heads);
        append_number(text, " window ", options->attention.window);
        append_number(text, " shift ", options->attention.shift);
    }
}

static void describe(const struct fv_session *session, const struct fv_node *node, char text[TEXT_SIZE]) {
    static const char *const activations[] = {
        [FV_ACTIVATION_NONE] = "",      [FV_ACTIVATION_RELU] = " relu",       [FV_ACTIVATION_LEAKY_RELU] = " leaky",
        [FV_ACTIVATION_SILU] = " silu", [FV_ACTIVATION_SIGMOID] = " sigmoid", [FV_ACTIVATION_GELU] = " gelu"};
    text[0] = '\0';
    append_shape(text, session->views[node->inputs[0]].shape);
    strcat(text, " > ");
    append_shape(text, session->views[node->output].shape);
    append_options(text, node);
    const size_t used = strlen(text);
    snprintf(text + used, TEXT_SIZE - used, "%s%s", node->residual != FV_NO_VALUE ? " +residual" : "",
             activations[node->activation]);
}

/* The distinct layers in the order of the plan; `layers` has room for every node. */
static size_t find_layers(const struct fv_session *session, struct layer *layers) {
    size_t count = 0;
    for (size_t n = 0; n < session->node_count; n++) {
        const struct fv_node *node = &session->nodes[n];
        if (node->algorithm == NULL) {
            continue;
        }
        struct layer layer = {.node = n, .count = 1};
        describe(session, node, layer.text);
        size_t same = 0;
        while (same < count && (session->nodes[layers[same].node].algorithm != node->algorithm ||
                                session->nodes[layers[same].node].operation != node->operation ||
                                strcmp(layers[same].text, layer.text) != 0)) {
            same++;
        }
        if (same < count) {
            layers[same].count++;
        } else {
            layers[count++] = layer;
        }
    }
    return count;
}

static void fill_value(const struct fv_session *session, fv_value value) {
    const struct fv_view *view = &session->views[value];
    const size_t pixels = fv_pixels(view->shape);
    for (size_t b = 0; b < view->blocks; b++) {
        bench_fill(view->block[b],
                   pixels * (view->shape.kind == FV_TOKENS ? view->stride : session->context.kernels->width));
    }
}

/* Fills what the node reads, so that no time depends on what other nodes left there. */
static void fill_inputs(const struct fv_session *session, const struct fv_node *node) {
    for (size_t i = 0; i < node->input_count; i++) {
        fill_value(session, node->inputs[i]);
    }
    if (node->residual != FV_NO_VALUE) {
        fill_value(session, node->residual);
    }
    if (node->gate != FV_NO_VALUE) {
        fill_value(session, node->gate);
    }
}

/* Seconds of the fastest run. A node that works in place gets its input anew each time, lest it drift away. */
static double best_time(const struct fv_session *session, size_t index) {
    const struct fv_node *node = &session->nodes[index];
    const bool in_place = session->storage[node->output] == session->storage[node->inputs[0]];
    fill_inputs(session, node);
    fv_session_run_node(session, index);
    const double end = bench_now() + bench_seconds;
    double best = 1e30;
    for (int runs = 0; runs < PASSES || bench_now() < end; runs++) {
        if (in_place) {
            fill_value(session, node->inputs[0]);
        }
        const double start = bench_now();
        fv_session_run_node(session, index);
        const double time = bench_now() - start;
        best = time < best ? time : best;
    }
    return best;
}

/* OpenBLAS on the same product, if the layer is one of a matrix with a matrix; else 0. */
static double openblas_rate(const struct fv_session *session, const struct fv_node *node) {
    const struct fv_shape input = session->views[node->inputs[0]].shape, output = session->views[node->output].shape;
    const bool pointwise = node->operation == &fv_operator_convolution && node->options.convolution.kernel_y == 1 &&
                           node->options.convolution.kernel_x == 1 && node->options.convolution.groups <= 1;
    if (node->operation != &fv_operator_linear && !pointwise) {
        return 0;
    }
    return bench_openblas_rate(fv_pixels(output), output.channels, input.channels);
}

static double print_layer(const struct net *net, const struct layer *layer) {
    const struct fv_node_info node = fv_session_node(net->session, layer->node);
    const double time = best_time(net->session, layer->node), sum = time * (double)layer->count;
    const double rate = 2 * node.multiply_adds / time;
    const double openblas = openblas_rate(net->session, &net->session->nodes[layer->node]);
    printf("%4zu %-22s %-20s %-62s %9.4f %6.1f %8.2f %6.1f %7.2f", layer->count, node.operation, node.algorithm,
           layer->text, 1e3 * time, 100 * sum / net->pass, 1e-9 * rate, 100 * rate / net->peak.flops,
           1e-9 * (double)node.bytes / time);
    if (openblas > 0) {
        printf(" %8.2f %6.1f", 1e-9 * openblas, 100 * openblas / net->peak.flops);
    }
    putchar('\n');
    return sum;
}

static enum fv_status bench_net(const struct model_description *description, bool exact, struct fv_error *error) {
    struct net net = {0};
    struct layer *layers = NULL;
    enum fv_status status = open_net(description, exact, &net, error);
    if (status == FV_OK) {
        net.info = fv_session_info(net.session);
        status = fv_machine_measure(net.info.isa, PEAK_SECONDS, &net.peak, error);
    }
    if (status == FV_OK && (layers = fv_allocate_zero(net.info.nodes, sizeof *layers)) == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu layers", net.info.nodes);
    }
    if (status == FV_OK) {
        time_pass(&net);
        const size_t count = find_layers(net.session, layers);
        printf("\n%s: %s, one thread, pass %.3f ms, peak %.1f GFLOP/s, memory %.1f GB/s\n", description->name,
               fv_isa_name(net.info.isa), 1e3 * net.pass, 1e-9 * net.peak.flops, 1e-9 * net.peak.bytes_per_second);
        printf("%4s %-22s %-20s %-62s %9s %6s %8s %6s %7s %8s %6s\n", "n", "operation", "algorithm", "shapes", "ms",
               "pass %", "GFLOP/s", "peak %", "GB/s", "OpenBLAS", "peak %");
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += print_layer(&net, &layers[i]);
            fflush(stdout);
        }
        printf("all layers, each n times: %.3f ms, %.1f %% of the pass\n", 1e3 * sum, 100 * sum / net.pass);
    }
    fv_release(layers);
    fv_session_destroy(net.session);
    fv_model_close(net.model);
    return status;
}

/* Net `description`, or a message and false. */
static bool bench_one(const struct model_description *description, bool exact) {
    struct fv_error error;
    if (bench_net(description, exact, &error) != FV_OK) {
        fprintf(stderr, "fovea-bench-kernels: %s: %s\n", description->name, error.message);
        return false;
    }
    return true;
}

bool bench_layers(const char *names, bool exact) {
    if (strcmp(names, "all") == 0) {
        const struct model_description *net = catalogue_full;
        while (net->name != NULL && bench_one(net, exact)) {
            net++;
        }
        return net->name == NULL;
    }
    while (names[0] != '\0') {
        char name[64];
        const size_t length = strcspn(names, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, names);
        const struct model_description *net = catalogue_find(name);
        if (net == NULL) {
            fprintf(stderr, "fovea-bench-kernels: no net is named %s\n", name);
            return false;
        }
        if (!bench_one(net, exact)) {
            return false;
        }
        names += length + (names[length] == ',' ? 1 : 0);
    }
    return true;
}
