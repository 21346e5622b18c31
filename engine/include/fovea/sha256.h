/* SHA-256 (FIPS 180-4): names for files by their content.
 *
 * Thread safety: all functions are reentrant; a sum belongs to one thread at a time. */
#ifndef FOVEA_SHA256_H
#define FOVEA_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct fv_sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[64];
};

/* Starts a sum; bytes are added in as many calls as one likes. */
void fv_sha256_begin(struct fv_sha256 *sha);
void fv_sha256_add(struct fv_sha256 *sha, const uint8_t *bytes, size_t size);
/* Ends the sum: 64 lower-case hexadecimal digits and a zero. */
void fv_sha256_end(struct fv_sha256 *sha, char digest[65]);

#endif
