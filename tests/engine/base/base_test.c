/* Status, memory, pools, names, text and files. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/names.h"
#include "fovea/pool.h"
#include "fovea/status.h"
#include "fovea/text.h"
#include "suite.h"
#include "temporary_folder.h"

START_TEST(messages_are_stored_and_cut) {
    struct fv_error error;
    char text[3000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(fv_error_set(NULL, FV_ERROR_FILE, "%s", text), FV_ERROR_FILE);
    ck_assert_int_eq(fv_error_set(&error, FV_ERROR_MODEL, "%s %d", "tensor", 7), FV_ERROR_MODEL);
    ck_assert_int_eq(error.status, FV_ERROR_MODEL);
    ck_assert_str_eq(error.message, "tensor 7");
    fv_error_set(&error, FV_ERROR_FORMAT, "%s", text);
    ck_assert_uint_eq(strlen(error.message), FV_MESSAGE_SIZE - 1);
    ck_assert_str_eq(error.message + FV_MESSAGE_SIZE - 5, "a...");
    ck_assert_str_eq(fv_status_name(FV_OK), "ok");
    ck_assert_str_eq(fv_status_name(FV_ERROR_CANCELLED), "cancelled");
}
END_TEST

START_TEST(sizes_do_not_overflow) {
    size_t result = 5;
    ck_assert(!fv_multiply(SIZE_MAX / 2 + 1, 2, &result));
    ck_assert(!fv_add(SIZE_MAX, 1, &result));
    ck_assert_uint_eq(result, 5);
    ck_assert(fv_multiply(SIZE_MAX, 0, &result) && result == 0);
    ck_assert_ptr_null(fv_allocate(SIZE_MAX / 4, 8));
    ck_assert_ptr_null(fv_allocate(SIZE_MAX, 1));
    ck_assert_ptr_null(fv_allocate_zero(SIZE_MAX - 10, 1));
}
END_TEST

START_TEST(blocks_are_aligned_and_keep_their_bytes) {
    for (size_t size = 0; size < 300; size += 37) {
        uint8_t *block = fv_allocate_zero(size, 1);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % FV_ALIGNMENT, 0);
        for (size_t i = 0; i < size; i++) {
            ck_assert_uint_eq(block[i], 0);
            block[i] = (uint8_t)i;
        }
        uint8_t *grown = fv_reallocate(block, size, 2 * size + 1, 1);
        ck_assert_ptr_nonnull(grown);
        for (size_t i = 0; i < size; i++) {
            ck_assert_uint_eq(grown[i], (uint8_t)i);
        }
        fv_release(grown);
    }
    fv_release(NULL);
}
END_TEST

START_TEST(allocations_fail_when_told) {
    fv_memory_fail_after(2);
    void *first = fv_allocate(1, 1);
    char *second = fv_duplicate("text");
    void *third = fv_allocate(1, 1);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(third);
    ck_assert_ptr_null(fv_reallocate(first, 1, 2, 1));
    fv_memory_fail_after(-1);
    third = fv_allocate(1, 1);
    ck_assert_ptr_nonnull(third);
    ck_assert_str_eq(second, "text");
    fv_memory_fail_above(100);
    ck_assert_ptr_null(fv_allocate(101, 1));
    ck_assert_ptr_null(fv_reallocate(first, 1, 26, 4));
    fv_release(third);
    third = fv_allocate(25, 4);
    ck_assert_ptr_nonnull(third);
    fv_memory_fail_above(SIZE_MAX);
    fv_release(first);
    fv_release(second);
    fv_release(third);
}
END_TEST

START_TEST(pool_hands_out_zeroed_blocks) {
    struct fv_pool pool = {0};
    for (size_t size = 0; size < 5000; size += 97) {
        uint8_t *block = fv_pool_take(&pool, size, 1);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % sizeof(void *), 0);
        for (size_t i = 0; i < size; i++) {
            ck_assert_uint_eq(block[i], 0);
        }
        memset(block, 0xFF, size);
    }
    uint8_t *large = fv_pool_take(&pool, 1 << 22, 1);
    ck_assert_ptr_nonnull(large);
    memset(large, 0xFF, 1 << 22);
    ck_assert_str_eq(fv_pool_text(&pool, "abcdef", 3), "abc");
    ck_assert_ptr_null(fv_pool_take(&pool, SIZE_MAX, 2));
    ck_assert_ptr_null(fv_pool_take(&pool, SIZE_MAX, 1));
    fv_pool_clear(&pool);
    pool.limit = 100;
    ck_assert_ptr_nonnull(fv_pool_take(&pool, 64, 1));
    ck_assert_ptr_null(fv_pool_take(&pool, 64, 1));
    fv_pool_clear(&pool);
    ck_assert_uint_eq(pool.limit, 100);
}
END_TEST

START_TEST(names_are_found) {
    enum { COUNT = 5000 };
    static char text[COUNT][16];
    struct fv_names names = {0};
    size_t value = 0;
    ck_assert(!fv_names_find(&names, "a", &value));
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(text[i], sizeof text[i], "name.%zu", i);
        ck_assert(!fv_names_find(&names, text[i], NULL));
        ck_assert(fv_names_add(&names, text[i], i));
    }
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert(fv_names_find(&names, text[i], &value));
        ck_assert_uint_eq(value, i);
    }
    ck_assert(!fv_names_find(&names, "name.", &value));
    fv_names_clear(&names);
    ck_assert(!fv_names_find(&names, "name.1", &value));
}
END_TEST

START_TEST(utf8_is_checked) {
    static const char *const good[] = {"",
                                       "a",
                                       "\x7F",
                                       "\xC2\x80",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xC2\x41",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "a\xE2\x82"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(fv_utf8_valid(good[i], strlen(good[i])), "%zu", i);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!fv_utf8_valid(bad[i], strlen(bad[i])), "%zu", i);
    }
    ck_assert(!fv_utf8_valid("a\0b", 3));
    ck_assert_str_eq(fv_path_basename("a/b/c"), "c");
    ck_assert_str_eq(fv_path_basename("c"), "c");
    char *text = fv_text_format("%s-%d", "a", 3);
    ck_assert_str_eq(text, "a-3");
    fv_release(text);
}
END_TEST

static char folder[TEMPORARY_FOLDER_SIZE];

static void make_folder(void) {
    ck_assert(temporary_folder_make(NULL, folder));
}

static void remove_folder(void) {
    ck_assert(temporary_folder_remove(folder));
}

static size_t files_in_folder(void) {
    return temporary_folder_count(folder, "");
}

START_TEST(outputs_appear_complete_or_not_at_all) {
    char path[96];
    struct fv_error error;
    struct fv_output *output;
    struct fv_mapping mapping;
    static uint8_t bytes[300000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    snprintf(path, sizeof path, "%s/output", folder);
    ck_assert_int_eq(fv_output_create(path, &output, &error), FV_OK);
    for (size_t at = 0, step = 1; at < sizeof bytes; at += step, step = step * 3 + 1) {
        step = step < sizeof bytes - at ? step : sizeof bytes - at;
        ck_assert_int_eq(fv_output_write(output, bytes + at, step, &error), FV_OK);
    }
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_int_eq(fv_output_finish(output, &error), FV_OK);
    ck_assert_uint_eq(files_in_folder(), 1);
    /* A second writer that gives up leaves the first file as it is. */
    ck_assert_int_eq(fv_output_create(path, &output, &error), FV_OK);
    ck_assert_int_eq(fv_output_write(output, "x", 1, &error), FV_OK);
    fv_output_abandon(output);
    ck_assert_uint_eq(files_in_folder(), 1);
    ck_assert_int_eq(fv_file_map(path, &mapping, &error), FV_OK);
    ck_assert_uint_eq(mapping.size, sizeof bytes);
    ck_assert_mem_eq(mapping.bytes, bytes, sizeof bytes);
    fv_file_forget(&mapping, 1000, 200000);
    fv_file_forget(&mapping, SIZE_MAX, 1);
    ck_assert_mem_eq(mapping.bytes, bytes, sizeof bytes);
    fv_file_unmap(&mapping);
    fv_file_unmap(&mapping);
}
END_TEST

/* Whether files without a name can be made there. */
static bool has_nameless_files(void) {
    int descriptor = open(folder, O_WRONLY | O_TMPFILE, 0600);
    if (descriptor >= 0) {
        close(descriptor);
    }
    return descriptor >= 0;
}

START_TEST(killed_writers_leave_nothing) {
    char path[96];
    struct fv_error error;
    struct fv_output *output;
    static const uint8_t bytes[300000];
    if (!has_nameless_files()) {
        printf("skipped: the file system of %s has no files without a name\n", folder);
        return;
    }
    snprintf(path, sizeof path, "%s/output", folder);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)fv_output_create(path, &output, &error);
        (void)fv_output_write(output, bytes, sizeof bytes, &error);
        raise(SIGKILL);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_uint_eq(files_in_folder(), 0);
}
END_TEST

/* A disk that is full: the file may not grow beyond a limit. */
START_TEST(full_disks_leave_nothing) {
    char path[96];
    struct fv_error error;
    struct fv_output *output;
    static const uint8_t bytes[300000];
    struct rlimit before;
    snprintf(path, sizeof path, "%s/output", folder);
    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100000, before.rlim_max}), 0);
    ck_assert_int_eq(fv_output_create(path, &output, &error), FV_OK);
    ck_assert_int_eq(fv_output_write(output, bytes, sizeof bytes, &error), FV_ERROR_FILE);
    ck_assert_ptr_eq(strstr(error.message, path), error.message);
    fv_output_abandon(output);
    ck_assert_uint_eq(files_in_folder(), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
}
END_TEST

START_TEST(files_that_cannot_be_used_are_named) {
    char path[96];
    struct fv_error error;
    struct fv_output *output;
    struct fv_mapping mapping;
    snprintf(path, sizeof path, "%s/absent", folder);
    ck_assert_int_eq(fv_file_map(path, &mapping, &error), FV_ERROR_FILE);
    ck_assert_ptr_nonnull(strstr(error.message, path));
    ck_assert_int_eq(fv_file_map(folder, &mapping, &error), FV_ERROR_FILE);
    ck_assert_ptr_nonnull(strstr(error.message, "is a folder"));
    ck_assert_int_eq(fv_file_map("/dev/null", &mapping, &error), FV_ERROR_FILE);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(fv_file_map(path, &mapping, &error), FV_ERROR_FILE);
    ck_assert_int_eq(fv_output_create(path, &output, &error), FV_ERROR_FILE);
    ck_assert_int_eq(fv_output_create("/dev/null", &output, &error), FV_ERROR_FILE);
    ck_assert_int_eq(fv_output_create(folder, &output, &error), FV_ERROR_FILE);
    snprintf(path, sizeof path, "%s/absent folder/file", folder);
    ck_assert_int_eq(fv_output_create(path, &output, &error), FV_ERROR_FILE);
    ck_assert_ptr_null(output);
    fv_output_abandon(NULL);
    snprintf(path, sizeof path, "%s/empty", folder);
    ck_assert_int_eq(fv_output_create(path, &output, &error), FV_OK);
    ck_assert_int_eq(fv_output_finish(output, &error), FV_OK);
    ck_assert_int_eq(fv_file_map(path, &mapping, &error), FV_OK);
    ck_assert_uint_eq(mapping.size, 0);
    ck_assert_ptr_nonnull(mapping.bytes);
    fv_file_unmap(&mapping);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    tcase_add_test(tests, messages_are_stored_and_cut);
    tcase_add_test(tests, sizes_do_not_overflow);
    tcase_add_test(tests, blocks_are_aligned_and_keep_their_bytes);
    tcase_add_test(tests, allocations_fail_when_told);
    tcase_add_test(tests, pool_hands_out_zeroed_blocks);
    tcase_add_test(tests, names_are_found);
    tcase_add_test(tests, utf8_is_checked);
    suite_add_tcase(suite, tests);
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, make_folder, remove_folder);
    tcase_add_test(files, outputs_appear_complete_or_not_at_all);
    tcase_add_test(files, killed_writers_leave_nothing);
    tcase_add_test(files, full_disks_leave_nothing);
    tcase_add_test(files, files_that_cannot_be_used_are_named);
    suite_add_tcase(suite, files);
    return suite_run(suite);
}
