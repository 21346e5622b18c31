#include "fovea/sha256.h"

#include <stdio.h>
#include <string.h>

#include "fovea/cpu.h"
#include "io/sha256_blocks.h"

const uint32_t fv_sha256_constants[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

static uint32_t rotate(uint32_t value, unsigned count) {
    return value >> count | value << (32 - count);
}

static void compress_block(uint32_t state[8], const uint8_t *block) {
    uint32_t w[64];
    for (size_t i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    }
    for (size_t i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    /* The letters are the standard's. */
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (size_t i = 0; i < 64; i++) {
        uint32_t t1 =
            h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + fv_sha256_constants[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    const uint32_t result[8] = {a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; i++) {
        state[i] += result[i];
    }
}

void fv_sha256_blocks_portable(uint32_t state[8], const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        compress_block(state, bytes + 64 * i);
    }
}

static void compress(uint32_t state[8], const uint8_t *bytes, size_t count) {
#if defined(__x86_64__) || defined(__aarch64__)
    if (fv_cpu_has_sha256()) {
        fv_sha256_blocks_native(state, bytes, count);
        return;
    }
#endif
    fv_sha256_blocks_portable(state, bytes, count);
}

void fv_sha256_begin(struct fv_sha256 *sha) {
    *sha = (struct fv_sha256){
        .state = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19}};
}

void fv_sha256_add(struct fv_sha256 *sha, const uint8_t *bytes, size_t size) {
    size_t used = sha->length % sizeof sha->block;
    sha->length += size;
    if (used > 0) {
        size_t step = size < sizeof sha->block - used ? size : sizeof sha->block - used;
        memcpy(sha->block + used, bytes, step);
        bytes += step;
        size -= step;
        if (used + step < sizeof sha->block) {
            return;
        }
        compress(sha->state, sha->block, 1);
    }
    const size_t blocks = size / sizeof sha->block, rest = size % sizeof sha->block;
    if (blocks > 0) {
        compress(sha->state, bytes, blocks);
    }
    if (rest > 0) {
        memcpy(sha->block, bytes + size - rest, rest);
    }
}

void fv_sha256_end(struct fv_sha256 *sha, char digest[65]) {
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = 8 * sha->length;
    uint8_t length[8];
    for (size_t i = 0; i < 8; i++) {
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    size_t used = sha->length % 64;
    fv_sha256_add(sha, padding, used < 56 ? 56 - used : 120 - used);
    fv_sha256_add(sha, length, sizeof length);
    for (size_t i = 0; i < 8; i++) {
        snprintf(digest + 8 * i, 9, "%08x", sha->state[i]);
    }
}
