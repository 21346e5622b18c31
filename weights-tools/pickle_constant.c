/* Opcodes that push a value of their own: numbers, strings, bytes. */
#include <inttypes.h>
#include <string.h>

#include "fovea/bytes.h"
#include "fovea/text.h"
#include "pickle_machine.h"

enum { LONGEST_TEXT = 16 << 20, LONGEST_INTEGER = 16 };

static enum fv_status push_integer(struct pickle *pickle, int64_t integer) {
    struct value *value = NULL;
    enum fv_status status = pickle_push_new(pickle, VALUE_INTEGER, &value);
    if (status == FV_OK) {
        value->integer = integer;
    }
    return status;
}

static enum fv_status push_boolean(struct pickle *pickle, bool boolean) {
    struct value *value = NULL;
    enum fv_status status = pickle_push_new(pickle, VALUE_BOOLEAN, &value);
    if (status == FV_OK) {
        value->boolean = boolean;
    }
    return status;
}

/* Steps over `size` argument bytes. */
static enum fv_status take(struct pickle *pickle, uint64_t size, const uint8_t **bytes) {
    if (size > pickle->size - pickle->at) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "an opcode needs %" PRIu64 " bytes, %zu are left", size,
                           pickle->size - pickle->at);
    }
    *bytes = pickle->bytes + pickle->at;
    pickle->at += (size_t)size;
    return FV_OK;
}

/* An unsigned argument of `width` bytes. */
enum fv_status pickle_take_number(struct pickle *pickle, size_t width, uint64_t *number) {
    const uint8_t *bytes = NULL;
    enum fv_status status = take(pickle, width, &bytes);
    *number = 0;
    for (size_t i = 0; status == FV_OK && i < width; i++) {
        *number |= (uint64_t)bytes[i] << 8 * i;
    }
    return status;
}

/* UTF-8 in which, unlike in names, zero bytes are allowed: protocol 2 smuggles binary data through text. */
static bool text_valid(const char *bytes, size_t length) {
    while (length > 0) {
        size_t part = strnlen(bytes, length);
        if (!fv_utf8_valid(bytes, part)) {
            return false;
        }
        size_t step = part < length ? part + 1 : part;
        bytes += step;
        length -= step;
    }
    return true;
}

/* A string or bytes whose length takes `width` bytes. */
static enum fv_status push_text(struct pickle *pickle, enum value_type type, size_t width) {
    uint64_t length;
    const uint8_t *bytes = NULL;
    struct value *value = NULL;
    enum fv_status status = pickle_take_number(pickle, width, &length);
    if (status == FV_OK) {
        status = take(pickle, length, &bytes);
    }
    if (status != FV_OK) {
        return status;
    }
    if (length > LONGEST_TEXT) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "a string of %" PRIu64 " bytes, at most %d allowed", length,
                           LONGEST_TEXT);
    }
    if (type == VALUE_STRING && !text_valid((const char *)bytes, (size_t)length)) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "a string is not UTF-8");
    }
    status = pickle_push_new(pickle, type, &value);
    if (status != FV_OK) {
        return status;
    }
    value->text.bytes = fv_pool_text(pickle->pool, (const char *)bytes, (size_t)length);
    value->text.length = (size_t)length;
    return value->text.bytes == NULL ? pickle_out_of_memory(pickle) : FV_OK;
}

/* LONG1 and LONG4: little-endian two's complement. */
static enum fv_status push_long(struct pickle *pickle, size_t width) {
    uint64_t length;
    const uint8_t *bytes = NULL;
    enum fv_status status = pickle_take_number(pickle, width, &length);
    if (status == FV_OK && length > LONGEST_INTEGER) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "an integer of %" PRIu64 " bytes, at most %d allowed", length,
                           LONGEST_INTEGER);
    }
    if (status == FV_OK) {
        status = take(pickle, length, &bytes);
    }
    if (status != FV_OK) {
        return status;
    }
    if (length <= 8) {
        bool negative = length > 0 && bytes[length - 1] >= 0x80;
        uint64_t bits = negative ? UINT64_MAX : 0;
        memcpy(&bits, bytes, (size_t)length);
        return push_integer(pickle, (int64_t)bits);
    }
    struct value *value = NULL;
    status = pickle_push_new(pickle, VALUE_LONG, &value);
    if (status != FV_OK) {
        return status;
    }
    value->text.bytes = fv_pool_text(pickle->pool, (const char *)bytes, (size_t)length);
    value->text.length = (size_t)length;
    return value->text.bytes == NULL ? pickle_out_of_memory(pickle) : FV_OK;
}

static enum fv_status push_float(struct pickle *pickle) {
    const uint8_t *bytes = NULL;
    struct value *value = NULL;
    enum fv_status status = take(pickle, 8, &bytes);
    if (status == FV_OK) {
        status = pickle_push_new(pickle, VALUE_NUMBER, &value);
    }
    if (status == FV_OK) {
        uint64_t bits = 0;
        for (size_t i = 0; i < 8; i++) {
            bits = bits << 8 | bytes[i]; /* the only big-endian number of the format */
        }
        value->number = fv_load_f64(&bits);
    }
    return status;
}

enum fv_status pickle_push_constant(struct pickle *pickle, uint8_t opcode) {
    uint64_t number;
    enum fv_status status;
    struct value *value = NULL;
    switch (opcode) {
    case OP_NONE:
        return pickle_push_new(pickle, VALUE_NONE, &value);
    case OP_NEWTRUE:
    case OP_NEWFALSE:
        return push_boolean(pickle, opcode == OP_NEWTRUE);
    case OP_BININT:
        status = pickle_take_number(pickle, 4, &number);
        return status == FV_OK ? push_integer(pickle, (int32_t)(uint32_t)number) : status;
    case OP_BININT1:
    case OP_BININT2:
        status = pickle_take_number(pickle, opcode == OP_BININT1 ? 1 : 2, &number);
        return status == FV_OK ? push_integer(pickle, (int64_t)number) : status;
    case OP_LONG1:
        return push_long(pickle, 1);
    case OP_LONG4:
        return push_long(pickle, 4);
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINSTRING:
        return push_text(pickle, VALUE_STRING, 1);
    case OP_BINUNICODE:
    case OP_BINSTRING:
        return push_text(pickle, VALUE_STRING, 4);
    case OP_BINUNICODE8:
        return push_text(pickle, VALUE_STRING, 8);
    case OP_SHORT_BINBYTES:
        return push_text(pickle, VALUE_BYTES, 1);
    case OP_BINBYTES:
        return push_text(pickle, VALUE_BYTES, 4);
    case OP_BINBYTES8:
        return push_text(pickle, VALUE_BYTES, 8);
    default:
        return push_float(pickle);
    }
}
