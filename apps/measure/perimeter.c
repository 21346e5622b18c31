#include "measure/perimeter.h"

#include <math.h>
#include <stdbool.h>

#include "fovea/memory.h"
#include "measure/hull.h"
#include "measure/measure.h"

static const double PI = 3.14159265358979323846;

const char *const fovea_perimeter_methods[FOVEA_PERIMETER_METHOD_COUNT] = {"probability-contour",
                                                                           "blurred-mask-contour", "crofton"};

double fovea_perimeter_crofton(const struct fovea_region *region) {
    size_t straight = 0, diagonal = 0, width = region->width;
    for (size_t y = 0; y + 1 < region->height; y++) {
        const uint8_t *row = region->pixels + y * width, *next = row + width;
        for (size_t x = 0; x + 1 < width; x++) {
            straight += (size_t)(row[x] ^ row[x + 1]) + (size_t)(row[x] ^ next[x]);
            diagonal += (size_t)(row[x] ^ next[x + 1]) + (size_t)(row[x + 1] ^ next[x]);
        }
    }
    return PI / 8.0 * ((double)straight + (double)diagonal / sqrt(2.0));
}

double fovea_perimeter_crofton_hull(const struct fovea_region *region) {
    size_t columns = region->width - 2 * (size_t)region->margin, rows = region->height - 2 * (size_t)region->margin;
    int64_t least[2] = {INT64_MAX, INT64_MAX}, most[2] = {INT64_MIN, INT64_MIN}; /* of x + y and x - y */
    for (size_t i = 0; i < (size_t)region->width * region->height; i++) {
        if (region->pixels[i] != 0) {
            int64_t x = (int64_t)(i % region->width), y = (int64_t)(i / region->width);
            const int64_t lines[2] = {x + y, x - y};
            for (int k = 0; k < 2; k++) {
                least[k] = lines[k] < least[k] ? lines[k] : least[k];
                most[k] = lines[k] > most[k] ? lines[k] : most[k];
            }
        }
    }
    double diagonals = (double)(most[0] - least[0] + 1) + (double)(most[1] - least[1] + 1);
    return PI / 4.0 * ((double)(rows + columns) + diagonals / sqrt(2.0));
}

/* Directions along the outline with the region on the left: each is the next one's turn to the right. */
enum { LEFT, DOWN, RIGHT, UP };

/* The pixels ahead on the left and on the right hand of a walker at the upper left corner of pixel (x, y). */
static void look_ahead(const struct fovea_region *region, size_t x, size_t y, int heading, uint8_t *left,
                       uint8_t *right) {
    const uint8_t *below = region->pixels + y * region->width + x, *above = below - region->width;
    const uint8_t around[4] = {below[-1], below[0], above[0], above[-1]}; /* left hand, heading LEFT, DOWN, RIGHT, UP */
    *left = around[heading];
    *right = around[(heading + 3) % 4];
}

double fovea_perimeter_imagej(const struct fovea_region *region) {
    static const int step_x[4] = {-1, 0, 1, 0}, step_y[4] = {0, 1, 0, -1};
    size_t x = region->margin, y = region->margin;
    while (region->pixels[y * region->width + x] == 0 || region->pixels[y * region->width + x + 1] != 0) {
        x++;
    }
    const size_t start_x = ++x, start_y = y;
    size_t edges = 0, corners = 1, side = 0;
    bool counted = true; /* the corner before */
    int heading = LEFT;
    do {
        x = (size_t)((int64_t)x + step_x[heading]);
        y = (size_t)((int64_t)y + step_y[heading]);
        edges++;
        side++;
        uint8_t left, right;
        look_ahead(region, x, y, heading, &left, &right);
        if ((right != 0 || left == 0) && (x != start_x || y != start_y)) {
            heading = (heading + (right != 0 ? 3 : 1)) % 4;
            counted = side > 1 || !counted;
            corners += counted;
            side = 0;
        }
    } while (x != start_x || y != start_y);
    return (double)edges - (double)corners * (2.0 - sqrt(2.0));
}

/* How far from a pixel of the region with value `inside` towards its neighbour the outline passes. */
static double crossing(float inside, float outside) {
    double a = fmax(inside, 0.5), b = fmin(outside, 0.5);
    return a > b ? (a - 0.5) / (a - b) : 0.5;
}

/* The crossing between neighbours, `offset` values apart, as a part of the way from the first to the second. */
static double place(const struct fovea_region *region, const float *values, size_t first, size_t offset) {
    size_t second = first + offset;
    return region->pixels[first] != 0 ? crossing(values[first], values[second])
                                      : 1.0 - crossing(values[second], values[first]);
}

/* Adds the crossings on the upper and left sides of a cell of four neighbours to the points, and returns the length of
 * the outline in the cell. */
static double march(const struct fovea_region *region, const float *values, size_t x, size_t y,
                    struct fovea_point *points, size_t *count) {
    size_t width = region->width, corner = y * width + x;
    const uint8_t *at = region->pixels + corner;
    struct fovea_point ends[4];
    size_t found = 0;
    double left = (double)x, top = (double)y;
    if (at[0] != at[1]) {
        ends[found++] = points[(*count)++] = (struct fovea_point){left + place(region, values, corner, 1), top};
    }
    if (at[0] != at[width]) {
        ends[found++] = points[(*count)++] = (struct fovea_point){left, top + place(region, values, corner, width)};
    }
    if (at[1] != at[width + 1]) {
        ends[found++] = (struct fovea_point){left + 1.0, top + place(region, values, corner + 1, width)};
    }
    if (at[width] != at[width + 1]) {
        ends[found++] = (struct fovea_point){left + place(region, values, corner + width, 1), top + 1.0};
    }
    return found == 0 ? 0.0 : hypot(ends[1].x - ends[0].x, ends[1].y - ends[0].y);
}

/* How often neighbours along the axes differ. */
static size_t count_crossings(const struct fovea_region *region) {
    size_t count = 0, width = region->width;
    for (size_t y = 0; y + 1 < region->height; y++) {
        const uint8_t *row = region->pixels + y * width;
        for (size_t x = 0; x + 1 < width; x++) {
            count += (size_t)(row[x] ^ row[x + 1]) + (size_t)(row[x] ^ row[x + width]);
        }
    }
    return count;
}

enum fv_status fovea_perimeter_contour(const struct fovea_region *region, const float *values, double *length,
                                       double *hull, struct fv_error *error) {
    size_t most = count_crossings(region), count = 0;
    struct fovea_point *points = fv_allocate(most, sizeof *points), *corners = fv_allocate(most + 1, sizeof *corners);
    enum fv_status status = FV_OK;
    if (points == NULL || corners == NULL) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "out of memory for an outline of %zu points", most);
    } else {
        *length = 0.0;
        for (size_t y = 0; y + 1 < region->height; y++) {
            for (size_t x = 0; x + 1 < region->width; x++) {
                *length += march(region, values, x, y, points, &count);
            }
        }
        *hull = fovea_hull_perimeter(corners, fovea_hull(points, count, corners));
    }
    fv_release(points);
    fv_release(corners);
    return status;
}

/* The values of `probability` in the region's window. */
static void cut_out(const float *probability, uint32_t width, uint32_t height, const struct fovea_region *region,
                    float *values) {
    for (uint32_t y = 0; y < region->height; y++) {
        for (uint32_t x = 0; x < region->width; x++) {
            int64_t u = region->left + x, v = region->top + y;
            bool within = u >= 0 && v >= 0 && u < width && v < height;
            values[(size_t)y * region->width + x] = within ? probability[(size_t)v * width + (size_t)u] : 0.0F;
        }
    }
}

/* values = the region after two 3 x 3 box blurs, whose weights along an axis are 1 2 3 2 1 ninths. */
static void blur(const struct fovea_region *region, float *values) {
    static const int weights[5] = {1, 2, 3, 2, 1};
    size_t width = region->width;
    for (size_t i = 0; i < width * region->height; i++) {
        values[i] = 0.0F;
    }
    for (size_t y = 2; y + 2 < region->height; y++) {
        const uint8_t *row = region->pixels + (y - 2) * width;
        for (size_t x = 2; x + 2 < width; x++) {
            int sum = 0;
            for (size_t k = 0; k < 5; k++) {
                const uint8_t *at = row + k * width + x;
                sum += weights[k] * (at[-2] + at[2] + 2 * (at[-1] + at[1]) + 3 * at[0]);
            }
            values[y * width + x] = (float)sum / 81.0F;
        }
    }
}

/* Replaces the perimeter by that of the blurred region's largest part, if that is still most of it. */
static enum fv_status measure_blurred(const struct fovea_region *region, float *values,
                                      struct fovea_perimeters *perimeters, struct fv_error *error) {
    size_t pixels = (size_t)region->width * region->height;
    struct fovea_region core = *region;
    core.pixels = fv_allocate(pixels, 1);
    if (core.pixels == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a region of %u x %u pixels", region->width,
                            region->height);
    }
    blur(region, values);
    for (size_t i = 0; i < pixels; i++) {
        core.pixels[i] = values[i] > 0.5F;
    }
    enum fv_status status = fovea_largest_region(core.pixels, core.width, core.height, core.pixels, NULL, error);
    core.count = 0;
    for (size_t i = 0; status == FV_OK && i < pixels; i++) {
        core.count += core.pixels[i];
    }
    if (status == FV_OK && (double)core.count >= FOVEA_CONTOUR_LEAST_SHARE * (double)region->count) {
        perimeters->method = FOVEA_PERIMETER_BLURRED;
        status = fovea_perimeter_contour(&core, values, &perimeters->length, &perimeters->hull, error);
    }
    fv_release(core.pixels);
    return status;
}

enum fv_status fovea_perimeters_measure(const struct fovea_region *region, const float *probability, uint32_t width,
                                        uint32_t height, struct fovea_perimeters *perimeters, struct fv_error *error) {
    double crofton = fovea_perimeter_crofton(region);
    *perimeters = (struct fovea_perimeters){FOVEA_PERIMETER_CROFTON, crofton, fovea_perimeter_crofton_hull(region),
                                            crofton, fovea_perimeter_imagej(region)};
    if (2.0 * sqrt((double)region->count / PI) < FOVEA_CONTOUR_LEAST_DIAMETER_PX) {
        return FV_OK;
    }
    float *values = fv_allocate((size_t)region->width * region->height, sizeof *values);
    if (values == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "out of memory for a region of %u x %u pixels", region->width,
                            region->height);
    }
    enum fv_status status;
    if (probability != NULL) {
        cut_out(probability, width, height, region, values);
        perimeters->method = FOVEA_PERIMETER_PROBABILITY;
        status = fovea_perimeter_contour(region, values, &perimeters->length, &perimeters->hull, error);
    } else {
        status = measure_blurred(region, values, perimeters, error);
    }
    fv_release(values);
    return status;
}
