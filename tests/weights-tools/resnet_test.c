/* ResNets of either naming: sizes, statistics, and relatives that must not be mistaken for them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/convert.h"
#include "fovea/model.h"
#include "made.h"
#include "suite.h"

static struct made_network network;
static struct fv_error error;

static void setup(void) {
    network = made_resnet(false);
}

static void teardown(void) {
    made_clear(&network);
}

static enum fv_status convert(void) {
    struct fv_checkpoint *checkpoint;
    struct fv_convert_options options;
    struct bytes file = made_torch_zip(&network);
    fv_convert_options_default(&options);
    enum fv_status status = fv_checkpoint_open(scratch_write("source.pth", &file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    return status;
}

static void expect_refusal(enum fv_status expected, const char *part) {
    enum fv_status status = convert();
    ck_assert_msg(status == expected, "%s instead of %s: %s", fv_status_name(status), fv_status_name(expected), part);
    ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
    ck_assert_uint_eq(scratch_count("model.gguf"), 0);
}

static void expect_size(const struct fv_model *model, const char *key, size_t expected) {
    size_t value = 0;
    ck_assert_int_eq(fv_model_require_size(model, key, 0, SIZE_MAX, &value, &error), FV_OK);
    ck_assert_msg(value == expected, "%s is %zu, expected %zu", key, value, expected);
}

START_TEST(both_namings_are_converted) {
    for (int legacy = 0; legacy < 2; legacy++) {
        struct fv_model *model;
        const char *text = "";
        bool squeeze = false;
        made_clear(&network);
        network = made_resnet(legacy == 1);
        enum fv_status status = convert();
        ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
        ck_assert_int_eq(fv_model_open(scratch_path("model.gguf"), &model, &error), FV_OK);
        expect_size(model, "resnet.stem", 4);
        expect_size(model, "resnet.groups", 2);
        expect_size(model, "resnet.classes", 2);
        expect_size(model, "resnet.channels", 1);
        ck_assert(fv_model_boolean(model, "resnet.se", &squeeze) && squeeze);
        ck_assert(fv_model_string(model, "resnet.stem_pool", &text));
        ck_assert_str_eq(text, legacy ? "ceil" : "padded");
        ck_assert(fv_model_string(model, "resnet.naming", &text));
        ck_assert_str_eq(text, legacy ? "legacy" : "timm");
        for (size_t i = 0; i < network.count; i++) {
            const char *name = network.tensors[i].name;
            bool counter = strstr(name, "num_batches_tracked") != NULL;
            ck_assert_msg((fv_model_tensor(model, name) == NULL) == counter, "%s", name);
        }
        fv_model_close(model);
    }
}
END_TEST

START_TEST(variances_are_not_negative) {
    made_find(&network, "layer3.0.bn2.running_var")->values[1] = -1e-6;
    expect_refusal(FV_ERROR_MODEL, "tensor layer3.0.bn2.running_var: element 1 is -1e-06; a variance is not negative");
    made_find(&network, "layer3.0.bn2.running_var")->values[1] = 0;
    ck_assert_int_eq(convert(), FV_OK);
}
END_TEST

/* Gives a tensor another name and demands the refusal; the old name comes back. */
static void expect_renamed(const char *from, const char *to, enum fv_status status, const char *part) {
    struct made_tensor *tensor = made_find(&network, from);
    strcpy(tensor->name, to);
    expect_refusal(status, part);
    strcpy(tensor->name, from);
}

START_TEST(relatives_are_refused) {
    expect_renamed("bn1.weight", "layer0.conv2.weight", FV_ERROR_UNSUPPORTED, "a stem of three convolutions");
    expect_renamed("layer1.0.conv3.weight", "layer1.0.conv4.weight", FV_ERROR_UNSUPPORTED, "without bottleneck blocks");
    expect_renamed("conv1.weight", "conv1.0.weight", FV_ERROR_UNSUPPORTED, "a deep stem");
    expect_renamed("layer4.0.conv1.weight", "layer4.1.conv1.weight", FV_ERROR_MODEL, "layer4 has no blocks");
    expect_renamed("layer2.0.downsample.0.weight", "layer5.0.conv1.weight", FV_ERROR_MODEL,
                   "layer2.0.downsample.0.weight is missing");
    struct made_tensor *shortcut = made_find(&network, "layer1.0.downsample.1.weight");
    shortcut->rank = 4;
    shortcut->shape[1] = shortcut->shape[2] = shortcut->shape[3] = 1;
    expect_refusal(FV_ERROR_UNSUPPORTED, "pool before the convolution");
    shortcut->rank = 1;
    struct made_tensor *middle = made_find(&network, "layer2.0.conv2.weight");
    middle->shape[0] = 8;
    middle->shape[1] = 1;
    expect_refusal(FV_ERROR_MODEL, "layer2.0.conv1.weight has shape [4, 8, 1, 1], expected [8, 8, 1, 1]");
}
END_TEST

START_TEST(legacy_without_groups_strides_elsewhere) {
    made_clear(&network);
    network = made_resnet(true);
    struct made_tensor *middle = made_find(&network, "layer1.0.conv2.weight");
    middle->shape[1] = 4;
    middle->shape[0] = 4;
    middle->elements *= 2;
    middle->values = realloc(middle->values, middle->elements * sizeof *middle->values);
    ck_assert_ptr_nonnull(middle->values);
    memset(middle->values, 0, middle->elements * sizeof *middle->values);
    expect_refusal(FV_ERROR_UNSUPPORTED, "strides in conv1");
}
END_TEST

/* Converts the network as a whole module with one attribute. */
static enum fv_status convert_module(const struct made_attribute *attribute) {
    struct fv_checkpoint *checkpoint;
    struct fv_convert_options options;
    struct bytes file = made_module_zip(&network, attribute, 1);
    fv_convert_options_default(&options);
    enum fv_status status = fv_checkpoint_open(scratch_write("module.pth", &file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    ck_assert_str_eq(fv_checkpoint_container(checkpoint), "torch zip, whole module");
    ck_assert_uint_eq(fv_checkpoint_tensor_count(checkpoint), network.count);
    status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    return status;
}

START_TEST(attributes_of_modules_are_checked) {
    static const struct made_attribute fine[] = {
        {"conv1", "stride", "K\x02K\x02\x86"}, {"layer2.0.conv2", "stride", "K\x02K\x02\x86"},
        {"layer1.0.conv2", "groups", "K\x02"}, {"layer1.0.bn1", "eps", "G\x3E\xE4\xF8\xB5\x88\xE3\x68\xF1"},
        {"layer1.0", "training", "\x88"},      {"conv1", "padding_mode", "U\x05zeros"},
    };
    static const struct {
        struct made_attribute attribute;
        const char *message;
    } wrong[] = {
        {{"conv1", "stride", "K\x01K\x01\x86"}, "module conv1: stride is 1, expected 2"},
        {{"conv1", "stride", "K\x02K\x01\x86"}, "module conv1: stride is not 2 in both directions"},
        {{"layer2.0.conv1", "stride", "K\x02K\x02\x86"}, "module layer2.0.conv1: stride is 2, expected 1"},
        {{"layer3.0.conv2", "padding", "K\x02K\x02\x86"}, "module layer3.0.conv2: padding is 2, expected 1"},
        {{"layer3.0.conv2", "dilation", "K\x02"}, "module layer3.0.conv2: dilation is 2, expected 1"},
        {{"layer4.0.conv2", "groups", "K\x04"}, "module layer4.0.conv2: groups is 4, expected 2"},
        {{"layer4.0.bn3", "eps", "G\x3F\x50\x62\x4D\xD2\xF1\xA9\xFC"}, "module layer4.0.bn3: eps is 0.001"},
        {{"conv1", "padding_mode", "U\x07reflect"}, "module conv1: padding_mode is reflect, expected zeros"},
        {{"layer1.0.se.act", "CLASS", "ctorch.nn.modules.activation\nGELU\n"}, "is a GELU, expected a ReLU"},
        {{"layer1.0.se.gate", "CLASS", "ctorch.nn.modules.activation\nReLU\n"}, "is a ReLU, expected a Sigmoid"},
        {{"act1", "CLASS", "ctorch.nn.modules.activation\nSiLU\n"}, "module act1 is a SiLU, expected a ReLU"},
        {{"maxpool", "CLASS", "ctorch.nn.modules.pooling\nAvgPool2d\n"}, "maxpool is a AvgPool2d"},
        {{"maxpool", "kernel_size", "K\x02"}, "module maxpool"},
        {{"maxpool", "ceil_mode", "\x88"}, "module maxpool"},
        {{"global_pool", "pool_type",
          "U\x06"
          "catavg"},
         "module global_pool: pool_type is catavg, expected avg"},
    };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        enum fv_status status = convert_module(&fine[i]);
        ck_assert_msg(status == FV_OK, "%zu: %s", i, status == FV_OK ? "" : error.message);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(convert_module(&wrong[i].attribute), FV_ERROR_UNSUPPORTED);
        ck_assert_msg(strstr(error.message, wrong[i].message) != NULL, "expected \"%s\" in \"%s\"", wrong[i].message,
                      error.message);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("resnet");
    TCase *tests = tcase_create("resnet");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, both_namings_are_converted);
    tcase_add_test(tests, variances_are_not_negative);
    tcase_add_test(tests, relatives_are_refused);
    tcase_add_test(tests, legacy_without_groups_strides_elsewhere);
    tcase_add_test(tests, attributes_of_modules_are_checked);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
