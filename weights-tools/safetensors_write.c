/* u64 length, JSON, padding: the part of a safetensors file before its data. */
#include "safetensors_write.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "fovea/text.h"

enum { ALIGNMENT = 8, FIRST_CAPACITY = 1 << 14, NUMBERS_SIZE = 256 };

/* Text that grows; after a failure it stays as it is. */
struct text {
    char *bytes;
    size_t size;
    size_t capacity;
    bool failed;
};

static void add_bytes(struct text *text, const char *bytes, size_t size) {
    size_t needed;
    if (text->failed || !fv_add(text->size, size, &needed)) {
        text->failed = true;
        return;
    }
    if (needed > text->capacity) {
        size_t capacity = text->capacity == 0 ? FIRST_CAPACITY : text->capacity;
        while (capacity < needed && fv_multiply(capacity, 2, &capacity)) {
        }
        char *grown = capacity < needed ? NULL : fv_reallocate(text->bytes, text->size, capacity, 1);
        if (grown == NULL) {
            text->failed = true;
            return;
        }
        text->bytes = grown;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size = needed;
}

static void add(struct text *text, const char *format, ...) FV_PRINTF(2, 3);

static void add(struct text *text, const char *format, ...) {
    char printed[NUMBERS_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(printed, sizeof printed, format, arguments);
    va_end(arguments);
    add_bytes(text, printed, (size_t)length);
}

/* A JSON string: quotes, backslashes and control characters are escaped, all else stays UTF-8. */
static void add_string(struct text *text, const char *string) {
    add_bytes(text, "\"", 1);
    for (; *string != '\0'; string++) {
        if (*string == '"' || *string == '\\') {
            add(text, "\\%c", *string);
        } else if ((unsigned char)*string < 0x20) {
            add(text, "\\u%04x", (unsigned)*string);
        } else {
            add_bytes(text, string, 1);
        }
    }
    add_bytes(text, "\"", 1);
}

static void add_notes(struct text *text, const struct safetensors_note *notes, size_t count) {
    add(text, "\"__metadata__\":{");
    for (size_t i = 0; i < count; i++) {
        add(text, "%s", i == 0 ? "" : ",");
        add_string(text, notes[i].key);
        add(text, ":");
        add_string(text, notes[i].value);
    }
    add(text, "}");
}

static void add_entry(struct text *text, const struct safetensors_entry *entry, size_t begin) {
    static const char *const types[] = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"};
    add(text, ",");
    add_string(text, entry->name);
    add(text, ":{\"dtype\":\"%s\",\"shape\":[", types[entry->element]);
    for (uint32_t i = 0; i < entry->rank; i++) {
        add(text, "%s%zu", i == 0 ? "" : ",", entry->shape[i]);
    }
    add(text, "],\"data_offsets\":[%zu,%zu]}", begin, begin + entry->bytes);
}

static enum fv_status check_name(const char *path, const char *name, struct fv_error *error) {
    if (name[0] == '\0' || strcmp(name, "__metadata__") == 0 || !fv_utf8_valid(name, strlen(name))) {
        return fv_error_set(error, FV_ERROR_MODEL, "%s: tensor '%s' has a name that safetensors cannot hold", path,
                            name);
    }
    return FV_OK;
}

enum fv_status safetensors_write_header(struct fv_output *output, const char *path,
                                        const struct safetensors_entry *entries, size_t count,
                                        const struct safetensors_note *notes, size_t note_count,
                                        struct fv_error *error) {
    struct text text = {0};
    size_t end = 0;
    enum fv_status status = FV_OK;
    add(&text, "{");
    add_notes(&text, notes, note_count);
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        const size_t begin = end;
        status = check_name(path, entries[i].name, error);
        if (status == FV_OK && !fv_add(end, entries[i].bytes, &end)) {
            status = fv_error_set(error, FV_ERROR_MODEL, "%s: more bytes than 64 bits count", path);
        }
        add_entry(&text, &entries[i], begin);
    }
    add(&text, "}");
    while (!text.failed && text.size % ALIGNMENT != 0) {
        add(&text, " ");
    }
    if (status == FV_OK && text.failed) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    uint64_t length = text.size; /* every machine that Fovea runs on is little-endian */
    if (status == FV_OK) {
        status = fv_output_write(output, &length, sizeof length, error);
    }
    if (status == FV_OK) {
        status = fv_output_write(output, text.bytes, text.size, error);
    }
    fv_release(text.bytes);
    return status;
}
