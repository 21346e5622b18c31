/* Private to the graph room: the description that a net builds and its passes share. */
#ifndef FOVEA_GRAPH_INTERNAL_H
#define FOVEA_GRAPH_INTERNAL_H

#include "fovea/names.h"
#include "ops/operator.h"

enum { FV_NAME_SIZE = 128 };

struct fv_graph {
    const struct fv_model *model;
    struct fv_node *nodes; /* in the order of the calls, which is an order of execution; node i makes value i */
    size_t node_count, node_capacity;
    struct fv_shape *shapes; /* by value */
    struct fv_names names;   /* of the nodes, to their values */
    fv_value result;         /* of the whole net */
    fv_value output;         /* of sessions: `result`, or what was chosen */
    bool finished;
    char prefix[FV_NAME_SIZE], scope[FV_NAME_SIZE];
    struct fv_error failure;
};

/* Copies the nodes of `graph` for a session (names duplicated, nothing planned). The caller frees each name and the
 * array. Errors: FV_ERROR_MEMORY. */
enum fv_status fv_nodes_copy(const struct fv_graph *graph, struct fv_node **nodes, struct fv_error *error);

/* Takes out the nodes that `output` does not depend on, but for the input: they get operation NULL. */
void fv_nodes_prune(struct fv_node *nodes, size_t count, fv_value output);

/* How many nodes read `value`, and one more if it is the output. */
size_t fv_nodes_users(const struct fv_node *nodes, size_t count, fv_value output, fv_value value);

/* The node that makes `value`, or NULL. */
struct fv_node *fv_nodes_producer(struct fv_node *nodes, size_t count, fv_value value);

/* Merges what one kernel can do in one go: batch norm and attention's scale into products, gates into the
 * 1 x 1 convolutions after them, residual sums and activations into the node before them. An absorbed node gets
 * operation NULL. Values keep their numbers: the node that absorbs takes over the absorbed one's output. */
void fv_nodes_fuse(struct fv_node *nodes, size_t count, fv_value output);

/* Placement of blocks that live from step `first` to step `last`, both included, in one arena. */
struct fv_lifetime {
    size_t first, last, bytes;
    size_t offset; /* set by fv_plan_offsets */
};

/* Chooses offsets, multiples of FV_ALIGNMENT, such that blocks whose lifetimes overlap do not overlap in memory:
 * largest block first, each into the smallest gap that holds it (best fit). Returns the size of the arena in *total.
 * Errors: FV_ERROR_MEMORY (out of memory, or a size does not fit into size_t). */
enum fv_status fv_plan_offsets(struct fv_lifetime *blocks, size_t count, size_t *total, struct fv_error *error);

#endif
