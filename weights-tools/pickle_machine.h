/* What the three parts of the pickle machine share: pickle.c runs the opcodes, pickle_stack.c keeps what they work on,
 * pickle_constant.c makes the plain values. Private to them. */
#ifndef FOVEA_WEIGHTS_PICKLE_MACHINE_H
#define FOVEA_WEIGHTS_PICKLE_MACHINE_H

#include "pickle.h"

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

/* pickle_stack.c */

/* Puts a value on the stack. */
enum fv_status pickle_push(struct pickle *pickle, struct value *value);

/* Puts a fresh value on the stack. */
enum fv_status pickle_push_new(struct pickle *pickle, enum value_type type, struct value **value);

/* The number of values above the topmost mark: those below are out of reach. */
size_t pickle_reachable(const struct pickle *pickle);

/* The topmost value: taken off, or left there. */
enum fv_status pickle_pop(struct pickle *pickle, struct value **value);
enum fv_status pickle_top(struct pickle *pickle, struct value **value);

/* Takes the topmost mark off; *begin is the stack position that it marked. */
enum fv_status pickle_pop_mark(struct pickle *pickle, size_t *begin);

/* Puts the values from the mark on (`count` < 0) or the topmost `count` ones into a fresh tuple or set. */
enum fv_status pickle_collect(struct pickle *pickle, enum value_type type, int count);

/* Adds the values from the mark on (`count` < 0) or the topmost `count` ones to the container below them, which must be
 * of `type`. */
enum fv_status pickle_extend(struct pickle *pickle, enum value_type type, int count);

/* Stores the topmost value in the memo; pushes what the memo holds. */
enum fv_status pickle_memo_put(struct pickle *pickle, uint64_t index);
enum fv_status pickle_memo_get(struct pickle *pickle, uint64_t index);

/* pickle_constant.c */

/* An unsigned little-endian argument of `width` bytes. */
enum fv_status pickle_take_number(struct pickle *pickle, size_t width, uint64_t *number);

/* Runs an opcode that pushes None, a boolean, a number, a string or bytes. */
enum fv_status pickle_push_constant(struct pickle *pickle, uint8_t opcode);

#endif
