#include "fovea/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Blocks from this size on ask for huge pages: fewer faults at the first touch, fewer misses of the page tables. */
enum { HUGE_BLOCK = 1 << 20 };

/* Allocations that may still succeed; negative: no limit. */
static atomic_long remaining_successes = -1;

void fv_memory_fail_after(long successes) {
    atomic_store(&remaining_successes, successes < 0 ? -1 : successes);
}

/* The largest allocation that may succeed. */
static atomic_size_t largest_success = SIZE_MAX;

void fv_memory_fail_above(size_t bytes) {
    atomic_store(&largest_success, bytes);
}

/* Counts one allocation; false if it has to fail. */
static bool allocation_permitted(size_t bytes) {
    if (bytes > atomic_load_explicit(&largest_success, memory_order_relaxed)) {
        return false;
    }
    long remaining = atomic_load_explicit(&remaining_successes, memory_order_relaxed);
    while (remaining > 0) {
        if (atomic_compare_exchange_weak(&remaining_successes, &remaining, remaining - 1)) {
            return true;
        }
    }
    return remaining < 0;
}

/* Asks for huge pages where the block covers them; where the system has none or refuses, nothing changes. */
static void advise_huge(void *block, size_t bytes) {
#if defined(MADV_HUGEPAGE)
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t first = ((uintptr_t)block + page - 1) / page * page;
    const uintptr_t last = ((uintptr_t)block + bytes) / page * page;
    (void)madvise((void *)first, last - first, MADV_HUGEPAGE);
#else
    (void)block;
    (void)bytes;
#endif
}

void *fv_allocate(size_t count, size_t size) {
    size_t bytes;
    size_t rounded;
    if (!fv_multiply(count, size, &bytes) || !fv_add(bytes > 0 ? bytes : 1, FV_ALIGNMENT - 1, &rounded)) {
        return NULL;
    }
    if (!allocation_permitted(bytes)) {
        return NULL;
    }
    /* aligned_alloc wants a multiple of the alignment. */
    void *block = aligned_alloc(FV_ALIGNMENT, rounded - rounded % FV_ALIGNMENT);
    if (block != NULL && bytes >= HUGE_BLOCK) {
        advise_huge(block, bytes);
    }
    return block;
}

void *fv_allocate_zero(size_t count, size_t size) {
    void *block = fv_allocate(count, size);
    if (block != NULL) {
        memset(block, 0, count * size);
    }
    return block;
}

void *fv_reallocate(void *block, size_t old_count, size_t new_count, size_t size) {
    void *fresh = fv_allocate(new_count, size);
    if (fresh != NULL && block != NULL) {
        memcpy(fresh, block, (old_count < new_count ? old_count : new_count) * size);
        fv_release(block);
    }
    return fresh;
}

char *fv_duplicate(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = fv_allocate(bytes, 1);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void fv_release(void *block) {
    free(block);
}
