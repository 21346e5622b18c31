/* Many small blocks that are freed together.
 *
 * A zeroed struct fv_pool is an empty pool. Thread safety: a pool belongs to one thread at a time. */
#ifndef FOVEA_POOL_H
#define FOVEA_POOL_H

#include <stddef.h>

struct fv_pool_block;

struct fv_pool {
    struct fv_pool_block *last; /* the block that is being filled */
    size_t total;               /* bytes handed out so far */
    size_t limit;               /* most bytes to hand out; 0: no limit */
};

/* `count` x `size` zeroed bytes, aligned for any scalar type, or NULL if the product overflows, the limit is reached or
 * memory is exhausted. They live until fv_pool_clear. */
void *fv_pool_take(struct fv_pool *pool, size_t count, size_t size);

/* A zero-terminated copy of `length` bytes, or NULL as above. */
char *fv_pool_text(struct fv_pool *pool, const char *bytes, size_t length);

/* Frees everything; the pool is empty again and keeps its limit. */
void fv_pool_clear(struct fv_pool *pool);

#endif
