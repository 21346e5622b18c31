/* Little-endian numbers at any address.
 *
 * Fovea runs on 64-bit little-endian machines only, so a load is a copy. Thread safety: all functions are reentrant. */
#ifndef FOVEA_BYTES_H
#define FOVEA_BYTES_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Fovea needs a little-endian machine"
#endif
static_assert(sizeof(size_t) == 8, "Fovea needs a 64-bit machine: file offsets are held in size_t");

/* The number whose first byte is at `bytes`, which needs no alignment; the caller has checked that all of its bytes are
 * there. */
static inline uint16_t fv_load_u16(const void *bytes) {
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint32_t fv_load_u32(const void *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint64_t fv_load_u64(const void *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline float fv_load_f32(const void *bytes) {
    float value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline double fv_load_f64(const void *bytes) {
    double value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

#endif
