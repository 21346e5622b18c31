/* SHA-256 (FIPS 180-4). Private to weights-tools. */
#ifndef FOVEA_WEIGHTS_SHA256_H
#define FOVEA_WEIGHTS_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[64];
};

void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const uint8_t *bytes, size_t size);
/* 64 lower-case hexadecimal digits and a zero. */
void sha256_end(struct sha256 *sha, char digest[65]);

#endif
