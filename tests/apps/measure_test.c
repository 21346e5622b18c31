/* Measures of analytic shapes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "measure/measure.h"

enum { SIDE = 320 };

static const double PI = 3.14159265358979323846;

/* An ellipse with the given half axes, turned by `angle` degrees. */
static uint8_t *ellipse(double x, double y, double major, double minor, double angle) {
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    double cosine = cos(angle * PI / 180.0), sine = sin(angle * PI / 180.0);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        double dx = (double)(i % SIDE) - x, dy = (double)(i / SIDE) - y;
        double along = (dx * cosine + dy * sine) / major, across = (dy * cosine - dx * sine) / minor;
        mask[i] = along * along + across * across <= 1.0 ? 255 : 0;
    }
    return mask;
}

static struct fovea_measures measure(const uint8_t *mask, double field_mm) {
    struct fovea_measures measures;
    struct fv_error error;
    check_success(fovea_measure("mask", mask, SIDE, SIDE, field_mm, &measures, &error), &error);
    return measures;
}

static void expect_within(const char *what, double value, double expected, double share) {
    ck_assert_msg(fabs(value - expected) <= share * fabs(expected), "%s is %.8g, expected %.8g", what, value, expected);
}

/* Of a disc of radius 15 the Crofton perimeter deviates by 0.4 % (one standard deviation over placements); three of
 * them are allowed, and the square for what it is squared in. */
START_TEST(discs) {
    static const double radii[] = {15.0, 30.0, 50.0, 90.0};
    double radius = radii[_i], pixel = 3.0 / SIDE;
    uint8_t *mask = ellipse(150.3, 161.8, radius, radius, 0.0);
    struct fovea_measures measures = measure(mask, 3.0);
    expect_within("area", measures.faz_area_mm2, PI * radius * radius * pixel * pixel, 0.01);
    expect_within("perimeter", measures.perimeter_crofton_mm, 2.0 * PI * radius * pixel, 0.012);
    expect_within("circularity", measures.circularity, 1.0, 0.015);
    expect_within("acircularity", measures.acircularity_index, 1.0, 0.008);
    expect_within("diameter", measures.equivalent_diameter_mm, 2.0 * radius * pixel, 0.005);
    expect_within("ratio", measures.axial_ratio, 1.0, 0.01);
    expect_within("offset x", measures.offset_x_mm, (150.3 - 159.5) * pixel, 0.03);
    expect_within("offset y", measures.offset_y_mm, (161.8 - 159.5) * pixel, 0.06);
    expect_within("offset", measures.offset_mm, hypot(measures.offset_x_mm, measures.offset_y_mm), 1e-12);
    ck_assert_uint_eq(measures.components, 1);
    free(mask);
}
END_TEST

START_TEST(ellipses) {
    static const double angles[] = {0.0, 30.0, 90.0, -45.0, -80.0};
    double pixel = 6.0 / SIDE;
    uint8_t *mask = ellipse(160.0, 160.0, 60.0, 40.0, angles[_i]);
    struct fovea_measures measures = measure(mask, 6.0);
    expect_within("major", measures.major_axis_mm, 120.0 * pixel, 0.005);
    expect_within("minor", measures.minor_axis_mm, 80.0 * pixel, 0.005);
    expect_within("ratio", measures.axial_ratio, 1.5, 0.005);
    expect_within("eccentricity", measures.eccentricity, sqrt(1.0 - 1.0 / 2.25), 0.005);
    ck_assert_double_eq_tol(measures.angle_degrees, angles[_i], 0.5);
    /* Ramanujan's second approximation of the perimeter, good to 1e-9 here. */
    double h = 20.0 * 20.0 / (100.0 * 100.0);
    double perimeter = PI * 100.0 * (1.0 + 3.0 * h / (10.0 + sqrt(4.0 - 3.0 * h))) * pixel;
    expect_within("perimeter", measures.perimeter_crofton_mm, perimeter, 0.01);
    free(mask);
}
END_TEST

/* The published order of operations, to the last bit. */
START_TEST(area_is_the_published_one) {
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    static const size_t counts[] = {0, 1, 3571, SIDE * SIDE};
    static const double expected[] = {0.0, 8.7890625e-05, 0.3138574218749999722, 9.0};
    memset(mask, 1, counts[_i]);
    struct fovea_measures measures = measure(mask, 3.0);
    ck_assert_uint_eq(measures.faz_pixels, counts[_i]);
    ck_assert(measures.faz_area_mm2 == ((3.0 * 3.0) / (320.0 * 320.0)) * (double)counts[_i]);
    ck_assert_double_eq_tol(measures.faz_area_mm2, expected[_i], 1e-15);
    free(mask);
}
END_TEST

START_TEST(one_pixel) {
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    mask[5 * SIDE + 7] = 1;
    struct fovea_measures measures = measure(mask, 3.0);
    expect_within("perimeter", measures.perimeter_crofton_mm, PI / 2.0 * (1.0 + sqrt(0.5)) * 3.0 / SIDE, 1e-12);
    expect_within("major", measures.major_axis_mm, 4.0 * sqrt(1.0 / 12.0) * 3.0 / SIDE, 1e-12);
    ck_assert(measures.centroid_x_px == 7.0 && measures.centroid_y_px == 5.0);
    ck_assert(measures.eccentricity == 0.0 && measures.axial_ratio == 1.0);
    free(mask);
}
END_TEST

START_TEST(empty_mask) {
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    struct fovea_measures measures = measure(mask, 3.0), zeros = {0};
    ck_assert_mem_eq(&measures, &zeros, sizeof zeros);
    free(mask);
}
END_TEST

/* A frame with a hole, a speck in the hole, a region that touches it by a corner only, and a smaller one. */
START_TEST(regions_and_holes) {
    static const char *const picture[] = {
        "#####...", "#...#...", "#.#.#...", "#...#...", "#####...", ".....##.", "........", "##......",
    };
    uint8_t mask[64], result[64];
    uint32_t labels[64], count;
    for (size_t i = 0; i < 64; i++) {
        mask[i] = picture[i / 8][i % 8] == '#' ? 9 : 0;
    }
    ck_assert_int_eq(fovea_label_regions(mask, 8, 8, labels, &count, NULL), FV_OK);
    ck_assert_uint_eq(count, 4);
    ck_assert(labels[0] == 1 && labels[2 * 8 + 2] == 2 && labels[5 * 8 + 5] == 3 && labels[7 * 8] == 4);
    size_t filled;
    ck_assert_int_eq(fovea_largest_region(mask, 8, 8, result, &filled, NULL), FV_OK);
    ck_assert_uint_eq(filled, 9);
    for (size_t i = 0; i < 64; i++) {
        ck_assert_uint_eq(result[i], i / 8 < 5 && i % 8 < 5 ? 1 : 0);
    }
    struct fovea_measures measures;
    ck_assert_int_eq(fovea_measure("mask", mask, 8, 8, 8.0, &measures, NULL), FV_OK);
    ck_assert_uint_eq(measures.faz_pixels, 21);
    ck_assert_uint_eq(measures.components, 4);
    ck_assert_uint_eq(measures.hole_pixels, 9);
    ck_assert_uint_eq(measures.largest_pixels, 25);
    ck_assert(measures.faz_area_largest_mm2 == 25.0 && measures.faz_area_mm2 == 21.0);
}
END_TEST

/* Labels of shapes that need merging, against a flood fill. */
static void flood(const uint8_t *mask, uint32_t width, uint32_t height, uint32_t *labels, uint32_t x, uint32_t y,
                  uint32_t label) {
    if (x >= width || y >= height || mask[y * width + x] == 0 || labels[y * width + x] != 0) {
        return;
    }
    labels[y * width + x] = label;
    flood(mask, width, height, labels, x + 1, y, label);
    flood(mask, width, height, labels, x, y + 1, label);
    flood(mask, width, height, labels, x - 1, y, label); /* below zero wraps round to outside */
    flood(mask, width, height, labels, x, y - 1, label);
}

START_TEST(labels_equal_a_flood_fill) {
    enum { WIDTH = 31, HEIGHT = 19 };
    uint8_t mask[WIDTH * HEIGHT];
    uint32_t labels[WIDTH * HEIGHT], expected[WIDTH * HEIGHT] = {0}, count, regions = 0;
    uint64_t state = 1 + (uint64_t)_i;
    for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        mask[i] = (state >> 40) % 100 < 30 + 10 * (uint64_t)_i;
    }
    for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
        if (mask[i] != 0 && expected[i] == 0) {
            flood(mask, WIDTH, HEIGHT, expected, i % WIDTH, i / WIDTH, ++regions);
        }
    }
    ck_assert_int_eq(fovea_label_regions(mask, WIDTH, HEIGHT, labels, &count, NULL), FV_OK);
    ck_assert_uint_eq(count, regions);
    ck_assert_mem_eq(labels, expected, sizeof labels);
}
END_TEST

START_TEST(wrong_arguments) {
    uint8_t mask[12] = {0};
    struct fovea_measures measures;
    struct fv_error error;
    check_failure(fovea_measure("a.png", mask, 4, 3, 3.0, &measures, &error), &error, FV_ERROR_UNSUPPORTED,
                  "a.png: expected a square image, found 4 x 3");
    check_failure(fovea_measure("a.png", mask, 3, 3, 0.0, &measures, &error), &error, FV_ERROR_ARGUMENT, "a.png");
    check_failure(fovea_measure("a.png", mask, 3, 3, NAN, &measures, &error), &error, FV_ERROR_ARGUMENT, "a.png");
    check_failure(fovea_measure("a.png", mask, 0, 0, 3.0, &measures, &error), &error, FV_ERROR_ARGUMENT, "a.png");
    mask[4] = 1;
    for (long successes = 0;; successes++) {
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_measure("a.png", mask, 3, 3, 3.0, &measures, &error);
        fv_memory_fail_after(-1);
        if (status == FV_OK) {
            break;
        }
        ck_assert_int_eq(status, FV_ERROR_MEMORY);
    }
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"discs", discs, 4},
        {"ellipses", ellipses, 5},
        {"area", area_is_the_published_one, 4},
        {"one pixel", one_pixel, 0},
        {"empty", empty_mask, 0},
        {"regions", regions_and_holes, 0},
        {"labels", labels_equal_a_flood_fill, 5},
        {"arguments", wrong_arguments, 0},
    };
    return check_run("measures", cases, sizeof cases / sizeof cases[0]);
}
