#include "measure/measure.h"

#include <math.h>
#include <stdbool.h>

#include "fovea/memory.h"

static const double PI = 3.14159265358979323846;

/* A mask of zeros and ones with background all around. */
struct region {
    const uint8_t *pixels;
    uint32_t width, height;
};

static bool is_inside(const struct region *region, int64_t x, int64_t y) {
    return x >= 0 && y >= 0 && x < region->width && y < region->height &&
           region->pixels[(size_t)y * region->width + (size_t)x] != 0;
}

/* The perimeter in pixels by the Crofton formula with 4 directions: half the integral over all lines of the number of
 * crossings. Parallel lines through all pixel centres are 1 apart along the axes and 1 / sqrt(2) along the diagonals, a
 * direction stands for an angle of pi / 4, so P = pi / 8 (C_0 + C_90 + (C_45 + C_135) / sqrt(2)) with C the number of
 * changes between neighbours. Source: D. Legland et al., Computation of Minkowski measures on 2D and 3D binary images,
 * Image Anal Stereol 2007; equals scikit-image's perimeter_crofton(directions=4). */
static double crofton_perimeter(const struct region *region) {
    size_t straight = 0, diagonal = 0;
    for (int64_t y = -1; y <= region->height; y++) {
        for (int64_t x = -1; x <= region->width; x++) {
            bool here = is_inside(region, x, y);
            straight += here != is_inside(region, x + 1, y);
            straight += here != is_inside(region, x, y + 1);
            diagonal += here != is_inside(region, x + 1, y + 1);
            diagonal += here != is_inside(region, x - 1, y + 1);
        }
    }
    return PI / 8.0 * ((double)straight + (double)diagonal / sqrt(2.0));
}

struct moments {
    double x, y;       /* centroid */
    double xx, yy, xy; /* covariance of the pixel centres, plus 1/12 on the diagonal for the pixels' own extent */
};

static struct moments find_moments(const struct region *region, size_t count) {
    struct moments moments = {0};
    for (uint32_t y = 0; y < region->height; y++) {
        for (uint32_t x = 0; x < region->width; x++) {
            if (is_inside(region, x, y)) {
                moments.x += x;
                moments.y += y;
            }
        }
    }
    moments.x /= (double)count;
    moments.y /= (double)count;
    for (uint32_t y = 0; y < region->height; y++) {
        for (uint32_t x = 0; x < region->width; x++) {
            if (is_inside(region, x, y)) {
                double dx = x - moments.x, dy = y - moments.y;
                moments.xx += dx * dx;
                moments.yy += dy * dy;
                moments.xy += dx * dy;
            }
        }
    }
    moments.xx = moments.xx / (double)count + 1.0 / 12.0;
    moments.yy = moments.yy / (double)count + 1.0 / 12.0;
    moments.xy /= (double)count;
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
    measures->eccentricity = sqrt(1.0 - minor / major);
    measures->angle_degrees = 0.5 * atan2(2.0 * moments->xy, moments->xx - moments->yy) * 180.0 / PI;
}

/* Everything that is defined only for a region with pixels. */
static void measure_shape(const struct region *region, double pixel_mm, struct fovea_measures *measures) {
    double area = measures->faz_area_largest_mm2;
    double perimeter = crofton_perimeter(region) * pixel_mm;
    measures->equivalent_diameter_mm = 2.0 * sqrt(area / PI);
    measures->perimeter_crofton_mm = perimeter;
    measures->circularity = 4.0 * PI * area / (perimeter * perimeter);
    measures->acircularity_index = perimeter / (2.0 * sqrt(PI * area));
    struct moments moments = find_moments(region, measures->largest_pixels);
    measure_ellipse(&moments, pixel_mm, measures);
    measures->centroid_x_px = moments.x;
    measures->centroid_y_px = moments.y;
    measures->offset_x_mm = (moments.x - (region->width - 1) / 2.0) * pixel_mm;
    measures->offset_y_mm = (moments.y - (region->height - 1) / 2.0) * pixel_mm;
    measures->offset_mm = hypot(measures->offset_x_mm, measures->offset_y_mm);
}

static size_t count_pixels(const uint8_t *mask, size_t pixels) {
    size_t count = 0;
    for (size_t i = 0; i < pixels; i++) {
        count += mask[i] != 0;
    }
    return count;
}

static enum fv_status count_components(const uint8_t *mask, uint32_t width, uint32_t height, size_t *components,
                                       struct fv_error *error) {
    uint32_t *labels = fv_allocate((size_t)width * height, sizeof *labels);
    if (labels == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a mask of %u x %u pixels", width, height);
    }
    uint32_t count = 0;
    enum fv_status status = fovea_label_regions(mask, width, height, labels, &count, error);
    fv_release(labels);
    *components = count;
    return status;
}

static enum fv_status check_arguments(const char *name, uint32_t width, uint32_t height, double field_mm,
                                      struct fv_error *error) {
    if (width == 0 || height == 0 || !(field_mm > 0.0) || !isfinite(field_mm)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: cannot measure %u x %u pixels over a field of view of %g mm",
                            name, width, height, field_mm);
    }
    if (width != height) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: expected a square image, found %u x %u pixels: one field of view does not give the "
                            "size of both axes",
                            name, width, height);
    }
    return FV_OK;
}

enum fv_status fovea_measure(const char *name, const uint8_t *mask, uint32_t width, uint32_t height, double field_mm,
                             struct fovea_measures *measures, struct fv_error *error) {
    *measures = (struct fovea_measures){0};
    enum fv_status status = check_arguments(name, width, height, field_mm, error);
    if (status != FV_OK) {
        return status;
    }
    size_t pixels = (size_t)width * height;
    uint8_t *largest = fv_allocate(pixels, 1);
    if (largest == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for a mask of %u x %u pixels", name, width,
                            height);
    }
    status = count_components(mask, width, height, &measures->components, error);
    if (status == FV_OK) {
        status = fovea_largest_region(mask, width, height, largest, &measures->hole_pixels, error);
    }
    if (status == FV_OK) {
        double side = height, pixel_area = (field_mm * field_mm) / (side * side);
        measures->faz_pixels = count_pixels(mask, pixels);
        measures->faz_area_mm2 = pixel_area * (double)measures->faz_pixels;
        measures->largest_pixels = count_pixels(largest, pixels);
        measures->faz_area_largest_mm2 = pixel_area * (double)measures->largest_pixels;
        if (measures->largest_pixels != 0) {
            measure_shape(&(struct region){largest, width, height}, field_mm / side, measures);
        }
    }
    fv_release(largest);
    return status;
}
