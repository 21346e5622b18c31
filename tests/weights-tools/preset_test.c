/* Presets of the published program: what they set for graders and segmenters, that given options win and the model says
 * so, and what they must not paper over. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/convert.h"
#include "fovea/model.h"
#include "made_nnunet.h"
#include "suite.h"

static struct made_network network;
static struct fv_convert_options options;
static struct fv_error error;

static void setup(void) {
    fv_convert_options_default(&options);
}

static void teardown(void) {
    made_clear(&network);
}

static enum fv_status convert_path(const char *path) {
    struct fv_checkpoint *checkpoint;
    enum fv_status status = fv_checkpoint_open(path, &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
    fv_checkpoint_close(checkpoint);
    return status;
}

static enum fv_status convert(void) {
    struct bytes file = made_torch_zip(&network);
    const char *path = scratch_write("source.pth", &file);
    bytes_clear(&file);
    return convert_path(path);
}

static struct fv_model *opened(enum fv_status status) {
    struct fv_model *model;
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_model_open(scratch_path("model.gguf"), &model, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    ck_assert_int_eq(unlink(scratch_path("model.gguf")), 0);
    return model;
}

/* The made network of three outputs for three channels, of which the published graders are. */
static void three_grades(void) {
    network = made_resnet(false);
    struct made_tensor *stem = made_find(&network, "conv1.weight"), *head = made_find(&network, "fc.weight");
    struct made_tensor *bias = made_find(&network, "fc.bias");
    struct {
        struct made_tensor *tensor;
        size_t axis;
    } grown[] = {{stem, 1}, {head, 0}, {bias, 0}};
    for (size_t i = 0; i < sizeof grown / sizeof *grown; i++) {
        struct made_tensor *tensor = grown[i].tensor;
        tensor->elements = tensor->elements / tensor->shape[grown[i].axis] * 3;
        tensor->shape[grown[i].axis] = 3;
        free(tensor->values);
        tensor->values = calloc(tensor->elements, sizeof *tensor->values);
        ck_assert_ptr_nonnull(tensor->values);
    }
}

static void expect_text(const struct fv_model *model, const char *key, const char *expected) {
    const char *value = "(missing)";
    fv_model_string(model, key, &value);
    ck_assert_msg(strcmp(value, expected) == 0, "%s is %s, expected %s", key, value, expected);
}

static void expect_size(const struct fv_model *model, const char *key, int64_t expected) {
    int64_t value = -1;
    fv_model_integer(model, key, &value);
    ck_assert_msg(value == expected, "%s is %lld, expected %lld", key, (long long)value, (long long)expected);
}

/* The elements of a list, texts or numbers, with commas between them. */
static void expect_list(const struct fv_model *model, const char *key, const char *expected) {
    char text[256] = "";
    for (long i = 0; i < fv_model_array_length(model, key); i++) {
        const char *word;
        double number = 0;
        const size_t used = strlen(text);
        if (fv_model_array_string(model, key, (size_t)i, &word)) {
            snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : ",", word);
        } else {
            ck_assert(fv_model_array_number(model, key, (size_t)i, &number));
            snprintf(text + used, sizeof text - used, "%s%g", i == 0 ? "" : ",", number);
        }
    }
    ck_assert_msg(strcmp(text, expected) == 0, "%s is %s, expected %s", key, text, expected);
}

/* Whether one of the decisions is, or holds, this text. */
static void expect_decision(const struct fv_model *model, const char *part) {
    const char *decision;
    for (size_t i = 0; fv_model_array_string(model, "fovea.decisions", i, &decision); i++) {
        if (strstr(decision, part) != NULL) {
            return;
        }
    }
    ck_abort_msg("no decision says: %s", part);
}

START_TEST(grader_at_3_mm) {
    three_grades();
    options.preset = "coips-3x3";
    struct fv_model *model = opened(convert());
    expect_text(model, "fovea.preset", "coips-3x3");
    expect_text(model, "fovea.task", "quality");
    expect_list(model, "fovea.classes", "ungradable,gradable,outstanding");
    expect_text(model, "fovea.resize_filter", "bicubic");
    expect_size(model, "fovea.input_size", 384);
    expect_text(model, "fovea.normalization", "fixed");
    expect_list(model, "fovea.mean", "0.485,0.456,0.406");
    expect_list(model, "fovea.std", "0.229,0.224,0.225");
    expect_list(model, "fovea.fov", "3");
    expect_list(model, "fovea.layers", "superficial");
    expect_decision(model, "fovea.fov: by --preset coips-3x3");
    expect_decision(model, "resnet.stem_pool: padded");
    fv_model_close(model);
}
END_TEST

START_TEST(grader_at_6_mm) {
    three_grades();
    options.preset = "coips-6x6";
    struct fv_model *model = opened(convert());
    expect_text(model, "fovea.resize_filter", "bilinear");
    expect_size(model, "fovea.input_size", 224);
    expect_list(model, "fovea.mean", "0.5,0.5,0.5");
    expect_list(model, "fovea.std", "0.5,0.5,0.5");
    expect_list(model, "fovea.fov", "6");
    expect_list(model, "fovea.layers", "superficial");
    fv_model_close(model);
}
END_TEST

START_TEST(given_options_win_and_are_told) {
    static const float fields[] = {3, 6}, mean[] = {0.25f}, deviation[] = {0.125f};
    static const char *const layers[] = {"superficial", "deep"}, *const classes[] = {"a", "b", "c"};
    three_grades();
    options = (struct fv_convert_options){.preset = "coips-3x3",
                                          .classes = classes,
                                          .class_count = 3,
                                          .resize = "bilinear",
                                          .resize_size = 160,
                                          .mean = mean,
                                          .deviation = deviation,
                                          .mean_count = 1,
                                          .fields = fields,
                                          .field_count = 2,
                                          .layers = layers,
                                          .layer_count = 2};
    struct fv_model *model = opened(convert());
    expect_list(model, "fovea.classes", "a,b,c");
    expect_text(model, "fovea.resize_filter", "bilinear");
    expect_size(model, "fovea.input_size", 160);
    expect_list(model, "fovea.mean", "0.25,0.25,0.25");
    expect_list(model, "fovea.fov", "3,6");
    expect_list(model, "fovea.layers", "superficial,deep");
    static const char *const told[] = {
        "fovea.classes: by --classes, which was given, against --preset coips-3x3",
        "fovea.input_size: by --resize, which was given, against",
        "fovea.resize_filter: by --resize, which was given, against",
        "fovea.mean, fovea.std: by --mean and --std, which was given, against",
        "fovea.fov: by --fov, which was given, against",
        "fovea.layers: by --layer, which was given, against",
        "fovea.task: by --preset coips-3x3",
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        expect_decision(model, told[i]);
    }
    fv_model_close(model);
}
END_TEST

/* What an option leaves open, the preset still fills: a filter alone keeps the size, a size alone the filter. */
START_TEST(options_and_preset_complete_each_other) {
    three_grades();
    options = (struct fv_convert_options){.preset = "coips-3x3", .resize = "bilinear"};
    struct fv_model *model = opened(convert());
    expect_text(model, "fovea.resize_filter", "bilinear");
    expect_size(model, "fovea.input_size", 384);
    fv_model_close(model);
    options = (struct fv_convert_options){.preset = "coips-3x3", .image_size = 256, .zscore = true};
    model = opened(convert());
    expect_text(model, "fovea.resize_filter", "bicubic");
    expect_size(model, "fovea.input_size", 256);
    expect_text(model, "fovea.normalization", "zscore");
    ck_assert(!fv_model_has(model, "fovea.mean"));
    expect_decision(model, "fovea.normalization: by --zscore, which was given");
    fv_model_close(model);
    options = (struct fv_convert_options){.preset = "coips-3x3", .resize = "none"};
    model = opened(convert());
    ck_assert(!fv_model_has(model, "fovea.resize_filter"));
    ck_assert(!fv_model_has(model, "fovea.input_size"));
    fv_model_close(model);
}
END_TEST

static void expect_refusal(enum fv_status expected, const char *part) {
    enum fv_status status = convert();
    ck_assert_msg(status == expected, "%s instead of %s", fv_status_name(status), fv_status_name(expected));
    ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
    ck_assert_uint_eq(scratch_count("model.gguf"), 0);
}

/* The made Swin takes 16 x 16 pixels, as its attention masks tell. */
START_TEST(preset_of_another_size_is_refused) {
    network = made_swin();
    options.preset = "coips-3x3";
    expect_refusal(FV_ERROR_ARGUMENT,
                   "--preset coips-3x3 resizes images to 384, which does not fit the network's input "
                   "of 16; give --resize bicubic:16");
    options.resize = "bicubic";
    options.resize_size = 16;
    struct fv_model *model = opened(convert());
    expect_size(model, "fovea.input_size", 16);
    expect_decision(model, "swin.image_size: 16, from the attention masks in the file");
    fv_model_close(model);
}
END_TEST

START_TEST(preset_that_does_not_fit_the_network_is_refused) {
    network = made_resnet(false); /* one channel, two outputs */
    options.preset = "coips-6x6";
    expect_refusal(FV_ERROR_ARGUMENT, "--preset names 3, the network has 2 outputs; give --classes");
    static const char *const classes[] = {"a", "b"};
    options.classes = classes;
    options.class_count = 2;
    options.preset = "coips-3x3";
    expect_refusal(FV_ERROR_ARGUMENT, "--preset's mean and deviation give 3 numbers, the network has 1 channels");
    options.preset = "coips-9x9";
    expect_refusal(FV_ERROR_ARGUMENT, "--preset coips-9x9: expected coips-3x3 or coips-6x6");
}
END_TEST

/* Without masks a Swin's size is asked for, unless the preset says it. */
START_TEST(preset_may_say_the_size_that_the_file_lacks) {
    network = made_swin();
    struct made_tensor *mask = made_find(&network, "layers.0.blocks.1.attn_mask");
    free(mask->values);
    memmove(mask, mask + 1, (size_t)(network.tensors + network.count - mask - 1) * sizeof *mask);
    network.count--;
    expect_refusal(FV_ERROR_ARGUMENT, "--image-size N");
    options.preset = "coips-3x3";
    struct fv_model *model = opened(convert());
    expect_size(model, "swin.image_size", 384);
    expect_decision(model, "swin.image_size: 384, by --preset; the file has no attention masks to check it");
    fv_model_close(model);
    options.image_size = 32;
    model = opened(convert());
    expect_size(model, "swin.image_size", 32);
    expect_size(model, "fovea.input_size", 32);
    expect_decision(model, "swin.image_size: 32, by --image-size");
    fv_model_close(model);
}
END_TEST

START_TEST(segmenters) {
    static const char *const classes[] = {"background", "FAZ", "vessel"};
    const struct made_plans plans = made_plans();
    struct bytes top = made_plans_pickle(&plans), fold = made_fold_pickle(&plans);
    network = made_unet();
    struct bytes weights = made_torch_zip(&network);
    scratch_write("plans.pkl", &top);
    ck_assert_int_eq(mkdir(scratch_path("fold_0"), 0777), 0);
    scratch_write("fold_0/model_best.model", &weights);
    scratch_write("fold_0/model_best.model.pkl", &fold);
    bytes_clear(&top);
    bytes_clear(&fold);
    bytes_clear(&weights);
    options.preset = "coips-6x6";
    ck_assert_int_eq(convert_path(scratch_folder()), FV_ERROR_ARGUMENT); /* three classes, not two */
    options.classes = classes;
    options.class_count = 3;
    struct fv_model *model = opened(convert_path(scratch_folder()));
    expect_text(model, "fovea.task", "segmentation");
    expect_list(model, "fovea.classes", "background,FAZ,vessel");
    expect_list(model, "fovea.fov", "6");
    expect_list(model, "fovea.layers", "superficial,deep");
    expect_text(model, "fovea.normalization", "zscore");
    ck_assert(!fv_model_has(model, "fovea.input_size"));
    expect_decision(model, "it was trained on deep images");
    fv_model_close(model);
}
END_TEST

/* Without a preset nothing is filled in. */
START_TEST(nothing_without_a_preset) {
    three_grades();
    struct fv_model *model = opened(convert());
    static const char *const keys[] = {"fovea.preset", "fovea.task",       "fovea.classes", "fovea.resize_filter",
                                       "fovea.mean",   "fovea.input_size", "fovea.fov",     "fovea.layers"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        ck_assert_msg(!fv_model_has(model, keys[i]), "%s", keys[i]);
    }
    fv_model_close(model);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("preset");
    TCase *tests = tcase_create("preset");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, grader_at_3_mm);
    tcase_add_test(tests, grader_at_6_mm);
    tcase_add_test(tests, given_options_win_and_are_told);
    tcase_add_test(tests, options_and_preset_complete_each_other);
    tcase_add_test(tests, preset_of_another_size_is_refused);
    tcase_add_test(tests, preset_that_does_not_fit_the_network_is_refused);
    tcase_add_test(tests, preset_may_say_the_size_that_the_file_lacks);
    tcase_add_test(tests, segmenters);
    tcase_add_test(tests, nothing_without_a_preset);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
