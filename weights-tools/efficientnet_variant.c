/* Which EfficientNet: equal tensors serve three ways of padding and two epsilons. timm's "tf_" nets pad as TensorFlow
 * does and have an epsilon of 1e-3, its plain ones pad evenly and have 1e-5; lukemelas pads as TensorFlow does, for an
 * image size that is fixed when the net is made. A pickled module tells all of it. */
#include <stdio.h>
#include <string.h>

#include "efficientnet_plan.h"
#include "module_check.h"

enum { LARGEST_SIDE = 1 << 14 };

/* The epsilon of the first norm of a pickled module; `otherwise` without one. */
static double module_epsilon(const struct plan *plan, const char *norm, double otherwise) {
    double epsilon;
    return value_number(module_attribute(plan, "eps", "%s", norm), &epsilon) ? epsilon : otherwise;
}

static void choose_timm(struct plan *plan, struct efficientnet *net) {
    const char *given = plan->options->variant, *path = plan->checkpoint->path;
    const char *class = module_class(plan, "conv_stem");
    if (class != NULL && strcmp(class, "Conv2dSame") != 0 && strcmp(class, "Conv2d") != 0) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module conv_stem is a %s, expected a Conv2d or Conv2dSame", path,
                  class);
        return;
    }
    if (class == NULL && given == NULL) {
        plan_fail(plan, FV_ERROR_ARGUMENT,
                  "%s: an EfficientNet with timm's names, whose tensors cannot tell how it pads; give --variant tf "
                  "(timm's tf_efficientnet_*: TensorFlow's SAME padding, epsilon 0.001) or --variant plain (timm's "
                  "efficientnet_*: even padding, epsilon 0.00001)",
                  path);
        return;
    }
    const bool same = class != NULL ? strcmp(class, "Conv2dSame") == 0 : strcmp(given, "tf") == 0;
    if (class != NULL && given != NULL && same != (strcmp(given, "tf") == 0)) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: --variant %s contradicts the file, whose conv_stem is a %s (%s)", path,
                  given, class, same ? "tf" : "plain");
        return;
    }
    net->padding = same ? "same" : "symmetric";
    net->epsilon = module_epsilon(plan, "bn1", same ? 1e-3 : 1e-5);
    if (class != NULL) {
        plan_decide(plan,
                    "efficientnet.padding: %s, efficientnet.norm_epsilon: %g, from the pickled module, whose conv_stem "
                    "is a %s",
                    net->padding, net->epsilon, class);
    } else {
        plan_decide(plan,
                    "efficientnet.padding: %s, efficientnet.norm_epsilon: %g, by --variant %s; the tensors cannot tell",
                    net->padding, net->epsilon, given);
    }
}

/* The image size that a pickled lukemelas net was made for: a field of its global parameters, which version 0.7 lists
 * third of eleven and older ones last of ten; 0 if there is none. */
static size_t module_image_size(const struct plan *plan) {
    const struct value *parameters = module_attribute(plan, "_global_params", "%s", "");
    const long length = value_length(parameters);
    int64_t size = 0;
    if (length == 11 || length == 10) {
        value_element_integer(parameters, length == 11 ? 2 : 9, &size);
    }
    return size > 0 && size <= LARGEST_SIDE ? (size_t)size : 0;
}

static void choose_lukemelas(struct plan *plan, struct efficientnet *net) {
    const char *path = plan->checkpoint->path, *class = module_class(plan, "_conv_stem");
    const size_t given = plan->options->image_size, own = module_image_size(plan);
    net->epsilon = module_epsilon(plan, "_bn0", 1e-3);
    if (plan->options->variant != NULL) {
        plan_fail(plan, FV_ERROR_ARGUMENT,
                  "%s: --variant %s does not fit: the names are lukemelas', whose padding follows from --image-size",
                  path, plan->options->variant);
    } else if (class != NULL && strcmp(class, "Conv2dDynamicSamePadding") == 0) {
        net->padding = "same";
        plan_decide(plan, "efficientnet.padding: same, from the pickled module, whose _conv_stem is a %s", class);
    } else if (own == 0 && given == 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT,
                  "%s: an EfficientNet with lukemelas' names, which pads for the image size that it was made for, and "
                  "the file cannot tell that; give --image-size N (B0 to B7 are made for 224, 240, 260, 300, 380, 456, "
                  "528 and 600 unless told otherwise)",
                  path);
    } else if (own != 0 && given != 0 && own != given) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: --image-size %zu contradicts the file, whose net was made for %zu",
                  path, given, own);
    } else {
        net->padding = "static";
        net->image_size = own != 0 ? own : given;
        plan_decide(plan, "efficientnet.image_size: %zu, which fixes the padding, %s", net->image_size,
                    own != 0 ? "from the pickled module's parameters" : "by --image-size; the tensors cannot tell");
    }
}

/* A pickled module's activation, whatever it is called. */
static void check_swish(struct plan *plan, const char *block, const char *name) {
    static const char *const swishes[] = {"SiLU", "Swish", "SwishMe", "SwishJit", "SwishJitMe", "MemoryEfficientSwish"};
    const char *class = module_class(plan, "%s%s", block, name);
    bool known = class == NULL;
    for (size_t i = 0; i < sizeof swishes / sizeof *swishes && !known; i++) {
        known = strcmp(class, swishes[i]) == 0;
    }
    if (!known) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s%s is a %s, expected a SiLU", plan->checkpoint->path, block,
                  name, class);
    }
}

/* What lukemelas' convolution puts around its input: (left, right, top, bottom), nothing if all are 0. */
static void check_static_padding(struct plan *plan, const struct efficientnet *net, const char *name, size_t total) {
    const char *class = module_class(plan, "%s.static_padding", name);
    const struct value *padding = module_attribute(plan, "padding", "%s.static_padding", name);
    const int64_t before = (int64_t)(total / 2), after = (int64_t)(total - total / 2);
    const int64_t expected[] = {before, after, before, after};
    bool agrees = class == NULL || (total == 0 && strcmp(class, "Identity") == 0) || value_length(padding) == 4;
    for (size_t i = 0; agrees && value_length(padding) == 4 && i < 4; i++) {
        int64_t found;
        agrees = value_element_integer(padding, i, &found) && found == expected[i];
    }
    if (!agrees) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED,
                  "%s: module %s.static_padding does not pad %zu and %zu, as an image size of %zu asks for",
                  plan->checkpoint->path, name, total / 2, total - total / 2, net->image_size);
    }
}

/* One convolution of a pickled module; *side is that of the image at this place, for static padding. */
static void check_convolution(struct plan *plan, const struct efficientnet *net, const char *name, size_t kernel,
                              size_t stride, int64_t groups, size_t *side) {
    const bool strided_same = strcmp(net->padding, "same") == 0 && stride != 1;
    const int64_t inside = net->lukemelas || strided_same ? 0 : (int64_t)(kernel - 1) / 2;
    module_check_convolution(plan, (int64_t)stride, inside, groups, "%s", name);
    if (!net->lukemelas && kernel > 1) {
        module_check_class(plan, strided_same ? "Conv2dSame" : "Conv2d", "%s", name);
    } else if (net->image_size != 0) {
        const size_t covered = ((*side + stride - 1) / stride - 1) * stride + kernel;
        check_static_padding(plan, net, name, covered > *side ? covered - *side : 0);
    }
    *side = (*side + stride - 1) / stride;
}

/* The gate of squeeze-and-excitation: a function in older timm, a module in later ones. */
static void check_gate(struct plan *plan, const char *block) {
    const struct value *gate = module_attribute(plan, "gate_fn", "%s.se", block);
    if (gate != NULL && (gate->type != VALUE_GLOBAL || strcmp(gate->global->name, "sigmoid") != 0)) {
        plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s.se: gate_fn is %s, expected sigmoid",
                  plan->checkpoint->path, block,
                  gate->type == VALUE_GLOBAL ? gate->global->name : value_type_name(gate));
    }
    module_check_class(plan, "Sigmoid", "%s.se.gate", block);
}

/* A SiLU follows expansion and depthwise convolution, none the projection. timm keeps activations beside the norms or,
 * since 0.6, in them. */
static void check_activations(struct plan *plan, const struct efficientnet_block *block) {
    const size_t last = block->expands ? 3 : 2;
    char name[EFFICIENTNET_NAME_SIZE];
    for (size_t i = 1; i <= last; i++) {
        for (size_t beside = 0; beside < 2; beside++) {
            snprintf(name, sizeof name, beside == 0 ? ".act%zu" : ".bn%zu.act", i);
            if (i < last) {
                check_swish(plan, block->name, name);
            } else {
                module_check_class(plan, "Identity", "%s%s", block->name, name);
            }
        }
    }
    check_swish(plan, block->name, ".se.act1");
    check_swish(plan, block->name, "._swish");
}

static void check_block(struct plan *plan, const struct efficientnet *net, const struct efficientnet_block *block,
                        size_t *side) {
    const struct efficientnet_names *names = efficientnet_names_of(net, block);
    const struct fv_checkpoint_tensor *depthwise = plan_look(plan, "%s.%s.weight", block->name, names->depthwise);
    const char *const norms[] = {names->depthwise_norm, names->project_norm, names->expand_norm};
    char name[2 * EFFICIENTNET_NAME_SIZE];
    if (block->expands) {
        snprintf(name, sizeof name, "%s.%s", block->name, names->expand);
        check_convolution(plan, net, name, 1, 1, 1, side);
    }
    snprintf(name, sizeof name, "%s.%s", block->name, names->depthwise);
    check_convolution(plan, net, name, efficientnet_kernels[block->stage], block->stride,
                      (int64_t)plan_dimension(depthwise, 0), side);
    snprintf(name, sizeof name, "%s.%s", block->name, names->project);
    check_convolution(plan, net, name, 1, 1, 1, side);
    for (size_t i = 0; i < (block->expands ? 3 : 2); i++) {
        module_check_norm(plan, net->epsilon, "%s.%s", block->name, norms[i]);
    }
    check_activations(plan, block);
    check_gate(plan, block->name);
}

static void check_module(struct plan *plan, const struct efficientnet *net) {
    const bool lukemelas = net->lukemelas;
    size_t side = net->image_size;
    check_convolution(plan, net, lukemelas ? "_conv_stem" : "conv_stem", 3, 2, 1, &side);
    module_check_norm(plan, net->epsilon, "%s", lukemelas ? "_bn0" : "bn1");
    for (size_t i = 0; i < net->block_count; i++) {
        check_block(plan, net, &net->blocks[i], &side);
    }
    check_convolution(plan, net, lukemelas ? "_conv_head" : "conv_head", 1, 1, 1, &side);
    module_check_norm(plan, net->epsilon, "%s", lukemelas ? "_bn1" : "bn2");
    static const char *const activations[] = {"act1", "act2", "bn1.act", "bn2.act", "_swish"};
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        check_swish(plan, "", activations[i]);
    }
    module_check_string(plan, "global_pool", "pool_type", "avg");
}

void efficientnet_choose(struct plan *plan, struct efficientnet *net) {
    if (plan->status == FV_OK && net->lukemelas) {
        choose_lukemelas(plan, net);
    } else if (plan->status == FV_OK) {
        choose_timm(plan, net);
    }
    if (plan->status == FV_OK && plan->checkpoint->module != NULL) {
        check_module(plan, net);
    }
}
