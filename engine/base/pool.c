#include "fovea/pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "fovea/memory.h"

struct fv_pool_block {
    struct fv_pool_block *previous;
    size_t capacity;
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

enum { SMALLEST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

/* A fresh block with room for `bytes`; blocks double in size so that small pools stay small. */
static struct fv_pool_block *add_block(struct fv_pool *pool, size_t bytes) {
    size_t capacity = pool->last == NULL ? SMALLEST_BLOCK : 2 * pool->last->capacity;
    if (capacity > LARGEST_BLOCK) {
        capacity = LARGEST_BLOCK;
    }
    if (capacity < bytes) {
        capacity = bytes;
    }
    size_t total;
    if (!fv_add(capacity, sizeof(struct fv_pool_block), &total)) {
        return NULL;
    }
    struct fv_pool_block *block = fv_allocate(total, 1);
    if (block != NULL) {
        block->previous = pool->last;
        block->capacity = capacity;
        block->used = 0;
        pool->last = block;
    }
    return block;
}

void *fv_pool_take(struct fv_pool *pool, size_t count, size_t size) {
    size_t bytes;
    size_t rounded;
    size_t total;
    if (!fv_multiply(count, size, &bytes) || !fv_add(bytes, alignof(max_align_t) - 1, &rounded)) {
        return NULL;
    }
    rounded -= rounded % alignof(max_align_t);
    if (!fv_add(pool->total, rounded, &total) || (pool->limit > 0 && total > pool->limit)) {
        return NULL;
    }
    struct fv_pool_block *block = pool->last;
    if (block == NULL || block->capacity - block->used < rounded) {
        block = add_block(pool, rounded);
        if (block == NULL) {
            return NULL;
        }
    }
    void *taken = block->bytes + block->used;
    block->used += rounded;
    pool->total = total;
    memset(taken, 0, bytes);
    return taken;
}

char *fv_pool_text(struct fv_pool *pool, const char *bytes, size_t length) {
    if (length == SIZE_MAX) {
        return NULL;
    }
    char *text = fv_pool_take(pool, length + 1, 1);
    if (text != NULL) {
        memcpy(text, bytes, length);
    }
    return text;
}

void fv_pool_clear(struct fv_pool *pool) {
    while (pool->last != NULL) {
        struct fv_pool_block *previous = pool->last->previous;
        fv_release(pool->last);
        pool->last = previous;
    }
    pool->total = 0;
}
