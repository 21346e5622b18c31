/* From a checkpoint to a model and back: values, metadata, options, and what must not be converted. */
#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/convert.h"
#include "fovea/memory.h"
#include "fovea/model.h"
#include "made.h"
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

/* Converts the network as it stands to the scratch file "model.gguf". */
static enum fv_status convert(void) {
    struct fv_checkpoint *checkpoint;
    struct bytes file = made_torch_zip(&network);
    enum fv_status status = fv_checkpoint_open(scratch_write("source.pth", &file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    return status;
}

static struct fv_model *converted(void) {
    struct fv_model *model;
    enum fv_status status = convert();
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_model_open(scratch_path("model.gguf"), &model, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    return model;
}

static void expect_refusal(enum fv_status expected, const char *part) {
    enum fv_status status = convert();
    ck_assert_msg(status == expected, "%s instead of %s: %s", fv_status_name(status), fv_status_name(expected), part);
    ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
    ck_assert_uint_eq(scratch_count("model.gguf"), 0);
    ck_assert_uint_eq(scratch_count(".fovea"), 0);
}

static bool is_buffer(const char *name) {
    return strstr(name, "relative_position_index") != NULL || strstr(name, "attn_mask") != NULL;
}

/* Every tensor is there under its name with its values, which are exact in 16 bits too. */
static void expect_weights(const struct fv_model *model, enum fv_type type) {
    size_t written = 0;
    for (size_t i = 0; i < network.count; i++) {
        const struct made_tensor *made = &network.tensors[i];
        const struct fv_tensor *tensor = fv_model_tensor(model, made->name);
        ck_assert_msg((tensor == NULL) == is_buffer(made->name), "%s", made->name);
        if (tensor == NULL) {
            continue;
        }
        bool is_weight = made->rank >= 2 && strstr(made->name, "table") == NULL;
        ck_assert_int_eq(tensor->type, is_weight ? type : FV_TYPE_F32);
        ck_assert_uint_eq(tensor->rank, made->rank);
        ck_assert_uint_eq(tensor->elements, made->elements);
        ck_assert_mem_eq(tensor->shape, made->shape, made->rank * sizeof *made->shape);
        float *values = malloc(tensor->elements * sizeof *values);
        ck_assert_ptr_nonnull(values);
        ck_assert_int_eq(fv_tensor_read(tensor, values, &error), FV_OK);
        for (size_t j = 0; j < tensor->elements; j++) {
            ck_assert_float_eq(values[j], (float)made->values[j]);
        }
        free(values);
        written++;
    }
    ck_assert_uint_eq(fv_model_tensor_count(model), written);
}

static void expect_size(const struct fv_model *model, const char *key, size_t expected) {
    size_t value = 0;
    ck_assert_int_eq(fv_model_require_size(model, key, 0, SIZE_MAX, &value, &error), FV_OK);
    ck_assert_msg(value == expected, "%s is %zu, expected %zu", key, value, expected);
}

static void expect_text(const struct fv_model *model, const char *key, const char *expected) {
    const char *value = "";
    ck_assert_int_eq(fv_model_require_string(model, key, &value, &error), FV_OK);
    ck_assert_str_eq(value, expected);
}

START_TEST(network_survives_the_conversion) {
    struct fv_model *model = converted();
    expect_weights(model, FV_TYPE_F32);
    expect_text(model, "general.architecture", "swin");
    expect_size(model, "swin.embed_dim", 8);
    expect_size(model, "swin.window", 2);
    expect_size(model, "swin.patch", 4);
    expect_size(model, "swin.image_size", 16);
    expect_size(model, "fovea.input_size", 16);
    expect_size(model, "swin.classes", 3);
    expect_size(model, "swin.channels", 3);
    expect_text(model, "fovea.source_name", "source.pth");
    ck_assert_int_eq(fv_model_array_length(model, "swin.depths"), 2);
    int64_t depth;
    ck_assert(fv_model_array_integer(model, "swin.depths", 1, &depth));
    ck_assert_int_eq(depth, 1);
    ck_assert(!fv_model_has(model, "fovea.task"));
    fv_model_close(model);
}
END_TEST

START_TEST(weights_in_16_bits) {
    options.weights = FV_TYPE_F16;
    struct fv_model *model = converted();
    expect_weights(model, FV_TYPE_F16);
    fv_model_close(model);
}
END_TEST

START_TEST(options_become_metadata) {
    static const char *const classes[] = {"ungradable", "gradable", "outstanding"};
    static const char *const layers[] = {"superficial"};
    static const float mean[] = {0.485f, 0.456f, 0.406f};
    static const float deviation[] = {0.229f, 0.224f, 0.225f};
    static const float fields[] = {3, 6};
    options = (struct fv_convert_options){
        .task = "quality",
        .classes = classes,
        .class_count = 3,
        .resize = "bicubic",
        .resize_size = 16,
        .mean = mean,
        .deviation = deviation,
        .mean_count = 3,
        .fields = fields,
        .field_count = 2,
        .layers = layers,
        .layer_count = 1,
        .name = "a name",
        .licence = "a licence",
        .attribution = "somebody",
        .note = "a note",
    };
    struct fv_model *model = converted();
    expect_text(model, "fovea.task", "quality");
    expect_text(model, "fovea.resize_filter", "bicubic");
    expect_text(model, "fovea.normalization", "fixed");
    expect_text(model, "general.name", "a name");
    expect_text(model, "general.license", "a licence");
    expect_text(model, "fovea.attribution", "somebody");
    expect_text(model, "fovea.note", "a note");
    const char *text;
    double number;
    ck_assert(fv_model_array_string(model, "fovea.classes", 2, &text));
    ck_assert_str_eq(text, "outstanding");
    ck_assert(fv_model_array_string(model, "fovea.layers", 0, &text));
    ck_assert_str_eq(text, "superficial");
    ck_assert(fv_model_array_number(model, "fovea.mean", 2, &number));
    ck_assert_double_eq(number, (double)0.406f);
    ck_assert(fv_model_array_number(model, "fovea.std", 0, &number));
    ck_assert_double_eq(number, (double)0.229f);
    ck_assert(fv_model_array_number(model, "fovea.fov", 1, &number));
    ck_assert_double_eq(number, 6);
    fv_model_close(model);
}
END_TEST

START_TEST(contradicting_options_are_refused) {
    static const char *const two[] = {"a", "b"};
    static const float numbers[] = {1, 1};
    static const float zero[] = {0};
    static const char *const layer[] = {"middle"};
    static const struct {
        struct fv_convert_options options;
        const char *message;
    } cases[] = {
        {{.image_size = 32}, "contradicts the file, whose attention masks are for 16"},
        {{.resize_size = 32}, "do not fit the network's input of 16"},
        {{.task = "segmentation"}, "--task segmentation does not fit"},
        {{.classes = two, .class_count = 2}, "--classes names 2, the network has 3"},
        {{.resize = "nearest"}, "--resize nearest"},
        {{.resize = "none", .resize_size = 16}, "--resize none takes no size"},
        {{.image_size = 16, .resize_size = 15}, "differ"},
        {{.mean = numbers, .deviation = numbers, .mean_count = 2}, "give 2 numbers, the network has 3"},
        {{.mean = numbers, .deviation = zero, .mean_count = 1}, "--std above 0"},
        {{.mean = numbers, .deviation = numbers, .mean_count = 1, .zscore = true}, "exclude each other"},
        {{.fields = zero, .field_count = 1}, "--fov 0"},
        {{.layers = layer, .layer_count = 1}, "--layer middle"},
        {{.weights = FV_TYPE_Q8_0}, "f32 or f16"},
        {{.name = "\xFF"}, "not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options = cases[i].options;
        expect_refusal(FV_ERROR_ARGUMENT, cases[i].message);
    }
}
END_TEST

/* Takes a tensor out of the network. */
static void drop(const char *name) {
    struct made_tensor *tensor = made_find(&network, name);
    free(tensor->values);
    size_t index = (size_t)(tensor - network.tensors);
    memmove(tensor, tensor + 1, (network.count - index - 1) * sizeof *tensor);
    network.count--;
}

START_TEST(size_is_asked_for_without_a_mask) {
    drop("layers.0.blocks.1.attn_mask");
    expect_refusal(FV_ERROR_ARGUMENT, "--image-size N (a multiple of 8");
    options.image_size = 17;
    expect_refusal(FV_ERROR_ARGUMENT, "cannot be cut into windows");
    options.image_size = 16;
    struct fv_model *model = converted();
    expect_size(model, "swin.image_size", 16);
    fv_model_close(model);
}
END_TEST

START_TEST(buffers_may_be_missing) {
    drop("layers.0.blocks.0.attn.relative_position_index");
    struct fv_model *model = converted();
    fv_model_close(model);
}
END_TEST

START_TEST(missing_tensors_are_named) {
    static const char *const names[] = {"patch_embed.proj.bias", "layers.0.blocks.1.attn.qkv.bias", "norm.weight",
                                        "layers.0.downsample.reduction.weight", "head.bias"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char message[160];
        made_clear(&network);
        network = made_swin();
        drop(names[i]);
        snprintf(message, sizeof message, "tensor %s is missing", names[i]);
        expect_refusal(FV_ERROR_MODEL, message);
    }
}
END_TEST

START_TEST(wrong_tensors_are_named) {
    strcpy(made_find(&network, "norm.bias")->name, "norm.bios");
    expect_refusal(FV_ERROR_MODEL, "tensor norm.bias is missing");
    strcpy(made_find(&network, "norm.bios")->name, "norm.bias");
    strcpy(made_find(&network, "layers.0.blocks.0.attn.relative_position_index")->name, "absolute_pos_embed");
    expect_refusal(FV_ERROR_MODEL, "tensor absolute_pos_embed of shape [4, 4] is not expected");
    strcpy(made_find(&network, "absolute_pos_embed")->name, "layers.0.blocks.0.attn.relative_position_index");
    struct made_tensor *tensor = made_find(&network, "layers.0.blocks.0.mlp.fc1.weight");
    tensor->shape[0] = 16;
    tensor->shape[1] = 16;
    expect_refusal(FV_ERROR_MODEL, "layers.0.blocks.0.mlp.fc1.weight has shape [16, 16], expected [32, 8]");
    tensor->shape[0] = 32;
    tensor->shape[1] = 8;
    made_find(&network, "norm.bias")->element = FV_ELEMENT_I64;
    expect_refusal(FV_ERROR_MODEL, "tensor norm.bias holds i64");
}
END_TEST

START_TEST(wrong_values_are_named) {
    struct made_tensor *tensor = made_find(&network, "head.weight");
    double kept = tensor->values[5];
    tensor->values[5] = NAN;
    expect_refusal(FV_ERROR_MODEL, "tensor head.weight: element 5 of 48");
    tensor->values[5] = 1e5;
    options.weights = FV_TYPE_F16;
    expect_refusal(FV_ERROR_MODEL, "which f16 cannot hold");
    options.weights = FV_TYPE_F32;
    tensor->values[5] = kept;
    made_find(&network, "layers.0.blocks.0.attn.relative_position_index")->values[1] += 1;
    expect_refusal(FV_ERROR_MODEL, "relative_position_index: element 1 is");
    made_find(&network, "layers.0.blocks.0.attn.relative_position_index")->values[1] -= 1;
    made_find(&network, "layers.0.blocks.1.attn_mask")->values[0] = -100;
    expect_refusal(FV_ERROR_MODEL, "attn_mask: element 0 is -100, expected 0");
}
END_TEST

START_TEST(unknown_networks_are_refused) {
    static const struct {
        const char *name;
        const char *message;
    } cases[] = {
        {"anything", "an unknown network: its first tensor is anything"},
        {"conv_blocks_context.0.blocks.0.conv.weight", "its plans are needed"},
        {"conv1.0.weight", "deep stem"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        strcpy(made_find(&network, i == 0 ? "patch_embed.proj.weight" : cases[i - 1].name)->name, cases[i].name);
        expect_refusal(i == 0 ? FV_ERROR_MODEL : FV_ERROR_UNSUPPORTED, cases[i].message);
    }
}
END_TEST

/* timm's names since 0.9 give the same model as the authors'. */
START_TEST(names_of_timm_are_translated) {
    struct made_network renamed = made_swin();
    struct fv_checkpoint *checkpoint;
    struct fv_model *model;
    static const char *const pairs[][2] = {
        {"head.weight", "head.fc.weight"},
        {"head.bias", "head.fc.bias"},
        {"layers.0.downsample.norm.weight", "layers.1.downsample.norm.weight"},
        {"layers.0.downsample.norm.bias", "layers.1.downsample.norm.bias"},
        {"layers.0.downsample.reduction.weight", "layers.1.downsample.reduction.weight"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        strcpy(made_find(&renamed, pairs[i][0])->name, pairs[i][1]);
    }
    struct bytes file = made_safetensors(&renamed);
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("timm", &file), &checkpoint, &error), FV_OK);
    ck_assert_int_eq(fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error), FV_OK);
    ck_assert_int_eq(fv_model_open(scratch_path("model.gguf"), &model, &error), FV_OK);
    expect_weights(model, FV_TYPE_F32);
    fv_model_close(model);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    made_clear(&renamed);
}
END_TEST

static size_t warnings;
static char warning[512];

static void keep_warning(void *context, const char *message) {
    ck_assert_ptr_eq(context, &warnings);
    warnings++;
    snprintf(warning, sizeof warning, "%s", message);
}

/* Converts a zip; the warnings are counted. */
static enum fv_status convert_zip(const struct bytes *file, bool strict) {
    struct fv_checkpoint *checkpoint;
    options.strict = strict;
    options.warn = keep_warning;
    options.warn_context = &warnings;
    warnings = 0;
    unlink(scratch_path("model.gguf"));
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("source.pth", file), &checkpoint, &error), FV_OK);
    enum fv_status status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
    fv_checkpoint_close(checkpoint);
    return status;
}

static void expect_doubt(const struct bytes *file, const char *entry) {
    struct fv_model *model;
    const char *text;
    ck_assert_int_eq(convert_zip(file, true), FV_ERROR_FORMAT);
    ck_assert_msg(strstr(error.message, entry) != NULL, "%s", error.message);
    ck_assert_uint_eq(scratch_count("model.gguf") + scratch_count(".fovea"), 0);
    ck_assert_int_eq(convert_zip(file, false), FV_OK);
    ck_assert_uint_eq(warnings, 1);
    ck_assert_msg(strstr(warning, entry) != NULL && strstr(warning, "source.pth: ") == warning, "%s", warning);
    ck_assert_int_eq(fv_model_open(scratch_path("model.gguf"), &model, &error), FV_OK);
    ck_assert_int_eq(fv_model_array_length(model, "fovea.warnings"), 1);
    ck_assert(fv_model_array_string(model, "fovea.warnings", 0, &text));
    ck_assert_str_eq(text, warning);
    fv_model_close(model);
}

START_TEST(checksums_are_compared) {
    struct bytes file = made_torch_zip(&network);
    /* None is stated. */
    ck_assert_int_eq(convert_zip(&file, true), FV_OK);
    zip_add_checksums(&file);
    ck_assert_int_eq(convert_zip(&file, true), FV_OK);
    ck_assert_uint_eq(warnings, 0);
    /* An entry that nobody reads. */
    file.at[bytes_find(&file, "3\n", 2, 0)] = '4';
    ck_assert_int_eq(convert_zip(&file, true), FV_OK);
    /* The last bit of the first number of the first tensor. */
    size_t data = bytes_find(&file, "some name/data/7000FB", 21, 0) + 23;
    while (file.at[data] == 0) {
        data++;
    }
    file.at[data] ^= 1;
    expect_doubt(&file, "zip entry some name/data/7000: its CRC-32 is ");
    file.at[data] ^= 1;
    /* What describes the tensors, in a place without consequences: "requires_grad". */
    size_t flag = bytes_find(&file, "\x89", 1, 0);
    file.at[flag] = 0x88;
    expect_doubt(&file, "zip entry some name/data.pkl: its CRC-32 is ");
    file.at[flag] = 0x89;
    ck_assert_int_eq(convert_zip(&file, true), FV_OK);
    bytes_clear(&file);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    struct bytes file = made_torch_zip(&network);
    struct fv_checkpoint *checkpoint;
    long successes = 0;
    enum fv_status status;
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("memory.pth", &file), &checkpoint, &error), FV_OK);
    do {
        fv_memory_fail_after(successes++);
        status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
        fv_memory_fail_after(-1);
        ck_assert_msg(status == FV_OK || status == FV_ERROR_MEMORY, "%ld: %s", successes, error.message);
        ck_assert_uint_eq(scratch_count("model.gguf"), status == FV_OK ? 1 : 0);
        ck_assert_uint_eq(scratch_count(".fovea"), 0);
    } while (status != FV_OK);
    ck_assert_int_gt(successes, 10);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
}
END_TEST

START_TEST(output_that_cannot_be_written) {
    struct bytes file = made_torch_zip(&network);
    struct fv_checkpoint *checkpoint;
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("source.pth", &file), &checkpoint, &error), FV_OK);
    ck_assert_int_eq(fv_convert(checkpoint, scratch_path("absent/model.gguf"), &options, &error), FV_ERROR_FILE);
    ck_assert_int_eq(fv_convert(checkpoint, scratch_folder(), &options, &error), FV_ERROR_FILE);
    ck_assert_int_eq(fv_convert(checkpoint, "/dev/null", &options, &error), FV_ERROR_FILE);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
}
END_TEST

/* A full disk, at every stage: each limit on the output's size ends in an error and leaves nothing. */
START_TEST(full_disks_leave_nothing) {
    struct bytes file = made_torch_zip(&network);
    struct fv_checkpoint *checkpoint;
    struct rlimit before;
    struct stat information;
    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("source.pth", &file), &checkpoint, &error), FV_OK);
    ck_assert_int_eq(fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error), FV_OK);
    ck_assert_int_eq(stat(scratch_path("model.gguf"), &information), 0);
    ck_assert_int_eq(unlink(scratch_path("model.gguf")), 0);
    for (rlim_t limit = 0; limit < (rlim_t)information.st_size; limit += 997) {
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, before.rlim_max}), 0);
        enum fv_status status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
        ck_assert_msg(status == FV_ERROR_FILE, "%ju bytes: %s", (uintmax_t)limit, fv_status_name(status));
        ck_assert_ptr_eq(strstr(error.message, scratch_path("model.gguf")), error.message);
        ck_assert_uint_eq(scratch_count("model.gguf") + scratch_count(".fovea"), 0);
    }
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
}
END_TEST

/* A conversion that fails in its last tensor leaves the model of an earlier one as it is. */
START_TEST(failures_leave_older_models) {
    struct fv_model *model = converted();
    fv_model_close(model);
    made_find(&network, "head.bias")->values[2] = NAN;
    ck_assert_int_eq(convert(), FV_ERROR_MODEL);
    ck_assert_uint_eq(scratch_count("model.gguf"), 1);
    ck_assert_uint_eq(scratch_count(".fovea"), 0);
    ck_assert_int_eq(fv_model_open(scratch_path("model.gguf"), &model, &error), FV_OK);
    fv_model_close(model);
}
END_TEST

START_TEST(recognition_lists_the_metadata) {
    struct bytes file = made_torch_zip(&network);
    struct fv_checkpoint *checkpoint;
    struct fv_recognition *recognition;
    char text[32];
    size_t parameters = 0;
    for (size_t i = 0; i < network.count; i++) {
        parameters += is_buffer(network.tensors[i].name) ? 0 : network.tensors[i].elements;
    }
    ck_assert_int_eq(fv_checkpoint_open(scratch_write("source.pth", &file), &checkpoint, &error), FV_OK);
    ck_assert_int_eq(fv_recognize(checkpoint, &options, &recognition, &error), FV_OK);
    ck_assert_str_eq(fv_recognition_architecture(recognition), "swin");
    ck_assert_str_eq(fv_recognition_naming(recognition), "authors");
    ck_assert_uint_eq(fv_recognition_parameters(recognition), parameters);
    ck_assert_str_eq(fv_recognition_metadata(recognition, 1, text, sizeof text), "swin.depths");
    ck_assert_str_eq(text, "2, 1");
    ck_assert_ptr_null(fv_recognition_metadata(recognition, 1000, text, sizeof text));
    fv_recognition_close(recognition);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("convert");
    TCase *tests = tcase_create("convert");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, network_survives_the_conversion);
    tcase_add_test(tests, weights_in_16_bits);
    tcase_add_test(tests, options_become_metadata);
    tcase_add_test(tests, contradicting_options_are_refused);
    tcase_add_test(tests, size_is_asked_for_without_a_mask);
    tcase_add_test(tests, buffers_may_be_missing);
    tcase_add_test(tests, missing_tensors_are_named);
    tcase_add_test(tests, wrong_tensors_are_named);
    tcase_add_test(tests, wrong_values_are_named);
    tcase_add_test(tests, unknown_networks_are_refused);
    tcase_add_test(tests, names_of_timm_are_translated);
    tcase_add_test(tests, checksums_are_compared);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, output_that_cannot_be_written);
    tcase_add_test(tests, full_disks_leave_nothing);
    tcase_add_test(tests, failures_leave_older_models);
    tcase_add_test(tests, recognition_lists_the_metadata);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
