/* Small pictures for reports. Thread safety: reentrant. */
#ifndef FOVEA_APPS_THUMBNAIL_H
#define FOVEA_APPS_THUMBNAIL_H

#include "fovea/status.h"
#include "image/image.h"

/* Makes a PNG file of `image` (1 channel of 8 bits) whose longer side has at most 240 pixels, with the outline of
 * `mask` (height x width bytes, 0 or not; NULL: none). The caller gives *bytes back with fv_release. Errors:
 * FV_ERROR_MEMORY. */
enum fv_status fovea_thumbnail_make(const struct fovea_image *image, const uint8_t *mask, uint8_t **bytes, size_t *size,
                                    struct fv_error *error);

#endif
