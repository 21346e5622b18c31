/* The memory plan: best fit by liveness. */
#include <stdlib.h>

#include "fovea/memory.h"
#include "graph/internal.h"

static bool overlap(const struct fv_lifetime *a, const struct fv_lifetime *b) {
    return a->first <= b->last && b->first <= a->last;
}

static int larger_first(const void *left, const void *right) {
    const struct fv_lifetime *a = *(struct fv_lifetime *const *)left, *b = *(struct fv_lifetime *const *)right;
    if (a->bytes != b->bytes) {
        return a->bytes > b->bytes ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

/* The smallest gap between the placed blocks that live at the same time; `placed` is sorted by offset. */
static size_t best_gap(struct fv_lifetime *const *placed, size_t count, const struct fv_lifetime *block) {
    size_t best = SIZE_MAX, best_size = SIZE_MAX, end = 0;
    for (size_t i = 0; i < count; i++) {
        if (!overlap(placed[i], block)) {
            continue;
        }
        if (placed[i]->offset > end) {
            const size_t gap = placed[i]->offset - end;
            if (gap >= block->bytes && gap < best_size) {
                best = end;
                best_size = gap;
            }
        }
        const size_t after = placed[i]->offset + placed[i]->bytes;
        end = after > end ? after : end;
    }
    return best != SIZE_MAX ? best : end;
}

static void insert_by_offset(struct fv_lifetime **placed, size_t count, struct fv_lifetime *block) {
    size_t i = count;
    for (; i > 0 && placed[i - 1]->offset > block->offset; i--) {
        placed[i] = placed[i - 1];
    }
    placed[i] = block;
}

enum fv_status fv_plan_offsets(struct fv_lifetime *blocks, size_t count, size_t *total, struct fv_error *error) {
    struct fv_lifetime **order = fv_allocate(count, sizeof(struct fv_lifetime *));
    struct fv_lifetime **placed = fv_allocate(count, sizeof(struct fv_lifetime *));
    enum fv_status status = FV_OK;
    if (order == NULL || placed == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for the plan of %zu blocks", count);
    }
    size_t sum = 0;
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        if (!fv_add(blocks[i].bytes, FV_ALIGNMENT - 1, &blocks[i].bytes)) {
            status =
                fv_error_set(error, FV_ERROR_MEMORY, "a block of %zu bytes does not fit into memory", blocks[i].bytes);
            break;
        }
        blocks[i].bytes -= blocks[i].bytes % FV_ALIGNMENT;
        if (!fv_add(sum, blocks[i].bytes, &sum)) {
            status = fv_error_set(error, FV_ERROR_MEMORY, "%zu blocks together do not fit into memory", count);
        }
        order[i] = &blocks[i];
    }
    *total = 0;
    if (status == FV_OK) {
        qsort(order, count, sizeof *order, larger_first);
        for (size_t i = 0; i < count; i++) {
            order[i]->offset = best_gap(placed, i, order[i]);
            const size_t end = order[i]->offset + order[i]->bytes;
            *total = end > *total ? end : *total;
            insert_by_offset(placed, i, order[i]);
        }
    }
    fv_release(order);
    fv_release(placed);
    return status;
}
