/* What a run writes for one image, below its output folder.
 *
 * Files appear complete or not at all; folders of the stem are made. Thread safety: reentrant. */
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

/* Writes the mask, the overlay, the contour, the labels and the vessels of `image` (8 bits, grey) into their folders
 * below `output`, and the probabilities if they are to be written. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_outputs_write(const char *output, const struct fovea_input *input, const struct fovea_image *image,
                                   const struct fovea_segmentation *segmentation, struct fv_error *error);

/* The map of vessels alone. */
enum fv_status fovea_outputs_write_vessels(const char *output, const struct fovea_input *input,
                                           const struct fovea_vessels *vessels, struct fv_error *error);

/* The map of vessels as a picture: 0 nothing, 128 a vessel, 255 its centre line. The caller releases *picture. Errors:
 * FV_ERROR_MEMORY. */
enum fv_status fovea_outputs_draw_vessels(const struct fovea_vessels *vessels, struct fovea_image *picture,
                                          struct fv_error *error);

/* Removes what an earlier run wrote under this image's name in the folders from `first` on. */
void fovea_outputs_remove(const char *output, const struct fovea_input *input, enum fovea_folder first);

/* Whether the input lies in one of these folders, where it could be replaced by its own result. */
bool fovea_outputs_contain(const char *output, const struct fovea_input *input);

#endif
