/* Run folders: two commands never work in one; shares, plans and what a killed run left; merges; memory may run out
 * anywhere. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "fovea/memory.h"
#include "store/merge.h"
#include "store/run_folder.h"
#include "store/snapshot.h"
#include "store_support.h"
#include "suite.h"
#include "support.h"

START_TEST(one_command_works_in_a_folder) {
    struct fovea_run_folder first, second;
    struct fovea_snapshot snapshot;
    struct fv_error error = {0};
    store_folder = support_make_folder();
    ck_assert_msg(fovea_run_folder_open(store_folder, true, &first, &error) == FV_OK, "%s", error.message);
    ck_assert_int_eq(fovea_run_folder_open(store_folder, true, &second, &error), FV_ERROR_FILE);
    ck_assert_msg(strstr(error.message, "another fovea works in this folder") != NULL, "%s", error.message);
    ck_assert_int_eq(fovea_snapshot_open(store_folder, &snapshot, &error), FV_ERROR_FILE);
    fovea_run_folder_close(&first);
    ck_assert_uint_eq(support_count_entries(store_folder), 1);
    /* The lock of a process that is no more does not matter. */
    ck_assert_int_eq(mkdir(store_place(".fovea"), 0777), 0);
    store_write_text(".fovea/lock", "1\n");
    store_write_text(".fovea/7.masks.png", "left by it");
    ck_assert_msg(fovea_run_folder_open(store_folder, false, &first, &error) == FV_OK, "%s", error.message);
    fovea_run_folder_close(&first);
    ck_assert_uint_eq(support_count_entries(store_folder), 1);
    support_remove_folder(store_folder);
}
END_TEST

START_TEST(shares_are_the_whole_and_stable) {
    enum { NAMES = 200, SHARES = 7 };
    static char texts[NAMES][16];
    struct fovea_input items[NAMES], kept[NAMES];
    struct fv_error error;
    size_t total = 0, most = 0;
    for (size_t i = 0; i < NAMES; i++) {
        snprintf(texts[i], sizeof texts[i], "image_%04zu", i);
        items[i] = (struct fovea_input){.name = texts[i]};
    }
    for (size_t number = 1; number <= SHARES; number++) {
        memcpy(kept, items, sizeof kept);
        struct fovea_inputs list = {.items = kept, .count = NAMES};
        ck_assert_int_eq(fovea_inputs_keep_share(&list, (struct fovea_share){number, SHARES}, &error), FV_OK);
        total += list.count;
        most = list.count > most ? list.count : most;
        /* The same of half of the list: the first names keep their shares. */
        const size_t count = list.count;
        struct fovea_input half[NAMES];
        memcpy(half, items, sizeof half);
        struct fovea_inputs part = {.items = half, .count = NAMES / 2};
        ck_assert_int_eq(fovea_inputs_keep_share(&part, (struct fovea_share){number, SHARES}, &error), FV_OK);
        ck_assert_uint_le(part.count, count);
        for (size_t i = 0; i < part.count; i++) {
            ck_assert_str_eq(part.items[i].name, list.items[i].name);
        }
    }
    ck_assert_uint_eq(total, NAMES);
    ck_assert_uint_lt(most, 2 * NAMES / SHARES);
}
END_TEST

START_TEST(shares_keep_pairs_together) {
    enum { PAIRS = 60, SHARES = 5 };
    static char texts[2 * PAIRS][16];
    struct fovea_input items[2 * PAIRS];
    struct fv_error error;
    size_t total = 0;
    for (size_t number = 1; number <= SHARES; number++) {
        for (size_t i = 0; i < PAIRS; i++) { /* the partner comes last in every other pair */
            const size_t deep = 2 * i + i % 2, other = 2 * i + 1 - i % 2;
            snprintf(texts[deep], sizeof texts[deep], "deep_%03zu", i);
            snprintf(texts[other], sizeof texts[other], "other_%03zu", i);
            items[deep] = (struct fovea_input){.name = texts[deep], .partner = other + 1};
            items[other] = (struct fovea_input){.name = texts[other]};
        }
        struct fovea_inputs list = {.items = items, .count = 2 * PAIRS};
        ck_assert_int_eq(fovea_inputs_keep_share(&list, (struct fovea_share){number, SHARES}, &error), FV_OK);
        total += list.count;
        for (size_t i = 0; i < list.count; i++) {
            const size_t partner = list.items[i].partner;
            ck_assert_int_eq(partner > 0, list.items[i].name[0] == 'd');
            ck_assert_uint_le(partner, list.count);
            if (partner > 0) {
                ck_assert_str_eq(list.items[i].name + 5, list.items[partner - 1].name + 6);
            }
        }
    }
    ck_assert_uint_eq(total, 2 * PAIRS);
}
END_TEST

/* A folder with files of images, and what becomes of them. */
static struct fovea_inputs list;
static struct fovea_input listed[4];

static void list_inputs(size_t count) {
    static const char *const stems[] = {"one", "three", "two", "zero"};
    static char paths[4][256];
    for (size_t i = 0; i < count; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s.png", store_folder, stems[i]);
        listed[i] = (struct fovea_input){.path = paths[i], .canonical = paths[i], .stem = stems[i]};
        listed[i].name = strrchr(paths[i], '/') + 1;
        if (access(paths[i], F_OK) != 0) {
            store_write_text(listed[i].name, stems[i]);
        }
    }
    list = (struct fovea_inputs){.items = listed, .count = count};
}

/* Keeps a result, with a mask if it is to have files. */
static void keep_result(struct fovea_run_folder *out, struct fovea_result *result, size_t staged) {
    struct fv_error error = {0};
    char path[4096];
    ck_assert_int_eq(fovea_file_digest(result->input->path, result->digest, &error), FV_OK);
    snprintf(path, sizeof path, "%s/%zu.masks.png", out->staging, staged);
    FILE *file = result->files != 0 ? fopen(path, "w") : NULL;
    ck_assert(result->files == 0 || (file != NULL && fclose(file) == 0));
    ck_assert_msg(fovea_run_folder_keep(out, result, staged, &error) == FV_OK, "%s", error.message);
}

static void keep(struct fovea_run_folder *out, size_t input, size_t staged) {
    struct fovea_result result = {.input = &listed[input], .files = 1};
    keep_result(out, &result, staged);
}

static void open_out(struct fovea_run_folder *out, const struct fovea_run_request *request, struct fovea_plan *plan) {
    struct fv_error error = {0};
    ck_assert_msg(fovea_run_folder_open(store_place("out"), true, out, &error) == FV_OK, "%s", error.message);
    ck_assert_msg(fovea_run_folder_plan(out, request, plan, &error) == FV_OK, "%s", error.message);
}

START_TEST(the_plan_sees_what_changed) {
    struct fovea_run_folder out;
    struct fovea_plan plan;
    struct fv_error error = {0};
    store_folder = support_make_folder();
    list_inputs(3);
    const struct fovea_results results = store_results(0);
    struct fovea_run_request request = {.results = &results, .inputs = &list};
    open_out(&out, &request, &plan);
    ck_assert_uint_eq(plan.counts[FOVEA_FATE_NEW], 3);
    for (size_t i = 0; i < 3; i++) {
        keep(&out, i, i + 1);
    }
    ck_assert_int_eq(fovea_run_folder_commit(&out, true, &error), FV_OK);
    ck_assert_int_eq(access(store_place("out/masks/two.png"), F_OK), 0);
    fovea_plan_release(&plan);
    fovea_run_folder_close(&out);

    list_inputs(4); /* one more, a file gone, one changed, one unreadable */
    ck_assert_int_eq(unlink(store_place("out/masks/one.png")), 0);
    ck_assert_int_eq(unlink(store_place("three.png")), 0);
    store_write_text("two.png", "another");
    ck_assert_int_eq(fovea_run_folder_open(store_place("out"), false, &out, &error), FV_OK);
    ck_assert_int_eq(fovea_run_folder_plan(&out, &request, &plan, &error), FV_ERROR_ARGUMENT);
    ck_assert_msg(strstr(error.message, "two.png") != NULL && strstr(error.message, "--overwrite") != NULL, "%s",
                  error.message);
    request.overwrite = true;
    ck_assert_msg(fovea_run_folder_plan(&out, &request, &plan, &error) == FV_OK, "%s", error.message);
    ck_assert_int_eq(plan.fates[0], FOVEA_FATE_AGAIN);
    ck_assert_str_eq(plan.reasons[0], "masks/one.png is gone");
    ck_assert_int_eq(plan.fates[1], FOVEA_FATE_DONE);
    ck_assert_int_eq(plan.fates[2], FOVEA_FATE_CHANGED);
    ck_assert_int_eq(plan.fates[3], FOVEA_FATE_NEW);
    ck_assert_uint_eq(plan.unreadable, 1);
    fovea_plan_release(&plan);

    list.items = &listed[1]; /* the first has vanished; the second's files get another name */
    list.count = 1;
    listed[1].stem = "other";
    ck_assert_msg(fovea_run_folder_plan(&out, &request, &plan, &error) == FV_OK, "%s", error.message);
    ck_assert_int_eq(plan.fates[0], FOVEA_FATE_AGAIN);
    ck_assert_uint_eq(plan.vanished_count, 2);
    ck_assert_str_eq(plan.vanished_name, "one.png");
    ck_assert_int_ne(access(store_place("out/masks/three.png"), F_OK), 0); /* of the name that it had */
    ck_assert_int_eq(access(store_place("out/masks/two.png"), F_OK), 0);
    fovea_plan_release(&plan);
    listed[1].stem = "two"; /* whose files would be those of a vanished one */
    ck_assert_int_eq(fovea_run_folder_plan(&out, &request, &plan, &error), FV_ERROR_ARGUMENT);
    ck_assert_msg(strstr(error.message, "would have the names of those") != NULL, "%s", error.message);
    struct fovea_results others = results;
    others.field_mm = 5; /* all would be done again, but two are not there */
    request.results = &others;
    ck_assert_int_eq(fovea_run_folder_plan(&out, &request, &plan, &error), FV_ERROR_ARGUMENT);
    fovea_run_folder_close(&out);
    support_remove_folder(store_folder);
}
END_TEST

/* A mask with an image, a deep image, and its partner. */
enum { MASK = 1, DEEP = 2, PARTNER = 4 };
static struct fovea_input *const mask = &listed[0], *const deep = &listed[1], *const partner = &listed[2];

/* Lists them, and makes a folder with their results. */
static void keep_three(struct fovea_run_folder *out) {
    static char picture[4096];
    const struct fovea_results results = store_results(0);
    const struct fovea_run_request request = {.results = &results, .inputs = &list};
    struct fovea_plan plan;
    struct fv_error error = {0};
    list_inputs(3);
    snprintf(picture, sizeof picture, "%s/picture", store_folder);
    store_write_text("picture", "as it was");
    mask->image = picture;
    deep->partner = 3;
    partner->scan = fovea_scan_of_option(3, FOVEA_LAYER_SUPERFICIAL);
    open_out(out, &request, &plan);
    fovea_plan_release(&plan);
    struct fovea_result kept[3];
    for (size_t i = 0; i < 3; i++) {
        kept[i] = (struct fovea_result){.input = &listed[i], .scan = listed[i].scan};
    }
    ck_assert_int_eq(fovea_file_digest(picture, kept[0].image_digest, &error), FV_OK);
    kept[1].grade_partner = partner->name;
    kept[1].partner_scan = &partner->scan;
    ck_assert_int_eq(fovea_file_digest(partner->path, kept[1].partner_digest, &error), FV_OK);
    for (size_t i = 0; i < 3; i++) {
        keep_result(out, &kept[i], i + 1);
    }
    ck_assert_int_eq(fovea_run_folder_commit(out, true, &error), FV_OK);
}

/* Those of them that have changed, the others being done; the reason of the first is `reason`. */
static void expect_changed(const struct fovea_run_folder *out, unsigned changed, const char *reason) {
    struct fovea_plan plan;
    struct fv_error error = {0};
    ck_assert_msg(fovea_plan_make(out->store, out->path, &list, &plan, &error) == FV_OK, "%s", error.message);
    for (unsigned i = 0; i < 3; i++) {
        const enum fovea_fate expected = (changed >> i & 1) != 0 ? FOVEA_FATE_CHANGED : FOVEA_FATE_DONE;
        ck_assert_msg(plan.fates[i] == expected, "%u: %d, expected %d: %s", i, plan.fates[i], expected, reason);
    }
    ck_assert_msg(changed == 0 || strstr(plan.reasons[plan.changed], reason) != NULL, "%s", plan.reasons[plan.changed]);
    fovea_plan_release(&plan);
}

START_TEST(the_plan_sees_what_belongs_to_an_input) {
    struct fovea_run_folder out;
    store_folder = support_make_folder();
    keep_three(&out);
    expect_changed(&out, 0, "");
    mask->scan.axial_length_mm = 25;
    expect_changed(&out, MASK, "axial length");
    mask->scan.axial_length_mm = 0;
    mask->scan.page = 2;
    expect_changed(&out, MASK, "page");
    mask->scan.page = 0;
    const char *picture = mask->image;
    mask->image = NULL;
    expect_changed(&out, MASK, "its image is not what it was");
    mask->image = picture;
    store_write_text("picture", "as it is");
    expect_changed(&out, MASK, "its image is not what it was");
    store_write_text("picture", "as it was");
    partner->scan.field_x_mm = 6;
    expect_changed(&out, DEEP | PARTNER, "the scan of its superficial partner");
    partner->scan.field_x_mm = 3;
    deep->partner = 1;
    expect_changed(&out, DEEP, "another superficial image");
    deep->partner = 0;
    expect_changed(&out, DEEP, "another superficial image");
    deep->partner = 3;
    store_write_text(partner->name, "another");
    expect_changed(&out, DEEP | PARTNER, "its superficial partner is not what it was");
    fovea_run_folder_close(&out);
    support_remove_folder(store_folder);
}
END_TEST

/* What was committed, but whose files were not moved before the end, is finished by the next that opens the folder. */
START_TEST(moves_are_finished) {
    struct fovea_run_folder out;
    struct fovea_plan plan;
    struct fv_error error = {0};
    store_folder = support_make_folder();
    list_inputs(3);
    const struct fovea_results results = store_results(0);
    const struct fovea_run_request request = {.results = &results, .inputs = &list};
    open_out(&out, &request, &plan);
    keep(&out, 0, 5);
    keep(&out, 1, 6);
    ck_assert_int_eq(fovea_store_commit(out.store, &error), FV_OK);
    keep(&out, 2, 7); /* and this one was not even committed */
    fovea_plan_release(&plan);
    out.unfinished = true; /* its end forgets the rest, as if it had been killed */
    fovea_run_folder_close(&out);
    ck_assert_int_eq(access(store_place("out/masks/one.png"), F_OK), -1);
    struct fovea_snapshot snapshot;
    ck_assert_msg(fovea_snapshot_open(store_place("out"), &snapshot, &error) == FV_OK, "%s", error.message);
    ck_assert_int_eq(fovea_plan_make(snapshot.store, snapshot.output, &list, &plan, &error), FV_OK);
    ck_assert_uint_eq(plan.counts[FOVEA_FATE_DONE], 2); /* their files wait */
    fovea_plan_release(&plan);
    fovea_snapshot_close(&snapshot);
    open_out(&out, &request, &plan);
    ck_assert_uint_eq(plan.counts[FOVEA_FATE_DONE], 2);
    ck_assert_uint_eq(plan.counts[FOVEA_FATE_NEW], 1);
    ck_assert_int_eq(access(store_place("out/masks/one.png"), F_OK), 0);
    ck_assert_int_eq(access(store_place("out/masks/two.png"), F_OK), -1);
    fovea_plan_release(&plan);
    fovea_run_folder_close(&out);
    ck_assert_int_eq(access(store_place("out/.fovea"), F_OK), -1);
    support_remove_folder(store_folder);
}
END_TEST

/* What a killed run committed is in its log only; looking at it changes nothing, and leaves nothing in TMPDIR. */
START_TEST(a_killed_run_is_seen_without_a_trace) {
    struct fovea_run_folder out;
    struct fovea_plan plan;
    struct fovea_snapshot snapshot;
    struct fv_error error = {0};
    int end;
    store_folder = support_make_folder();
    list_inputs(2);
    const struct fovea_results results = store_results(0);
    const struct fovea_run_request request = {.results = &results, .inputs = &list};
    const pid_t process = fork();
    ck_assert_int_ge(process, 0);
    if (process == 0) {
        open_out(&out, &request, &plan);
        keep(&out, 0, 1);
        _exit(fovea_store_commit(out.store, &error) == FV_OK ? 0 : 1);
    }
    ck_assert(waitpid(process, &end, 0) == process && end == 0);
    ck_assert_int_eq(access(store_place("out/fovea.sqlite-wal"), F_OK), 0);
    ck_assert_int_eq(mkdir(store_place("temporary"), 0777), 0);
    ck_assert_int_eq(setenv("TMPDIR", store_place("temporary"), 1), 0);
    ck_assert_msg(fovea_snapshot_open(store_place("out"), &snapshot, &error) == FV_OK, "%s", error.message);
    ck_assert_uint_eq(support_count_entries(store_place("temporary")), 0);
    ck_assert_msg(fovea_plan_make(snapshot.store, snapshot.output, &list, &plan, &error) == FV_OK, "%s", error.message);
    ck_assert_uint_eq(plan.counts[FOVEA_FATE_DONE], 1);
    fovea_plan_release(&plan);
    fovea_snapshot_close(&snapshot);
    ck_assert_uint_eq(support_count_entries(store_place("temporary")), 0);
    ck_assert_int_eq(access(store_place("out/fovea.sqlite-wal"), F_OK), 0);
    support_remove_folder(store_folder);
}
END_TEST

/* Everything that a command does with a folder. */
static enum fv_status work_in_folder(const struct fovea_run_request *request, struct fv_error *error) {
    struct fovea_run_folder out;
    struct fovea_plan plan = {0};
    struct fovea_result result = {.input = &listed[0]};
    enum fv_status status = fovea_run_folder_open(store_place("out"), true, &out, error);
    status = status != FV_OK ? status : fovea_run_folder_plan(&out, request, &plan, error);
    if (status == FV_OK && plan.counts[FOVEA_FATE_DONE] == 0) {
        status = fovea_file_digest(listed[0].path, result.digest, error);
        status = status != FV_OK ? status : fovea_run_folder_keep(&out, &result, 1, error);
        status = status != FV_OK ? status : fovea_run_folder_commit(&out, true, error);
    }
    status = status != FV_OK ? status : fovea_run_folder_export(&out, false, NULL, error);
    fovea_plan_release(&plan);
    fovea_run_folder_close(&out);
    return status;
}

static void remove_out(void) {
    static const char *const files[] = {"out/fovea.sqlite", "out/results.csv", "out/results.json", "out/report.html"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        unlink(store_place(files[i]));
    }
}

/* Wherever it runs out, the same again comes to the same, and so does a merge of what came out. */
START_TEST(memory_may_run_out_in_folders) {
    static struct fovea_result_list nothing;
    bool done = false;
    store_folder = support_make_folder();
    list_inputs(1);
    struct fovea_results results = store_results(0);
    results.source = fovea_result_list_source(&nothing);
    const struct fovea_run_request request = {.results = &results, .inputs = &list};
    for (long successes = 0; !done && successes < 1000000; successes += 1 + successes / 15) {
        struct fv_error error = {0};
        remove_out();
        fv_memory_fail_after(successes);
        enum fv_status status = work_in_folder(&request, &error);
        fv_memory_fail_after(-1);
        done = status == FV_OK;
        ck_assert_msg(done || status == FV_ERROR_MEMORY, "%ld: %s", successes, error.message);
        ck_assert_msg(work_in_folder(&request, &error) == FV_OK, "%ld: %s", successes, error.message);
        ck_assert_int_eq(access(store_place("out/.fovea"), F_OK), -1);
        ck_assert_int_eq(access(store_place("out/results.csv"), F_OK), 0);
    }
    ck_assert(done);
    support_remove_folder(store_folder);
}
END_TEST

START_TEST(memory_may_run_out_in_a_merge) {
    const char *sources[1];
    bool done = false;
    store_folder = support_make_folder();
    list_inputs(1);
    const struct fovea_results results = store_results(0);
    const struct fovea_run_request request = {.results = &results, .inputs = &list};
    struct fv_error error = {0};
    struct fovea_run_folder out;
    struct fovea_plan plan;
    open_out(&out, &request, &plan);
    keep(&out, 0, 1);
    ck_assert_int_eq(fovea_run_folder_commit(&out, true, &error), FV_OK);
    fovea_plan_release(&plan);
    fovea_run_folder_close(&out);
    char source[4096], joined[4096];
    snprintf(source, sizeof source, "%s/out", store_folder);
    snprintf(joined, sizeof joined, "%s/joined", store_folder);
    sources[0] = source;
    for (long successes = 0; !done && successes < 1000000; successes += 1 + successes / 15) {
        struct fovea_merge merge = {.output = joined, .folders = sources, .count = 1};
        fv_memory_fail_after(successes);
        enum fv_status status = fovea_merge_run(&merge, &error);
        fv_memory_fail_after(-1);
        fovea_buffer_clear(&merge.said);
        done = status == FV_OK;
        ck_assert_msg(done || status == FV_ERROR_MEMORY, "%ld: %s", successes, error.message);
        ck_assert(done || access(store_place("joined/results.csv"), F_OK) != 0);
    }
    ck_assert_msg(done, "%s", error.message);
    ck_assert_int_eq(access(store_place("joined/masks/one.png"), F_OK), 0);
    support_remove_folder(store_folder);
}
END_TEST

/* A row that another folder has in its place leaves no file. */
START_TEST(a_merge_replaces_what_may_pass) {
    char paths[3][4096];
    const char *const sources[] = {paths[0], paths[1]};
    struct fv_error error = {0};
    store_folder = support_make_folder();
    list_inputs(1);
    const struct fovea_results results = store_results(0);
    const struct fovea_run_request request = {.results = &results, .inputs = &list};
    for (size_t i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%zu", store_folder, i);
    }
    for (size_t i = 0; i < 2; i++) {
        struct fovea_run_folder out;
        struct fovea_plan plan;
        struct fovea_result result = {.input = &listed[0], .passing = i == 0, .files = i == 0};
        ck_assert_int_eq(fovea_run_folder_open(paths[i], true, &out, &error), FV_OK);
        ck_assert_int_eq(fovea_run_folder_plan(&out, &request, &plan, &error), FV_OK);
        keep_result(&out, &result, 1);
        ck_assert_int_eq(fovea_run_folder_commit(&out, true, &error), FV_OK);
        fovea_plan_release(&plan);
        fovea_run_folder_close(&out);
    }
    ck_assert_int_eq(access(store_place("0/masks/one.png"), F_OK), 0);
    struct fovea_merge merge = {.output = paths[2], .folders = sources, .count = 2};
    ck_assert_msg(fovea_merge_run(&merge, &error) == FV_OK, "%s", error.message);
    ck_assert_uint_eq(merge.repeated, 1);
    ck_assert_int_eq(access(store_place("2/masks/one.png"), F_OK), -1);
    fovea_buffer_clear(&merge.said);
    support_remove_folder(store_folder);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("run-folder");
    TCase *tests = tcase_create("run-folder");
    tcase_add_test(tests, one_command_works_in_a_folder);
    tcase_add_test(tests, shares_are_the_whole_and_stable);
    tcase_add_test(tests, shares_keep_pairs_together);
    tcase_add_test(tests, the_plan_sees_what_changed);
    tcase_add_test(tests, the_plan_sees_what_belongs_to_an_input);
    tcase_add_test(tests, moves_are_finished);
    tcase_add_test(tests, a_killed_run_is_seen_without_a_trace);
    tcase_add_test(tests, memory_may_run_out_in_folders);
    tcase_add_test(tests, a_merge_replaces_what_may_pass);
    tcase_add_test(tests, memory_may_run_out_in_a_merge);
    tcase_set_timeout(tests, 300);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
