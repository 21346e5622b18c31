/* Small helpers for text. Thread safety: all functions are reentrant. */
#ifndef FOVEA_TEXT_H
#define FOVEA_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/status.h"

/* Whether the `length` bytes are well-formed UTF-8 (shortest forms only, no surrogates, at most U+10FFFF) without a
 * zero byte. */
bool fv_utf8_valid(const char *bytes, size_t length);

/* The part of `path` after its last slash; `path` itself where it has none. */
const char *fv_path_basename(const char *path);

/* A printf-formatted string, owned by the caller (fv_release); NULL if memory is exhausted. */
char *fv_text_format(const char *format, ...) FV_PRINTF(1, 2);

#endif
