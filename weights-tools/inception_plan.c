/* Inception-V3, whose tensors have the same names in torchvision and timm. Torchvision's published weights expect an
 * input that the net itself normalises again (transform_input), timm's do not: a file of tensors cannot tell, a pickled
 * module does. */
#include <stdio.h>
#include <string.h>

#include "head_plan.h"
#include "module_check.h"
#include "plan.h"

enum { NAME_SIZE = 96 };

#define NORM_EPSILON 1e-3

/* A convolution with its batch norm: kernel and padding of rows and of columns, stride. */
struct unit {
    const char *name;
    size_t kernel[2];
    int64_t padding[2], stride;
};

#define KERNEL(y, x)                                                                                                   \
    { y, x }
#define PAD KERNEL
#define ONE KERNEL(1, 1), PAD(0, 0), 1
#define THREE KERNEL(3, 3), PAD(1, 1), 1
#define FIVE KERNEL(5, 5), PAD(2, 2), 1
#define HALVING KERNEL(3, 3), PAD(0, 0), 2
#define WIDE(n) KERNEL(1, n), PAD(0, n / 2), 1
#define HIGH(n) KERNEL(n, 1), PAD(n / 2, 0), 1

/* Takes the unit `block`.`unit` for an input of `channels`; returns its own number of channels. */
static size_t take(struct plan *plan, const char *block, const struct unit *unit, size_t channels) {
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s%s%s", block, *block != '\0' ? "." : "", unit->name);
    const size_t outputs = plan_dimension(plan_look(plan, "%s.conv.weight", name), 0);
    plan_take(plan, PLAN_WEIGHT, SHAPE(outputs, channels, unit->kernel[0], unit->kernel[1]), "%s.conv.weight", name);
    plan_batch_norm(plan, outputs, "%s.bn", name);
    module_check_padded(plan, unit->stride, unit->padding, 1, "%s.conv", name);
    module_check_norm(plan, NORM_EPSILON, "%s.bn", name);
    return outputs;
}

/* Units one after the other, up to one without a name. */
static size_t take_chain(struct plan *plan, const char *block, const struct unit *units, size_t channels) {
    for (; units->name != NULL; units++) {
        channels = take(plan, block, units, channels);
    }
    return channels;
}

#define CHAIN(...) ((const struct unit[]){__VA_ARGS__, {0}})

static size_t take_stem(struct plan *plan) {
    return take_chain(plan, "",
                      CHAIN({"Conv2d_1a_3x3", HALVING}, {"Conv2d_2a_3x3", KERNEL(3, 3), PAD(0, 0), 1},
                            {"Conv2d_2b_3x3", THREE}, {"Conv2d_3b_1x1", ONE},
                            {"Conv2d_4a_3x3", KERNEL(3, 3), PAD(0, 0), 1}),
                      plan->channels);
}

static size_t take_a(struct plan *plan, const char *block, size_t channels) {
    return take_chain(plan, block, CHAIN({"branch1x1", ONE}), channels) +
           take_chain(plan, block, CHAIN({"branch5x5_1", ONE}, {"branch5x5_2", FIVE}), channels) +
           take_chain(plan, block, CHAIN({"branch3x3dbl_1", ONE}, {"branch3x3dbl_2", THREE}, {"branch3x3dbl_3", THREE}),
                      channels) +
           take_chain(plan, block, CHAIN({"branch_pool", ONE}), channels);
}

static size_t take_b(struct plan *plan, const char *block, size_t channels) {
    return take_chain(plan, block, CHAIN({"branch3x3", HALVING}), channels) +
           take_chain(plan, block,
                      CHAIN({"branch3x3dbl_1", ONE}, {"branch3x3dbl_2", THREE}, {"branch3x3dbl_3", HALVING}),
                      channels) +
           channels;
}

static size_t take_c(struct plan *plan, const char *block, size_t channels) {
    return take_chain(plan, block, CHAIN({"branch1x1", ONE}), channels) +
           take_chain(plan, block, CHAIN({"branch7x7_1", ONE}, {"branch7x7_2", WIDE(7)}, {"branch7x7_3", HIGH(7)}),
                      channels) +
           take_chain(plan, block,
                      CHAIN({"branch7x7dbl_1", ONE}, {"branch7x7dbl_2", HIGH(7)}, {"branch7x7dbl_3", WIDE(7)},
                            {"branch7x7dbl_4", HIGH(7)}, {"branch7x7dbl_5", WIDE(7)}),
                      channels) +
           take_chain(plan, block, CHAIN({"branch_pool", ONE}), channels);
}

static size_t take_d(struct plan *plan, const char *block, size_t channels) {
    return take_chain(plan, block, CHAIN({"branch3x3_1", ONE}, {"branch3x3_2", HALVING}), channels) +
           take_chain(plan, block,
                      CHAIN({"branch7x7x3_1", ONE}, {"branch7x7x3_2", WIDE(7)}, {"branch7x7x3_3", HIGH(7)},
                            {"branch7x7x3_4", HALVING}),
                      channels) +
           channels;
}

static size_t take_e(struct plan *plan, const char *block, size_t channels) {
    size_t outputs = take_chain(plan, block, CHAIN({"branch1x1", ONE}), channels);
    const size_t three = take_chain(plan, block, CHAIN({"branch3x3_1", ONE}), channels);
    outputs += take_chain(plan, block, CHAIN({"branch3x3_2a", WIDE(3)}), three);
    outputs += take_chain(plan, block, CHAIN({"branch3x3_2b", HIGH(3)}), three);
    const size_t twice = take_chain(plan, block, CHAIN({"branch3x3dbl_1", ONE}, {"branch3x3dbl_2", THREE}), channels);
    outputs += take_chain(plan, block, CHAIN({"branch3x3dbl_3a", WIDE(3)}), twice);
    outputs += take_chain(plan, block, CHAIN({"branch3x3dbl_3b", HIGH(3)}), twice);
    return outputs + take_chain(plan, block, CHAIN({"branch_pool", ONE}), channels);
}

/* A tensor of the auxiliary head; without any of them there is no such head, with some of them all must be there. */
static void skip_part(struct plan *plan, const size_t *shape, uint32_t rank, const char *name) {
    if (plan_skip(plan, shape, rank, "AuxLogits.%s", name) == NULL) {
        plan_fail(plan, FV_ERROR_MODEL,
                  "%s: tensor AuxLogits.%s is missing, though others of the auxiliary head are there",
                  plan->checkpoint->path, name);
    }
}

static void skip_unit(struct plan *plan, const char *name, const size_t shape[4]) {
    static const char *const vectors[] = {"weight", "bias", "running_mean", "running_var"};
    char part[NAME_SIZE];
    snprintf(part, sizeof part, "%s.conv.weight", name);
    skip_part(plan, shape, 4, part);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        snprintf(part, sizeof part, "%s.bn.%s", name, vectors[i]);
        skip_part(plan, shape, 1, part);
    }
    plan_skip(plan, NULL, 0, "AuxLogits.%s.bn.num_batches_tracked", name);
}

/* The auxiliary head is of no use but in training: its tensors are checked and left out. */
static void skip_auxiliary(struct plan *plan, size_t channels) {
    const struct fv_checkpoint_tensor *first = plan_look(plan, "AuxLogits.conv0.conv.weight");
    const struct fv_checkpoint_tensor *second = plan_look(plan, "AuxLogits.conv1.conv.weight");
    const struct fv_checkpoint_tensor *head = plan_look(plan, "AuxLogits.fc.weight");
    if (first == NULL && second == NULL && head == NULL) {
        return;
    }
    const size_t middle = plan_dimension(first, 0), features = plan_dimension(second, 0);
    const size_t classes = plan_dimension(head, 0);
    skip_unit(plan, "conv0", (const size_t[]){middle, channels, 1, 1});
    skip_unit(plan, "conv1", (const size_t[]){features, middle, 5, 5});
    skip_part(plan, SHAPE(classes, features), "fc.weight");
    skip_part(plan, SHAPE(classes), "fc.bias");
    plan_decide(plan, "AuxLogits: left out: the auxiliary head is of no use but in training");
}

static void take_all(struct plan *plan, const struct head *head) {
    static const char *const first[] = {"Mixed_5b", "Mixed_5c", "Mixed_5d"};
    static const char *const second[] = {"Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"};
    size_t channels = take_stem(plan);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        channels = take_a(plan, first[i], channels);
    }
    channels = take_b(plan, "Mixed_6a", channels);
    for (size_t i = 0; i < sizeof second / sizeof *second; i++) {
        channels = take_c(plan, second[i], channels);
    }
    skip_auxiliary(plan, channels);
    channels = take_d(plan, "Mixed_7a", channels);
    channels = take_e(plan, "Mixed_7b", channels);
    channels = take_e(plan, "Mixed_7c", channels);
    head_take(plan, head, channels, head->name);
}

/* Attributes of a pickled module that are no convolution's or norm's. */
static void check_module(struct plan *plan) {
    static const char *const pools[] = {"maxpool1", "maxpool2", "Pool1", "Pool2"};
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        module_check_stem_pool(plan, 0, false, pools[i]);
    }
    module_check_string(plan, "global_pool", "pool_type", "avg");
}

/* What a pickled module says of transform_input: torchvision's has the attribute, timm's class does it never. *why says
 * how it is known; false if it is not. */
static bool module_tells(const struct plan *plan, bool *transforms, const char **why) {
    int64_t flag;
    if (value_integer(module_attribute(plan, "transform_input", "%s", ""), &flag)) {
        *transforms = flag != 0;
        *why = "the pickled module has it as an attribute";
        return true;
    }
    const char *class = module_class(plan, "%s", "");
    *transforms = false;
    *why = "the pickled module is timm's, which never does it";
    return class != NULL && (strcmp(class, "InceptionV3") == 0 || strcmp(class, "InceptionV3Aux") == 0);
}

static void choose_transform(struct plan *plan) {
    const char *given = plan->options->transform_input, *path = plan->checkpoint->path, *why = NULL;
    bool transforms = false;
    const bool known = module_tells(plan, &transforms, &why);
    if (given == NULL && !known) {
        plan_fail(plan, FV_ERROR_ARGUMENT,
                  "%s: an Inception-V3 whose tensors cannot tell whether it normalises its input again; give "
                  "--transform-input yes (torchvision's published weights and nets trained from them) or "
                  "--transform-input no (timm, and torchvision without pretrained weights)",
                  path);
    } else if (given != NULL && known && transforms != (strcmp(given, "yes") == 0)) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: --transform-input %s contradicts the file: %s (%s)", path, given, why,
                  transforms ? "yes" : "no");
    }
    transforms = known ? transforms : given != NULL && strcmp(given, "yes") == 0;
    if (transforms && plan->channels != 3) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: the input is transformed colour by colour, but has %zu channels, not 3",
                  path, plan->channels);
    }
    plan_set_bool(plan, "inception_v3.transform_input", transforms);
    plan_decide(plan, "inception_v3.transform_input: %s, %s", transforms ? "yes" : "no",
                known ? why : "by --transform-input; the tensors cannot tell");
}

void inception_plan(struct plan *plan) {
    plan->architecture = "inception_v3";
    plan->naming = "torchvision";
    plan->channels = plan_dimension(plan_look(plan, "Conv2d_1a_3x3.conv.weight"), 1);
    struct head head;
    head_infer(plan, &head, "fc");
    take_all(plan, &head);
    check_module(plan);
    plan_set_u32(plan, "inception_v3.channels", plan->channels);
    plan_set_u32(plan, "inception_v3.classes", plan->classes);
    plan_set_f32(plan, "inception_v3.norm_epsilon", (float)NORM_EPSILON);
    choose_transform(plan);
}
