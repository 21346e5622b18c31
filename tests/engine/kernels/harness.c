#include "harness.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define FOVEA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FOVEA_ASAN 1
#endif
#endif

#if defined(FOVEA_ASAN)
#include <sanitizer/asan_interface.h>
#define POISON(address, size) ASAN_POISON_MEMORY_REGION(address, size)
#define UNPOISON(address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)
#else
#define POISON(address, size) ((void)(address), (void)(size))
#define UNPOISON(address, size) ((void)(address), (void)(size))
#endif

enum { GUARD = 64 };
static const uint32_t guard_bits = 0x7fc0deadU; /* a NaN: reading it spoils the result, overwriting it is seen */

void check_fail(struct check *check, const char *format, ...) {
    if (check->failed) {
        return;
    }
    check->failed = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->message, sizeof check->message, format, arguments);
    va_end(arguments);
}

/* splitmix64 */
static uint64_t next(struct check *check) {
    uint64_t z = check->random += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

float check_uniform(struct check *check, float low, float high) {
    return low + (high - low) * ((float)(next(check) >> 40) * 0x1p-24F);
}

size_t check_below(struct check *check, size_t bound) {
    return (size_t)(next(check) % bound);
}

struct guarded guarded_make(size_t count) {
    float *all = malloc((count + 2 * GUARD) * sizeof *all);
    if (all == NULL) {
        abort();
    }
    for (size_t i = 0; i < count + 2 * GUARD; i++) {
        memcpy(&all[i], &guard_bits, sizeof guard_bits);
    }
    POISON(all, GUARD * sizeof *all);
    POISON(all + GUARD + count, GUARD * sizeof *all);
    return (struct guarded){all + GUARD, count};
}

struct guarded guarded_random(struct check *check, size_t count, float low, float high) {
    struct guarded buffer = guarded_make(count);
    for (size_t i = 0; i < count; i++) {
        buffer.data[i] = check_uniform(check, low, high);
    }
    return buffer;
}

void guarded_end(struct check *check, struct guarded buffer, const char *what) {
    float *all = buffer.data - GUARD;
    UNPOISON(all, GUARD * sizeof *all);
    UNPOISON(all + GUARD + buffer.count, GUARD * sizeof *all);
    for (size_t i = 0; i < GUARD; i++) {
        if (memcmp(&all[i], &guard_bits, sizeof guard_bits) != 0) {
            check_fail(check, "%s: wrote %zu floats before the start", what, GUARD - i);
        }
        if (memcmp(&all[GUARD + buffer.count + i], &guard_bits, sizeof guard_bits) != 0) {
            check_fail(check, "%s: wrote float %zu behind the end", what, i);
        }
    }
    free(all);
}

void check_close(struct check *check, const struct guarded *actual, const struct guarded *expected, double absolute,
                 double relative, const char *what) {
    for (size_t i = 0; i < expected->count; i++) {
        const double a = (double)actual->data[i], e = (double)expected->data[i];
        if (memcmp(&actual->data[i], &expected->data[i], sizeof(float)) == 0) {
            continue; /* equal bits, infinities and untouched elements included */
        }
        if (!(fabs(a - e) <= absolute + relative * fabs(e))) {
            check_fail(check, "%s: element %zu is %.9g, expected %.9g +- %.3g", what, i, a, e,
                       absolute + relative * fabs(e));
            return;
        }
    }
}

void check_equal(struct check *check, const struct guarded *actual, const struct guarded *expected, const char *what) {
    check_close(check, actual, expected, 0, 0, what);
}

double activation_slope(enum fv_activation activation, float slope) {
    switch (activation) {
    case FV_ACTIVATION_GELU:
        return 1.13;
    case FV_ACTIVATION_SILU:
        return 1.1;
    case FV_ACTIVATION_SIGMOID:
        return 0.25;
    case FV_ACTIVATION_LEAKY_RELU:
        return fmax(1, fabs((double)slope));
    default:
        return 1;
    }
}

double activation_error(enum fv_activation activation) {
    return activation == FV_ACTIVATION_GELU ? 1e-7 : 0;
}

bool check_run(struct check *check, check_function *function, const struct fv_kernels *table, uint64_t seed) {
    *check = (struct check){.table = table, .reference = fv_kernels_reference(table->width), .seed = seed};
    check->random = seed;
    function(check);
    return !check->failed;
}

uint64_t check_seed(void) {
    const char *text = getenv("FOVEA_TEST_SEED");
    return text != NULL ? strtoull(text, NULL, 0) : 20260101;
}
