/* Packing the weights of a product: batch norm, bias and scale folded in, panels written in the order in which the
 * register tile reads them. */
#include "ops/product.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "fovea/memory.h"

enum {
    STEP = 64, /* input channels of several outputs that are transposed at once, to stay in the first-level cache */
    MOST_LANES = FV_MAX_TILE_VECTORS * FV_MAX_WIDTH
};

static const struct fv_view *input_view(const struct fv_context *context, const struct fv_node *node) {
    return &context->views[node->inputs[0]];
}

/* Factor and offset of every output channel: batch norm, bias and attention's scale, in double. */
struct output_terms {
    double *factor; /* 1 beyond the outputs, up to whole vectors */
    double *offset;
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

/* The packing at hand. */
struct packing {
    const struct fv_context *context;
    const struct fv_node *node;
    struct fv_product *product;
    const float *weight; /* the tensor's elements */
    const double *factor;
    size_t outputs, taps;
    size_t inputs;  /* channels of one output in the tensor */
    float *scratch; /* [STEP channels, or a block's and its taps][lanes] */
    bool scaled;    /* whether any factor differs from 1 */
    bool finite;    /* whether all weights seen so far are */
};

/* A row of a panel: panel[i] = weights[i * step] * factor[i], rounded once. */
static void scale_row(struct packing *packing, const float *weights, size_t step, const double *factor, size_t lanes,
                      float *panel) {
    int finite = 1;
    if (step == 1 && !packing->scaled) {
        for (size_t i = 0; i < lanes; i++) {
            finite &= fabsf(weights[i]) <= FLT_MAX;
            panel[i] = weights[i];
        }
    } else if (step == 1) {
        for (size_t i = 0; i < lanes; i++) {
            finite &= fabsf(weights[i]) <= FLT_MAX;
            panel[i] = (float)(weights[i] * factor[i]);
        }
    } else {
        for (size_t i = 0; i < lanes; i++) {
            finite &= fabsf(weights[i * step]) <= FLT_MAX;
            panel[i] = (float)(weights[i * step] * factor[i]);
        }
    }
    packing->finite = packing->finite && finite;
}

/* Outputs `first` .. first+lanes-1 of the tensor, [outputs][inputs][taps], to rows of `stride`: a run of inputs at a
 * time is transposed and its taps move outwards. A run is a plane block, or longer where there is only one tap. */
static void pack_rows(struct packing *packing, size_t part, size_t first, size_t lanes, size_t stride, float *panel) {
    const size_t taps = packing->taps, inputs = packing->inputs;
    const size_t valid = first < packing->outputs ? packing->outputs - first : 0;
    const size_t rows = valid < lanes ? valid : lanes;
    size_t block = part * packing->product->part_blocks;
    for (size_t channel = 0; channel < inputs; block++) {
        const size_t most = taps == 1 ? STEP : input_view(packing->context, packing->node)->lanes[block].count;
        const size_t count = inputs - channel < most ? inputs - channel : most;
        const float *pointers[MOST_LANES];
        for (size_t r = 0; r < rows; r++) {
            pointers[r] = packing->weight + ((first + r) * inputs + channel) * taps;
        }
        packing->context->kernels->transpose_panel(pointers, rows, count * taps, lanes, packing->scratch);
        for (size_t tap = 0; tap < taps; tap++) {
            for (size_t i = 0; i < count; i++) {
                scale_row(packing, packing->scratch + (i * taps + tap) * lanes, 1, packing->factor + first, lanes,
                          panel);
                panel += stride;
            }
        }
        channel += count;
    }
}

/* The same of a transposed convolution, whose tensor is [inputs][outputs][parts]. */
static void pack_transposed(struct packing *packing, size_t part, size_t first, size_t lanes, size_t stride,
                            float *panel) {
    const size_t parts = packing->product->parts, outputs = packing->outputs;
    const size_t valid = first < outputs ? outputs - first : 0;
    const size_t columns = valid < lanes ? valid : lanes;
    for (size_t input = 0; input < packing->inputs; input++) {
        const float *weights = packing->weight + (input * outputs + (columns != 0 ? first : 0)) * parts + part;
        scale_row(packing, weights, parts, packing->factor + first, columns, panel);
        for (size_t lane = columns; lane < lanes; lane++) {
            panel[lane] = 0;
        }
        panel += stride;
    }
}

/* The same where groups share plane blocks: zeros between inputs and outputs of different groups. */
static void pack_diagonal(struct packing *packing, size_t part, size_t first, size_t lanes, size_t stride,
                          float *panel) {
    const size_t taps = packing->taps, inputs = packing->inputs;
    const size_t group_outputs = packing->outputs / packing->node->options.convolution.groups;
    const struct fv_lanes *blocks = input_view(packing->context, packing->node)->lanes;
    for (size_t b = 0; b < packing->product->part_blocks; b++) {
        const struct fv_lanes *block = &blocks[part * packing->product->part_blocks + b];
        for (size_t row = 0; row < taps * block->count; row++) {
            memset(panel + row * stride, 0, lanes * sizeof(float));
        }
        for (size_t lane = 0; lane < lanes && first + lane < packing->outputs; lane++) {
            const size_t o = first + lane, group_first = o / group_outputs * inputs;
            const size_t end = block->first + block->count;
            const size_t begin = group_first > block->first ? group_first : block->first;
            for (size_t input = begin; input < end && input < group_first + inputs; input++) {
                const float *weights = packing->weight + (o * inputs + input - group_first) * taps;
                for (size_t tap = 0; tap < taps; tap++) {
                    scale_row(packing, weights + tap, 1, packing->factor + o, 1,
                              panel + (tap * block->count + input - block->first) * stride + lane);
                }
            }
        }
        panel += taps * block->count * stride;
    }
}

/* Outputs `first` .. first+lanes-1 of a part as [depth][stride]. */
static void pack_lanes(struct packing *packing, size_t part, size_t first, size_t lanes, size_t stride, float *panel) {
    const struct fv_product *product = packing->product;
    const size_t origin = part * product->part_vectors * packing->context->kernels->width;
    if (product->kind == FV_PRODUCT_TRANSPOSED) {
        pack_transposed(packing, part, first, lanes, stride, panel);
    } else if (product->kind == FV_PRODUCT_CONVOLUTION && packing->node->options.convolution.groups > product->parts) {
        pack_diagonal(packing, part, origin + first, lanes, stride, panel);
    } else {
        pack_rows(packing, part, origin + first, lanes, stride, panel);
    }
}

static void pack_weights(struct packing *packing, enum fv_weight_order order) {
    const struct fv_product *product = packing->product;
    const size_t width = packing->context->kernels->width;
    const size_t part_lanes = product->part_vectors * width;
    for (size_t part = 0; part < product->parts; part++) {
        float *weights = product->weights + part * part_lanes * product->depth;
        for (size_t vector = 0; vector < product->part_vectors;) {
            const size_t vectors = fv_panel_vectors(packing->context, product, product->part_vectors - vector);
            const size_t first = vector * width, lanes = vectors * width;
            if (order == FV_WEIGHTS_ROWS) {
                pack_lanes(packing, part, first, lanes, part_lanes, weights + first);
            } else {
                pack_lanes(packing, part, first, lanes, lanes, weights + first * product->depth);
            }
            vector += vectors;
        }
    }
}

static void fill_bias(const struct packing *packing, const double *offset) {
    const struct fv_product *product = packing->product;
    const size_t part_lanes = product->part_vectors * packing->context->kernels->width;
    for (size_t lane = 0; lane < product->parts * part_lanes; lane++) {
        const size_t o = product->kind == FV_PRODUCT_TRANSPOSED ? lane % part_lanes : lane;
        product->bias[lane] = o < packing->outputs ? (float)offset[o] : 0.0f;
    }
}

/* Describes the packing of a product, but for what has to be allocated. */
static struct packing describe(const struct fv_context *context, const struct fv_node *node,
                               struct fv_product *product) {
    struct packing packing = {.context = context,
                              .node = node,
                              .product = product,
                              .outputs = fv_product_outputs(product, node),
                              .taps = 1,
                              .inputs = node->weight->shape[product->kind == FV_PRODUCT_TRANSPOSED ? 0 : 1],
                              .finite = true};
    if (product->kind != FV_PRODUCT_TRANSPOSED && product->kind != FV_PRODUCT_LINEAR) {
        packing.taps = node->options.convolution.kernel_y * node->options.convolution.kernel_x;
    }
    return packing;
}

/* Packs the tensor's elements, in place in the mapping where they are float32. */
static enum fv_status pack_tensor(struct packing *packing, const struct output_terms *terms, enum fv_weight_order order,
                                  struct fv_error *error) {
    const struct fv_tensor *tensor = packing->node->weight;
    float *converted = NULL;
    enum fv_status status = FV_OK;
    packing->weight = tensor->data;
    if (tensor->type != FV_TYPE_F32) {
        converted = fv_allocate(tensor->elements, sizeof(float));
        packing->weight = converted;
        status = converted != NULL ? fv_tensor_read(tensor, converted, error)
                                   : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %zu weights",
                                                  packing->node->name, tensor->elements);
    }
    if (status == FV_OK) {
        packing->factor = terms->factor;
        for (size_t o = 0; o < packing->outputs; o++) {
            packing->scaled = packing->scaled || terms->factor[o] != 1;
        }
        pack_weights(packing, order);
        fill_bias(packing, terms->offset);
        status = packing->finite ? FV_OK : fv_tensor_check(tensor, packing->weight, error);
        fv_tensor_evict(tensor);
    }
    fv_release(converted);
    return status;
}

enum fv_status fv_product_pack(const struct fv_context *context, const struct fv_node *node, struct fv_product *product,
                               enum fv_weight_order order, struct fv_error *error) {
    struct packing packing = describe(context, node, product);
    const size_t lanes = product->parts * product->part_vectors * context->kernels->width;
    const size_t run = packing.taps == 1 ? STEP : FV_MAX_WIDTH;
    size_t floats = 0, scratch = 0;
    if (!fv_multiply(lanes, product->depth, &floats) || !fv_multiply(packing.taps, run * MOST_LANES, &scratch)) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: weights of %zu x %zu do not fit into memory", node->name,
                            lanes, product->depth);
    }
    product->weight_floats = floats;
    product->weights = fv_allocate(floats, sizeof(float));
    product->bias = fv_allocate(lanes, sizeof(float));
    packing.scratch = fv_allocate(scratch, sizeof(float));
    struct output_terms terms = {fv_allocate(lanes, sizeof(double)), fv_allocate(lanes, sizeof(double)),
                                 fv_allocate(lanes, sizeof(float))};
    enum fv_status status = FV_OK;
    if (product->weights == NULL || product->bias == NULL || packing.scratch == NULL || terms.factor == NULL ||
        terms.offset == NULL || terms.values == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %zu packed weights", node->name, floats);
    }
    if (status == FV_OK) {
        status = fill_terms(node, packing.outputs, &terms, error);
    }
    if (status == FV_OK) {
        for (size_t o = packing.outputs; o < lanes; o++) {
            terms.factor[o] = 1;
        }
        status = pack_tensor(&packing, &terms, order, error);
    }
    fv_release(packing.scratch);
    fv_release(terms.factor);
    fv_release(terms.offset);
    fv_release(terms.values);
    return status;
}
