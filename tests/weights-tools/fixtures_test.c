/* The checkpoints of the original libraries in ../shared/fixtures: each is converted, and where two of them hold the
 * same weights in different containers, both give the same model. Skipped where the folder is not there. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fovea/convert.h"
#include "fovea/memory.h"
#include "fovea/model.h"
#include "made.h"
#include "suite.h"

/* One checkpoint, what it is, and another one with the same weights. */
struct fixture {
    const char *name;
    uint32_t image_size;
    const char *container;
    const char *architecture;
    const char *naming;
    const char *same_as;
    uint32_t same_image_size;
    const char *variant; /* of the first */
};

static const struct fixture fixtures[] = {
    {"resnet_bf16_fp64.pth", 0, "torch zip, state dict", "resnet", "timm", NULL, 0, NULL},
    {"resnet_nonzip.pth", 0, "torch legacy (not zip), state dict", "resnet", "timm", NULL, 0, NULL},
    {"seresnext_legacy.pth", 0, "torch zip, state dict", "resnet", "legacy", NULL, 0, NULL},
    {"seresnext_legacy_module_nonzip.pth", 0, "torch legacy (not zip), whole module", "resnet", "legacy",
     "seresnext_legacy.pth", 0, NULL},
    {"seresnext_timm_dp_fp16.pth", 0, "torch zip, dict with \"state_dict\"", "resnet", "timm", NULL, 0, NULL},
    {"seresnext_timm_module.pth", 0, "torch zip, whole module", "resnet", "timm", NULL, 0, NULL},
    {"seresnext_timm_dp_module.pth", 0, "torch zip, whole module", "resnet", "timm", "seresnext_timm_module.pth", 0,
     NULL},
    {"swin_authors.pth", 0, "torch zip, dict with \"model\"", "swin", "authors", NULL, 0, NULL},
    {"swin_w12_two_stages.pth", 0, "torch zip, state dict", "swin", "authors", NULL, 0, NULL},
    {"swin_address_keys.pth", 0, "torch zip, state dict", "swin", "authors", "swin_w12_two_stages.pth", 0, NULL},
    {"swin_no_buffers.pth", 96, "torch zip, state dict", "swin", "authors", "swin_w12_two_stages.pth", 0, NULL},
    {"swin_one_storage.pth", 96, "torch zip, state dict", "swin", "authors", "swin_w12_two_stages.pth", 0, NULL},
    {"swin_timm1.safetensors", 128, "safetensors", "swin", "timm >= 0.9", NULL, 0, NULL},
    {"swin_timm1_torch2.pth", 128, "torch zip, state dict", "swin", "timm >= 0.9", "swin_timm1.safetensors", 128, NULL},
    {"efficientnet_tf.pth", 0, "torch zip, state dict", "efficientnet", "timm", "efficientnet_tf_module.pth", 0, "tf"},
    {"efficientnet_plain.pth", 0, "torch zip, state dict", "efficientnet", "timm", "efficientnet_plain_module.pth", 0,
     "plain"},
    {"efficientnet_tf_module.pth", 0, "torch zip, whole module", "efficientnet", "timm", NULL, 0, NULL},
    {"efficientnet_plain_module.pth", 0, "torch zip, whole module", "efficientnet", "timm", NULL, 0, NULL},
    {"efficientnet_lukemelas.pth", 75, "torch zip, state dict", "efficientnet", "lukemelas", NULL, 0, NULL},
};

static struct fv_error error;

static bool present(void) {
    return access(FIXTURES "/classifiers/manifest.json", R_OK) == 0;
}

static void run(const char *command) {
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* Unpacks a checkpoint into the scratch folder. */
static void unpack(const char *name) {
    char command[512];
    snprintf(command, sizeof command, "xz -dc '%s/classifiers/%s.xz' >'%s'", FIXTURES, name, scratch_path(name));
    run(command);
}

/* Opens the checkpoint `name`, converts it to `model` and opens that. */
static struct fv_model *convert(const char *name, uint32_t image_size, const char *model_name,
                                const struct fixture *expected) {
    struct fv_checkpoint *checkpoint;
    struct fv_recognition *recognition;
    struct fv_convert_options options;
    struct fv_model *model;
    fv_convert_options_default(&options);
    options.image_size = image_size;
    options.variant = expected != NULL ? expected->variant : NULL;
    enum fv_status status = fv_checkpoint_open(scratch_path(name), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_recognize(checkpoint, &options, &recognition, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    if (expected != NULL) {
        ck_assert_str_eq(fv_checkpoint_container(checkpoint), expected->container);
        ck_assert_str_eq(fv_recognition_architecture(recognition), expected->architecture);
        ck_assert_str_eq(fv_recognition_naming(recognition), expected->naming);
    }
    status = fv_convert(checkpoint, scratch_path(model_name), &options, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_model_open(scratch_path(model_name), &model, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    ck_assert_uint_gt(fv_model_tensor_count(model), 10);
    fv_recognition_close(recognition);
    fv_checkpoint_close(checkpoint);
    return model;
}

/* Every tensor of the one is in the other, bit for bit. */
static void expect_equal(const struct fv_model *model, const struct fv_model *other) {
    ck_assert_uint_eq(fv_model_tensor_count(model), fv_model_tensor_count(other));
    for (size_t i = 0; i < fv_model_tensor_count(model); i++) {
        const struct fv_tensor *tensor = fv_model_tensor_at(model, i);
        const struct fv_tensor *twin = fv_model_tensor(other, tensor->name);
        ck_assert_msg(twin != NULL, "%s is missing", tensor->name);
        ck_assert_uint_eq(tensor->bytes, twin->bytes);
        ck_assert_msg(memcmp(tensor->data, twin->data, tensor->bytes) == 0, "%s differs", tensor->name);
    }
}

START_TEST(classifier_is_converted) {
    const struct fixture *fixture = &fixtures[_i];
    unpack(fixture->name);
    struct fv_model *model = convert(fixture->name, fixture->image_size, "model.gguf", fixture);
    if (fixture->same_as != NULL) {
        unpack(fixture->same_as);
        struct fv_model *other = convert(fixture->same_as, fixture->same_image_size, "other.gguf", NULL);
        expect_equal(model, other);
        fv_model_close(other);
    }
    fv_model_close(model);
}
END_TEST

/* What a file of tensors cannot tell is asked for by the option's name with its choices; what a whole module tells is
 * not to be contradicted; options of other networks are refused. */
static const struct {
    const char *name, *variant, *transform_input;
    uint32_t image_size;
    const char *part; /* of the message; NULL: converted */
} doubts[] = {
    {"efficientnet_tf.pth", NULL, NULL, 0, "--variant tf (timm's tf_efficientnet_*"},
    {"efficientnet_plain.pth", NULL, NULL, 75, "--variant plain (timm's efficientnet_*"},
    {"efficientnet_tf.pth", "TF", NULL, 0, "--variant TF: expected tf or plain"},
    {"efficientnet_tf_module.pth", "plain", NULL, 0, "--variant plain contradicts the file"},
    {"efficientnet_plain_module.pth", "tf", NULL, 0, "--variant tf contradicts the file"},
    {"efficientnet_tf_module.pth", "tf", NULL, 0, NULL},
    {"efficientnet_lukemelas.pth", NULL, NULL, 0, "give --image-size N (B0 to B7"},
    {"efficientnet_lukemelas.pth", "tf", NULL, 75, "--variant tf does not fit"},
    {"efficientnet_tf.pth", "tf", "no", 0, "--transform-input no does not fit: it is for Inception-V3"},
    {"resnet_nonzip.pth", "plain", NULL, 0, "--variant plain does not fit: it is for EfficientNets"},
};

START_TEST(what_tensors_do_not_tell_is_asked_for) {
    struct fv_checkpoint *checkpoint;
    struct fv_recognition *recognition;
    struct fv_convert_options options;
    fv_convert_options_default(&options);
    options.variant = doubts[_i].variant;
    options.transform_input = doubts[_i].transform_input;
    options.image_size = doubts[_i].image_size;
    unpack(doubts[_i].name);
    ck_assert_int_eq(fv_checkpoint_open(scratch_path(doubts[_i].name), &checkpoint, &error), FV_OK);
    enum fv_status status = fv_recognize(checkpoint, &options, &recognition, &error);
    ck_assert_int_eq(status, doubts[_i].part != NULL ? FV_ERROR_ARGUMENT : FV_OK);
    if (status != FV_OK) {
        ck_assert_msg(strstr(error.message, doubts[_i].part) != NULL, "%s", error.message);
    }
    fv_recognition_close(recognition);
    fv_checkpoint_close(checkpoint);
}
END_TEST

/* Copies a model folder into the scratch folder, unpacked. */
static const char *unpack_folder(const char *name) {
    char command[1024];
    const char *path = scratch_path(name);
    snprintf(command, sizeof command,
             "mkdir '%s' && cd '%s/nnunet/%s' && cp -r plans.pkl fold_* '%s' && chmod -R u+w '%s' && "
             "find '%s' -name '*.xz' -exec xz -d {} +",
             path, FIXTURES, name, path, path, path);
    run(command);
    return path;
}

START_TEST(segmenter_is_converted) {
    static const struct {
        const char *name;
        long folds;
        size_t channels;
        int64_t masked;
    } folders[] = {{"one_modality", 5, 1, 0}, {"rgb", 2, 3, 0}, {"zero_border", 1, 1, 1}};
    unpack_folder(folders[_i].name);
    struct fixture expected = {.container = "nnU-Net v1 folder", .architecture = "unet", .naming = "nnU-Net v1"};
    struct fv_model *model = convert(folders[_i].name, 0, "model.gguf", &expected);
    size_t channels;
    int64_t masked;
    ck_assert_int_eq(fv_model_array_length(model, "unet.folds"), folders[_i].folds);
    ck_assert_int_eq(fv_model_require_size(model, "unet.channels", 1, 9, &channels, &error), FV_OK);
    ck_assert_uint_eq(channels, folders[_i].channels);
    ck_assert(fv_model_array_integer(model, "fovea.use_mask_for_norm", 0, &masked));
    ck_assert_int_eq(masked, folders[_i].masked);
    fv_model_close(model);
}
END_TEST

static void expect_open(const char *path, enum fv_status expected, const char *part) {
    struct fv_checkpoint *checkpoint;
    enum fv_status status = fv_checkpoint_open(path, &checkpoint, &error);
    ck_assert_msg(status == expected, "%s instead of %s: %s", fv_status_name(status), fv_status_name(expected), part);
    ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
}

/* Changes the first byte sequence `from` in a file to `to`, of the same length. */
static void change_file(const char *path, const char *from, const char *to, size_t size) {
    struct bytes bytes = {0};
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    for (int byte; (byte = fgetc(file)) != EOF;) {
        bytes_u8(&bytes, (unsigned)byte);
    }
    fclose(file);
    memcpy(bytes.at + bytes_find(&bytes, from, size, 0), to, size);
    file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes.at, 1, bytes.size, file), bytes.size);
    fclose(file);
    bytes_clear(&bytes);
}

START_TEST(contradicting_plans_are_refused) {
    char path[256];
    char command[600];
    const char *folder = unpack_folder("zero_border");
    snprintf(path, sizeof path, "%s/plans.pkl", folder);
    snprintf(command, sizeof command, "cp '%s' '%s.kept'", path, path);
    run(command);
    change_file(path, "num_modalities\x94K\x01", "num_modalities\x94K\x02", 17);
    expect_open(folder, FV_ERROR_MODEL, "use_mask_for_norm is missing or wrong");
    change_file(path, "num_modalities\x94K\x02", "num_modalitiez\x94K\x02", 17);
    expect_open(folder, FV_ERROR_MODEL, "num_modalities is missing");
    snprintf(command, sizeof command, "cp '%s.kept' '%s'", path, path);
    run(command);
    change_file(path, "base_num_features\x94K", "base_num_features\x94M", 19);
    struct fv_checkpoint *checkpoint;
    ck_assert_int_ne(fv_checkpoint_open(folder, &checkpoint, &error), FV_OK);
    run(command);
    snprintf(path, sizeof path, "%s/fold_0/model_best.model.pkl", folder);
    change_file(path, "nnUNetTrainerV2", "nnUNetTrainerV9", 15);
    expect_open(folder, FV_ERROR_UNSUPPORTED, "trainer nnUNetTrainerV9, expected nnUNetTrainerV2");
    unlink(path);
    expect_open(folder, FV_ERROR_FILE, "model_best.model.pkl");
    snprintf(path, sizeof path, "%s/fold_0/model_best.model", folder);
    unlink(path);
    expect_open(folder, FV_ERROR_FILE, "without any fold_0");
}
END_TEST

START_TEST(every_allocation_of_a_folder_may_fail) {
    const char *folder = unpack_folder("zero_border");
    struct fv_checkpoint *checkpoint;
    long successes = 0;
    enum fv_status status;
    do {
        fv_memory_fail_after(successes++);
        status = fv_checkpoint_open(folder, &checkpoint, &error);
        fv_memory_fail_after(-1);
        ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY, "%ld: %s", successes, error.message);
    } while (status != FV_OK);
    ck_assert_int_gt(successes, 10);
    fv_checkpoint_close(checkpoint);
}
END_TEST

int main(void) {
    if (!present()) {
        printf("%s is not there: the original libraries' checkpoints are not tested\n", FIXTURES);
        return 77; /* meson's "skipped" */
    }
    Suite *suite = suite_create("fixtures");
    TCase *tests = tcase_create("fixtures");
    tcase_add_loop_test(tests, classifier_is_converted, 0, (int)(sizeof fixtures / sizeof *fixtures));
    tcase_add_loop_test(tests, what_tensors_do_not_tell_is_asked_for, 0, (int)(sizeof doubts / sizeof *doubts));
    tcase_add_loop_test(tests, segmenter_is_converted, 0, 3);
    tcase_add_test(tests, contradicting_plans_are_refused);
    tcase_add_test(tests, every_allocation_of_a_folder_may_fail);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
