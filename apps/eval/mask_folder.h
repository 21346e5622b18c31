/* The mask files of a folder and of all below it.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_EVAL_MASK_FOLDER_H
#define FOVEA_APPS_EVAL_MASK_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "eval/match.h"
#include "fovea/pool.h"
#include "fovea/status.h"

/* A zeroed struct is an empty folder. */
struct fovea_mask_folder {
    const char *base;                  /* its name without those above it */
    struct fovea_match_entry *entries; /* sorted by name; `file` is `base`/`name` */
    const char **paths;                /* of entry i */
    size_t count, capacity;
    size_t ignored; /* other files */
    struct fv_pool texts;
};

/* Lists the files at `path` whose name ends as that of an image does (.png .tif .tiff .bmp .jpg .jpeg .nii .nii.gz in
 * any case), or, with `arrays`, those that end in .npy, with the key of `rule`. Links are followed, but never into a
 * folder that led to them; what is hidden is left alone. Errors: FV_ERROR_FILE (a folder cannot be read),
 * FV_ERROR_MEMORY. On failure *folder is empty; on success the caller gives it back with fovea_mask_folder_clear. */
enum fv_status fovea_mask_folder_list(const char *path, enum fovea_match_rule rule, bool arrays,
                                      struct fovea_mask_folder *folder, struct fv_error *error);

/* The folder as one side of a match. */
struct fovea_match_side fovea_mask_folder_side(struct fovea_mask_folder *folder);

/* Frees the list; it is empty again. */
void fovea_mask_folder_clear(struct fovea_mask_folder *folder);

#endif
