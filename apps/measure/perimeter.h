/* Perimeters of a region: three estimators, since each is known from other programs and they differ by 5 % and more.
 *
 * Regions here are 4-connected and have no holes for a 4-connected background, so that no two of their pixels touch by
 * a corner only. Lengths are in pixels. Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_PERIMETER_H
#define FOVEA_APPS_MEASURE_PERIMETER_H

#include "measure/region.h"

/* Half the integral over all lines of the number of crossings (Crofton's formula) with 4 directions. Parallel lines
 * through all pixel centres are 1 apart along the axes and 1 / sqrt(2) along the diagonals, a direction stands for an
 * angle of pi / 4, so P = pi / 8 (C_0 + C_90 + (C_45 + C_135) / sqrt(2)) with C the number of changes between
 * neighbours. Source: D. Legland et al., Computation of Minkowski measures on 2D and 3D binary images, Image Anal
 * Stereol 2007; equals scikit-image's perimeter_crofton(directions=4). */
double fovea_perimeter_crofton(const struct fovea_region *region);

/* The same of the region's convex hull, every line of which that meets the region crosses twice: never more. */
double fovea_perimeter_crofton_hull(const struct fovea_region *region);

/* ImageJ's traced perimeter (PolygonRoi.getTracedPerimeter): the pixel edges of the outline less 2 - sqrt(2) for each
 * corner, where of corners that follow each other at one edge's distance every second one counts, starting with the
 * upper right one of the first run of pixels. */
double fovea_perimeter_imagej(const struct fovea_region *region);

/* The outline at one half of `values` (of the window, 0 beyond the image) by marching squares: between a pixel of the
 * region with value a and a neighbour outside with b it passes (a - 1/2) / (a - b) of the way; where the values do not
 * agree with the region (a < 1/2 or b > 1/2) they count as 1/2, and half of the way is taken where both do. *length is
 * its length, *hull that of its convex hull. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_perimeter_contour(const struct fovea_region *region, const float *values, double *length,
                                       double *hull, struct fv_error *error);

/* How `length` of the following was found. */
enum fovea_perimeter_method {
    FOVEA_PERIMETER_PROBABILITY, /* contour of the map of probability at one half */
    FOVEA_PERIMETER_BLURRED,     /* contour at one half of the largest region of the mask after two 3 x 3 box blurs */
    FOVEA_PERIMETER_CROFTON,
    FOVEA_PERIMETER_METHOD_COUNT,
};

/* "probability-contour", "blurred-mask-contour", "crofton". */
extern const char *const fovea_perimeter_methods[FOVEA_PERIMETER_METHOD_COUNT];

struct fovea_perimeters {
    enum fovea_perimeter_method method;
    double length, hull; /* by that method, of the region and of its convex hull */
    double crofton, imagej;
};

/* A region whose disc of equal area is narrower than this is measured by Crofton's formula alone, since blurring
 * shrinks it; and so is one of which blurring leaves less than the given share. */
#define FOVEA_CONTOUR_LEAST_DIAMETER_PX 15.0
#define FOVEA_CONTOUR_LEAST_SHARE 0.9

enum { FOVEA_PERIMETER_MARGIN = 3 }; /* that the region's window needs */

/* All perimeters of `region`; `probability` (height x width of the image, or NULL) gives the sub-pixel contour.
 * Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_perimeters_measure(const struct fovea_region *region, const float *probability, uint32_t width,
                                        uint32_t height, struct fovea_perimeters *perimeters, struct fv_error *error);

#endif
