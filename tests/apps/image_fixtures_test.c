/* Reading, resizing and normalising against what Pillow, OpenCV and scikit-image gave (shared fixtures). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "image/image.h"
#include "image/normalise.h"
#include "image/overlay.h"
#include "image/published.h"
#include "image/resize.h"
#include "support.h"

static struct fovea_image read_or_fail(const char *path) {
    struct fovea_image image;
    struct fv_error error = {0};
    enum fv_status status = fovea_image_read(path, &image, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    return image;
}

/* Compares an 8 bit image with 1 or 3 channels, alpha dropped, to an array height x width x 3. */
static void expect_rgb(const char *name, const struct fovea_image *image, const struct support_array *array) {
    ck_assert_str_eq(array->type, "|u1");
    ck_assert_msg(array->shape[0] == image->height && array->shape[1] == image->width && array->shape[2] == 3,
                  "%s: %u x %u, expected %zu x %zu", name, image->width, image->height, array->shape[1],
                  array->shape[0]);
    const uint8_t *expected = array->data;
    for (size_t i = 0; i < array->elements; i++) {
        size_t at = image->channels == 1 ? i / 3 : i;
        ck_assert_msg(image->pixels.u8[at] == expected[i], "%s: sample %zu is %u, expected %u", name, i,
                      image->pixels.u8[at], expected[i]);
    }
}

struct row {
    const char *file;
    const char *library; /* whose table equals our steps */
    enum fovea_image_format format;
    uint32_t channels, bits;     /* as decoded */
    bool palette, upright, grey; /* orientation applied before the comparison; the product's rule accepts it */
};

/* 16 bit grey differs on purpose (OpenCV takes the high byte, we round), as does 16 bit colour PNG. */
static const struct row rows[] = {
    {"exif_rotated.jpg", "pillow", FOVEA_IMAGE_JPEG, 1, 8, false, false, true},
    {"exif_rotated.jpg", "opencv", FOVEA_IMAGE_JPEG, 1, 8, false, true, true},
    {"gray.bmp", "opencv", FOVEA_IMAGE_BMP, 1, 8, true, true, true},
    {"gray.jpg", "opencv", FOVEA_IMAGE_JPEG, 1, 8, false, true, true},
    {"gray.png", "opencv", FOVEA_IMAGE_PNG, 1, 8, false, true, true},
    {"gray.tif", "opencv", FOVEA_IMAGE_TIFF, 1, 8, false, true, true},
    {"gray16.png", "", FOVEA_IMAGE_PNG, 1, 16, false, true, true},
    {"gray16.tif", "", FOVEA_IMAGE_TIFF, 1, 16, false, true, true},
    {"gray_alpha.png", "opencv", FOVEA_IMAGE_PNG, 2, 8, false, true, true},
    {"gray_lzw.tif", "opencv", FOVEA_IMAGE_TIFF, 1, 8, false, true, true},
    {"interlaced.png", "opencv", FOVEA_IMAGE_PNG, 3, 8, false, true, false},
    {"jpeg_named.tif", "opencv", FOVEA_IMAGE_JPEG, 3, 8, false, true, false},
    {"not_square.png", "opencv", FOVEA_IMAGE_PNG, 1, 8, false, true, true},
    {"one_bit.png", "opencv", FOVEA_IMAGE_PNG, 1, 8, false, true, true},
    {"palette.png", "opencv", FOVEA_IMAGE_PNG, 3, 8, true, true, false},
    {"palette_gray.png", "opencv", FOVEA_IMAGE_PNG, 1, 8, true, true, true},
    {"rgb.bmp", "opencv", FOVEA_IMAGE_BMP, 3, 8, false, true, false},
    {"rgb.png", "opencv", FOVEA_IMAGE_PNG, 3, 8, false, true, false},
    {"rgb16.png", "", FOVEA_IMAGE_PNG, 3, 16, false, true, false},
    {"rgb16.tif", "opencv", FOVEA_IMAGE_TIFF, 3, 16, false, true, false},
    {"rgb_444_progressive.jpg", "opencv", FOVEA_IMAGE_JPEG, 3, 8, false, true, false},
    {"rgb_deflate.tif", "opencv", FOVEA_IMAGE_TIFF, 3, 8, false, true, false},
    {"rgba.png", "opencv", FOVEA_IMAGE_PNG, 4, 8, false, true, false},
    {"rgba.png", "pillow", FOVEA_IMAGE_PNG, 4, 8, false, true, false},
    {"rgba.tif", "pillow", FOVEA_IMAGE_TIFF, 4, 8, false, true, false},
};

START_TEST(reads_as_the_libraries) {
    const struct row *row = &rows[_i];
    char name[128];
    snprintf(name, sizeof name, "images/%s", row->file);
    const char *path = support_fixture(name);
    if (path == NULL) {
        return;
    }
    struct fovea_image image = read_or_fail(path);
    ck_assert_uint_eq(image.format, row->format);
    ck_assert_uint_eq(image.channels, row->channels);
    ck_assert_uint_eq(image.bits, row->bits);
    ck_assert_int_eq(image.palette, row->palette);
    ck_assert_int_eq(fovea_image_drop_alpha(&image, NULL), FV_OK);
    ck_assert_int_eq(fovea_image_reduce_to_8_bits(&image, NULL), FV_OK);
    if (row->upright) {
        ck_assert_int_eq(fovea_image_make_upright(&image, NULL), FV_OK);
    }
    if (row->library[0] != '\0') {
        snprintf(name, sizeof name, "images/%s.%s_rgb.npy", row->file, row->library);
        struct support_array expected = support_read_npy(support_fixture(name));
        expect_rgb(row->file, &image, &expected);
        support_free_npy(&expected);
    }
    fovea_image_release(&image);

    struct fv_error error = {0};
    enum fv_status status = fovea_image_read_grey(path, &image, &error);
    ck_assert_msg(status == (row->grey ? FV_OK : FV_ERROR_UNSUPPORTED), "%s: %s", row->file, error.message);
    ck_assert(row->grey || strstr(error.message, "true colour") != NULL);
    fovea_image_release(&image);
}
END_TEST

/* The published program's view of every file that has a table. */
static const char *const pictures[] = {
    "exif_rotated.jpg", "gray.bmp",       "gray.jpg",       "gray.png",     "gray.tif",
    "gray16.png",       "gray16.tif",     "gray_alpha.png", "gray_lzw.tif", "interlaced.png",
    "jpeg_named.tif",   "not_square.png", "one_bit.png",    "palette.png",  "palette_gray.png",
    "rgb.bmp",          "rgb.png",        "rgb16.png",      "rgb16.tif",    "rgb_444_progressive.jpg",
    "rgb_deflate.tif",  "rgba.png",       "rgba.tif",
};
enum { PICTURES = sizeof pictures / sizeof *pictures };

typedef enum fv_status view_function(const char *name, struct fovea_image *image, struct fv_error *error);

/* Compares a view with its table: height x width, or height x width x channels. */
static void expect_view(const char *file, view_function *view, const char *suffix) {
    char name[128];
    snprintf(name, sizeof name, "images/%s", file);
    struct fovea_image image = read_or_fail(support_fixture(name));
    struct fv_error error = {0};
    ck_assert_msg(view(file, &image, &error) == FV_OK, "%s", error.message);
    snprintf(name, sizeof name, "images/%s.%s.npy", file, suffix);
    struct support_array expected = support_read_npy(support_fixture(name));
    ck_assert_uint_eq(expected.shape[0], image.height);
    ck_assert_uint_eq(expected.shape[1], image.width);
    ck_assert_uint_eq(expected.rank == 2 ? 1 : expected.shape[2], image.channels);
    ck_assert_str_eq(expected.type, image.bits == 16 ? "<u2" : "|u1");
    ck_assert_msg(memcmp(expected.data, image.pixels.bytes, expected.elements * image.bits / 8) == 0,
                  "%s: another picture than %s gives", file, suffix);
    support_free_npy(&expected);
    fovea_image_release(&image);
}

START_TEST(sees_as_published) {
    const char *file = pictures[_i];
    if (support_fixture("images/manifest.json") == NULL) {
        return;
    }
    expect_view(file, fovea_image_to_opencv, "opencv_rgb");
    expect_view(file, fovea_image_to_pillow, "pillow_rgb");
    if (strcmp(file + strlen(file) - 4, ".png") == 0) {
        expect_view(file, fovea_image_to_skimage, "skimage");
    }
}
END_TEST

static const uint32_t sizes[][2] = {{96, 96}, {48, 48}, {37, 91}, {64, 20}, {224, 224}, {7, 5}};

START_TEST(resizes_as_pillow) {
    static const char *const sources[] = {"square", "wide"};
    static const char *const filters[] = {"bilinear", "bicubic"};
    const uint32_t *size = sizes[_i / 4];
    const char *source = sources[_i / 2 % 2];
    const char *filter = filters[_i % 2];
    const char *path = support_fixture(_i / 2 % 2 == 0 ? "images/resize_source.png" : "images/resize_source_wide.png");
    if (path == NULL) {
        return;
    }
    struct fovea_image image = read_or_fail(path), result;
    ck_assert_int_eq(fovea_resize(&image, size[0], size[1], _i % 2 == 0 ? FOVEA_FILTER_BILINEAR : FOVEA_FILTER_BICUBIC,
                                  &result, NULL),
                     FV_OK);
    char name[128];
    snprintf(name, sizeof name, "images/resize_%s_%ux%u_%s.npy", source, size[0], size[1], filter);
    struct support_array expected = support_read_npy(support_fixture(name));
    expect_rgb(name, &result, &expected);
    support_free_npy(&expected);
    fovea_image_release(&result);
    fovea_image_release(&image);
}
END_TEST

START_TEST(normalises_as_torchvision) {
    static const float means[2][3] = {{0.485F, 0.456F, 0.406F}, {0.5F, 0.5F, 0.5F}};
    static const float deviations[2][3] = {{0.229F, 0.224F, 0.225F}, {0.5F, 0.5F, 0.5F}};
    const char *path = support_fixture("images/resize_source.png");
    if (path == NULL) {
        return;
    }
    struct fovea_image image = read_or_fail(path);
    struct support_array expected =
        support_read_npy(support_fixture(_i == 0 ? "images/normalised_imagenet.npy" : "images/normalised_half.npy"));
    ck_assert_str_eq(expected.type, "<f4");
    ck_assert_uint_eq(expected.elements, (size_t)3 * image.width * image.height);
    float *tensor = malloc(expected.elements * sizeof *tensor);
    ck_assert(tensor != NULL);
    ck_assert_int_eq(fovea_normalise(&image, 3, means[_i], deviations[_i], tensor, NULL), FV_OK);
    ck_assert_mem_eq(tensor, expected.data, expected.elements * sizeof *tensor);
    free(tensor);
    support_free_npy(&expected);
    fovea_image_release(&image);
}
END_TEST

START_TEST(blends_as_published) {
    const char *path = support_fixture("images/gray.png");
    if (path == NULL) {
        return;
    }
    struct fovea_image image = read_or_fail(path);
    struct fovea_image label = read_or_fail(support_fixture("images/blend_label.png"));
    struct fovea_image expected = read_or_fail(support_fixture("images/blend_gray_expected.png"));
    struct fovea_image result;
    ck_assert_int_eq(fovea_overlay_blend(&image, label.pixels.u8, &result, NULL), FV_OK);
    ck_assert_uint_eq(result.channels, 4);
    ck_assert_uint_eq(expected.channels, 4);
    ck_assert_mem_eq(result.pixels.u8, expected.pixels.u8, (size_t)4 * image.width * image.height);
    fovea_image_release(&result);
    fovea_image_release(&expected);
    fovea_image_release(&label);
    fovea_image_release(&image);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"reading", reads_as_the_libraries, (int)(sizeof rows / sizeof rows[0])},
        {"published views", sees_as_published, PICTURES},
        {"resizing", resizes_as_pillow, 4 * (int)(sizeof sizes / sizeof sizes[0])},
        {"normalising", normalises_as_torchvision, 2},
        {"blending", blends_as_published, 0},
    };
    return check_run("image fixtures", cases, sizeof cases / sizeof cases[0]);
}
