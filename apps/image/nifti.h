/* NIfTI-1 files (.nii.gz) of one slice, as the published program and ITK write them for an image.
 *
 * A file is gzip-compressed and holds a header of 348 bytes, 4 zero bytes, then the pixels, x fastest, little-endian.
 * Its geometry is that of the published program: 3 axes (width, height, 1), spacing 1, 1, 999, x and y negated because
 * ITK's axes point to the left and to the back while NIfTI's point to the right and to the front.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_APPS_NIFTI_H
#define FOVEA_APPS_NIFTI_H

#include "fovea/status.h"
#include "image/image.h"

/* Writes channel `channel` of `image` (8 or 16 bits) to `path`: uint8 or uint16 samples, the same bytes for the same
 * pixels. The file appears complete or not at all. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_nifti_write(const char *path, const struct fovea_image *image, uint32_t channel,
                                 struct fv_error *error);

/* Reads a file of one slice of uint8, of whatever geometry, into an image of 1 channel, which the caller releases.
 * Errors, naming the file: FV_ERROR_FILE, FV_ERROR_FORMAT (no gzip, truncated, no NIfTI-1 header), FV_ERROR_UNSUPPORTED
 * (another type of samples, several slices, scaled values, big-endian, beyond the budgets of image.h), FV_ERROR_MEMORY.
 * On failure *image is an empty image. */
enum fv_status fovea_nifti_read(const char *path, struct fovea_image *image, struct fv_error *error);

#endif
