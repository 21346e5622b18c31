/* What a command works on: files, folders and lists become one sorted list of images, each with the name that its
 * outputs get.
 *
 * Names are bytes: any that the file system allows. Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_INPUTS_H
#define FOVEA_APPS_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/pool.h"
#include "fovea/status.h"
#include "scan/scan.h"

struct fovea_input {
    const char *path;       /* opens the file */
    const char *canonical;  /* the same with its folder's links resolved; tells whether two inputs are one */
    const char *name;       /* relative to the input that was given: what reports show */
    const char *stem;       /* subfolders and name of its outputs, without a suffix: OUT/masks/STEM.png */
    bool missing;           /* no such file */
    struct fovea_scan scan; /* by fovea_scans_describe; its texts lie with the others */
    const char *image;      /* of a mask: the path of its image; NULL: none */
    size_t copy;            /* how many inputs before it in the whole list have the same name */
    size_t partner;         /* of a deep image: 1 + the place in the list of the one whose grade it takes; 0: none */
    const char *unpaired; /* why a deep image has none, a static text; NULL: it has, it is not deep, or nobody asked */
};

/* Sorted by name, then by path; no file twice. A zeroed struct is an empty list. */
struct fovea_inputs {
    struct fovea_input *items;
    size_t count, capacity;
    size_t ignored;       /* files in folders that are no images, neither by content nor by name */
    struct fv_pool texts; /* holds all strings */
};

/* Collects the images of `operands` and of the file `list` (NULL: none), which names one file or folder a line; lines
 * end in \n or \r\n, empty ones are skipped, relative ones count from the list's own folder.
 *
 * A file that is named is taken whatever it is. A folder is searched with all that is below it, and files are taken
 * that begin like an image (PNG, JPEG, TIFF, BMP, DICOM) or have the name of one (.png .jpg .jpeg .tif .tiff .bmp .dcm
 * in any case), so that a damaged image is reported and not passed over; what is hidden (a name that begins with a dot)
 * and what lies in `output`, where the command writes (NULL: nowhere), is not taken.
 *
 * Names of outputs: the input's relative name without its last suffix. Inputs that would share one keep their suffixes,
 * decided over the whole list; if that is not enough (two folders that hold the same names), the later ones get -2, -3
 * and so on. A last part of more than 248 bytes, which leaves no room for ".nii.gz", is cut and ends in "-" and 16
 * digits of a hash of the whole name.
 *
 * Errors: FV_ERROR_FILE (the list or a folder cannot be read), FV_ERROR_MEMORY. On failure *inputs is empty. The caller
 * gives the list back with fovea_inputs_clear. */
enum fv_status fovea_inputs_collect(const char *const *operands, size_t count, const char *list, const char *output,
                                    struct fovea_inputs *inputs, struct fv_error *error);

/* One of several shares of a list, which together are the whole. */
struct fovea_share {
    size_t number, of; /* 1 .. of; of 0: not shared */
};

/* Keeps those inputs for whose name h (fovea_text_hash) h mod share.of = share.number - 1; all if share.of is 0. For an
 * input that has a partner the partner's name counts, so that both are in one share; else a name falls into the same
 * share whatever else is in the list. The names of outputs stay those of the whole list. Errors: FV_ERROR_MEMORY; then
 * the list is as before. */
enum fv_status fovea_inputs_keep_share(struct fovea_inputs *inputs, struct fovea_share share, struct fv_error *error);

/* Frees the list; it is empty again. */
void fovea_inputs_clear(struct fovea_inputs *inputs);

/* Names the outputs of `inputs`, whose names are set and sorted, by the rule above. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_inputs_name_outputs(struct fovea_inputs *inputs, struct fv_error *error);

#endif
