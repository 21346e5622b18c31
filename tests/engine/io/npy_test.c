/* .npy files: round trips, every element type, both orders, and files that must be refused (formats.md, group 23). */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fovea/memory.h"
#include "fovea/npy.h"
#include "suite.h"
#include "temporary_folder.h"

static char folder[TEMPORARY_FOLDER_SIZE], path[TEMPORARY_FOLDER_SIZE + 8];
static struct fv_error error;

static void make_path(void) {
    ck_assert(temporary_folder_make(NULL, folder));
    snprintf(path, sizeof path, "%s/a.npy", folder);
}

static void remove_path(void) {
    ck_assert(temporary_folder_remove(folder));
}

/* Writes a file of version `major` with this header and these data. */
static void put(int major, const char *header, const void *data, size_t size) {
    uint32_t length = (uint32_t)strlen(header);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fwrite("\x93NUMPY", 1, 6, file);
    fputc(major, file);
    fputc(0, file);
    fwrite(&length, 1, major == 1 ? 2 : 4, file);
    fwrite(header, 1, length, file);
    fwrite(data, 1, size, file);
    ck_assert_int_eq(fclose(file), 0);
}

#define HEADER(descr, order, shape) "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

START_TEST(arrays_survive) {
    static const size_t shape[] = {2, 3, 1, 2};
    float values[12];
    struct fv_npy array;
    for (int i = 0; i < 12; i++) {
        values[i] = (float)i * 0.3f - 1;
    }
    for (uint32_t rank = 0; rank <= 4; rank++) {
        size_t elements = 1;
        for (uint32_t i = 0; i < rank; i++) {
            elements *= shape[i];
        }
        ck_assert_int_eq(fv_npy_write(path, values, shape, rank, &error), FV_OK);
        ck_assert_int_eq(fv_npy_read(path, &array, &error), FV_OK);
        ck_assert_uint_eq(array.rank, rank);
        ck_assert_uint_eq(array.elements, elements);
        ck_assert_mem_eq(array.shape, shape, rank * sizeof *shape);
        ck_assert_mem_eq(array.values, values, elements * sizeof *values);
        fv_npy_clear(&array);
    }
    ck_assert_int_eq(fv_npy_write(path, values, shape, 9, &error), FV_ERROR_ARGUMENT);
}
END_TEST

/* numpy aligns the data to 64 bytes, and so do we. */
START_TEST(data_are_aligned) {
    static const size_t shape[] = {1};
    static const float value[] = {1};
    ck_assert_int_eq(fv_npy_write(path, value, shape, 1, &error), FV_OK);
    FILE *file = fopen(path, "rb");
    uint8_t bytes[200];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert_uint_eq(size % 64, 4);
    ck_assert_uint_eq(bytes[size - 5], '\n');
}
END_TEST

START_TEST(element_types_are_converted) {
    static const struct {
        const char *descr;
        uint8_t bytes[8];
        size_t size;
        float expected;
    } cases[] = {
        {"<f4", {0, 0, 0xC0, 0xBF}, 4, -1.5f},
        {">f4", {0xBF, 0xC0, 0, 0}, 4, -1.5f},
        {"<f8", {0, 0, 0, 0, 0, 0, 0xF8, 0xBF}, 8, -1.5f},
        {">f8", {0xBF, 0xF8, 0, 0, 0, 0, 0, 0}, 8, -1.5f},
        {"<f2", {0x00, 0xBE}, 2, -1.5f},
        {"|u1", {0xFE}, 1, 254},
        {"|i1", {0xFE}, 1, -2},
        {"|b1", {1}, 1, 1},
        {"<i2", {0xFE, 0xFF}, 2, -2},
        {"<u2", {0xFE, 0xFF}, 2, 65534},
        {">i4", {0xFF, 0xFF, 0xFF, 0xFE}, 4, -2},
        {"<u4", {1, 0, 1, 0}, 4, 65537},
        {"<i8", {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, 8, -2},
        {"<u8", {0, 0, 0, 0, 1, 0, 0, 0}, 8, 4294967296.0f},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        struct fv_npy array;
        snprintf(header, sizeof header, "{\"descr\":\"%s\",\"fortran_order\":False,\"shape\":()}", cases[i].descr);
        put(1 + (int)(i % 3), header, cases[i].bytes, cases[i].size);
        enum fv_status status = fv_npy_read(path, &array, &error);
        ck_assert_msg(status == FV_OK, "%s: %s", cases[i].descr, status == FV_OK ? "" : error.message);
        ck_assert_uint_eq(array.rank, 0);
        ck_assert_uint_eq(array.elements, 1);
        ck_assert_float_eq(array.values[0], cases[i].expected);
        fv_npy_clear(&array);
    }
}
END_TEST

START_TEST(fortran_order_is_transposed) {
    static const float stored[] = {1, 4, 2, 5, 3, 6};
    static const float expected[] = {1, 2, 3, 4, 5, 6};
    struct fv_npy array;
    put(1, HEADER("<f4", "True", "(2, 3)"), stored, sizeof stored);
    ck_assert_int_eq(fv_npy_read(path, &array, &error), FV_OK);
    ck_assert_mem_eq(array.values, expected, sizeof expected);
    fv_npy_clear(&array);
    put(1, HEADER("<f4", "True", "(0, 3)"), stored, 0);
    ck_assert_int_eq(fv_npy_read(path, &array, &error), FV_OK);
    ck_assert_uint_eq(array.elements, 0);
    fv_npy_clear(&array);
}
END_TEST

START_TEST(broken_files_are_refused) {
    static const struct {
        int major;
        const char *header;
        size_t size;
        enum fv_status status;
    } cases[] = {
        {1, HEADER("|O", "False", "(1,)"), 4, FV_ERROR_UNSUPPORTED},
        {1, HEADER("<c8", "False", "(1,)"), 8, FV_ERROR_UNSUPPORTED},
        {1, HEADER("<U4", "False", "(1,)"), 16, FV_ERROR_UNSUPPORTED},
        {1, HEADER("<f16", "False", "(1,)"), 16, FV_ERROR_UNSUPPORTED},
        {1, HEADER("<f1", "False", "(1,)"), 1, FV_ERROR_UNSUPPORTED},
        {1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, FV_ERROR_UNSUPPORTED},
        {1, HEADER("<f4", "False", "(1,1,1,1,1,1,1,1,1)"), 4, FV_ERROR_UNSUPPORTED},
        {1, HEADER("<f4", "False", "(2,)"), 4, FV_ERROR_FORMAT},
        {1, HEADER("<f4", "False", "(1,)"), 5, FV_ERROR_FORMAT},
        {1, HEADER("<f4", "False", "(4294967296, 4294967296, 4)"), 4, FV_ERROR_FORMAT},
        {1, HEADER("<f4", "False", "(99999999999999999999,)"), 4, FV_ERROR_FORMAT},
        {1, HEADER("<f4", "False", "(-1,)"), 4, FV_ERROR_FORMAT},
        {1, HEADER("<f4", "False", "(1)"), 4, FV_ERROR_FORMAT},
        {1, HEADER("<f4", "False", "(1,,)"), 4, FV_ERROR_FORMAT},
        {1, HEADER("<f4", "Maybe", "(1,)"), 4, FV_ERROR_FORMAT},
        {1, "{'descr': '<f4', 'fortran_order': False, }", 4, FV_ERROR_FORMAT},
        {1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, FV_ERROR_FORMAT},
        {1, "{'descr': '<f4', 'other': 1, 'fortran_order': False, 'shape': (1,)}", 4, FV_ERROR_FORMAT},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1", 4, FV_ERROR_FORMAT},
        {1, "{'descr': '<f4", 4, FV_ERROR_UNSUPPORTED},
        {1, "{", 4, FV_ERROR_FORMAT},
        {1, "", 4, FV_ERROR_FORMAT},
        {4, HEADER("<f4", "False", "(1,)"), 4, FV_ERROR_FORMAT},
        {0, HEADER("<f4", "False", "(1,)"), 4, FV_ERROR_FORMAT},
    };
    static const uint8_t zeros[16];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fv_npy array;
        put(cases[i].major, cases[i].header, zeros, cases[i].size);
        enum fv_status status = fv_npy_read(path, &array, &error);
        ck_assert_msg(status == cases[i].status, "case %zu: %s", i, fv_status_name(status));
        ck_assert_ptr_null(array.values);
        ck_assert_ptr_eq(strstr(error.message, path), error.message);
    }
}
END_TEST

/* Lengths of the header that go beyond the file are not believed. */
START_TEST(header_lengths_are_checked) {
    static const uint32_t lengths[] = {200, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF};
    static const float value[] = {1};
    struct fv_npy array;
    fv_memory_fail_above(1 << 16);
    for (size_t i = 0; i < 4; i++) {
        char expected[64];
        put(2, HEADER("<f4", "False", "(1,)"), value, sizeof value);
        FILE *file = fopen(path, "r+b");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fseek(file, 8, SEEK_SET), 0);
        ck_assert_uint_eq(fwrite(&lengths[i], 1, 4, file), 4);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(fv_npy_read(path, &array, &error), FV_ERROR_FORMAT);
        snprintf(expected, sizeof expected, "the header's length %u goes beyond the file's", lengths[i]);
        ck_assert_msg(strstr(error.message, expected) != NULL, "%s", error.message);
    }
    fv_memory_fail_above(SIZE_MAX);
}
END_TEST

START_TEST(no_prefix_is_accepted) {
    static const float values[] = {1, 2};
    char header[] = HEADER("<f4", "False", "(2,)");
    struct fv_npy array;
    put(2, header, values, sizeof values);
    FILE *file = fopen(path, "rb");
    uint8_t bytes[256];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t length = 0; length < size; length++) {
        file = fopen(path, "wb");
        fwrite(bytes, 1, length, file);
        fclose(file);
        ck_assert_int_eq(fv_npy_read(path, &array, &error), FV_ERROR_FORMAT);
    }
    ck_assert_int_eq(fv_npy_read("/nonexistent", &array, &error), FV_ERROR_FILE);
}
END_TEST

START_TEST(memory_may_fail) {
    static const float values[] = {1, 2};
    static const size_t shape[] = {2};
    struct fv_npy array;
    ck_assert_int_eq(fv_npy_write(path, values, shape, 1, &error), FV_OK);
    fv_memory_fail_after(0);
    ck_assert_int_eq(fv_npy_read(path, &array, &error), FV_ERROR_MEMORY);
    ck_assert_int_eq(fv_npy_write(path, values, shape, 1, &error), FV_ERROR_MEMORY);
    fv_memory_fail_after(-1);
    ck_assert_int_eq(fv_npy_read(path, &array, &error), FV_OK);
    fv_npy_clear(&array);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("npy");
    TCase *tests = tcase_create("npy");
    tcase_add_checked_fixture(tests, make_path, remove_path);
    tcase_add_test(tests, arrays_survive);
    tcase_add_test(tests, data_are_aligned);
    tcase_add_test(tests, element_types_are_converted);
    tcase_add_test(tests, fortran_order_is_transposed);
    tcase_add_test(tests, broken_files_are_refused);
    tcase_add_test(tests, header_lengths_are_checked);
    tcase_add_test(tests, no_prefix_is_accepted);
    tcase_add_test(tests, memory_may_fail);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
