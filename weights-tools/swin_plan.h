/* Sizes of a Swin Transformer while it is recognised. Private to weights-tools. */
#ifndef FOVEA_WEIGHTS_SWIN_PLAN_H
#define FOVEA_WEIGHTS_SWIN_PLAN_H

#include "head_plan.h"
#include "plan.h"

enum { SWIN_STAGES = 8, LARGEST_SIDE = 1 << 14 };

struct swin {
    bool modern; /* timm's names since 0.9 */
    size_t embed;
    size_t patch;
    size_t window; /* of the first stage */
    size_t image;  /* side of the input */
    size_t stages;
    uint32_t depths[SWIN_STAGES];
    uint32_t heads[SWIN_STAGES];
    struct head head;
};

/* swin_buffers.c: counts a block's buffers as used and checks that they hold what follows from the sizes: the table
 * indices of all pairs of tokens, and the mask of a shifted block. `side` is that of the stage's feature map, `window`
 * its window. */
void swin_check_buffers(struct plan *plan, size_t stage, size_t block, size_t side, size_t window);

/* swin_module.c: the side of the input that a pickled module tells, 0 if there is none; and the cross-checks. */
size_t swin_module_size(const struct plan *plan, const struct swin *swin);
void swin_check_module(struct plan *plan, const struct swin *swin);

#endif
