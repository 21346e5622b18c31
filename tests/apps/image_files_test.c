/* Image files of every kind, whole and broken, and the product's rule for greys. The files of tests/data/apps hold a
 * picture that pattern() knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "fovea/memory.h"
#include "image/image.h"
#include "support.h"

enum { WIDTH = 23, HEIGHT = 17, SEED = 20260101 };

static uint8_t pattern(uint32_t x, uint32_t y, uint32_t channel) {
    return (uint8_t)(x * 37 + y * 91 + x * y * 5 + channel * 50);
}

static struct fovea_image read_data(const char *name) {
    struct fovea_image image;
    struct fv_error error;
    check_success(fovea_image_read(support_data(name), &image, &error), &error);
    return image;
}

struct file {
    const char *name;
    enum fovea_image_format format;
    uint32_t channels, bits;
    int tolerance; /* of JPEG */
};

static const struct file greys[] = {
    {"grey.png", FOVEA_IMAGE_PNG, 1, 8, 0},          {"interlaced.png", FOVEA_IMAGE_PNG, 1, 8, 0},
    {"palette.png", FOVEA_IMAGE_PNG, 1, 8, 0},       {"equal.png", FOVEA_IMAGE_PNG, 3, 8, 0},
    {"alpha.png", FOVEA_IMAGE_PNG, 2, 8, 0},         {"alpha_equal.png", FOVEA_IMAGE_PNG, 4, 8, 0},
    {"wide.png", FOVEA_IMAGE_PNG, 1, 16, 0},         {"grey.bmp", FOVEA_IMAGE_BMP, 1, 8, 0},
    {"equal.bmp", FOVEA_IMAGE_BMP, 3, 8, 0},         {"alpha_equal.bmp", FOVEA_IMAGE_BMP, 3, 8, 0},
    {"grey.tif", FOVEA_IMAGE_TIFF, 1, 8, 0},         {"lzw.tif", FOVEA_IMAGE_TIFF, 1, 8, 0},
    {"deflate.tif", FOVEA_IMAGE_TIFF, 1, 8, 0},      {"packbits.tif", FOVEA_IMAGE_TIFF, 1, 8, 0},
    {"palette.tif", FOVEA_IMAGE_TIFF, 1, 8, 0},      {"equal.tif", FOVEA_IMAGE_TIFF, 3, 8, 0},
    {"wide.tif", FOVEA_IMAGE_TIFF, 1, 16, 0},        {"grey.jpg", FOVEA_IMAGE_JPEG, 1, 8, 14},
    {"progressive.jpg", FOVEA_IMAGE_JPEG, 3, 8, 14},
};

START_TEST(grey_files_give_the_picture) {
    const struct file *file = &greys[_i];
    struct fovea_image image = read_data(file->name);
    ck_assert_uint_eq(image.format, file->format);
    ck_assert_uint_eq(image.channels, file->channels);
    ck_assert_uint_eq(image.bits, file->bits);
    ck_assert_uint_eq(image.width, WIDTH);
    ck_assert_uint_eq(image.height, HEIGHT);
    struct fv_error error;
    check_success(fovea_image_to_grey(file->name, &image, &error), &error);
    ck_assert_uint_eq(image.channels, 1);
    ck_assert_uint_eq(image.bits, 8);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        for (uint32_t x = 0; x < WIDTH; x++) {
            int difference = image.pixels.u8[y * WIDTH + x] - pattern(x, y, 0);
            ck_assert_msg(abs(difference) <= file->tolerance, "%s: off by %d at %u, %u", file->name, difference, x, y);
        }
    }
    fovea_image_release(&image);
}
END_TEST

START_TEST(one_bit_files_give_0_and_255) {
    static const char *const names[] = {"bits.png", "bits.bmp", "bits.tif"};
    struct fovea_image image = read_data(names[_i]);
    ck_assert_uint_eq(image.channels, 1);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        for (uint32_t x = 0; x < WIDTH; x++) {
            ck_assert_uint_eq(image.pixels.u8[y * WIDTH + x], pattern(x, y, 0) > 127 ? 255 : 0);
        }
    }
    fovea_image_release(&image);
}
END_TEST

START_TEST(colour_is_decoded_and_refused_as_grey) {
    static const char *const names[] = {"colour.png", "colour.bmp"};
    struct fovea_image image = read_data(names[_i]);
    ck_assert_uint_eq(image.channels, 3);
    for (uint32_t i = 0; i < WIDTH * HEIGHT * 3; i++) {
        ck_assert_uint_eq(image.pixels.u8[i], pattern(i / 3 % WIDTH, i / 3 / WIDTH, i % 3));
    }
    fovea_image_release(&image);
    struct fv_error error;
    check_failure(fovea_image_read_grey(support_data(names[_i]), &image, &error), &error, FV_ERROR_UNSUPPORTED,
                  "true colour: red 0, green 50, blue 100 at column 0, row 0");
    ck_assert_ptr_null(image.pixels.bytes);
}
END_TEST

/* Where pixel (x, y) of the stored picture belongs once it is upright. */
static void place(uint32_t orientation, uint32_t x, uint32_t y, uint32_t *column, uint32_t *row) {
    uint32_t right = WIDTH - 1 - x, below = HEIGHT - 1 - y;
    const uint32_t places[9][2] = {{0},    {x, y},     {right, y},     {right, below}, {x, below},
                                   {y, x}, {below, x}, {below, right}, {y, right}};
    *column = places[orientation][0];
    *row = places[orientation][1];
}

static void expect_upright(const char *name, uint32_t orientation) {
    struct fovea_image stored = read_data(name), upright;
    ck_assert_uint_eq(stored.orientation, orientation);
    struct fv_error error;
    check_success(fovea_image_read_grey(support_data(name), &upright, &error), &error);
    ck_assert_uint_eq(upright.width, orientation >= 5 ? HEIGHT : WIDTH);
    ck_assert_uint_eq(upright.orientation, 1);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        for (uint32_t x = 0; x < WIDTH; x++) {
            uint32_t column, row;
            place(orientation, x, y, &column, &row);
            ck_assert_uint_eq(upright.pixels.u8[row * upright.width + column], stored.pixels.u8[y * WIDTH + x]);
        }
    }
    fovea_image_release(&stored);
    fovea_image_release(&upright);
}

START_TEST(few_coloured_pixels_are_an_overlay) {
    struct fovea_image image = read_data("equal.png");
    struct fv_error error;
    image.pixels.u8[3 * (4 * WIDTH + 5) + 1] ^= 0x80;
    check_failure(fovea_image_to_grey("shot", &image, &error), &error, FV_ERROR_UNSUPPORTED, "at column 5, row 4");
    ck_assert_ptr_nonnull(strstr(error.message, "0.26 % of the pixels coloured (an overlay on a screenshot?"));
    fovea_image_release(&image);
}
END_TEST

/* The second page of pages.tif is the first one upside down. */
START_TEST(pages_are_chosen_and_said) {
    const char *path = support_data("pages.tif");
    struct fovea_image pages[3];
    struct fv_error error;
    for (uint32_t page = 0; page < 3; page++) {
        check_success(fovea_image_read_grey_page(path, page, &pages[page], &error), &error);
        ck_assert_uint_eq(pages[page].pages, 2);
        ck_assert_uint_eq(pages[page].page, page == 0 ? 1 : page);
    }
    size_t size = (size_t)pages[0].width * pages[0].height;
    ck_assert_mem_eq(pages[0].pixels.u8, pages[1].pixels.u8, size);
    ck_assert_mem_ne(pages[0].pixels.u8, pages[2].pixels.u8, size);
    for (size_t i = 0; i < 3; i++) {
        fovea_image_release(&pages[i]);
    }
    static const char *const names[] = {"pages.tif", "grey.png", "grey.jpg", "grey.bmp", "grey.tif"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check_failure(fovea_image_read_page(support_data(names[i]), 3, &pages[0], &error), &error, FV_ERROR_UNSUPPORTED,
                      "page 3 was asked for, and the file has ");
        ck_assert_ptr_null(pages[0].pixels.bytes);
        bool one = i > 0;
        enum fv_status status = fovea_image_read_page(support_data(names[i]), 1, &pages[0], &error);
        check_success(status, &error);
        ck_assert_uint_eq(pages[0].pages, one ? 1 : 2);
        fovea_image_release(&pages[0]);
    }
}
END_TEST

START_TEST(orientation_is_applied) {
    char name[32];
    snprintf(name, sizeof name, "orientation_%d.jpg", _i + 1);
    expect_upright(name, (uint32_t)_i + 1);
    snprintf(name, sizeof name, "orientation_%d.tif", _i + 1);
    expect_upright(name, (uint32_t)_i + 1);
}
END_TEST

struct refusal {
    const char *name;
    enum fv_status status;
    const char *reason;
};

static const struct refusal refusals[] = {
    {"cmyk.jpg", FV_ERROR_UNSUPPORTED, "CMYK"},
    {"cmyk.tif", FV_ERROR_UNSUPPORTED, "CMYK"},
    {"float.tif", FV_ERROR_UNSUPPORTED, "floating point"},
    {"pages.tif", FV_ERROR_UNSUPPORTED, "2 pages"},
    {"foreign.gif", FV_ERROR_UNSUPPORTED, "found a GIF file"},
    {"plane_5x3.npy", FV_ERROR_FORMAT, "its first bytes are 93 4e 55"},
    {"absent.png", FV_ERROR_FILE, "absent.png"},
    {"", FV_ERROR_FILE, "folder"},
};

START_TEST(other_files_are_refused_with_the_reason) {
    const struct refusal *refusal = &refusals[_i];
    struct fovea_image image;
    struct fv_error error;
    check_failure(fovea_image_read_grey(support_data(refusal->name), &image, &error), &error, refusal->status,
                  refusal->reason);
    ck_assert_ptr_nonnull(strstr(error.message, support_data(refusal->name)));
    ck_assert_ptr_null(image.pixels.bytes);
}
END_TEST

/* Files whose end is needed; the last bytes of some carry nothing. */
static const struct file broken[] = {
    {"grey.png", FOVEA_IMAGE_PNG, 0, 0, 0},         {"interlaced.png", FOVEA_IMAGE_PNG, 0, 0, 0},
    {"palette.png", FOVEA_IMAGE_PNG, 0, 0, 0},      {"grey.jpg", FOVEA_IMAGE_JPEG, 0, 0, 0},
    {"progressive.jpg", FOVEA_IMAGE_JPEG, 0, 0, 0}, {"grey.bmp", FOVEA_IMAGE_BMP, 0, 0, 0},
    {"lzw.tif", FOVEA_IMAGE_TIFF, 0, 0, 0},         {"grey.tif", FOVEA_IMAGE_TIFF, 0, 0, 0},
};

START_TEST(truncated_files_are_refused) {
    size_t size;
    uint8_t *whole = support_read(support_data(broken[_i].name), &size);
    struct fv_error error;
    for (size_t length = 0; length < size; length++) {
        /* A copy of exactly that length, so that a sanitizer sees a read beyond it. */
        uint8_t *part = check_allocate(length, 1);
        memcpy(part, whole, length);
        struct fovea_image image;
        enum fv_status status = fovea_image_decode("part", part, length, &image, &error);
        /* A TIFF file's directory may end in padding. */
        bool padding = broken[_i].format == FOVEA_IMAGE_TIFF && length + 8 >= size;
        ck_assert_msg(status == FV_ERROR_FORMAT || status == FV_ERROR_UNSUPPORTED || padding,
                      "%s cut to %zu of %zu bytes: status %d", broken[_i].name, length, size, status);
        fovea_image_release(&image);
        free(part);
    }
    free(whole);
}
END_TEST

START_TEST(damaged_files_do_no_harm) {
    size_t size;
    uint8_t *bytes = support_read(support_data(broken[_i].name), &size);
    uint8_t *copy = check_allocate(size, 1);
    uint64_t state = SEED;
    for (int round = 0; round < 400; round++) {
        memcpy(copy, bytes, size);
        for (int flips = 0; flips < 1 + round % 4; flips++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            copy[(state >> 33) % size] ^= (uint8_t)(1U << (state >> 60 & 7));
        }
        struct fovea_image image;
        struct fv_error error;
        enum fv_status status = fovea_image_decode("damaged", copy, size, &image, &error);
        ck_assert(status == FV_OK || image.pixels.bytes == NULL);
        fovea_image_release(&image);
    }
    free(copy);
    free(bytes);
}
END_TEST

/* Reads the size of a file of these bytes: it is refused or within the limits. */
static void check_size(const char *path, const uint8_t *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    uint32_t width = 0, height = 0;
    if (fovea_image_read_size(path, &width, &height)) {
        ck_assert(width > 0 && width <= FOVEA_IMAGE_MAX_SIDE && height > 0 && height <= FOVEA_IMAGE_MAX_SIDE);
    }
}

START_TEST(sizes_are_read_from_whole_and_damaged_files) {
    const char *folder = support_make_folder(), *path = support_path(folder, "image");
    size_t size;
    uint32_t width, height;
    ck_assert(fovea_image_read_size(support_data(broken[_i].name), &width, &height));
    ck_assert_uint_eq(width, WIDTH);
    ck_assert_uint_eq(height, HEIGHT);
    ck_assert(!fovea_image_read_size(support_path(folder, "absent"), &width, &height));
    uint8_t *bytes = support_read(support_data(broken[_i].name), &size);
    for (size_t length = 0; length < size; length++) {
        check_size(path, bytes, length);
    }
    uint64_t state = SEED;
    for (int round = 0; round < 400; round++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        const size_t at = (state >> 33) % size;
        const uint8_t before = bytes[at];
        bytes[at] = (uint8_t)(state >> 25);
        check_size(path, bytes, size);
        bytes[at] = before;
    }
    free(bytes);
    support_remove_folder(folder);
}
END_TEST

START_TEST(huge_headers_are_refused) {
    size_t size;
    uint8_t *png = support_read(support_data("grey.png"), &size);
    struct fovea_image image;
    struct fv_error error;
    png[16] = 0x10; /* the width's first byte; the check sum then is wrong too */
    check_failure(fovea_image_decode("huge", png, size, &image, &error), &error, FV_ERROR_FORMAT, "huge");
    free(png);
    uint8_t *bmp = support_read(support_data("equal.bmp"), &size);
    bmp[20] = 0x10;
    check_failure(fovea_image_decode("huge", bmp, size, &image, &error), &error, FV_ERROR_UNSUPPORTED,
                  "limit is 16384");
    bmp[20] = 0;
    bmp[19] = 0x3f;
    bmp[23] = 0x3f;
    check_failure(fovea_image_decode("huge", bmp, size, &image, &error), &error, FV_ERROR_FORMAT, "ends too early");
    free(bmp);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    const char *path = support_data(greys[_i].name);
    struct fovea_image image;
    struct fv_error error;
    for (long successes = 0;; successes++) {
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_image_read_grey(path, &image, &error);
        fv_memory_fail_after(-1);
        if (status == FV_OK) {
            break;
        }
        ck_assert_msg(status == FV_ERROR_MEMORY, "%s: %s", greys[_i].name, error.message);
        ck_assert_ptr_null(image.pixels.bytes);
        ck_assert_int_lt(successes, 1000);
    }
    fovea_image_release(&image);
}
END_TEST

START_TEST(written_png_files_read_back) {
    uint32_t channels = 1 + (uint32_t)_i % 4, bits = _i < 4 ? 8 : 16;
    const char *folder = support_make_folder();
    const char *path = support_path(folder, "picture.png");
    struct fovea_image image, back;
    struct fv_error error;
    check_success(fovea_image_create(WIDTH, HEIGHT, channels, bits, &image, &error), &error);
    size_t size = (size_t)WIDTH * HEIGHT * channels * bits / 8;
    for (size_t i = 0; i < size; i++) {
        image.pixels.u8[i] = (uint8_t)(i * 7 + i / 13);
    }
    check_success(fovea_image_write_png(path, &image, &error), &error);
    check_success(fovea_image_read(path, &back, &error), &error);
    ck_assert_uint_eq(back.channels, channels);
    ck_assert_uint_eq(back.bits, bits);
    ck_assert_mem_eq(back.pixels.u8, image.pixels.u8, size);
    ck_assert_uint_eq(support_count_entries(folder), 1);
    fovea_image_release(&back);

    check_failure(fovea_image_write_png(support_path(folder, "no/picture.png"), &image, &error), &error, FV_ERROR_FILE,
                  "no/picture.png");
    for (long successes = 0;; successes++) {
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_image_write_png(support_path(folder, "again.png"), &image, &error);
        fv_memory_fail_after(-1);
        ck_assert_uint_eq(support_count_entries(folder), status == FV_OK ? 2 : 1);
        if (status == FV_OK) {
            break;
        }
        ck_assert_int_eq(status, FV_ERROR_MEMORY);
    }
    fovea_image_release(&image);
    support_remove_folder(folder);
}
END_TEST

START_TEST(sixteen_bits_round_to_the_nearest) {
    struct fovea_image image;
    ck_assert_int_eq(fovea_image_create(256, 256, 1, 16, &image, NULL), FV_OK);
    for (uint32_t i = 0; i < 65536; i++) {
        image.pixels.u16[i] = (uint16_t)i;
    }
    ck_assert_int_eq(fovea_image_reduce_to_8_bits(&image, NULL), FV_OK);
    for (uint32_t i = 0; i < 65536; i++) {
        ck_assert_uint_eq(image.pixels.u8[i], (i + 128) / 257);
    }
    fovea_image_release(&image);
}
END_TEST

START_TEST(images_that_cannot_be_made) {
    struct fovea_image image;
    struct fv_error error;
    check_failure(fovea_image_create(0, 4, 1, 8, &image, &error), &error, FV_ERROR_ARGUMENT, "0 x 4");
    check_failure(fovea_image_create(4, 4, 5, 8, &image, &error), &error, FV_ERROR_ARGUMENT, "5 channels");
    check_failure(fovea_image_create(4, 4, 1, 12, &image, &error), &error, FV_ERROR_ARGUMENT, "12 bits");
    check_failure(fovea_image_create(16385, 4, 1, 8, &image, &error), &error, FV_ERROR_UNSUPPORTED, "16384");
    check_failure(fovea_image_create(16384, 16384, 4, 16, &image, &error), &error, FV_ERROR_UNSUPPORTED, "bytes");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

int main(void) {
    const struct check_case cases[] = {
        {"grey files", grey_files_give_the_picture, COUNT(greys)},
        {"one bit", one_bit_files_give_0_and_255, 3},
        {"colour", colour_is_decoded_and_refused_as_grey, 2},
        {"overlay", few_coloured_pixels_are_an_overlay, 0},
        {"pages", pages_are_chosen_and_said, 0},
        {"orientation", orientation_is_applied, 8},
        {"refusals", other_files_are_refused_with_the_reason, COUNT(refusals)},
        {"truncated", truncated_files_are_refused, COUNT(broken)},
        {"damaged", damaged_files_do_no_harm, COUNT(broken)},
        {"sizes", sizes_are_read_from_whole_and_damaged_files, COUNT(broken)},
        {"huge", huge_headers_are_refused, 0},
        {"allocations", every_allocation_may_fail, COUNT(greys)},
        {"writing", written_png_files_read_back, 8},
        {"sixteen bits", sixteen_bits_round_to_the_nearest, 0},
        {"impossible images", images_that_cannot_be_made, 0},
    };
    return check_run("image files", cases, sizeof cases / sizeof cases[0]);
}
