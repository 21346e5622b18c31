/* What a run writes for one image, below its output folder.
 *
 * Files appear complete or not at all. Thread safety: reentrant. */
#ifndef FOVEA_APPS_OUTPUTS_H
#define FOVEA_APPS_OUTPUTS_H

#include <stdbool.h>

#include "image/image.h"
#include "measure/vessels.h"
#include "pipeline/folders.h"
#include "pipeline/inputs.h"

/* What segmenting an image gave. */
struct fovea_segmentation {
    uint8_t *mask;                /* height x width: 1 the FAZ, 0 elsewhere */
    uint8_t *labels;              /* the class of each pixel; NULL: none */
    float *probability;           /* classes x height x width; NULL: not known */
    bool save_probability;        /* it is to be written */
    struct fovea_vessels vessels; /* of the image; empty: not known */
    size_t classes, faz_class;
};

/* Frees the arrays. */
void fovea_segmentation_release(struct fovea_segmentation *segmentation);

/* One kind of file: OUT/FOLDER/STEM.SUFFIX. */
struct fovea_output_kind {
    enum fovea_folder folder;
    const char *suffix; /* without a dot */
};
enum { FOVEA_OUTPUT_KINDS = 7 };
extern const struct fovea_output_kind fovea_output_kinds[FOVEA_OUTPUT_KINDS];

/* The bit of the kind that is called FOLDER.SUFFIX, as in masks.png; 0 if there is none. */
unsigned fovea_output_kind_bit(const char *name);

/* Where the files of one image wait until its row is in the store: STAGING/NUMBER.FOLDER.SUFFIX. */
struct fovea_staged {
    const char *folder; /* exists */
    size_t number;      /* unlike that of every other image that waits there */
};

/* Writes the mask, the overlay, the contour, the labels and the vessels of `image` (8 bits, grey), and the
 * probabilities if they are to be written, to where they wait. Bit k of *files is set where there is one of the kind k.
 * Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_outputs_write(const struct fovea_staged *staged, const struct fovea_image *image,
                                   const struct fovea_segmentation *segmentation, unsigned *files,
                                   struct fv_error *error);

/* The map of vessels alone. */
enum fv_status fovea_outputs_write_vessels(const struct fovea_staged *staged, const struct fovea_vessels *vessels,
                                           unsigned *files, struct fv_error *error);

/* The map of vessels as a picture: 0 nothing, 128 a vessel, 255 its centre line. The caller releases *picture. Errors:
 * FV_ERROR_MEMORY. */
enum fv_status fovea_outputs_draw_vessels(const struct fovea_vessels *vessels, struct fovea_image *picture,
                                          struct fv_error *error);

/* Removes what waits there of the image. */
void fovea_outputs_drop(const struct fovea_staged *staged);

/* Whether the input lies in one of these folders, where it could be replaced by its own result. */
bool fovea_outputs_contain(const char *output, const struct fovea_input *input);

/* FV_ERROR_ARGUMENT if one of the inputs lies where the results of another go; the message names both. */
enum fv_status fovea_outputs_check(const char *output, const struct fovea_inputs *inputs, struct fv_error *error);

#endif
