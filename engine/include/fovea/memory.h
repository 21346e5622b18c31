/* Allocation that checks its arithmetic, aligns for vectors and can be made to fail in tests.
 *
 * Every block that the library or the program allocates comes from here. Blocks are aligned to FV_ALIGNMENT bytes.
 * Thread safety: all functions may be called from any thread. */
#ifndef FOVEA_MEMORY_H
#define FOVEA_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FV_ALIGNMENT = 64 }; /* bytes: a cache line, and the widest vector */

/* Returns `count` x `size` bytes, uninitialised, or NULL if the product overflows or memory is exhausted. A product of
 * zero gives a valid block of one byte. The caller owns the block and gives it back with fv_release. */
void *fv_allocate(size_t count, size_t size);

/* The same, filled with zero bytes. */
void *fv_allocate_zero(size_t count, size_t size);

/* Grows or shrinks `block` (NULL: a fresh one), which holds `old_count` x `size` bytes, to `new_count` x `size` bytes;
 * the common prefix keeps its bytes. On failure returns NULL and `block` stays valid. */
void *fv_reallocate(void *block, size_t old_count, size_t new_count, size_t size);

/* A copy of the zero-terminated `text`, owned by the caller; NULL if memory is exhausted. */
char *fv_duplicate(const char *text);

/* Gives a block back. NULL is allowed. */
void fv_release(void *block);

/* For tests: lets `successes` further allocations of this process pass and makes every later one fail. A negative
 * number switches the failing off (the initial state). */
void fv_memory_fail_after(long successes);

/* For tests: makes every single allocation of more than `bytes` fail, to show that a size in a hostile file is not
 * believed. SIZE_MAX switches the failing off (the initial state). */
void fv_memory_fail_above(size_t bytes);

/* *result = a * b or a + b; false, and *result untouched, if it does not fit. */
static inline bool fv_multiply(size_t a, size_t b, size_t *result) {
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *result = a * b;
    return true;
}

static inline bool fv_add(size_t a, size_t b, size_t *result) {
    if (a > SIZE_MAX - b) {
        return false;
    }
    *result = a + b;
    return true;
}

#endif
