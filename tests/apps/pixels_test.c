/* Resizing against Pillow's bytes (tests/data/apps, made by make_golden.py), normalising, overlays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "image/image.h"
#include "image/normalise.h"
#include "image/overlay.h"
#include "image/resize.h"
#include "support.h"

enum { WIDTH = 23, HEIGHT = 17 };

static const uint32_t sizes[][2] = {{30, 30}, {9, 40}, {46, 8}, {5, 3}, {23, 34}, {11, 17}};

static struct fovea_image read_colour(void) {
    struct fovea_image image;
    struct fv_error error;
    check_success(fovea_image_read(support_data("colour.png"), &image, &error), &error);
    return image;
}

START_TEST(resizes_as_pillow) {
    const uint32_t *size = sizes[_i / 2];
    struct fovea_image image = read_colour(), result;
    struct fv_error error;
    enum fovea_filter filter = _i % 2 == 0 ? FOVEA_FILTER_BILINEAR : FOVEA_FILTER_BICUBIC;
    check_success(fovea_resize(&image, size[0], size[1], filter, &result, &error), &error);
    char name[64];
    snprintf(name, sizeof name, "resized_%ux%u_%s.npy", size[0], size[1], _i % 2 == 0 ? "bilinear" : "bicubic");
    struct support_array expected = support_read_npy(support_data(name));
    ck_assert_uint_eq(expected.elements, (size_t)size[0] * size[1] * 3);
    ck_assert_mem_eq(result.pixels.u8, expected.data, expected.elements);
    support_free_npy(&expected);
    fovea_image_release(&result);
    fovea_image_release(&image);
}
END_TEST

/* Pillow sums in double too, in another order of the same terms: equal to the last bit or nearly. */
START_TEST(resizes_planes_as_pillow) {
    const uint32_t *size = sizes[_i];
    float plane[WIDTH * HEIGHT];
    for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
        uint32_t x = i % WIDTH, y = i / WIDTH;
        plane[i] = (float)((x * 37 + y * 91 + x * y * 5) % 256) / 255.0F;
    }
    float *result = check_allocate((size_t)size[0] * size[1], sizeof *result);
    struct fv_error error;
    check_success(fovea_resize_plane(plane, WIDTH, HEIGHT, result, size[0], size[1], &error), &error);
    char name[64];
    snprintf(name, sizeof name, "plane_%ux%u.npy", size[0], size[1]);
    struct support_array expected = support_read_npy(support_data(name));
    ck_assert_str_eq(expected.type, "<f4");
    for (size_t i = 0; i < expected.elements; i++) {
        ck_assert_float_eq_tol(result[i], ((const float *)expected.data)[i], 1.2e-7F);
    }
    support_free_npy(&expected);
    free(result);
}
END_TEST

START_TEST(equal_size_is_a_copy) {
    struct fovea_image image = read_colour(), result;
    struct fv_error error;
    check_success(fovea_resize(&image, WIDTH, HEIGHT, FOVEA_FILTER_BICUBIC, &result, &error), &error);
    ck_assert_mem_eq(result.pixels.u8, image.pixels.u8, WIDTH * HEIGHT * 3);
    fovea_image_release(&result);
    check_failure(fovea_resize(&image, 0, 4, FOVEA_FILTER_BICUBIC, &result, &error), &error, FV_ERROR_ARGUMENT,
                  "0 x 4");
    for (long successes = 0;; successes++) {
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_resize(&image, 9, 40, FOVEA_FILTER_BILINEAR, &result, &error);
        fv_memory_fail_after(-1);
        if (status == FV_OK) {
            break;
        }
        ck_assert_int_eq(status, FV_ERROR_MEMORY);
        ck_assert_ptr_null(result.pixels.bytes);
    }
    fovea_image_release(&result);
    fovea_image_release(&image);
}
END_TEST

START_TEST(shorter_side_rules) {
    static const uint32_t rows[][5] = {{320, 320, 224, 224, 224},
                                       {640, 480, 224, 298, 224},
                                       {480, 640, 224, 224, 298},
                                       {1000, 3, 7, 2333, 7},
                                       {3, 1000, 7, 7, 2333}};
    uint32_t width, height;
    fovea_resize_shorter_side(rows[_i][0], rows[_i][1], rows[_i][2], &width, &height);
    ck_assert_uint_eq(width, rows[_i][3]);
    ck_assert_uint_eq(height, rows[_i][4]);
}
END_TEST

START_TEST(normalises_in_float_and_repeats_grey) {
    static const float mean[3] = {0.485F, 0.456F, 0.406F}, deviation[3] = {0.229F, 0.224F, 0.225F};
    struct fovea_image image;
    struct fv_error error;
    check_success(fovea_image_create(16, 16, 1, 8, &image, &error), &error);
    for (uint32_t i = 0; i < 256; i++) {
        image.pixels.u8[i] = (uint8_t)i;
    }
    float tensor[3 * 256];
    check_success(fovea_normalise(&image, 3, mean, deviation, tensor, &error), &error);
    for (uint32_t i = 0; i < 3 * 256; i++) {
        volatile float unit = (float)(i % 256) / 255.0F;
        volatile float centred = unit - mean[i / 256];
        ck_assert_float_eq(tensor[i], centred / deviation[i / 256]);
    }
    check_failure(fovea_normalise(&image, 1, mean, (float[]){0.0F}, tensor, &error), &error, FV_ERROR_ARGUMENT, "zero");
    fovea_image_release(&image);
}
END_TEST

/* An alpha of the image's own goes the same way, towards 255, as do its colours. */
START_TEST(blend_takes_alpha_with_it) {
    struct fovea_image image, result;
    struct fv_error error;
    check_success(fovea_image_create(256, 1, 4, 8, &image, &error), &error);
    uint8_t mask[256] = {0};
    for (uint32_t i = 0; i < 256; i++) {
        const uint8_t pixel[4] = {(uint8_t)i, 10, 20, (uint8_t)i};
        memcpy(image.pixels.u8 + (size_t)i * 4, pixel, 4);
    }
    check_success(fovea_overlay_blend(&image, mask, &result, &error), &error);
    for (int i = 0; i < 256; i++) {
        volatile float alpha = 0.15F * (float)(255 - i), red = 0.15F * (float)-i;
        ck_assert_uint_eq(result.pixels.u8[4 * i + 3], (uint8_t)((float)i + alpha));
        ck_assert_uint_eq(result.pixels.u8[4 * i], (uint8_t)((float)i + red));
        ck_assert_uint_eq(result.pixels.u8[4 * i + 1], 8);
        ck_assert_uint_eq(result.pixels.u8[4 * i + 2], 17);
    }
    fovea_image_release(&result);
    fovea_image_release(&image);
}
END_TEST

/* All 512 pairs of a grey and a mask byte, by whole numbers: 0.15 as a float is 2516583 / 2^24. */
START_TEST(blend_is_the_published_one) {
    struct fovea_image image, result;
    struct fv_error error;
    check_success(fovea_image_create(256, 2, 1, 8, &image, &error), &error);
    uint8_t mask[512];
    for (uint32_t i = 0; i < 512; i++) {
        image.pixels.u8[i] = (uint8_t)i;
        mask[i] = i >= 256;
    }
    check_success(fovea_overlay_blend(&image, mask, &result, &error), &error);
    ck_assert_uint_eq(result.channels, 4);
    for (uint32_t i = 0; i < 512; i++) {
        const uint8_t *pixel = result.pixels.u8 + (size_t)i * 4;
        int grey = (int)(i % 256), target = mask[i] != 0 ? 255 : 0;
        volatile float red = 0.15F * (float)(target - grey), dark = 0.15F * (float)-grey;
        ck_assert_uint_eq(pixel[0], (uint8_t)((float)grey + red));
        ck_assert_uint_eq(pixel[1], (uint8_t)((float)grey + dark));
        ck_assert_uint_eq(pixel[2], pixel[1]);
        ck_assert_uint_eq(pixel[3], 255);
    }
    fovea_image_release(&result);
    fovea_image_release(&image);
}
END_TEST

/* The outline is drawn where the mask changes and nowhere else; every region has one, also at the border. */
START_TEST(contour_follows_the_mask) {
    enum { SIDE = 64 };
    struct fovea_image image, result;
    struct fv_error error;
    check_success(fovea_image_create(SIDE, SIDE, 1, 8, &image, &error), &error);
    memset(image.pixels.u8, 90, SIDE * SIDE);
    uint8_t mask[SIDE * SIDE] = {0};
    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        uint32_t x = i % SIDE, y = i / SIDE;
        mask[i] = (x - 30) * (x - 30) + (y - 30) * (y - 30) < 200 || (x == 60 && y == 60) || (x < 2 && y > 50);
    }
    check_success(fovea_overlay_contour(&image, mask, &result, &error), &error);
    ck_assert_uint_eq(result.channels, 3);
    const uint8_t *pixels = result.pixels.u8;
    const uint32_t plain[][2] = {{30, 30}, {50, 10}, {40, 60}}, yellow[][2] = {{60, 60}, {44, 30}, {16, 30}, {1, 55}};
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *pixel = pixels + (plain[i][1] * SIDE + plain[i][0]) * 3;
        ck_assert(pixel[0] == 90 && pixel[1] == 90 && pixel[2] == 90);
    }
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *pixel = pixels + (yellow[i][1] * SIDE + yellow[i][0]) * 3;
        ck_assert_msg(pixel[0] > 150 && pixel[1] > 130 && pixel[2] < 60, "%u %u %u", pixel[0], pixel[1], pixel[2]);
    }
    fovea_image_release(&result);
    memset(mask, 0, sizeof mask);
    check_success(fovea_overlay_contour(&image, mask, &result, &error), &error);
    for (uint32_t i = 0; i < SIDE * SIDE * 3; i++) {
        ck_assert_uint_eq(result.pixels.u8[i], 90);
    }
    fovea_image_release(&result);
    fovea_image_release(&image);
}
END_TEST

/* Two squares with a side in common: both colours are seen, also there. */
START_TEST(two_contours_are_told_apart) {
    enum { SIDE = 400 };
    struct fovea_image image, result;
    struct fv_error error;
    check_success(fovea_image_create(SIDE, SIDE, 1, 8, &image, &error), &error);
    memset(image.pixels.u8, 90, (size_t)SIDE * SIDE);
    uint8_t *reference = check_allocate((size_t)SIDE * SIDE, 1), *predicted = check_allocate((size_t)SIDE * SIDE, 1);
    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        uint32_t x = i % SIDE, y = i / SIDE;
        reference[i] = x >= 100 && x < 200 && y >= 100 && y < 200;
        predicted[i] = x >= 100 && x < 300 && y >= 100 && y < 200;
    }
    check_success(fovea_overlay_compare(&image, reference, predicted, &result, &error), &error);
    size_t row = (size_t)150 * SIDE;
    const uint8_t *only_reference = result.pixels.u8 + (row + 200) * 3;
    const uint8_t *only_predicted = result.pixels.u8 + (row + 300) * 3;
    ck_assert(only_reference[0] > 150 && only_reference[1] > 130 && only_reference[2] < 90);
    ck_assert(only_predicted[0] < 90 && only_predicted[2] > 150);
    bool yellow = false, blue = false;
    for (size_t x = 94; x < 106; x++) {
        const uint8_t *pixel = result.pixels.u8 + (row + x) * 3;
        yellow = yellow || pixel[0] > pixel[2] + 60;
        blue = blue || pixel[2] > pixel[0] + 60;
    }
    ck_assert(yellow && blue);
    free(reference);
    free(predicted);
    fovea_image_release(&result);
    fovea_image_release(&image);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"resizing", resizes_as_pillow, 12},
        {"planes", resizes_planes_as_pillow, 6},
        {"copy", equal_size_is_a_copy, 0},
        {"shorter side", shorter_side_rules, 5},
        {"normalising", normalises_in_float_and_repeats_grey, 0},
        {"blend", blend_is_the_published_one, 0},
        {"blend with alpha", blend_takes_alpha_with_it, 0},
        {"contour", contour_follows_the_mask, 0},
        {"two contours", two_contours_are_told_apart, 0},
    };
    return check_run("pixels", cases, sizeof cases / sizeof cases[0]);
}
