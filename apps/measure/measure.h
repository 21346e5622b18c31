/* Measures of a foveal avascular zone (FAZ).
 *
 * Units are in the names. x runs to the right, y downwards; coordinates are of pixel centres, the first at 0.
 * s = field of view / pixels a side is the size of a pixel in mm.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_H
#define FOVEA_APPS_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

struct fovea_measures {
    /* The whole mask. */
    size_t faz_pixels;   /* N, every pixel of the mask */
    double faz_area_mm2; /* Wang et al. 2021, eq. 10, in the published program's order: ((a * a) / (z * z)) * N */
    size_t components;   /* 4-connected regions */
    size_t hole_pixels;  /* background pixels that were filled in the largest region (4-connected background) */

    /* The largest 4-connected region (the first in reading order of equals) with its holes filled; A is its area. All 0
     * for an empty mask. */
    size_t largest_pixels;         /* n */
    double faz_area_largest_mm2;   /* A = ((a * a) / (z * z)) * n */
    double equivalent_diameter_mm; /* 2 sqrt(A / pi) */
    double perimeter_crofton_mm;   /* P, from intersection counts along 4 directions (Legland 2007); see
                                      measure.c */
    double circularity;            /* 4 pi A / P^2; 1 for a disc */
    double acircularity_index;     /* P / (2 sqrt(pi A)) = 1 / sqrt(circularity) */
    double major_axis_mm,
        minor_axis_mm;    /* 4 sqrt(lambda), of the ellipse of equal second moments; lambda are the
                             eigenvalues of the covariance of the pixels, each a square of variance 1/12 */
    double axial_ratio;   /* major / minor */
    double eccentricity;  /* sqrt(1 - lambda_minor / lambda_major) */
    double angle_degrees; /* of the major axis from the x axis towards +y, in (-90, 90] */
    double centroid_x_px, centroid_y_px;
    double offset_x_mm, offset_y_mm; /* centroid minus the image's centre (z - 1) / 2 */
    double offset_mm;                /* its length */
};

/* Measures `mask` (height x width bytes, row-major; 0: background, anything else: FAZ), seen over a square field of
 * `field_mm` a side. Errors, naming `name`: FV_ERROR_UNSUPPORTED (width and height differ: one field of view cannot
 * scale both), FV_ERROR_ARGUMENT (a zero side, field_mm not positive and finite), FV_ERROR_MEMORY. */
enum fv_status fovea_measure(const char *name, const uint8_t *mask, uint32_t width, uint32_t height, double field_mm,
                             struct fovea_measures *measures, struct fv_error *error);

/* Labels the 4-connected regions of the non-zero bytes of `mask` 1, 2, ... in reading order of their first pixels;
 * background is 0. `labels` holds width x height values. *count is the number of regions. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_label_regions(const uint8_t *mask, uint32_t width, uint32_t height, uint32_t *labels,
                                   uint32_t *count, struct fv_error *error);

/* Keeps the largest 4-connected region (the first in reading order of equals) and fills its holes (background that no
 * 4-connected path joins to the border): `result` becomes 0 and 1. An empty mask gives an empty result. `result` may be
 * `mask`. *filled, if not NULL, is the number of pixels filled. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_largest_region(const uint8_t *mask, uint32_t width, uint32_t height, uint8_t *result,
                                    size_t *filled, struct fv_error *error);

#endif
