/* From labels to reports without a net: what is read, how rounds are split and scored, and every allocation failing. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/adapt.h"
#include "fovea/memory.h"
#include "suite.h"
#include "support.h"

enum { IMAGES = 36, COPIES = 2, FEATURES = 4, CLASSES = FOVEA_QUALITY_COUNT };

static const char *folder;

static void make_folder(void) {
    folder = support_make_folder();
}

static void remove_folder(void) {
    support_remove_folder(folder);
}

static const char *write_file(const char *name, const char *text) {
    const char *path = support_path(folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static const char table[] = "file,grade,subject\none.png,2,a\n\"two, three.png\",gradable,b\nfour.png,0,a\n";

static void check_labels(const struct fovea_labels *labels) {
    static const char *const names[] = {"one.png", "two, three.png", "four.png"};
    static const size_t grades[] = {FOVEA_OUTSTANDING, FOVEA_GRADABLE, FOVEA_UNGRADABLE};
    ck_assert_uint_eq(labels->count, 3);
    ck_assert(labels->subjects);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(labels->items[i].name, names[i]);
        ck_assert_str_eq(labels->items[i].path, support_path(folder, names[i]));
        ck_assert_str_eq(labels->items[i].subject, i == 1 ? "b" : "a");
        ck_assert_uint_eq(labels->items[i].label, grades[i]);
        ck_assert_uint_eq(labels->items[i].line, i + 2);
    }
    ck_assert_uint_eq(strlen(labels->items[0].sha256), 64);
    ck_assert_str_eq(labels->items[2].sha256, ""); /* not there, which is no problem of the table's */
}

START_TEST(labels_are_read_and_any_allocation_may_fail) {
    char path[512];
    write_file("one.png", "1");
    write_file("two, three.png", "23");
    snprintf(path, sizeof path, "%s", write_file("labels.csv", table));
    enum fv_status status = FV_ERROR_MEMORY;
    long allowed = 0;
    for (; status != FV_OK; allowed++) {
        struct fovea_labels labels;
        struct fovea_failures problems = {0};
        struct fv_error error = {0};
        fv_memory_fail_after(allowed);
        status = fovea_labels_read(path, NULL, &labels, &problems, &error);
        fv_memory_fail_after(-1);
        ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY, "%s", error.message);
        if (status == FV_OK) {
            ck_assert_uint_eq(problems.count, 0);
            check_labels(&labels);
        }
        fovea_labels_clear(&labels);
        fovea_failures_clear(&problems);
        ck_assert_int_lt(allowed, 1000);
    }
    ck_assert_int_gt(allowed, 5);
}
END_TEST

/* An adaptation whose features tell the grade, which the parent's layer of zeros does not see: it calls all ungradable.
 * Every third image belongs to the subject of the image before it. */
struct made {
    struct fovea_adapt_options options;
    struct fovea_adapt adapt;
    struct fovea_model parent;
    struct fovea_labelled items[IMAGES];
    struct fovea_adapt_image images[IMAGES];
    float features[IMAGES * COPIES * FEATURES];
    size_t row_labels[IMAGES * COPIES];
    double start[CLASSES * (FEATURES + 1)];
    char names[IMAGES][16], subjects[IMAGES][16];
};

static void make(struct made *made) {
    memset(made, 0, sizeof *made);
    made->options = (struct fovea_adapt_options){.copies = COPIES, .folds = 5, .epochs = 60, .seed = 4, .output = ""};
    made->parent = (struct fovea_model){.name = "Parent <1>", .file_name = "parent.gguf", .sha256 = "00"};
    made->adapt = (struct fovea_adapt){.options = &made->options,
                                       .parent = &made->parent,
                                       .labels = {.file = "labels.csv", .count = IMAGES, .subjects = true},
                                       .images = made->images,
                                       .count = IMAGES,
                                       .features = made->features,
                                       .row_labels = made->row_labels,
                                       .training = {0.05, 0.0, 60, 20, 32, 5, 4},
                                       .start = {CLASSES, FEATURES, made->start},
                                       .date = "2021-08-31"};
    for (size_t i = 0; i < IMAGES; i++) {
        snprintf(made->names[i], sizeof made->names[i], "%02zu.png", i);
        snprintf(made->subjects[i], sizeof made->subjects[i], "s%zu", i % 3 == 2 ? i - 1 : i);
        made->items[i] =
            (struct fovea_labelled){made->names[i], made->names[i], made->subjects[i], i + 2, i % CLASSES, ""};
        made->images[i].labelled = &made->items[i];
        made->adapt.counts[i % CLASSES]++;
        for (size_t c = 0; c < COPIES; c++) {
            size_t row = i * COPIES + c;
            made->row_labels[row] = i % CLASSES;
            for (size_t f = 0; f < FEATURES; f++) {
                made->features[row * FEATURES + f] =
                    (f == i % CLASSES ? 1.0f : 0.0f) + (float)((row * 7 + f) % 5) / 20.0f;
            }
        }
    }
}

static void clear(struct fovea_adapt *adapt) {
    for (size_t r = 0; r < FOVEA_ADAPT_MOST_FOLDS; r++) {
        fovea_training_clear(&adapt->rounds[r]);
    }
    fovea_training_clear(&adapt->final);
    fovea_classification_clear(&adapt->before);
    fovea_classification_clear(&adapt->after);
    fovea_failures_clear(&adapt->failures);
}

START_TEST(rounds_score_what_they_have_not_seen) {
    struct made made;
    struct fv_error error = {0};
    make(&made);
    struct fovea_adapt *adapt = &made.adapt;
    ck_assert_msg(fovea_adapt_split(adapt, &error) == FV_OK, "%s", error.message);
    ck_assert_uint_eq(adapt->subjects, IMAGES / 3 * 2);
    for (size_t i = 2; i < IMAGES; i += 3) {
        ck_assert_uint_eq(made.images[i].fold, made.images[i - 1].fold);
    }
    ck_assert_msg(fovea_adapt_train(adapt, &error) == FV_OK, "%s", error.message);
    ck_assert_double_eq_tol(adapt->before.accuracy, 1.0 / 3.0, 1e-12);
    ck_assert_double_eq(adapt->after.accuracy, 1.0);
    ck_assert_uint_eq(adapt->mended, IMAGES / 3 * 2);
    ck_assert_uint_eq(adapt->broken, 0);
    ck_assert(adapt->better);
    ck_assert_uint_eq(adapt->final.run, adapt->chosen);
    ck_assert_uint_gt(adapt->chosen, 0);
    /* A label that only the scored image has cannot have been learned. */
    clear(adapt);
    make(&made);
    size_t lie = 7;
    made.items[lie].label = (lie + 1) % CLASSES;
    for (size_t c = 0; c < COPIES; c++) {
        made.row_labels[lie * COPIES + c] = made.items[lie].label;
    }
    made.adapt.counts[lie % CLASSES]--;
    made.adapt.counts[made.items[lie].label]++;
    ck_assert_int_eq(fovea_adapt_split(adapt, &error), FV_OK);
    ck_assert_int_eq(fovea_adapt_train(adapt, &error), FV_OK);
    ck_assert_uint_eq(made.images[lie].after.predicted, lie % CLASSES);
    clear(adapt);
}
END_TEST

START_TEST(any_allocation_may_fail) {
    char paths[3][512];
    static const char *const names[] = {"adapt.csv", "adapt.json", "adapt.html"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s", support_path(folder, names[i]));
    }
    enum fv_status status = FV_ERROR_MEMORY;
    long allowed = 0;
    for (; status != FV_OK; allowed++) {
        struct made made;
        struct fv_error error = {0};
        make(&made);
        fovea_failures_add(&made.adapt.failures, "lost.png", "labels.csv", 40, &error, "it is <gone>");
        fv_memory_fail_after(allowed);
        status = fovea_adapt_split(&made.adapt, &error);
        status = status != FV_OK ? status : fovea_adapt_train(&made.adapt, &error);
        status = status != FV_OK ? status : fovea_adapt_write_rows(&made.adapt, paths[0], &error);
        status = status != FV_OK ? status : fovea_adapt_write_json(&made.adapt, true, paths[1], &error);
        status = status != FV_OK ? status : fovea_adapt_write_report(&made.adapt, true, paths[2], &error);
        fv_memory_fail_after(-1);
        ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY, "%s", error.message);
        clear(&made.adapt);
        ck_assert_int_lt(allowed, 100000);
    }
    ck_assert_int_gt(allowed, 50);
    ck_assert_uint_eq(support_count_entries(folder), 3);
    size_t size;
    char *html = (char *)support_read(paths[2], &size);
    html[size - 1] = '\0';
    ck_assert_ptr_nonnull(strstr(html, "Parent &lt;1&gt;"));
    ck_assert_ptr_nonnull(strstr(html, "it is &lt;gone&gt;"));
    ck_assert_ptr_null(strstr(html, "<1>"));
    free(html);
}
END_TEST

START_TEST(too_little_is_refused) {
    static const char *const messages[] = {"0 images are outstanding, expected at least 10",
                                           "9 images are gradable, expected at least 10",
                                           "4 of 39 images cannot be used", "expected at least 20 of each grade"};
    struct made made;
    struct fv_error error = {0};
    make(&made);
    if (_i == 0) {
        made.adapt.counts[FOVEA_OUTSTANDING] = 0;
    } else if (_i == 1) {
        made.adapt.counts[FOVEA_GRADABLE] = 9;
    } else if (_i == 2) {
        for (size_t i = 0; i < 4; i++) {
            fovea_failures_add(&made.adapt.failures, "x", "labels.csv", i, &error, "gone");
        }
        made.adapt.labels.count = 39;
    } else {
        made.options.folds = 10;
    }
    ck_assert_int_eq(fovea_adapt_split(&made.adapt, &error), FV_ERROR_ARGUMENT);
    ck_assert_msg(strstr(error.message, messages[_i]) != NULL, "%s", error.message);
    clear(&made.adapt);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("adapt rooms");
    TCase *tests = tcase_create("adapt rooms");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, labels_are_read_and_any_allocation_may_fail);
    tcase_add_test(tests, rounds_score_what_they_have_not_seen);
    tcase_add_test(tests, any_allocation_may_fail);
    tcase_add_loop_test(tests, too_little_is_refused, 0, 4);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
