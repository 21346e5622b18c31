/* Building a graph: nodes, values, sticky errors. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "fovea/text.h"
#include "graph/internal.h"

enum fv_status fv_graph_create(const struct fv_model *model, struct fv_graph **graph, struct fv_error *error) {
    *graph = fv_allocate_zero(1, sizeof **graph);
    if (*graph == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a graph");
    }
    (*graph)->model = model;
    (*graph)->output = FV_NO_VALUE;
    return FV_OK;
}

void fv_graph_destroy(struct fv_graph *graph) {
    if (graph != NULL) {
        for (size_t n = 0; n < graph->node_count; n++) {
            fv_release(graph->nodes[n].name);
        }
        fv_names_clear(&graph->names);
        fv_release(graph->nodes);
        fv_release(graph->shapes);
        fv_release(graph);
    }
}

void fv_graph_fail(struct fv_graph *graph, enum fv_status status, const char *format, ...) {
    if (graph->failure.status == FV_OK) {
        va_list arguments;
        va_start(arguments, format);
        fv_error_set_list(&graph->failure, status, format, arguments);
        va_end(arguments);
    }
}

void fv_graph_prefix(struct fv_graph *graph, const char *prefix) {
    if (snprintf(graph->prefix, sizeof graph->prefix, "%s", prefix) >= (int)sizeof graph->prefix) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "prefix %s is longer than %d bytes", prefix, FV_NAME_SIZE - 1);
    }
}

void fv_graph_scope(struct fv_graph *graph, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(graph->scope, sizeof graph->scope, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof graph->scope) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "scope %s... is longer than %d bytes", graph->scope, FV_NAME_SIZE - 1);
    }
}

struct fv_shape fv_graph_shape(const struct fv_graph *graph, fv_value value) {
    return value < graph->node_count ? graph->shapes[value] : (struct fv_shape){0};
}

/* Makes room for one more node. */
static bool grow(struct fv_graph *graph) {
    if (graph->node_count < graph->node_capacity) {
        return true;
    }
    const size_t capacity = graph->node_capacity == 0 ? 64 : 2 * graph->node_capacity;
    struct fv_node *nodes = fv_reallocate(graph->nodes, graph->node_capacity, capacity, sizeof *nodes);
    if (nodes != NULL) {
        graph->nodes = nodes;
    }
    struct fv_shape *shapes = fv_reallocate(graph->shapes, graph->node_capacity, capacity, sizeof *shapes);
    if (shapes != NULL) {
        graph->shapes = shapes;
    }
    if (nodes == NULL || shapes == NULL) {
        fv_graph_fail(graph, FV_ERROR_MEMORY, "out of memory for %zu nodes", capacity);
        return false;
    }
    graph->node_capacity = capacity;
    return true;
}

/* Gives the node `name`, or, if an earlier one has that already, the first free of NAME_1, NAME_2, ... */
static bool set_name(struct fv_graph *graph, struct fv_node *node, const char *name) {
    node->name = fv_duplicate(name);
    for (size_t number = 1; node->name != NULL && fv_names_find(&graph->names, node->name, NULL); number++) {
        fv_release(node->name);
        node->name = fv_text_format("%s_%zu", name, number);
    }
    if (node->name == NULL || !fv_names_add(&graph->names, node->name, graph->node_count)) {
        fv_graph_fail(graph, FV_ERROR_MEMORY, "out of memory for a name");
        fv_release(node->name);
        return false;
    }
    return true;
}

/* A node with its inputs checked; NULL after a failure, this one's or an earlier one's. */
static struct fv_node *start_named(struct fv_graph *graph, const struct fv_operator *operation, const char *name,
                                   const fv_value *inputs, size_t input_count) {
    if (graph->failure.status != FV_OK || !grow(graph)) {
        return NULL;
    }
    for (size_t i = 0; i < input_count; i++) {
        if (inputs[i] >= graph->node_count) {
            fv_graph_fail(graph, FV_ERROR_ARGUMENT, "%s: %s: input %zu is no value of this graph", graph->scope,
                          operation->name, i);
            return NULL;
        }
    }
    struct fv_node *node = &graph->nodes[graph->node_count];
    *node = (struct fv_node){
        .operation = operation, .input_count = input_count, .residual = FV_NO_VALUE, .gate = FV_NO_VALUE};
    for (size_t i = 0; i < input_count; i++) {
        node->inputs[i] = inputs[i];
    }
    node->output = (fv_value)graph->node_count;
    return set_name(graph, node, name) ? node : NULL;
}

/* An operation without parameters of its own, which the scope and `leaf` name. */
static struct fv_node *start(struct fv_graph *graph, const struct fv_operator *operation, const char *leaf,
                             const fv_value *inputs, size_t input_count) {
    char name[2 * FV_NAME_SIZE];
    snprintf(name, sizeof name, "%s%s%s", graph->scope, graph->scope[0] != '\0' ? "." : "", leaf);
    return start_named(graph, operation, name, inputs, input_count);
}

/* An operation with parameters, which has the name of the module that holds them: `key` without its ".weight". */
static struct fv_node *start_module(struct fv_graph *graph, const struct fv_operator *operation, const char *key,
                                    fv_value input) {
    static const char suffix[] = ".weight";
    char name[FV_NAME_SIZE];
    snprintf(name, sizeof name, "%s", key);
    const size_t length = strlen(name), cut = sizeof suffix - 1;
    if (length > cut && strcmp(name + length - cut, suffix) == 0) {
        name[length - cut] = '\0';
    }
    return start_named(graph, operation, name, &input, 1);
}

/* Adds a started node with the shape of its result. */
static fv_value finish(struct fv_graph *graph, struct fv_node *node, struct fv_shape shape) {
    graph->shapes[graph->node_count++] = shape;
    if (graph->failure.status != FV_OK) {
        return FV_NO_VALUE;
    }
    return node->output;
}

/* The tensor prefix + `key` + `suffix`; NULL and a failure if it is missing or not of `rank` and shape (0 fits all). */
static const struct fv_tensor *tensor(struct fv_graph *graph, const char *key, const char *suffix, uint32_t rank,
                                      const size_t *shape) {
    char name[3 * FV_NAME_SIZE];
    snprintf(name, sizeof name, "%s%s%s", graph->prefix, key, suffix);
    const struct fv_tensor *found = fv_model_tensor(graph->model, name);
    if (found == NULL) {
        fv_graph_fail(graph, FV_ERROR_MODEL, "%s: tensor %s is missing", fv_model_path(graph->model), name);
        return NULL;
    }
    bool fits = found->rank == rank;
    for (uint32_t i = 0; fits && i < rank; i++) {
        fits = shape[i] == 0 ? found->shape[i] > 0 : found->shape[i] == shape[i];
    }
    if (!fits) {
        char expected[96] = "", actual[96] = "";
        for (uint32_t i = 0; i < rank; i++) {
            const size_t used = strlen(expected);
            shape[i] == 0 ? snprintf(expected + used, sizeof expected - used, "%s?", i != 0 ? ", " : "")
                          : snprintf(expected + used, sizeof expected - used, "%s%zu", i != 0 ? ", " : "", shape[i]);
        }
        for (uint32_t i = 0; i < found->rank; i++) {
            const size_t used = strlen(actual);
            snprintf(actual + used, sizeof actual - used, "%s%zu", i != 0 ? ", " : "", found->shape[i]);
        }
        fv_graph_fail(graph, FV_ERROR_MODEL, "%s: tensor %s has shape [%s], expected [%s]", fv_model_path(graph->model),
                      name, actual, expected);
        return NULL;
    }
    return found;
}

static const struct fv_tensor *vector(struct fv_graph *graph, const char *key, const char *suffix, size_t length) {
    return tensor(graph, key, suffix, 1, &length);
}

fv_value fv_graph_input(struct fv_graph *graph, size_t channels, size_t height, size_t width) {
    if (channels == 0 || height == 0 || width == 0 || graph->node_count != 0) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "input of %zu x %zu x %zu: expected sizes above 0 and one input, first",
                      channels, height, width);
    }
    struct fv_node *node = start(graph, &fv_operator_input, "input", NULL, 0);
    return node == NULL ? FV_NO_VALUE : finish(graph, node, (struct fv_shape){FV_PLANES, channels, height, width});
}

static size_t or_one(size_t value) {
    return value != 0 ? value : 1;
}

/* The parts that convolution and transposed convolution share. */
static struct fv_node *start_convolution(struct fv_graph *graph, const struct fv_operator *operation, fv_value input,
                                         const char *weight, const char *bias, const size_t shape[4]) {
    struct fv_node *node = start_module(graph, operation, weight, input);
    if (node == NULL) {
        return NULL;
    }
    if (graph->shapes[input].kind != FV_PLANES) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "%s: the input is no planes", node->name);
    }
    node->weight = tensor(graph, weight, "", 4, shape);
    if (node->weight != NULL && bias != NULL) {
        node->bias = vector(graph, bias, "", node->weight->shape[operation == &fv_operator_convolution ? 0 : 1]);
    }
    if (node->weight != NULL) {
        node->options.convolution.kernel_y = node->weight->shape[2];
        node->options.convolution.kernel_x = node->weight->shape[3];
    }
    return node;
}

fv_value fv_graph_convolution(struct fv_graph *graph, fv_value input, const struct fv_convolution *options) {
    const size_t groups = or_one(options->groups);
    const struct fv_shape from = fv_graph_shape(graph, input);
    if (from.channels % groups != 0) {
        fv_graph_fail(graph, FV_ERROR_MODEL, "%s: %zu channels do not divide into %zu groups", options->weight,
                      from.channels, groups);
    }
    const size_t shape[4] = {0, from.channels / groups, 0, 0};
    struct fv_node *node =
        start_convolution(graph, &fv_operator_convolution, input, options->weight, options->bias, shape);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    node->options.convolution.stride_y = or_one(options->stride_y);
    node->options.convolution.stride_x = or_one(options->stride_x);
    node->options.convolution.padding = options->padding;
    node->options.convolution.groups = groups;
    struct fv_shape result = {0};
    if (node->weight != NULL) {
        if (node->weight->shape[0] % groups != 0) {
            fv_graph_fail(graph, FV_ERROR_MODEL, "%s: %zu outputs do not divide into %zu groups", node->name,
                          node->weight->shape[0], groups);
        } else {
            struct fv_error error = {0};
            if (fv_convolution_shape(node, from, options->to_tokens, &result, &error) != FV_OK) {
                fv_graph_fail(graph, error.status, "%s", error.message);
            }
        }
        node->multiply_adds = (double)fv_pixels(result) * (double)node->weight->elements;
    }
    return finish(graph, node, result);
}

fv_value fv_graph_transposed_convolution(struct fv_graph *graph, fv_value input,
                                         const struct fv_transposed_convolution *options) {
    const struct fv_shape from = fv_graph_shape(graph, input);
    const size_t shape[4] = {from.channels, 0, 0, 0};
    struct fv_node *node =
        start_convolution(graph, &fv_operator_transposed_convolution, input, options->weight, options->bias, shape);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    struct fv_shape result = from;
    if (node->weight != NULL) {
        const size_t *kernel = &node->weight->shape[2];
        if (kernel[0] != or_one(options->stride_y) || kernel[1] != or_one(options->stride_x)) {
            fv_graph_fail(graph, FV_ERROR_UNSUPPORTED,
                          "%s: kernel %zu x %zu with stride %zu x %zu, expected them equal", node->name, kernel[0],
                          kernel[1], or_one(options->stride_y), or_one(options->stride_x));
        }
        result = (struct fv_shape){FV_PLANES, node->weight->shape[1], from.height * kernel[0], from.width * kernel[1]};
        node->options.convolution.stride_y = kernel[0];
        node->options.convolution.stride_x = kernel[1];
        node->options.convolution.groups = 1;
        node->multiply_adds = (double)fv_pixels(from) * (double)node->weight->elements;
    }
    return finish(graph, node, result);
}

fv_value fv_graph_linear(struct fv_graph *graph, fv_value input, const char *weight, const char *bias) {
    const struct fv_shape from = fv_graph_shape(graph, input);
    struct fv_node *node = start_module(graph, &fv_operator_linear, weight, input);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    if (from.kind == FV_PLANES && fv_pixels(from) != 1) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "%s: planes of %zu x %zu, expected 1 x 1 or tokens", node->name,
                      from.height, from.width);
    }
    const size_t shape[2] = {0, from.channels};
    node->weight = tensor(graph, weight, "", 2, shape);
    struct fv_shape result = from;
    if (node->weight != NULL) {
        result.channels = node->weight->shape[0];
        node->bias = bias != NULL ? vector(graph, bias, "", result.channels) : NULL;
        node->multiply_adds = (double)fv_pixels(from) * (double)node->weight->elements;
    }
    node->options.convolution.kernel_y = node->options.convolution.kernel_x = 1;
    node->options.convolution.stride_y = node->options.convolution.stride_x = 1;
    node->options.convolution.groups = 1;
    return finish(graph, node, result);
}

fv_value fv_graph_batch_norm(struct fv_graph *graph, fv_value input, const char *name, float epsilon) {
    struct fv_node *node = start_module(graph, &fv_operator_batch_norm, name, input);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    const struct fv_shape from = graph->shapes[input];
    if (from.kind != FV_PLANES) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "%s: batch norm of tokens", node->name);
    }
    node->norm_weight = vector(graph, name, ".weight", from.channels);
    node->norm_bias = vector(graph, name, ".bias", from.channels);
    node->norm_mean = vector(graph, name, ".running_mean", from.channels);
    node->norm_variance = vector(graph, name, ".running_var", from.channels);
    node->epsilon = epsilon;
    return finish(graph, node, from);
}

/* Instance norm and layer norm have the same parameters. */
static fv_value add_norm(struct fv_graph *graph, const struct fv_operator *operation, enum fv_kind kind, fv_value input,
                         const char *name, float epsilon) {
    struct fv_node *node = start_module(graph, operation, name, input);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    const struct fv_shape from = graph->shapes[input];
    if (from.kind != kind) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "%s: %s of %s", node->name, operation->name,
                      from.kind == FV_PLANES ? "planes" : "tokens");
    }
    node->weight = vector(graph, name, ".weight", from.channels);
    node->bias = vector(graph, name, ".bias", from.channels);
    node->epsilon = epsilon;
    return finish(graph, node, from);
}

fv_value fv_graph_instance_norm(struct fv_graph *graph, fv_value input, const char *name, float epsilon) {
    return add_norm(graph, &fv_operator_instance_norm, FV_PLANES, input, name, epsilon);
}

fv_value fv_graph_layer_norm(struct fv_graph *graph, fv_value input, const char *name, float epsilon) {
    return add_norm(graph, &fv_operator_layer_norm, FV_TOKENS, input, name, epsilon);
}

fv_value fv_graph_activation(struct fv_graph *graph, fv_value input, enum fv_activation_kind kind, float slope) {
    static const enum fv_activation kernels[] = {[FV_RELU] = FV_ACTIVATION_RELU,
                                                 [FV_LEAKY_RELU] = FV_ACTIVATION_LEAKY_RELU,
                                                 [FV_SILU] = FV_ACTIVATION_SILU,
                                                 [FV_SIGMOID] = FV_ACTIVATION_SIGMOID,
                                                 [FV_GELU] = FV_ACTIVATION_GELU};
    static const char *const names[] = {[FV_RELU] = "relu",
                                        [FV_LEAKY_RELU] = "leaky_relu",
                                        [FV_SILU] = "silu",
                                        [FV_SIGMOID] = "sigmoid",
                                        [FV_GELU] = "gelu"};
    struct fv_node *node = start(graph, &fv_operator_activation, names[kind], &input, 1);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    node->activation = kernels[kind];
    node->slope = slope;
    return finish(graph, node, graph->shapes[input]);
}

fv_value fv_graph_window_attention(struct fv_graph *graph, fv_value qkv, const struct fv_window_attention *options) {
    struct fv_node *node = start(graph, &fv_operator_window_attention, "attention", &qkv, 1);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    struct fv_shape shape = graph->shapes[qkv];
    const size_t window = options->window, heads = options->heads;
    if (shape.kind != FV_TOKENS || window == 0 || heads == 0 || shape.channels % (3 * heads) != 0 ||
        shape.height % window != 0 || shape.width % window != 0 || options->shift >= window) {
        fv_graph_fail(
            graph, FV_ERROR_MODEL,
            "%s: %zu x %zu tokens of %zu channels with window %zu, shift %zu and %zu heads: expected sides that "
            "are multiples of the window, a shift below it, channels a multiple of 3 x heads",
            node->name, shape.height, shape.width, shape.channels, window, options->shift, heads);
        return finish(graph, node, shape);
    }
    const size_t table_shape[2] = {0, heads};
    node->weight = tensor(graph, options->table, "", 2, table_shape);
    size_t side = 1;
    while (node->weight != NULL && (2 * side - 1) * (2 * side - 1) < node->weight->shape[0]) {
        side++;
    }
    if (node->weight != NULL && ((2 * side - 1) * (2 * side - 1) != node->weight->shape[0] || side < window)) {
        fv_graph_fail(graph, FV_ERROR_MODEL,
                      "%s: a position table of %zu rows, expected (2 w - 1)^2 with w of at least %zu", node->name,
                      node->weight->shape[0], window);
    }
    node->options.attention.heads = heads;
    node->options.attention.window = window;
    node->options.attention.shift = options->shift;
    node->options.attention.table_window = side;
    shape.channels /= 3;
    node->output_scale = FV_LOG2_E / sqrt((double)(shape.channels / heads));
    node->multiply_adds = 2.0 * (double)fv_pixels(shape) * (double)(window * window) * (double)shape.channels;
    return finish(graph, node, shape);
}

fv_value fv_graph_patch_merge(struct fv_graph *graph, fv_value input) {
    struct fv_node *node = start(graph, &fv_operator_patch_merge, "merge", &input, 1);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    const struct fv_shape from = graph->shapes[input];
    if (from.kind != FV_TOKENS || from.height % 2 != 0 || from.width % 2 != 0) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "%s: %zu x %zu tokens, expected even sides", node->name, from.height,
                      from.width);
    }
    return finish(graph, node, (struct fv_shape){FV_TOKENS, 4 * from.channels, from.height / 2, from.width / 2});
}

static bool same_shape(struct fv_shape a, struct fv_shape b) {
    return a.kind == b.kind && a.channels == b.channels && a.height == b.height && a.width == b.width;
}

fv_value fv_graph_add(struct fv_graph *graph, fv_value a, fv_value b) {
    const fv_value inputs[2] = {a, b};
    struct fv_node *node = start(graph, &fv_operator_add, "add", inputs, 2);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    if (!same_shape(graph->shapes[a], graph->shapes[b])) {
        fv_graph_fail(graph, FV_ERROR_MODEL, "%s: shapes %zu x %zu x %zu and %zu x %zu x %zu differ", node->name,
                      graph->shapes[a].channels, graph->shapes[a].height, graph->shapes[a].width,
                      graph->shapes[b].channels, graph->shapes[b].height, graph->shapes[b].width);
    }
    return finish(graph, node, graph->shapes[a]);
}

fv_value fv_graph_concat(struct fv_graph *graph, const fv_value *inputs, size_t count) {
    if (count == 0 || count > FV_MAX_INPUTS) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "%s: concat of %zu values, expected 1 to %d", graph->scope, count,
                      FV_MAX_INPUTS);
        return FV_NO_VALUE;
    }
    struct fv_node *node = start(graph, &fv_operator_concat, "concat", inputs, count);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    struct fv_shape shape = graph->shapes[inputs[0]];
    for (size_t i = 1; i < count; i++) {
        const struct fv_shape other = graph->shapes[inputs[i]];
        if (other.kind != FV_PLANES || shape.kind != FV_PLANES || other.height != shape.height ||
            other.width != shape.width) {
            fv_graph_fail(graph, FV_ERROR_MODEL, "%s: planes of %zu x %zu beside %zu x %zu", node->name, other.height,
                          other.width, shape.height, shape.width);
        }
        shape.channels += other.channels;
    }
    return finish(graph, node, shape);
}

fv_value fv_graph_scale(struct fv_graph *graph, fv_value input, fv_value gate) {
    const fv_value inputs[2] = {input, gate};
    struct fv_node *node = start(graph, &fv_operator_scale, "scale", inputs, 2);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    const struct fv_shape shape = graph->shapes[input], gates = graph->shapes[gate];
    if (shape.kind != FV_PLANES || gates.kind != FV_PLANES || gates.channels != shape.channels ||
        fv_pixels(gates) != 1) {
        fv_graph_fail(graph, FV_ERROR_MODEL, "%s: a gate of %zu x %zu x %zu, expected %zu x 1 x 1", node->name,
                      gates.channels, gates.height, gates.width, shape.channels);
    }
    return finish(graph, node, shape);
}

fv_value fv_graph_affine(struct fv_graph *graph, fv_value input, const float *scale, const float *shift, size_t count) {
    struct fv_node *node = start(graph, &fv_operator_affine, "affine", &input, 1);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    const struct fv_shape from = graph->shapes[input];
    if (from.kind != FV_PLANES || from.channels > FV_MAX_AFFINE_CHANNELS || count != from.channels) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT,
                      "%s: %zu numbers for %zu channels of %s, expected one for each of at most %d channels of planes",
                      node->name, count, from.channels, from.kind == FV_PLANES ? "planes" : "tokens",
                      FV_MAX_AFFINE_CHANNELS);
        return finish(graph, node, from);
    }
    memcpy(node->options.affine.scale, scale, count * sizeof *scale);
    memcpy(node->options.affine.shift, shift, count * sizeof *shift);
    return finish(graph, node, from);
}

fv_value fv_graph_global_mean(struct fv_graph *graph, fv_value input) {
    struct fv_node *node = start(graph, &fv_operator_global_mean, "mean", &input, 1);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    const struct fv_shape from = graph->shapes[input];
    return finish(graph, node, (struct fv_shape){from.kind, from.channels, 1, 1});
}

static fv_value add_pool(struct fv_graph *graph, const struct fv_operator *operation, const char *leaf, fv_value input,
                         const struct fv_pooling *options) {
    struct fv_node *node = start(graph, operation, leaf, &input, 1);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    node->options.pool.kernel_y = or_one(options->kernel_y);
    node->options.pool.kernel_x = or_one(options->kernel_x);
    node->options.pool.stride_y = or_one(options->stride_y);
    node->options.pool.stride_x = or_one(options->stride_x);
    node->options.pool.padding = options->padding;
    node->options.pool.include_padding = options->include_padding;
    struct fv_error error = {0};
    struct fv_shape shape = {0};
    if (fv_pool_shape(node, graph->shapes[input], options->ceil_mode, &shape, &error) != FV_OK) {
        fv_graph_fail(graph, error.status, "%s", error.message);
    }
    return finish(graph, node, shape);
}

fv_value fv_graph_max_pool(struct fv_graph *graph, fv_value input, const struct fv_pooling *options) {
    return add_pool(graph, &fv_operator_max_pool, "max_pool", input, options);
}

fv_value fv_graph_average_pool(struct fv_graph *graph, fv_value input, const struct fv_pooling *options) {
    return add_pool(graph, &fv_operator_average_pool, "average_pool", input, options);
}

fv_value fv_graph_upsample(struct fv_graph *graph, fv_value input, size_t factor_y, size_t factor_x, bool bilinear) {
    struct fv_node *node = start(graph, &fv_operator_upsample, "upsample", &input, 1);
    if (node == NULL) {
        return FV_NO_VALUE;
    }
    struct fv_shape shape = graph->shapes[input];
    if (!fv_multiply(shape.height, or_one(factor_y), &shape.height) ||
        !fv_multiply(shape.width, or_one(factor_x), &shape.width)) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "%s: factors %zu and %zu are too large", node->name, factor_y,
                      factor_x);
    }
    node->options.upsample.factor_y = or_one(factor_y);
    node->options.upsample.factor_x = or_one(factor_x);
    node->options.upsample.bilinear = bilinear;
    return finish(graph, node, shape);
}

fv_value fv_graph_softmax(struct fv_graph *graph, fv_value input) {
    struct fv_node *node = start(graph, &fv_operator_softmax, "softmax", &input, 1);
    return node == NULL ? FV_NO_VALUE : finish(graph, node, graph->shapes[input]);
}

bool fv_graph_uses(const struct fv_graph *graph, const struct fv_tensor *tensor) {
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct fv_node *node = &graph->nodes[n];
        if (node->weight == tensor || node->bias == tensor || node->norm_weight == tensor ||
            node->norm_bias == tensor || node->norm_mean == tensor || node->norm_variance == tensor) {
            return true;
        }
    }
    return false;
}

enum fv_status fv_graph_finish(struct fv_graph *graph, fv_value output, struct fv_error *error) {
    if (graph->failure.status == FV_OK && output >= graph->node_count) {
        fv_graph_fail(graph, FV_ERROR_ARGUMENT, "the output is no value of the graph");
    }
    if (graph->failure.status != FV_OK) {
        return fv_error_set(error, graph->failure.status, "%s", graph->failure.message);
    }
    graph->result = graph->output = output;
    graph->finished = true;
    return FV_OK;
}
