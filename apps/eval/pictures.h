/* The image of a mask with the outlines of both, for the report.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_EVAL_PICTURES_H
#define FOVEA_APPS_EVAL_PICTURES_H

#include <stddef.h>
#include <stdint.h>

#include "eval/mask_file.h"
#include "fovea/status.h"

struct fovea_comparison {
    const char *image_path, *image_name; /* the file, and what messages call it */
    const char *predicted_path, *reference_path;
    const char *name; /* of the masks, for messages */
    const struct fovea_foreground *foreground;
};

/* Makes a PNG file of the image, whose longer side has at most 420 pixels, with the outline of the reference in yellow
 * and that of the prediction in blue. The caller gives *bytes back with fv_release. Errors: those of reading the files,
 * FV_ERROR_FORMAT (image and masks differ in size), FV_ERROR_MEMORY. */
enum fv_status fovea_comparison_draw(const struct fovea_comparison *comparison, uint8_t **bytes, size_t *size,
                                     struct fv_error *error);

#endif
