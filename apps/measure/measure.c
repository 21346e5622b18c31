#include "measure/measure.h"

#include <math.h>
#include <stdbool.h>

#include "fovea/memory.h"
#include "measure/axial_length.h"
#include "measure/columns.h"
#include "measure/hull.h"
#include "measure/perimeter.h"
#include "measure/warnings.h"

static const double PI = 3.14159265358979323846;

struct moments {
    double x, y;       /* centroid, in the image */
    double xx, yy, xy; /* covariance of the pixel centres, plus 1/12 on the diagonal for the pixels' own extent */
};

static struct moments find_moments(const struct fovea_region *region) {
    struct moments moments = {0};
    double count = (double)region->count;
    for (uint32_t y = 0; y < region->height; y++) {
        for (uint32_t x = 0; x < region->width; x++) {
            if (region->pixels[(size_t)y * region->width + x] != 0) {
                moments.x += (double)(region->left + x);
                moments.y += (double)(region->top + y);
            }
        }
    }
    moments.x /= count;
    moments.y /= count;
    for (uint32_t y = 0; y < region->height; y++) {
        for (uint32_t x = 0; x < region->width; x++) {
            if (region->pixels[(size_t)y * region->width + x] != 0) {
                double dx = (double)(region->left + x) - moments.x, dy = (double)(region->top + y) - moments.y;
                moments.xx += dx * dx;
                moments.yy += dy * dy;
                moments.xy += dx * dy;
            }
        }
    }
    moments.xx = moments.xx / count + 1.0 / 12.0;
    moments.yy = moments.yy / count + 1.0 / 12.0;
    moments.xy /= count;
    return moments;
}

static void measure_ellipse(const struct moments *moments, double pixel_mm, struct fovea_measures *measures) {
    double mean = (moments->xx + moments->yy) / 2.0;
    double half = (moments->xx - moments->yy) / 2.0;
    double spread = sqrt(half * half + moments->xy * moments->xy);
    double major = mean + spread, minor = mean - spread;
    measures->major_axis_mm = 4.0 * sqrt(major) * pixel_mm;
    measures->minor_axis_mm = 4.0 * sqrt(minor) * pixel_mm;
    measures->axial_ratio = sqrt(major / minor);
    measures->round_imagej = sqrt(minor / major);
    measures->eccentricity = sqrt(1.0 - minor / major);
    double angle = 0.5 * atan2(2.0 * moments->xy, moments->xx - moments->yy) * 180.0 / PI;
    measures->angle_degrees = angle > -90.0 ? angle : 90.0; /* upright, and rounding turned it by nothing */
}

static void measure_position(const struct fovea_measure_request *request, const struct moments *moments,
                             double pixel_mm, struct fovea_measures *measures) {
    measures->centroid_x_px = moments->x;
    measures->centroid_y_px = moments->y;
    measures->offset_x_mm = (moments->x - (request->width - 1) / 2.0) * pixel_mm;
    measures->offset_y_mm = (moments->y - (request->height - 1) / 2.0) * pixel_mm;
    measures->offset_mm = hypot(measures->offset_x_mm, measures->offset_y_mm);
    if (request->eye != FOVEA_EYE_UNKNOWN) {
        /* In a view of the fundus the nose is on the right of a right eye. */
        measures->offset_nasal_mm = request->eye == FOVEA_EYE_RIGHT ? measures->offset_x_mm : -measures->offset_x_mm;
    }
}

static double find_circularity(double area, double perimeter) {
    return 4.0 * PI * area / (perimeter * perimeter);
}

static enum fv_status measure_outline(const struct fovea_measure_request *request, const struct fovea_region *region,
                                      double pixel_mm, struct fovea_measures *measures, struct fv_error *error) {
    struct fovea_perimeters perimeters;
    enum fv_status status =
        fovea_perimeters_measure(region, request->probability, request->width, request->height, &perimeters, error);
    if (status == FV_OK) {
        double area = measures->faz_area_largest_mm2, perimeter = perimeters.length * pixel_mm;
        measures->perimeter_method = fovea_perimeter_methods[perimeters.method];
        measures->perimeter_mm = perimeter;
        measures->perimeter_crofton_mm = perimeters.crofton * pixel_mm;
        measures->perimeter_imagej_mm = perimeters.imagej * pixel_mm;
        measures->circularity = find_circularity(area, perimeter);
        measures->circularity_crofton = find_circularity(area, measures->perimeter_crofton_mm);
        measures->circularity_imagej = fmin(find_circularity(area, measures->perimeter_imagej_mm), 1.0);
        measures->acircularity_index = perimeter / (2.0 * sqrt(PI * area));
        measures->convexity = perimeters.hull / perimeters.length;
    }
    return status;
}

/* The corners of the first and the last pixel of each row, which have the region's hull. Returns their number. */
static size_t list_corners(const struct fovea_region *region, struct fovea_point *corners) {
    size_t count = 0;
    for (size_t y = region->margin; y < region->height - region->margin; y++) {
        const uint8_t *row = region->pixels + y * region->width;
        size_t first = 0, last = region->width - 1;
        while (row[first] == 0) {
            first++; /* a 4-connected region has pixels in every row of its box */
        }
        while (row[last] == 0) {
            last--;
        }
        for (size_t down = 0; down < 2; down++) {
            corners[count++] = (struct fovea_point){(double)first, (double)(y + down)};
            corners[count++] = (struct fovea_point){(double)(last + 1), (double)(y + down)};
        }
    }
    return count;
}

static enum fv_status measure_hull(const struct fovea_region *region, double pixel_mm, struct fovea_measures *measures,
                                   struct fv_error *error) {
    size_t most = 4 * (size_t)region->height;
    struct fovea_point *points = fv_allocate(most, sizeof *points), *hull = fv_allocate(most + 1, sizeof *hull);
    enum fv_status status = FV_OK;
    if (points == NULL || hull == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a hull of %zu points", most);
    } else {
        size_t corners = fovea_hull(points, list_corners(region, points), hull);
        struct fovea_feret feret = fovea_hull_feret(hull, corners);
        measures->solidity = (double)region->count / fovea_hull_area(hull, corners);
        measures->feret_max_mm = feret.greatest * pixel_mm;
        measures->feret_min_mm = feret.least * pixel_mm;
        measures->feret_angle_degrees = feret.angle_degrees;
    }
    fv_release(points);
    fv_release(hull);
    return status;
}

/* Everything that is defined only for a region with pixels; `largest` is the image with that region alone. */
static enum fv_status measure_shape(const struct fovea_measure_request *request, const uint8_t *largest,
                                    double pixel_mm, struct fovea_measures *measures, struct fv_error *error) {
    measures->equivalent_diameter_mm = 2.0 * sqrt(measures->faz_area_largest_mm2 / PI);
    measures->hole_fraction = (double)measures->hole_pixels / (double)measures->largest_pixels;
    struct fovea_region region;
    enum fv_status status =
        fovea_region_crop(largest, request->width, request->height, FOVEA_PERIMETER_MARGIN, &region, error);
    if (status == FV_OK) {
        struct moments moments = find_moments(&region);
        measure_ellipse(&moments, pixel_mm, measures);
        measure_position(request, &moments, pixel_mm, measures);
        status = measure_outline(request, &region, pixel_mm, measures, error);
    }
    status = status != FV_OK ? status : measure_hull(&region, pixel_mm, measures, error);
    fovea_region_release(&region);
    return status;
}

static enum fv_status measure_ring(const struct fovea_measure_request *request, const uint8_t *largest, double pixel_mm,
                                   struct fovea_measures *measures, struct fv_error *error) {
    struct fovea_region region;
    enum fv_status status =
        fovea_region_crop(largest, request->width, request->height, fovea_fd_margin(pixel_mm), &region, error);
    status = status != FV_OK ? status
                             : fovea_fd_measure(&region, request->vessels, pixel_mm, &measures->fd300_percent,
                                                &measures->fd300_ring_fraction, error);
    fovea_region_release(&region);
    return status;
}

const char *const fovea_density_centres[2] = {"faz-centroid", "image-centre"};

static enum fv_status measure_vessels(const struct fovea_measure_request *request, const uint8_t *largest,
                                      double pixel_mm, struct fovea_measures *measures, struct fv_error *error) {
    if (request->vessels == NULL) {
        return FV_OK;
    }
    bool empty = measures->largest_pixels == 0;
    double x = empty ? (request->width - 1) / 2.0 : measures->centroid_x_px;
    double y = empty ? (request->height - 1) / 2.0 : measures->centroid_y_px;
    struct fovea_densities densities;
    fovea_densities_measure(request->vessels, pixel_mm, x, y, &densities);
    measures->vessel_method = FOVEA_VESSEL_METHOD;
    measures->density_centre = fovea_density_centres[empty];
    measures->circle_1mm_fraction = densities.circle_1mm_fraction;
    measures->ring_1_3mm_fraction = densities.ring_1_3mm_fraction;
    measures->ring_3_6mm_fraction = densities.ring_3_6mm_fraction;
    for (int area = 0; area < FOVEA_AREA_COUNT; area++) {
        measures->density[area] = densities.area[area];
    }
    if (request->eye != FOVEA_EYE_UNKNOWN) {
        bool right = request->eye == FOVEA_EYE_RIGHT;
        struct fovea_density *density = measures->density;
        density[FOVEA_AREA_INNER_NASAL] = density[right ? FOVEA_AREA_INNER_RIGHT : FOVEA_AREA_INNER_LEFT];
        density[FOVEA_AREA_INNER_TEMPORAL] = density[right ? FOVEA_AREA_INNER_LEFT : FOVEA_AREA_INNER_RIGHT];
        density[FOVEA_AREA_OUTER_NASAL] = density[right ? FOVEA_AREA_OUTER_RIGHT : FOVEA_AREA_OUTER_LEFT];
        density[FOVEA_AREA_OUTER_TEMPORAL] = density[right ? FOVEA_AREA_OUTER_LEFT : FOVEA_AREA_OUTER_RIGHT];
    }
    return empty ? FV_OK : measure_ring(request, largest, pixel_mm, measures, error);
}

static void correct_magnification(const struct fovea_measure_request *request, struct fovea_measures *measures) {
    if (request->axial_length_mm == 0.0) {
        return;
    }
    double reference =
        request->reference_axial_length_mm > 0.0 ? request->reference_axial_length_mm : FOVEA_REFERENCE_AXIAL_LENGTH_MM;
    double length = fovea_axial_length_factor(request->axial_length_mm, reference), area = length * length;
    measures->axial_length_mm = request->axial_length_mm;
    measures->reference_axial_length_mm = reference;
    measures->magnification_factor = length;
    measures->faz_area_mm2_al_corrected = area * measures->faz_area_mm2;
    measures->faz_area_largest_mm2_al_corrected = area * measures->faz_area_largest_mm2;
    measures->hole_area_mm2_al_corrected = area * measures->hole_area_mm2;
    measures->equivalent_diameter_mm_al_corrected = length * measures->equivalent_diameter_mm;
    measures->perimeter_mm_al_corrected = length * measures->perimeter_mm;
    measures->perimeter_crofton_mm_al_corrected = length * measures->perimeter_crofton_mm;
    measures->perimeter_imagej_mm_al_corrected = length * measures->perimeter_imagej_mm;
    measures->feret_max_mm_al_corrected = length * measures->feret_max_mm;
    measures->feret_min_mm_al_corrected = length * measures->feret_min_mm;
    measures->major_axis_mm_al_corrected = length * measures->major_axis_mm;
    measures->minor_axis_mm_al_corrected = length * measures->minor_axis_mm;
    measures->offset_mm_al_corrected = length * measures->offset_mm;
}

/* Counts and sums over the whole mask. */
static void measure_mask(const struct fovea_measure_request *request, struct fovea_measures *measures) {
    uint32_t width = request->width, height = request->height;
    double confidence = 0.0;
    for (uint32_t y = 0; y < height; y++) {
        bool edge = y == 0 || y == height - 1;
        for (uint32_t x = 0; x < width; x++) {
            size_t i = (size_t)y * width + x;
            if (request->mask[i] != 0) {
                measures->faz_pixels++;
                measures->border_pixels += edge || x == 0 || x == width - 1;
                confidence += request->probability != NULL ? (double)request->probability[i] : 0.0;
            }
        }
    }
    if (request->probability != NULL && measures->faz_pixels > 0) {
        measures->mean_confidence = confidence / (double)measures->faz_pixels;
    }
}

static enum fv_status count_components(const struct fovea_measure_request *request, size_t *components,
                                       struct fv_error *error) {
    uint32_t count = 0;
    uint32_t *labels = fv_allocate((size_t)request->width * request->height, sizeof *labels);
    enum fv_status status =
        labels != NULL ? fovea_label_regions(request->mask, request->width, request->height, labels, &count, error)
                       : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for a mask of %u x %u pixels",
                                      request->name, request->width, request->height);
    fv_release(labels);
    *components = count;
    return status;
}

bool fovea_pixels_are_square(double width_mm, double height_mm) {
    static const double SAME = 1e-3; /* relative */
    return fabs(width_mm - height_mm) <= SAME * width_mm;
}

static enum fv_status check_scale(const struct fovea_measure_request *request, struct fv_error *error) {
    uint32_t width = request->width, height = request->height;
    double across = request->field_mm, down = request->field_height_mm == 0.0 ? across : request->field_height_mm;
    if (width == 0 || height == 0 || !(across > 0.0) || !(down > 0.0) || !isfinite(across) || !isfinite(down)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: cannot measure %u x %u pixels over a field of view of %g mm",
                            request->name, width, height, request->field_mm);
    }
    if (request->field_height_mm == 0.0 && width != height) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: expected a square image, found %u x %u pixels: one field of view does not give the "
                            "size of both axes",
                            request->name, width, height);
    }
    return fovea_pixels_are_square(across / width, down / height)
               ? FV_OK
               : fv_error_set(error, FV_ERROR_UNSUPPORTED,
                              "%s: pixels of %.4g x %.4g mm: expected square ones, since shapes are measured in pixels",
                              request->name, across / width, down / height);
}

static enum fv_status check_request(const struct fovea_measure_request *request, struct fv_error *error) {
    enum fv_status status = check_scale(request, error);
    const struct fovea_vessels *vessels = request->vessels;
    if (status == FV_OK && vessels != NULL &&
        (vessels->width != request->width || vessels->height != request->height)) {
        status = fv_error_set(error, FV_ERROR_ARGUMENT, "%s: the mask has %u x %u pixels, the map of vessels %u x %u",
                              request->name, request->width, request->height, vessels->width, vessels->height);
    }
    const double lengths[] = {request->axial_length_mm, request->reference_axial_length_mm};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths && status == FV_OK; i++) {
        if (lengths[i] != 0.0 && !fovea_axial_length_is_valid(lengths[i])) {
            status = fv_error_set(error, FV_ERROR_ARGUMENT, "%s: expected an axial length of %g to %g mm, found %g",
                                  request->name, FOVEA_AXIAL_LENGTH_LEAST_MM, FOVEA_AXIAL_LENGTH_MOST_MM, lengths[i]);
        }
    }
    return status;
}

/* From the largest region on, which `largest` has room for. */
static enum fv_status measure_largest(const struct fovea_measure_request *request, uint8_t *largest,
                                      struct fovea_measures *measures, struct fv_error *error) {
    struct fovea_holes holes;
    enum fv_status status =
        fovea_largest_region(request->mask, request->width, request->height, largest, &holes, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < (size_t)request->width * request->height; i++) {
        measures->largest_pixels += largest[i];
    }
    double down = request->field_height_mm == 0.0 ? request->field_mm : request->field_height_mm;
    double columns = request->width, rows = request->height;
    double pixel_area = (request->field_mm * down) / (columns * rows);
    double pixel_mm =
        request->width == request->height && down == request->field_mm ? request->field_mm / columns : sqrt(pixel_area);
    measures->holes = holes.count;
    measures->hole_pixels = holes.pixels;
    measures->hole_area_mm2 = pixel_area * (double)holes.pixels;
    measures->faz_area_mm2 = pixel_area * (double)measures->faz_pixels;
    measures->faz_area_largest_mm2 = pixel_area * (double)measures->largest_pixels;
    if (measures->largest_pixels > 0) {
        status = measure_shape(request, largest, pixel_mm, measures, error);
    }
    return status != FV_OK ? status : measure_vessels(request, largest, pixel_mm, measures, error);
}

enum fv_status fovea_measure(const struct fovea_measure_request *request, struct fovea_measures *measures,
                             struct fv_error *error) {
    fovea_measures_clear(measures);
    enum fv_status status = check_request(request, error);
    if (status != FV_OK) {
        return status;
    }
    uint8_t *largest = fv_allocate(request->height, request->width);
    status = largest != NULL ? count_components(request, &measures->components, error)
                             : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for a mask of %u x %u pixels",
                                            request->name, request->width, request->height);
    if (status == FV_OK) {
        measure_mask(request, measures);
        status = measure_largest(request, largest, measures, error);
    }
    if (status == FV_OK) {
        correct_magnification(request, measures);
        fovea_warnings_find(request->has_layer, request->layer, measures);
    }
    fv_release(largest);
    return status;
}
