/* Packing the weights of a product: batch norm, bias and scale folded in, panels written in the order in which the
 * register tile reads them. */
#include "ops/product.h"

#include <math.h>

#include "fovea/memory.h"

static const struct fv_view *input_view(const struct fv_context *context, const struct fv_node *node) {
    return &context->views[node->inputs[0]];
}

/* Factor and offset of every output channel: batch norm, bias and attention's scale, in double. */
struct output_terms {
    double *factor, *offset;
    float *values; /* room for one vector parameter */
};

static enum fv_status read_vector(const struct fv_tensor *tensor, float *values, size_t count, double missing,
                                  struct fv_error *error) {
    if (tensor == NULL) {
        for (size_t i = 0; i < count; i++) {
            values[i] = (float)missing;
        }
        return FV_OK;
    }
    return fv_tensor_read(tensor, values, error);
}

static enum fv_status fill_terms(const struct fv_node *node, size_t outputs, struct output_terms *terms,
                                 struct fv_error *error) {
    enum fv_status status = read_vector(node->bias, terms->values, outputs, 0, error);
    for (size_t o = 0; o < outputs && status == FV_OK; o++) {
        terms->factor[o] = o < node->scaled_outputs ? node->output_scale : 1.0;
        terms->offset[o] = terms->values[o] * terms->factor[o];
    }
    if (status != FV_OK || node->norm_mean == NULL) {
        return status;
    }
    status = read_vector(node->norm_variance, terms->values, outputs, 1, error);
    for (size_t o = 0; o < outputs && status == FV_OK; o++) {
        if (terms->values[o] < 0) {
            return fv_error_set(error, FV_ERROR_MODEL,
                                "tensor %s: element %zu is %g, expected a variance of at least 0",
                                node->norm_variance->name, o, (double)terms->values[o]);
        }
        terms->factor[o] /= sqrt((double)terms->values[o] + (double)node->epsilon);
    }
    if (status == FV_OK) {
        status = read_vector(node->norm_weight, terms->values, outputs, 1, error);
    }
    for (size_t o = 0; o < outputs && status == FV_OK; o++) {
        terms->factor[o] *= terms->values[o];
    }
    if (status == FV_OK) {
        status = read_vector(node->norm_mean, terms->values, outputs, 0, error);
    }
    for (size_t o = 0; o < outputs && status == FV_OK; o++) {
        terms->offset[o] = (terms->offset[o] - terms->values[o]) * terms->factor[o];
    }
    if (status == FV_OK) {
        status = read_vector(node->norm_bias, terms->values, outputs, 0, error);
    }
    for (size_t o = 0; o < outputs && status == FV_OK; o++) {
        terms->offset[o] += terms->values[o];
    }
    return status;
}

/* Where the weight of output `o` for element k of a segment lies in the tensor; -1 if the pair is in different groups.
 */
static ptrdiff_t weight_index(const struct fv_context *context, const struct fv_node *node,
                              const struct fv_product *product, const struct fv_segment *segment, size_t part, size_t o,
                              size_t k) {
    const struct fv_tensor *weight = node->weight;
    if (product->kind == FV_PRODUCT_LINEAR) {
        return (ptrdiff_t)(o * weight->shape[1] + segment->offset + k);
    }
    const struct fv_lanes *lanes = input_view(context, node)->lanes;
    if (product->kind == FV_PRODUCT_TRANSPOSED) {
        const size_t input = lanes[segment->block].first + k;
        return (ptrdiff_t)((input * weight->shape[1] + o) * product->parts + part);
    }
    const size_t taps = node->options.convolution.kernel_y * node->options.convolution.kernel_x;
    const size_t tap = segment->tap_y * node->options.convolution.kernel_x + segment->tap_x;
    if (product->kind == FV_PRODUCT_DEPTHWISE) {
        return (ptrdiff_t)(o * taps + tap);
    }
    const size_t groups = node->options.convolution.groups;
    const size_t input = lanes[part * product->part_blocks + segment->block].first + k;
    const size_t group_inputs = weight->shape[1], group_outputs = weight->shape[0] / groups;
    if (input / group_inputs != o / group_outputs) {
        return -1;
    }
    return (ptrdiff_t)((o * group_inputs + input % group_inputs) * taps + tap);
}

/* One panel: `lanes` outputs from `first` on of one part, written as [depth][stride]. */
static void pack_panel(const struct fv_context *context, const struct fv_node *node, const struct fv_product *product,
                       const float *weight, const double *factor, size_t part, size_t first, size_t lanes,
                       size_t stride, float *panel) {
    const size_t outputs = fv_product_outputs(product, node);
    const size_t origin =
        product->kind == FV_PRODUCT_TRANSPOSED ? 0 : part * product->part_vectors * context->kernels->width;
    for (size_t s = 0; s < product->segment_count; s++) {
        const struct fv_segment *segment = &product->segments[s];
        for (size_t lane = 0; lane < lanes; lane++) {
            const size_t o = origin + first + lane;
            for (size_t k = 0; k < segment->length; k++) {
                const ptrdiff_t index =
                    o < outputs ? weight_index(context, node, product, segment, part, o, k) : (ptrdiff_t)-1;
                panel[k * stride + lane] = index < 0 ? 0.0f : (float)(weight[index] * factor[o]);
            }
        }
        panel += segment->length * stride;
    }
}

static void pack_weights(const struct fv_context *context, const struct fv_node *node, struct fv_product *product,
                         const float *weight, const struct output_terms *terms, bool row_major) {
    const size_t width = context->kernels->width;
    const size_t tile = row_major ? product->part_vectors : context->kernels->tile_vectors;
    const size_t outputs = fv_product_outputs(product, node);
    const size_t part_floats = product->part_vectors * width * product->depth;
    for (size_t part = 0; part < product->parts; part++) {
        for (size_t vector = 0; vector < product->part_vectors; vector += tile) {
            const size_t left = product->part_vectors - vector;
            const size_t lanes = (left < tile ? left : tile) * width;
            float *panel = product->weights + part * part_floats + vector * width * product->depth;
            pack_panel(context, node, product, weight, terms->factor, part, vector * width, lanes, lanes, panel);
        }
        for (size_t lane = 0; lane < product->part_vectors * width; lane++) {
            const size_t o = lane + (product->kind == FV_PRODUCT_TRANSPOSED ? 0 : part * product->part_vectors * width);
            product->bias[part * product->part_vectors * width + lane] = o < outputs ? (float)terms->offset[o] : 0.0f;
        }
    }
}

enum fv_status fv_product_pack(const struct fv_context *context, const struct fv_node *node, struct fv_product *product,
                               bool row_major, struct fv_error *error) {
    const size_t outputs = fv_product_outputs(product, node);
    const size_t lanes = product->parts * product->part_vectors * context->kernels->width;
    size_t floats = 0;
    enum fv_status status = FV_OK;
    if (!fv_multiply(lanes, product->depth, &floats)) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: weights of %zu x %zu do not fit into memory", node->name,
                            lanes, product->depth);
    }
    product->weight_floats = floats;
    product->weights = fv_allocate(floats, sizeof(float));
    product->bias = fv_allocate(lanes, sizeof(float));
    float *weight = fv_allocate(node->weight->elements, sizeof(float));
    struct output_terms terms = {fv_allocate(outputs, sizeof(double)), fv_allocate(outputs, sizeof(double)),
                                 fv_allocate(outputs, sizeof(float))};
    if (product->weights == NULL || product->bias == NULL || weight == NULL || terms.factor == NULL ||
        terms.offset == NULL || terms.values == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %zu packed weights", node->name, floats);
    }
    if (status == FV_OK) {
        status = fill_terms(node, outputs, &terms, error);
    }
    if (status == FV_OK) {
        status = fv_tensor_read(node->weight, weight, error);
    }
    if (status == FV_OK) {
        pack_weights(context, node, product, weight, &terms, row_major);
        fv_tensor_evict(node->weight);
    }
    fv_release(weight);
    fv_release(terms.factor);
    fv_release(terms.offset);
    fv_release(terms.values);
    return status;
}
