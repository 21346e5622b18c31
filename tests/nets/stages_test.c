/* Stages of the nets: each can be the result, in the middle of fused operations too; a difference is traced to its
 * first stage. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalogue.h"
#include "fovea/memory.h"
#include "fovea/nets.h"
#include "golden.h"
#include "seeded.h"

static int small_nets(void) {
    int count = 0;
    while (catalogue_small[count].name != NULL) {
        count++;
    }
    return count;
}

static struct fv_graph *build(const struct fv_model *model, const struct model_description *net) {
    struct fv_error error = {0};
    struct fv_graph *graph = NULL;
    check_success(
        fv_net_build(model, &(struct fv_net_options){.height = net->height, .width = net->width}, &graph, &error),
        &error);
    return graph;
}

/* One pass of the graph as it stands; the caller frees the values. */
static float *run(const struct fv_graph *graph, const struct model_description *net, size_t *count) {
    struct fv_error error = {0};
    struct fv_session *session = NULL;
    check_success(fv_session_create(graph, NULL, &session, &error), &error);
    const struct fv_shape shape = fv_session_output_shape(session);
    *count = shape.channels * shape.height * shape.width;
    float *values = check_allocate(*count, sizeof *values);
    const size_t input_count = (size_t)net->channels * net->height * net->width;
    float *picture = check_allocate(input_count, sizeof *picture);
    seeded_picture(input_count, picture);
    fv_session_run(session, picture, values);
    fv_session_destroy(session);
    free(picture);
    return values;
}

/* The value of a stage; the graph ends there afterwards. */
static float *trace(struct fv_graph *graph, const struct model_description *net, const char *stage, size_t *count) {
    struct fv_error error = {0};
    struct fv_stage chosen = {0};
    check_success(fv_graph_choose(graph, stage, &chosen, &error), &error);
    ck_assert_uint_eq(fv_graph_output(graph), chosen.value);
    float *values = run(graph, net, count);
    ck_assert_uint_eq(*count, chosen.shape.channels * chosen.shape.height * chosen.shape.width);
    return values;
}

/* The first value that is not finite, or, where there are values before a ReLU, not theirs with the negative ones cut
 * off; `count` if there is none. */
static size_t first_bad(const float *values, const float *before, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]) || (before != NULL && values[i] != (before[i] > 0 ? before[i] : 0))) {
            return i;
        }
    }
    return count;
}

/* Every stage is planned alone and runs. Where a ReLU follows a stage, its trace is that of the stage with the negative
 * values cut off, bit by bit, although a whole pass never makes the values before it. */
START_TEST(every_stage_can_be_the_result) {
    const struct model_description *net = &catalogue_small[_i];
    struct fv_model *model = check_random_model(net);
    struct fv_graph *graph = build(model, net);
    struct fv_stages stages;
    struct fv_error error = {0};
    check_success(fv_graph_stages(graph, &stages, &error), &error);
    float *before = NULL;
    size_t count = 0, count_before = 0;
    for (size_t s = 0; s < stages.count; s++) {
        const struct fv_stage *stage = &stages.items[s];
        ck_assert_uint_eq(fv_graph_find(graph, stage->name), stage->value);
        if (s > 0 && stage->value == stages.items[s - 1].value) {
            continue; /* a module, after its last operation */
        }
        float *values = trace(graph, net, stage->name, &count);
        const char *leaf = strrchr(stage->name, '.');
        const bool relu = leaf != NULL && strncmp(leaf, ".relu", 5) == 0 && count == count_before;
        const size_t bad = first_bad(values, relu ? before : NULL, count);
        ck_assert_msg(bad == count, "%s: %s: value %zu of %zu", net->name, stage->name, bad, count);
        free(before);
        before = values;
        count_before = count;
    }
    ck_assert_uint_gt(stages.count, 10);
    free(before);
    fv_stages_clear(&stages);
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

/* The last stage is the whole net. */
START_TEST(last_stage_is_the_output) {
    const struct model_description *net = &catalogue_small[_i];
    struct fv_model *model = check_random_model(net);
    struct fv_graph *graph = build(model, net);
    size_t count = 0, traced_count = 0;
    float *output = run(graph, net, &count);
    float *traced = trace(graph, net, fv_graph_stage(graph, fv_graph_output(graph)).name, &traced_count);
    ck_assert_uint_eq(count, traced_count);
    ck_assert_mem_eq(output, traced, count * sizeof *output);
    free(output);
    free(traced);
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

/* The last layer, computed here in double on what comes before it, is the whole net; segmenters have none. */
START_TEST(head_on_its_features_is_the_output) {
    const struct model_description *net = &catalogue_small[_i];
    struct fv_model *model = check_random_model(net);
    struct fv_graph *graph = build(model, net);
    struct fv_error error = {0};
    struct fv_head head;
    size_t count = 0, features = 0;
    enum fv_status status = fv_graph_head(graph, &head, &error);
    if (net->architecture == MODEL_UNET) {
        check_failure(status, &error, FV_ERROR_UNSUPPORTED, "does not end in a linear layer");
    } else {
        check_success(status, &error);
        float *output = run(graph, net, &count), *x = trace(graph, net, head.input_stage, &features);
        ck_assert_uint_eq(features, head.features);
        ck_assert_uint_eq(count, head.outputs);
        ck_assert_uint_eq(head.weight->elements, head.features * head.outputs);
        check_success(fv_graph_head(graph, &head, &error), &error); /* the choice of a stage changes nothing */
        float *weight = check_allocate(head.weight->elements, sizeof *weight),
              *bias = check_allocate(count, sizeof *bias);
        check_success(fv_tensor_read(head.weight, weight, &error), &error);
        check_success(fv_tensor_read(head.bias, bias, &error), &error);
        for (size_t k = 0; k < count; k++) {
            double sum = (double)bias[k], size = fabs((double)bias[k]);
            for (size_t f = 0; f < features; f++) {
                double product = (double)weight[k * features + f] * (double)x[f];
                sum += product;
                size += fabs(product);
            }
            /* A rounding a product and a sum, and the features' own, whose pooling may be fused otherwise. */
            ck_assert_double_eq_tol((double)output[k], sum, (double)(features + 64) * 0x1p-24 * size);
        }
        free(output);
        free(x);
        free(weight);
        free(bias);
    }
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

/* The layouts in which PyTorch holds the stages of a classifier. */
START_TEST(layouts_are_those_of_pytorch) {
    static const struct {
        const char *net, *stage;
        enum fv_layout layout;
    } cases[] = {
        {"swin_two_stages", "patch_embed.proj", FV_LAYOUT_PLANES},
        {"swin_two_stages", "patch_embed", FV_LAYOUT_TOKENS},
        {"swin_two_stages", "layers.0", FV_LAYOUT_TOKENS},
        {"swin_two_stages", "mean", FV_LAYOUT_VECTOR},
        {"swin_two_stages", "head", FV_LAYOUT_VECTOR},
        {"se_resnext", "layer1.0.se.fc1", FV_LAYOUT_PLANES},
        {"se_resnext", "layer2.0", FV_LAYOUT_PLANES},
        {"se_resnext", "fc", FV_LAYOUT_VECTOR},
        {"unet_two_poolings", "tu.0", FV_LAYOUT_PLANES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct model_description *net = catalogue_find(cases[i].net);
        struct fv_model *model = check_random_model(net);
        struct fv_graph *graph = build(model, net);
        struct fv_error error = {0};
        struct fv_stage stage = {0};
        check_success(fv_graph_choose(graph, cases[i].stage, &stage, &error), &error);
        ck_assert_msg(stage.layout == cases[i].layout, "%s: %s", cases[i].net, cases[i].stage);
        fv_graph_destroy(graph);
        fv_model_close(model);
    }
}
END_TEST

START_TEST(unknown_stages_are_refused_with_the_nearest) {
    static const struct {
        const char *asked, *named;
    } cases[] = {
        {"layers.0.block.1", "layers.0.blocks.1"},
        {"layers.1.blocks.0.attn.qvk", "layers.1.blocks.0.attn.qkv"},
        {"haed", "head"},
        {"", "nearest names"},
        {".", "nearest names"},
    };
    const struct model_description *net = catalogue_find("swin_two_stages");
    struct fv_model *model = check_random_model(net);
    struct fv_graph *graph = build(model, net);
    const fv_value output = fv_graph_output(graph);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fv_error error = {0};
        check_failure(fv_graph_choose(graph, cases[i].asked, NULL, &error), &error, FV_ERROR_ARGUMENT, cases[i].named);
        ck_assert_uint_eq(fv_graph_output(graph), output);
    }
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

START_TEST(every_allocation_of_a_list_may_fail) {
    const struct model_description *net = catalogue_find("swin_one_stage");
    struct fv_model *model = check_random_model(net);
    struct fv_graph *graph = build(model, net);
    struct fv_error error = {0};
    struct fv_stages stages;
    enum fv_status status;
    long successes = 0;
    do {
        fv_memory_fail_after(successes++);
        status = fv_graph_stages(graph, &stages, &error);
        fv_memory_fail_after(-1);
        ck_assert(status == FV_OK || (status == FV_ERROR_MEMORY && stages.items == NULL && stages.count == 0));
    } while (status != FV_OK);
    ck_assert_int_gt(successes, 10);
    fv_stages_clear(&stages);
    fv_graph_destroy(graph);
    fv_model_close(model);
}
END_TEST

/* The seeded model of `net` with one value of `tensor` changed. */
static struct fv_model *changed_model(const struct model_description *net, const char *tensor) {
    struct fv_error error = {0};
    struct fv_model *model = NULL;
    check_success(random_model_write(net, "changed.gguf", &error), &error);
    check_success(fv_model_open("changed.gguf", &model, &error), &error);
    const struct fv_tensor *found = fv_model_tensor(model, tensor);
    ck_assert_ptr_nonnull(found);
    const size_t size = fv_model_file_size(model);
    FILE *file = fopen("changed.gguf", "r+b");
    ck_assert_ptr_nonnull(file);
    char *bytes = check_allocate(size, 1);
    ck_assert_uint_eq(fread(bytes, 1, size, file), size);
    const char *place = memmem(bytes, size, found->data, found->bytes);
    ck_assert_ptr_nonnull(place);
    const float other = 3;
    ck_assert_int_eq(fseek(file, place - bytes, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(&other, sizeof other, 1, file), 1);
    fclose(file);
    free(bytes);
    fv_model_close(model);
    check_success(fv_model_open("changed.gguf", &model, &error), &error);
    unlink("changed.gguf");
    return model;
}

START_TEST(difference_is_traced_to_its_first_stage) {
    static const struct {
        const char *net, *tensor, *stage;
    } cases[] = {
        {"se_resnext", "layer2.1.conv2.weight", "layer2.1"},
        {"se_resnext", "layer3.0.se.fc1.weight", "layer3.0"},
        {"swin_three_stages", "layers.1.blocks.2.mlp.fc1.weight", "layers.1.blocks.2"},
        {"unet_three_poolings", "fold_0.conv_blocks_localization.1.0.blocks.0.conv.weight",
         "conv_blocks_localization.1.0.blocks.0"},
        {"resnet_plain", "fc.weight", "output"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct golden golden = golden_open(catalogue_find(cases[i].net));
        struct fv_model *model = changed_model(golden.net, cases[i].tensor);
        struct golden_difference difference = {0};
        double share = 0;
        ck_assert(!golden_fits(&golden, model, NULL, false, &share, &difference));
        ck_assert_str_eq(difference.stage, cases[i].stage);
        ck_assert_double_gt(share, 1);
        fv_model_close(model);
        golden_close(&golden);
    }
}
END_TEST

int main(void) {
    const struct check_case cases[] = {
        {"every_stage_can_be_the_result", every_stage_can_be_the_result, small_nets()},
        {"last_stage_is_the_output", last_stage_is_the_output, small_nets()},
        {"head_on_its_features_is_the_output", head_on_its_features_is_the_output, small_nets()},
        {"layouts_are_those_of_pytorch", layouts_are_those_of_pytorch, 0},
        {"unknown_stages_are_refused_with_the_nearest", unknown_stages_are_refused_with_the_nearest, 0},
        {"every_allocation_of_a_list_may_fail", every_allocation_of_a_list_may_fail, 0},
        {"difference_is_traced_to_its_first_stage", difference_is_traced_to_its_first_stage, 0},
    };
    return check_run("stages", cases, sizeof cases / sizeof *cases);
}
