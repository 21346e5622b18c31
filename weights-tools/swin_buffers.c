/* The buffers in a Swin checkpoint follow from its sizes. They are not stored; checking them shows that the file means
 * what we think: the same order of tokens and table entries, the same shift. */
#include <stdint.h>

#include "fovea/memory.h"
#include "swin_plan.h"

static const float blocked = -100.0f; /* added to the scores of pairs that must not meet */

/* idx(p, q) = (p/w - q/w + w - 1)(2w - 1) + p%w - q%w + w - 1, with the rows first. */
static float expected_index(size_t index, size_t window) {
    size_t tokens = window * window;
    size_t p = index / tokens;
    size_t q = index % tokens;
    size_t dy = p / window + window - 1 - q / window;
    size_t dx = p % window + window - 1 - q % window;
    return (float)(dy * (2 * window - 1) + dx);
}

/* Which third of the rolled grid a coordinate lies in. */
static unsigned region(size_t coordinate, size_t side, size_t window) {
    return coordinate < side - window ? 0 : coordinate < side - window / 2 ? 1 : 2;
}

/* Entry [window number][p][q]: 0 where both tokens come from the same part of the image. */
static float expected_mask(size_t index, size_t side, size_t window) {
    size_t tokens = window * window;
    size_t across = side / window;
    size_t number = index / (tokens * tokens);
    size_t p = index / tokens % tokens;
    size_t q = index % tokens;
    size_t y = number / across * window;
    size_t x = number % across * window;
    bool same = region(y + p / window, side, window) == region(y + q / window, side, window) &&
                region(x + p % window, side, window) == region(x + q % window, side, window);
    return same ? 0.0f : blocked;
}

/* Compares a buffer with what it should hold; `side` is 0 for the index. */
static void check(struct plan *plan, const struct fv_checkpoint_tensor *tensor, size_t side, size_t window) {
    if (tensor == NULL || plan->status != FV_OK) {
        return;
    }
    float *values = fv_allocate(tensor->elements, sizeof *values);
    if (values == NULL) {
        plan_fail(plan, FV_ERROR_MEMORY, "%s: out of memory", plan->checkpoint->path);
        return;
    }
    enum fv_status status = fv_checkpoint_read(plan->checkpoint, tensor, values, plan->error);
    if (status != FV_OK) {
        plan->status = status;
    }
    for (size_t i = 0; i < tensor->elements && plan->status == FV_OK; i++) {
        float expected = side == 0 ? expected_index(i, window) : expected_mask(i, side, window);
        if (values[i] < expected || values[i] > expected) {
            plan_fail(plan, FV_ERROR_MODEL, "%s: buffer %s: element %zu is %g, expected %g", plan->checkpoint->path,
                      tensor->name, i, (double)values[i], (double)expected);
        }
    }
    fv_release(values);
}

void swin_check_buffers(struct plan *plan, size_t stage, size_t block, size_t side, size_t window) {
    size_t tokens = window * window;
    size_t windows = (side / window) * (side / window);
    check(plan,
          plan_skip(plan, SHAPE(tokens, tokens), "layers.%zu.blocks.%zu.attn.relative_position_index", stage, block), 0,
          window);
    /* Odd blocks are shifted, unless the stage is a single window. */
    if (block % 2 == 1 && side > window) {
        check(plan, plan_skip(plan, SHAPE(windows, tokens, tokens), "layers.%zu.blocks.%zu.attn_mask", stage, block),
              side, window);
    }
}
