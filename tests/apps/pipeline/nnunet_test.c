/* The arithmetic around nnU-Net's network, by hand-computed examples. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "pipeline/nnunet.h"
#include "suite.h"

START_TEST(test_tiles_are_spread_evenly) {
    static const struct {
        size_t length, patch, tiles, starts[3];
    } rows[] = {
        {320, 320, 1, {0}},      {512, 320, 3, {0, 96, 192}}, {640, 512, 2, {0, 128}},
        {321, 320, 2, {0, 1}},   {7, 4, 3, {0, 2, 3}},        /* 1.5 goes to the even 2 */
        {480, 320, 2, {0, 160}}, {481, 320, 3, {0, 80, 161}}, /* 80.5 goes to the even 80 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t tiles = fovea_nnunet_tiles(rows[i].length, rows[i].patch, 0.5);
        ck_assert_uint_eq(tiles, rows[i].tiles);
        for (size_t k = 0; k < tiles; k++) {
            ck_assert_uint_eq(fovea_nnunet_tile_start(rows[i].length, rows[i].patch, tiles, k), rows[i].starts[k]);
        }
    }
}
END_TEST

START_TEST(test_gaussian_is_one_in_the_centre_and_never_zero) {
    static const size_t sides[] = {320, 512};
    size_t side = sides[_i];
    float *weights = malloc(side * side * sizeof *weights);
    double *scratch = malloc(2 * side * sizeof *scratch);
    ck_assert(weights != NULL && scratch != NULL);
    fovea_nnunet_gaussian(side, side, scratch, scratch + side, weights);
    ck_assert_float_eq(weights[side / 2 * side + side / 2], 1.0f);
    ck_assert_float_eq(weights[0], 1.12535176e-7f); /* SciPy's */
    for (size_t i = 0; i < side * side; i++) {
        ck_assert(weights[i] > 0 && weights[i] <= 1);
    }
    free(scratch);
    free(weights);
}
END_TEST

/* 0 0 0 0 / 0 2 0 0 / 0 4 6 0 in one plane, and another with one more pixel. */
static const uint8_t first[12] = {0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 6, 0};
static const uint8_t second[12] = {0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0};

START_TEST(test_crop_is_the_box_of_all_channels) {
    struct fovea_planes planes = {1, 4, 3, 8, {first, second}};
    struct fovea_box box;
    ck_assert(fovea_nnunet_crop(&planes, &box));
    ck_assert(box.top == 1 && box.left == 1 && box.height == 2 && box.width == 2);
    planes.count = 2;
    ck_assert(fovea_nnunet_crop(&planes, &box));
    ck_assert(box.top == 0 && box.left == 1 && box.height == 3 && box.width == 3);
    static const uint8_t zeros[12];
    planes.samples[0] = zeros;
    planes.count = 1;
    ck_assert(!fovea_nnunet_crop(&planes, &box));
}
END_TEST

START_TEST(test_normalising_may_leave_zero_pixels_out) {
    const struct fovea_planes planes = {1, 4, 3, 8, {first}};
    struct fovea_box box = {1, 1, 2, 2};
    float result[4];
    bool masked = false;
    fovea_nnunet_normalise(&planes, &box, &masked, result); /* 2 0 4 6: mean 3, deviation sqrt 5 */
    ck_assert_float_eq(result[0], (float)(-1 / (sqrt(5) + 1e-8)));
    ck_assert_float_eq(result[1], (float)(-3 / (sqrt(5) + 1e-8)));
    masked = true;
    fovea_nnunet_normalise(&planes, &box, &masked, result); /* 2 4 6: mean 4, deviation sqrt 8/3 */
    ck_assert_float_eq(result[0], (float)(-2 / (sqrt(8.0 / 3) + 1e-8)));
    ck_assert_float_eq(result[1], 0.0f);
    ck_assert_float_eq(result[2], 0.0f);
}
END_TEST

START_TEST(test_a_constant_image_becomes_zero) {
    static const uint8_t constant[4] = {7, 7, 7, 7};
    const struct fovea_planes planes = {1, 2, 2, 8, {constant}};
    struct fovea_box box = {0, 0, 2, 2};
    float result[4] = {1, 1, 1, 1};
    bool masked = false;
    fovea_nnunet_normalise(&planes, &box, &masked, result);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_float_eq(result[i], 0.0f);
    }
}
END_TEST

START_TEST(test_sixteen_bits_keep_their_values) {
    static const uint16_t wide[4] = {0, 1000, 3000, 65535}; /* the box leaves the last column of each row out */
    const struct fovea_planes planes = {1, 2, 2, 16, {wide}};
    struct fovea_box box;
    ck_assert(fovea_nnunet_crop(&planes, &box));
    ck_assert(box.top == 0 && box.left == 0 && box.height == 2 && box.width == 2);
    box.width = 1; /* 0 and 3000: mean and deviation 1500 */
    float result[2];
    bool masked = false;
    fovea_nnunet_normalise(&planes, &box, &masked, result);
    ck_assert_float_eq(result[0], (float)(-1500 / (1500 + 1e-8)));
    ck_assert_float_eq(result[1], (float)(1500 / (1500 + 1e-8)));
}
END_TEST

START_TEST(test_flips_undo_themselves) {
    bool vertical = (_i & 2) != 0, horizontal = (_i & 1) != 0;
    float source[2 * 3 * 5], flipped[30], back[30] = {0};
    for (size_t i = 0; i < 30; i++) {
        source[i] = (float)i;
    }
    fovea_nnunet_flip(source, (struct fovea_layout){5, 15}, 2, 3, 5, vertical, horizontal, flipped);
    ck_assert_float_eq(flipped[0], (vertical ? 10.0f : 0.0f) + (horizontal ? 4.0f : 0.0f));
    fovea_nnunet_add_flipped(flipped, 2, 3, 5, vertical, horizontal, 0.25f, back);
    for (size_t i = 0; i < 30; i++) {
        ck_assert_float_eq(back[i], 0.25f * source[i]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("nnunet");
    TCase *steps = tcase_create("steps");
    tcase_add_test(steps, test_tiles_are_spread_evenly);
    tcase_add_loop_test(steps, test_gaussian_is_one_in_the_centre_and_never_zero, 0, 2);
    tcase_add_test(steps, test_crop_is_the_box_of_all_channels);
    tcase_add_test(steps, test_normalising_may_leave_zero_pixels_out);
    tcase_add_test(steps, test_a_constant_image_becomes_zero);
    tcase_add_test(steps, test_sixteen_bits_keep_their_values);
    tcase_add_loop_test(steps, test_flips_undo_themselves, 0, 4);
    suite_add_tcase(suite, steps);
    return suite_run(suite);
}
