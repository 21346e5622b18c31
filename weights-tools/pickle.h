/* A pickle machine that builds values and runs nothing. Private to weights-tools.
 *
 * It is a loop over the opcodes with a stack, marks and a memo. GLOBAL resolves through a fixed table; what is not in
 * it is refused by name. Every length is checked against the bytes left before anything is allocated, and objects,
 * items, memory, stack and marks have budgets. */
#ifndef FOVEA_WEIGHTS_PICKLE_H
#define FOVEA_WEIGHTS_PICKLE_H

#include "fovea/pool.h"
#include "fovea/status.h"
#include "value.h"

struct pickle;

/* Answers a persistent id (BINPERSID) with a value made by pickle_value, or fails with a message. */
typedef enum fv_status pickle_persistent(void *context, struct pickle *pickle, const struct value *id,
                                         struct value **result);

struct pickle {
    /* Set by the caller; the rest is zero. */
    const char *path;              /* for messages */
    const char *part;              /* for messages: "data.pkl", or NULL */
    const uint8_t *bytes;          /* the pickle begins here and ends at its STOP */
    size_t size;                   /* bytes there are */
    struct fv_pool *pool;          /* where the values live */
    pickle_persistent *persistent; /* NULL: persistent ids are refused */
    void *context;
    struct fv_error *error;

    size_t at;     /* after success: the pickle's length */
    size_t opcode; /* offset of the current opcode */
    struct value **stack;
    size_t stack_count;
    size_t stack_capacity;
    size_t marks[256];
    size_t mark_count;
    struct value **memo;
    size_t memo_count; /* one more than the highest index in use */
    size_t memo_capacity;
    size_t puts;
    size_t objects;
    size_t items;
};

/* Runs the pickle up to its STOP; *root is what it leaves. The stack and memo are freed in any case.
 * Errors: FV_ERROR_FORMAT, FV_ERROR_UNSUPPORTED (code, unknown classes, exotic opcodes, a budget exceeded),
 * FV_ERROR_MEMORY. */
enum fv_status pickle_run(struct pickle *pickle, const struct value **root);

/* For the parts of the machine and for persistent ids. */

/* Stores an error that names the file, the part and the opcode's offset. */
enum fv_status pickle_fail(struct pickle *pickle, enum fv_status status, const char *format, ...) FV_PRINTF(3, 4);
enum fv_status pickle_out_of_memory(struct pickle *pickle);

/* A fresh value, within the budget. */
enum fv_status pickle_value(struct pickle *pickle, enum value_type type, struct value **value);

/* Appends `item` to the items of a tuple, list, set or dictionary, within the budget. */
enum fv_status pickle_append(struct pickle *pickle, struct value *container, struct value *item);

/* pickle_global.c: looks up a class or function. */
enum fv_status pickle_resolve(struct pickle *pickle, const char *module, const char *name,
                              const struct global **global);

/* pickle_object.c: REDUCE, NEWOBJ and BUILD. */
enum fv_status pickle_reduce(struct pickle *pickle, const struct value *function, struct value *arguments,
                             struct value **result);
enum fv_status pickle_new(struct pickle *pickle, const struct value *class, struct value *arguments,
                          struct value **result);
enum fv_status pickle_build(struct pickle *pickle, struct value *instance, struct value *state);

/* pickle_numpy.c: numpy's part of the same. */
enum fv_status numpy_dtype_new(struct pickle *pickle, const struct value *arguments, struct value **result);
enum fv_status numpy_dtype_build(struct pickle *pickle, struct value *dtype, const struct value *state);
enum fv_status numpy_scalar(struct pickle *pickle, const struct value *arguments, struct value **result);
enum fv_status numpy_array_new(struct pickle *pickle, struct value **result);
enum fv_status numpy_array_build(struct pickle *pickle, struct value *array, const struct value *state);

#endif
