/* A short hash of a text, the same on every machine. Thread safety: reentrant. */
#ifndef FOVEA_APPS_TEXT_HASH_H
#define FOVEA_APPS_TEXT_HASH_H

#include <stdint.h>

/* FNV-1a, 64 bits, of the bytes before the zero: h = 0xcbf29ce484222325; for each byte h = (h xor byte) *
 * 0x100000001b3. Source: G. Fowler, L. C. Noll, K.-P. Vo. */
uint64_t fovea_text_hash(const char *text);

#endif
