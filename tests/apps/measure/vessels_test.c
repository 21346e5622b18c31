/* The map of vessels: vesselness, threshold and thinning against scikit-image, lengths of known lines. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "measure/frangi.h"
#include "measure/thin.h"
#include "measure/vessels.h"
#include "shapes.h"
#include "support.h"

enum { HEIGHT = 72, WIDTH = 60, PIXELS = HEIGHT * WIDTH };

static struct support_array golden(const char *name, const char *type) {
    char path[64];
    snprintf(path, sizeof path, "measure/%s.npy", name);
    struct support_array array = support_read_npy(support_data(path));
    ck_assert_str_eq(array.type, type);
    return array;
}

static void filter(const struct fovea_frangi *frangi, const uint8_t *image, uint32_t width, uint32_t height,
                   float *vesselness) {
    struct fv_error error;
    check_success(fovea_frangi_filter(frangi, image, width, height, vesselness, &error), &error);
}

/* The greatest difference at least `margin` pixels from the border. */
static double compare(const float *values, const float *expected, size_t margin) {
    double most = 0.0;
    for (size_t y = margin; y < HEIGHT - margin; y++) {
        for (size_t x = margin; x < WIDTH - margin; x++) {
            most = fmax(most, fabs((double)values[y * WIDTH + x] - (double)expected[y * WIDTH + x]));
        }
    }
    return most;
}

/* scikit-image on the image itself, which treats the border in another way, and on the reflected image. */
START_TEST(vesselness_is_that_of_scikit_image) {
    struct support_array image = golden("image", "|u1"), plain = golden("frangi", "<f4"),
                         padded = golden("frangi_padded", "<f4"), by_scale = golden("frangi_gamma", "<f4");
    struct fovea_frangi frangi = {.sigma_px = {1.0, 1.5, 3.0}, .scales = 3, .beta = 0.5, .gamma = 0.05};
    float vesselness[PIXELS];
    filter(&frangi, image.data, WIDTH, HEIGHT, vesselness);
    ck_assert_double_le(compare(vesselness, padded.data, 0), 2e-5);
    ck_assert_double_le(compare(vesselness, plain.data, 13), 2e-5);
    frangi = (struct fovea_frangi){.sigma_px = {1.2, 2.5}, .scales = 2, .beta = 0.5};
    filter(&frangi, image.data, WIDTH, HEIGHT, vesselness);
    ck_assert_double_le(compare(vesselness, by_scale.data, 0), 2e-5);
    support_free_npy(&image);
    support_free_npy(&plain);
    support_free_npy(&padded);
    support_free_npy(&by_scale);
}
END_TEST

/* Rows and columns are worth the same, whatever part of a vector register the last columns fill. */
START_TEST(vesselness_turns_with_the_image) {
    enum { SIDE = 45 };
    const uint32_t width = SIDE - (uint32_t)_i, height = SIDE - 10;
    uint8_t image[SIDE * SIDE], turned[SIDE * SIDE];
    float vesselness[SIDE * SIDE], other[SIDE * SIDE];
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            image[y * width + x] = turned[x * height + y] = (uint8_t)(255.0 * shape_random());
        }
    }
    const struct fovea_frangi frangi = {.sigma_px = {1.0, 2.0}, .scales = 2, .beta = 0.5};
    filter(&frangi, image, width, height, vesselness);
    filter(&frangi, turned, height, width, other);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            ck_assert_double_eq_tol(vesselness[y * width + x], other[x * height + y], 1e-4);
        }
    }
}
END_TEST

START_TEST(flat_images_have_no_vessels) {
    enum { SIDE = 64 };
    uint8_t image[SIDE * SIDE];
    struct fv_error error;
    for (size_t i = 0; i < sizeof image; i++) {
        image[i] = (uint8_t)(_i == 0 ? 0 : _i == 1 ? 137 : 255);
    }
    struct fovea_vessels vessels;
    check_success(fovea_vessels_find("flat", image, SIDE, SIDE, 0.006, &vessels, &error), &error);
    ck_assert_uint_eq(vessels.pixels, 0);
    ck_assert(vessels.length_px == 0.0);
    fovea_vessels_release(&vessels);
    /* One pixel that is a step brighter is something, however little; a darker one is nothing bright. */
    const size_t speck = 20 * SIDE + 30;
    image[speck] = (uint8_t)(_i == 2 ? 254 : image[speck] + 1);
    check_success(fovea_vessels_find("speck", image, SIDE, SIDE, 0.006, &vessels, &error), &error);
    ck_assert((vessels.map[speck] != FOVEA_VESSEL_NONE) == (_i != 2));
    fovea_vessels_release(&vessels);
}
END_TEST

START_TEST(threshold_is_that_of_scikit_image) {
    struct support_array response = golden("frangi_gamma", "<f4"), threshold = golden("otsu", "<f4");
    float root[PIXELS];
    for (size_t i = 0; i < PIXELS; i++) {
        root[i] = sqrtf(((const float *)response.data)[i]);
    }
    ck_assert_double_eq_tol(fovea_otsu(root, PIXELS), *(const float *)threshold.data, 1e-6);
    static const float equal[3] = {0.25F, 0.25F, 0.25F}, two[4] = {0.0F, 0.0F, 1.0F, 1.0F};
    ck_assert(fovea_otsu(equal, 3) == 0.25F);
    ck_assert(fovea_otsu(two, 4) > 0.0F && fovea_otsu(two, 4) < 1.0F);
    support_free_npy(&response);
    support_free_npy(&threshold);
}
END_TEST

START_TEST(thinning_is_that_of_scikit_image) {
    struct support_array response = golden("frangi_gamma", "<f4"), threshold = golden("otsu", "<f4"),
                         lines = golden("thin", "|u1"), blobs = golden("blobs", "|u1"),
                         blob_lines = golden("blobs_thin", "|u1");
    uint8_t mask[PIXELS];
    struct fv_error error;
    for (size_t i = 0; i < PIXELS; i++) {
        mask[i] = sqrtf(((const float *)response.data)[i]) > *(const float *)threshold.data ? 200 : 0;
    }
    check_success(fovea_thin(mask, WIDTH, HEIGHT, mask, &error), &error);
    ck_assert_mem_eq(mask, lines.data, PIXELS);
    check_success(fovea_thin(blobs.data, WIDTH, HEIGHT, mask, &error), &error);
    ck_assert_mem_eq(mask, blob_lines.data, PIXELS);
    support_free_npy(&response);
    support_free_npy(&threshold);
    support_free_npy(&lines);
    support_free_npy(&blobs);
    support_free_npy(&blob_lines);
}
END_TEST

enum { SIDE = 256 };

static double measure_lines(const uint8_t *lines, uint32_t side) {
    double sum = 0.0;
    for (uint32_t y = 0; y < side; y++) {
        for (uint32_t x = 0; x < side; x++) {
            sum += fovea_line_length(lines, side, side, x, y);
        }
    }
    return sum;
}

/* The pixels nearest to a segment from the middle, one in each column or row. Returns its length from centre to centre.
 */
static double draw_line(uint8_t *lines, double angle, double length) {
    double dx = length * cos(angle), dy = length * sin(angle), steps = floor(fmax(fabs(dx), fabs(dy)));
    double scale = steps / fmax(fabs(dx), fabs(dy));
    memset(lines, 0, (size_t)SIDE * SIDE);
    for (double k = 0.0; k <= steps; k += 1.0) {
        double x = SIDE / 2 + floor(dx * scale * k / steps + 0.5), y = SIDE / 2 + floor(dy * scale * k / steps + 0.5);
        lines[(size_t)y * SIDE + (size_t)x] = 1;
    }
    return length * scale;
}

/* Straight lines of known lengths in all directions: 3 % at most each, 0.2 % in the mean. */
START_TEST(lines_have_their_lengths) {
    enum { DIRECTIONS = 360 };
    uint8_t *lines = check_allocate(SIDE * SIDE, 1);
    double mean = 0.0;
    for (int k = 0; k < DIRECTIONS; k++) {
        double length = draw_line(lines, 2.0 * SHAPES_PI * (k + shape_random()) / DIRECTIONS, 120.0);
        double ratio = measure_lines(lines, SIDE) / length;
        ck_assert_msg(fabs(ratio - 1.0) < 0.03, "direction %d: %g", k, ratio);
        mean += ratio / DIRECTIONS;
    }
    ck_assert_msg(fabs(mean - 1.0) < 0.002, "mean %g", mean);
    double length = draw_line(lines, 0.0, 100.0);
    ck_assert_double_eq_tol(measure_lines(lines, SIDE), 0.980 * length, 1e-9);
    length = draw_line(lines, SHAPES_PI / 4.0, 100.0);
    ck_assert_double_eq_tol(measure_lines(lines, SIDE), 1.406 / sqrt(2.0) * length, 1e-9);
    free(lines);
}
END_TEST

/* A corner of two lines along the axes is linked through its pixel, not across it as well; a single pixel is no line.
 */
START_TEST(corners_are_linked_once) {
    static const uint8_t corner[9] = {1, 0, 0, 1, 0, 0, 1, 1, 1}, dot[9] = {0, 0, 0, 0, 1, 0, 0, 0, 0},
                         knee[9] = {1, 0, 0, 0, 1, 1, 0, 0, 0};
    ck_assert_double_eq_tol(measure_lines(corner, 3), 4 * 0.980, 1e-12);
    ck_assert(measure_lines(dot, 3) == 0.0);
    ck_assert_double_eq_tol(measure_lines(knee, 3), 0.980 + 1.406 - 0.091, 1e-12);
}
END_TEST

/* Bright bars in the dark, straight and turned: found as long as they are, and about as wide as their slopes reach. */
START_TEST(bars_are_found) {
    static const double angles[] = {0.0, 30.0, 45.0, 77.0, 90.0};
    double angle = angles[_i] * SHAPES_PI / 180.0, pixel = 0.006;
    uint8_t *image = check_allocate(SIDE * SIDE, 1);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        double dx = (double)(i % SIDE) - SIDE / 2.0, dy = (double)(i / SIDE) - SIDE / 2.0;
        double along = dx * cos(angle) + dy * sin(angle), across = dy * cos(angle) - dx * sin(angle);
        double fall = exp(-across * across / (2.0 * 2.5 * 2.5));
        image[i] = (uint8_t)(30.0 + (fabs(along) <= 80.0 ? 150.0 * fall : 0.0));
    }
    struct fovea_vessels vessels;
    struct fv_error error;
    check_success(fovea_vessels_find("bar", image, SIDE, SIDE, pixel, &vessels, &error), &error);
    ck_assert_msg(fabs(vessels.length_px - 160.0) < 12.0, "length %g", vessels.length_px);
    double width = (double)vessels.pixels / vessels.length_px;
    ck_assert_msg(width > 4.0 && width < 11.0, "width %g", width); /* 2.35 * 2.5 = 5.9 at half height, blurred */
    double sum = 0.0;
    size_t pixels = 0;
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        pixels += vessels.map[i] != FOVEA_VESSEL_NONE;
        sum += (double)vessels.length[i];
        ck_assert(vessels.map[i] == FOVEA_VESSEL_LINE || vessels.length[i] == 0.0F);
    }
    ck_assert_uint_eq(pixels, vessels.pixels);
    ck_assert_double_eq_tol(sum, vessels.length_px, 1e-3);
    fovea_vessels_release(&vessels);
    free(image);
}
END_TEST

START_TEST(small_and_narrow_images) {
    static const uint32_t sides[][2] = {{1, 1}, {1, 40}, {40, 1}, {2, 3}, {9, 7}};
    uint8_t image[63];
    for (size_t i = 0; i < sizeof image; i++) {
        image[i] = (uint8_t)(255.0 * shape_random());
    }
    struct fovea_vessels vessels;
    struct fv_error error;
    check_success(fovea_vessels_find("small", image, sides[_i][0], sides[_i][1], 0.001, &vessels, &error), &error);
    for (size_t i = 0; i < (size_t)sides[_i][0] * sides[_i][1]; i++) {
        ck_assert(isfinite(vessels.length[i]) && vessels.map[i] <= FOVEA_VESSEL_LINE);
    }
    fovea_vessels_release(&vessels);
}
END_TEST

START_TEST(wrong_arguments) {
    uint8_t image[16] = {0};
    float vesselness[16];
    struct fovea_vessels vessels;
    struct fv_error error;
    check_failure(fovea_vessels_find("a.png", image, 0, 4, 0.01, &vessels, &error), &error, FV_ERROR_ARGUMENT, "a.png");
    check_failure(fovea_vessels_find("a.png", image, 4, 4, NAN, &vessels, &error), &error, FV_ERROR_ARGUMENT, "a.png");
    check_failure(fovea_vessels_find("a.png", image, 4, 4, 0.0001, &vessels, &error), &error, FV_ERROR_UNSUPPORTED,
                  "a.png");
    check_failure(fovea_vessels_find("a.png", image, 5000, 5000, 0.01, &vessels, &error), &error, FV_ERROR_UNSUPPORTED,
                  "25000000");
    ck_assert_ptr_null(vessels.map);
    const struct fovea_frangi wrong[] = {{.scales = 0, .beta = 0.5},
                                         {.sigma_px = {0.1}, .scales = 1, .beta = 0.5},
                                         {.sigma_px = {65.0}, .scales = 1, .beta = 0.5},
                                         {.sigma_px = {NAN}, .scales = 1, .beta = 0.5},
                                         {.sigma_px = {1.0}, .scales = 1, .beta = 0.0}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_failure(fovea_frangi_filter(&wrong[i], image, 4, 4, vesselness, &error), &error, FV_ERROR_ARGUMENT,
                      "expected 1 to 16 scales");
    }
}
END_TEST

START_TEST(memory_may_run_out) {
    uint8_t image[400];
    for (size_t i = 0; i < sizeof image; i++) {
        image[i] = (uint8_t)(i * i % 251);
    }
    long successes = 0;
    enum fv_status status;
    do {
        struct fovea_vessels vessels;
        struct fv_error error;
        fv_memory_fail_after(successes++);
        status = fovea_vessels_find("a.png", image, 20, 20, 0.02, &vessels, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || (status == FV_ERROR_MEMORY && vessels.map == NULL && vessels.length == NULL));
        fovea_vessels_release(&vessels);
    } while (status != FV_OK);
    ck_assert_int_gt(successes, 10);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"vesselness", vesselness_is_that_of_scikit_image, 0},
        {"turned", vesselness_turns_with_the_image, 5},
        {"flat", flat_images_have_no_vessels, 3},
        {"threshold", threshold_is_that_of_scikit_image, 0},
        {"thinning", thinning_is_that_of_scikit_image, 0},
        {"lines", lines_have_their_lengths, 0},
        {"corners", corners_are_linked_once, 0},
        {"bars", bars_are_found, 5},
        {"small", small_and_narrow_images, 5},
        {"arguments", wrong_arguments, 0},
        {"memory", memory_may_run_out, 0},
    };
    return check_run("vessels", cases, sizeof cases / sizeof cases[0]);
}
