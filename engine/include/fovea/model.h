/* Model files: GGUF version 3 (version 2 is read too), memory-mapped for reading.
 *
 * Byte layout, little-endian (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md):
 *   "GGUF", u32 version, u64 number of tensors, u64 number of metadata entries,
 *   entries: string key, u32 type, value; string = u64 length + bytes;
 *   tensor infos: string name, u32 rank, u64 dims[rank] (the fastest first), u32 type, u64 offset;
 *   padding to general.alignment (32 unless stated), tensor data.
 * Dimensions are given here in PyTorch's order (the slowest first).
 *
 * Thread safety: an open model is immutable; any number of threads may read it. A writer belongs to one thread. */
#ifndef FOVEA_MODEL_H
#define FOVEA_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

enum { FV_MAX_RANK = 4 };

/* Element types of tensors; the values are GGUF's. */
enum fv_type {
    FV_TYPE_F32 = 0,
    FV_TYPE_F16 = 1,
    FV_TYPE_Q8_0 = 8,
    FV_TYPE_I32 = 26,
    FV_TYPE_I64 = 27,
    FV_TYPE_BF16 = 30,
};

/* "f32", "f16", "q8_0", "i32", "i64", "bf16", or "unknown". */
const char *fv_type_name(enum fv_type type);

struct fv_tensor {
    const char *name; /* zero-terminated */
    enum fv_type type;
    uint32_t rank;             /* 0 .. FV_MAX_RANK */
    size_t shape[FV_MAX_RANK]; /* PyTorch's order; entries from `rank` on are 1 */
    size_t elements;           /* product of the shape */
    size_t bytes;
    const void *data; /* into the mapping; aligned to the file's alignment */
};

struct fv_model;

/* Maps the file at `path` and checks all of its structure: magic, version, counts against the file's size, types,
 * alignment a power of two, offsets aligned, inside the file and without overlap, names unique, booleans 0 or 1, UTF-8
 * keys. Tensor data are not read.
 * Errors: FV_ERROR_FILE, FV_ERROR_FORMAT (the message names the file, the offset or key, expected and found),
 * FV_ERROR_UNSUPPORTED (other versions, big-endian, unknown tensor types), FV_ERROR_MEMORY. On failure *model is NULL.
 * The caller closes the model with fv_model_close. */
enum fv_status fv_model_open(const char *path, struct fv_model **model, struct fv_error *error);

/* Unmaps and frees. NULL is allowed. All pointers obtained from the model end here. */
void fv_model_close(struct fv_model *model);

/* The path it was opened by. */
const char *fv_model_path(const struct fv_model *model);

/* Size of the file in bytes. */
size_t fv_model_file_size(const struct fv_model *model);

size_t fv_model_tensor_count(const struct fv_model *model);
/* Tensor `index` in file order; NULL from fv_model_tensor_count on. */
const struct fv_tensor *fv_model_tensor_at(const struct fv_model *model, size_t index);
/* The tensor of that name (hashed look-up), or NULL. */
const struct fv_tensor *fv_model_tensor(const struct fv_model *model, const char *name);

/* Copies the elements of `tensor` to `values` (tensor->elements floats), converted to float32.
 * Errors: FV_ERROR_UNSUPPORTED for integer types, FV_ERROR_MODEL if a value is NaN or infinite (the message names the
 * tensor and the element). */
enum fv_status fv_tensor_read(const struct fv_tensor *tensor, float *values, struct fv_error *error);

/* Whether all of `values` (tensor->elements floats) are finite. Errors: FV_ERROR_MODEL, as above. */
enum fv_status fv_tensor_check(const struct fv_tensor *tensor, const float *values, struct fv_error *error);

/* Tells the system that the tensor's mapped pages may leave memory: they are read from the file again when touched.
 * Called after weights have been packed, so that they are not resident twice. Never fails. */
void fv_tensor_evict(const struct fv_tensor *tensor);

/* Metadata. Each returns true and stores the value if `key` exists with a fitting type (integers of any width whose
 * value fits; f32 or f64 for numbers), false otherwise. Strings point into the model. */
bool fv_model_has(const struct fv_model *model, const char *key);
bool fv_model_string(const struct fv_model *model, const char *key, const char **value);
bool fv_model_integer(const struct fv_model *model, const char *key, int64_t *value);
bool fv_model_number(const struct fv_model *model, const char *key, double *value);
bool fv_model_boolean(const struct fv_model *model, const char *key, bool *value);
/* Arrays: the element count, or -1 if `key` is not an array. Element getters as above. */
long fv_model_array_length(const struct fv_model *model, const char *key);
bool fv_model_array_string(const struct fv_model *model, const char *key, size_t index, const char **value);
bool fv_model_array_integer(const struct fv_model *model, const char *key, size_t index, int64_t *value);
bool fv_model_array_number(const struct fv_model *model, const char *key, size_t index, double *value);
/* Key `index` in file order, or NULL from the count on: for listing. */
size_t fv_model_key_count(const struct fv_model *model);
const char *fv_model_key_at(const struct fv_model *model, size_t index);

/* As the getters above, but a missing or unfitting key is FV_ERROR_MODEL with a message that names file, key and what
 * was expected. */
enum fv_status fv_model_require_string(const struct fv_model *model, const char *key, const char **value,
                                       struct fv_error *error);
enum fv_status fv_model_require_size(const struct fv_model *model, const char *key, size_t low, size_t high,
                                     size_t *value, struct fv_error *error);
enum fv_status fv_model_require_number(const struct fv_model *model, const char *key, double *value,
                                       struct fv_error *error);

/* Writing. A writer collects metadata and tensor descriptions, then streams: fv_writer_create, any number of
 * fv_writer_set_* and fv_writer_declare, fv_writer_begin, then for each tensor in the order of declaration
 * fv_writer_tensor, and fv_writer_finish. The bytes go to a temporary file in the folder of `path`, which is flushed
 * and renamed over `path` by fv_writer_finish; whatever fails before leaves no file. */
struct fv_writer;
enum fv_status fv_writer_create(const char *path, struct fv_writer **writer, struct fv_error *error);
enum fv_status fv_writer_set_string(struct fv_writer *writer, const char *key, const char *value,
                                    struct fv_error *error);
enum fv_status fv_writer_set_u32(struct fv_writer *writer, const char *key, uint32_t value, struct fv_error *error);
enum fv_status fv_writer_set_f32(struct fv_writer *writer, const char *key, float value, struct fv_error *error);
enum fv_status fv_writer_set_bool(struct fv_writer *writer, const char *key, bool value, struct fv_error *error);
enum fv_status fv_writer_set_strings(struct fv_writer *writer, const char *key, const char *const *values, size_t count,
                                     struct fv_error *error);
enum fv_status fv_writer_set_u32s(struct fv_writer *writer, const char *key, const uint32_t *values, size_t count,
                                  struct fv_error *error);
enum fv_status fv_writer_set_f32s(struct fv_writer *writer, const char *key, const float *values, size_t count,
                                  struct fv_error *error);
/* Declares a tensor; `shape` in PyTorch's order. Types F32 and F16. Errors: FV_ERROR_ARGUMENT for a duplicate name, a
 * name of more than 63 bytes or another type. */
enum fv_status fv_writer_declare(struct fv_writer *writer, const char *name, enum fv_type type, const size_t *shape,
                                 uint32_t rank, struct fv_error *error);
/* Takes an entry over from `model` as it is, whatever its type; general.alignment, which is the writer's own business,
 * is passed over. Errors: FV_ERROR_ARGUMENT (no such key, or set already), FV_ERROR_MEMORY. */
enum fv_status fv_writer_copy_key(struct fv_writer *writer, const struct fv_model *model, const char *key,
                                  struct fv_error *error);
/* Declares a tensor with the name, type and shape of `tensor`, for fv_writer_copy_tensor. Any type; errors as
 * fv_writer_declare. */
enum fv_status fv_writer_declare_copy(struct fv_writer *writer, const struct fv_tensor *tensor, struct fv_error *error);
/* Writes header, metadata and tensor infos. */
enum fv_status fv_writer_begin(struct fv_writer *writer, struct fv_error *error);
/* Writes the next tensor's `elements` float32 values, converted to the declared type (F16: round to nearest even;
 * FV_ERROR_MODEL if a finite value overflows, or if a value is not finite; the message names the tensor). */
enum fv_status fv_writer_tensor(struct fv_writer *writer, const float *values, size_t elements, struct fv_error *error);
/* Writes the next tensor's bytes as they are. `tensor` is the one that was declared. Errors: FV_ERROR_ARGUMENT,
 * FV_ERROR_FILE. */
enum fv_status fv_writer_copy_tensor(struct fv_writer *writer, const struct fv_tensor *tensor, struct fv_error *error);
/* Flushes, renames, frees the writer (also on failure, when the temporary file is removed). */
enum fv_status fv_writer_finish(struct fv_writer *writer, struct fv_error *error);
/* Removes the temporary file and frees. NULL is allowed. */
void fv_writer_abandon(struct fv_writer *writer);

/* IEEE binary16 <-> binary32; to half rounds to nearest even. */
float fv_half_to_float(uint16_t half);
uint16_t fv_float_to_half(float value);

#endif
