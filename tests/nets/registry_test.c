/* What fv_net_build takes and refuses: architectures, sizes, ensembles, missing, extra and misshapen tensors. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalogue.h"
#include "checks.h"
#include "fovea/nets.h"
#include "seeded.h"

static void check_refused(const struct model_description *description, const struct fv_net_options *options,
                          enum fv_status expected, const char *part) {
    struct fv_model *model = check_random_model(description);
    struct fv_graph *graph = NULL;
    struct fv_error error = {0};
    check_failure(fv_net_build(model, options, &graph, &error), &error, expected, part);
    ck_assert_ptr_null(graph);
    fv_model_close(model);
}

/* A model without tensors that holds one text. */
static struct fv_model *model_with(const char *key, const char *value) {
    struct fv_error error = {0};
    struct fv_writer *writer = NULL;
    struct fv_model *model = NULL;
    check_success(fv_writer_create("registry-test.gguf", &writer, &error), &error);
    check_success(fv_writer_set_string(writer, key, value, &error), &error);
    check_success(fv_writer_begin(writer, &error), &error);
    check_success(fv_writer_finish(writer, &error), &error);
    check_success(fv_model_open("registry-test.gguf", &model, &error), &error);
    unlink("registry-test.gguf");
    return model;
}

START_TEST(unknown_architecture_is_refused_with_the_known_ones) {
    struct fv_model *model = model_with("general.architecture", "llama");
    struct fv_graph *graph = NULL;
    struct fv_error error = {0};
    check_failure(fv_net_build(model, NULL, &graph, &error), &error, FV_ERROR_UNSUPPORTED, "llama");
    fv_model_close(model);
}
END_TEST

START_TEST(missing_architecture_is_refused) {
    struct fv_model *model = model_with("general.name", "swin");
    struct fv_graph *graph = NULL;
    struct fv_error error = {0};
    check_failure(fv_net_build(model, NULL, &graph, &error), &error, FV_ERROR_MODEL, "general.architecture");
    fv_model_close(model);
}
END_TEST

START_TEST(missing_field_is_named) {
    struct fv_model *model = model_with("general.architecture", "swin");
    struct fv_graph *graph = NULL;
    struct fv_error error = {0};
    check_failure(fv_net_build(model, NULL, &graph, &error), &error, FV_ERROR_MODEL, "swin.embed_dim");
    fv_model_close(model);
}
END_TEST

static const struct {
    const char *net, *tensor;
} touched[] = {
    {"swin_two_stages", "layers.0.blocks.1.attn.relative_position_bias_table"},
    {"swin_two_stages", "layers.0.downsample.reduction.weight"},
    {"swin_two_stages", "patch_embed.proj.bias"},
    {"se_resnext", "layer2.1.se.fc2.bias"},
    {"se_resnext", "layer2.0.downsample.1.running_var"},
    {"se_resnext_legacy", "last_linear.weight"},
    {"inception_sixteenth", "Conv2d_3b_1x1.conv.weight"},
    {"inception_sixteenth", "Mixed_6c.branch7x7dbl_4.bn.running_mean"},
    {"inception_sixteenth", "Mixed_7b.branch3x3_2b.conv.weight"},
    {"efficientnet_tf", "blocks.0.0.conv_pw.weight"},
    {"efficientnet_tf", "blocks.2.1.conv_dw.weight"},
    {"efficientnet_tf", "blocks.5.0.se.conv_expand.bias"},
    {"efficientnet_lukemelas", "_blocks.4._depthwise_conv.weight"},
    {"efficientnet_lukemelas", "_bn1.running_var"},
    {"unet_two_poolings", "fold_0.conv_blocks_context.1.blocks.0.instnorm.weight"},
    {"unet_two_poolings", "fold_0.tu.1.weight"},
    {"unet_two_poolings", "fold_0.seg_outputs.1.weight"},
};
enum { TOUCHED = sizeof touched / sizeof *touched };

START_TEST(missing_tensor_is_named) {
    struct model_description description = *catalogue_find(touched[_i].net);
    description.without = touched[_i].tensor;
    check_refused(&description, NULL, FV_ERROR_MODEL, touched[_i].tensor);
}
END_TEST

START_TEST(misshapen_tensor_is_named_with_both_shapes) {
    struct model_description description = *catalogue_find(touched[_i].net);
    description.without = description.extra = touched[_i].tensor;
    check_refused(&description, NULL, FV_ERROR_MODEL, touched[_i].tensor);
    check_refused(&description, NULL, FV_ERROR_MODEL, "has shape [3], expected [");
}
END_TEST

START_TEST(extra_tensor_is_named) {
    static const char *const extra[][2] = {
        {"swin_two_stages", "layers.7.norm.weight"},        {"resnet_plain", "layer5.0.conv1.weight"},
        {"inception_sixteenth", "AuxLogits.fc.bias"},       {"efficientnet_tf", "blocks.7.0.conv_pw.weight"},
        {"efficientnet_lukemelas", "_blocks.99._bn2.bias"}, {"unet_two_poolings", "fold_0.conv_blocks_context.9.bias"},
        {"unet_two_poolings", "fold_7.tu.0.weight"}};
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        struct model_description description = *catalogue_find(extra[i][0]);
        description.extra = extra[i][1];
        check_refused(&description, NULL, FV_ERROR_MODEL, extra[i][1]);
    }
}
END_TEST

START_TEST(training_outputs_may_be_absent) {
    struct model_description description = *catalogue_find("unet_two_poolings");
    description.without = "fold_0.seg_outputs.0.weight";
    struct fv_model *model = check_random_model(&description);
    struct fv_graph *graph = NULL;
    struct fv_error error = {0};
    check_success(fv_net_build(model, NULL, &graph, &error), &error);
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

START_TEST(sizes_that_a_net_cannot_take_are_refused) {
    check_refused(catalogue_find("swin_two_stages"), &(struct fv_net_options){.height = 64, .width = 64},
                  FV_ERROR_ARGUMENT, "expected 32 x 32");
    check_refused(catalogue_find("unet_two_poolings"), &(struct fv_net_options){.height = 24, .width = 42},
                  FV_ERROR_ARGUMENT, "multiples of 4 and 4");
    check_refused(catalogue_find("inception_sixteenth"), &(struct fv_net_options){.height = 74, .width = 75},
                  FV_ERROR_ARGUMENT, "smaller than the");
    check_refused(catalogue_find("resnet_plain"), &(struct fv_net_options){.height = 1 << 20, .width = 32},
                  FV_ERROR_ARGUMENT, "16384");
    check_refused(catalogue_find("unet_two_poolings"), &(struct fv_net_options){.member = 1}, FV_ERROR_ARGUMENT,
                  "member 1");
}
END_TEST

static float *run_member(const struct fv_model *model, size_t member, size_t *count) {
    struct fv_graph *graph = NULL;
    struct fv_session *session = NULL;
    struct fv_error error = {0};
    check_success(fv_net_build(model, &(struct fv_net_options){.member = member}, &graph, &error), &error);
    check_success(fv_session_create(graph, NULL, &session, &error), &error);
    fv_graph_destroy(graph);
    const struct fv_shape input = fv_session_input_shape(session), output = fv_session_output_shape(session);
    const size_t inputs = input.channels * input.height * input.width;
    *count = output.channels * output.height * output.width;
    float *picture = check_allocate(inputs, sizeof *picture), *result = check_allocate(*count, sizeof *result);
    seeded_picture(inputs, picture);
    fv_session_run(session, picture, result);
    fv_session_destroy(session);
    free(picture);
    return result;
}

START_TEST(members_of_an_ensemble_have_their_own_weights) {
    struct model_description description = *catalogue_find("unet_two_poolings");
    struct fv_model *single = check_random_model(&description);
    description.parameters.unet.members = 3;
    struct fv_model *ensemble = check_random_model(&description);
    ck_assert_uint_eq(fv_net_members(single), 1);
    ck_assert_uint_eq(fv_net_members(ensemble), 3);
    ck_assert_uint_eq(fv_net_member_number(ensemble, 2), 2);
    size_t count = 0;
    float *alone = run_member(single, 0, &count), *first = run_member(ensemble, 0, &count),
          *last = run_member(ensemble, 2, &count);
    ck_assert_mem_eq(alone, first, count * sizeof *alone);
    ck_assert_mem_ne(first, last, count * sizeof *alone);
    free(alone);
    free(first);
    free(last);
    fv_model_close(single);
    fv_model_close(ensemble);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"unknown_architecture_is_refused_with_the_known_ones", unknown_architecture_is_refused_with_the_known_ones, 0},
        {"missing_architecture_is_refused", missing_architecture_is_refused, 0},
        {"missing_field_is_named", missing_field_is_named, 0},
        {"missing_tensor_is_named", missing_tensor_is_named, TOUCHED},
        {"misshapen_tensor_is_named_with_both_shapes", misshapen_tensor_is_named_with_both_shapes, TOUCHED},
        {"extra_tensor_is_named", extra_tensor_is_named, 0},
        {"training_outputs_may_be_absent", training_outputs_may_be_absent, 0},
        {"sizes_that_a_net_cannot_take_are_refused", sizes_that_a_net_cannot_take_are_refused, 0},
        {"members_of_an_ensemble_have_their_own_weights", members_of_an_ensemble_have_their_own_weights, 0},
    };
    return check_run("registry", cases, sizeof cases / sizeof *cases);
}
