/* The nets whose layers are measured. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalogue.h"
#include "fovea/memory.h"
#include "fovea/nets.h"

static const double PEAK_SECONDS = 0.3;

static enum fv_status open_net(const struct model_description *description, struct bench_net *net,
                               struct fv_error *error) {
    const char *folder = getenv("TMPDIR");
    char path[1024];
    snprintf(path, sizeof path, "%s/fovea-bench-%ld.gguf", folder != NULL ? folder : "/tmp", (long)getpid());
    *net = (struct bench_net){.name = description->name};
    enum fv_status status = random_model_write(description, path, error);
    status = status != FV_OK ? status : fv_model_open(path, &net->model, error);
    unlink(path);
    return status != FV_OK ? status : fv_net_build(net->model, NULL, &net->graph, error);
}

static void append_shape(char *text, struct fv_shape shape) {
    const size_t used = strlen(text);
    if (shape.kind == FV_TOKENS) {
        snprintf(text + used, BENCH_LAYER_TEXT - used, "[%zu][%zu]", shape.height * shape.width, shape.channels);
    } else {
        snprintf(text + used, BENCH_LAYER_TEXT - used, "%zux%zux%zu", shape.channels, shape.height, shape.width);
    }
}

static void append_number(char *text, const char *name, size_t number) {
    const size_t used = strlen(text);
    snprintf(text + used, BENCH_LAYER_TEXT - used, "%s%zu", name, number);
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

static void describe(const struct fv_session *session, const struct fv_node *node, char text[BENCH_LAYER_TEXT]) {
    static const char *const activations[] = {
        [FV_ACTIVATION_NONE] = "",      [FV_ACTIVATION_RELU] = " relu",       [FV_ACTIVATION_LEAKY_RELU] = " leaky",
        [FV_ACTIVATION_SILU] = " silu", [FV_ACTIVATION_SIGMOID] = " sigmoid", [FV_ACTIVATION_GELU] = " gelu"};
    text[0] = '\0';
    append_shape(text, session->views[node->inputs[0]].shape);
    strcat(text, " > ");
    append_shape(text, session->views[node->output].shape);
    append_options(text, node);
    const size_t used = strlen(text);
    snprintf(text + used, BENCH_LAYER_TEXT - used, "%s%s", node->residual != FV_NO_VALUE ? " +residual" : "",
             activations[node->activation]);
}

/* The distinct layers in the order of the plan. */
static void find_layers(struct bench_net *net) {
    const struct fv_session *session = net->session;
    for (size_t n = 0; n < session->node_count; n++) {
        const struct fv_node *node = &session->nodes[n];
        if (node->algorithm == NULL) {
            continue;
        }
        struct bench_layer layer = {.node = n, .count = 1};
        describe(session, node, layer.text);
        size_t same = 0;
        while (same < net->layer_count && (session->nodes[net->layers[same].node].algorithm != node->algorithm ||
                                           session->nodes[net->layers[same].node].operation != node->operation ||
                                           strcmp(net->layers[same].text, layer.text) != 0)) {
            same++;
        }
        if (same < net->layer_count) {
            net->layers[same].count++;
        } else {
            net->layers[net->layer_count++] = layer;
        }
    }
}

enum fv_status bench_net_plan(struct bench_net *net, const struct fv_session_options *options, struct fv_error *error) {
    enum fv_status status = fv_session_create(net->graph, options, &net->session, error);
    if (status == FV_OK) {
        net->info = fv_session_info(net->session);
        status = fv_machine_measure(net->info.isa, PEAK_SECONDS, &net->peak, error);
    }
    if (status == FV_OK && (net->layers = fv_allocate_zero(net->info.nodes, sizeof *net->layers)) == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu layers", net->info.nodes);
    }
    if (status == FV_OK) {
        find_layers(net);
    }
    return status;
}

static void close_net(struct bench_net *net) {
    fv_release(net->layers);
    fv_session_destroy(net->session);
    fv_graph_destroy(net->graph);
    fv_model_close(net->model);
}

/* Measures net `description`, or prints a message and returns false. */
static bool measure_one(const struct model_description *description, bench_net_function measure) {
    struct fv_error error;
    struct bench_net net;
    enum fv_status status = open_net(description, &net, &error);
    status = status != FV_OK ? status : measure(&net, &error);
    close_net(&net);
    if (status != FV_OK) {
        fprintf(stderr, "fovea-bench-kernels: %s: %s\n", description->name, error.message);
    }
    return status == FV_OK;
}

bool bench_each_net(const char *names, bench_net_function measure) {
    if (strcmp(names, "all") == 0) {
        const struct model_description *net = catalogue_full;
        while (net->name != NULL && measure_one(net, measure)) {
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
        if (!measure_one(net, measure)) {
            return false;
        }
        names += length + (names[length] == ',' ? 1 : 0);
    }
    return true;
}
