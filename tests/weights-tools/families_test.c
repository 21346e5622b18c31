/* Inception-V3 and EfficientNet of either naming: the tensors of the seeded nets as checkpoints, what tensors leave
 * open, what whole modules say of it, and relatives that must not be mistaken for them. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "checks.h"
#include "fovea/convert.h"
#include "made.h"

static struct made_network network;
static struct fv_convert_options options;
static struct fv_error error;

/* The seeded net as a checkpoint: its tensors, with names and values. */
static void take_net(const char *name) {
    struct fv_model *model = check_random_model(catalogue_find(name));
    made_clear(&network);
    for (size_t i = 0; i < fv_model_tensor_count(model); i++) {
        const struct fv_tensor *tensor = fv_model_tensor_at(model, i);
        struct made_tensor *made = made_add(&network, tensor->name, 1, tensor->elements, 1);
        made->rank = tensor->rank;
        for (uint32_t axis = 0; axis < tensor->rank; axis++) {
            made->shape[axis] = tensor->shape[axis];
        }
        for (size_t e = 0; e < tensor->elements; e++) {
            made->values[e] = (double)((const float *)tensor->data)[e];
        }
    }
    fv_model_close(model);
    fv_convert_options_default(&options);
}

/* Converts the file; its bytes are freed. */
static enum fv_status convert_file(struct bytes file) {
    struct fv_checkpoint *checkpoint;
    enum fv_status status = fv_checkpoint_open(scratch_write("source.pth", &file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    return status;
}

static enum fv_status convert_tensors(void) {
    return convert_file(made_torch_zip(&network));
}

static void expect(enum fv_status status, enum fv_status expected, const char *part) {
    ck_assert_msg(status == expected, "%s instead of %s: %s", fv_status_name(status), fv_status_name(expected),
                  status == FV_OK ? part : error.message);
    if (status != FV_OK) {
        ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
        ck_assert_uint_eq(scratch_count("model.gguf"), 0);
    }
}

static struct fv_model *open_model(void) {
    struct fv_model *model;
    ck_assert_msg(fv_model_open(scratch_path("model.gguf"), &model, &error) == FV_OK, "%s", error.message);
    remove(scratch_path("model.gguf"));
    return model;
}

/* What the model says under a key, as one line. */
static void describe(const struct fv_model *model, const char *key, char text[128]) {
    const char *string;
    bool flag;
    int64_t integer;
    double number;
    long count = fv_model_array_length(model, key);
    text[0] = '\0';
    if (fv_model_string(model, key, &string)) {
        snprintf(text, 128, "%s", string);
    } else if (fv_model_boolean(model, key, &flag)) {
        snprintf(text, 128, "%s", flag ? "yes" : "no");
    } else if (fv_model_integer(model, key, &integer)) {
        snprintf(text, 128, "%lld", (long long)integer);
    } else if (fv_model_number(model, key, &number)) {
        snprintf(text, 128, "%g", number);
    }
    for (long i = 0; i < count && fv_model_array_integer(model, key, (size_t)i, &integer); i++) {
        snprintf(text + strlen(text), 128 - strlen(text), "%s%lld", i > 0 ? "," : "", (long long)integer);
    }
}

static void expect_value(const struct fv_model *model, const char *key, const char *expected) {
    char text[128];
    describe(model, key, text);
    ck_assert_msg(strcmp(text, expected) == 0, "%s is '%s', expected '%s'", key, text, expected);
}

static void expect_decision(const struct fv_model *model, const char *part) {
    const char *text;
    for (size_t i = 0; fv_model_array_string(model, "fovea.decisions", i, &text); i++) {
        if (strstr(text, part) != NULL) {
            return;
        }
    }
    ck_abort_msg("no decision says \"%s\"", part);
}

/* A net with the options that its tensors need, and fields of the model. */
static const struct {
    const char *net, *variant, *transform_input;
    uint32_t image_size;
    const char *fields[6][2];
    const char *decision;
} converted[] = {
    {"inception_sixteenth",
     NULL,
     "no",
     0,
     {{"general.architecture", "inception_v3"}, {"inception_v3.transform_input", "no"}, {"inception_v3.classes", "3"}},
     "by --transform-input"},
    {"inception_eighth_transformed",
     NULL,
     "yes",
     0,
     {{"inception_v3.transform_input", "yes"}, {"inception_v3.norm_epsilon", "0.001"}},
     "by --transform-input"},
    {"inception_one_channel", NULL, "no", 0, {{"inception_v3.channels", "1"}, {"inception_v3.classes", "2"}}, "no"},
    {"efficientnet_tf",
     "tf",
     NULL,
     0,
     {{"general.architecture", "efficientnet"},
      {"efficientnet.naming", "timm"},
      {"efficientnet.repeats", "1,2,2,1,1,2,1"},
      {"efficientnet.strides", "1,2,2,2,1,2,1"},
      {"efficientnet.padding", "same"},
      {"efficientnet.norm_epsilon", "0.001"}},
     "by --variant tf"},
    {"efficientnet_plain",
     "plain",
     NULL,
     0,
     {{"efficientnet.channels", "1"}, {"efficientnet.padding", "symmetric"}, {"efficientnet.norm_epsilon", "1e-05"}},
     "by --variant plain"},
    {"efficientnet_lukemelas",
     NULL,
     NULL,
     75,
     {{"efficientnet.naming", "lukemelas"},
      {"efficientnet.repeats", "1,2,1,1,2,1,1"},
      {"efficientnet.padding", "static"},
      {"efficientnet.image_size", "75"},
      {"efficientnet.norm_epsilon", "0.001"}},
     "by --image-size"},
};

static void set_options(int index) {
    take_net(converted[index].net);
    options.variant = converted[index].variant;
    options.transform_input = converted[index].transform_input;
    options.image_size = converted[index].image_size;
}

START_TEST(seeded_net_is_converted_with_its_names_and_values) {
    set_options(_i);
    expect(convert_tensors(), FV_OK, "");
    struct fv_model *model = open_model(), *source = check_random_model(catalogue_find(converted[_i].net));
    for (size_t i = 0; i < 6 && converted[_i].fields[i][0] != NULL; i++) {
        expect_value(model, converted[_i].fields[i][0], converted[_i].fields[i][1]);
    }
    expect_decision(model, converted[_i].decision);
    ck_assert_uint_eq(fv_model_tensor_count(model), fv_model_tensor_count(source));
    for (size_t i = 0; i < fv_model_tensor_count(source); i++) {
        const struct fv_tensor *expected = fv_model_tensor_at(source, i);
        const struct fv_tensor *tensor = fv_model_tensor(model, expected->name);
        ck_assert_msg(tensor != NULL && tensor->bytes == expected->bytes, "%s", expected->name);
        ck_assert_mem_eq(tensor->data, expected->data, expected->bytes);
    }
    fv_model_close(source);
    fv_model_close(model);
}
END_TEST

START_TEST(what_tensors_leave_open_is_asked_for) {
    static const char *const asked[] = {"--transform-input yes", "--transform-input no", "--transform-input yes",
                                        "--variant tf",          "--variant plain",      "--image-size N"};
    set_options(_i);
    options.variant = options.transform_input = NULL;
    options.image_size = 0;
    expect(convert_tensors(), FV_ERROR_ARGUMENT, asked[_i]);
}
END_TEST

/* Tensors at the ends and in the middle of the nets, by the index of `converted`. */
static const struct {
    int net;
    const char *tensor;
} touched[] = {
    {0, "Conv2d_1a_3x3.bn.running_var"},
    {0, "Conv2d_4a_3x3.conv.weight"},
    {0, "Mixed_6b.branch7x7dbl_3.conv.weight"},
    {0, "Mixed_7b.branch3x3dbl_3a.conv.weight"},
    {0, "Mixed_7c.branch_pool.bn.bias"},
    {3, "conv_stem.weight"},
    {3, "blocks.0.0.bn2.weight"},
    {3, "blocks.3.0.conv_pwl.weight"},
    {3, "blocks.2.1.se.conv_expand.weight"},
    {3, "conv_head.weight"},
    {5, "_blocks.3._expand_conv.weight"},
    {5, "_blocks.8._se_reduce.bias"},
    {5, "_bn1.running_mean"},
};
enum { TOUCHED = sizeof touched / sizeof *touched };

START_TEST(missing_tensor_is_refused) {
    set_options(touched[_i].net);
    strcpy(made_find(&network, touched[_i].tensor)->name, "other.weight");
    enum fv_status status = convert_tensors();
    ck_assert(status != FV_OK);
    ck_assert_uint_eq(scratch_count("model.gguf"), 0);
}
END_TEST

START_TEST(extra_tensor_is_named) {
    set_options(touched[_i].net);
    char name[128];
    snprintf(name, sizeof name, "%.80s_more", touched[_i].tensor);
    made_add(&network, name, 1, 3, 1);
    expect(convert_tensors(), FV_ERROR_MODEL, name);
}
END_TEST

START_TEST(misshapen_tensor_is_refused) {
    set_options(touched[_i].net);
    struct made_tensor *tensor = made_find(&network, touched[_i].tensor);
    for (uint32_t axis = tensor->rank; axis < 4; axis++) {
        tensor->shape[axis] = 1;
    }
    /* As many values in one dimension more, or the kernel's sides exchanged. */
    const size_t rows = tensor->shape[2];
    tensor->shape[2] = tensor->shape[3];
    tensor->shape[3] = rows;
    tensor->rank = tensor->rank < 4 ? tensor->rank + 1 : tensor->shape[2] != tensor->shape[3] ? 4 : 3;
    if (tensor->rank == 3) {
        tensor->shape[2] *= tensor->shape[3];
    }
    const enum fv_status status = convert_tensors();
    ck_assert(status == FV_ERROR_MODEL || status == FV_ERROR_UNSUPPORTED);
    ck_assert_uint_eq(scratch_count("model.gguf"), 0);
}
END_TEST

START_TEST(value_that_is_not_finite_is_named) {
    set_options(touched[_i].net);
    struct made_tensor *tensor = made_find(&network, touched[_i].tensor);
    tensor->values[tensor->elements - 1] = _i % 2 == 0 ? (double)NAN : (double)INFINITY;
    expect(convert_tensors(), FV_ERROR_MODEL, touched[_i].tensor);
}
END_TEST

/* A tensor of the auxiliary head. */
static void add_auxiliary(const char *name, size_t outputs, size_t inputs, size_t kernel) {
    const bool vector = inputs == 0;
    struct made_tensor *tensor = made_add(&network, name, 1, vector ? outputs : outputs * inputs * kernel * kernel, 1);
    tensor->rank = vector ? 1 : kernel == 0 ? 2 : 4;
    tensor->shape[0] = outputs;
    tensor->shape[1] = inputs;
    tensor->shape[2] = tensor->shape[3] = kernel;
}

static void add_auxiliary_unit(const char *name, size_t outputs, size_t inputs, size_t kernel) {
    static const char *const vectors[] = {"weight", "bias", "running_mean", "running_var"};
    char part[96];
    snprintf(part, sizeof part, "AuxLogits.%s.conv.weight", name);
    add_auxiliary(part, outputs, inputs, kernel);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        snprintf(part, sizeof part, "AuxLogits.%s.bn.%s", name, vectors[i]);
        add_auxiliary(part, outputs, 0, 0);
    }
}

/* Its classes are those of the net that it was trained with first. */
START_TEST(auxiliary_head_is_left_out_and_must_be_complete) {
    set_options(0);
    add_auxiliary_unit("conv0", 8, 48, 1);
    expect(convert_tensors(), FV_ERROR_MODEL, "AuxLogits.conv1.conv.weight is missing");
    add_auxiliary_unit("conv1", 48, 8, 5);
    made_add(&network, "AuxLogits.fc.weight", 2, 1000, 48);
    expect(convert_tensors(), FV_ERROR_MODEL, "AuxLogits.fc.bias is missing");
    made_add(&network, "AuxLogits.fc.bias", 1, 1000, 1);
    expect(convert_tensors(), FV_OK, "");
    struct fv_model *model = open_model();
    ck_assert_ptr_null(fv_model_tensor(model, "AuxLogits.fc.bias"));
    expect_decision(model, "AuxLogits: left out");
    fv_model_close(model);
    made_find(&network, "AuxLogits.conv1.bn.bias")->shape[0] = 47;
    made_find(&network, "AuxLogits.conv1.bn.bias")->elements = 47;
    expect(convert_tensors(), FV_ERROR_MODEL, "AuxLogits.conv1.bn.bias has shape [47], expected [48]");
}
END_TEST

#define CLASS(module, name) "c" module "\n" name "\n"
#define SAME CLASS("timm.models.layers.conv2d_same", "Conv2dSame")
#define EVEN CLASS("torch.nn.modules.conv", "Conv2d")
/* The convolutions of timm's tf_efficientnet with more than one tap: only those with a stride pad by the input. */
#define TIMM_SAME                                                                                                      \
    {                                                                                                                  \
        {"conv_stem", "CLASS", SAME}, {"blocks.0.0.conv_dw", "CLASS", EVEN}, {"blocks.1.0.conv_dw", "CLASS", SAME},    \
            {"blocks.1.1.conv_dw", "CLASS", EVEN}, {"blocks.2.0.conv_dw", "CLASS", SAME},                              \
            {"blocks.2.1.conv_dw", "CLASS", EVEN}, {"blocks.3.0.conv_dw", "CLASS", SAME},                              \
            {"blocks.4.0.conv_dw", "CLASS", EVEN}, {"blocks.5.0.conv_dw", "CLASS", SAME},                              \
            {"blocks.5.1.conv_dw", "CLASS", EVEN}, {                                                                   \
            "blocks.6.0.conv_dw", "CLASS", EVEN                                                                        \
        }                                                                                                              \
    }
#define EPSILON_3 "G\x3F\x50\x62\x4D\xD2\xF1\xA9\xFC"
#define EPSILON_5 "G\x3E\xE4\xF8\xB5\x88\xE3\x68\xF1"

enum { MOST_ATTRIBUTES = 12 };

/* Nets as whole modules: attributes, an explicit option, and a field of the model or the refusal. */
static const struct {
    const char *net;
    struct made_attribute attributes[MOST_ATTRIBUTES];
    const char *variant, *transform_input;
    uint32_t image_size;
    const char *key, *expected; /* key NULL: part of the message */
} modules[] = {
    {"inception_sixteenth", {{"", "transform_input", "\x88"}}, NULL, NULL, 0, "inception_v3.transform_input", "yes"},
    {"inception_sixteenth", {{"", "transform_input", "\x89"}}, NULL, NULL, 0, "inception_v3.transform_input", "no"},
    {"inception_sixteenth", {{"", "transform_input", "\x89"}}, NULL, "no", 0, "inception_v3.transform_input", "no"},
    {"inception_sixteenth",
     {{"", "transform_input", "\x89"}},
     NULL,
     "yes",
     0,
     NULL,
     "--transform-input yes contradicts"},
    {"inception_sixteenth",
     {{"", "CLASS", CLASS("timm.models.inception_v3", "InceptionV3")}},
     NULL,
     NULL,
     0,
     "inception_v3.transform_input",
     "no"},
    {"inception_sixteenth", {{"", "training", "\x88"}}, NULL, NULL, 0, NULL, "give --transform-input yes"},
    {"inception_one_channel", {{"", "transform_input", "\x88"}}, NULL, NULL, 0, NULL, "has 1 channels, not 3"},
    {"inception_sixteenth",
     {{"", "transform_input", "\x89"}, {"Mixed_6b.branch7x7_2.conv", "padding", "\x89K\x03\x86"}},
     NULL,
     NULL,
     0,
     "inception_v3.transform_input",
     "no"},
    {"inception_sixteenth",
     {{"", "transform_input", "\x89"}, {"Mixed_6b.branch7x7_2.conv", "padding", "K\x03\x89\x86"}},
     NULL,
     NULL,
     0,
     NULL,
     "module Mixed_6b.branch7x7_2.conv: padding is not (0, 3)"},
    {"inception_sixteenth",
     {{"", "transform_input", "\x89"}, {"Mixed_7a.branch3x3_2.bn", "eps", EPSILON_5}},
     NULL,
     NULL,
     0,
     NULL,
     "module Mixed_7a.branch3x3_2.bn: eps is 1e-05"},
    {"efficientnet_tf", TIMM_SAME, NULL, NULL, 0, "efficientnet.padding", "same"},
    {"efficientnet_tf", TIMM_SAME, "plain", NULL, 0, NULL,
     "--variant plain contradicts the file, whose conv_stem is a Conv2dSame"},
    {"efficientnet_tf",
     {{"conv_stem", "CLASS", EVEN}},
     "tf",
     NULL,
     0,
     NULL,
     "--variant tf contradicts the file, whose conv_stem is a Conv2d"},
    {"efficientnet_tf",
     {{"conv_stem", "CLASS", CLASS("torch.nn.modules.activation", "ReLU")}},
     NULL,
     NULL,
     0,
     NULL,
     "module conv_stem is a ReLU, expected a Conv2d or Conv2dSame"},
    {"efficientnet_tf",
     {{"conv_stem", "CLASS", EVEN},
      {"bn1", "eps", EPSILON_5},
      {"blocks.0.0.conv_dw", "CLASS", EVEN},
      {"blocks.0.0.bn1", "eps", EPSILON_3}},
     NULL,
     NULL,
     0,
     NULL,
     "module blocks.0.0.bn1: eps is 0.001, expected 1e-05"},
    {"efficientnet_lukemelas",
     {{"_conv_stem", "CLASS", CLASS("efficientnet_pytorch.utils", "Conv2dDynamicSamePadding")}},
     NULL,
     NULL,
     0,
     "efficientnet.padding",
     "same"},
    {"efficientnet_lukemelas",
     {{"", "_global_params", "cefficientnet_pytorch.utils\nGlobalParams\n(NNK\x4BNNNNNNNNt\x81"}},
     NULL,
     NULL,
     0,
     "efficientnet.image_size",
     "75"},
    {"efficientnet_lukemelas",
     {{"", "_global_params", "cefficientnet_pytorch.utils\nGlobalParams\n(NNK\x4BNNNNNNNNt\x81"}},
     NULL,
     NULL,
     76,
     NULL,
     "--image-size 76 contradicts the file, whose net was made for 75"},
    {"efficientnet_lukemelas",
     {{"_conv_stem.static_padding", "padding", "(K\x01K\x01K\x01K\x01t"}},
     NULL,
     NULL,
     75,
     "efficientnet.padding",
     "static"},
    {"efficientnet_lukemelas",
     {{"_conv_stem.static_padding", "padding", "(\x89K\x01\x89K\x01t"}},
     NULL,
     NULL,
     75,
     NULL,
     "module _conv_stem.static_padding does not pad 1 and 1, as an image size of 75 asks for"},
    {"efficientnet_lukemelas",
     {{"_blocks.1._swish", "CLASS", CLASS("torch.nn.modules.activation", "ReLU")}},
     NULL,
     NULL,
     75,
     NULL,
     "module _blocks.1._swish is a ReLU, expected a SiLU"},
};

START_TEST(whole_module_tells_what_tensors_do_not) {
    size_t count = 0;
    take_net(modules[_i].net);
    options.variant = modules[_i].variant;
    options.transform_input = modules[_i].transform_input;
    options.image_size = modules[_i].image_size;
    while (count < MOST_ATTRIBUTES && modules[_i].attributes[count].module != NULL) {
        count++;
    }
    const enum fv_status status = convert_file(made_module_zip(&network, modules[_i].attributes, count));
    if (modules[_i].key != NULL) {
        expect(status, FV_OK, modules[_i].expected);
        struct fv_model *model = open_model();
        expect_value(model, modules[_i].key, modules[_i].expected);
        fv_model_close(model);
    } else {
        ck_assert(status == FV_ERROR_ARGUMENT || status == FV_ERROR_UNSUPPORTED);
        expect(status, status, modules[_i].expected);
    }
}
END_TEST

/* lukemelas' image size fixes the padding, and the input's size unless --resize says another. */
START_TEST(padding_size_and_input_size_may_differ) {
    for (uint32_t resized = 0; resized <= 90; resized += 90) {
        set_options(5);
        options.resize = resized != 0 ? "bilinear" : NULL;
        options.resize_size = resized;
        expect(convert_tensors(), FV_OK, "");
        struct fv_model *model = open_model();
        expect_value(model, "efficientnet.image_size", "75");
        expect_value(model, "fovea.input_size", resized != 0 ? "90" : "75");
        fv_model_close(model);
    }
}
END_TEST

/* Exchanges the parts of all names that begin with one prefix for another. */
static void rename_all(const char *from, const char *to) {
    char name[96];
    for (size_t i = 0; i < network.count; i++) {
        if (strncmp(network.tensors[i].name, from, strlen(from)) == 0) {
            snprintf(name, sizeof name, "%s%.60s", to, network.tensors[i].name + strlen(from));
            strcpy(network.tensors[i].name, name);
        }
    }
}

START_TEST(relatives_are_refused) {
    set_options(3);
    rename_all("blocks.6.", "blocks.7.");
    expect(convert_tensors(), FV_ERROR_UNSUPPORTED, "stage 7 of 7 has no blocks");
    set_options(3);
    rename_all("blocks.1.0.se.", "blocks.1.0.no.");
    expect(convert_tensors(), FV_ERROR_UNSUPPORTED, "blocks.1.0 has no squeeze-and-excitation");
    set_options(3);
    rename_all("blocks.2.", "blocks.x.");
    rename_all("blocks.1.", "blocks.2.");
    rename_all("blocks.x.", "blocks.1.");
    expect(convert_tensors(), FV_ERROR_UNSUPPORTED, "blocks.1.0.conv_dw has a kernel of 5, expected 3 in stage 2");
}
END_TEST

int main(void) {
    enum { CONVERTED = sizeof converted / sizeof *converted, MODULES = sizeof modules / sizeof *modules };
    const struct check_case cases[] = {
        {"seeded_net_is_converted_with_its_names_and_values", seeded_net_is_converted_with_its_names_and_values,
         CONVERTED},
        {"what_tensors_leave_open_is_asked_for", what_tensors_leave_open_is_asked_for, CONVERTED},
        {"missing_tensor_is_refused", missing_tensor_is_refused, TOUCHED},
        {"extra_tensor_is_named", extra_tensor_is_named, TOUCHED},
        {"misshapen_tensor_is_refused", misshapen_tensor_is_refused, TOUCHED},
        {"value_that_is_not_finite_is_named", value_that_is_not_finite_is_named, TOUCHED},
        {"auxiliary_head_is_left_out_and_must_be_complete", auxiliary_head_is_left_out_and_must_be_complete, 0},
        {"whole_module_tells_what_tensors_do_not", whole_module_tells_what_tensors_do_not, MODULES},
        {"padding_size_and_input_size_may_differ", padding_size_and_input_size_may_differ, 0},
        {"relatives_are_refused", relatives_are_refused, 0},
    };
    return check_run("families", cases, sizeof cases / sizeof *cases);
}
