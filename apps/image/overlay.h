/* Pictures of masks on their image.
 *
 * In all, `image` has 8 bits and 1 or 3 channels (for the blend also 4), a mask holds height x width bytes (row-major,
 * 0: background, anything else: FAZ), and *result is released by the caller. Errors: FV_ERROR_ARGUMENT (another kind of
 * image), FV_ERROR_MEMORY. On failure *result is an empty image.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_OVERLAY_H
#define FOVEA_APPS_OVERLAY_H

#include "fovea/status.h"
#include "image/image.h"

/* The published view, byte for byte (COIPS's Pillow blend): RGBA, out = (uint8)(p + 0.15f * (m - p)) in float32,
 * truncated, with m = (255, 0, 0, 255) in the mask and (0, 0, 0, 255) outside, p the image, with alpha 255
 * where it has none. The
 * background darkens to 85 % too. */
enum fv_status fovea_overlay_blend(const struct fovea_image *image, const uint8_t *mask, struct fovea_image *result,
                                   struct fv_error *error);

/* The image in RGB with the mask's outline as an anti-aliased line, about 1/200 of the image's width but at least 1.5
 * pixels wide, in yellow with a dark rim, which is told apart on any grey and with any colour vision. Nothing inside is
 * tinted. */
enum fv_status fovea_overlay_contour(const struct fovea_image *image, const uint8_t *mask, struct fovea_image *result,
                                     struct fv_error *error);

/* The same with two outlines: `reference` in yellow, twice as broad, and, over it, `predicted` in blue, so that both
 * are seen where they agree. */
enum fv_status fovea_overlay_compare(const struct fovea_image *image, const uint8_t *reference,
                                     const uint8_t *predicted, struct fovea_image *result, struct fv_error *error);

#endif
