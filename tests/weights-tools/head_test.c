/* Heads of classifiers: one linear layer under any index, several with ReLU between them, and what must be refused. The
 * logits of the converted nets are compared with those of the same layers computed here. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/convert.h"
#include "fovea/model.h"
#include "fovea/nets.h"
#include "fovea/session.h"
#include "made.h"
#include "suite.h"

enum { SIDE = 32, FEATURES = 8, HIDDEN = 5, CLASSES = 2 };

#define LINEAR "ctorch.nn.modules.linear\nLinear\n"
#define SEQUENTIAL "ctorch.nn.modules.container\nSequential\n"
#define DROPOUT "ctorch.nn.modules.dropout\nDropout\n"
#define RELU "ctorch.nn.modules.activation\nReLU\n"
#define GELU "ctorch.nn.modules.activation\nGELU\n"

static struct made_network network;
static struct fv_error error;

static void setup(void) {
    network = made_resnet(false);
}

static void teardown(void) {
    made_clear(&network);
}

static void rename_tensor(const char *from, const char *to) {
    strcpy(made_find(&network, from)->name, to);
}

/* fc becomes fc.INDEX. */
static void move_head(const char *weight, const char *bias) {
    rename_tensor("fc.weight", weight);
    rename_tensor("fc.bias", bias);
}

/* fc becomes Sequential(Linear(8, 5), ..., Linear(5, 2)) with the indices 0 and 3. */
static void make_two_layers(void) {
    struct made_tensor *last = made_find(&network, "fc.weight");
    last->shape[1] = HIDDEN;
    last->elements = CLASSES * HIDDEN;
    move_head("fc.3.weight", "fc.3.bias");
    made_add(&network, "fc.0.weight", 2, HIDDEN, FEATURES);
    made_add(&network, "fc.0.bias", 1, HIDDEN, 1);
}

/* Converts the network, as a whole module if there are attributes. */
static enum fv_status convert(const struct made_attribute *attributes, size_t count) {
    struct fv_checkpoint *checkpoint;
    struct fv_convert_options options;
    struct bytes file = count > 0 ? made_module_zip(&network, attributes, count) : made_torch_zip(&network);
    fv_convert_options_default(&options);
    enum fv_status status = fv_checkpoint_open(scratch_write("source.pth", &file), &checkpoint, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_convert(checkpoint, scratch_path("model.gguf"), &options, &error);
    fv_checkpoint_close(checkpoint);
    bytes_clear(&file);
    return status;
}

static void expect_refusal(const struct made_attribute *attributes, size_t count, const char *part) {
    ck_assert_int_ne(convert(attributes, count), FV_OK);
    ck_assert_msg(strstr(error.message, part) != NULL, "expected \"%s\" in \"%s\"", part, error.message);
}

/* The model's logits for a picture. */
static void run(float *logits, size_t count) {
    static float picture[SIDE * SIDE];
    struct fv_model *model;
    struct fv_graph *graph;
    struct fv_session *session;
    const struct fv_net_options options = {.height = SIDE, .width = SIDE};
    for (int i = 0; i < SIDE * SIDE; i++) {
        picture[i] = (float)(i * 31 % 101) / 101.0f;
    }
    enum fv_status status = fv_model_open(scratch_path("model.gguf"), &model, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    status = fv_net_build(model, &options, &graph, &error);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    ck_assert_int_eq(fv_session_create(graph, NULL, &session, &error), FV_OK);
    ck_assert_uint_eq(fv_session_output_shape(session).channels, count);
    fv_session_run(session, picture, logits);
    fv_session_destroy(session);
    fv_graph_destroy(graph);
    fv_model_close(model);
}

/* What the head gets: the logits of the same net with the identity for a head. */
static void run_features(float features[FEATURES]) {
    struct made_network headless = made_resnet(false);
    struct made_network kept = network;
    network = headless;
    struct made_tensor *weight = made_find(&network, "fc.weight");
    struct made_tensor *bias = made_find(&network, "fc.bias");
    free(weight->values);
    free(bias->values);
    weight->shape[0] = FEATURES;
    weight->elements = FEATURES * FEATURES;
    bias->shape[0] = bias->elements = FEATURES;
    weight->values = calloc(weight->elements, sizeof *weight->values);
    bias->values = calloc(FEATURES, sizeof *bias->values);
    ck_assert(weight->values != NULL && bias->values != NULL);
    for (size_t i = 0; i < FEATURES; i++) {
        weight->values[i * (FEATURES + 1)] = 1;
    }
    ck_assert_int_eq(convert(NULL, 0), FV_OK);
    run(features, FEATURES);
    made_clear(&network);
    network = kept;
}

/* y = W x + b, in double. */
static void linear(const char *name, const double *x, double *y) {
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    const struct made_tensor *weight = made_find(&network, full);
    snprintf(full, sizeof full, "%s.bias", name);
    const struct made_tensor *bias = made_find(&network, full);
    for (size_t i = 0; i < weight->shape[0]; i++) {
        y[i] = bias->values[i];
        for (size_t j = 0; j < weight->shape[1]; j++) {
            y[i] += weight->values[i * weight->shape[1] + j] * x[j];
        }
    }
}

static void expect_logits(const double expected[CLASSES]) {
    float logits[CLASSES];
    run(logits, CLASSES);
    for (int i = 0; i < CLASSES; i++) {
        ck_assert_msg(fabs((double)logits[i] - expected[i]) < 1e-5, "logit %d is %g, expected %g", i, (double)logits[i],
                      expected[i]);
    }
}

static void copy_features(double x[FEATURES]) {
    float features[FEATURES];
    run_features(features);
    for (int i = 0; i < FEATURES; i++) {
        x[i] = (double)features[i];
    }
}

/* From a state dict and from a module; the model has the usual name. */
START_TEST(one_layer_may_have_any_index) {
    static const struct made_attribute module[] = {
        {"fc", "CLASS", SEQUENTIAL}, {"fc.0", "CLASS", DROPOUT}, {"fc.1", "CLASS", LINEAR}, {"fc.2", "CLASS", DROPOUT}};
    double x[FEATURES];
    double expected[CLASSES];
    copy_features(x);
    linear("fc", x, expected);
    move_head("fc.1.weight", "fc.1.bias");
    for (size_t count = 0; count <= 4; count += 4) {
        struct fv_model *model;
        enum fv_status status = convert(module, count);
        ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
        expect_logits(expected);
        ck_assert_int_eq(fv_model_open(scratch_path("model.gguf"), &model, &error), FV_OK);
        ck_assert_ptr_nonnull(fv_model_tensor(model, "fc.weight"));
        fv_model_close(model);
    }
}
END_TEST

static const struct made_attribute two_layers[] = {
    {"fc", "CLASS", SEQUENTIAL}, {"fc.1", "CLASS", RELU}, {"fc.2", "CLASS", DROPOUT}, {"fc.0", "CLASS", LINEAR}};

START_TEST(several_layers_come_from_modules) {
    double x[FEATURES];
    double hidden[HIDDEN];
    double expected[CLASSES];
    bool clipped = false;
    copy_features(x);
    make_two_layers();
    linear("fc.0", x, hidden);
    /* With the ReLU, and with a Dropout in its place. */
    linear("fc.3", hidden, expected);
    const struct made_attribute plain[] = {
        {"fc", "CLASS", SEQUENTIAL}, {"fc.1", "CLASS", DROPOUT}, {"fc.2", "CLASS", DROPOUT}};
    enum fv_status status = convert(plain, 3);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    expect_logits(expected);
    for (int i = 0; i < HIDDEN; i++) {
        clipped = clipped || hidden[i] < 0;
        hidden[i] = hidden[i] > 0 ? hidden[i] : 0;
    }
    ck_assert(clipped);
    linear("fc.3", hidden, expected);
    status = convert(two_layers, 4);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    expect_logits(expected);
}
END_TEST

START_TEST(other_heads_are_refused) {
    static const struct {
        struct made_attribute attribute;
        const char *message;
    } cases[] = {
        {{"fc.1", "CLASS", GELU}, "module fc.1 is a GELU, expected Linear, ReLU or Dropout"},
        {{"fc.4", "CLASS", RELU}, "module fc has a ReLU after its last linear layer"},
        {{"fc.5", "CLASS", "ctorch.nn.modules.activation\nSoftmax\n"}, "module fc.5 is a Softmax"},
        {{"fc.act", "CLASS", GELU}, "module fc.act is a GELU"},
        {{"fc", "CLASS", "ctimm.models\nHead\n"}, "module fc is a Head, expected Linear or Sequential"},
    };
    make_two_layers();
    expect_refusal(NULL, 0, "the head fc has 2 linear layers, fc.0 and so on; tensors do not tell what lies between");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct made_attribute module[] = {cases[i].attribute, two_layers[0], two_layers[3]};
        expect_refusal(module, 3, cases[i].message);
    }
    made_find(&network, "fc.3.weight")->shape[1] = HIDDEN - 1;
    expect_refusal(two_layers, 4, "fc.3.weight has shape [2, 4], expected [2, 5]");
}
END_TEST

START_TEST(relu_before_the_layer_is_refused) {
    static const struct made_attribute module[] = {{"fc", "CLASS", SEQUENTIAL}, {"fc.0", "CLASS", RELU}};
    move_head("fc.1.weight", "fc.1.bias");
    expect_refusal(module, 2, "module fc.0 is a ReLU before the first linear layer");
}
END_TEST

/* DataParallel around a module: its attributes are still checked, its names lose "module.". */
START_TEST(wrapped_modules_are_read) {
    static const struct made_attribute fine[] = {{"", "CLASS", "ctorch.nn.parallel.data_parallel\nDataParallel\n"},
                                                 {"module.conv1", "stride", "K\x02K\x02\x86"}};
    static const struct made_attribute wrong[] = {{"", "CLASS", "ctorch.nn.parallel.data_parallel\nDataParallel\n"},
                                                  {"module.conv1", "stride", "K\x03K\x03\x86"}};
    for (size_t i = 0; i < network.count; i++) {
        char name[96];
        snprintf(name, sizeof name, "module.%.80s", network.tensors[i].name);
        strcpy(network.tensors[i].name, name);
    }
    enum fv_status status = convert(fine, 2);
    ck_assert_msg(status == FV_OK, "%s", status == FV_OK ? "" : error.message);
    expect_refusal(wrong, 2, "module conv1: stride is 3, expected 2");
}
END_TEST

/* A Swin Transformer's own attributes. */
START_TEST(swin_modules_are_checked) {
    static const struct {
        struct made_attribute attribute;
        const char *message; /* NULL: fine */
    } cases[] = {
        {{"layers.0.blocks.0", "input_resolution", "K\x04K\x04\x86"}, NULL},
        {{"layers.0.blocks.0", "input_resolution", "K\x08K\x08\x86"}, "input_resolution is 8, expected 4"},
        {{"layers.0.blocks.1", "shift_size", "K\x01"}, NULL},
        {{"layers.0.blocks.1", "shift_size", "\x89"}, "layers.0.blocks.1: shift_size is 0, expected 1"},
        {{"layers.1.blocks.0", "window_size", "K\x02K\x02\x86"}, NULL},
        {{"layers.0.blocks.0", "window_size", "K\x04"}, "window_size is 4, expected 2"},
        {{"layers.0.blocks.0.attn", "num_heads", "K\x04"}, "num_heads is 4, expected 2"},
        {{"layers.0.blocks.0.attn", "scale", "G\x3F\xDF\xFF\xFF\xFF\xFF\xFF\xFF"}, NULL},
        {{"layers.0.blocks.0.attn", "scale", "K\x01"}, "attn: scale is 1, expected 0.5"},
        {{"layers.0.blocks.0.norm1", "eps", "G\x3E\xB0\xC6\xF7\xA0\xB5\xED\x8D"}, "eps is 1e-06, expected 1e-05"},
        {{"layers.0.blocks.0.mlp.act", "CLASS", RELU}, "layers.0.blocks.0.mlp.act is a ReLU, expected a GELU"},
        {{"patch_embed.proj", "stride", "K\x02K\x02\x86"}, "patch_embed.proj: stride is 2, expected 4"},
    };
    made_clear(&network);
    network = made_swin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].message != NULL) {
            expect_refusal(&cases[i].attribute, 1, cases[i].message);
        } else {
            enum fv_status status = convert(&cases[i].attribute, 1);
            ck_assert_msg(status == FV_OK, "%zu: %s", i, status == FV_OK ? "" : error.message);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("head");
    TCase *tests = tcase_create("head");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, one_layer_may_have_any_index);
    tcase_add_test(tests, several_layers_come_from_modules);
    tcase_add_test(tests, other_heads_are_refused);
    tcase_add_test(tests, relu_before_the_layer_is_refused);
    tcase_add_test(tests, wrapped_modules_are_read);
    tcase_add_test(tests, swin_modules_are_checked);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
