/* What the planner of EfficientNets shares among its files. Private to weights-tools. */
#ifndef FOVEA_WEIGHTS_EFFICIENTNET_PLAN_H
#define FOVEA_WEIGHTS_EFFICIENTNET_PLAN_H

#include "head_plan.h"
#include "plan.h"

enum { EFFICIENTNET_STAGES = 7, EFFICIENTNET_MOST_BLOCKS = 256, EFFICIENTNET_NAME_SIZE = 96 };

/* The sequence of stages that all of B0 to B8 share; tensors tell the kernels and not the strides. */
extern const uint32_t efficientnet_kernels[EFFICIENTNET_STAGES], efficientnet_strides[EFFICIENTNET_STAGES];

struct efficientnet_block {
    char name[EFFICIENTNET_NAME_SIZE];
    size_t stage;
    size_t stride;
    bool expands;
};

struct efficientnet {
    bool lukemelas;
    uint32_t repeats[EFFICIENTNET_STAGES];
    struct efficientnet_block blocks[EFFICIENTNET_MOST_BLOCKS];
    size_t block_count;
    const char *padding; /* "same", "symmetric" or "static" */
    double epsilon;
    size_t image_size; /* for static padding */
    struct head head;
};

/* Names of a block's parts behind the block's own; NULL for none. */
struct efficientnet_names {
    const char *expand, *expand_norm, *depthwise, *depthwise_norm, *reduce, *excite, *project, *project_norm;
};
const struct efficientnet_names *efficientnet_names_of(const struct efficientnet *net,
                                                       const struct efficientnet_block *block);

/* efficientnet_variant.c: settles padding, epsilon and image size, which equal tensors leave open: by the options, by
 * what a pickled module says, and refuses where both differ or neither tells. */
void efficientnet_choose(struct plan *plan, struct efficientnet *net);

#endif
