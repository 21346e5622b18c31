/* A convolution whose outputs depend on the inputs of their own plane block alone: depthwise, or grouped where the
 * groups fit into blocks. */
#ifndef FOVEA_OPS_IN_BLOCK_H
#define FOVEA_OPS_IN_BLOCK_H

#include "ops/product.h"

struct fv_in_block {
    struct fv_product *terms; /* weights packed as [block][taps][inputs of a group][width] */
    struct fv_window window;
};

/* Packs the weights of a node that one of the two algorithms accepts. Errors: those of fv_product_create. */
enum fv_status fv_in_block_create(const struct fv_context *context, const struct fv_node *node,
                                  struct fv_in_block *convolution, struct fv_error *error);
void fv_in_block_release(struct fv_in_block *convolution);

/* Output rows first .. last-1 of plane block `block`. The window may be that of a part of the map, whose first row
 * `input`, `residual` (NULL: none) and `output` point to. */
void fv_in_block_rows(const struct fv_context *context, const struct fv_node *node,
                      const struct fv_in_block *convolution, const struct fv_window *window, size_t block,
                      const float *input, const float *residual, size_t first, size_t last, float *output);

/* A depthwise convolution with the 1 x 1 convolution before it, node->expansion, whose output is then never whole in
 * memory. It stands in no operator's list: fv_expansion_accept says whether it is to take the place of both nodes'
 * algorithms once they are chosen, which it is where the map between them is larger than the second-level cache. */
extern const struct fv_algorithm fv_algorithm_expanded;
bool fv_expansion_accept(const struct fv_context *context, const struct fv_node *expansion, const struct fv_node *node);

#endif
