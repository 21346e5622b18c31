/* The store: what was put comes back, whatever the names; what is no store is refused; memory may run out anywhere. */
#include <check.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/cpu.h"
#include "fovea/memory.h"
#include "measure/warnings.h"
#include "scan/columns.h"
#include "store/columns.h"
#include "store/store.h"
#include "store_support.h"
#include "suite.h"
#include "support.h"

enum { ROWS = 6 };

static char longest[256];

/* Names as file systems allow them, in the order of their bytes; the last two are one name twice. */
static const char *const names[ROWS] = {
    "a 'b' \"c\", d\n.png", "b/\xc3\xa9.png", "c\xff\xfe.png", longest, "z.png", "z.png"};

static struct fovea_input inputs[ROWS];
static struct fovea_result rows[ROWS];

/* A value of every kind of measure, unlike the others where it can be. */
static void set_measure(struct fovea_measures *measures, size_t k, size_t row) {
    static const char *const words[] = {"crofton", "probability-contour", "faz-centroid"};
    char *field = (char *)measures + fovea_measure_columns[k].offset;
    switch (fovea_measure_columns[k].kind) {
    case FOVEA_MEASURE_WHOLE:
        *(size_t *)(void *)field = 1000 * row + k + 1;
        break;
    case FOVEA_MEASURE_REAL:
        *(double *)(void *)field = 0.1 * (double)(row + 1) + 1e-17 * (double)k;
        break;
    case FOVEA_MEASURE_TEXT:
        *(const char **)(void *)field = words[(row + k) % 3];
        break;
    case FOVEA_MEASURE_WARNINGS:
        *(uint32_t *)(void *)field = (uint32_t)(row * 11 % (1U << FOVEA_WARNING_COUNT));
        break;
    }
}

/* Scans of which all, little and nothing is known. */
static void set_scans(void) {
    rows[0].scan = (struct fovea_scan){.field_x_mm = 2.9,
                                       .field_y_mm = 4.35,
                                       .field_source = FOVEA_SOURCE_DICOM,
                                       .has_layer = true,
                                       .layer = FOVEA_LAYER_DEEP,
                                       .layer_source = FOVEA_SOURCE_TABLE,
                                       .eye = FOVEA_EYE_LEFT,
                                       .eye_source = FOVEA_SOURCE_NAME,
                                       .name_size_mm = 3,
                                       .axial_length_mm = 24.1,
                                       .subject = "S \"1\"",
                                       .visit = "second, \xc3\xa9",
                                       .page = 2};
    rows[1].scan = fovea_scan_of_option(3, FOVEA_LAYER_SUPERFICIAL);
    rows[1].remarks = (char *)(uintptr_t) "page 1 of 3; \xff";
}

static void make_rows(void) {
    memset(longest, 'n', sizeof longest - 1);
    for (size_t i = 0; i < ROWS; i++) {
        static char stems[ROWS][16];
        snprintf(stems[i], sizeof stems[i], "stem%zu\xff", i);
        inputs[i] = (struct fovea_input){.path = names[i], .canonical = names[i], .name = names[i], .stem = stems[i]};
        inputs[i].copy = i + 1 == ROWS;
        rows[i] = (struct fovea_result){.input = &inputs[i], .width = 320, .height = 321, .measured = true};
        memset(rows[i].digest, 'a' + (int)i, FOVEA_DIGEST_SIZE - 1);
        for (size_t k = 0; k < fovea_measure_column_count; k++) {
            set_measure(&rows[i].measures, k, i);
        }
    }
    set_scans();
    rows[0].graded = true;
    rows[0].grade = (struct fovea_grade){FOVEA_OUTSTANDING, {0.1, 0.2, 0.7}};
    rows[0].grade_partner = "partner, \"\xff\".png";
    memset(rows[0].partner_digest, 'f', FOVEA_DIGEST_SIZE - 1);
    rows[0].partner_scan = &rows[1].scan;
    rows[4].unpaired = "no superficial image";
    rows[0].instruction_set = fv_isa_name(FV_ISA_AVX2);
    rows[0].files = 5;
    rows[0].thumbnail = (uint8_t *)(uintptr_t) "picture";
    rows[0].thumbnail_size = 8;
    rows[0].vessel_thumbnail = (uint8_t *)(uintptr_t) "vessels";
    rows[0].vessel_thumbnail_size = 7;
    memset(rows[0].image_digest, 'e', FOVEA_DIGEST_SIZE - 1);
    fovea_measures_clear(&rows[1].measures); /* an empty mask */
    rows[1].measures.faz_area_mm2 = 0;
    rows[1].reason = (char *)(uintptr_t) "no FAZ was found";
    rows[2].measured = false;
    rows[2].state = FOVEA_STATE_FAILED;
    rows[2].reason = (char *)(uintptr_t) "damaged \xff";
    rows[2].width = rows[2].height = 0;
    rows[2].passing = true;
    rows[2].digest[0] = '\0';
    rows[3].state = FOVEA_STATE_UNGRADABLE;
}

static struct fovea_store *open_store(bool write) {
    struct fovea_store *store;
    struct fv_error error = {0};
    ck_assert_msg(fovea_store_open(store_place("fovea.sqlite"), write, &store, &error) == FV_OK, "%s", error.message);
    return store;
}

/* In an order of its own. */
static enum fv_status put_all(struct fovea_store *store, struct fv_error *error) {
    const struct fovea_results results = store_results(ROWS);
    enum fv_status status = fovea_store_begin(store, error);
    status = status != FV_OK ? status : fovea_store_describe(store, &results, error);
    for (size_t i = 0; i < ROWS && status == FV_OK; i++) {
        status = fovea_store_put(store, &rows[(i * 5 + 3) % ROWS], 0, error);
    }
    return status != FV_OK ? status : fovea_store_commit(store, error);
}

static void expect_same(const char *found, const char *expected) {
    ck_assert_str_eq(found != NULL ? found : "", expected != NULL ? expected : "");
}

static void expect_fingerprint(const char *found, const struct fovea_scan *scan) {
    struct fovea_buffer expected = {0};
    fovea_scan_fingerprint(scan, &expected);
    ck_assert(expected.failed || strcmp(found, expected.bytes) == 0); /* memory may run out here */
    fovea_buffer_clear(&expected);
}

static enum fv_status compare_row(void *visitor, struct fovea_row *row, struct fv_error *error) {
    size_t *next = visitor;
    const struct fovea_result *expected = &rows[*next], *found = &row->result;
    (void)error;
    ck_assert_str_eq(row->input.name, expected->input->name);
    ck_assert_str_eq(row->input.stem, expected->input->stem);
    ck_assert_uint_eq(row->input.copy, expected->input->copy);
    ck_assert_int_eq(found->state, expected->state);
    ck_assert_str_eq(found->digest, expected->digest);
    ck_assert_int_eq(found->passing, expected->passing);
    ck_assert_ptr_eq(found->instruction_set, expected->instruction_set);
    ck_assert_uint_eq(found->thumbnail_size, expected->thumbnail_size);
    ck_assert(found->thumbnail_size == 0 || memcmp(found->thumbnail, expected->thumbnail, found->thumbnail_size) == 0);
    expect_same(found->reason, expected->reason);
    expect_same(found->remarks, expected->remarks);
    expect_same(found->grade_partner, expected->grade_partner);
    expect_same(found->unpaired, expected->unpaired);
    ck_assert_str_eq(found->partner_digest, expected->partner_digest);
    ck_assert_int_eq(found->partner_fingerprint != NULL, expected->partner_scan != NULL);
    if (expected->partner_scan != NULL) {
        expect_fingerprint(found->partner_fingerprint, expected->partner_scan);
    }
    ck_assert_str_eq(found->image_digest, expected->image_digest);
    ck_assert_uint_eq(found->vessel_thumbnail_size, expected->vessel_thumbnail_size);
    ck_assert(found->vessel_thumbnail_size == 0 ||
              memcmp(found->vessel_thumbnail, expected->vessel_thumbnail, found->vessel_thumbnail_size) == 0);
    expect_fingerprint(found->scan_fingerprint, &expected->scan);
    for (size_t k = 0; k < fovea_scan_column_count; k++) {
        struct fovea_buffer left = {0}, right = {0};
        fovea_scan_column_add(&found->scan, k, &left);
        fovea_scan_column_add(&expected->scan, k, &right);
        ck_assert(left.failed || right.failed ||
                  strcmp(left.bytes != NULL ? left.bytes : "", right.bytes != NULL ? right.bytes : "") == 0);
        fovea_buffer_clear(&left);
        fovea_buffer_clear(&right);
    }
    for (size_t k = 0; k < fovea_measure_column_count; k++) {
        const struct fovea_measure_column *column = &fovea_measure_columns[k];
        struct fovea_buffer left = {0}, right = {0};
        ck_assert_int_eq(fovea_result_has(found, column), fovea_result_has(expected, column));
        if (fovea_result_has(found, column)) {
            fovea_measure_add(&found->measures, column, &left);
            fovea_measure_add(&expected->measures, column, &right);
            ck_assert(left.failed || right.failed ||
                      strcmp(left.bytes, right.bytes) == 0); /* memory may run out here */
        }
        fovea_buffer_clear(&left);
        fovea_buffer_clear(&right);
    }
    (*next)++;
    return FV_OK;
}

/* A store with all rows in a fresh folder. */
static struct fovea_store *fill_store(void) {
    struct fv_error error = {0};
    store_folder = support_make_folder();
    make_rows();
    struct fovea_store *store = open_store(true);
    ck_assert_msg(put_all(store, &error) == FV_OK, "%s", error.message);
    return store;
}

/* The exports of a store are those of the results that were put into it. */
static void compare_exports(const struct fovea_results *stored) {
    struct fovea_results results = store_results(ROWS);
    struct fovea_result_list list = {rows, ROWS};
    struct fv_error error = {0};
    results.source = fovea_result_list_source(&list);
    ck_assert_int_eq(mkdir(store_place("a"), 0777), 0);
    ck_assert_int_eq(mkdir(store_place("b"), 0777), 0);
    ck_assert_msg(fovea_results_write(stored, store_place("a"), &error) == FV_OK, "%s", error.message);
    ck_assert_msg(fovea_results_write(&results, store_place("b"), &error) == FV_OK, "%s", error.message);
    static const char *const files[][2] = {
        {"a/results.csv", "b/results.csv"}, {"a/results.json", "b/results.json"}, {"a/report.html", "b/report.html"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size, other_size;
        uint8_t *bytes = support_read(store_place(files[i][0]), &size),
                *other = support_read(store_place(files[i][1]), &other_size);
        ck_assert_uint_eq(size, other_size);
        ck_assert_int_eq(memcmp(bytes, other, size), 0);
        free(bytes);
        free(other);
    }
}

START_TEST(what_was_put_comes_back) {
    struct fv_error error = {0};
    struct fovea_store *store = fill_store();
    fovea_store_close(store);
    ck_assert_uint_eq(support_count_entries(store_folder), 1); /* no log stays beside it */
    store = open_store(_i == 0);
    size_t next = 0;
    ck_assert_msg(fovea_store_each(store, true, compare_row, &next, &error) == FV_OK, "%s", error.message);
    ck_assert_uint_eq(next, ROWS);
    size_t states[FOVEA_STATE_COUNT];
    ck_assert_int_eq(fovea_store_count(store, states, &error), FV_OK);
    ck_assert(states[FOVEA_STATE_OK] == 4 && states[FOVEA_STATE_UNGRADABLE] == 1 && states[FOVEA_STATE_FAILED] == 1);
    const struct fovea_results *results;
    ck_assert_msg(fovea_store_results(store, &results, &error) == FV_OK, "%s", error.message);
    compare_exports(results);
    fovea_store_close(store);
    support_remove_folder(store_folder);
}
END_TEST

/* A row in place of another of its name; files of the one that went are leftovers only when it is removed. */
START_TEST(rows_are_replaced) {
    struct fv_error error = {0};
    struct fovea_store *store = fill_store();
    rows[2].digest[0] = 'x';
    ck_assert_msg(fovea_store_put(store, &rows[2], 0, &error) == FV_OK, "%s", error.message);
    size_t next = 0;
    ck_assert_int_eq(fovea_store_each(store, true, compare_row, &next, &error), FV_OK);
    ck_assert_uint_eq(next, ROWS);
    fovea_store_close(store);
    support_remove_folder(store_folder);
}
END_TEST

/* What was said when the store holds `before` and is compared with `after`; an empty text if they are the same. */
static const char *difference(const struct fovea_results *before, const struct fovea_results *after) {
    static struct fv_error error;
    error = (struct fv_error){0};
    struct fovea_store *store = open_store(true);
    ck_assert_int_eq(fovea_store_describe(store, before, &error), FV_OK);
    const enum fv_status status = fovea_store_compare(store, after, "out", &error);
    ck_assert_int_eq(status, error.message[0] == '\0' ? FV_OK : FV_ERROR_ARGUMENT);
    fovea_store_close(store);
    return error.message;
}

/* All that changes results, and nothing else. */
START_TEST(what_was_made_otherwise_is_named) {
    store_folder = support_make_folder();
    static const size_t folds[] = {0, 4};
    const struct fovea_results before = store_results(ROWS);
    struct fovea_model_about other = *before.segmenter;
    other.sha256 = "0000";
    struct fovea_results after[15];
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        after[i] = before;
    }
    after[0].planned = after[0].ignored = 77;
    after[1].field_mm = 6;
    after[2].mirrored = false;
    after[3].segmenter = &other;
    after[4].version = "0.2";
    after[5].command = "grade";
    after[6].layer = "";
    after[7].images = true;
    after[8].require_grade = true;
    after[9].reference_axial_length_mm = 24.46;
    after[10].folds = folds;
    after[10].fold_count = 2;
    after[11].planning.exact = true;
    after[12].planning.tune = false;
    after[13].probability = true;
    after[14].grader = NULL;
    static const char *const parts[] = {"",
                                        "--fov was 2.9 and is 6",
                                        "--tta was mirror and is off",
                                        "segmenter's SHA-256 was 5678... and is 0000...",
                                        "version was 0.1 and is 0.2",
                                        "command was run and is grade",
                                        "--layer was deep and is none",
                                        "--images was none and is yes",
                                        "--require-grade was none and is yes",
                                        "--reference-axial-length was none and is 24.46",
                                        "--folds was 0 3 12 and is 0 4",
                                        "--exact was no and is yes",
                                        "--tune was yes and is no",
                                        "--save-probability was no and is yes",
                                        "grader's SHA-256 was 1234... and is none"};
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        const char *said = difference(&before, &after[i]), *start = "out holds results that were made otherwise: ";
        ck_assert_str_eq(i == 0 || strncmp(said, start, strlen(start)) != 0 ? said : said + strlen(start), parts[i]);
    }
    after[1].mirrored = false;
    const char *said = difference(&before, &after[1]);
    ck_assert_msg(strstr(said, "--fov was 2.9 and is 6; --tta was mirror and is off") != NULL, "%s", said);
    support_remove_folder(store_folder);
}
END_TEST

/* Whatever is at the place of the store, it is refused, and its bytes stay. */
static void expect_refusal(enum fv_status expected, const char *part) {
    struct fovea_store *store;
    struct fv_error error = {0};
    size_t before_size, after_size;
    uint8_t *before = support_read(store_place("fovea.sqlite"), &before_size);
    for (int write = 0; write < 2; write++) {
        ck_assert_int_eq(fovea_store_open(store_place("fovea.sqlite"), write == 1, &store, &error), expected);
        ck_assert_msg(strstr(error.message, part) != NULL && strstr(error.message, "fovea.sqlite") != NULL, "%s",
                      error.message);
        ck_assert_ptr_null(store);
    }
    uint8_t *after = support_read(store_place("fovea.sqlite"), &after_size);
    ck_assert(before_size == after_size && memcmp(before, after, before_size) == 0);
    free(before);
    free(after);
}

static void run_sql(const char *text) {
    sqlite3 *handle;
    ck_assert_int_eq(sqlite3_open(store_place("fovea.sqlite"), &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(handle, text, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(handle), SQLITE_OK);
}

START_TEST(what_is_no_store_is_refused) {
    store_folder = support_make_folder();
    store_write_text("fovea.sqlite",
                     "This is a text, and no database at all, however long it may be; so says its beginning.");
    expect_refusal(FV_ERROR_FORMAT, "no store of fovea");
    ck_assert_int_eq(unlink(store_place("fovea.sqlite")), 0);
    run_sql("CREATE TABLE patients (name TEXT)");
    expect_refusal(FV_ERROR_FORMAT, "another program");
    ck_assert_int_eq(unlink(store_place("fovea.sqlite")), 0);
    fovea_store_close(open_store(true));
    run_sql("PRAGMA user_version = 7");
    expect_refusal(FV_ERROR_UNSUPPORTED, "schema has the number 7");
    run_sql("PRAGMA user_version = 1");
    ck_assert_int_eq(truncate(store_place("fovea.sqlite"), 5000), 0);
    expect_refusal(FV_ERROR_FORMAT, "damaged");
    support_remove_folder(store_folder);
}
END_TEST

/* What another version measured less is missing for readers, and refused for writers. */
START_TEST(a_store_may_lack_a_measure) {
    struct fv_error error = {0};
    struct fovea_store *store = fill_store();
    fovea_store_close(store);
    char text[256];
    snprintf(text, sizeof text, "ALTER TABLE images DROP COLUMN \"%s\"",
             fovea_measure_columns[fovea_measure_column_count - 1].name);
    run_sql(text);
    ck_assert_int_eq(fovea_store_open(store_place("fovea.sqlite"), true, &store, &error), FV_ERROR_UNSUPPORTED);
    store = open_store(false);
    const struct fovea_results *results;
    ck_assert_int_eq(fovea_store_results(store, &results, &error), FV_OK);
    ck_assert_msg(fovea_results_write(results, store_folder, &error) == FV_OK, "%s", error.message);
    fovea_store_close(store);
    support_remove_folder(store_folder);
}
END_TEST

/* An open transaction of another program: said, not waited for without end. */
START_TEST(a_locked_store_is_refused) {
    struct fovea_store *store;
    struct fv_error error = {0};
    sqlite3 *handle;
    store_folder = support_make_folder();
    fovea_store_close(open_store(true));
    ck_assert_int_eq(sqlite3_open(store_place("fovea.sqlite"), &handle), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(fovea_store_open(store_place("fovea.sqlite"), true, &store, &error), FV_ERROR_FILE);
    ck_assert_msg(strstr(error.message, "locked by another program") != NULL, "%s", error.message);
    ck_assert_int_eq(sqlite3_close(handle), SQLITE_OK);
    support_remove_folder(store_folder);
}
END_TEST

/* Nothing is half there, and the store opens, wherever memory runs out. */
START_TEST(memory_may_run_out_anywhere) {
    bool done = false;
    store_folder = support_make_folder();
    make_rows();
    for (long successes = 0; !done && successes < 100000; successes += 1 + successes / 40) {
        struct fovea_store *store;
        struct fv_error error = {0};
        const struct fovea_results *results;
        size_t next = 0;
        unlink(store_place("fovea.sqlite"));
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_store_open(store_place("fovea.sqlite"), true, &store, &error);
        bool put = false;
        if (status == FV_OK) {
            status = put_all(store, &error);
            put = status == FV_OK;
            status = status != FV_OK ? status : fovea_store_results(store, &results, &error);
            status = status != FV_OK ? status : fovea_store_each(store, true, compare_row, &next, &error);
        }
        fovea_store_close(store);
        fv_memory_fail_after(-1);
        done = status == FV_OK;
        ck_assert_msg(done || status == FV_ERROR_MEMORY, "%ld: %s", successes, error.message);
        store = open_store(true);
        size_t states[FOVEA_STATE_COUNT];
        ck_assert_int_eq(fovea_store_count(store, states, &error), FV_OK);
        ck_assert_uint_eq(states[0] + states[1] + states[2], put ? ROWS : 0);
        fovea_store_close(store);
    }
    ck_assert(done);
    support_remove_folder(store_folder);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("store");
    tcase_add_loop_test(tests, what_was_put_comes_back, 0, 2);
    tcase_add_test(tests, rows_are_replaced);
    tcase_add_test(tests, what_was_made_otherwise_is_named);
    tcase_add_test(tests, what_is_no_store_is_refused);
    tcase_add_test(tests, a_store_may_lack_a_measure);
    tcase_add_test(tests, a_locked_store_is_refused);
    tcase_add_test(tests, memory_may_run_out_anywhere);
    tcase_set_timeout(tests, 300);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
