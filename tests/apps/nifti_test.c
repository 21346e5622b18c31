/* NIfTI files of labels: what is written byte by byte, and what is refused when it is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "checks.h"
#include "fovea/memory.h"
#include "image/nifti.h"
#include "support.h"

enum { DATA = 352, WIDTH = 5, HEIGHT = 3 };

/* Grey, 2 channels of 8 bits, or of 16. */
static struct fovea_image make_image(uint32_t channels, uint32_t bits) {
    struct fovea_image image;
    ck_assert_int_eq(fovea_image_create(WIDTH, HEIGHT, channels, bits, &image, NULL), FV_OK);
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT * channels; i++) {
        if (bits == 16) {
            image.pixels.u16[i] = (uint16_t)(i * 1000 + 7);
        } else {
            image.pixels.u8[i] = (uint8_t)(i * 3 + 1);
        }
    }
    return image;
}

/* The decompressed file; the caller frees it. */
static uint8_t *unpack(const char *path, size_t size) {
    uint8_t *bytes = malloc(size + 1);
    gzFile file = gzopen(path, "rb");
    ck_assert(bytes != NULL && file != NULL);
    ck_assert_int_eq(gzread(file, bytes, (unsigned)size + 1), (int)size);
    gzclose(file);
    return bytes;
}

static void pack(const char *path, const uint8_t *bytes, size_t size) {
    gzFile file = gzopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, bytes, (unsigned)size), (int)size);
    gzclose(file);
}

START_TEST(writes_a_channel) {
    uint32_t bits = _i == 0 ? 8 : 16;
    const char *folder = support_make_folder(), *path = support_path(folder, "a.nii.gz");
    struct fovea_image image = make_image(2, bits);
    ck_assert_int_eq(fovea_nifti_write(path, &image, 1, NULL), FV_OK);
    uint8_t *bytes = unpack(path, DATA + (size_t)WIDTH * HEIGHT * bits / 8);
    static const uint8_t dim[] = {3, 0, WIDTH, 0, HEIGHT, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0};
    ck_assert_mem_eq(bytes + 40, dim, sizeof dim);
    ck_assert_int_eq(bytes[70] + 256 * bytes[71], bits == 8 ? 2 : 512);
    ck_assert_uint_eq(bytes[72], bits);
    ck_assert_mem_eq(bytes + 344, "n+1", 4);
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
        size_t at = DATA + i * bits / 8;
        uint32_t found = bits == 8 ? bytes[at] : bytes[at] + 256U * bytes[at + 1];
        ck_assert_uint_eq(found, bits == 8 ? image.pixels.u8[2 * i + 1] : image.pixels.u16[2 * i + 1]);
    }
    free(bytes);
    fovea_image_release(&image);
    support_remove_folder(folder);
}
END_TEST

START_TEST(reads_what_it_wrote) {
    const char *folder = support_make_folder(), *path = support_path(folder, "a.nii.gz");
    struct fovea_image image = make_image(1, 8), back;
    struct fv_error error = {0};
    ck_assert_int_eq(fovea_nifti_write(path, &image, 0, NULL), FV_OK);
    check_success(fovea_nifti_read(path, &back, &error), &error);
    ck_assert(back.width == WIDTH && back.height == HEIGHT && back.channels == 1 && back.bits == 8);
    ck_assert_mem_eq(back.pixels.u8, image.pixels.u8, WIDTH * HEIGHT);
    fovea_image_release(&back);
    fovea_image_release(&image);
    support_remove_folder(folder);
}
END_TEST

static const struct {
    size_t at;
    uint8_t value;
    enum fv_status status;
    const char *message;
} changes[] = {
    {0, 91, FV_ERROR_FORMAT, "little-endian NIfTI-1 header"},
    {345, 'i', FV_ERROR_FORMAT, "NIfTI-1 header"},
    {70, 4, FV_ERROR_UNSUPPORTED, "found type 4"},
    {46, 2, FV_ERROR_UNSUPPORTED, "one slice"},
    {40, 9, FV_ERROR_UNSUPPORTED, "one slice"},
    {110, 0, FV_ERROR_UNSUPPORTED, "right after the header"},
    {115, 64, FV_ERROR_UNSUPPORTED, "unscaled"},
    {119, 63, FV_ERROR_UNSUPPORTED, "unscaled"},
    {42, 0, FV_ERROR_FORMAT, "empty"},
    {43, 127, FV_ERROR_UNSUPPORTED, "the limit is"},
    {44, HEIGHT + 1, FV_ERROR_FORMAT, "ends before its 5 x 4 labels"},
};
enum { CHANGES = sizeof changes / sizeof *changes };

START_TEST(refuses_other_files) {
    const char *folder = support_make_folder(), *path = support_path(folder, "a.nii.gz");
    struct fovea_image image = make_image(1, 8), back;
    struct fv_error error = {0};
    ck_assert_int_eq(fovea_nifti_write(path, &image, 0, NULL), FV_OK);
    size_t size = DATA + WIDTH * HEIGHT;
    uint8_t *bytes = unpack(path, size);
    bytes[changes[_i].at] = changes[_i].value;
    pack(path, bytes, size);
    check_failure(fovea_nifti_read(path, &back, &error), &error, changes[_i].status, changes[_i].message);
    ck_assert_ptr_nonnull(strstr(error.message, "a.nii.gz"));
    ck_assert_ptr_null(back.pixels.bytes);
    free(bytes);
    fovea_image_release(&image);
    support_remove_folder(folder);
}
END_TEST

START_TEST(refuses_what_is_no_gzip_file) {
    const char *folder = support_make_folder(), *path = support_path(folder, "a.nii.gz");
    struct fovea_image back;
    struct fv_error error = {0};
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(_i == 0 ? "" : "plain text", file);
    fclose(file);
    check_failure(fovea_nifti_read(path, &back, &error), &error, FV_ERROR_FORMAT, "expected a gzip-compressed");
    check_failure(fovea_nifti_read(support_path(folder, "none.nii.gz"), &back, &error), &error, FV_ERROR_FILE,
                  "none.nii.gz");
    support_remove_folder(folder);
}
END_TEST

START_TEST(memory_may_run_out_anywhere) {
    const char *folder = support_make_folder(), *path = support_path(folder, "a.nii.gz");
    struct fovea_image image = make_image(1, 8), back;
    bool done = false;
    for (long successes = 0; !done && successes < 100; successes++) {
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_nifti_write(path, &image, 0, NULL);
        fv_memory_fail_after(-1);
        done = status == FV_OK;
        ck_assert(done || status == FV_ERROR_MEMORY);
        ck_assert_uint_eq(support_count_entries(folder), done ? 1 : 0);
    }
    ck_assert(done);
    for (done = false; !done;) {
        static long successes;
        fv_memory_fail_after(successes++);
        enum fv_status status = fovea_nifti_read(path, &back, NULL);
        fv_memory_fail_after(-1);
        done = status == FV_OK;
        ck_assert_msg(done || (status == FV_ERROR_MEMORY && back.pixels.bytes == NULL), "status %d", (int)status);
        ck_assert_int_lt(successes, 100);
    }
    fovea_image_release(&back);
    fovea_image_release(&image);
    support_remove_folder(folder);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"writing", writes_a_channel, 2},           {"reading", reads_what_it_wrote, 0},
        {"refusing", refuses_other_files, CHANGES}, {"no gzip", refuses_what_is_no_gzip_file, 2},
        {"memory", memory_may_run_out_anywhere, 0},
    };
    return check_run("nifti", cases, sizeof cases / sizeof cases[0]);
}
