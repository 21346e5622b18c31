/* What the reader of GGUF files and its metadata getters share. Private to engine/io. */
#ifndef FOVEA_ENGINE_IO_GGUF_H
#define FOVEA_ENGINE_IO_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/file.h"
#include "fovea/model.h"
#include "fovea/names.h"
#include "fovea/pool.h"

/* Metadata value types, as numbered in the file. */
enum gguf_type {
    GGUF_U8 = 0,
    GGUF_I8 = 1,
    GGUF_U16 = 2,
    GGUF_I16 = 3,
    GGUF_U32 = 4,
    GGUF_I32 = 5,
    GGUF_F32 = 6,
    GGUF_BOOL = 7,
    GGUF_STRING = 8,
    GGUF_ARRAY = 9,
    GGUF_U64 = 10,
    GGUF_I64 = 11,
    GGUF_F64 = 12,
    GGUF_TYPE_COUNT,
};

enum {
    GGUF_DEFAULT_ALIGNMENT = 32,
    GGUF_MINIMUM_ALIGNMENT = 8, /* the format asks for a multiple of 8 */
    GGUF_NAME_LENGTH = 63,      /* longest tensor name: ggml holds 64 bytes with the zero */
};

/* One metadata entry. A single value is held as an array of one. */
struct gguf_entry {
    const char *key;
    enum gguf_type type; /* of the value, or of the array's elements */
    bool is_array;
    size_t count;
    const uint8_t *bytes; /* the elements in the file; NULL for strings */
    char **strings;       /* the elements of strings; NULL otherwise */
};

struct fv_model {
    char *path;
    struct fv_mapping mapping;
    struct fv_pool pool; /* every string and table below */
    struct gguf_entry *entries;
    size_t entry_count;
    struct fv_names entry_names;
    struct fv_tensor *tensors;
    size_t tensor_count;
    struct fv_names tensor_names;
};

/* Bytes of one value of a type other than strings and arrays; 0 for those and for unknown types. */
size_t gguf_type_size(enum gguf_type type);

/* *size = bytes of `elements` elements of tensor type `type`, whose fastest dimension is `fastest`; false if the type
 * is unknown, the size does not fit or a block would be cut. */
bool gguf_tensor_bytes(enum fv_type type, size_t elements, size_t fastest, size_t *size);

#endif
