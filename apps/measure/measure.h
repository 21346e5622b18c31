/* Measures of a foveal avascular zone (FAZ) and of the vessels around it.
 *
 * Units are in the names. x runs to the right, y downwards; coordinates are of pixel centres, the first at 0.
 * s = field of view / pixels a side is the size of a pixel in mm. A measure that is not known or not defined is NAN (a
 * text: NULL); columns.h tells the name, the formula and the unit of each and which of them are missing.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_H
#define FOVEA_APPS_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"
#include "measure/density.h"
#include "scan/scan.h"

/* What is measured. Members that are zero are not known. */
struct fovea_measure_request {
    const char *name;                    /* for messages */
    const uint8_t *mask;                 /* height x width, row-major; 0: background, anything else: FAZ */
    uint32_t width, height;              /* pixels */
    double field_mm;                     /* width of the field of view */
    double field_height_mm;              /* 0: as wide as high, and so must the image be */
    const float *probability;            /* of the FAZ, height x width, or NULL */
    const struct fovea_vessels *vessels; /* of the same image, or NULL */
    enum fovea_eye eye;                  /* unknown: none of nasal and temporal */
    bool has_layer;
    enum fovea_layer layer;           /* if has_layer: chooses the range of areas that is not warned of */
    double axial_length_mm;           /* of the eye; see axial_length.h */
    double reference_axial_length_mm; /* that the device assumes; 0: FOVEA_REFERENCE_AXIAL_LENGTH_MM */
};

struct fovea_measures {
    /* The whole mask. */
    size_t faz_pixels;      /* N, every pixel of the mask */
    double faz_area_mm2;    /* Wang et al. 2021, eq. 10, in the published program's order: ((a * a) / (z * z)) * N */
    size_t components;      /* 4-connected regions */
    size_t border_pixels;   /* pixels of the mask in the first or last row or column of the image */
    double mean_confidence; /* mean probability of the FAZ over the mask; NAN without probabilities */

    /* The largest 4-connected region (the first in reading order of equals) with its holes filled; A is its area. Not
     * defined for an empty mask, where counts are 0. */
    size_t holes;                  /* 4-connected regions of background that no 4-connected path joins to the border */
    size_t hole_pixels;            /* their pixels, which were filled */
    size_t largest_pixels;         /* n */
    double hole_area_mm2;          /* s^2 times hole_pixels */
    double hole_fraction;          /* hole_pixels / n */
    double faz_area_largest_mm2;   /* A = ((a * a) / (z * z)) * n */
    double equivalent_diameter_mm; /* 2 sqrt(A / pi) */

    /* Three perimeters; see perimeter.h. */
    const char *perimeter_method; /* of `perimeter_mm`: one of fovea_perimeter_methods */
    double perimeter_mm;          /* P: of the sub-pixel contour, or Crofton's where that one fails */
    double perimeter_crofton_mm;  /* from intersection counts along 4 directions */
    double perimeter_imagej_mm;   /* of the traced outline, corners cut */
    double circularity;           /* 4 pi A / P^2; 1 for a disc */
    double circularity_crofton;   /* the same with Crofton's perimeter */
    double circularity_imagej;    /* the same with ImageJ's, and at most 1 as in ImageJ */
    double acircularity_index;    /* P / (2 sqrt(pi A)) = 1 / sqrt(circularity) */
    double convexity;             /* perimeter of the convex hull / P, both by P's method */

    /* The convex hull of the pixels' corners; see hull.h. */
    double solidity; /* A / area of the hull */
    double feret_max_mm, feret_min_mm;
    double feret_angle_degrees; /* of the greatest diameter, like angle_degrees */

    double major_axis_mm, minor_axis_mm; /* 4 sqrt(lambda), of the ellipse of equal second moments; lambda are the
                                            eigenvalues of the covariance of the pixels, each a square of variance
                                            1/12 */
    double axial_ratio;                  /* major / minor: ImageJ's AR */
    double round_imagej;                 /* minor / major: ImageJ's Round */
    double eccentricity;                 /* sqrt(1 - lambda_minor / lambda_major) */
    double angle_degrees;                /* of the major axis from the x axis towards +y, in (-90, 90] */
    double centroid_x_px, centroid_y_px;
    double offset_x_mm, offset_y_mm; /* centroid minus the image's centre (z - 1) / 2 */
    double offset_nasal_mm;          /* offset_x_mm, positive towards the nose; NAN if the eye is not known */
    double offset_mm;                /* length of the offset */

    /* The vessels; NAN without a map of them. */
    const char *vessel_method;  /* FOVEA_VESSEL_METHOD; NULL: no map */
    const char *density_centre; /* of circles, rings and sectors: one of fovea_density_centres; NULL: no map */
    double fd300_percent;       /* 100 * vessel pixels / pixels of the ring 0 < d <= 0.300 mm outside the FAZ */
    double fd300_ring_fraction; /* of that ring, the part that lies in the image */
    double circle_1mm_fraction; /* the same of the circle of 1 mm, */
    double ring_1_3mm_fraction; /* the ring from 1 to 3 mm */
    double ring_3_6mm_fraction; /* and the ring from 3 to 6 mm */
    struct fovea_density density[FOVEA_AREA_COUNT];

    /* Corrected for the magnification of the eye; NAN if its axial length is not known. */
    double axial_length_mm, reference_axial_length_mm;
    double magnification_factor; /* m: lengths are multiplied by it, areas by its square */
    double faz_area_mm2_al_corrected, faz_area_largest_mm2_al_corrected, hole_area_mm2_al_corrected;
    double equivalent_diameter_mm_al_corrected;
    double perimeter_mm_al_corrected, perimeter_crofton_mm_al_corrected, perimeter_imagej_mm_al_corrected;
    double feret_max_mm_al_corrected, feret_min_mm_al_corrected;
    double major_axis_mm_al_corrected, minor_axis_mm_al_corrected;
    double offset_mm_al_corrected;

    uint32_t warnings; /* a bit 1 << w for each enum fovea_warning w that applies; see warnings.h */
};

/* "faz-centroid"; "image-centre", where there is no FAZ. */
extern const char *const fovea_density_centres[2];

/* Whether pixels of that size are taken for square: the sides differ by no more than a thousandth, which is what
 * rounding a field of view to micrometres gives. */
bool fovea_pixels_are_square(double width_mm, double height_mm);

/* Measures what is requested. Errors, naming it: FV_ERROR_UNSUPPORTED (width and height differ and only one side of the
 * field is given, or pixels are not square, so that lengths would depend on their direction), FV_ERROR_ARGUMENT (a zero
 * side, a field that is not positive and finite, an axial length that no eye has, vessels of another size),
 * FV_ERROR_MEMORY. */
enum fv_status fovea_measure(const struct fovea_measure_request *request, struct fovea_measures *measures,
                             struct fv_error *error);

/* Labels the 4-connected regions of the non-zero bytes of `mask` 1, 2, ... in reading order of their first pixels;
 * background is 0. `labels` holds width x height values. *count is the number of regions. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_label_regions(const uint8_t *mask, uint32_t width, uint32_t height, uint32_t *labels,
                                   uint32_t *count, struct fv_error *error);

/* What fovea_largest_region filled. */
struct fovea_holes {
    size_t count, pixels;
};

/* Keeps the largest 4-connected region (the first in reading order of equals) and fills its holes (background that no
 * 4-connected path joins to the border): `result` becomes 0 and 1. An empty mask gives an empty result. `result` may be
 * `mask`. *holes, if not NULL, tells what was filled. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_largest_region(const uint8_t *mask, uint32_t width, uint32_t height, uint8_t *result,
                                    struct fovea_holes *holes, struct fv_error *error);

#endif
