/* The pickle machine: what each opcode does. */
#include "pickle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "fovea/text.h"
#include "pickle_machine.h"

enum { MOST_BYTES = 256 << 20, MOST_MARKS = 256, HIGHEST_PROTOCOL = 5 };

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

static enum fv_status memo_step(struct pickle *pickle, uint8_t opcode) {
    uint64_t index = pickle->memo_count;
    enum fv_status status = FV_OK;
    if (opcode != OP_MEMOIZE) {
        status = pickle_take_number(pickle, opcode == OP_BINPUT || opcode == OP_BINGET ? 1 : 4, &index);
    }
    if (status != FV_OK) {
        return status;
    }
    return opcode == OP_BINGET || opcode == OP_LONG_BINGET ? pickle_memo_get(pickle, index)
                                                           : pickle_memo_put(pickle, index);
}

static enum fv_status push_global(struct pickle *pickle, const char *module, const char *name) {
    const struct global *global;
    struct value *value = NULL;
    enum fv_status status = pickle_resolve(pickle, module, name, &global);
    if (status == FV_OK) {
        status = pickle_push_new(pickle, VALUE_GLOBAL, &value);
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
    enum fv_status status = pickle_pop(pickle, &name);
    if (status == FV_OK) {
        status = pickle_pop(pickle, &module);
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
    enum fv_status status = pickle_pop(pickle, &id);
    if (status == FV_OK && pickle->persistent == NULL) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "BINPERSID: an outside object is referred to");
    }
    if (status == FV_OK) {
        status = pickle->persistent(pickle->context, pickle, id, &result);
    }
    return status == FV_OK ? pickle_push(pickle, result) : status;
}

/* REDUCE, NEWOBJ and BUILD take two values; the first two leave one, the last leaves the instance. */
static enum fv_status step_object(struct pickle *pickle, uint8_t opcode) {
    struct value *argument = NULL;
    struct value *subject = NULL;
    struct value *result = NULL;
    enum fv_status status = pickle_pop(pickle, &argument);
    if (status == FV_OK) {
        status = pickle_pop(pickle, &subject);
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
    return status == FV_OK ? pickle_push(pickle, result) : status;
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
        if (pickle->mark_count > 0 && pickle_reachable(pickle) == 0) {
            pickle->mark_count--;
            return FV_OK;
        }
        return pickle_pop(pickle, &value);
    case OP_POP_MARK:
        return pickle_pop_mark(pickle, &pickle->stack_count);
    default: /* OP_DUP */
        status = pickle_top(pickle, &value);
        return status == FV_OK ? pickle_push(pickle, value) : status;
    }
}

/* PROTO and FRAME say something of the stream and leave no value. */
static enum fv_status step_header(struct pickle *pickle, uint8_t opcode) {
    uint64_t number;
    enum fv_status status = pickle_take_number(pickle, opcode == OP_PROTO ? 1 : 8, &number);
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
        return pickle_push_new(pickle, VALUE_LIST, &value);
    case OP_EMPTY_DICT:
        return pickle_push_new(pickle, VALUE_DICTIONARY, &value);
    case OP_EMPTY_SET:
        return pickle_push_new(pickle, VALUE_SET, &value);
    case OP_EMPTY_TUPLE:
        return pickle_push_new(pickle, VALUE_TUPLE, &value);
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return pickle_collect(pickle, VALUE_TUPLE, opcode - OP_TUPLE1 + 1);
    case OP_TUPLE:
        return pickle_collect(pickle, VALUE_TUPLE, -1);
    case OP_FROZENSET:
        return pickle_collect(pickle, VALUE_SET, -1);
    case OP_APPEND:
        return pickle_extend(pickle, VALUE_LIST, 1);
    case OP_APPENDS:
        return pickle_extend(pickle, VALUE_LIST, -1);
    case OP_SETITEM:
        return pickle_extend(pickle, VALUE_DICTIONARY, 2);
    case OP_SETITEMS:
        return pickle_extend(pickle, VALUE_DICTIONARY, -1);
    case OP_ADDITEMS:
        return pickle_extend(pickle, VALUE_SET, -1);
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
        return pickle_push_constant(pickle, opcode);
    default:
        return refuse(pickle, opcode);
    }
}

static enum fv_status run(struct pickle *pickle, const struct value **root) {
    const bool too_long = pickle->size > MOST_BYTES;
    if (too_long) {
        pickle->size = MOST_BYTES;
    }
    while (pickle->at < pickle->size) {
        pickle->opcode = pickle->at;
        uint8_t opcode = pickle->bytes[pickle->at++];
        if (opcode == OP_STOP) {
            struct value *value = NULL;
            enum fv_status status = pickle_pop(pickle, &value);
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
    return too_long ? pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "no STOP within %d bytes", MOST_BYTES)
                    : pickle_fail(pickle, FV_ERROR_FORMAT, "ends without STOP");
}

enum fv_status pickle_run(struct pickle *pickle, const struct value **root) {
    enum fv_status status = run(pickle, root);
    fv_release(pickle->stack);
    fv_release(pickle->memo);
    pickle->stack = NULL;
    pickle->memo = NULL;
    return status;
}
