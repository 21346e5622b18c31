/* The pickle machine: opcodes, stack, marks and memo. */
#include "pickle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fovea/bytes.h"
#include "fovea/memory.h"
#include "fovea/text.h"

enum {
    MOST_BYTES = 256 << 20,
    MOST_OBJECTS = 1 << 22,
    MOST_ITEMS = 1 << 23,
    MOST_MEMO = 1 << 22,
    MEMO_SLACK = 4096, /* memo indices are dense in real files */
    MOST_STACK = 1 << 20,
    MOST_MARKS = 256,
    LONGEST_TEXT = 16 << 20,
    LONGEST_INTEGER = 16,
    HIGHEST_PROTOCOL = 5,
};

enum opcode {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_POP_MARK = '1',
    OP_DUP = '2',
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_BINFLOAT = 'G',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_BINUNICODE = 'X',
    OP_EMPTY_LIST = ']',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_APPENDS = 'e',
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_SETITEMS = 'u',
    OP_EMPTY_DICT = '}',
    OP_EMPTY_TUPLE = ')',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8A,
    OP_LONG4 = 0x8B,
    OP_SHORT_BINUNICODE = 0x8C,
    OP_BINUNICODE8 = 0x8D,
    OP_BINBYTES8 = 0x8E,
    OP_EMPTY_SET = 0x8F,
    OP_ADDITEMS = 0x90,
    OP_FROZENSET = 0x91,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95,
};

/* Opcodes that are known and refused. */
static const char *refused_name(uint8_t opcode) {
    switch (opcode) {
    case 'i':
        return "INST, which calls a class";
    case 'o':
        return "OBJ, which calls a class";
    case 0x92:
        return "NEWOBJ_EX, which calls a class";
    case 0x82:
    case 0x83:
    case 0x84:
        return "EXT, which looks up a registered class";
    case 'P':
        return "PERSID";
    case 0x96:
        return "BYTEARRAY8";
    case 0x97:
        return "NEXT_BUFFER";
    case 0x98:
        return "READONLY_BUFFER";
    default:
        return NULL;
    }
}

enum fv_status pickle_fail(struct pickle *pickle, enum fv_status status, const char *format, ...) {
    char message[FV_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return fv_error_set(pickle->error, status, "%s: %s%spickle, offset %zu: %s", pickle->path,
                        pickle->part == NULL ? "" : pickle->part, pickle->part == NULL ? "" : ": ", pickle->opcode,
                        message);
}

enum fv_status pickle_out_of_memory(struct pickle *pickle) {
    return fv_error_set(pickle->error, FV_ERROR_MEMORY, "%s: out of memory", pickle->path);
}

/* Doubles an array of value pointers. */
static enum fv_status grow(struct pickle *pickle, struct value ***array, size_t *capacity, size_t needed) {
    size_t wanted = *capacity < 64 ? 64 : 2 * *capacity;
    wanted = wanted < needed ? needed : wanted;
    struct value **grown = fv_reallocate(*array, *capacity, wanted, sizeof **array);
    if (grown == NULL) {
        return pickle_out_of_memory(pickle);
    }
    memset(grown + *capacity, 0, (wanted - *capacity) * sizeof *grown);
    *array = grown;
    *capacity = wanted;
    return FV_OK;
}

static enum fv_status push(struct pickle *pickle, struct value *value) {
    if (pickle->stack_count == MOST_STACK) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "more than %d values on the stack", MOST_STACK);
    }
    if (pickle->stack_count == pickle->stack_capacity) {
        enum fv_status status = grow(pickle, &pickle->stack, &pickle->stack_capacity, 0);
        if (status != FV_OK) {
            return status;
        }
    }
    pickle->stack[pickle->stack_count++] = value;
    return FV_OK;
}

/* The stack below the topmost mark is out of reach. */
static size_t reachable(const struct pickle *pickle) {
    size_t floor = pickle->mark_count > 0 ? pickle->marks[pickle->mark_count - 1] : 0;
    return pickle->stack_count - floor;
}

static enum fv_status pop(struct pickle *pickle, struct value **value) {
    if (reachable(pickle) == 0) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "the stack is empty");
    }
    *value = pickle->stack[--pickle->stack_count];
    return FV_OK;
}

static enum fv_status top(struct pickle *pickle, struct value **value) {
    if (reachable(pickle) == 0) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "the stack is empty");
    }
    *value = pickle->stack[pickle->stack_count - 1];
    return FV_OK;
}

enum fv_status pickle_value(struct pickle *pickle, enum value_type type, struct value **value) {
    if (pickle->objects == MOST_OBJECTS) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "more than %d objects", MOST_OBJECTS);
    }
    pickle->objects++;
    *value = fv_pool_take(pickle->pool, 1, sizeof **value);
    if (*value == NULL) {
        return pickle_out_of_memory(pickle);
    }
    (*value)->type = type;
    return FV_OK;
}

enum fv_status pickle_append(struct pickle *pickle, struct value *container, struct value *item) {
    if (pickle->items == MOST_ITEMS) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "more than %d items", MOST_ITEMS);
    }
    pickle->items++;
    if (container->items.count == container->items.capacity) {
        size_t capacity = container->items.capacity == 0 ? 4 : 2 * container->items.capacity;
        struct value **grown = fv_pool_take(pickle->pool, capacity, sizeof *grown);
        if (grown == NULL) {
            return pickle_out_of_memory(pickle);
        }
        if (container->items.count > 0) {
            memcpy(grown, container->items.at, container->items.count * sizeof *grown);
        }
        container->items.at = grown;
        container->items.capacity = capacity;
    }
    container->items.at[container->items.count++] = item;
    return FV_OK;
}

static enum fv_status push_new(struct pickle *pickle, enum value_type type, struct value **value) {
    enum fv_status status = pickle_value(pickle, type, value);
    return status == FV_OK ? push(pickle, *value) : status;
}

static enum fv_status push_integer(struct pickle *pickle, int64_t integer) {
    struct value *value = NULL;
    enum fv_status status = push_new(pickle, VALUE_INTEGER, &value);
    if (status == FV_OK) {
        value->integer = integer;
    }
    return status;
}

static enum fv_status push_boolean(struct pickle *pickle, bool boolean) {
    struct value *value = NULL;
    enum fv_status status = push_new(pickle, VALUE_BOOLEAN, &value);
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
static enum fv_status take_number(struct pickle *pickle, size_t width, uint64_t *number) {
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
    enum fv_status status = take_number(pickle, width, &length);
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
    status = push_new(pickle, type, &value);
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
    enum fv_status status = take_number(pickle, width, &length);
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
    status = push_new(pickle, VALUE_LONG, &value);
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
        status = push_new(pickle, VALUE_NUMBER, &value);
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

static enum fv_status push_constant(struct pickle *pickle, uint8_t opcode) {
    uint64_t number;
    enum fv_status status;
    struct value *value = NULL;
    switch (opcode) {
    case OP_NONE:
        return push_new(pickle, VALUE_NONE, &value);
    case OP_NEWTRUE:
    case OP_NEWFALSE:
        return push_boolean(pickle, opcode == OP_NEWTRUE);
    case OP_BININT:
        status = take_number(pickle, 4, &number);
        return status == FV_OK ? push_integer(pickle, (int32_t)(uint32_t)number) : status;
    case OP_BININT1:
    case OP_BININT2:
        status = take_number(pickle, opcode == OP_BININT1 ? 1 : 2, &number);
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

static bool hashable(const struct value *value) {
    switch (value->type) {
    case VALUE_NONE:
    case VALUE_BOOLEAN:
    case VALUE_INTEGER:
    case VALUE_NUMBER:
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_TUPLE:
        return true;
    default:
        return false;
    }
}

/* Moves the values from stack position `begin` on into `container`. */
static enum fv_status move_items(struct pickle *pickle, struct value *container, size_t begin) {
    enum fv_status status = FV_OK;
    size_t count = pickle->stack_count - begin;
    if (container->type == VALUE_DICTIONARY && count % 2 != 0) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "an odd number of keys and values for a dict");
    }
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        struct value *item = pickle->stack[begin + i];
        bool is_key = container->type == VALUE_SET || (container->type == VALUE_DICTIONARY && i % 2 == 0);
        if (is_key && !hashable(item)) {
            return pickle_fail(pickle, FV_ERROR_FORMAT, "%s cannot be a key", value_type_name(item));
        }
        status = pickle_append(pickle, container, item);
    }
    pickle->stack_count = begin;
    return status;
}

/* Takes the topmost mark off; *begin is the stack position that it marked. */
static enum fv_status pop_mark(struct pickle *pickle, size_t *begin) {
    if (pickle->mark_count == 0) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "there is no mark");
    }
    *begin = pickle->marks[--pickle->mark_count];
    return FV_OK;
}

/* Puts the values from the mark on (`count` < 0) or the topmost `count` ones into a fresh tuple or set. */
static enum fv_status collect(struct pickle *pickle, enum value_type type, int count) {
    size_t begin = 0;
    struct value *value = NULL;
    enum fv_status status = FV_OK;
    if (count < 0) {
        status = pop_mark(pickle, &begin);
    } else if (reachable(pickle) < (size_t)count) {
        status = pickle_fail(pickle, FV_ERROR_FORMAT, "the stack is empty");
    } else {
        begin = pickle->stack_count - (size_t)count;
    }
    if (status == FV_OK) {
        status = pickle_value(pickle, type, &value);
    }
    if (status == FV_OK) {
        status = move_items(pickle, value, begin);
    }
    return status == FV_OK ? push(pickle, value) : status;
}

/* Adds the values from the mark on (`count` < 0) or the topmost `count` ones to the container below them. */
static enum fv_status extend(struct pickle *pickle, enum value_type type, int count) {
    size_t begin = 0;
    enum fv_status status = FV_OK;
    if (count < 0) {
        status = pop_mark(pickle, &begin);
    } else if (reachable(pickle) <= (size_t)count) {
        status = pickle_fail(pickle, FV_ERROR_FORMAT, "the stack is empty");
    } else {
        begin = pickle->stack_count - (size_t)count;
    }
    if (status != FV_OK) {
        return status;
    }
    size_t floor = pickle->mark_count > 0 ? pickle->marks[pickle->mark_count - 1] : 0;
    if (begin <= floor) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "there is nothing to add to");
    }
    struct value *container = pickle->stack[begin - 1];
    if (container->type != type) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "items are added to %s", value_type_name(container));
    }
    return move_items(pickle, container, begin);
}

static enum fv_status memo_put(struct pickle *pickle, uint64_t index) {
    struct value *value = NULL;
    enum fv_status status = top(pickle, &value);
    if (status != FV_OK) {
        return status;
    }
    if (index >= MOST_MEMO || index > pickle->puts + MEMO_SLACK) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "memo index %" PRIu64 " after %zu entries", index,
                           pickle->puts);
    }
    if (index >= pickle->memo_capacity) {
        status = grow(pickle, &pickle->memo, &pickle->memo_capacity, (size_t)index + 1);
        if (status != FV_OK) {
            return status;
        }
    }
    pickle->memo[index] = value;
    pickle->puts++;
    if (index >= pickle->memo_count) {
        pickle->memo_count = (size_t)index + 1;
    }
    return FV_OK;
}

static enum fv_status memo_get(struct pickle *pickle, uint64_t index) {
    if (index >= pickle->memo_capacity || pickle->memo[index] == NULL) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "memo entry %" PRIu64 " was never set", index);
    }
    return push(pickle, pickle->memo[index]);
}

static enum fv_status memo_step(struct pickle *pickle, uint8_t opcode) {
    uint64_t index = pickle->memo_count;
    enum fv_status status = FV_OK;
    if (opcode != OP_MEMOIZE) {
        status = take_number(pickle, opcode == OP_BINPUT || opcode == OP_BINGET ? 1 : 4, &index);
    }
    if (status != FV_OK) {
        return status;
    }
    return opcode == OP_BINGET || opcode == OP_LONG_BINGET ? memo_get(pickle, index) : memo_put(pickle, index);
}

static enum fv_status push_global(struct pickle *pickle, const char *module, const char *name) {
    const struct global *global;
    struct value *value = NULL;
    enum fv_status status = pickle_resolve(pickle, module, name, &global);
    if (status == FV_OK) {
        status = push_new(pickle, VALUE_GLOBAL, &value);
    }
    if (status == FV_OK) {
        value->global = global;
    }
    return status;
}

/* One newline-terminated line of a GLOBAL. */
static enum fv_status take_line(struct pickle *pickle, char **line) {
    const char *begin = (const char *)pickle->bytes + pickle->at;
    const char *end = memchr(begin, '\n', pickle->size - pickle->at);
    if (end == NULL || !fv_utf8_valid(begin, (size_t)(end - begin))) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "the name of a class or function is broken");
    }
    pickle->at += (size_t)(end - begin) + 1;
    *line = fv_pool_text(pickle->pool, begin, (size_t)(end - begin));
    return *line == NULL ? pickle_out_of_memory(pickle) : FV_OK;
}

static enum fv_status step_global(struct pickle *pickle) {
    char *module;
    char *name;
    enum fv_status status = take_line(pickle, &module);
    if (status == FV_OK) {
        status = take_line(pickle, &name);
    }
    return status == FV_OK ? push_global(pickle, module, name) : status;
}

static enum fv_status step_stack_global(struct pickle *pickle) {
    struct value *name = NULL;
    struct value *module = NULL;
    enum fv_status status = pop(pickle, &name);
    if (status == FV_OK) {
        status = pop(pickle, &module);
    }
    if (status != FV_OK) {
        return status;
    }
    if (value_string(module) == NULL || value_string(name) == NULL) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "a class or function is named by %s and %s",
                           value_type_name(module), value_type_name(name));
    }
    return push_global(pickle, value_string(module), value_string(name));
}

static enum fv_status step_persistent(struct pickle *pickle) {
    struct value *id = NULL;
    struct value *result = NULL;
    enum fv_status status = pop(pickle, &id);
    if (status == FV_OK && pickle->persistent == NULL) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "BINPERSID: an outside object is referred to");
    }
    if (status == FV_OK) {
        status = pickle->persistent(pickle->context, pickle, id, &result);
    }
    return status == FV_OK ? push(pickle, result) : status;
}

/* REDUCE, NEWOBJ and BUILD take two values; the first two leave one, the last leaves the instance. */
static enum fv_status step_object(struct pickle *pickle, uint8_t opcode) {
    struct value *argument = NULL;
    struct value *subject = NULL;
    struct value *result = NULL;
    enum fv_status status = pop(pickle, &argument);
    if (status == FV_OK) {
        status = pop(pickle, &subject);
    }
    if (status != FV_OK) {
        return status;
    }
    if (opcode == OP_REDUCE) {
        status = pickle_reduce(pickle, subject, argument, &result);
    } else if (opcode == OP_NEWOBJ) {
        status = pickle_new(pickle, subject, argument, &result);
    } else {
        result = subject;
        status = pickle_build(pickle, subject, argument);
    }
    return status == FV_OK ? push(pickle, result) : status;
}

static enum fv_status step_stack(struct pickle *pickle, uint8_t opcode) {
    struct value *value = NULL;
    enum fv_status status;
    switch (opcode) {
    case OP_MARK:
        if (pickle->mark_count == MOST_MARKS) {
            return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "marks are nested deeper than %d", MOST_MARKS);
        }
        pickle->marks[pickle->mark_count++] = pickle->stack_count;
        return FV_OK;
    case OP_POP:
        /* On a mark, POP takes the mark. */
        if (pickle->mark_count > 0 && reachable(pickle) == 0) {
            pickle->mark_count--;
            return FV_OK;
        }
        return pop(pickle, &value);
    case OP_POP_MARK:
        return pop_mark(pickle, &pickle->stack_count);
    default: /* OP_DUP */
        status = top(pickle, &value);
        return status == FV_OK ? push(pickle, value) : status;
    }
}

/* PROTO and FRAME say something of the stream and leave no value. */
static enum fv_status step_header(struct pickle *pickle, uint8_t opcode) {
    uint64_t number;
    enum fv_status status = take_number(pickle, opcode == OP_PROTO ? 1 : 8, &number);
    if (status == FV_OK && opcode == OP_PROTO && number > HIGHEST_PROTOCOL) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "protocol %" PRIu64 ", at most %d expected", number,
                           HIGHEST_PROTOCOL);
    }
    if (status == FV_OK && opcode == OP_FRAME && number > pickle->size - pickle->at) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "a frame of %" PRIu64 " bytes, %zu are left", number,
                           pickle->size - pickle->at);
    }
    return status;
}

static enum fv_status refuse(struct pickle *pickle, uint8_t opcode) {
    const char *name = refused_name(opcode);
    if (name != NULL) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "opcode %s, is refused", name);
    }
    if (opcode != 0 && strchr("FILSVdglp", opcode) != NULL) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "opcode '%c' of the text protocol 0 is refused", opcode);
    }
    return pickle_fail(pickle, FV_ERROR_FORMAT, "0x%02X is no opcode", opcode);
}

static enum fv_status step(struct pickle *pickle, uint8_t opcode) {
    struct value *value = NULL;
    switch (opcode) {
    case OP_PROTO:
    case OP_FRAME:
        return step_header(pickle, opcode);
    case OP_MARK:
    case OP_POP:
    case OP_POP_MARK:
    case OP_DUP:
        return step_stack(pickle, opcode);
    case OP_EMPTY_LIST:
        return push_new(pickle, VALUE_LIST, &value);
    case OP_EMPTY_DICT:
        return push_new(pickle, VALUE_DICTIONARY, &value);
    case OP_EMPTY_SET:
        return push_new(pickle, VALUE_SET, &value);
    case OP_EMPTY_TUPLE:
        return push_new(pickle, VALUE_TUPLE, &value);
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return collect(pickle, VALUE_TUPLE, opcode - OP_TUPLE1 + 1);
    case OP_TUPLE:
        return collect(pickle, VALUE_TUPLE, -1);
    case OP_FROZENSET:
        return collect(pickle, VALUE_SET, -1);
    case OP_APPEND:
        return extend(pickle, VALUE_LIST, 1);
    case OP_APPENDS:
        return extend(pickle, VALUE_LIST, -1);
    case OP_SETITEM:
        return extend(pickle, VALUE_DICTIONARY, 2);
    case OP_SETITEMS:
        return extend(pickle, VALUE_DICTIONARY, -1);
    case OP_ADDITEMS:
        return extend(pickle, VALUE_SET, -1);
    case OP_BINPUT:
    case OP_LONG_BINPUT:
    case OP_MEMOIZE:
    case OP_BINGET:
    case OP_LONG_BINGET:
        return memo_step(pickle, opcode);
    case OP_GLOBAL:
        return step_global(pickle);
    case OP_STACK_GLOBAL:
        return step_stack_global(pickle);
    case OP_BINPERSID:
        return step_persistent(pickle);
    case OP_REDUCE:
    case OP_NEWOBJ:
    case OP_BUILD:
        return step_object(pickle, opcode);
    case OP_NONE:
    case OP_NEWTRUE:
    case OP_NEWFALSE:
    case OP_BININT:
    case OP_BININT1:
    case OP_BININT2:
    case OP_LONG1:
    case OP_LONG4:
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINSTRING:
    case OP_BINUNICODE:
    case OP_BINSTRING:
    case OP_BINUNICODE8:
    case OP_SHORT_BINBYTES:
    case OP_BINBYTES:
    case OP_BINBYTES8:
    case OP_BINFLOAT:
        return push_constant(pickle, opcode);
    default:
        return refuse(pickle, opcode);
    }
}

static enum fv_status run(struct pickle *pickle, const struct value **root) {
    if (pickle->size > MOST_BYTES) {
        pickle->size = MOST_BYTES;
    }
    while (pickle->at < pickle->size) {
        pickle->opcode = pickle->at;
        uint8_t opcode = pickle->bytes[pickle->at++];
        if (opcode == OP_STOP) {
            struct value *value = NULL;
            enum fv_status status = pop(pickle, &value);
            if (status == FV_OK && (pickle->stack_count > 0 || pickle->mark_count > 0)) {
                return pickle_fail(pickle, FV_ERROR_FORMAT, "%zu values and %zu marks are left over",
                                   pickle->stack_count, pickle->mark_count);
            }
            *root = value;
            return status;
        }
        enum fv_status status = step(pickle, opcode);
        if (status != FV_OK) {
            return status;
        }
    }
    pickle->opcode = pickle->at;
    return pickle_fail(pickle, FV_ERROR_FORMAT, "ends without STOP");
}

enum fv_status pickle_run(struct pickle *pickle, const struct value **root) {
    enum fv_status status = run(pickle, root);
    fv_release(pickle->stack);
    fv_release(pickle->memo);
    pickle->stack = NULL;
    pickle->memo = NULL;
    return status;
}
