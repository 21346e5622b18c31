#include "measure/columns.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "measure/warnings.h"

#define COLUMN(name, field, kind, shape, label, formula)                                                               \
    { name, label, formula, offsetof(struct fovea_measures, field), kind, shape }
#define WHOLE(field, shape, label, formula) COLUMN(#field, field, FOVEA_MEASURE_WHOLE, shape, label, formula)
#define REAL(field, shape, label, formula) COLUMN(#field, field, FOVEA_MEASURE_REAL, shape, label, formula)
#define TEXT(field, shape, label, formula) COLUMN(#field, field, FOVEA_MEASURE_TEXT, shape, label, formula)
/* Both densities of an area. */
#define DENSITY(area, suffix, where, formula)                                                                          \
    COLUMN("perfusion_density_" suffix, density[area].perfusion, FOVEA_MEASURE_REAL, false,                            \
           "Perfusion density, " where, "area of vessels / area, 0 to 1: " formula),                                   \
        COLUMN("vessel_density_" suffix "_per_mm", density[area].vessel_per_mm, FOVEA_MEASURE_REAL, false,             \
               "Vessel density, " where ", per mm", "length of centre lines / area: " formula)
#define SECTORS(area, suffix, where)                                                                                   \
    DENSITY(area##_SUPERIOR, suffix "_superior", where ", superior", "above both diagonals through the centre"),       \
        DENSITY(area##_INFERIOR, suffix "_inferior", where ", inferior", "below both diagonals"),                      \
        DENSITY(area##_LEFT, suffix "_left", where ", left", "left of both diagonals in the image"),                   \
        DENSITY(area##_RIGHT, suffix "_right", where ", right", "right of both diagonals in the image"),               \
        DENSITY(area##_NASAL, suffix "_nasal", where ", nasal", "right in a right eye; only if the eye is known"),     \
        DENSITY(area##_TEMPORAL, suffix "_temporal", where ", temporal",                                               \
                "left in a right eye; only if the eye is known")
#define CORRECTED(field, shape, label, formula)                                                                        \
    REAL(field##_al_corrected, shape, label ", corrected for axial length", formula)

const struct fovea_measure_column fovea_measure_columns[] = {
    REAL(faz_area_mm2, false, "FAZ area, mm\xc2\xb2",
         "N a\xc2\xb2 / z\xc2\xb2: N all pixels of the mask, a the field of view, z the pixels a side (Wang et al. "
         "2021, eq. 10)"),
    WHOLE(faz_pixels, false, "FAZ pixels", "N"),
    WHOLE(components, false, "Regions", "4-connected regions of the mask"),
    WHOLE(border_pixels, false, "Pixels at the border",
          "pixels of the mask in the first or last row or column of the image"),
    REAL(mean_confidence, true, "Mean confidence", "mean probability of the FAZ over the mask"),
    WHOLE(holes, false, "Holes", "4-connected regions of background that the largest region encloses; they are filled"),
    WHOLE(hole_pixels, false, "Hole pixels", "background pixels enclosed by the largest region"),
    REAL(hole_area_mm2, true, "Hole area, mm\xc2\xb2", "hole pixels times a\xc2\xb2 / z\xc2\xb2"),
    REAL(hole_fraction, true, "Hole fraction", "hole pixels / n"),
    WHOLE(largest_pixels, true, "Pixels of the largest region", "n, with its holes filled"),
    REAL(faz_area_largest_mm2, true, "Area of the largest region, mm\xc2\xb2", "A = n a\xc2\xb2 / z\xc2\xb2"),
    REAL(equivalent_diameter_mm, true, "Equivalent diameter, mm", "2 \xe2\x88\x9a(A / \xcf\x80)"),
    TEXT(perimeter_method, true, "Method of the perimeter P",
         "probability-contour: marching squares at 0.5 of the map of probability; blurred-mask-contour: the same of "
         "the mask after two 3 x 3 box blurs; crofton: where the equivalent diameter is below 15 pixels or blurring "
         "leaves less than 90 % of the region"),
    REAL(perimeter_mm, true, "Perimeter, mm", "P, by the method named"),
    REAL(perimeter_crofton_mm, true, "Perimeter (Crofton), mm", "from intersection counts along 4 directions"),
    REAL(perimeter_imagej_mm, true, "Perimeter (ImageJ), mm",
         "edges of the traced outline less (2 - \xe2\x88\x9a"
         "2) for each corner, as ImageJ counts corners"),
    REAL(circularity, true, "Circularity", "4 \xcf\x80 A / P\xc2\xb2; 1 for a disc"),
    REAL(circularity_crofton, true, "Circularity (Crofton)", "4 \xcf\x80 A / P\xc2\xb2 with the Crofton perimeter"),
    REAL(circularity_imagej, true, "Circularity (ImageJ)",
         "4 \xcf\x80 A / P\xc2\xb2 with the ImageJ perimeter, at most 1; ImageJ's Circ."),
    REAL(acircularity_index, true, "Acircularity index",
         "P / (2 \xe2\x88\x9a(\xcf\x80 A)) = 1 / \xe2\x88\x9a"
         "circularity"),
    REAL(solidity, true, "Solidity", "A / area of the convex hull of the pixels' corners; ImageJ's Solidity"),
    REAL(convexity, true, "Convexity", "perimeter of the convex hull / P, both by the method of P"),
    REAL(feret_max_mm, true, "Greatest Feret diameter, mm", "greatest distance of two corners of pixels"),
    REAL(feret_min_mm, true, "Least Feret diameter, mm",
         "least distance of two parallel lines that hold all corners of pixels between them"),
    REAL(feret_angle_degrees, true, "Angle of the greatest Feret diameter, degrees",
         "from the x axis towards the lower edge"),
    REAL(major_axis_mm, true, "Major axis, mm",
         "4 \xe2\x88\x9a\xce\xbb\xe2\x82\x81, of the ellipse of equal second moments, pixels being squares (+1/12)"),
    REAL(minor_axis_mm, true, "Minor axis, mm", "4 \xe2\x88\x9a\xce\xbb\xe2\x82\x82"),
    REAL(axial_ratio, true, "Axial ratio", "major axis / minor axis; ImageJ's AR"),
    REAL(round_imagej, true, "Round (ImageJ)",
         "4 A / (\xcf\x80 major\xc2\xb2) of the ellipse rescaled to area A, which is minor axis / major axis; other "
         "programs call other things roundness"),
    REAL(eccentricity, true, "Eccentricity", "\xe2\x88\x9a(1 - \xce\xbb\xe2\x82\x82 / \xce\xbb\xe2\x82\x81)"),
    REAL(angle_degrees, true, "Angle, degrees", "of the major axis, from the x axis towards the lower edge"),
    REAL(centroid_x_px, true, "Centroid x, px", "of the largest region; the first pixel's centre is 0"),
    REAL(centroid_y_px, true, "Centroid y, px", "downwards"),
    REAL(offset_x_mm, true, "Offset x, mm", "centroid minus the image's centre"),
    REAL(offset_y_mm, true, "Offset y, mm", "downwards"),
    REAL(offset_nasal_mm, true, "Offset towards the nose, mm",
         "offset x, mirrored for a left eye; negative: towards the temple; only if the eye is known"),
    REAL(offset_mm, true, "Offset, mm", "distance of the centroid from the image's centre"),
    TEXT(vessel_method, false, "Method of the vessels",
         "Frangi vesselness at 8, 12, 18 and 27 micrometres (at least 1 pixel); above Otsu's threshold on its square "
         "root; centre lines by Guo and Hall"),
    TEXT(density_centre, false, "Centre of circles and rings",
         "faz-centroid: of the largest region; image-centre: where there is no FAZ"),
    REAL(fd300_percent, true, "FD-300, %",
         "100 vessel pixels / pixels of the ring 0 < d \xe2\x89\xa4 0.300 mm outside the largest region, d the "
         "Euclidean distance"),
    REAL(fd300_ring_fraction, true, "Part of the FD-300 ring in the image", "0 to 1"),
    REAL(circle_1mm_fraction, false, "Part of the circle of 1 mm in the image",
         "0 to 1; below 0.5 no density is given"),
    REAL(ring_1_3mm_fraction, false, "Part of the inner ring in the image",
         "0 to 1; the inner ring is from 1 to 3 mm diameter"),
    REAL(ring_3_6mm_fraction, false, "Part of the outer ring in the image",
         "0 to 1; the outer ring is from 3 to 6 mm diameter"),
    DENSITY(FOVEA_AREA_IMAGE, "image", "whole image", "of the whole image"),
    DENSITY(FOVEA_AREA_CIRCLE_1MM, "circle_1mm", "circle of 1 mm", "up to 0.5 mm from the centre"),
    DENSITY(FOVEA_AREA_CIRCLE_3MM, "circle_3mm", "circle of 3 mm", "up to 1.5 mm from the centre"),
    DENSITY(FOVEA_AREA_CIRCLE_6MM, "circle_6mm", "circle of 6 mm", "up to 3 mm from the centre"),
    DENSITY(FOVEA_AREA_INNER, "inner", "inner ring", "above 0.5 up to 1.5 mm from the centre"),
    SECTORS(FOVEA_AREA_INNER, "inner", "inner ring"),
    DENSITY(FOVEA_AREA_OUTER, "outer", "outer ring", "above 1.5 up to 3 mm from the centre"),
    SECTORS(FOVEA_AREA_OUTER, "outer", "outer ring"),
    REAL(axial_length_mm, false, "Axial length AL, mm", "as given"),
    REAL(reference_axial_length_mm, false, "Axial length AL0 that the device assumes, mm", "as given"),
    REAL(magnification_factor, false, "Magnification factor", "m = (AL - 1.82) / (AL0 - 1.82), Littmann and Bennett"),
    CORRECTED(faz_area_mm2, false, "FAZ area, mm\xc2\xb2", "times m\xc2\xb2"),
    CORRECTED(faz_area_largest_mm2, true, "Area of the largest region, mm\xc2\xb2", "times m\xc2\xb2"),
    CORRECTED(hole_area_mm2, true, "Hole area, mm\xc2\xb2", "times m\xc2\xb2"),
    CORRECTED(equivalent_diameter_mm, true, "Equivalent diameter, mm", "times m"),
    CORRECTED(perimeter_mm, true, "Perimeter, mm", "times m"),
    CORRECTED(perimeter_crofton_mm, true, "Perimeter (Crofton), mm", "times m"),
    CORRECTED(perimeter_imagej_mm, true, "Perimeter (ImageJ), mm", "times m"),
    CORRECTED(feret_max_mm, true, "Greatest Feret diameter, mm", "times m"),
    CORRECTED(feret_min_mm, true, "Least Feret diameter, mm", "times m"),
    CORRECTED(major_axis_mm, true, "Major axis, mm", "times m"),
    CORRECTED(minor_axis_mm, true, "Minor axis, mm", "times m"),
    CORRECTED(offset_mm, true, "Offset, mm", "times m"),
    COLUMN("warnings", warnings, FOVEA_MEASURE_WARNINGS, false, "Warnings",
           "what to look at before trusting the figures; never a verdict"),
};
const size_t fovea_measure_column_count = sizeof fovea_measure_columns / sizeof *fovea_measure_columns;

const struct fovea_measure_column *fovea_measure_find(const char *name) {
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        if (strcmp(fovea_measure_columns[i].name, name) == 0) {
            return &fovea_measure_columns[i];
        }
    }
    return NULL;
}

static const void *find_field(const struct fovea_measures *measures, const struct fovea_measure_column *column) {
    return (const char *)measures + column->offset;
}

bool fovea_measure_has(const struct fovea_measures *measures, const struct fovea_measure_column *column) {
    const void *field = find_field(measures, column);
    if (column->shape && measures->largest_pixels == 0) {
        return false;
    }
    switch (column->kind) {
    case FOVEA_MEASURE_REAL:
        return isfinite(*(const double *)field);
    case FOVEA_MEASURE_TEXT:
        return *(const char *const *)field != NULL;
    case FOVEA_MEASURE_WARNINGS:
        return *(const uint32_t *)field != 0;
    case FOVEA_MEASURE_WHOLE:
        break;
    }
    return true;
}

bool fovea_measure_is_number(const struct fovea_measure_column *column) {
    return column->kind == FOVEA_MEASURE_WHOLE || column->kind == FOVEA_MEASURE_REAL;
}

double fovea_measure_number(const struct fovea_measures *measures, const struct fovea_measure_column *column) {
    const void *field = find_field(measures, column);
    return column->kind == FOVEA_MEASURE_WHOLE ? (double)*(const size_t *)field : *(const double *)field;
}

void fovea_measure_add(const struct fovea_measures *measures, const struct fovea_measure_column *column,
                       struct fovea_buffer *text) {
    const void *field = find_field(measures, column);
    char number[FOVEA_NUMBER_SIZE];
    switch (column->kind) {
    case FOVEA_MEASURE_WHOLE:
        fovea_buffer_format(text, "%zu", *(const size_t *)field);
        break;
    case FOVEA_MEASURE_REAL:
        fovea_format_repr(*(const double *)field, number);
        fovea_buffer_text(text, number);
        break;
    case FOVEA_MEASURE_TEXT:
        fovea_buffer_text(text, *(const char *const *)field);
        break;
    case FOVEA_MEASURE_WARNINGS:
        fovea_warnings_add(*(const uint32_t *)field, text);
        break;
    }
}

void fovea_measures_clear(struct fovea_measures *measures) {
    *measures = (struct fovea_measures){0};
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        if (fovea_measure_columns[i].kind == FOVEA_MEASURE_REAL) {
            *(double *)(void *)((char *)measures + fovea_measure_columns[i].offset) = (double)NAN;
        }
    }
}
