/* Fusion: what one kernel can do in one go becomes one node. */
#include <string.h>

#include "fovea/memory.h"
#include "graph/internal.h"

enum fv_status fv_nodes_copy(const struct fv_graph *graph, struct fv_node **nodes, struct fv_error *error) {
    struct fv_node *copy = fv_allocate(graph->node_count, sizeof *copy);
    if (copy == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu nodes", graph->node_count);
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        copy[n] = graph->nodes[n];
        copy[n].name = fv_duplicate(graph->nodes[n].name);
        if (copy[n].name == NULL) {
            while (n-- > 0) {
                fv_release(copy[n].name);
            }
            fv_release(copy);
            return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for %zu nodes", graph->node_count);
        }
    }
    *nodes = copy;
    return FV_OK;
}

void fv_nodes_prune(struct fv_node *nodes, size_t count, fv_value output) {
    for (size_t n = count; n-- > 0;) {
        bool needed = nodes[n].output == output || nodes[n].operation == &fv_operator_input;
        for (size_t user = n + 1; user < count && !needed; user++) {
            for (size_t i = 0; i < nodes[user].input_count && nodes[user].operation != NULL; i++) {
                needed = needed || nodes[user].inputs[i] == nodes[n].output;
            }
        }
        if (!needed) {
            nodes[n].operation = NULL;
        }
    }
}

static bool is_product(const struct fv_node *node) {
    return node->operation == &fv_operator_convolution || node->operation == &fv_operator_transposed_convolution ||
           node->operation == &fv_operator_linear;
}

/* Whether a sum and an activation can follow inside the node. */
static bool takes_epilogue(const struct fv_node *node) {
    return is_product(node) || node->operation == &fv_operator_batch_norm ||
           node->operation == &fv_operator_instance_norm || node->operation == &fv_operator_scale ||
           node->operation == &fv_operator_affine;
}

size_t fv_nodes_users(const struct fv_node *nodes, size_t count, fv_value output, fv_value value) {
    size_t result = value == output ? 1 : 0;
    for (size_t n = 0; n < count; n++) {
        for (size_t i = 0; nodes[n].operation != NULL && i < nodes[n].input_count; i++) {
            result += nodes[n].inputs[i] == value ? 1 : 0;
        }
        result += nodes[n].operation != NULL && nodes[n].residual == value ? 1 : 0;
        result += nodes[n].operation != NULL && nodes[n].gate == value ? 1 : 0;
    }
    return result;
}

struct fv_node *fv_nodes_producer(struct fv_node *nodes, size_t count, fv_value value) {
    for (size_t n = 0; n < count; n++) {
        if (nodes[n].operation != NULL && nodes[n].output == value) {
            return &nodes[n];
        }
    }
    return NULL;
}

/* The node `from` vanishes; `into` makes its value. */
static void absorb(struct fv_node *into, struct fv_node *from) {
    into->output = from->output;
    from->operation = NULL;
}

static void fuse_batch_norm(struct fv_node *norm, struct fv_node *before) {
    if (!is_product(before) || before->norm_mean != NULL || before->residual != FV_NO_VALUE ||
        before->activation != FV_ACTIVATION_NONE) {
        return;
    }
    before->norm_weight = norm->norm_weight;
    before->norm_bias = norm->norm_bias;
    before->norm_mean = norm->norm_mean;
    before->norm_variance = norm->norm_variance;
    before->epsilon = norm->epsilon;
    absorb(before, norm);
}

static void fuse_activation(struct fv_node *activation, struct fv_node *before) {
    if ((takes_epilogue(before) || before->operation == &fv_operator_add) && before->activation == FV_ACTIVATION_NONE) {
        before->activation = activation->activation;
        before->slope = activation->slope;
        absorb(before, activation);
    }
}

/* The later of the two operands takes the other as its residual: that one is computed by then. */
static void fuse_add(struct fv_node *nodes, size_t count, fv_value output, struct fv_node *add) {
    struct fv_node *a = fv_nodes_producer(nodes, count, add->inputs[0]),
                   *b = fv_nodes_producer(nodes, count, add->inputs[1]);
    if (a == b) {
        return;
    }
    struct fv_node *late = a > b ? a : b, *early = a > b ? b : a;
    if (takes_epilogue(late) && late->activation == FV_ACTIVATION_NONE && late->residual == FV_NO_VALUE &&
        early->operation != &fv_operator_concat && fv_nodes_users(nodes, count, output, late->output) == 1) {
        late->residual = early->output;
        absorb(late, add);
    }
}

/* log2(e)/sqrt(d) on the queries goes into the linear layer that makes them. */
static void fuse_attention_scale(struct fv_node *attention, struct fv_node *before) {
    if (before->operation == &fv_operator_linear && before->activation == FV_ACTIVATION_NONE &&
        before->residual == FV_NO_VALUE && before->scaled_outputs == 0) {
        before->scaled_outputs = before->weight->shape[0] / 3;
        before->output_scale = attention->output_scale;
        attention->output_scale = 1;
    }
}

/* W (g x) = (W diag g) x: the gate of squeeze and excitation goes into the 1 x 1 convolution that follows, which
 * multiplies its few weights instead of the many pixels. */
static void fuse_gate(struct fv_node *convolution, struct fv_node *scale) {
    const bool pointwise = convolution->options.convolution.kernel_y == 1 &&
                           convolution->options.convolution.kernel_x == 1 &&
                           convolution->options.convolution.groups == 1;
    if (scale->operation == &fv_operator_scale && pointwise && scale->activation == FV_ACTIVATION_NONE &&
        scale->residual == FV_NO_VALUE) {
        convolution->inputs[0] = scale->inputs[0];
        convolution->gate = scale->inputs[1];
        scale->operation = NULL;
    }
}

void fv_nodes_fuse(struct fv_node *nodes, size_t count, fv_value output) {
    for (size_t n = 0; n < count; n++) {
        struct fv_node *node = &nodes[n];
        if (node->operation == &fv_operator_add) {
            fuse_add(nodes, count, output, node);
            continue;
        }
        const bool candidate =
            node->operation == &fv_operator_batch_norm || node->operation == &fv_operator_activation ||
            node->operation == &fv_operator_convolution || node->operation == &fv_operator_window_attention;
        if (!candidate || fv_nodes_users(nodes, count, output, node->inputs[0]) != 1) {
            continue;
        }
        struct fv_node *before = fv_nodes_producer(nodes, count, node->inputs[0]);
        if (node->operation == &fv_operator_batch_norm) {
            fuse_batch_norm(node, before);
        } else if (node->operation == &fv_operator_activation) {
            fuse_activation(node, before);
        } else if (node->operation == &fv_operator_convolution) {
            fuse_gate(node, before);
        } else {
            fuse_attention_scale(node, before);
        }
    }
}
