/* What a file's name says: eye, layer and size of the scan, as whole tokens.
 *
 * A token is a longest run of letters and digits; bytes beyond ASCII count as letters, so that no part of a word of
 * another script is taken for a token. Known are, as device exports and published data sets use them:
 * - eye: OD and OS, both letters in one case; R, L, RE and LE in capitals only, since "re" and "le" are words;
 * - layer, in any case: SCP, SVC, superficial; DCP, DVC, ICP, deep;
 * - size: N x N, N from 1 to 20 with at most two decimals, "x", "X" or the multiplication sign between, spaces around
 *   it or not, "mm" behind it or not.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_SCAN_TOKENS_H
#define FOVEA_APPS_SCAN_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "scan/scan.h"

/* What is absent or contradictory is unknown: 0 and false. */
struct fovea_tokens {
    enum fovea_eye eye;
    bool has_layer;
    enum fovea_layer layer;
    double size_mm;                                /* N */
    bool eye_unclear, layer_unclear, size_unclear; /* tokens contradict each other */
};

/* Reads the last part of `path`, folders are not looked at, without its suffix (from the last dot on, unless the name
 * begins with it). */
void fovea_tokens_read(const char *path, struct fovea_tokens *tokens);

/* Copies the last part of `path` without its suffix and without its tokens of layer, each with what separates it from
 * the token before it (or behind it, where there is none): what is left is the same for the layers of one scan.
 * `result` holds `size` bytes, of which strlen(path) + 1 are enough. */
void fovea_tokens_without_layer(const char *path, char *result, size_t size);

#endif
