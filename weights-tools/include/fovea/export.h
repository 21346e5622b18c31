/* Weights back out of a model or a checkpoint, as safetensors files that other programs read.
 *
 * Every tensor is written as it is stored: the same values in the same element type (f16 as F16; q8_0, which
 * safetensors lacks, as the F32 values that the engine uses), under the name that it has in the checkpoint (without a
 * leading "module."). A model knows the names of the checkpoint that it was made from; buffers that the conversion left
 * out are not in it. Thread safety: all functions are reentrant. */
#ifndef FOVEA_EXPORT_H
#define FOVEA_EXPORT_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/checkpoint.h"
#include "fovea/model.h"
#include "fovea/status.h"

/* Every fold of an ensemble. */
#define FV_ALL_FOLDS SIZE_MAX

/* What was written. */
struct fv_export_summary {
    size_t files;
    size_t tensors;    /* of all files */
    size_t parameters; /* of all files */
};

/* Writes the tensors to `path`. Of an nnU-Net ensemble of several folds, each fold becomes a file of its own, whose
 * name is that of `path` with ".fold_K" before the suffix .safetensors, or at its end; `fold` K picks one of them,
 * which is written to `path` itself. Files appear complete or not at all, and all of them or none. `summary` may be
 * NULL. Memory: one tensor at a time.
 * Errors: FV_ERROR_ARGUMENT (no such fold, or `fold` given for what is no ensemble), FV_ERROR_MODEL (a name that
 * safetensors cannot hold), FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fv_export_model(const struct fv_model *model, const char *path, size_t fold,
                               struct fv_export_summary *summary, struct fv_error *error);
enum fv_status fv_export_checkpoint(const struct fv_checkpoint *checkpoint, const char *path, size_t fold,
                                    struct fv_export_summary *summary, struct fv_error *error);

#endif
