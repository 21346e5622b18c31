/* Label images in NIfTI-1 files, as the published program and nnU-Net write them: one slice, whole numbers.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_EVAL_NIFTI_H
#define FOVEA_APPS_EVAL_NIFTI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"
#include "image/image.h"

/* Whether the bytes begin as a NIfTI-1 file or a gzip-compressed file do. */
bool fovea_nifti_recognise(const uint8_t *bytes, size_t size);

/* Reads a single-file NIfTI-1 image (n+1, little-endian, plain or gzip-compressed) of one slice into an image of 1
 * channel and 16 bits: x is the column, y the row, as the file stores them; orientation and spacing are left alone, as
 * in the published program. Errors, naming `name`: FV_ERROR_FORMAT (damaged, truncated, several slices, values that are
 * no whole numbers from 0 to 65535), FV_ERROR_UNSUPPORTED (two files, big-endian, scaled values, a data type other than
 * integers and floats, beyond the budgets of image.h), FV_ERROR_MEMORY. On failure *image is an empty image; on success
 * the caller releases it. */
enum fv_status fovea_nifti_decode(const char *name, const uint8_t *bytes, size_t size, struct fovea_image *image,
                                  struct fv_error *error);

#endif
