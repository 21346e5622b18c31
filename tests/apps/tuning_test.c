/* Measurements that are kept beside a model: made once, read again, and never trusted blindly. */
#include "base/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue.h"
#include "checks.h"
#include "fovea/memory.h"
#include "fovea/nets.h"
#include "support.h"

struct scene {
    const char *folder, *model_path, *tuning_path;
    struct fv_model *model;
    struct fv_graph *graph;
};

static struct scene open_scene(const char *net) {
    struct scene scene = {.folder = support_make_folder()};
    struct fv_error error = {0};
    scene.model_path = support_path(scene.folder, "net.gguf");
    scene.tuning_path = support_path(scene.folder, "net.gguf.tuning.json");
    check_success(random_model_write(catalogue_find(net), scene.model_path, &error), &error);
    check_success(fv_model_open(scene.model_path, &scene.model, &error), &error);
    check_success(fv_net_build(scene.model, NULL, &scene.graph, &error), &error);
    return scene;
}

static void close_scene(struct scene *scene) {
    fv_graph_destroy(scene->graph);
    fv_model_close(scene->model);
    support_remove_folder(scene->folder);
}

static enum fv_status get(const struct scene *scene, struct fv_tuning *tuning, struct fv_error *error) {
    return fovea_tuning_get(scene->model, scene->graph, &(struct fv_session_options){0}, tuning, error);
}

/* The file as text, given back with free. */
static char *read_file(const struct scene *scene) {
    size_t size;
    uint8_t *bytes = support_read(scene->tuning_path, &size);
    char *text = check_allocate(size + 1, 1);
    memcpy(text, bytes, size);
    free(bytes);
    return text;
}

static void write_file(const struct scene *scene, const char *text) {
    FILE *file = fopen(scene->tuning_path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *found = strstr(text, part); found != NULL; found = strstr(found + 1, part)) {
        count++;
    }
    return count;
}

START_TEST(what_was_measured_is_read_again) {
    struct scene scene = open_scene("unet_one_pooling");
    struct fv_tuning first, second;
    struct fv_error error = {0};
    check_success(get(&scene, &first, &error), &error);
    ck_assert_uint_ge(first.count, 2);
    char *text = read_file(&scene);
    ck_assert_ptr_null(strstr(text, scene.folder));
    check_success(get(&scene, &second, &error), &error);
    ck_assert_uint_eq(second.count, first.count);
    for (size_t m = 0; m < first.count; m++) {
        ck_assert_str_eq(second.measurements[m].node, first.measurements[m].node);
        ck_assert_str_eq(second.measurements[m].algorithm, first.measurements[m].algorithm);
        /* cJSON writes 15 digits. */
        ck_assert_double_eq_tol(second.measurements[m].seconds / first.measurements[m].seconds, 1, 1e-14);
    }
    char *again = read_file(&scene);
    ck_assert_str_eq(text, again);
    ck_assert_uint_eq(support_count_entries(scene.folder), 2);
    free(text);
    free(again);
    fv_tuning_clear(&first);
    fv_tuning_clear(&second);
    close_scene(&scene);
}
END_TEST

/* What was measured for something else: another processor, instruction set, model. */
static const char *const elsewhere[] = {"caches", "input", "model "};
enum { ELSEWHERE = sizeof elsewhere / sizeof *elsewhere };

START_TEST(what_was_measured_elsewhere_stays_and_is_not_used) {
    struct scene scene = open_scene("unet_one_pooling");
    struct fv_tuning tuning;
    struct fv_error error = {0};
    check_success(get(&scene, &tuning, &error), &error);
    fv_tuning_clear(&tuning);
    char *text = read_file(&scene);
    char *found = strstr(text, elsewhere[_i]);
    ck_assert_ptr_nonnull(found);
    found[0] = 'X';
    write_file(&scene, text);
    check_success(get(&scene, &tuning, &error), &error);
    fv_tuning_clear(&tuning);
    char *both = read_file(&scene);
    ck_assert_uint_eq(count_of(text, "\"for\""), 1);
    ck_assert_uint_eq(count_of(both, "\"for\""), 2);
    found[strlen(elsewhere[_i])] = '\0';
    ck_assert_ptr_nonnull(strstr(both, found));
    free(text);
    free(both);
    close_scene(&scene);
}
END_TEST

START_TEST(a_net_without_a_choice_leaves_no_file) {
    struct scene scene = open_scene("swin_two_stages");
    struct fv_tuning tuning;
    struct fv_error error = {0};
    check_success(get(&scene, &tuning, &error), &error);
    ck_assert_uint_eq(tuning.count, 0);
    ck_assert_uint_eq(support_count_entries(scene.folder), 1);
    close_scene(&scene);
}
END_TEST

/* Whole files, and what takes the place of the seconds in a good one. */
static const struct {
    const char *text, *seconds, *message;
} broken[] = {
    {"", NULL, "expected a JSON object"},
    {"{\"entries\":[", NULL, "expected a JSON object"},
    {"{\"entries\":{}}", NULL, "expected a JSON object"},
    {"[]", NULL, "expected a JSON object"},
    {NULL, "secands", "measurement 0: expected"},
    {NULL, "seconds\":-1,\"", "measurement 0: expected"},
    {NULL, "seconds\":\"1\",\"", "measurement 0: expected"},
};
enum { BROKEN = sizeof broken / sizeof *broken };

START_TEST(a_broken_file_is_an_error_and_stays) {
    struct scene scene = open_scene("unet_one_pooling");
    struct fv_tuning tuning;
    struct fv_error error = {0};
    if (broken[_i].text != NULL) {
        write_file(&scene, broken[_i].text);
    } else {
        check_success(get(&scene, &tuning, &error), &error);
        fv_tuning_clear(&tuning);
        char *text = read_file(&scene), *seconds = strstr(text, "seconds");
        ck_assert_ptr_nonnull(seconds);
        char *changed = check_allocate(strlen(text) + 64, 1);
        sprintf(changed, "%.*s%s%s", (int)(seconds - text), text, broken[_i].seconds, seconds + strlen("seconds"));
        write_file(&scene, changed);
        free(changed);
        free(text);
    }
    char *before = read_file(&scene);
    check_failure(get(&scene, &tuning, &error), &error, FV_ERROR_FORMAT, broken[_i].message);
    ck_assert_ptr_nonnull(strstr(error.message, "net.gguf.tuning.json"));
    ck_assert_uint_eq(tuning.count, 0);
    char *after = read_file(&scene);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    close_scene(&scene);
}
END_TEST

/* The place is tried before time is spent. A folder of the file's name refuses even root. */
START_TEST(a_place_that_cannot_be_written_is_an_error) {
    struct scene scene = open_scene("unet_one_pooling");
    struct fv_tuning tuning;
    struct fv_error error = {0};
    ck_assert_int_eq(mkdir(scene.tuning_path, 0700), 0);
    check_failure(get(&scene, &tuning, &error), &error, FV_ERROR_FILE, "net.gguf.tuning.json");
    ck_assert_uint_eq(tuning.count, 0);
    rmdir(scene.tuning_path);
    close_scene(&scene);
}
END_TEST

/* Of reading what is there: cJSON does not tell a text that it cannot hold from one that is wrong. */
START_TEST(any_allocation_may_fail) {
    struct scene scene = open_scene("unet_one_pooling");
    struct fv_tuning tuning;
    struct fv_error error = {0};
    if (_i == 1) {
        check_success(get(&scene, &tuning, &error), &error);
        fv_tuning_clear(&tuning);
    }
    long failures = 0;
    enum fv_status status = FV_ERROR_MEMORY;
    for (; status != FV_OK; failures++) {
        struct fv_error failed = {0};
        fv_memory_fail_after(failures);
        status = get(&scene, &tuning, &failed);
        fv_memory_fail_after(-1);
        ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY || (_i == 1 && status == FV_ERROR_FORMAT),
                      "allocation %ld: %s", failures, failed.message);
        ck_assert(status == FV_OK || (tuning.count == 0 && tuning.measurements == NULL));
        ck_assert_uint_eq(support_count_entries(scene.folder), status == FV_OK || _i == 1 ? 2 : 1);
        fv_tuning_clear(&tuning);
    }
    ck_assert_int_gt(failures, 20);
    close_scene(&scene);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"what_was_measured_is_read_again", what_was_measured_is_read_again, 0},
        {"what_was_measured_elsewhere_stays_and_is_not_used", what_was_measured_elsewhere_stays_and_is_not_used,
         ELSEWHERE},
        {"a_net_without_a_choice_leaves_no_file", a_net_without_a_choice_leaves_no_file, 0},
        {"a_broken_file_is_an_error_and_stays", a_broken_file_is_an_error_and_stays, BROKEN},
        {"a_place_that_cannot_be_written_is_an_error", a_place_that_cannot_be_written_is_an_error, 0},
        {"any_allocation_may_fail", any_allocation_may_fail, 2},
    };
    return check_run("tuning", cases, sizeof cases / sizeof *cases);
}
