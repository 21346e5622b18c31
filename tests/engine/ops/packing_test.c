/* Packed weights have the bits of a straightforward formula, element by element: the tensor's element times its
 * output's factor, in double, rounded once; +0 in padding and between groups. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/graph.h"
#include "graph/session.h"
#include "ops/product.h"
#include "subject.h"

enum { TENSORS = 5 };

struct packing_case {
    size_t inputs, outputs, groups, kernel; /* groups 0: transposed */
    bool normalised;
};

static const struct packing_case packings[] = {
    {1, 1, 1, 1, false},    {3, 17, 1, 7, true},   {35, 70, 1, 3, true}, {130, 129, 1, 1, true},
    {300, 65, 1, 1, false}, {32, 32, 8, 3, true},  {15, 20, 5, 1, true}, {64, 64, 2, 3, true},
    {64, 96, 4, 3, false},  {17, 17, 17, 3, true}, {33, 40, 0, 2, true}, {16, 7, 0, 3, false},
};
enum { PACKINGS = sizeof packings / sizeof *packings };

static float *read_all(const struct fv_tensor *tensor) {
    struct fv_error error = {0};
    float *values = check_allocate(tensor->elements, sizeof *values);
    check_success(fv_tensor_read(tensor, values, &error), &error);
    return values;
}

/* The factor of batch norm in double. */
static double *factors(const struct fv_node *node, size_t outputs) {
    double *factor = check_allocate(outputs, sizeof *factor);
    float *weight = node->norm_mean != NULL ? read_all(node->norm_weight) : NULL;
    float *variance = node->norm_mean != NULL ? read_all(node->norm_variance) : NULL;
    for (size_t o = 0; o < outputs; o++) {
        factor[o] = weight != NULL ? 1 / sqrt((double)variance[o] + (double)node->epsilon) * weight[o] : 1;
    }
    free(weight);
    free(variance);
    return factor;
}

/* What output `o` of a part has for channel k of a segment. */
static float expected_weight(const struct fv_context *context, const struct fv_node *node,
                             const struct fv_product *product, const struct fv_segment *segment, size_t part, size_t o,
                             size_t k, const float *weight, const double *factor) {
    const struct fv_tensor *tensor = node->weight;
    const struct fv_lanes *lanes = context->views[node->inputs[0]].lanes;
    if (o >= fv_product_outputs(product, node)) {
        return 0;
    }
    if (product->kind == FV_PRODUCT_TRANSPOSED) {
        const size_t input = lanes[segment->block].first + k;
        return (float)(weight[(input * tensor->shape[1] + o) * product->parts + part] * factor[o]);
    }
    const size_t taps = tensor->shape[2] * tensor->shape[3], inputs = tensor->shape[1];
    const size_t tap = segment->tap_y * tensor->shape[3] + segment->tap_x;
    if (product->kind == FV_PRODUCT_IN_BLOCK) {
        return (float)(weight[(o * inputs + k) * taps + tap] * factor[o]);
    }
    const size_t input = lanes[part * product->part_blocks + segment->block].first + k;
    const size_t group_outputs = tensor->shape[0] / node->options.convolution.groups;
    return input / inputs == o / group_outputs ? (float)(weight[(o * inputs + input % inputs) * taps + tap] * factor[o])
                                               : 0;
}

/* Lanes of the panel of lane `lane`, and its first. */
static size_t panel_of(const struct fv_context *context, const struct fv_product *product, enum fv_weight_order order,
                       size_t lane, size_t *first) {
    const size_t width = context->kernels->width, tile = context->kernels->tile_vectors;
    *first = 0;
    if (order == FV_WEIGHTS_ROWS) {
        return product->part_vectors * width;
    }
    const size_t last = order == FV_WEIGHTS_WIDE_PANELS ? context->kernels->last_vectors : tile;
    for (size_t vector = 0;;) {
        const size_t left = product->part_vectors - vector, vectors = left <= last ? left : tile;
        if (lane < (vector + vectors) * width) {
            *first = vector * width;
            return vectors * width;
        }
        vector += vectors;
    }
}

static void compare(const struct fv_context *context, const struct fv_node *node, const struct fv_product *product,
                    enum fv_weight_order order, const float *weight, const double *factor) {
    const size_t part_lanes = product->part_vectors * context->kernels->width;
    for (size_t part = 0; part < product->parts; part++) {
        for (size_t lane = 0; lane < part_lanes; lane++) {
            size_t first;
            const size_t stride = panel_of(context, product, order, lane, &first);
            const size_t o = lane + (product->kind == FV_PRODUCT_TRANSPOSED ? 0 : part * part_lanes);
            const float *actual = product->weights + (part * part_lanes + first) * product->depth + lane - first;
            for (size_t s = 0; s < product->segment_count; s++) {
                for (size_t k = 0; k < product->segments[s].length; k++, actual += stride) {
                    const float expected =
                        expected_weight(context, node, product, &product->segments[s], part, o, k, weight, factor);
                    ck_assert_msg(memcmp(actual, &expected, sizeof expected) == 0,
                                  "part %zu, output %zu, segment %zu, element %zu: %a, expected %a", part, o, s, k,
                                  (double)*actual, (double)expected);
                }
            }
        }
    }
}

static void check_node(const struct fv_context *context, const struct fv_node *node) {
    struct fv_error error = {0};
    const bool in_block = node->algorithm == &fv_algorithm_depthwise || node->algorithm == &fv_algorithm_grouped;
    const enum fv_product_kind kind = in_block ? FV_PRODUCT_IN_BLOCK : fv_product_kind(context, node);
    float *weight = read_all(node->weight);
    for (int i = 0; i < 3; i++) {
        const enum fv_weight_order order = (enum fv_weight_order)i;
        struct fv_product *product = NULL;
        check_success(fv_product_create(context, node, kind, order, &product, &error), &error);
        double *factor = factors(node, fv_product_outputs(product, node));
        compare(context, node, product, order, weight, factor);
        free(factor);
        fv_product_release(product);
    }
    free(weight);
}

START_TEST(packed_weights_have_the_bits_of_the_formula) {
    const struct packing_case *packing = &packings[_i];
    const bool transposed = packing->groups == 0;
    const size_t first = transposed ? packing->inputs : packing->outputs;
    const size_t second = transposed ? packing->outputs : packing->inputs / packing->groups;
    const struct check_tensor tensors[TENSORS] = {
        {"c.weight", 4, {first, second, packing->kernel, packing->kernel}, NULL},
        {"norm.weight", 1, {packing->outputs}, NULL},
        {"norm.bias", 1, {packing->outputs}, NULL},
        {"norm.running_mean", 1, {packing->outputs}, NULL},
        {"norm.running_var", 1, {packing->outputs}, NULL}};
    struct fv_error error = {0};
    struct fv_model *model = check_model(tensors, TENSORS);
    struct fv_graph *graph = NULL;
    check_success(fv_graph_create(model, &graph, &error), &error);
    const fv_value input = fv_graph_input(graph, packing->inputs, 9, 8);
    const struct fv_convolution options = {.weight = "c.weight", .groups = packing->groups};
    const struct fv_transposed_convolution transposition = {"c.weight", NULL, packing->kernel, packing->kernel};
    fv_value output = transposed ? fv_graph_transposed_convolution(graph, input, &transposition)
                                 : fv_graph_convolution(graph, input, &options);
    if (packing->normalised) {
        output = fv_graph_batch_norm(graph, output, "norm", 1e-5f);
    }
    check_success(fv_graph_finish(graph, output, &error), &error);
    struct check_setting settings[CHECK_MAX_SETTINGS];
    const size_t count = check_settings(settings);
    for (size_t s = 0; s < count; s++) {
        struct fv_session *session = NULL;
        check_use(&settings[s]);
        check_success(fv_session_create(graph, NULL, &session, &error), &error);
        for (size_t n = 0; n < session->node_count; n++) {
            const struct fv_node *node = &session->nodes[n];
            if (node->operation == &fv_operator_convolution || node->operation == &fv_operator_transposed_convolution) {
                check_node(&session->context, node);
            }
        }
        fv_session_destroy(session);
    }
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"packed_weights_have_the_bits_of_the_formula", packed_weights_have_the_bits_of_the_formula, PACKINGS},
    };
    return check_run("packing", cases, sizeof cases / sizeof *cases);
}
