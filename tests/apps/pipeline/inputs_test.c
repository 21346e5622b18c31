/* Which files a command takes, and what their outputs are called. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/memory.h"
#include "pipeline/inputs.h"
#include "suite.h"
#include "support.h"

enum { NAMES_MAX = 8 };

/* Names the outputs of `names`, which are sorted, and compares with `stems`. */
static void expect_stems(const char *const *names, const char *const *stems, size_t count) {
    struct fovea_inputs inputs = {0};
    struct fv_error error = {0};
    inputs.items = fv_allocate_zero(NAMES_MAX, sizeof *inputs.items);
    inputs.count = count;
    for (size_t i = 0; i < count; i++) {
        inputs.items[i].name = names[i];
    }
    ck_assert_int_eq(fovea_inputs_name_outputs(&inputs, &error), FV_OK);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(inputs.items[i].stem, stems[i]);
    }
    fovea_inputs_clear(&inputs);
}

START_TEST(test_names_lose_their_last_suffix_only) {
    const char *const names[] = {".hidden", "a.b.png", "plain", "sub.folder/scan", "x/y/z.tif"};
    const char *const stems[] = {".hidden", "a.b", "plain", "sub.folder/scan", "x/y/z"};
    expect_stems(names, stems, 5);
}
END_TEST

START_TEST(test_names_that_would_collide_keep_their_suffixes) {
    const char *const names[] = {"a.jpg", "a.png", "b.png", "sub/a.png"};
    const char *const stems[] = {"a.jpg", "a.png", "b", "sub/a"};
    expect_stems(names, stems, 4);
}
END_TEST

START_TEST(test_a_kept_suffix_may_collide_in_turn) {
    const char *const names[] = {"a.jpg", "a.png", "a.png.tif"};
    const char *const stems[] = {"a.jpg", "a.png", "a.png.tif"};
    expect_stems(names, stems, 3);
}
END_TEST

START_TEST(test_equal_names_are_numbered) {
    const char *const names[] = {"a.png", "a.png", "a.png", "a.png-2.jpg"};
    const char *const stems[] = {"a.png", "a.png-3", "a.png-4", "a.png-2"};
    expect_stems(names, stems, 4);
}
END_TEST

START_TEST(test_long_names_are_cut_and_hashed) {
    char first[256], second[256];
    memset(first, 'x', 252);
    strcpy(first + 248, ".png");
    memcpy(second, first, sizeof first);
    second[240] = 'y';
    struct fovea_inputs inputs = {0};
    struct fv_error error = {0};
    inputs.items = fv_allocate_zero(3, sizeof *inputs.items);
    inputs.count = 3;
    char longest[256];
    memset(longest, 'x', 255);
    longest[255] = '\0'; /* without a suffix: too long for ".nii.gz" */
    inputs.items[0].name = first;
    inputs.items[1].name = second;
    inputs.items[2].name = longest;
    ck_assert_int_eq(fovea_inputs_name_outputs(&inputs, &error), FV_OK);
    ck_assert_uint_eq(strlen(inputs.items[0].stem), 248);
    ck_assert_int_eq(strncmp(inputs.items[0].stem, first, 248), 0);
    ck_assert_uint_eq(strlen(inputs.items[2].stem), 248);
    ck_assert_int_eq(inputs.items[2].stem[248 - 17], '-');
    ck_assert_str_ne(inputs.items[0].stem, inputs.items[1].stem);
    ck_assert_str_ne(inputs.items[0].stem, inputs.items[2].stem);
    fovea_inputs_clear(&inputs);
}
END_TEST

static void write_file(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* A folder with images, others, hidden ones, and one that links to itself. */
static const char *make_tree(void) {
    const char *folder = support_make_folder();
    ck_assert_int_eq(mkdir(support_path(folder, "sub"), 0777), 0);
    ck_assert_int_eq(mkdir(support_path(folder, "out"), 0777), 0);
    ck_assert_int_eq(mkdir(support_path(folder, "out/masks"), 0777), 0);
    write_file(support_path(folder, "b.PNG"), "", 0);
    write_file(support_path(folder, "table.csv"), "a,b\n", 4);
    write_file(support_path(folder, ".hidden.png"), "", 0);
    write_file(support_path(folder, "sub/unnamed"), "\xff\xd8\xff\xe0", 4);
    write_file(support_path(folder, "sub/a \"quoted\"\n.tif"), "", 0);
    write_file(support_path(folder, "out/masks/b.png"), "", 0);
    ck_assert_int_eq(symlink("..", support_path(folder, "sub/loop")), 0);
    return folder;
}

START_TEST(test_folders_give_images_by_name_or_content) {
    const char *folder = make_tree();
    struct fovea_inputs inputs;
    struct fv_error error = {0};
    ck_assert_int_eq(fovea_inputs_collect(&folder, 1, NULL, support_path(folder, "out"), &inputs, &error), FV_OK);
    ck_assert_uint_eq(inputs.count, 3);
    ck_assert_str_eq(inputs.items[0].name, "b.PNG");
    ck_assert_str_eq(inputs.items[1].name, "sub/a \"quoted\"\n.tif");
    ck_assert_str_eq(inputs.items[2].name, "sub/unnamed");
    ck_assert_str_eq(inputs.items[2].stem, "sub/unnamed");
    ck_assert_uint_eq(inputs.ignored, 1);
    fovea_inputs_clear(&inputs);
    support_remove_folder(folder);
}
END_TEST

/* Files of a DICOM medium often have names without a suffix; its index is no image. */
START_TEST(test_dicom_files_are_known_by_content) {
    const char *folder = support_make_folder();
    static const char bytes[132] = {[128] = 'D', 'I', 'C', 'M'};
    write_file(support_path(folder, "IM000001"), bytes, sizeof bytes);
    write_file(support_path(folder, "DICOMDIR"), bytes, sizeof bytes);
    write_file(support_path(folder, "damaged.DCM"), "", 0);
    struct fovea_inputs inputs;
    struct fv_error error = {0};
    ck_assert_int_eq(fovea_inputs_collect(&folder, 1, NULL, NULL, &inputs, &error), FV_OK);
    ck_assert_uint_eq(inputs.count, 2);
    ck_assert_str_eq(inputs.items[0].name, "IM000001");
    ck_assert_str_eq(inputs.items[1].name, "damaged.DCM");
    ck_assert_uint_eq(inputs.ignored, 1);
    fovea_inputs_clear(&inputs);
    support_remove_folder(folder);
}
END_TEST

START_TEST(test_no_file_is_taken_twice) {
    const char *folder = make_tree();
    const char *operands[] = {folder, support_path(folder, "b.PNG"), support_path(folder, "sub/../b.PNG")};
    struct fovea_inputs inputs;
    struct fv_error error = {0};
    ck_assert_int_eq(fovea_inputs_collect(operands, 3, NULL, support_path(folder, "out"), &inputs, &error), FV_OK);
    ck_assert_uint_eq(inputs.count, 3);
    fovea_inputs_clear(&inputs);
    support_remove_folder(folder);
}
END_TEST

START_TEST(test_lists_count_from_their_own_folder) {
    const char *folder = make_tree();
    static const char text[] = "b.PNG\r\n\n./sub/unnamed\nsub\nnot there.png";
    const char *list = support_path(folder, "list.txt");
    write_file(list, text, sizeof text - 1);
    struct fovea_inputs inputs;
    struct fv_error error = {0};
    ck_assert_int_eq(fovea_inputs_collect(NULL, 0, list, support_path(folder, "out"), &inputs, &error), FV_OK);
    ck_assert_uint_eq(inputs.count, 4);
    ck_assert_str_eq(inputs.items[0].name, "b.PNG");
    ck_assert_str_eq(inputs.items[1].name, "not there.png");
    ck_assert(inputs.items[1].missing);
    ck_assert_str_eq(inputs.items[3].name, "sub/unnamed");
    fovea_inputs_clear(&inputs);
    support_remove_folder(folder);
}
END_TEST

START_TEST(test_memory_may_run_out_anywhere) {
    const char *folder = make_tree();
    bool done = false;
    for (long successes = 0; !done && successes < 1000; successes++) {
        struct fovea_inputs inputs;
        struct fv_error error = {0};
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_inputs_collect(&folder, 1, NULL, NULL, &inputs, &error);
        fv_memory_fail_after(-1);
        done = status == FV_OK;
        ck_assert(done || status == FV_ERROR_MEMORY);
        fovea_inputs_clear(&inputs);
    }
    ck_assert(done);
    support_remove_folder(folder);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("inputs");
    TCase *rules = tcase_create("rules");
    tcase_add_test(rules, test_names_lose_their_last_suffix_only);
    tcase_add_test(rules, test_names_that_would_collide_keep_their_suffixes);
    tcase_add_test(rules, test_a_kept_suffix_may_collide_in_turn);
    tcase_add_test(rules, test_equal_names_are_numbered);
    tcase_add_test(rules, test_long_names_are_cut_and_hashed);
    tcase_add_test(rules, test_folders_give_images_by_name_or_content);
    tcase_add_test(rules, test_dicom_files_are_known_by_content);
    tcase_add_test(rules, test_no_file_is_taken_twice);
    tcase_add_test(rules, test_lists_count_from_their_own_folder);
    tcase_add_test(rules, test_memory_may_run_out_anywhere);
    suite_add_tcase(suite, rules);
    return suite_run(suite);
}
