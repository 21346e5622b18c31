/* Checkpoints of other programs: PyTorch files, safetensors and nnU-Net v1 model folders, as a list of named tensors.
 *
 * Files are memory-mapped, nothing in a pickle is executed, and tensor data are read only on request.
 * Thread safety: an open checkpoint is immutable; any number of threads may read it. */
#ifndef FOVEA_CHECKPOINT_H
#define FOVEA_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

enum { FV_CHECKPOINT_MAX_RANK = 8 };

/* Element types as stored. */
enum fv_element {
    FV_ELEMENT_F64,
    FV_ELEMENT_F32,
    FV_ELEMENT_F16,
    FV_ELEMENT_BF16,
    FV_ELEMENT_I64,
    FV_ELEMENT_I32,
    FV_ELEMENT_I16,
    FV_ELEMENT_I8,
    FV_ELEMENT_U8,
    FV_ELEMENT_BOOL,
};

/* "f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "u8" or "bool". */
const char *fv_element_name(enum fv_element element);

/* Bytes of one element. */
size_t fv_element_size(enum fv_element element);

/* One tensor. Its element [i, j, ...] is number i * strides[0] + j * strides[1] + ... of `data`. */
struct fv_checkpoint_tensor {
    const char *name; /* as in the file, without a leading "module."; "fold_K." leads in an nnU-Net folder */
    enum fv_element element;
    uint32_t rank;
    size_t shape[FV_CHECKPOINT_MAX_RANK];   /* PyTorch's order; entries from `rank` on are 1 */
    size_t strides[FV_CHECKPOINT_MAX_RANK]; /* in elements; 0 where a dimension is repeated */
    size_t elements;                        /* product of the shape */
    const uint8_t *data;                    /* into the mapping, at any address */
};

struct fv_checkpoint;

/* Opens the file or nnU-Net folder at `path`; what it is, its content tells and never its name. Its whole structure is
 * checked, tensor data are not read.
 * Errors: FV_ERROR_FILE; FV_ERROR_FORMAT (broken; the message names the file, the offset or key, expected and found);
 * FV_ERROR_UNSUPPORTED (a known container that Fovea does not read, or a pickle that asks for code to be run);
 * FV_ERROR_MODEL (an nnU-Net folder whose plans contradict each other); FV_ERROR_MEMORY. On failure *checkpoint is
 * NULL. The caller closes it with fv_checkpoint_close. */
enum fv_status fv_checkpoint_open(const char *path, struct fv_checkpoint **checkpoint, struct fv_error *error);

/* Unmaps and frees. NULL is allowed. All pointers obtained from the checkpoint end here. */
void fv_checkpoint_close(struct fv_checkpoint *checkpoint);

/* The path it was opened by. */
const char *fv_checkpoint_path(const struct fv_checkpoint *checkpoint);

/* What it is, in words: "torch zip, state dict", "safetensors", "nnU-Net v1 folder" ... */
const char *fv_checkpoint_container(const struct fv_checkpoint *checkpoint);

/* A reason to think that the file is damaged, though it can be read: the CRC-32 of what describes the tensors is wrong.
 * NULL if there is none. The tensors' own are checked by fv_convert. */
const char *fv_checkpoint_doubt(const struct fv_checkpoint *checkpoint);

size_t fv_checkpoint_tensor_count(const struct fv_checkpoint *checkpoint);
/* Tensor `index` in the file's order; NULL from fv_checkpoint_tensor_count on. */
const struct fv_checkpoint_tensor *fv_checkpoint_tensor_at(const struct fv_checkpoint *checkpoint, size_t index);
/* The tensor of that name (hashed look-up), or NULL. */
const struct fv_checkpoint_tensor *fv_checkpoint_tensor(const struct fv_checkpoint *checkpoint, const char *name);

/* Copies all elements of `tensor` in C order to `values` (tensor->elements floats), converted to float32. Afterwards
 * the pages of the file are given back to the system, so that reading one tensor after the other needs no more memory
 * than the largest. Errors: FV_ERROR_MODEL if a value is NaN, infinite or beyond float32 (the message names file,
 * tensor and element). */
enum fv_status fv_checkpoint_read(const struct fv_checkpoint *checkpoint, const struct fv_checkpoint_tensor *tensor,
                                  float *values, struct fv_error *error);

/* Copies all elements of `tensor` in C order to `bytes` (tensor->elements x fv_element_size) as they are stored, and
 * gives the pages back as fv_checkpoint_read does. */
void fv_checkpoint_copy(const struct fv_checkpoint *checkpoint, const struct fv_checkpoint_tensor *tensor, void *bytes);

/* The SHA-256 of the file in 64 lower-case hexadecimal digits and a zero. Of a folder: of plans.pkl and then, for each
 * fold in ascending order, model_best.model and model_best.model.pkl, one after the other. */
void fv_checkpoint_sha256(const struct fv_checkpoint *checkpoint, char digest[65]);

#endif
