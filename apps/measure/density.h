/* Densities of vessels: around the FAZ (FD-300), in the whole image, and in the circles, rings and sectors of the Early
 * Treatment Diabetic Retinopathy Study (ETDRS).
 *
 * Perfusion density is the area of vessels / area, 0 to 1; vessel density is the length of centre lines / area, per mm.
 * Areas are counted in pixels whose centres lie within; the FAZ is part of them.
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_DENSITY_H
#define FOVEA_APPS_MEASURE_DENSITY_H

#include "measure/region.h"
#include "measure/vessels.h"

#define FOVEA_FD_RADIUS_MM 0.300

/* Distances from the centre, in mm: a circle of 1 mm diameter up to 0.5, the inner ring above 0.5 up to 1.5, the outer
 * ring above 1.5 up to 3. Sectors part rings along the diagonals, which belong to the left and the right. */
enum fovea_area {
    FOVEA_AREA_IMAGE,
    FOVEA_AREA_CIRCLE_1MM,
    FOVEA_AREA_CIRCLE_3MM,
    FOVEA_AREA_CIRCLE_6MM,
    FOVEA_AREA_INNER,
    FOVEA_AREA_INNER_SUPERIOR, /* the upper side of the image */
    FOVEA_AREA_INNER_INFERIOR,
    FOVEA_AREA_INNER_LEFT, /* sides of the image; */
    FOVEA_AREA_INNER_RIGHT,
    FOVEA_AREA_INNER_NASAL, /* of the eye, if it is known */
    FOVEA_AREA_INNER_TEMPORAL,
    FOVEA_AREA_OUTER,
    FOVEA_AREA_OUTER_SUPERIOR,
    FOVEA_AREA_OUTER_INFERIOR,
    FOVEA_AREA_OUTER_LEFT,
    FOVEA_AREA_OUTER_RIGHT,
    FOVEA_AREA_OUTER_NASAL,
    FOVEA_AREA_OUTER_TEMPORAL,
    FOVEA_AREA_COUNT,
};

struct fovea_density {
    double perfusion;     /* 0 to 1; NAN if less than half of the area lies in the image */
    double vessel_per_mm; /* the same */
};

struct fovea_densities {
    struct fovea_density area[FOVEA_AREA_COUNT];                          /* those of a side of the eye are NAN */
    double circle_1mm_fraction, ring_1_3mm_fraction, ring_3_6mm_fraction; /* of the area, what lies in the image */
};

/* Densities around the point (x, y) in pixels. `pixel_mm` is the size of a pixel. */
void fovea_densities_measure(const struct fovea_vessels *vessels, double pixel_mm, double x, double y,
                             struct fovea_densities *densities);

/* FD-300 of `region`, whose window's margin must be fovea_fd_margin(): *percent = 100 * vessel pixels / pixels of the
 * ring 0 < d <= FOVEA_FD_RADIUS_MM, d the Euclidean distance of a pixel's centre to the nearest centre of a pixel of
 * the region, exact (A. Meijster et al., A general algorithm for computing distance transforms in linear time, 2000);
 * *fraction = the part of the ring's pixels that lies in the image. NAN if the ring has no pixel there. Errors:
 * FV_ERROR_MEMORY. */
uint32_t fovea_fd_margin(double pixel_mm);
enum fv_status fovea_fd_measure(const struct fovea_region *region, const struct fovea_vessels *vessels, double pixel_mm,
                                double *percent, double *fraction, struct fv_error *error);

#endif
