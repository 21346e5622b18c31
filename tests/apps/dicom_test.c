/* DICOM files: what is decoded, what is read of them, what is refused, and that nothing of the patient is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "fovea/memory.h"
#include "image/dicom.h"
#include "image/image.h"
#include "image/published.h"
#include "made_dicom.h"
#include "support.h"

enum { PIXELS = MADE_WIDTH * MADE_HEIGHT, SEED = 20260202 };

static struct made_dicom made;

static struct fovea_image decode(void) {
    struct fovea_image image;
    struct fv_error error;
    check_success(fovea_image_decode("file", made.bytes, made.size, &image, &error), &error);
    ck_assert_uint_eq(image.format, FOVEA_IMAGE_DICOM);
    return image;
}

static void refuse(enum fv_status expected, const char *part) {
    struct fovea_image image;
    struct fv_error error;
    check_failure(fovea_image_decode("file", made.bytes, made.size, &image, &error), &error, expected, part);
    ck_assert_ptr_null(image.pixels.bytes);
    ck_assert_ptr_null(strstr(error.message, "Secret"));
    ck_assert_ptr_null(strstr(error.message, "1950"));
}

static void write_made(const char *path) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(made.bytes, 1, made.size, file), made.size);
    ck_assert_int_eq(fclose(file), 0);
}

static struct fovea_image_facts read_facts(void) {
    const char *folder = support_make_folder(), *path = support_path(folder, "file");
    write_made(path);
    struct fovea_image_facts facts;
    ck_assert(fovea_image_read_facts(path, &facts));
    support_remove_folder(folder);
    return facts;
}

static void expect_pixels(const struct fovea_image *image, bool inverted) {
    ck_assert_uint_eq(image->width, MADE_WIDTH);
    ck_assert_uint_eq(image->height, MADE_HEIGHT);
    ck_assert_uint_eq(image->channels, 1);
    ck_assert_uint_eq(image->bits, 8);
    for (size_t i = 0; i < PIXELS; i++) {
        uint8_t value = made_dicom_pixel(i);
        ck_assert_uint_eq(image->pixels.u8[i], inverted ? 255 - value : value);
    }
}

static const struct made_dicom_image plain_images[] = {
    {.syntax = MADE_EXPLICIT},
    {.syntax = MADE_IMPLICIT},
    {.syntax = MADE_BIG},
    {.syntax = MADE_EXPLICIT, .plain = true},
    {.syntax = MADE_IMPLICIT, .plain = true},
    {.syntax = MADE_EXPLICIT, .kind = MADE_PHOTOGRAPHY_8},
    {.syntax = MADE_EXPLICIT, .kind = MADE_CAPTURE},
    {.syntax = MADE_EXPLICIT, .frames = "1"},
    {.syntax = MADE_EXPLICIT, .shared_spacing = "0.01\\0.01"},
    {.syntax = MADE_IMPLICIT, .shared_spacing = "0.01\\0.01"},
    {.syntax = MADE_EXPLICIT, .model = "MONOCHROME1"},
};

START_TEST(uncompressed_pixels_in_every_encoding) {
    const struct made_dicom_image *image = &plain_images[_i];
    made_dicom_image(&made, image);
    made_dicom_pixels(&made, PIXELS, 1);
    struct fovea_image decoded = decode();
    expect_pixels(&decoded, image->model != NULL);
    struct fv_error error;
    check_failure(fovea_image_to_opencv("file", &decoded, &error), &error, FV_ERROR_UNSUPPORTED, "DICOM");
    ck_assert(!decoded.windowed);
    ck_assert_uint_eq(decoded.page, 1);
    fovea_image_release(&decoded);
    /* What is searched in folders is told by the first bytes. */
    ck_assert_uint_eq(fovea_image_recognise(made.bytes, 256), FOVEA_IMAGE_DICOM);
}
END_TEST

START_TEST(rle_and_jpeg_frames) {
    made_dicom_image(&made, &(struct made_dicom_image){.syntax = MADE_RLE});
    made_dicom_rle(&made, PIXELS, 1);
    struct fovea_image decoded = decode(), direct;
    expect_pixels(&decoded, false);
    fovea_image_release(&decoded);

    size_t size;
    struct fv_error error;
    uint8_t *jpeg = support_read(support_data("grey.jpg"), &size);
    check_success(fovea_image_decode("grey.jpg", jpeg, size, &direct, &error), &error);
    const struct made_dicom_image image = {.syntax = MADE_JPEG, .width = 23, .height = 17, .model = "MONOCHROME1"};
    made_dicom_image(&made, &image);
    made_dicom_open_pixels(&made);
    made_dicom_fragment(&made, jpeg, size / 2 & ~(size_t)1);
    made_dicom_fragment(&made, jpeg + (size / 2 & ~(size_t)1), size - (size / 2 & ~(size_t)1));
    made_dicom_close_sequence(&made);
    free(jpeg);
    decoded = decode();
    ck_assert_uint_eq(decoded.width, 23);
    for (size_t i = 0; i < 23 * 17; i++) {
        ck_assert_uint_eq(decoded.pixels.u8[i], 255 - direct.pixels.u8[i]);
    }
    fovea_image_release(&decoded);
    fovea_image_release(&direct);
}
END_TEST

/* 12 of 16 bits are spread over all 16; the rule for greys then takes them to 8. */
START_TEST(twelve_bits_use_their_range) {
    static const char *const syntaxes[] = {MADE_EXPLICIT, MADE_IMPLICIT, MADE_BIG, MADE_RLE};
    const struct made_dicom_image image = {
        .syntax = syntaxes[_i], .kind = MADE_PHOTOGRAPHY_16, .allocated = 16, .stored = 12};
    made_dicom_image(&made, &image);
    if (_i == 3) {
        made_dicom_rle(&made, PIXELS, 2);
    } else {
        made_dicom_pixels(&made, PIXELS, 2);
    }
    struct fovea_image decoded = decode();
    ck_assert_uint_eq(decoded.bits, 16);
    for (size_t i = 0; i < PIXELS; i++) {
        uint32_t stored = made_dicom_pixel(i) * 16U + 3U;
        ck_assert_uint_eq(decoded.pixels.u16[i], (stored * 65535 + 2047) / 4095);
    }
    fovea_image_release(&decoded);
}
END_TEST

/* 6 bits below the highest of 8; what lies beside them does not count. */
START_TEST(bits_need_not_be_the_lowest) {
    made_dicom_image(&made, &(struct made_dicom_image){.stored = 6, .high = 6});
    uint8_t pixels[PIXELS];
    for (size_t i = 0; i < PIXELS; i++) {
        pixels[i] = (uint8_t)(0x80 | (i * 2 % 64) << 1 | 1);
    }
    made_dicom_bytes(&made, 0x7fe00010U, "OB", pixels, PIXELS);
    struct fovea_image decoded = decode();
    for (size_t i = 0; i < PIXELS; i++) {
        ck_assert_uint_eq(decoded.pixels.u8[i], (i * 2 % 64 * 255 + 31) / 63);
    }
    fovea_image_release(&decoded);
}
END_TEST

/* Of three frames in one run of pixels, the second and the third. */
START_TEST(a_frame_is_chosen) {
    made_dicom_image(&made, &(struct made_dicom_image){.frames = "3"});
    made_dicom_pixels(&made, 3 * PIXELS, 1);
    const char *folder = support_make_folder(), *path = support_path(folder, "file");
    write_made(path);
    for (uint32_t page = 2; page <= 3; page++) {
        struct fovea_image image;
        struct fv_error error;
        check_success(fovea_image_read_grey_page(path, page, &image, &error), &error);
        ck_assert(image.pages == 3 && image.page == page);
        for (size_t i = 0; i < PIXELS; i++) {
            ck_assert_uint_eq(image.pixels.u8[i], made_dicom_pixel((page - 1) * PIXELS + i));
        }
        fovea_image_release(&image);
        check_failure(fovea_image_read_page(path, 4, &image, &error), &error, FV_ERROR_UNSUPPORTED, "the file has 3");
    }
    support_remove_folder(folder);
}
END_TEST

/* Level 1000, width 101, of 10 v + 10: PS3.3 C.11.2.1.2.1 gives 255 (x - 999.5) / 100 + 127.5 within 949.5 .. 1049.5.
 */
START_TEST(a_window_is_applied_and_said) {
    made_dicom_image(&made, &(struct made_dicom_image){.level = "1000", .slope = "10", .model = "MONOCHROME2"});
    const uint8_t pixels[PIXELS] = {93, 94, 99, 103, 104, 255}, shown[] = {0, 1, 129, 231, 255, 255, 0};
    made_dicom_bytes(&made, 0x7fe00010U, "OB", pixels, PIXELS);
    struct fovea_image decoded = decode();
    ck_assert(decoded.windowed);
    ck_assert_mem_eq(decoded.pixels.u8, shown, sizeof shown);
    fovea_image_release(&decoded);
}
END_TEST

/* Pixel by pixel and in planes. */
START_TEST(colours_that_are_grey) {
    made_dicom_image(&made, &(struct made_dicom_image){.kind = MADE_CAPTURE, .model = "RGB", .planar = _i == 1});
    uint8_t pixels[3 * PIXELS];
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = made_dicom_pixel(_i == 1 ? i % PIXELS : i / 3);
    }
    made_dicom_bytes(&made, 0x7fe00010U, "OB", pixels, sizeof pixels);
    struct fovea_image decoded = decode();
    struct fv_error error;
    ck_assert_uint_eq(decoded.channels, 3);
    check_success(fovea_image_to_grey("file", &decoded, &error), &error);
    expect_pixels(&decoded, false);
    fovea_image_release(&decoded);
}
END_TEST

START_TEST(spacing_eye_and_text_are_read) {
    const struct made_dicom_image image = {.spacing = "0.02\\0.01 ", .laterality = "L", .burnt_in = "YES"};
    made_dicom_image(&made, &image);
    made_dicom_pixels(&made, PIXELS, 1);
    struct fovea_image_facts facts = read_facts();
    ck_assert_uint_eq(facts.format, FOVEA_IMAGE_DICOM);
    ck_assert_uint_eq(facts.width, MADE_WIDTH);
    ck_assert_uint_eq(facts.height, MADE_HEIGHT);
    ck_assert_double_eq(facts.spacing_x_mm, 0.01);
    ck_assert_double_eq(facts.spacing_y_mm, 0.02);
    ck_assert_int_eq(facts.laterality, 'L');
    ck_assert(facts.burnt_in && !facts.spacing_unclear && !facts.laterality_unclear);

    const struct made_dicom_image nested = {.shared_spacing = "0.03\\0.03", .shared_laterality = "R"};
    made_dicom_image(&made, &nested);
    made_dicom_pixels(&made, PIXELS, 1);
    facts = read_facts();
    ck_assert_double_eq(facts.spacing_x_mm, 0.03);
    ck_assert_int_eq(facts.laterality, 'R');
    ck_assert(!facts.burnt_in);
}
END_TEST

START_TEST(what_contradicts_itself_is_not_known) {
    const struct made_dicom_image image = {
        .spacing = "0.01\\0.01", .shared_spacing = "0.02\\0.02", .laterality = "R", .shared_laterality = "L"};
    made_dicom_image(&made, &image);
    made_dicom_pixels(&made, PIXELS, 1);
    struct fovea_image_facts facts = read_facts();
    ck_assert(facts.spacing_unclear && facts.laterality_unclear);
    ck_assert_double_eq(facts.spacing_x_mm, 0);
    ck_assert_int_eq(facts.laterality, 0);
    static const char *const spacings[] = {"0\\0", "-1\\1", "a\\b", "1"};
    for (size_t i = 0; i < sizeof spacings / sizeof *spacings; i++) {
        made_dicom_image(&made, &(struct made_dicom_image){.spacing = spacings[i]});
        made_dicom_pixels(&made, PIXELS, 1);
        facts = read_facts();
        ck_assert_msg(facts.spacing_unclear, "%s", spacings[i]);
        ck_assert_double_eq(facts.spacing_x_mm, 0);
    }
}
END_TEST

struct refusal {
    struct made_dicom_image image;
    size_t pixels;
    enum fv_status status;
    const char *part;
};

static const struct refusal refusals[] = {
    {{.kind = "1.2.840.10008.5.1.4.1.1.77.1.5.4"}, PIXELS, FV_ERROR_UNSUPPORTED, "OphthalmicTomographyImageStorage"},
    {{.kind = "1.2.840.10008.5.1.4.1.1.104.1"}, PIXELS, FV_ERROR_UNSUPPORTED, "EncapsulatedPDFStorage"},
    {{.kind = ""}, PIXELS, FV_ERROR_UNSUPPORTED, "does not say"},
    {{.frames = "2"}, 2 * PIXELS, FV_ERROR_UNSUPPORTED, "2 frames"},
    {{.frames = "0"}, PIXELS, FV_ERROR_FORMAT, "0 frames"},
    {{.model = "PALETTE COLOR"}, PIXELS, FV_ERROR_UNSUPPORTED, "colour model"},
    {{.stored = 9}, PIXELS, FV_ERROR_UNSUPPORTED, "9 of 8 bits"},
    {{.allocated = 32}, PIXELS, FV_ERROR_UNSUPPORTED, "32 bits"},
    {{.width = 40000, .height = 40000}, PIXELS, FV_ERROR_UNSUPPORTED, "40000 x 40000"},
    {{.width = 0}, PIXELS - 2, FV_ERROR_FORMAT, "fewer pixels"},
    {{.syntax = "1.2.840.10008.1.2.1.99"}, PIXELS, FV_ERROR_UNSUPPORTED, "Deflated Explicit VR Little Endian"},
};

START_TEST(other_objects_are_refused_by_name) {
    made_dicom_image(&made, &refusals[_i].image);
    made_dicom_pixels(&made, refusals[_i].pixels, 1);
    refuse(refusals[_i].status, refusals[_i].part);
}
END_TEST

START_TEST(transfer_syntaxes_are_refused_by_name) {
    static const char *const syntaxes[][2] = {
        {"1.2.840.10008.1.2.4.90", "JPEG 2000"}, {"1.2.840.10008.1.2.4.70", "JPEG Lossless"},
        {"1.2.840.10008.1.2.4.80", "JPEG-LS"},   {"1.2.840.10008.1.2.4.51", "JPEG Extended"},
        {"1.2.840.10008.1.2.4.100", "MPEG2"},    {"1.2.3.4.5", "1.2.3.4.5"},
    };
    made_dicom_image(&made, &(struct made_dicom_image){.syntax = syntaxes[_i][0], .manufacturer = "Other"});
    made_dicom_open_pixels(&made);
    made_dicom_fragment(&made, "\xff\x4f\xff\x51", 4);
    made_dicom_close_sequence(&made);
    refuse(FV_ERROR_UNSUPPORTED, syntaxes[_i][0]);
    refuse(FV_ERROR_UNSUPPORTED, syntaxes[_i][1]);
}
END_TEST

START_TEST(scrambled_pixels_are_called_so) {
    const struct made_dicom_image image = {.syntax = "1.2.840.10008.1.2.4.90", .manufacturer = "Carl Zeiss Meditec"};
    made_dicom_image(&made, &image);
    made_dicom_open_pixels(&made);
    made_dicom_fragment(&made, "\x5a\x12\x34\x56\x78\x9a\xbc\xde", 8);
    made_dicom_close_sequence(&made);
    refuse(FV_ERROR_UNSUPPORTED, "vendor-obfuscated");
    made_dicom_image(&made, &image);
    made_dicom_open_pixels(&made);
    made_dicom_fragment(&made, "\xff\x4f\xff\x51", 4);
    made_dicom_close_sequence(&made);
    refuse(FV_ERROR_UNSUPPORTED, "transfer syntax");
}
END_TEST

START_TEST(deep_sequences_are_refused) {
    made_dicom_begin(&made, MADE_EXPLICIT, false);
    for (int i = 0; i < 1500; i++) {
        made_dicom_open_sequence(&made, 0x00081140U);
        made_dicom_open_item(&made);
    }
    refuse(FV_ERROR_FORMAT, "sequences in each other");
}
END_TEST

/* Elements go by their tags; some that do not are read all the same, many are none that a program wrote. */
START_TEST(order_is_not_left_to_chance) {
    const uint32_t late = _i == 0 ? 1000 : 1001;
    made_dicom_image(&made, &plain_images[0]);
    for (uint32_t i = 0; i <= late; i++) {
        made_dicom_text(&made, 0x3001ffffU - i, "LO", "");
    }
    made_dicom_pixels(&made, PIXELS, 1);
    if (_i == 0) {
        struct fovea_image decoded = decode();
        expect_pixels(&decoded, false);
        fovea_image_release(&decoded);
    } else {
        refuse(FV_ERROR_FORMAT, "out of order");
    }
}
END_TEST

/* Two whole files: uncompressed with groups, and RLE. */
static void make_sound(int which) {
    const struct made_dicom_image images[] = {{.spacing = "0.01\\0.01", .shared_spacing = "0.01\\0.01"},
                                              {.syntax = MADE_RLE, .laterality = "R"}};
    made_dicom_image(&made, &images[which]);
    if (which == 0) {
        made_dicom_pixels(&made, PIXELS, 1);
    } else {
        made_dicom_rle(&made, PIXELS, 1);
    }
}

START_TEST(truncated_files_are_refused) {
    make_sound(_i);
    for (size_t length = 0; length < made.size; length++) {
        uint8_t *part = check_allocate(length, 1);
        memcpy(part, made.bytes, length);
        struct fovea_image image;
        struct fv_error error;
        enum fv_status status = fovea_image_decode("part", part, length, &image, &error);
        ck_assert_msg(status == FV_ERROR_FORMAT || status == FV_ERROR_UNSUPPORTED, "cut to %zu of %zu: status %d",
                      length, made.size, status);
        free(part);
    }
}
END_TEST

START_TEST(damaged_files_do_no_harm) {
    make_sound(_i);
    uint8_t *copy = check_allocate(made.size, 1);
    uint64_t state = SEED;
    for (int round = 0; round < 2000; round++) {
        memcpy(copy, made.bytes, made.size);
        for (int flips = 0; flips < 1 + round % 4; flips++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            copy[128 + (state >> 33) % (made.size - 128)] ^= (uint8_t)(1U << (state >> 60 & 7));
        }
        struct fovea_image image;
        struct fv_error error;
        enum fv_status status = fovea_image_decode("damaged", copy, made.size, &image, &error);
        ck_assert(status == FV_OK || image.pixels.bytes == NULL);
        ck_assert(status == FV_OK || strstr(error.message, "Secret") == NULL);
        fovea_image_release(&image);
    }
    free(copy);
}
END_TEST

START_TEST(our_allocations_may_fail) {
    make_sound(_i);
    struct fovea_image image;
    struct fv_error error;
    enum fv_status status = FV_ERROR_MEMORY;
    for (long successes = 0; status != FV_OK && successes < 10; successes++) {
        fv_memory_fail_after(successes);
        status = fovea_image_decode("file", made.bytes, made.size, &image, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || status == FV_ERROR_MEMORY);
    }
    ck_assert_int_eq(status, FV_OK);
    fovea_image_release(&image);
}
END_TEST

/* A build without the library recognises the file and says what is missing. */
START_TEST(a_build_without_the_library_says_so) {
    made_dicom_image(&made, &plain_images[0]);
    made_dicom_pixels(&made, PIXELS, 1);
    refuse(FV_ERROR_UNSUPPORTED, "without the option dicom");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

int main(void) {
    const struct check_case absent[] = {{"not built", a_build_without_the_library_says_so, 0}};
    const struct check_case cases[] = {
        {"uncompressed", uncompressed_pixels_in_every_encoding, COUNT(plain_images)},
        {"compressed", rle_and_jpeg_frames, 0},
        {"twelve bits", twelve_bits_use_their_range, 4},
        {"high bits", bits_need_not_be_the_lowest, 0},
        {"frames", a_frame_is_chosen, 0},
        {"window", a_window_is_applied_and_said, 0},
        {"colours", colours_that_are_grey, 2},
        {"facts", spacing_eye_and_text_are_read, 0},
        {"contradictions", what_contradicts_itself_is_not_known, 0},
        {"refusals", other_objects_are_refused_by_name, COUNT(refusals)},
        {"transfer syntaxes", transfer_syntaxes_are_refused_by_name, 6},
        {"scrambled", scrambled_pixels_are_called_so, 0},
        {"order", order_is_not_left_to_chance, 2},
        {"deep", deep_sequences_are_refused, 0},
        {"truncated", truncated_files_are_refused, 2},
        {"damaged", damaged_files_do_no_harm, 2},
        {"allocations", our_allocations_may_fail, 2},
    };
    return fovea_dicom_is_built() ? check_run("dicom", cases, sizeof cases / sizeof *cases)
                                  : check_run("dicom", absent, 1);
}
