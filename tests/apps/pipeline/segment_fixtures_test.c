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
#include "suite.h"

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
    struct fovea_planes views; /* the same */
    uint32_t width, height;
    struct fovea_box box;
    size_t pixels, classes; /* of the box */
};

static void open_scene(const struct example *example, struct scene *scene) {
    struct fv_error error = {0};
    *scene = (struct scene){.example = example, .model = open_model(example)};
    const struct fovea_segmenter_options options = {.mirror = true};
    enum fv_status status = fovea_segmenter_create(scene->model, &options, &scene->segmenter, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    ck_assert_uint_eq(fovea_segmenter_channels(scene->segmenter), example->channels);
    ck_assert_uint_eq(fovea_segmenter_members(scene->segmenter), example->folds);
    read_planes(example, scene->planes, &scene->width, &scene->height);
    scene->views = (struct fovea_planes){example->channels, scene->width, scene->height, 8, {NULL}};
    for (size_t c = 0; c < CHANNELS_MAX; c++) {
        scene->views.samples[c] = scene->planes[c];
    }
    ck_assert(fovea_nnunet_crop(&scene->views, &scene->box));
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
    fovea_nnunet_normalise(&scene->views, &scene->box, fovea_segmenter_masked(scene->segmenter), input);
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
    enum fv_status status = fovea_segmenter_run(scene->segmenter, "fixture", &scene->views, labels, NULL, &error);
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

/* The whole image's map holds the box's, and background for certain around it; a rim and a corner are looked at. */
START_TEST(test_probability_is_of_the_whole_image) {
    static const struct example border = {"zero_border", "border", 1, 1};
    struct scene scene;
    struct fv_error error = {0};
    open_scene(&border, &scene);
    size_t count = (size_t)scene.width * scene.height;
    float *whole = malloc(count * scene.classes * sizeof *whole);
    uint8_t *labels = malloc(count);
    ck_assert(whole != NULL && labels != NULL);
    ck_assert_uint_lt(scene.pixels, count);
    enum fv_status status = fovea_segmenter_run(scene.segmenter, "fixture", &scene.views, labels, whole, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    struct fv_npy expected = read_array(border.model, border.image, ".probability.npy");
    for (size_t i = 0; i < count * scene.classes; i++) {
        size_t k = i / count, y = i % count / scene.width - scene.box.top, x = i % scene.width - scene.box.left;
        bool inside = y < scene.box.height && x < scene.box.width; /* what lies before the box wraps around */
        double value = inside ? expected.values[k * scene.pixels + y * scene.box.width + x] : k == 0 ? 1 : 0;
        ck_assert_double_le(fabs(whole[i] - value), inside ? TOLERANCE : 0);
    }
    fv_npy_clear(&expected);
    free(labels);
    free(whole);
    close_scene(&scene);
}
END_TEST

/* Folds 2 and 0 of five are members 0 and 2 alone; fold 0 is nnU-Net's; one thread or three, the bits are the same. */
START_TEST(test_folds_and_threads) {
    struct scene scene;
    struct fv_error error = {0};
    open_scene(&examples[2], &scene);
    float *input = check_preparation(&scene);
    size_t values = scene.pixels * scene.classes;
    float *first = malloc(values * sizeof *first), *third = malloc(values * sizeof *third),
          *both = malloc(values * sizeof *both);
    ck_assert(first != NULL && third != NULL && both != NULL);
    struct fovea_box box = scene.box;
    ck_assert_int_eq(fovea_segmenter_predict(scene.segmenter, input, box.height, box.width, 0, 1, first, NULL), FV_OK);
    ck_assert_int_eq(fovea_segmenter_predict(scene.segmenter, input, box.height, box.width, 2, 1, third, NULL), FV_OK);

    struct fv_threads *threads;
    ck_assert_int_eq(fv_threads_create(3, &threads, NULL), FV_OK);
    static const size_t folds[] = {2, 0};
    struct fovea_segmenter_options options = {.threads = threads, .mirror = true, .folds = folds, .fold_count = 2};
    struct fovea_segmenter *part;
    enum fv_status status = fovea_segmenter_create(scene.model, &options, &part, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    ck_assert_uint_eq(fovea_segmenter_members(part), 2);
    ck_assert_uint_eq(fovea_segmenter_members_most(part), 5);
    ck_assert(fovea_segmenter_folds(part)[0] == 0 && fovea_segmenter_folds(part)[1] == 2);
    ck_assert_uint_eq(fovea_segmenter_views(part), 4);
    ck_assert_int_eq(fovea_segmenter_predict(part, input, box.height, box.width, 0, 2, both, NULL), FV_OK);
    for (size_t i = 0; i < values; i++) {
        first[i] = (first[i] + third[i]) / 2.0f;
    }
    ck_assert_mem_eq(both, first, values * sizeof *both);
    fovea_segmenter_destroy(part);

    static const size_t missing[] = {5}, twice[] = {1, 1};
    options.folds = missing;
    options.fold_count = 1;
    ck_assert_int_eq(fovea_segmenter_create(scene.model, &options, &part, &error), FV_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "has no fold 5; it has 5, numbered 0 to 4"));
    options.folds = twice;
    options.fold_count = 2;
    ck_assert_int_eq(fovea_segmenter_create(scene.model, &options, &part, &error), FV_ERROR_ARGUMENT);
    fv_threads_destroy(threads);
    free(both);
    free(third);
    free(first);
    free(input);
    close_scene(&scene);
}
END_TEST

/* What the net is not asked about: nothing but zeros, another number of channels. A constant image is segmented. */
START_TEST(test_odd_images) {
    struct scene scene;
    struct fv_error error = {0};
    open_scene(&examples[0], &scene);
    static uint8_t constant[40 * 40], zeros[40 * 40], labels[40 * 40];
    memset(constant, 7, sizeof constant);
    struct fovea_planes planes = {1, 40, 40, 8, {constant, constant}};
    enum fv_status status = fovea_segmenter_run(scene.segmenter, "constant", &planes, labels, NULL, &error);
    ck_assert_msg(status == FV_OK, "%s", error.message);
    planes.count = 2;
    status = fovea_segmenter_run(scene.segmenter, "two", &planes, labels, NULL, &error);
    ck_assert_int_eq(status, FV_ERROR_UNSUPPORTED);
    ck_assert_str_eq(error.message, "two: 2 channels; the model takes 1");
    planes.count = 1;
    planes.samples[0] = zeros;
    status = fovea_segmenter_run(scene.segmenter, "black", &planes, labels, NULL, &error);
    ck_assert_int_eq(status, FV_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "black: all pixels are zero"));
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
    tcase_add_test(steps, test_probability_is_of_the_whole_image);
    tcase_add_test(steps, test_folds_and_threads);
    tcase_add_test(steps, test_odd_images);
    suite_add_tcase(suite, steps);
    return suite_run(suite);
}
