#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"

enum { FIRST_CAPACITY = 4096 };

/* Room for `size` more bytes and a zero. */
static bool reserve(struct fovea_buffer *buffer, size_t size) {
    size_t needed;
    if (buffer->failed || !fv_add(buffer->size, size, &needed) || !fv_add(needed, 1, &needed)) {
        buffer->failed = true;
        return false;
    }
    if (needed <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity == 0 ? FIRST_CAPACITY : buffer->capacity;
    while (capacity < needed) {
        if (!fv_multiply(capacity, 2, &capacity)) {
            capacity = needed;
        }
    }
    char *grown = fv_reallocate(buffer->bytes, buffer->capacity, capacity, 1);
    if (grown == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

void fovea_buffer_add(struct fovea_buffer *buffer, const void *bytes, size_t size) {
    if (reserve(buffer, size)) {
        memcpy(buffer->bytes + buffer->size, bytes, size);
        buffer->size += size;
        buffer->bytes[buffer->size] = '\0';
    }
}

void fovea_buffer_text(struct fovea_buffer *buffer, const char *text) {
    fovea_buffer_add(buffer, text, strlen(text));
}

void fovea_buffer_format(struct fovea_buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !reserve(buffer, (size_t)length)) {
        buffer->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(buffer->bytes + buffer->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)length;
}

void fovea_buffer_csv(struct fovea_buffer *buffer, const char *text) {
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fovea_buffer_text(buffer, text);
        return;
    }
    fovea_buffer_text(buffer, "\"");
    for (; *text != '\0'; text++) {
        fovea_buffer_add(buffer, text, 1);
        if (*text == '"') {
            fovea_buffer_text(buffer, "\"");
        }
    }
    fovea_buffer_text(buffer, "\"");
}

/* The length of the character of UTF-8 at `text`, which is not at its end; 0 if there is none. */
static size_t character_length(const char *text) {
    size_t left = strnlen(text, 4);
    for (size_t length = 1; length <= left; length++) {
        if (fv_utf8_valid(text, length)) {
            return length;
        }
    }
    return 0;
}

/* The next character of `*text` in UTF-8 as it may be shown; moves `*text` behind it. */
static const char *next_character(const char **text, size_t *length) {
    *length = character_length(*text);
    const char *character = *text;
    *text += *length > 0 ? *length : 1;
    unsigned char first = (unsigned char)*character;
    if (*length == 0 || first < 0x20 || first == 0x7f) {
        *length = 3;
        return "\xef\xbf\xbd"; /* U+FFFD */
    }
    return character;
}

void fovea_buffer_utf8(struct fovea_buffer *buffer, const char *text) {
    while (*text != '\0') {
        size_t length;
        const char *character = next_character(&text, &length);
        fovea_buffer_add(buffer, character, length);
    }
}

void fovea_buffer_html(struct fovea_buffer *buffer, const char *text) {
    while (*text != '\0') {
        size_t length;
        const char *character = next_character(&text, &length);
        switch (length == 1 ? *character : 0) {
        case '&':
            fovea_buffer_text(buffer, "&amp;");
            break;
        case '<':
            fovea_buffer_text(buffer, "&lt;");
            break;
        case '>':
            fovea_buffer_text(buffer, "&gt;");
            break;
        case '"':
            fovea_buffer_text(buffer, "&quot;");
            break;
        case '\'':
            fovea_buffer_text(buffer, "&#39;");
            break;
        default:
            fovea_buffer_add(buffer, character, length);
        }
    }
}

void fovea_buffer_base64(struct fovea_buffer *buffer, const unsigned char *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned group = (unsigned)bytes[i] << 16;
        group |= left > 1 ? (unsigned)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? (unsigned)bytes[i + 2] : 0;
        const char text[4] = {
            digits[group >> 18],
            digits[group >> 12 & 63],
            left > 1 ? digits[group >> 6 & 63] : '=',
            left > 2 ? digits[group & 63] : '=',
        };
        fovea_buffer_add(buffer, text, sizeof text);
    }
}

enum fv_status fovea_buffer_write(const struct fovea_buffer *buffer, const char *path, struct fv_error *error) {
    if (buffer->failed) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    struct fv_output *output;
    enum fv_status status = fv_output_create(path, &output, error);
    if (status != FV_OK) {
        return status;
    }
    status = fv_output_write(output, buffer->bytes, buffer->size, error);
    if (status != FV_OK) {
        fv_output_abandon(output);
        return status;
    }
    return fv_output_finish(output, error);
}

enum fv_status fovea_buffer_flush(struct fovea_buffer *buffer, struct fv_output *output, struct fv_error *error) {
    if (buffer->failed) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a line of text");
    }
    const size_t size = buffer->size;
    buffer->size = 0;
    return fv_output_write(output, buffer->bytes, size, error);
}

void fovea_buffer_clear(struct fovea_buffer *buffer) {
    fv_release(buffer->bytes);
    *buffer = (struct fovea_buffer){0};
}
