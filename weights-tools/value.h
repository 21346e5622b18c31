/* The values that a pickle holds, as far as checkpoints need them. Private to weights-tools.
 *
 * Values live in the pool of the pickle that made them and never change once it is read. They may form cycles: whoever
 * walks them bounds the depth. */
#ifndef FOVEA_WEIGHTS_VALUE_H
#define FOVEA_WEIGHTS_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/checkpoint.h"

enum value_type {
    VALUE_NONE,
    VALUE_BOOLEAN,
    VALUE_INTEGER,
    VALUE_LONG, /* an integer beyond 64 bits; `text` holds its little-endian two's complement */
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_BYTES,
    VALUE_TUPLE,
    VALUE_LIST,
    VALUE_SET,
    VALUE_DICTIONARY, /* `items` holds key, value, key, value ... */
    VALUE_GLOBAL,     /* a class or function that is named and never called by us */
    VALUE_RECORD,     /* an instance of an inert class: its attributes */
    VALUE_STORAGE,
    VALUE_TENSOR,
    VALUE_DTYPE,
    VALUE_ARRAY, /* a numpy array */
};

/* Depth to which nested values are followed. */
enum { VALUE_DEPTH = 64, VALUE_RANK = FV_CHECKPOINT_MAX_RANK };

struct value;

/* What a GLOBAL may name; pickle_global.c has the table. */
enum global_kind {
    GLOBAL_ORDERED_DICT,
    GLOBAL_SET,
    GLOBAL_STORAGE_CLASS,
    GLOBAL_REBUILD_TENSOR,
    GLOBAL_REBUILD_PARAMETER,
    GLOBAL_DTYPE,
    GLOBAL_SCALAR,
    GLOBAL_RECONSTRUCT,
    GLOBAL_NDARRAY,
    GLOBAL_ENCODE,
    GLOBAL_BYTES,
    GLOBAL_DEVICE,
    GLOBAL_SIZE,
    GLOBAL_NAMED_TUPLE, /* made of its fields: a plain tuple */
    GLOBAL_CLASS,       /* inert: may be instantiated as a record */
    GLOBAL_FUNCTION,    /* inert: a mere name */
};

struct global {
    enum global_kind kind;
    enum fv_element element; /* of GLOBAL_STORAGE_CLASS */
    const char *module;
    const char *name;
};

/* A torch storage: where its bytes lie. They are only looked at when a tensor is read. */
struct storage {
    const char *key;
    enum fv_element element;
    size_t elements;
    const uint8_t *bytes;         /* NULL until the reader of the container has found them */
    const struct storage *parent; /* of a view (old files only): the storage that it is a part of, or NULL */
    size_t parent_offset;         /* where in that, in elements */
};

struct tensor {
    const struct storage *storage;
    size_t offset; /* in elements */
    uint32_t rank;
    size_t shape[VALUE_RANK];
    size_t strides[VALUE_RANK]; /* in elements */
};

struct dtype {
    char kind; /* numpy's letter: b i u f U S O */
    size_t size;
    bool swapped;
};

struct array {
    bool built; /* has its content */
    struct dtype dtype;
    uint32_t rank;
    size_t shape[VALUE_RANK];
    size_t elements;
    bool fortran_order;
    const uint8_t *bytes;        /* NULL for objects */
    const struct value *objects; /* the list of the elements, for kind O */
};

struct value {
    enum value_type type;
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct {
            const char *bytes; /* zero-terminated, though it may hold zeros */
            size_t length;
        } text;
        struct {
            struct value **at;
            size_t count;
            size_t capacity;
        } items;
        const struct global *global;
        struct {
            const struct global *class;
            const struct value *state; /* a dictionary, or NULL */
        } record;
        struct storage *storage;
        struct tensor *tensor;
        struct dtype dtype;
        struct array *array;
    };
};

/* "None", "a string" and so on, for messages. */
const char *value_type_name(const struct value *value);

/* Whether `value` is the string `text`. */
bool value_is_string(const struct value *value, const char *text);

/* The zero-terminated bytes of a string without zeros; NULL for everything else. NULL is allowed. */
const char *value_string(const struct value *value);

/* The value of the last key equal to `key` in a dictionary or in a record's state; NULL if there is none or `value` is
 * neither (NULL is allowed). */
const struct value *value_get(const struct value *value, const char *key);
const struct value *value_get_integer(const struct value *value, int64_t key);

/* Python and numpy numbers alike; false for everything else (NULL is allowed). Booleans count as integers, as in
 * Python. */
bool value_integer(const struct value *value, int64_t *result);
bool value_number(const struct value *value, double *result);

/* The number of elements of a tuple, a list or a one-dimensional array; -1 for everything else (NULL is allowed). */
long value_length(const struct value *value);

/* Element `index` (below value_length) as a number. */
bool value_element_integer(const struct value *value, size_t index, int64_t *result);
bool value_element_number(const struct value *value, size_t index, double *result);

/* Element `index` of a tuple or list; NULL for arrays and beyond the end. */
const struct value *value_element(const struct value *value, size_t index);

/* The number that numpy stores in `bytes`: integers, booleans and floating-point numbers. *is_integer tells which of
 * the two results is set. */
bool numpy_element(struct dtype dtype, const uint8_t *bytes, bool *is_integer, int64_t *integer, double *number);

#endif
