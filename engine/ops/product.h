/* The matrix product under convolution, transposed convolution and linear layers.
 *
 * rows: output pixels or tokens. Each row is a sum over *segments*, runs of consecutive input floats: for planes one
 * segment is the lanes of one channel block at one kernel tap, for tokens a run of the token's channels. A product has
 * one or more *parts* that share the rows: the groups of a grouped convolution, the taps of a transposed one. */
#ifndef FOVEA_OPS_PRODUCT_H
#define FOVEA_OPS_PRODUCT_H

#include "ops/operator.h"

enum fv_product_kind {
    FV_PRODUCT_CONVOLUTION,
    FV_PRODUCT_IN_BLOCK, /* packed here, run by kernels of its own: one part a block, one segment a tap, which holds the
                            inputs of a group; groups fit into blocks */
    FV_PRODUCT_TRANSPOSED,
    FV_PRODUCT_LINEAR,
};

/* Steps of a chunk of the sum of a convolution of several taps, at most. */
enum { FV_TAPS_CHUNK_DEPTH = 256 };

/* Consecutive segments of equal length, few enough that the inputs of a register tile stay in the first-level cache. */
struct fv_chunk {
    size_t first_segment, segments, length;
    size_t first_k; /* sum of the lengths before */
};

/* One run of input floats: tap (y, x) of the kernel and block (planes), or first channel (tokens). */
struct fv_segment {
    size_t tap_y, tap_x, block, offset, length;
};

struct fv_product {
    enum fv_product_kind kind;
    size_t rows; /* output pixels (input pixels for a transposed convolution) */
    size_t parts;
    size_t part_vectors; /* vectors of outputs in one part */
    size_t part_blocks;  /* input blocks of one part (planes) */
    size_t depth;        /* length of one sum, all segments */
    size_t last_vectors; /* of the widest last panel of a part */
    size_t chunk_count, segment_count;
    size_t row_block;                   /* rows that are worked on together, whole register tiles */
    size_t vector_block, vector_blocks; /* vectors of a part that are, and how many such blocks */
    struct fv_chunk *chunks;
    struct fv_segment *segments; /* of part 0; other parts add part_blocks to `block` */
    float *weights; /* [parts][vector tiles][depth][tile vectors][width], or [parts][depth][part_vectors * width] */
    float *bias;    /* [parts * part_vectors * width], or NULL */
    size_t weight_floats;
};

/* How the weights of a part lie. */
enum fv_weight_order {
    FV_WEIGHTS_PANELS,      /* panels of tile_vectors: [vector tiles][depth][tile vectors][width] */
    FV_WEIGHTS_ROWS,        /* [depth][part_vectors * width], for an external GEMM */
    FV_WEIGHTS_WIDE_PANELS, /* panels, the last of up to last_vectors */
};

/* Sets up segments, chunks, blocking and packed weights (with batch norm and output scale folded in double, and the
 * model's finiteness checked).
 * Errors: FV_ERROR_MEMORY, FV_ERROR_MODEL. On failure *product is NULL. */
enum fv_status fv_product_create(const struct fv_context *context, const struct fv_node *node,
                                 enum fv_product_kind kind, enum fv_weight_order order, struct fv_product **product,
                                 struct fv_error *error);
/* The kind of product that serves a node when no special kernel does. */
enum fv_product_kind fv_product_kind(const struct fv_context *context, const struct fv_node *node);
void fv_product_release(struct fv_product *product);

/* Output channels, all parts of a convolution together. */
static inline size_t fv_product_outputs(const struct fv_product *product, const struct fv_node *node) {
    return node->weight->shape[product->kind == FV_PRODUCT_TRANSPOSED ? 1 : 0];
}

/* Allocates and fills weights and bias of a product whose parts and segments are set. Errors:
 * FV_ERROR_MEMORY, FV_ERROR_MODEL (a parameter that is not finite, a negative variance). On failure the product may
 * hold blocks already, for fv_product_release. Products may be packed on several threads at once. */
enum fv_status fv_product_pack(const struct fv_context *context, const struct fv_node *node, struct fv_product *product,
                               enum fv_weight_order order, struct fv_error *error);

/* Vectors of the panel that begins where `left` vectors of a part are left. */
static inline size_t fv_panel_vectors(const struct fv_context *context, const struct fv_product *product, size_t left) {
    return left <= product->last_vectors ? left : context->kernels->tile_vectors;
}

/* Fills `pointers` ([segments][row_stride]) with the addresses of `rows` rows from `first_row` on for one chunk. Taps
 * in the padding point to zeros. */
void fv_product_inputs(const struct fv_context *context, const struct fv_node *node, const struct fv_product *product,
                       const struct fv_chunk *chunk, size_t part, size_t first_row, size_t rows, size_t row_stride,
                       const float **pointers);

/* Fills `pointers` with the addresses of rows of `view` (output or residual) at vector 0 of `part`; returns the
 * distance between a row's vectors. */
size_t fv_product_rows(const struct fv_context *context, const struct fv_node *node, const struct fv_product *product,
                       const struct fv_view *view, size_t part, size_t first_row, size_t rows, float **pointers);

/* The algorithms, for the operators' lists. */
extern const struct fv_algorithm fv_algorithm_depthwise;        /* one kernel a channel */
extern const struct fv_algorithm fv_algorithm_grouped;          /* 3 x 3 convolution, groups within plane blocks */
extern const struct fv_algorithm fv_algorithm_compact_product;  /* convolution of few channels, which are copied */
extern const struct fv_algorithm fv_algorithm_indirect_product; /* our kernels, rows read in place */
extern const struct fv_algorithm fv_algorithm_winograd_4x4;     /* 3 x 3 convolution of stride 1, transformed */
extern const struct fv_algorithm fv_algorithm_winograd_2x2;     /* the same with less rounding, less gain */
extern const struct fv_algorithm fv_algorithm_winograd_line;    /* 5 to 8 taps along one axis, transformed */
extern const struct fv_algorithm fv_algorithm_winograd_strided; /* 3 x 3 convolution of stride 2, transformed */
extern const struct fv_algorithm fv_algorithm_blas_product;     /* rows gathered, OpenBLAS sgemm */

#endif
