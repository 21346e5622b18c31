/* What the graph and the operators share: nodes, values, views and the interface of an operator.
 *
 * An operator is a shape rule and an ordered list of algorithms. A session asks the algorithms of a node in order.
 * Whoever refuses says why. Of those that accept, one without a cost is taken at once, for it is made for such nodes;
 * of the others the one of the least cost is. It is prepared (weights packed, tasks counted, scratch asked for) and
 * run. */
#ifndef FOVEA_OPS_OPERATOR_H
#define FOVEA_OPS_OPERATOR_H

#include "fovea/graph.h"
#include "fovea/session.h"
#include "kernels/kernels.h"

enum { FV_MAX_INPUTS = 8, FV_REASON_SIZE = 160 };

/* The channels that one plane block holds: lanes 0 .. count-1 are channels first .. first+count-1. Blocks of a
 * concatenation need not be full. */
struct fv_lanes {
    size_t first, count;
};

/* Where a value lies in memory. Planes: `block[b]` is plane block b of [height*width][width]. Tokens: row-major
 * [height*width][stride] at block[0]. */
struct fv_view {
    struct fv_shape shape;
    size_t blocks;                    /* 1 for tokens */
    const struct fv_lanes *lanes;     /* [blocks], planes only */
    float *const *block;              /* [blocks] */
    size_t stride;                    /* tokens only */
    struct fv_statistics *statistics; /* that its writer gathers, or NULL */
};

struct fv_operator;
struct fv_algorithm;
struct fv_statistics;

/* What the node that reads a value wants to know of it beforehand (ops/statistics.h). */
enum fv_gather { FV_GATHER_NOTHING, FV_GATHER_MEAN, FV_GATHER_MOMENTS };

/* Attention's scores are in base 2: their scale, bias and mask are those of the papers times this. */
#define FV_LOG2_E 1.44269504088896340736

/* Parameters of every operation; each operator reads its own part. */
union fv_options {
    struct {
        size_t stride_y, stride_x, groups;
        size_t kernel_y, kernel_x;
        struct fv_padding padding;
    } convolution;
    struct {
        size_t kernel_y, kernel_x, stride_y, stride_x;
        struct fv_padding padding;
        bool include_padding;
    } pool;
    struct {
        size_t heads, window, shift, table_window;
    } attention;
    struct {
        size_t factor_y, factor_x;
        bool bilinear;
    } upsample;
    struct {
        float scale[FV_MAX_AFFINE_CHANNELS], shift[FV_MAX_AFFINE_CHANNELS];
    } affine;
};

struct fv_node {
    const struct fv_operator *operation;
    char *name;
    fv_value inputs[FV_MAX_INPUTS];
    size_t input_count;
    fv_value output;
    union fv_options options;

    /* Parameters in the model file, NULL where absent. */
    const struct fv_tensor *weight, *bias;           /* of a product, a norm, or the bias table of attention */
    const struct fv_tensor *norm_weight, *norm_bias; /* a batch norm, folded or alone */
    const struct fv_tensor *norm_mean, *norm_variance;
    float epsilon;

    /* Fused into the node. */
    fv_value residual; /* added before the activation, or FV_NO_VALUE */
    fv_value gate;     /* a 1x1 map that the input channels of a product are multiplied by, or FV_NO_VALUE */
    enum fv_activation activation;
    float slope;
    size_t scaled_outputs; /* the first outputs of a product, multiplied by output_scale (attention's
                              log2(e)/sqrt(d)) */
    double output_scale;

    double multiply_adds;

    /* Set by the session. */
    const struct fv_node *expansion; /* the node before it whose work it does as well, or NULL */
    enum fv_gather gather;           /* what the algorithm is to gather of the output */
    size_t pieces;                   /* into which it then cuts each block's pixels */
    bool deferred;                   /* a later node does the work of this one, whose output is never whole in memory */
    const struct fv_algorithm *algorithm;
    size_t accepted;    /* how many algorithms it could be given to; 0: a later node does its work */
    char *refusals;     /* why the others do not serve */
    void *state;        /* the algorithm's own */
    size_t state_bytes; /* of packed weights */
    size_t tasks;       /* independent pieces of the run, cut by shape alone */
    size_t scratch;     /* bytes that one thread needs */
    size_t parameter_bytes;
};

/* What an algorithm sees of its surroundings. Views' pointers are valid from fv_algorithm.run on. */
struct fv_context {
    const struct fv_kernels *kernels;
    struct fv_caches caches;
    enum fv_gemm gemm;
    bool exact;                  /* nothing that rounds otherwise than a direct sum */
    const struct fv_view *views; /* by fv_value */
};

struct fv_algorithm {
    const char *name;
    /* Whether the algorithm serves the node; if not, `reason` says why. */
    bool (*accept)(const struct fv_context *context, const struct fv_node *node, char reason[FV_REASON_SIZE]);
    /* The expected time of a node that it accepts, on one thread, in multiply-adds of whole vectors at the machine's
     * peak. NULL: the algorithm has no rival where it accepts. */
    double (*cost)(const struct fv_context *context, const struct fv_node *node);
    /* Packs weights into node->state and sets tasks and scratch. Shapes and lanes of the views are known, addresses are
     * not. On failure the state is freed by `release`, which must accept a half-made one. */
    enum fv_status (*prepare)(const struct fv_context *context, struct fv_node *node, struct fv_error *error);
    /* Task `task` of node->tasks; `scratch` is aligned to FV_ALIGNMENT. NULL where there is run_range. */
    void (*run)(const struct fv_context *context, const struct fv_node *node, size_t task, void *scratch);
    /* Tasks first .. last-1, first < last, where neighbours have something to share. What a task computes does not
     * depend on its company. */
    void (*run_range)(const struct fv_context *context, const struct fv_node *node, size_t first, size_t last,
                      void *scratch);
    void (*release)(struct fv_node *node);
    bool in_place;         /* the output may lie where input 0 lay */
    bool gathers;          /* gathers node->gather of planes that a convolution writes; `prepare` sets node->pieces */
    enum fv_gather wanted; /* what it takes from input 0's statistics if there are any */
};

struct fv_operator {
    const char *name;
    const struct fv_algorithm *const *algorithms; /* those without a cost first; ends with NULL; NULL: no work to do */
};

extern const struct fv_operator fv_operator_input, fv_operator_convolution, fv_operator_transposed_convolution,
    fv_operator_linear, fv_operator_batch_norm, fv_operator_instance_norm, fv_operator_layer_norm,
    fv_operator_activation, fv_operator_window_attention, fv_operator_patch_merge, fv_operator_add, fv_operator_concat,
    fv_operator_scale, fv_operator_global_mean, fv_operator_max_pool, fv_operator_average_pool, fv_operator_upsample,
    fv_operator_softmax, fv_operator_affine;

/* Shape rules: the result of an operation on inputs of the given shapes, or an error that names what does not fit. */
enum fv_status fv_convolution_shape(const struct fv_node *node, struct fv_shape input, bool to_tokens,
                                    struct fv_shape *output, struct fv_error *error);
enum fv_status fv_pool_shape(const struct fv_node *node, struct fv_shape input, bool ceil_mode, struct fv_shape *output,
                             struct fv_error *error);

/* Ranges of `count` things cut into `parts` nearly equal pieces: piece p is [*first, *last). */
static inline void fv_split(size_t count, size_t parts, size_t piece, size_t *first, size_t *last) {
    *first = count * piece / parts;
    *last = count * (piece + 1) / parts;
}

static inline size_t fv_round_up(size_t value, size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

static inline size_t fv_pixels(struct fv_shape shape) {
    return shape.height * shape.width;
}

/* Floats of one token that are written: its channels, and zeros up to a whole FV_TOKEN_ALIGNMENT. */
static inline size_t fv_token_floats(struct fv_shape shape) {
    return fv_round_up(shape.channels, FV_TOKEN_ALIGNMENT);
}

/* Distance between tokens: an odd number of cache lines, so that consecutive tokens lie in different sets of the
 * first-level cache, whose number is a power of two. */
static inline size_t fv_token_stride(struct fv_shape shape) {
    const size_t floats = fv_token_floats(shape);
    return floats / FV_TOKEN_ALIGNMENT % 2 == 0 ? floats + FV_TOKEN_ALIGNMENT : floats;
}

/* Bytes of the second-level cache, a small one's where the system does not tell. */
static inline size_t fv_level2_bytes(const struct fv_context *context) {
    return context->caches.level2 != 0 ? context->caches.level2 : 262144;
}

/* Bytes of a value in planes, empty lanes included. */
static inline size_t fv_plane_bytes(const struct fv_context *context, const struct fv_view *view) {
    return view->blocks * fv_pixels(view->shape) * context->kernels->width * sizeof(float);
}

/* How many pieces the rows of `blocks` plane blocks of this shape are cut into, so that a few threads have work. */
static inline size_t fv_row_blocks(struct fv_shape shape, size_t blocks) {
    size_t pieces = 1;
    while (blocks * pieces < 16 && pieces * 2 <= shape.height) {
        pieces *= 2;
    }
    return pieces;
}

#endif
