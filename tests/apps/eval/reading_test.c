/* Tables, masks and folders as they are found: what is read, what is paired, what is told of the rest. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "eval/eval.h"
#include "eval/grade_table.h"
#include "eval/nifti.h"
#include "fovea/memory.h"
#include "suite.h"
#include "support.h"

static const char *folder;

static void check_success(enum fv_status status, const struct fv_error *error) {
    ck_assert_msg(status == FV_OK, "failed (%s): %s", fv_status_name(status), error->message);
}

static void check_failure(enum fv_status status, const struct fv_error *error, enum fv_status expected,
                          const char *part) {
    ck_assert_msg(status == expected, "status %s, expected %s: %s", fv_status_name(status), fv_status_name(expected),
                  error->message);
    ck_assert_msg(strstr(error->message, part) != NULL, "the message \"%s\" does not say \"%s\"", error->message, part);
}

static const char *write_bytes(const char *name, const void *bytes, size_t size) {
    const char *path = support_path(folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
    return path;
}

static const char *write_text(const char *name, const char *text) {
    return write_bytes(name, text, strlen(text));
}

static void expect_failure(const struct fovea_failures *failures, size_t index, const char *image, size_t line,
                           const char *reason) {
    ck_assert_msg(index < failures->count, "only %zu failures, expected '%s'", failures->count, reason);
    const struct fovea_failure *failure = &failures->items[index];
    ck_assert_str_eq(failure->image, image);
    ck_assert_uint_eq(failure->line, line);
    ck_assert_msg(strstr(failure->reason, reason) != NULL, "'%s' does not say '%s'", failure->reason, reason);
}

START_TEST(rows_that_cannot_be_used) {
    folder = support_make_folder();
    const char *path = write_text("p.csv", "\xef\xbb\xbf"
                                           "p_outstanding,p_gradable,p_ungradable,Grade, file ,status,reason\r\n"
                                           ".1,.2,.7,ungradable,\"a, one.png\",ok,\r\n" /* 2 */
                                           ".1,.2,.7,best,b.png,ok,\r\n"
                                           ",,,,c.png,failed,too dark\r\n" /* 4 */
                                           ".1,.2,.6,0,d.png,ok,\r\n"
                                           ".1,.2,1.7,0,e.png,ok,\r\n" /* 6 */
                                           ".1,.2,.7,0,f.png,ok\r\n"
                                           ".1,.2,.7,0,,ok,\r\n" /* 8 */
                                           ".1,.2,.7,0,\"g\"x,ok,\r\n"
                                           ".8,.1,.1,2.0,h.png,ok,\r\n"); /* 10 */
    struct fovea_grade_table table;
    struct fovea_failures failures = {0};
    struct fv_error error;
    check_success(fovea_grade_table_read(path, true, &table, &failures, &error), &error);
    ck_assert(table.probabilities && !table.published);
    ck_assert_uint_eq(table.count, 9);
    ck_assert_str_eq(table.entries[0].name, "a, one.png");
    ck_assert(table.entries[0].usable && table.rows[0].grade == 0 && table.rows[0].probability[0] == 0.7);
    ck_assert(table.entries[8].usable && table.rows[8].grade == 2 && table.rows[8].probability[2] == 0.8);
    ck_assert_uint_eq(failures.count, 7);
    expect_failure(&failures, 0, "b.png", 3, "the grade is 'best'");
    expect_failure(&failures, 1, "c.png", 4, "it has no grade; its status is failed: too dark");
    expect_failure(&failures, 2, "d.png", 5, "add up to 0.9");
    expect_failure(&failures, 3, "e.png", 6, "the probability of ungradable is '1.7'");
    expect_failure(&failures, 4, "", 7, "expected 7 fields, found 6");
    expect_failure(&failures, 5, "", 8, "the name of the image is blank");
    expect_failure(&failures, 6, "", 9, "text follows a quoted field");
    ck_assert_str_eq(failures.items[0].file, "p.csv");
    fovea_failures_clear(&failures);
    fovea_grade_table_clear(&table);
    support_remove_folder(folder);
}
END_TEST

START_TEST(tables_that_cannot_be_used) {
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "t.csv: the table is empty"},
        {"image,grade\na,0\n", "there is no column 'file'"},
        {"file,score\na,0\n", "there is no column 'grade'"},
        {"file,grade,file\na,0,b\n", "t.csv, line 1: the column 'file' is there twice"},
        {"\nfile,grade,p_gradable\na,0,1\n", "t.csv, line 2"},
        {"file,grade\n\"a,0\n", "t.csv, line 2: a quoted field begins here"},
    };
    folder = support_make_folder();
    struct fovea_grade_table table;
    struct fovea_failures failures = {0};
    struct fv_error error;
    check_failure(fovea_grade_table_read(write_text("t.csv", cases[_i].text), true, &table, &failures, &error), &error,
                  FV_ERROR_FORMAT, cases[_i].message);
    check_failure(fovea_grade_table_read(support_path(folder, "none.csv"), true, &table, &failures, &error), &error,
                  FV_ERROR_FILE, "none.csv");
    support_remove_folder(folder);
}
END_TEST

/* The published program: no header, a space before the label, nothing quoted, rows again after a second run. */
START_TEST(published_tables) {
    folder = support_make_folder();
    struct fovea_eval_source source = {
        .name = "set",
        .predicted = write_text("p.csv", "/data/x/processed_OCTA_images/0/a.png, 0\n/data/x/0/b, 2.png, 2\n"
                                         "/data/x/0/c.png, 1\n/data/x/processed_OCTA_images/0/a.png, 0\n"
                                         "/data/x/0/c.png, 2\nC:\\x\\d.png, 1\n/data/x/0/e.png, 1\n"),
        .reference = write_text("l.csv", "label;file\nungradable;a.jpg\n2;\"b, 2.tif\"\n1;c.jpg\n1;d.jpg\n0;f.jpg\n"),
    };
    struct fovea_eval_options options = {.kind = FOVEA_EVAL_GRADES};
    struct fovea_eval_set set;
    struct fv_error error;
    check_success(fovea_eval_grades(&options, &source, &set, &error), &error);
    ck_assert_int_eq(set.match, FOVEA_MATCH_BASE);
    ck_assert_uint_eq(set.count, 3);
    ck_assert_str_eq(set.grades[1].name, "b, 2.tif");
    ck_assert_uint_eq(set.classification.confusion[0][0], 1);
    ck_assert_uint_eq(set.classification.confusion[1][1], 1);
    ck_assert_uint_eq(set.classification.confusion[2][2], 1);
    ck_assert_uint_eq(set.failures.count, 4);
    expect_failure(&set.failures, 0, "a.png", 4, "repeats line 1, which is used");
    expect_failure(&set.failures, 1, "c.png", 5, "differs from line 3: neither is used");
    expect_failure(&set.failures, 2, "f.jpg", 6, "no prediction for it in p.csv");
    expect_failure(&set.failures, 3, "e.png", 7, "no reference for it in l.csv");
    ck_assert_uint_eq(set.notes.count, 1); /* no probabilities */
    ck_assert(isnan(set.classification.macro_auc));
    fovea_eval_set_clear(&set);
    support_remove_folder(folder);
}
END_TEST

START_TEST(keys_of_names) {
    static const struct {
        enum fovea_match_rule rule;
        const char *name, *key;
    } cases[] = {
        {FOVEA_MATCH_PATH, "./sub/a.png", "sub/a.png"},   {FOVEA_MATCH_STEM, "sub.x/a.b.png", "sub.x/a.b"},
        {FOVEA_MATCH_STEM, "sub.x/a", "sub.x/a"},         {FOVEA_MATCH_STEM, "a.nii.gz", "a"},
        {FOVEA_MATCH_STEM, "sub/.hidden", "sub/.hidden"}, {FOVEA_MATCH_BASE, "/x/y.z/a.png", "a"},
        {FOVEA_MATCH_BASE, "C:\\x\\a.png", "a"},
    };
    struct fv_pool texts = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(fovea_match_key(cases[i].rule, cases[i].name, &texts), cases[i].key);
    }
    ck_assert_str_eq(fovea_match_shown("/x/a.png"), "a.png");
    ck_assert_str_eq(fovea_match_shown("D:/x/a.png"), "a.png");
    ck_assert_str_eq(fovea_match_shown("x/a.png"), "x/a.png");
    fv_pool_clear(&texts);
}
END_TEST

enum { NIFTI_BYTES = 352 + 24 };

/* A slice of 3 x 2 values: 0 to 5. */
static void make_nifti(uint8_t bytes[NIFTI_BYTES], int16_t datatype) {
    memset(bytes, 0, NIFTI_BYTES);
    const int32_t header = 348;
    const int16_t dim[8] = {3, 3, 2, 1, 1, 1, 1, 1};
    const float offset = 352.0F, slope = 1.0F;
    memcpy(bytes, &header, 4);
    memcpy(bytes + 40, dim, sizeof dim);
    memcpy(bytes + 70, &datatype, 2);
    memcpy(bytes + 108, &offset, 4);
    memcpy(bytes + 112, &slope, 4);
    memcpy(bytes + 344, "n+1", 4);
    for (int i = 0; i < 6; i++) {
        float number = (float)i;
        int32_t whole = i;
        switch (datatype) {
        case 2:
            bytes[352 + i] = (uint8_t)i;
            break;
        case 512:
            memcpy(bytes + 352 + 2 * i, &whole, 2);
            break;
        case 8:
            memcpy(bytes + 352 + 4 * i, &whole, 4);
            break;
        default:
            memcpy(bytes + 352 + 4 * i, &number, 4);
        }
    }
}

START_TEST(slices_of_nifti) {
    static const int16_t datatypes[] = {2, 512, 8, 16};
    uint8_t bytes[NIFTI_BYTES], packed[NIFTI_BYTES + 64];
    make_nifti(bytes, datatypes[_i]);
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = bytes;
    stream.avail_in = sizeof bytes;
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t packed_size = sizeof packed - stream.avail_out;
    deflateEnd(&stream);
    for (int gzip = 0; gzip < 2; gzip++) {
        struct fovea_image image;
        struct fv_error error;
        ck_assert(fovea_nifti_recognise(gzip ? packed : bytes, gzip ? packed_size : sizeof bytes));
        check_success(
            fovea_nifti_decode("a.nii", gzip ? packed : bytes, gzip ? packed_size : sizeof bytes, &image, &error),
            &error);
        ck_assert(image.width == 3 && image.height == 2 && image.bits == 16 && image.channels == 1);
        for (size_t i = 0; i < 6; i++) {
            ck_assert_uint_eq(image.pixels.u16[i], i);
        }
        fovea_image_release(&image);
        check_failure(fovea_nifti_decode("a.nii", gzip ? packed : bytes, gzip ? packed_size / 2 : 353, &image, &error),
                      &error, FV_ERROR_FORMAT, "a.nii");
    }
}
END_TEST

START_TEST(nifti_that_holds_no_labels) {
    static const struct {
        size_t offset, size;
        const char *bytes, *message;
        enum fv_status status;
    } cases[] = {
        {46, 2, "\2\0", "expected one slice, found 2 along dimension 3", FV_ERROR_FORMAT},
        {42, 2, "\0\0", "0 x 2 pixels", FV_ERROR_FORMAT},
        {40, 2, "\11\0", "9 dimensions", FV_ERROR_FORMAT},
        {70, 2, "\200\0", "data type 128", FV_ERROR_UNSUPPORTED},
        {112, 4, "\0\0\0\100", "scaled by 2 and 0", FV_ERROR_UNSUPPORTED},
        {108, 4, "\0\0\0\0", "values at offset 0", FV_ERROR_FORMAT},
        {0, 4, "\0\0\1\134", "big-endian", FV_ERROR_UNSUPPORTED},
        {344, 4, "ni1", "in another file", FV_ERROR_UNSUPPORTED},
        {356, 4, "\0\0\0\77", "found 0.5 at column 1, row 0", FV_ERROR_FORMAT},
        {356, 4, "\0\0\200\277", "found -1 at column 1, row 0", FV_ERROR_FORMAT},
        {356, 4, "\0\0\300\177", "found nan", FV_ERROR_FORMAT},
    };
    uint8_t bytes[NIFTI_BYTES];
    struct fovea_image image;
    struct fv_error error;
    make_nifti(bytes, 16);
    memcpy(bytes + cases[_i].offset, cases[_i].bytes, cases[_i].size);
    check_failure(fovea_nifti_decode("a.nii", bytes, sizeof bytes, &image, &error), &error, cases[_i].status,
                  cases[_i].message);
    ck_assert_ptr_null(image.pixels.bytes);
}
END_TEST

/* Writes a mask of 4 x 2 pixels. */
static void write_mask(const char *name, const uint16_t values[8], uint32_t bits) {
    struct fovea_image image;
    struct fv_error error;
    check_success(fovea_image_create(4, 2, 1, bits, &image, &error), &error);
    for (size_t i = 0; i < 8; i++) {
        if (bits == 8) {
            image.pixels.u8[i] = (uint8_t)values[i];
        } else {
            image.pixels.u16[i] = values[i];
        }
    }
    check_success(fovea_image_write_png(support_path(folder, name), &image, &error), &error);
    fovea_image_release(&image);
}

START_TEST(foregrounds) {
    folder = support_make_folder();
    static const uint16_t one[8] = {0, 1, 1, 0, 0, 0, 0, 0}, two[8] = {0, 1, 300, 0, 0, 0, 0, 300};
    write_mask("one.png", one, 16);
    write_mask("two.png", two, 16);
    const struct fovea_foreground only = {FOVEA_FOREGROUND_ONLY, 0}, any = {FOVEA_FOREGROUND_ANY, 0},
                                  value = {FOVEA_FOREGROUND_VALUE, 300};
    struct fovea_mask mask;
    struct fv_error error;
    check_success(fovea_mask_read(support_path(folder, "one.png"), "one.png", &only, &mask, &error), &error);
    ck_assert(mask.width == 4 && mask.height == 2 && !mask.other);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_uint_eq(mask.pixels[i], one[i]);
    }
    fovea_mask_release(&mask);
    check_success(fovea_mask_read(support_path(folder, "one.png"), "one.png", &value, &mask, &error), &error);
    ck_assert(mask.other && mask.pixels[1] == 0);
    fovea_mask_release(&mask);
    check_success(fovea_mask_read(support_path(folder, "two.png"), "two.png", &value, &mask, &error), &error);
    ck_assert(mask.pixels[2] == 1 && mask.pixels[1] == 0 && mask.pixels[7] == 1 && !mask.other);
    fovea_mask_release(&mask);
    check_success(fovea_mask_read(support_path(folder, "two.png"), "two.png", &any, &mask, &error), &error);
    ck_assert(mask.pixels[2] == 1 && mask.pixels[1] == 1);
    fovea_mask_release(&mask);
    check_failure(fovea_mask_read(support_path(folder, "two.png"), "two.png", &only, &mask, &error), &error,
                  FV_ERROR_FORMAT, "two.png: expected one value beside 0, found 1 and, at column 2, row 0, 300");
    check_failure(fovea_mask_read(support_data("colour.png"), "c", &any, &mask, &error), &error, FV_ERROR_UNSUPPORTED,
                  "c: expected a mask of one channel, found true colour");
    check_failure(fovea_mask_read(support_data("grey.jpg"), "g", &any, &mask, &error), &error, FV_ERROR_UNSUPPORTED,
                  "a JPEG file");
    check_failure(fovea_mask_read(support_data("pages.tif"), "p", &any, &mask, &error), &error, FV_ERROR_UNSUPPORTED,
                  "pages");
    check_failure(fovea_mask_read(support_path(folder, "none.png"), "sub/none.png", &any, &mask, &error), &error,
                  FV_ERROR_FILE, "sub/none.png");
    ck_assert_ptr_null(strstr(error.message, folder));
    check_success(fovea_mask_read(support_data("equal.png"), "e", &any, &mask, &error), &error);
    fovea_mask_release(&mask);
    support_remove_folder(folder);
}
END_TEST

static void make_pair_of_folders(void) {
    static const uint16_t left[8] = {0, 1, 1, 0, 0, 0, 0, 0}, right[8] = {0, 255, 0, 0, 0, 255, 0, 0};
    folder = support_make_folder();
    ck_assert(mkdir(support_path(folder, "p"), 0777) == 0 && mkdir(support_path(folder, "r"), 0777) == 0);
    ck_assert(mkdir(support_path(folder, "p/sub"), 0777) == 0 && mkdir(support_path(folder, "r/sub"), 0777) == 0);
    write_mask("p/a.png", left, 8);
    write_mask("r/a.png", right, 8);
    write_mask("p/sub/b.png", left, 8);
    write_mask("r/sub/b.PNG", left, 16);
    write_mask("p/twice.png", left, 8);
    write_mask("p/twice.tif", left, 8);
    write_mask("r/twice.png", left, 8);
    write_mask("p/lonely.png", left, 8);
    write_mask("p/.hidden.png", left, 8);
    write_text("p/notes.txt", "x");
    write_text("r/broken.png", "x");
    write_mask("p/broken.png", left, 8);
}

START_TEST(folders_of_masks) {
    make_pair_of_folders();
    struct fovea_eval_source source = {
        .name = "set", .predicted = support_path(folder, "p/"), .reference = support_path(folder, "r")};
    struct fovea_eval_options options = {.kind = FOVEA_EVAL_MASKS};
    struct fovea_eval_set set;
    struct fv_error error;
    check_success(fovea_eval_masks(&options, &source, NULL, &set, &error), &error);
    ck_assert_uint_eq(set.count, 2);
    ck_assert_str_eq(set.masks[0].name, "a.png");
    ck_assert_str_eq(set.masks[1].name, "sub/b.PNG");
    ck_assert_double_eq_tol(set.masks[0].figures[FOVEA_MASK_DICE], 0.5, 1e-15);
    ck_assert(set.masks[1].figures[FOVEA_MASK_DICE] == 1.0 && isnan(set.masks[1].figures[FOVEA_MASK_AREA_ERROR]));
    ck_assert(set.pooled.true_positives == 3 && set.pooled.false_positives == 1 && set.pooled.false_negatives == 1);
    ck_assert_uint_eq(set.predicted_folder.ignored, 1);
    ck_assert_uint_eq(set.failures.count, 3);
    expect_failure(&set.failures, 0, "twice.tif", 0, "p/twice.png has the same name but for its suffix");
    expect_failure(&set.failures, 1, "lonely.png", 0, "no reference for it in r");
    expect_failure(&set.failures, 2, "broken.png", 0, "expected a PNG, JPEG, TIFF, BMP or DICOM file");
    ck_assert_str_eq(set.failures.items[2].file, "r/broken.png");
    fovea_eval_set_clear(&set);
    source.predicted = support_path(folder, "nowhere");
    check_failure(fovea_eval_masks(&options, &source, NULL, &set, &error), &error, FV_ERROR_FILE, "nowhere");
    fovea_eval_set_clear(&set);
    support_remove_folder(folder);
}
END_TEST

/* Evaluates and writes everything; the first allocation that fails ends it. */
static enum fv_status evaluate(const struct fovea_eval_options *options, struct fovea_eval *eval) {
    *eval = (struct fovea_eval){.options = options, .count = 1};
    enum fv_status status = options->kind == FOVEA_EVAL_GRADES
                                ? fovea_eval_grades(options, &options->sources[0], &eval->sets[0], NULL)
                                : fovea_eval_masks(options, &options->sources[0], NULL, &eval->sets[0], NULL);
    enum fv_status (*const writers[])(const struct fovea_eval *, const char *, struct fv_error *) = {
        fovea_eval_write_rows, fovea_eval_write_summary, fovea_eval_write_curves, fovea_eval_write_json,
        fovea_eval_write_report};
    for (size_t i = 0; i < sizeof writers / sizeof *writers && status == FV_OK; i++) {
        status = writers[i](eval, options->output, NULL);
    }
    fovea_eval_set_clear(&eval->sets[0]);
    return status;
}

START_TEST(every_allocation_may_fail) {
    make_pair_of_folders();
    struct fovea_eval_options options = {.kind = _i == 0 ? FOVEA_EVAL_GRADES : FOVEA_EVAL_MASKS,
                                         .worst = 2,
                                         .source_count = 1,
                                         .output = support_path(folder, "out")};
    if (_i == 0) {
        options.sources[0] = (struct fovea_eval_source){
            .name = "set",
            .predicted =
                write_text("p.csv", "file,grade,p_ungradable,p_gradable,p_outstanding\na,0,.5,.3,.2\nb,1,0,1,0\n"
                                    "x,2,0,0,1\n"),
            .reference = write_text("l.csv", "file,grade\na,0\nb,2\ny,2\n"),
        };
    } else {
        static const float maps[16] = {1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0};
        static const size_t shape[3] = {2, 2, 4};
        ck_assert(mkdir(support_path(folder, "m"), 0777) == 0 && mkdir(support_path(folder, "m/sub"), 0777) == 0);
        ck_assert_int_eq(fv_npy_write(support_path(folder, "m/a.npy"), maps, shape, 3, NULL), FV_OK);
        options.sources[0] = (struct fovea_eval_source){.name = "set",
                                                        .predicted = support_path(folder, "p"),
                                                        .reference = support_path(folder, "r"),
                                                        .images = support_path(folder, "p"),
                                                        .probability = support_path(folder, "m"),
                                                        .field_mm = 3.0};
    }
    struct fovea_eval *eval = malloc(sizeof *eval);
    ck_assert_ptr_nonnull(eval);
    long successes = 0;
    for (enum fv_status status = FV_ERROR_MEMORY; status != FV_OK; successes++) {
        fv_memory_fail_after(successes);
        status = evaluate(&options, eval);
        fv_memory_fail_after(-1);
        ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY, "status %s after %ld allocations",
                      fv_status_name(status), successes);
    }
    ck_assert_int_gt(successes, 30);
    free(eval);
    support_remove_folder(folder);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("evaluation input");
    TCase *tables = tcase_create("tables"), *masks = tcase_create("masks");
    tcase_add_test(tables, rows_that_cannot_be_used);
    tcase_add_loop_test(tables, tables_that_cannot_be_used, 0, 6);
    tcase_add_test(tables, published_tables);
    tcase_add_test(tables, keys_of_names);
    tcase_add_loop_test(masks, slices_of_nifti, 0, 4);
    tcase_add_loop_test(masks, nifti_that_holds_no_labels, 0, 11);
    tcase_add_test(masks, foregrounds);
    tcase_add_test(masks, folders_of_masks);
    tcase_add_loop_test(masks, every_allocation_may_fail, 0, 2);
    tcase_set_timeout(masks, 280);
    suite_add_tcase(suite, tables);
    suite_add_tcase(suite, masks);
    return suite_run(suite);
}
