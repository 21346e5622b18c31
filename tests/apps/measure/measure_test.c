/* Measures of analytic shapes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "measure/axial_length.h"
#include "measure/columns.h"
#include "measure/hull.h"
#include "measure/measure.h"
#include "measure/perimeter.h"
#include "measure/warnings.h"
#include "shapes.h"

enum { SIDE = 320 };

static const double PI = SHAPES_PI;

/* An ellipse with the given half axes, turned by `angle` degrees. */
static uint8_t *ellipse(double x, double y, double major, double minor, double angle) {
    return shape_draw(&(struct shape){SHAPE_ELLIPSE, x, y, major, minor, angle}, SIDE);
}

static struct fovea_measure_request request(const uint8_t *mask, double field_mm) {
    return (struct fovea_measure_request){
        .name = "a.png", .mask = mask, .width = SIDE, .height = SIDE, .field_mm = field_mm};
}

static struct fovea_measures measure_requested(const struct fovea_measure_request *requested) {
    struct fovea_measures measures;
    struct fv_error error;
    check_success(fovea_measure(requested, &measures, &error), &error);
    return measures;
}

static struct fovea_measures measure(const uint8_t *mask, double field_mm) {
    const struct fovea_measure_request requested = request(mask, field_mm);
    return measure_requested(&requested);
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
    expect_within("perimeter", measures.perimeter_mm, 2.0 * PI * radius * pixel, 0.005);
    expect_within("Crofton's perimeter", measures.perimeter_crofton_mm, 2.0 * PI * radius * pixel, 0.012);
    ck_assert_str_eq(measures.perimeter_method, "blurred-mask-contour");
    expect_within("circularity", measures.circularity, 1.0, 0.01);
    expect_within("circularity by Crofton", measures.circularity_crofton, 1.0, 0.015);
    expect_within("acircularity", measures.acircularity_index, 1.0, 0.005);
    expect_within("acircularity", measures.acircularity_index, 1.0 / sqrt(measures.circularity), 1e-12);
    expect_within("roundness", measures.round_imagej, 1.0 / measures.axial_ratio, 1e-12);
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
    double perimeter = shape_perimeter(&(struct shape){SHAPE_ELLIPSE, 0, 0, 60, 40, 0}) * pixel;
    expect_within("perimeter", measures.perimeter_mm, perimeter, 0.005);
    expect_within("Crofton's perimeter", measures.perimeter_crofton_mm, perimeter, 0.01);
    expect_within("Feret's greatest", measures.feret_max_mm, 120.0 * pixel, 0.012); /* to the corners of pixels */
    expect_within("Feret's least", measures.feret_min_mm, 80.0 * pixel, 0.018);
    ck_assert_double_ge(measures.feret_max_mm, 119.0 * pixel);
    ck_assert_double_eq_tol(measures.feret_angle_degrees, angles[_i], 8.0); /* flat around the greatest */
    ck_assert_double_le(measures.convexity, 1.0);
    ck_assert_double_ge(measures.convexity, 0.995);
    ck_assert_double_ge(measures.solidity, 0.97);
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

/* Rows of 3, 5 and 7 pixels around one column: upright, whatever the rounding of the centroid. */
START_TEST(upright_shapes_have_the_angle_90) {
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    for (size_t y = 0; y < 8; y++) {
        memset(mask + y * SIDE + 5 - (1 + y % 3), 1, 1 + 2 * (1 + y % 3));
    }
    struct fovea_measures measures = measure(mask, 3.0);
    ck_assert(measures.angle_degrees == 90.0);
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

/* Counts are 0, the area of the whole mask is 0, and all else is missing. */
START_TEST(empty_mask) {
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    struct fovea_measures measures = measure(mask, 3.0);
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        const struct fovea_measure_column *column = &fovea_measure_columns[i];
        static const char *const known[] = {"faz_area_mm2",  "faz_pixels", "components",
                                            "border_pixels", "holes",      "hole_pixels"};
        bool expected = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
            expected = expected || strcmp(known[k], column->name) == 0;
        }
        ck_assert_msg(fovea_measure_has(&measures, column) == expected, "%s", column->name);
        ck_assert(!expected || fovea_measure_number(&measures, column) == 0.0);
    }
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
    struct fovea_holes holes;
    ck_assert_int_eq(fovea_largest_region(mask, 8, 8, result, &holes, NULL), FV_OK);
    ck_assert_uint_eq(holes.pixels, 9);
    ck_assert_uint_eq(holes.count, 1);
    for (size_t i = 0; i < 64; i++) {
        ck_assert_uint_eq(result[i], i / 8 < 5 && i % 8 < 5 ? 1 : 0);
    }
    struct fovea_measures measures;
    ck_assert_int_eq(
        fovea_measure(
            &(struct fovea_measure_request){.name = "mask", .mask = mask, .width = 8, .height = 8, .field_mm = 8.0},
            &measures, NULL),
        FV_OK);
    ck_assert_uint_eq(measures.faz_pixels, 21);
    ck_assert_uint_eq(measures.components, 4);
    ck_assert_uint_eq(measures.hole_pixels, 9);
    ck_assert_uint_eq(measures.holes, 1);
    ck_assert(measures.hole_area_mm2 == 9.0 && measures.hole_fraction == 9.0 / 25.0);
    ck_assert_uint_eq(measures.border_pixels, 11);
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

/* Squares of whole pixels, whose hull is exact; the corner square's diagonal is its greatest diameter. */
START_TEST(squares) {
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    for (size_t y = 100; y < 140; y++) {
        memset(mask + y * SIDE + 30, 1, 40);
    }
    double pixel = 3.0 / SIDE;
    struct fovea_measures measures = measure(mask, 3.0);
    ck_assert(measures.solidity == 1.0);
    expect_within("convexity", measures.convexity, 1.0, 1e-6);
    expect_within("Feret's greatest", measures.feret_max_mm, 40.0 * sqrt(2.0) * pixel, 1e-12);
    expect_within("Feret's least", measures.feret_min_mm, 40.0 * pixel, 1e-12);
    expect_within("Feret's angle", fabs(measures.feret_angle_degrees), 45.0, 1e-12);
    expect_within("ImageJ's perimeter", measures.perimeter_imagej_mm, (160.0 - 4.0 * (2.0 - sqrt(2.0))) * pixel, 1e-12);
    /* An L of three such squares: its hull lacks half a square of theirs. */
    for (size_t y = 140; y < 180; y++) {
        memset(mask + y * SIDE + 30, 1, 80);
    }
    measures = measure(mask, 3.0);
    expect_within("solidity", measures.solidity, 3.0 / 3.5, 1e-12);
    double diagonal = 40.0 * sqrt(2.0);
    expect_within("Feret's greatest", measures.feret_max_mm, 2.0 * diagonal * pixel, 1e-12);
    expect_within("Feret's least", measures.feret_min_mm, 80.0 * pixel, 1e-12);
    /* Three fifths of 320 and the slope against 320, with the rounding of corners by the blur. */
    expect_within("convexity", measures.convexity, (240.0 + diagonal) / 320.0, 0.012);
    free(mask);
}
END_TEST

/* Points with whole coordinates, few enough that edges are parallel and distances equal; every pair, and every edge
 * with every point. */
START_TEST(diameters_by_trying_all) {
    enum { POINTS = 12, ROUNDS = 2000 };
    for (int round = 0; round < ROUNDS; round++) {
        struct fovea_point points[POINTS], hull[POINTS + 1];
        double greatest = 0.0, least = HUGE_VAL;
        for (size_t i = 0; i < POINTS; i++) {
            points[i] = (struct fovea_point){floor(9.0 * shape_random()), floor((2.0 + round % 8) * shape_random())};
        }
        size_t count = fovea_hull(points, POINTS, hull);
        for (size_t i = 0; i < POINTS; i++) {
            for (size_t k = 0; k < i; k++) {
                greatest = fmax(greatest, hypot(points[i].x - points[k].x, points[i].y - points[k].y));
            }
        }
        for (size_t i = 0; i < count; i++) {
            const struct fovea_point *a = &hull[i], *b = &hull[(i + 1) % count];
            double width = 0.0, length = hypot(b->x - a->x, b->y - a->y);
            for (size_t k = 0; k < POINTS; k++) {
                double across = (b->x - a->x) * (points[k].y - a->y) - (b->y - a->y) * (points[k].x - a->x);
                ck_assert(across >= 0.0);
                width = fmax(width, across / length);
            }
            least = fmin(least, width);
        }
        struct fovea_feret feret = fovea_hull_feret(hull, count);
        expect_within("greatest", feret.greatest, greatest, 1e-12);
        expect_within("least", feret.least, least, 1e-12);
    }
}
END_TEST

/* A cross that is as wide as a pixel: blurring leaves nothing of it. */
START_TEST(thin_regions_have_no_contour) {
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    for (size_t k = 50; k < 250; k++) {
        mask[150 * SIDE + k] = mask[k * SIDE + 150] = 1;
    }
    struct fovea_measures measures = measure(mask, 3.0);
    ck_assert_str_eq(measures.perimeter_method, "crofton");
    ck_assert(measures.perimeter_mm == measures.perimeter_crofton_mm);
    expect_within("circularity", measures.circularity, measures.circularity_crofton, 1e-12);
    ck_assert_double_le(measures.convexity, 1.0);
    ck_assert_double_ge(measures.circularity, 0.0);
    ck_assert_uint_ne(measures.warnings & 1U << FOVEA_WARNING_CIRCULARITY, 0);
    free(mask);
}
END_TEST

/* Below 15 pixels of diameter Crofton's perimeter is the perimeter, above it the contour's. */
START_TEST(small_regions_have_no_contour) {
    for (double radius = 1.0; radius < 12.0; radius += 0.5) {
        uint8_t *mask = ellipse(50.0, 50.0, radius, radius, 0.0);
        struct fovea_measures measures = measure(mask, 3.0);
        bool small = measures.equivalent_diameter_mm < 15.0 * 3.0 / SIDE;
        ck_assert_str_eq(measures.perimeter_method, small ? "crofton" : "blurred-mask-contour");
        ck_assert_double_le(measures.convexity, 1.0 + 1e-12);
        ck_assert_double_ge(measures.circularity, 0.75);
        ck_assert_double_le(measures.circularity, 1.2);
        free(mask);
    }
}
END_TEST

/* The contour of a smooth map of probability lies where it is 0.5, between pixels: errors of 0.1 % where the mask's own
 * are 0.5 %; and the mean confidence is that of the mask. */
START_TEST(probability_gives_the_contour) {
    const double x = 150.3, y = 161.8, radius = 40.4, pixel = 3.0 / SIDE;
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    float *probability = check_allocate(SIDE * SIDE, sizeof *probability);
    double sum = 0.0, count = 0.0;
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        double distance = hypot((double)(i % SIDE) - x, (double)(i / SIDE) - y);
        probability[i] = (float)(1.0 / (1.0 + exp((distance - radius) / 2.0)));
        mask[i] = probability[i] > 0.5F;
        sum += mask[i] != 0 ? (double)probability[i] : 0.0;
        count += mask[i];
    }
    struct fovea_measure_request requested = request(mask, 3.0);
    requested.probability = probability;
    struct fovea_measures measures = measure_requested(&requested);
    ck_assert_str_eq(measures.perimeter_method, "probability-contour");
    expect_within("perimeter", measures.perimeter_mm, 2.0 * PI * radius * pixel, 0.001);
    expect_within("convexity", measures.convexity, 1.0, 0.001);
    expect_within("confidence", measures.mean_confidence, sum / count, 1e-12);
    ck_assert_uint_eq(measures.warnings & 1U << FOVEA_WARNING_CONFIDENCE, 0);
    /* A map that says nothing: the outline is half way, and the confidence is low. */
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        probability[i] = 0.5F;
    }
    measures = measure_requested(&requested);
    expect_within("perimeter half way", measures.perimeter_mm, 2.0 * PI * radius * pixel * 1.055, 0.01);
    ck_assert_uint_ne(measures.warnings & 1U << FOVEA_WARNING_CONFIDENCE, 0);
    free(probability);
    free(mask);
}
END_TEST

START_TEST(eyes_turn_the_offset) {
    uint8_t *mask = ellipse(100.0, 170.0, 30.0, 30.0, 0.0); /* left of the centre */
    struct fovea_measure_request requested = request(mask, 3.0);
    ck_assert_double_nan(measure_requested(&requested).offset_nasal_mm);
    requested.eye = FOVEA_EYE_RIGHT;
    struct fovea_measures measures = measure_requested(&requested);
    ck_assert(measures.offset_nasal_mm == measures.offset_x_mm && measures.offset_nasal_mm < -0.5);
    requested.eye = FOVEA_EYE_LEFT;
    measures = measure_requested(&requested);
    ck_assert(measures.offset_nasal_mm == -measures.offset_x_mm);
    free(mask);
}
END_TEST

/* q = 0.01306 (AL - 1.82) mm a degree, and so the factor 1 for the length that the device assumes. */
START_TEST(axial_length_corrects) {
    ck_assert(fovea_axial_length_factor(24.46, 24.46) == 1.0);
    expect_within("factor", fovea_axial_length_factor(26.82, 23.95), 25.0 / 22.13, 1e-12);
    uint8_t *mask = ellipse(150.0, 160.0, 40.0, 30.0, 20.0);
    struct fovea_measure_request requested = request(mask, 3.0);
    struct fovea_measures plain = measure_requested(&requested);
    ck_assert_double_nan(plain.magnification_factor);
    ck_assert_double_nan(plain.faz_area_mm2_al_corrected);
    requested.axial_length_mm = 26.82;
    struct fovea_measures measures = measure_requested(&requested);
    double factor = 25.0 / 22.13;
    ck_assert(measures.reference_axial_length_mm == 23.95 && measures.axial_length_mm == 26.82);
    expect_within("area", measures.faz_area_mm2_al_corrected, plain.faz_area_mm2 * factor * factor, 1e-12);
    expect_within("perimeter", measures.perimeter_mm_al_corrected, plain.perimeter_mm * factor, 1e-12);
    expect_within("diameter", measures.equivalent_diameter_mm_al_corrected, plain.equivalent_diameter_mm * factor,
                  1e-12);
    expect_within("Feret", measures.feret_min_mm_al_corrected, plain.feret_min_mm * factor, 1e-12);
    ck_assert(measures.faz_area_mm2 == plain.faz_area_mm2);
    requested.reference_axial_length_mm = 24.46;
    measures = measure_requested(&requested);
    expect_within("factor", measures.magnification_factor, 25.0 / 22.64, 1e-12);
    static const double wrong[] = {1.82, 13.9, 41.0, 26820.0, -24.0, INFINITY, NAN};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fv_error error;
        requested.axial_length_mm = wrong[i];
        check_failure(fovea_measure(&requested, &measures, &error), &error, FV_ERROR_ARGUMENT, "axial length");
    }
    free(mask);
}
END_TEST

static uint32_t warnings_of(const struct shape *shape, double field_mm, enum fovea_layer layer) {
    uint8_t *mask = shape_draw(shape, SIDE);
    struct fovea_measure_request requested = request(mask, field_mm);
    requested.has_layer = layer != FOVEA_LAYER_COUNT;
    requested.layer = layer;
    uint32_t warnings = measure_requested(&requested).warnings;
    free(mask);
    return warnings;
}

START_TEST(warnings_name_what_is_odd) {
    const struct shape usual = {SHAPE_ELLIPSE, 158, 161, 30, 27, 0}, large = {SHAPE_ELLIPSE, 160, 160, 60, 60, 0},
                       small = {SHAPE_ELLIPSE, 160, 160, 12, 12, 0}, apart = {SHAPE_ELLIPSE, 70, 160, 40, 35, 0},
                       border = {SHAPE_ELLIPSE, 160, 10, 40, 40, 0}, narrow = {SHAPE_ELLIPSE, 160, 160, 70, 30, 0};
    const enum fovea_layer unknown = FOVEA_LAYER_COUNT, superficial = FOVEA_LAYER_SUPERFICIAL, deep = FOVEA_LAYER_DEEP;
    ck_assert_uint_eq(warnings_of(&usual, 3.0, superficial), 0);
    ck_assert_uint_eq(warnings_of(&large, 3.0, superficial), 1U << FOVEA_WARNING_SUPERFICIAL_AREA); /* 0.99 mm2 */
    ck_assert_uint_eq(warnings_of(&large, 3.0, deep), 0);
    ck_assert_uint_eq(warnings_of(&large, 6.0, deep), 1U << FOVEA_WARNING_DEEP_AREA);
    ck_assert_uint_eq(warnings_of(&small, 3.0, superficial), 1U << FOVEA_WARNING_SUPERFICIAL_AREA);
    ck_assert_uint_eq(warnings_of(&small, 3.0, unknown), 0);
    ck_assert_uint_eq(warnings_of(&apart, 3.0, superficial), 1U << FOVEA_WARNING_OFFSET);
    ck_assert_uint_eq(warnings_of(&narrow, 3.0, deep), 1U << FOVEA_WARNING_AXIAL_RATIO);
    ck_assert_uint_ne(warnings_of(&border, 3.0, deep) & 1U << FOVEA_WARNING_BORDER, 0);
    struct fovea_buffer text = {0};
    fovea_warnings_add(1U << FOVEA_WARNING_BORDER | 1U << FOVEA_WARNING_COMPONENTS, &text);
    ck_assert_str_eq(text.bytes, "FAZ touches the border of the image; more than one region");
    fovea_buffer_clear(&text);
}
END_TEST

/* Each limit belongs to what is usual; a step beyond it is warned of, and nothing else. */
START_TEST(warnings_begin_beyond_their_limits) {
    static const struct {
        size_t offset;
        double usual, odd;
        enum fovea_layer layer;
        enum fovea_warning warning;
    } rows[] = {
        {offsetof(struct fovea_measures, faz_area_mm2), 0.05, 0.0499, FOVEA_LAYER_SUPERFICIAL,
         FOVEA_WARNING_SUPERFICIAL_AREA},
        {offsetof(struct fovea_measures, faz_area_mm2), 0.80, 0.801, FOVEA_LAYER_SUPERFICIAL,
         FOVEA_WARNING_SUPERFICIAL_AREA},
        {offsetof(struct fovea_measures, faz_area_mm2), 0.10, 0.0999, FOVEA_LAYER_DEEP, FOVEA_WARNING_DEEP_AREA},
        {offsetof(struct fovea_measures, faz_area_mm2), 1.20, 1.201, FOVEA_LAYER_DEEP, FOVEA_WARNING_DEEP_AREA},
        {offsetof(struct fovea_measures, mean_confidence), 0.80, 0.799, FOVEA_LAYER_DEEP, FOVEA_WARNING_CONFIDENCE},
        {offsetof(struct fovea_measures, circularity), 0.3, 0.299, FOVEA_LAYER_DEEP, FOVEA_WARNING_CIRCULARITY},
        {offsetof(struct fovea_measures, axial_ratio), 2.0, 2.001, FOVEA_LAYER_DEEP, FOVEA_WARNING_AXIAL_RATIO},
        {offsetof(struct fovea_measures, offset_mm), 0.6, 0.601, FOVEA_LAYER_DEEP, FOVEA_WARNING_OFFSET},
    };
    struct fovea_measures measures;
    fovea_measures_clear(&measures);
    measures.faz_pixels = measures.components = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fovea_measures changed = measures;
        double *value = (double *)(void *)((char *)&changed + rows[i].offset);
        *value = rows[i].usual;
        fovea_warnings_find(true, rows[i].layer, &changed);
        ck_assert_uint_eq(changed.warnings, 0);
        *value = rows[i].odd;
        fovea_warnings_find(true, rows[i].layer, &changed);
        ck_assert_uint_eq(changed.warnings, 1U << rows[i].warning);
    }
    measures.components = 2;
    fovea_warnings_find(false, FOVEA_LAYER_SUPERFICIAL, &measures);
    ck_assert_uint_eq(measures.warnings, 1U << FOVEA_WARNING_COMPONENTS);
}
END_TEST

/* Every double of the struct is in the table, since clearing goes over it; names are what columns and units need. */
START_TEST(table_is_whole) {
    struct fovea_measures measures;
    memset(&measures, 0xff, sizeof measures);
    fovea_measures_clear(&measures);
    size_t doubles = 0;
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        const struct fovea_measure_column *column = &fovea_measure_columns[i];
        doubles += column->kind == FOVEA_MEASURE_REAL;
        ck_assert_ptr_eq(fovea_measure_find(column->name), column);
        ck_assert_uint_eq(strspn(column->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(column->name));
        ck_assert(column->label[0] != '\0' && column->formula[0] != '\0');
        ck_assert_ptr_null(strpbrk(column->label, "<>&\""));
    }
    size_t missing = 0;
    for (size_t at = 0; at + sizeof(double) <= sizeof measures; at += sizeof(double)) {
        double value;
        memcpy(&value, (const char *)&measures + at, sizeof value);
        missing += isnan(value) ? 1 : 0;
    }
    ck_assert_uint_eq(missing, doubles);
    ck_assert_ptr_null(fovea_measure_find("faz_area"));
    for (int w = 0; w < FOVEA_WARNING_COUNT; w++) {
        ck_assert_ptr_null(strpbrk(fovea_warning_texts[w], ";,\"<>&"));
    }
}
END_TEST

START_TEST(values_are_written) {
    uint8_t *mask = ellipse(10.0, 160.0, 30.0, 30.0, 0.0);
    struct fovea_measures measures = measure(mask, 3.0);
    static const struct {
        const char *name, *text;
    } rows[] = {{"components", "1"},
                {"perimeter_method", "blurred-mask-contour"},
                {"warnings", "FAZ touches the border of the image; centroid more than 0.6 mm from the centre of the "
                             "image"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fovea_buffer text = {0};
        const struct fovea_measure_column *column = fovea_measure_find(rows[i].name);
        ck_assert(fovea_measure_has(&measures, column));
        fovea_measure_add(&measures, column, &text);
        ck_assert_str_eq(text.bytes, rows[i].text);
        fovea_buffer_clear(&text);
    }
    free(mask);
}
END_TEST

/* One pixel, every pixel, and a region along all borders. */
START_TEST(extremes) {
    uint8_t pixel = 1;
    struct fovea_measure_request requested = {.name = "1", .mask = &pixel, .width = 1, .height = 1, .field_mm = 0.01};
    struct fovea_measures measures = measure_requested(&requested);
    ck_assert(measures.solidity == 1.0 && measures.offset_mm == 0.0 && measures.border_pixels == 1);
    expect_within("Feret", measures.feret_max_mm, 0.01 * sqrt(2.0), 1e-12);
    uint8_t *mask = check_allocate(SIDE * SIDE, 1);
    memset(mask, 7, (size_t)SIDE * SIDE);
    measures = measure(mask, 3.0);
    ck_assert(measures.faz_area_mm2 == 9.0 && measures.solidity == 1.0);
    ck_assert_uint_eq(measures.border_pixels, 4 * SIDE - 4);
    expect_within("perimeter", measures.perimeter_mm, 12.0, 0.005);
    for (size_t y = 1; y < SIDE - 1; y++) {
        memset(mask + y * SIDE + 1, 0, SIDE - 2);
    }
    measures = measure(mask, 3.0);
    ck_assert_uint_eq(measures.hole_pixels, (SIDE - 2) * (SIDE - 2));
    ck_assert(measures.faz_area_largest_mm2 == 9.0);
    free(mask);
}
END_TEST

START_TEST(huge) {
    enum { HUGE_SIDE = 6000 };
    uint8_t *mask = check_allocate((size_t)HUGE_SIDE * HUGE_SIDE, 1);
    for (size_t y = 1000; y < 5000; y++) {
        memset(mask + y * HUGE_SIDE + 1500, 1, 3000);
    }
    struct fovea_measure_request requested = {
        .name = "huge", .mask = mask, .width = HUGE_SIDE, .height = HUGE_SIDE, .field_mm = 6.0};
    struct fovea_measures measures = measure_requested(&requested);
    expect_within("area", measures.faz_area_mm2, 12.0, 1e-12);
    expect_within("perimeter", measures.perimeter_mm, 14.0, 0.001);
    expect_within("Feret", measures.feret_max_mm, 5.0, 1e-12);
    free(mask);
}
END_TEST

/* An image that is not square has two sides of a field, whose pixels are square or are refused. */
START_TEST(two_sides_of_a_field) {
    enum { WIDTH = 200, HEIGHT = 100 };
    uint8_t *mask = check_allocate((size_t)WIDTH * HEIGHT, 1);
    for (size_t y = 30; y < 60; y++) {
        memset(mask + y * WIDTH + 50, 1, 40);
    }
    struct fovea_measure_request requested = {
        .name = "a.png", .mask = mask, .width = WIDTH, .height = HEIGHT, .field_mm = 6.0, .field_height_mm = 3.0};
    struct fovea_measures measures = measure_requested(&requested);
    expect_within("area", measures.faz_area_mm2, 1.2 * 0.9, 1e-12);
    expect_within("Feret", measures.feret_max_mm, 1.5, 1e-12);
    expect_within("offset", measures.offset_y_mm, (44.5 - 49.5) * 0.03, 1e-12);
    struct fv_error error;
    requested.field_height_mm = 3.1;
    check_failure(fovea_measure(&requested, &measures, &error), &error, FV_ERROR_UNSUPPORTED, "0.03 x 0.031 mm");
    free(mask);
}
END_TEST

START_TEST(wrong_arguments) {
    uint8_t mask[12] = {0};
    struct fovea_measures measures;
    struct fv_error error;
    static const struct {
        uint32_t width, height;
        double field_mm;
        enum fv_status status;
        const char *part;
    } rows[] = {
        {4, 3, 3.0, FV_ERROR_UNSUPPORTED, "a.png: expected a square image, found 4 x 3"},
        {3, 3, 0.0, FV_ERROR_ARGUMENT, "a.png"},
        {3, 3, NAN, FV_ERROR_ARGUMENT, "a.png"},
        {0, 0, 3.0, FV_ERROR_ARGUMENT, "a.png"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fovea_measure_request wrong = {.name = "a.png",
                                                    .mask = mask,
                                                    .width = rows[i].width,
                                                    .height = rows[i].height,
                                                    .field_mm = rows[i].field_mm};
        check_failure(fovea_measure(&wrong, &measures, &error), &error, rows[i].status, rows[i].part);
    }
    const struct fovea_vessels vessels = {.width = 4, .height = 3};
    const struct fovea_measure_request wrong = {
        .name = "a.png", .mask = mask, .width = 3, .height = 3, .field_mm = 3.0, .vessels = &vessels};
    check_failure(fovea_measure(&wrong, &measures, &error), &error, FV_ERROR_ARGUMENT, "vessels 4 x 3");
}
END_TEST

/* The i-th allocation fails, for every i, with and without maps. */
START_TEST(memory_may_run_out) {
    enum { SMALL = 32 };
    uint8_t mask[SMALL * SMALL] = {0}, image[SMALL * SMALL];
    float probability[SMALL * SMALL];
    for (size_t i = 0; i < sizeof mask; i++) {
        mask[i] = hypot((double)(i % SMALL) - 15.0, (double)(i / SMALL) - 16.0) < 9.0;
        image[i] = (uint8_t)(i * i % 251);
        probability[i] = mask[i] != 0 ? 0.9F : 0.1F;
    }
    struct fovea_vessels vessels;
    struct fv_error error;
    check_success(fovea_vessels_find("a.png", image, SMALL, SMALL, 0.02, &vessels, &error), &error);
    struct fovea_measure_request requested = {
        .name = "a.png", .mask = mask, .width = SMALL, .height = SMALL, .field_mm = 0.64};
    if (_i == 1) {
        requested.probability = probability;
        requested.vessels = &vessels;
    }
    long successes = 0;
    enum fv_status status;
    do {
        struct fovea_measures measures;
        fv_memory_fail_after(successes++);
        status = fovea_measure(&requested, &measures, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || status == FV_ERROR_MEMORY);
    } while (status != FV_OK);
    ck_assert_int_gt(successes, 8);
    fovea_vessels_release(&vessels);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"discs", discs, 4},
        {"ellipses", ellipses, 5},
        {"area", area_is_the_published_one, 4},
        {"upright", upright_shapes_have_the_angle_90, 0},
        {"one pixel", one_pixel, 0},
        {"empty", empty_mask, 0},
        {"regions", regions_and_holes, 0},
        {"labels", labels_equal_a_flood_fill, 5},
        {"squares", squares, 0},
        {"diameters", diameters_by_trying_all, 0},
        {"thin", thin_regions_have_no_contour, 0},
        {"small", small_regions_have_no_contour, 0},
        {"probability", probability_gives_the_contour, 0},
        {"eyes", eyes_turn_the_offset, 0},
        {"axial length", axial_length_corrects, 0},
        {"warnings", warnings_name_what_is_odd, 0},
        {"limits of warnings", warnings_begin_beyond_their_limits, 0},
        {"table", table_is_whole, 0},
        {"values", values_are_written, 0},
        {"extremes", extremes, 0},
        {"huge", huge, 0},
        {"two sides", two_sides_of_a_field, 0},
        {"arguments", wrong_arguments, 0},
        {"memory", memory_may_run_out, 2},
    };
    return check_run("measures", cases, sizeof cases / sizeof cases[0]);
}
