/* nnU-Net folders made here: a network of one pooling, its plans, and plans that must be refused (formats.md, group
 * 19). */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/convert.h"
#include "fovea/model.h"
#include "made_nnunet.h"
#include "suite.h"

static struct made_plans plans;
static struct made_network network;
static struct fv_error error;

/* Writes plans.pkl. */
static void write_plans(void) {
    struct bytes pickle = made_plans_pickle(&plans);
    scratch_write("plans.pkl", &pickle);
    bytes_clear(&pickle);
}

/* Writes fold_K with the network and the plans as they stand. */
static void write_fold(int fold) {
    char name[64];
    struct bytes pickle = made_fold_pickle(&plans);
    snprintf(name, sizeof name, "fold_%d", fold);
    mkdir(scratch_path(name), 0700);
    snprintf(name, sizeof name, "fold_%d/model_best.model.pkl", fold);
    scratch_write(name, &pickle);
    bytes_clear(&pickle);
    struct bytes file = made_torch_zip(&network);
    snprintf(name, sizeof name, "fold_%d/model_best.model", fold);
    scratch_write(name, &file);
    bytes_clear(&file);
}

static void setup(void) {
    plans = made_plans();
    network = made_unet();
}

static void teardown(void) {
    made_clear(&network);
}

static enum fv_status convert(void) {
    struct fv_checkpoint *checkpoint;
    struct fv_convert_options options;
    fv_convert_options_default(&options);
    enum fv_status status = fv_checkpoint_open(scratch_folder(), &checkpoint, &error);
    if (status == FV_OK) {
        status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
        fv_checkpoint_close(checkpoint);
    }
    return status;
}

static void expect_refusal(const char *part) {
    ck_assert_msg(convert() != FV_OK, "accepted, expected: %s", part);
    ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
    ck_assert_uint_eq(scratch_count("model.gguf"), 0);
}

static void expect_list(const struct fv_model *model, const char *key, const int *expected) {
    size_t count = 0;
    for (; expected[count] >= 0; count++) {
        int64_t value;
        ck_assert(fv_model_array_integer(model, key, count, &value));
        ck_assert_int_eq(value, expected[count]);
    }
    ck_assert_int_eq(fv_model_array_length(model, key), (long)count);
}

START_TEST(folds_are_converted) {
    static const int folds[] = {1, 3, -1};
    static const int features[] = {4, 8, -1};
    static const int masked[] = {1, 1, -1};
    struct fv_model *model;
    size_t classes;
    write_plans();
    write_fold(1);
    write_fold(3);
    enum fv_status status = convert();
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    ck_assert_int_eq(fv_model_open(scratch_path("model.gguf"), &model, &error), FV_OK);
    expect_list(model, "unet.folds", folds);
    expect_list(model, "unet.features", features);
    expect_list(model, "unet.pools", plans.pools);
    expect_list(model, "unet.kernels", plans.kernels);
    expect_list(model, "fovea.patch_size", plans.patch);
    expect_list(model, "fovea.use_mask_for_norm", masked);
    ck_assert_int_eq(fv_model_require_size(model, "unet.classes", 3, 3, &classes, &error), FV_OK);
    ck_assert_uint_eq(fv_model_tensor_count(model), 2 * network.count);
    for (size_t i = 0; i < network.count; i++) {
        char name[96];
        snprintf(name, sizeof name, "fold_3.%.80s", network.tensors[i].name);
        const struct fv_tensor *tensor = fv_model_tensor(model, name);
        ck_assert_msg(tensor != NULL, "%s is missing", name);
        float *values = malloc(tensor->elements * sizeof *values);
        ck_assert_ptr_nonnull(values);
        ck_assert_int_eq(fv_tensor_read(tensor, values, &error), FV_OK);
        for (size_t j = 0; j < tensor->elements; j++) {
            ck_assert_float_eq(values[j], (float)network.tensors[i].values[j]);
        }
        free(values);
    }
    fv_model_close(model);
}
END_TEST

/* Plans with numpy's numbers, as the original program writes them. */
START_TEST(numpy_plans_are_read) {
    plans.numpy = true;
    write_plans();
    write_fold(0);
    enum fv_status status = convert();
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    ck_assert_int_eq(unlink(scratch_path("model.gguf")), 0);
    plans.classes = 3;
    write_fold(0);
    expect_refusal("disagree in num_classes");
}
END_TEST

/* Without lists of poolings and kernels, the counts of poolings an axis tell both; kernels are 3 x 3 then, which the
 * made network's lower level, of 3 x 1, does not have. */
START_TEST(pools_are_derived) {
    plans.without_lists = true;
    memcpy(plans.counts, (const int[]){1, 0, -1}, sizeof plans.counts);
    write_plans();
    write_fold(0);
    expect_refusal("conv_blocks_context.1.0.blocks.0.conv.weight has shape [8, 4, 3, 1], expected [8, 4, 3, 3]");
}
END_TEST

START_TEST(impossible_plans_are_refused) {
    static const struct {
        size_t offset; /* of an integer in the plans, or SIZE_MAX */
        int value;
        const char *message;
    } cases[] = {
        {offsetof(struct made_plans, pools[0]), -1, "pool_op_kernel_sizes is missing or wrong, expected 1 to 15 pairs"},
        {offsetof(struct made_plans, pools[1]), 7, "pool_op_kernel_sizes is missing or wrong, expected pairs"},
        {offsetof(struct made_plans, kernels[2]), -1, "conv_kernel_sizes has 1 entries, expected one more than the 1"},
        {offsetof(struct made_plans, kernels[3]), 2, "conv_kernel_sizes is missing or wrong, expected pairs of 1 or 3"},
        {offsetof(struct made_plans, patch[0]), 9, "patch_size 9 is not divisible"},
        {offsetof(struct made_plans, patch[0]), 0, "patch_size is missing or wrong"},
        {offsetof(struct made_plans, patch[1]), -1, "patch_size is missing or wrong"},
        {offsetof(struct made_plans, patch[2]), 16, "three-dimensional"},
        {offsetof(struct made_plans, transpose[0]), 1, "transpose_forward is missing or wrong, expected a permutation"},
        {offsetof(struct made_plans, transpose[2]), 3, "transpose_forward is missing or wrong, expected a permutation"},
        {offsetof(struct made_plans, modalities), 0, "num_modalities is missing or not an integer"},
        {offsetof(struct made_plans, classes), 0, "num_classes is missing or not an integer"},
        {offsetof(struct made_plans, features), 100000, "base_num_features is missing or not an integer"},
    };
    write_plans();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made_plans kept = plans;
        plans.patch[3] = -1;
        memcpy((char *)&plans + cases[i].offset, &cases[i].value, sizeof cases[i].value);
        write_fold(0);
        expect_refusal(cases[i].message);
        plans = kept;
    }
    plans.transpose[0] = 1;
    plans.transpose[1] = 0;
    write_fold(0);
    expect_refusal("transpose_forward permutes the axes");
    plans.transpose[0] = 0;
    plans.transpose[1] = 1;
    plans.scheme = "MRI";
    write_fold(0);
    expect_refusal("normalization_schemes is missing or wrong");
    plans.scheme = "CT";
    write_fold(0);
    expect_refusal("intensityproperties");
    plans.scheme = "nonCT";
    plans.preprocessor = "GenericPreprocessor";
    write_fold(0);
    expect_refusal("preprocessor GenericPreprocessor");
    plans.preprocessor = "PreprocessorFor2D";
    plans.trainer = "nnUNetTrainerV2_noMirroring";
    write_fold(0);
    expect_refusal("trainer nnUNetTrainerV2_noMirroring");
}
END_TEST

START_TEST(contradictions_are_named) {
    write_fold(0);
    plans.modalities = 1;
    write_plans();
    expect_refusal("disagree in num_modalities");
    plans.modalities = 2;
    plans.patch[0] = 16;
    write_plans();
    expect_refusal("disagree in patch_size");
    plans.patch[0] = 8;
    write_plans();
    plans.kernels[3] = 3;
    write_fold(1);
    expect_refusal("disagree in conv_kernel_sizes");
    plans.kernels[3] = 1;
    plans.classes = 3;
    write_fold(1);
    expect_refusal("disagree in num_classes");
}
END_TEST

START_TEST(weights_must_fit_the_plans) {
    struct made_tensor *tensor = made_find(&network, "tu.0.weight");
    write_plans();
    write_fold(0);
    tensor->shape[0] = 4;
    tensor->shape[1] = 8;
    write_fold(1);
    expect_refusal("tensor fold_1.tu.0.weight has shape [4, 8, 2, 1], expected [8, 4, 2, 1]");
    strcpy(tensor->name, "td.0.weight");
    write_fold(1);
    expect_refusal("tensor fold_1.tu.0.weight is missing");
}
END_TEST

START_TEST(folders_without_folds) {
    write_plans();
    expect_refusal("without any fold_0");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("nnunet");
    TCase *tests = tcase_create("nnunet");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, folds_are_converted);
    tcase_add_test(tests, numpy_plans_are_read);
    tcase_add_test(tests, pools_are_derived);
    tcase_add_test(tests, impossible_plans_are_refused);
    tcase_add_test(tests, contradictions_are_named);
    tcase_add_test(tests, weights_must_fit_the_plans);
    tcase_add_test(tests, folders_without_folds);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
