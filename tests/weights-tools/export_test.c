/* Weights given back as safetensors: the same values, types and names as in the checkpoint, through a model and without
 * one, one file a fold, and nothing left behind by a failure. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/convert.h"
#include "fovea/export.h"
#include "fovea/memory.h"
#include "fovea/model.h"
#include "made_nnunet.h"
#include "suite.h"

static struct made_network network;
static struct fv_convert_options options;
static struct fv_error error;

static void setup(void) {
    network = made_swin();
    fv_convert_options_default(&options);
}

static void teardown(void) {
    made_clear(&network);
}

static void expect_success(enum fv_status status) {
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
}

static struct fv_checkpoint *open_checkpoint(const char *path) {
    struct fv_checkpoint *checkpoint;
    expect_success(fv_checkpoint_open(path, &checkpoint, &error));
    return checkpoint;
}

/* The made network as a torch file. */
static struct fv_checkpoint *source(void) {
    struct bytes file = made_torch_zip(&network);
    struct fv_checkpoint *checkpoint = open_checkpoint(scratch_write("source.pth", &file));
    bytes_clear(&file);
    return checkpoint;
}

/* Converts `checkpoint` and opens the model. */
static struct fv_model *converted(const struct fv_checkpoint *checkpoint) {
    struct fv_model *model;
    expect_success(fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error));
    expect_success(fv_model_open(scratch_path("model.gguf"), &model, &error));
    return model;
}

static void *elements_of(const struct fv_checkpoint *checkpoint, const struct fv_checkpoint_tensor *tensor) {
    void *bytes = malloc(tensor->elements * fv_element_size(tensor->element) + 1);
    ck_assert_ptr_nonnull(bytes);
    fv_checkpoint_copy(checkpoint, tensor, bytes);
    return bytes;
}

/* The tensors of `given` are those of `original` that are no buffers, or with `buffers` all of them: names, types,
 * shapes and bytes. */
static void expect_same(const struct fv_checkpoint *given, const struct fv_checkpoint *original, bool buffers) {
    size_t expected = 0;
    for (size_t i = 0; i < fv_checkpoint_tensor_count(original); i++) {
        const struct fv_checkpoint_tensor *before = fv_checkpoint_tensor_at(original, i);
        const struct fv_checkpoint_tensor *after = fv_checkpoint_tensor(given, before->name);
        const bool buffer = strstr(before->name, "relative_position_index") || strstr(before->name, "attn_mask");
        ck_assert_msg((after == NULL) == (buffer && !buffers), "%s", before->name);
        if (after == NULL) {
            continue;
        }
        expected++;
        ck_assert_msg(after->element == before->element, "%s", before->name);
        ck_assert_uint_eq(after->rank, before->rank);
        ck_assert_mem_eq(after->shape, before->shape, sizeof before->shape);
        void *ours = elements_of(given, after), *theirs = elements_of(original, before);
        ck_assert_mem_eq(ours, theirs, before->elements * fv_element_size(before->element));
        free(ours);
        free(theirs);
    }
    ck_assert_uint_eq(fv_checkpoint_tensor_count(given), expected);
}

START_TEST(model_gives_the_weights_back) {
    struct fv_checkpoint *checkpoint = source();
    struct fv_model *model = converted(checkpoint);
    struct fv_export_summary summary;
    expect_success(fv_export_model(model, scratch_path("out.safetensors"), FV_ALL_FOLDS, &summary, &error));
    struct fv_checkpoint *given = open_checkpoint(scratch_path("out.safetensors"));
    ck_assert_str_eq(fv_checkpoint_container(given), "safetensors");
    expect_same(given, checkpoint, false);
    ck_assert_uint_eq(summary.files, 1);
    ck_assert_uint_eq(summary.tensors, fv_model_tensor_count(model));
    fv_checkpoint_close(given);
    fv_model_close(model);
    fv_checkpoint_close(checkpoint);
}
END_TEST

/* A model of weights in 16 bits gives them as F16, all else as F32; the values are exact in both. */
START_TEST(half_weights_stay_halves) {
    options.weights = FV_TYPE_F16;
    struct fv_checkpoint *checkpoint = source();
    struct fv_model *model = converted(checkpoint);
    expect_success(fv_export_model(model, scratch_path("half.safetensors"), FV_ALL_FOLDS, NULL, &error));
    struct fv_checkpoint *given = open_checkpoint(scratch_path("half.safetensors"));
    size_t halves = 0;
    for (size_t i = 0; i < fv_checkpoint_tensor_count(given); i++) {
        const struct fv_checkpoint_tensor *tensor = fv_checkpoint_tensor_at(given, i);
        const struct fv_checkpoint_tensor *before = fv_checkpoint_tensor(checkpoint, tensor->name);
        const struct fv_tensor *stored = fv_model_tensor(model, tensor->name);
        ck_assert(before != NULL && stored != NULL);
        ck_assert_int_eq(tensor->element, stored->type == FV_TYPE_F16 ? FV_ELEMENT_F16 : FV_ELEMENT_F32);
        halves += tensor->element == FV_ELEMENT_F16;
        float *ours = malloc(tensor->elements * sizeof *ours), *theirs = malloc(tensor->elements * sizeof *theirs);
        ck_assert(ours != NULL && theirs != NULL);
        expect_success(fv_checkpoint_read(given, tensor, ours, &error));
        expect_success(fv_checkpoint_read(checkpoint, before, theirs, &error));
        ck_assert_mem_eq(ours, theirs, tensor->elements * sizeof *ours);
        free(ours);
        free(theirs);
    }
    ck_assert_uint_gt(halves, 5);
    fv_checkpoint_close(given);
    fv_model_close(model);
    fv_checkpoint_close(checkpoint);
}
END_TEST

/* Names that the model has otherwise come back as they were. */
START_TEST(names_of_timm_come_back) {
    static const char *const pairs[][2] = {
        {"head.weight", "head.fc.weight"},
        {"head.bias", "head.fc.bias"},
        {"layers.0.downsample.norm.weight", "layers.1.downsample.norm.weight"},
        {"layers.0.downsample.norm.bias", "layers.1.downsample.norm.bias"},
        {"layers.0.downsample.reduction.weight", "layers.1.downsample.reduction.weight"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        strcpy(made_find(&network, pairs[i][0])->name, pairs[i][1]);
    }
    struct fv_checkpoint *checkpoint = source();
    struct fv_model *model = converted(checkpoint);
    ck_assert_ptr_nonnull(fv_model_tensor(model, "head.weight"));
    expect_success(fv_export_model(model, scratch_path("timm.safetensors"), FV_ALL_FOLDS, NULL, &error));
    struct fv_checkpoint *given = open_checkpoint(scratch_path("timm.safetensors"));
    expect_same(given, checkpoint, false);
    fv_checkpoint_close(given);
    fv_model_close(model);
    fv_checkpoint_close(checkpoint);
}
END_TEST

/* A checkpoint gives every tensor, buffers too, in its own type. */
START_TEST(checkpoint_gives_every_tensor) {
    static const enum fv_element types[] = {FV_ELEMENT_F64, FV_ELEMENT_F16, FV_ELEMENT_BF16, FV_ELEMENT_I64,
                                            FV_ELEMENT_I32, FV_ELEMENT_I8,  FV_ELEMENT_U8};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        network.tensors[i].element = types[i];
    }
    struct fv_checkpoint *checkpoint = source();
    struct fv_export_summary summary;
    expect_success(fv_export_checkpoint(checkpoint, scratch_path("all.safetensors"), FV_ALL_FOLDS, &summary, &error));
    struct fv_checkpoint *given = open_checkpoint(scratch_path("all.safetensors"));
    expect_same(given, checkpoint, true);
    ck_assert_uint_eq(summary.tensors, network.count);
    fv_checkpoint_close(given);
    fv_checkpoint_close(checkpoint);
}
END_TEST

/* The header as the format's description has it, read by hand. */
START_TEST(header_keeps_the_rules) {
    strcpy(network.tensors[0].name, "quote\" back\\slash tab\t \xC3\xA9");
    struct fv_checkpoint *checkpoint = source();
    expect_success(fv_export_checkpoint(checkpoint, scratch_path("head.safetensors"), FV_ALL_FOLDS, NULL, &error));
    FILE *file = fopen(scratch_path("head.safetensors"), "rb");
    ck_assert_ptr_nonnull(file);
    uint64_t length = 0;
    ck_assert_uint_eq(fread(&length, sizeof length, 1, file), 1);
    ck_assert_uint_eq(length % 8, 0);
    char *header = calloc(length + 1, 1);
    ck_assert_ptr_nonnull(header);
    ck_assert_uint_eq(fread(header, 1, length, file), length);
    fclose(file);
    ck_assert_ptr_eq(strstr(header, "{\"__metadata__\":{\"format\":\"pt\",\"converter\":\"fovea "), header);
    ck_assert_ptr_nonnull(
        strstr(header, "\"quote\\\" back\\\\slash tab\\u0009 \xC3\xA9\":{\"dtype\":\"F32\",\"shape\":["));
    ck_assert_ptr_nonnull(strstr(header, "\"norm.bias\":{\"dtype\":\"F32\",\"shape\":[16],\"data_offsets\":["));
    free(header);
    struct fv_checkpoint *given = open_checkpoint(scratch_path("head.safetensors"));
    expect_same(given, checkpoint, true);
    for (size_t i = 0; i < fv_checkpoint_tensor_count(given); i++) {
        const struct fv_checkpoint_tensor *tensor = fv_checkpoint_tensor_at(given, i);
        ck_assert_uint_eq((uintptr_t)tensor->data % fv_element_size(tensor->element), 0);
    }
    fv_checkpoint_close(given);
    fv_checkpoint_close(checkpoint);
}
END_TEST

START_TEST(reserved_name_is_refused) {
    strcpy(network.tensors[0].name, "__metadata__");
    struct fv_checkpoint *checkpoint = source();
    ck_assert_int_eq(fv_export_checkpoint(checkpoint, scratch_path("no.safetensors"), FV_ALL_FOLDS, NULL, &error),
                     FV_ERROR_MODEL);
    ck_assert_ptr_nonnull(strstr(error.message, "'__metadata__'"));
    ck_assert_uint_eq(scratch_count("no.safetensors"), 0);
    ck_assert_uint_eq(scratch_count(".fovea"), 0);
    fv_checkpoint_close(checkpoint);
}
END_TEST

/* A folder of folds 1 and 3. */
static struct fv_checkpoint *folds(void) {
    const struct made_plans plans = made_plans();
    struct bytes top = made_plans_pickle(&plans), fold = made_fold_pickle(&plans);
    made_clear(&network);
    network = made_unet();
    struct bytes weights = made_torch_zip(&network);
    scratch_write("plans.pkl", &top);
    for (int i = 1; i <= 3; i += 2) {
        char folder[16], name[64];
        snprintf(folder, sizeof folder, "fold_%d", i);
        ck_assert(mkdir(scratch_path(folder), 0777) == 0 || access(scratch_path(folder), F_OK) == 0);
        snprintf(name, sizeof name, "fold_%d/model_best.model", i);
        scratch_write(name, &weights);
        snprintf(name, sizeof name, "fold_%d/model_best.model.pkl", i);
        scratch_write(name, &fold);
    }
    bytes_clear(&top);
    bytes_clear(&fold);
    bytes_clear(&weights);
    return open_checkpoint(scratch_folder());
}

/* The file holds the made network under the names of one fold's own checkpoint. */
static void expect_fold(const char *name) {
    struct fv_checkpoint *given = open_checkpoint(scratch_path(name));
    struct fv_checkpoint *original = source();
    expect_same(given, original, true);
    fv_checkpoint_close(original);
    fv_checkpoint_close(given);
    ck_assert_int_eq(unlink(scratch_path(name)), 0);
}

START_TEST(folds_become_files) {
    struct fv_checkpoint *checkpoint = folds();
    struct fv_model *model = converted(checkpoint);
    struct fv_export_summary summary;
    expect_success(fv_export_model(model, scratch_path("net.safetensors"), FV_ALL_FOLDS, &summary, &error));
    ck_assert_uint_eq(summary.files, 2);
    ck_assert_uint_eq(scratch_count("net.safetensors"), 0);
    expect_fold("net.fold_1.safetensors");
    expect_fold("net.fold_3.safetensors");
    expect_success(fv_export_checkpoint(checkpoint, scratch_path("plain"), FV_ALL_FOLDS, &summary, &error));
    expect_fold("plain.fold_1");
    expect_fold("plain.fold_3");
    expect_success(fv_export_model(model, scratch_path("one.safetensors"), 3, &summary, &error));
    ck_assert_uint_eq(summary.files, 1);
    expect_fold("one.safetensors");
    ck_assert_int_eq(fv_export_model(model, scratch_path("one.safetensors"), 0, &summary, &error), FV_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "has no fold 0; it has 1, 3"));
    fv_model_close(model);
    fv_checkpoint_close(checkpoint);
}
END_TEST

START_TEST(fold_of_no_ensemble_is_refused) {
    struct fv_checkpoint *checkpoint = source();
    ck_assert_int_eq(fv_export_checkpoint(checkpoint, scratch_path("one.safetensors"), 0, NULL, &error),
                     FV_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "is no ensemble"));
    fv_checkpoint_close(checkpoint);
}
END_TEST

/* One of two files cannot be written: the other is not there either. */
START_TEST(files_appear_together_or_not_at_all) {
    struct fv_checkpoint *checkpoint = folds();
    ck_assert_int_eq(mkdir(scratch_path("pair.fold_3.safetensors"), 0777), 0);
    ck_assert_int_eq(fv_export_checkpoint(checkpoint, scratch_path("pair.safetensors"), FV_ALL_FOLDS, NULL, &error),
                     FV_ERROR_FILE);
    ck_assert_ptr_nonnull(strstr(error.message, "pair.fold_3.safetensors"));
    ck_assert_uint_eq(scratch_count("pair.fold_1"), 0);
    ck_assert_uint_eq(scratch_count(".fovea"), 0);
    ck_assert_int_eq(rmdir(scratch_path("pair.fold_3.safetensors")), 0);
    ck_assert_int_eq(fv_export_checkpoint(checkpoint, scratch_path("absent/x"), FV_ALL_FOLDS, NULL, &error),
                     FV_ERROR_FILE);
    fv_checkpoint_close(checkpoint);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    struct fv_checkpoint *checkpoint = folds();
    struct fv_model *model = converted(checkpoint);
    for (int of_model = 0; of_model < 2; of_model++) {
        long successes = 0;
        enum fv_status status;
        do {
            fv_memory_fail_after(successes++);
            status = of_model ? fv_export_model(model, scratch_path("memory"), FV_ALL_FOLDS, NULL, &error)
                              : fv_export_checkpoint(checkpoint, scratch_path("memory"), FV_ALL_FOLDS, NULL, &error);
            fv_memory_fail_after(-1);
            ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY, "%ld: %s", successes, error.message);
            ck_assert_uint_eq(scratch_count("memory"), status == FV_OK ? 2 : 0);
            ck_assert_uint_eq(scratch_count(".fovea"), 0);
        } while (status != FV_OK);
        ck_assert_int_gt(successes, 10);
        ck_assert_int_eq(unlink(scratch_path("memory.fold_1")), 0);
        ck_assert_int_eq(unlink(scratch_path("memory.fold_3")), 0);
    }
    fv_model_close(model);
    fv_checkpoint_close(checkpoint);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("export");
    TCase *tests = tcase_create("export");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, model_gives_the_weights_back);
    tcase_add_test(tests, half_weights_stay_halves);
    tcase_add_test(tests, names_of_timm_come_back);
    tcase_add_test(tests, checkpoint_gives_every_tensor);
    tcase_add_test(tests, header_keeps_the_rules);
    tcase_add_test(tests, reserved_name_is_refused);
    tcase_add_test(tests, folds_become_files);
    tcase_add_test(tests, fold_of_no_ensemble_is_refused);
    tcase_add_test(tests, files_appear_together_or_not_at_all);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
