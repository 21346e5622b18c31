/* A map of the vessels of an image: multi-scale vesselness, a threshold, centre lines.
 *
 * Thread safety: reentrant. The same bits on every machine. */
#ifndef FOVEA_APPS_MEASURE_VESSELS_H
#define FOVEA_APPS_MEASURE_VESSELS_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

/* How it is made, for tables: the scales in micrometres, each at least a pixel; the threshold; the thinning. */
#define FOVEA_VESSEL_METHOD "frangi-8-12-18-27um/otsu-of-root/guo-hall"

enum { FOVEA_VESSELS_PIXELS_MAX = 1 << 24 }; /* of an image */

enum fovea_vessel { FOVEA_VESSEL_NONE, FOVEA_VESSEL_BODY, FOVEA_VESSEL_LINE };

struct fovea_vessels {
    uint32_t width, height;
    uint8_t *map;     /* height x width of enum fovea_vessel; its centre line belongs to a vessel; owned */
    float *length;    /* height x width: the length of centre line that the pixel stands for, in pixels; owned */
    double threshold; /* of the vesselness: above it is a vessel */
    size_t pixels;    /* of vessels, centre lines included */
    double length_px; /* of all centre lines */
};

/* Maps the vessels of `image` (height x width, grey bytes) whose pixels are `pixel_mm` wide. The vesselness is that of
 * frangi.h with sigma = 8, 12, 18 and 27 micrometres, but at least 1 pixel each, beta = 0.5 and gamma by scale; the
 * threshold is Otsu's on the square root of the vesselness (256 steps from 0 to its maximum: on the vesselness itself
 * only the widest vessels pass); centre lines are Guo and Hall's, their length that of thin.h. No vessel has a known
 * truth here: densities compare with those that the same method gave only.
 * Errors: FV_ERROR_ARGUMENT (a zero side, a pixel that is not positive and finite), FV_ERROR_UNSUPPORTED (more than
 * FOVEA_VESSELS_PIXELS_MAX pixels, or so small ones that 27 micrometres are more than 64 of them), FV_ERROR_MEMORY. On
 * failure *vessels is empty; the caller gives it back with fovea_vessels_release. */
enum fv_status fovea_vessels_find(const char *name, const uint8_t *image, uint32_t width, uint32_t height,
                                  double pixel_mm, struct fovea_vessels *vessels, struct fv_error *error);
void fovea_vessels_release(struct fovea_vessels *vessels);

/* N. Otsu's threshold (1979) of `count` values, at least one: the middle of the one of 256 equal steps from the
 * least to the greatest value that parts them with the greatest variance between the parts; the first of equals. The
 * value itself if all are equal. As scikit-image's threshold_otsu. */
float fovea_otsu(const float *values, size_t count);

#endif
