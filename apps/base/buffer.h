/* Text that grows, for files that are written whole.
 *
 * A zeroed struct is an empty buffer. Failure is sticky: after the first allocation that fails, calls do nothing, and
 * the owner asks once at the end. Thread safety: a buffer belongs to one thread. */
#ifndef FOVEA_APPS_BUFFER_H
#define FOVEA_APPS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/file.h"
#include "fovea/status.h"

struct fovea_buffer {
    char *bytes; /* zero-terminated once something was added; owned */
    size_t size; /* without the zero */
    size_t capacity;
    bool failed; /* memory was exhausted */
};

/* Appends `size` bytes, a zero-terminated text, or a printf-formatted text. */
void fovea_buffer_add(struct fovea_buffer *buffer, const void *bytes, size_t size);
void fovea_buffer_text(struct fovea_buffer *buffer, const char *text);
void fovea_buffer_format(struct fovea_buffer *buffer, const char *format, ...) FV_PRINTF(2, 3);

/* Appends `text` as a field of RFC 4180: quoted, with its quotes doubled, if it holds a comma, a quote or a line break.
 */
void fovea_buffer_csv(struct fovea_buffer *buffer, const char *text);

/* Appends `text` in UTF-8 (bytes that are none become U+FFFD, control characters too), for JSON. */
void fovea_buffer_utf8(struct fovea_buffer *buffer, const char *text);

/* The same, with what HTML and XML give a meaning (& < > " ') escaped. */
void fovea_buffer_html(struct fovea_buffer *buffer, const char *text);

/* Appends `size` bytes in base64 (RFC 4648, padded). */
void fovea_buffer_base64(struct fovea_buffer *buffer, const unsigned char *bytes, size_t size);

/* Makes the text the file at `path`, complete or not at all. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY (the buffer failed
 * before). */
enum fv_status fovea_buffer_write(const struct fovea_buffer *buffer, const char *path, struct fv_error *error);

/* Appends the text to `output` and empties the buffer, which keeps its memory. Errors: FV_ERROR_MEMORY (the buffer
 * failed before), those of fv_output_write. */
enum fv_status fovea_buffer_flush(struct fovea_buffer *buffer, struct fv_output *output, struct fv_error *error);

/* Frees the text; the buffer is empty again. */
void fovea_buffer_clear(struct fovea_buffer *buffer);

#endif
