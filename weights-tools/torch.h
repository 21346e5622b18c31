/* Files by torch.save: what their readers share. Private to weights-tools. */
#ifndef FOVEA_WEIGHTS_TORCH_H
#define FOVEA_WEIGHTS_TORCH_H

#include "checkpoint.h"
#include "pickle.h"
#include "zip.h"

/* The storages of one file, by their keys. */
struct torch_storages {
    struct fv_names names;
    struct storage **at; /* in the pool */
    size_t count;
    size_t capacity;
};

struct torch_reader {
    struct fv_checkpoint *checkpoint;
    const struct checkpoint_file *file;
    struct fv_error *error;
    struct torch_storages storages;
    struct zip_archive archive; /* of a zip */
    const char *root;           /* of a zip: the folder that all entries share, with its slash */
};

/* torch_storage.c: the storage that the persistent id ('storage', class, key, location, elements[, view]) stands for,
 * registered if it is new. A key that comes with another class or count is an error. */
enum fv_status torch_storage_find(struct torch_reader *reader, struct pickle *pickle, const struct value *id,
                                  struct storage **storage);

/* torch_zip.c and torch_legacy.c: the pickled object. */
enum fv_status torch_zip_read(struct torch_reader *reader, const struct value **root);
enum fv_status torch_legacy_read(struct torch_reader *reader, const struct value **root);

/* torch_state.c: adds the tensors that `root` holds (a module, a training dict or a state dict), each name with
 * `prefix` in front; *kind says what `root` was. */
enum fv_status torch_state_collect(struct torch_reader *reader, const struct value *root, const char *prefix,
                                   const char **kind);

#endif
