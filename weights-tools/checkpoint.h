/* What an open checkpoint is made of, for the readers that fill it. Private to weights-tools. */
#ifndef FOVEA_WEIGHTS_CHECKPOINT_H
#define FOVEA_WEIGHTS_CHECKPOINT_H

#include "fovea/checkpoint.h"
#include "fovea/file.h"
#include "fovea/names.h"
#include "fovea/pool.h"

enum { MOST_FILES = 16, MOST_TENSORS = 1 << 16 };

struct checkpoint_file {
    const char *path;
    struct fv_mapping mapping;
};

struct checksum;
struct nnunet_plans;
struct value;

struct fv_checkpoint {
    char *path;
    const char *container;
    struct fv_pool pool; /* names, pickled values, plans */
    struct checkpoint_file files[MOST_FILES];
    size_t file_count;
    struct fv_checkpoint_tensor *tensors;
    size_t tensor_count;
    size_t tensor_capacity;
    struct fv_names names;
    const char *doubt;          /* about the file as a whole, or NULL */
    struct checksum *checksums; /* of zip entries with tensor data, by address */
    size_t checksum_count;
    size_t checksum_capacity;
    const struct value *module;       /* the root of a whole-module pickle, or NULL */
    const struct nnunet_plans *plans; /* of an nnU-Net folder, or NULL */
};

enum fv_status checkpoint_out_of_memory(const struct fv_checkpoint *checkpoint, struct fv_error *error);

/* Maps one more file; `path` is copied. *file lives as long as the checkpoint. */
enum fv_status checkpoint_add_file(struct fv_checkpoint *checkpoint, const char *path,
                                   const struct checkpoint_file **file, struct fv_error *error);

/* Adds a tensor; its name must live as long as the checkpoint. `path` names the file in messages. Errors:
 * FV_ERROR_FORMAT for a name that is there already, FV_ERROR_UNSUPPORTED for too many tensors. */
enum fv_status checkpoint_add_tensor(struct fv_checkpoint *checkpoint, const char *path,
                                     const struct fv_checkpoint_tensor *tensor, struct fv_error *error);

/* The readers. Each adds the tensors of one file, already mapped. */

/* torch.h: any file that torch.save wrote; the names get `prefix` in front. */
enum fv_status torch_read(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file, const char *prefix,
                          struct fv_error *error);

/* safetensors.c */
enum fv_status safetensors_read(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file,
                                struct fv_error *error);

/* nnunet.c: a whole folder, whose path is the checkpoint's. */
enum fv_status nnunet_read(struct fv_checkpoint *checkpoint, struct fv_error *error);

#endif
