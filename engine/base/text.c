#include "fovea/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"

/* Length of the well-formed character at `bytes`, of which `left` bytes are there; 0 if it is malformed. */
static size_t character_length(const unsigned char *bytes, size_t left) {
    unsigned char first = bytes[0];
    if (first < 0x80) {
        return first == 0 ? 0 : 1;
    }
    size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first < 0xC2 || first > 0xF4 || length > left) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    /* The second byte rules out longer forms than needed, surrogates and what lies beyond U+10FFFF. */
    bool out_of_range = (first == 0xE0 && bytes[1] < 0xA0) || (first == 0xED && bytes[1] > 0x9F) ||
                        (first == 0xF0 && bytes[1] < 0x90) || (first == 0xF4 && bytes[1] > 0x8F);
    return out_of_range ? 0 : length;
}

bool fv_utf8_valid(const char *bytes, size_t length) {
    const unsigned char *at = (const unsigned char *)bytes;
    while (length > 0) {
        size_t step = character_length(at, length);
        if (step == 0) {
            return false;
        }
        at += step;
        length -= step;
    }
    return true;
}

const char *fv_path_basename(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

char *fv_text_format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : fv_allocate((size_t)length + 1, 1);
    if (text != NULL) {
        va_start(arguments, format);
        vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    return text;
}
