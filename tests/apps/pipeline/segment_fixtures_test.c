/* Segmenting as nnU-Net 1.6.6 itself did it, step by step (shared fixtures): preparation, one fold, the mean of the
 * folds, labels. Skipped with a plain line where the fixtures are absent. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <zlib.h>

#include "fovea/checkpoint.h"
#include "fovea/convert.h"
#include "fovea/memory.h"
#include "fovea/npy.h"
#include "pipeline/nnunet.h"
#include "pipeline/segment.h"

enum { CHANNELS_MAX = 3, NIFTI_DATA = 352 };

static const double TOLERANCE = 1e-5, NEAR_TIE = 1e-4;

struct example {
    const char *model, *image;
    size_t channels, folds;
};

static const struct example examples[] = {
    {"one_modality", "equal", 1, 5}, {"one_modality", "smaller", 1, 5},
    {"one_modality", "tiles", 1, 5}, {"one_modality", "wide", 1, 5},
    {"rgb", "equal", 3, 2},          {"rgb", "tiles", 3, 2},
    {"zero_border", "border", 1, 1}, {"zero_border", "no_border", 1, 1},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

static struct fv_npy read_array(const char *model, const char *image, const char *suffix) {
    char path[4096];
    struct fv_npy array;
    struct fv_error error = {0};
    snprintf(path, sizeof path, "%s/nnunet/%s/expected/%s%s", FIXTURES, model, image, suffix);
    enum fv_status status = fv_npy_read(path, &array, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    return array;
}

static bool exists(const char *path) {
    struct stat information;
    return stat(path, &information) == 0;
}

/* Unpacks and converts the folder; the model stays in the working folder. */
static struct fv_model *open_model(const struct example *example) {
    char command[8192], folder[512], path[528];
    struct fv_error error = {0};
    snprintf(folder, sizeof folder, "segment-fixtures-%s", example->model);
    snprintf(path, sizeof path, "%s.gguf", folder);
    snprintf(command, sizeof command,
             "rm -rf '%s' && cp -r '%s/nnunet/%s' '%s' && find '%s' -name '*.xz' -exec xz -d {} +", folder, FIXTURES,
             example->model, folder, folder);
    ck_assert_int_eq(system(command), 0);
    struct fv_checkpoint *checkpoint;
    struct fv_convert_options options;
    fv_convert_options_default(&options);
    enum fv_status status = fv_checkpoint_open(folder, &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    status = fv_convert(checkpoint, path, &options, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    fv_checkpoint_close(checkpoint);
    struct fv_model *model;
    status = fv_model_open(path, &model, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    return model;
}

/* The largest distance, and the number of values is checked. */
static double distance(const struct fv_npy *expected, const float *values, size_t count) {
    ck_assert_uint_eq(expected->elements, count);
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs((double)expected->values[i] - (double)values[i]));
    }
    return most;
}

static void read_planes(const struct example *example, uint8_t *planes[CHANNELS_MAX], uint32_t *width,
                        uint32_t *height) {
    *width = *height = 0;
    for (size_t c = 0; c < example->channels; c++) {
        char suffix[32];
        snprintf(suffix, sizeof suffix, "_%04zu.npy", c);
        struct fv_npy array = read_array(example->model, example->image, suffix);
        *height = (uint32_t)array.shape[array.rank - 2];
        *width = (uint32_t)array.shape[array.rank - 1];
        planes[c] = malloc(array.elements);
        ck_assert_ptr_nonnull(planes[c]);
        for (size_t i = 0; i < array.elements; i++) {
            planes[c][i] = (uint8_t)array.values[i];
        }
        fv_npy_clear(&array);
    }
}

/* The labels that nnU-Net exported. */
static uint8_t *read_labels(const struct example *example, size_t count) {
    char path[4096], head[NIFTI_DATA];
    snprintf(path, sizeof path, "%s/nnunet/%s/expected/%s.label.nii.gz", FIXTURES, example->model, example->image);
    uint8_t *labels = malloc(count);
    gzFile file = gzopen(path, "rb");
    ck_assert_ptr_nonnull(labels);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzread(file, head, sizeof head), sizeof head);
    ck_assert_int_eq(gzread(file, labels, (unsigned)count), (int)count);
    gzclose(file);
    return labels;
}

/* Whether the two likeliest classes at pixel (x, y) are too close to call; outside of the box nothing is. */
static bool near_tie(const struct fv_npy *probability, const struct fovea_box *box, size_t classes, size_t x,
                     size_t y) {
    if (y < box->top || x < box->left || y >= box->top + box->height || x >= box->left + box->width) {
        return false;
    }
    size_t at = (y - box->top) * box->width + x - box->left, pixels = box->width * box->height;
    ck_assert_uint_eq(classes, 2);
    return fabs((double)probability->values[at] - (double)probability->values[pixels + at]) < NEAR_TIE;
}

/* An example in work. */
struct scene {
    const struct example *example;
    struct fv_model *model;
    struct fovea_segmenter *segmenter;
    uint8_t *planes[CHANNELS_MAX];
    const uint8_t *views[CHANNELS_MAX]; /* the same */
    uint32_t width, height;
    struct fovea_box box;
    size_t pixels, classes; /* of the box */
};

static void open_scene(const struct example *example, struct scene *scene) {
    struct fv_error error = {0};
    *scene = (struct scene){.example = example, .model = open_model(example)};
    enum fv_status status = fovea_segmenter_create(scene->model, NULL, true, &scene->segmenter, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    ck_assert_uint_eq(fovea_segmenter_channels(scene->segmenter), example->channels);
    ck_assert_uint_eq(fovea_segmenter_members(scene->segmenter), example->folds);
    read_planes(example, scene->planes, &scene->width, &scene->height);
    for (size_t c = 0; c < CHANNELS_MAX; c++) {
        scene->views[c] = scene->planes[c];
    }
    ck_assert(fovea_nnunet_crop(scene->views, example->channels, scene->width, scene->height, &scene->box));
    scene->pixels = scene->box.width * scene->box.height;
    scene->classes = fovea_segmenter_classes(scene->segmenter);
}

static void close_scene(struct scene *scene) {
    for (size_t c = 0; c < CHANNELS_MAX; c++) {
        free(scene->planes[c]);
    }
    fovea_segmenter_destroy(scene->segmenter);
    fv_model_close(scene->model);
}

/* The prepared image, which is compared with nnU-Net's. The caller frees it. */
static float *check_preparation(const struct scene *scene) {
    size_t values = scene->pixels * scene->example->channels;
    float *input = malloc(values * sizeof *input);
    ck_assert_ptr_nonnull(input);
    fovea_nnunet_normalise(scene->views, scene->example->channels, scene->width, &scene->box,
                           fovea_segmenter_masked(scene->segmenter), input);
    struct fv_npy expected = read_array(scene->example->model, scene->example->image, ".preprocessed.npy");
    double most = distance(&expected, input, values);
    printf("%s/%s: prepared %.2g", scene->example->model, scene->example->image, most);
    ck_assert_double_le(most, TOLERANCE);
    fv_npy_clear(&expected);
    return input;
}

/* Predicts with `folds` members and compares with the array of that suffix, which is returned. */
static struct fv_npy check_prediction(const struct scene *scene, const float *input, size_t folds, const char *suffix) {
    struct fv_error error = {0};
    float *probability = malloc(scene->pixels * scene->classes * sizeof *probability);
    ck_assert_ptr_nonnull(probability);
    enum fv_status status = fovea_segmenter_predict(scene->segmenter, input, scene->box.height, scene->box.width, 0,
                                                    folds, probability, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    struct fv_npy expected = read_array(scene->example->model, scene->example->image, suffix);
    double most = distance(&expected, probability, scene->pixels * scene->classes);
    printf(", %zu folds %.2g", folds, most);
    ck_assert_double_le(most, TOLERANCE);
    free(probability);
    return expected;
}

static void check_labels(const struct scene *scene, const struct fv_npy *probability) {
    struct fv_error error = {0};
    size_t count = (size_t)scene->width * scene->height, differ = 0;
    uint8_t *labels = malloc(count), *truth = read_labels(scene->example, count);
    ck_assert_ptr_nonnull(labels);
    enum fv_status status =
        fovea_segmenter_run(scene->segmenter, "fixture", scene->views, scene->width, scene->height, labels, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    for (size_t i = 0; i < count; i++) {
        differ += labels[i] != truth[i] &&
                  !near_tie(probability, &scene->box, scene->classes, i % scene->width, i / scene->width);
    }
    printf(", %zu labels differ\n", differ);
    ck_assert_uint_eq(differ, 0);
    free(truth);
    free(labels);
}

START_TEST(test_segment_fixture) {
    struct scene scene;
    open_scene(&examples[_i], &scene);
    float *input = check_preparation(&scene);
    struct fv_npy fold = check_prediction(&scene, input, 1, ".fold0.npy");
    struct fv_npy mean = check_prediction(&scene, input, scene.example->folds, ".probability.npy");
    check_labels(&scene, &mean);
    fv_npy_clear(&fold);
    fv_npy_clear(&mean);
    free(input);
    close_scene(&scene);
}
END_TEST

int main(void) {
    if (!exists(FIXTURES "/nnunet/one_modality")) {
        printf("skipped: no fixtures at %s\n", FIXTURES);
        return 77; /* meson's sign for a skipped test */
    }
    Suite *suite = suite_create("segment fixtures");
    TCase *steps = tcase_create("steps");
    tcase_set_timeout(steps, 240);
    tcase_add_loop_test(steps, test_segment_fixture, 0, EXAMPLES);
    suite_add_tcase(suite, steps);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
