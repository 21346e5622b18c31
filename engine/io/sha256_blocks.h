/* Private to SHA-256: its compression function, portable and with the processors' instructions for it.
 *
 * Each takes `count` blocks of 64 bytes at `bytes` into `state`, and all give the same. Thread safety: reentrant. */
#ifndef FOVEA_IO_SHA256_BLOCKS_H
#define FOVEA_IO_SHA256_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
extern const uint32_t fv_sha256_constants[64];

void fv_sha256_blocks_portable(uint32_t state[8], const uint8_t *bytes, size_t count);
/* Only where fv_cpu_has_sha256 says so; there is one where it may. */
void fv_sha256_blocks_native(uint32_t state[8], const uint8_t *bytes, size_t count);

#endif
