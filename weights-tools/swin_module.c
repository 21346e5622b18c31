/* What a pickled Swin Transformer says of itself, against what our network does. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "module_check.h"
#include "swin_plan.h"

enum { NAME_SIZE = 96 };

#define NORM_EPSILON 1e-5

size_t swin_module_size(const struct plan *plan, const struct swin *swin) {
    const struct value *sides = module_attribute(plan, "input_resolution", "layers.0.blocks.0");
    int64_t y, x;
    if (value_length(sides) != 2 || !value_element_integer(sides, 0, &y) || !value_element_integer(sides, 1, &x) ||
        y != x || y < 1 || y > LARGEST_SIDE) {
        return 0;
    }
    return (size_t)y * swin->patch;
}

/* A number, or a pair of equal ones, that a module may have. */
static void check_number(struct plan *plan, const char *name, const char *attribute, double expected) {
    const struct value *value = module_attribute(plan, attribute, "%s", name);
    long count = value_length(value);
    for (long i = 0; i < (count == 2 ? 2 : 1); i++) {
        double found;
        bool known = count == 2 ? value_element_number(value, (size_t)i, &found) : value_number(value, &found);
        if (known && fabs(found - expected) > 1e-6 * expected) {
            plan_fail(plan, FV_ERROR_UNSUPPORTED, "%s: module %s: %s is %g, expected %g", plan->checkpoint->path, name,
                      attribute, found, expected);
        }
    }
}

static void check_block(struct plan *plan, const struct swin *swin, size_t stage, uint32_t block) {
    char name[NAME_SIZE];
    char attention[NAME_SIZE + 8];
    size_t side = swin->image / swin->patch >> stage;
    bool whole = side <= swin->window;
    double channels = (double)(swin->embed << stage);
    snprintf(name, sizeof name, "layers.%zu.blocks.%u", stage, block);
    snprintf(attention, sizeof attention, "%s.attn", name);
    check_number(plan, name, "input_resolution", (double)side);
    check_number(plan, name, "window_size", (double)(whole ? side : swin->window));
    check_number(plan, name, "shift_size", whole || block % 2 == 0 ? 0 : (double)(swin->window / 2));
    check_number(plan, attention, "num_heads", swin->heads[stage]);
    check_number(plan, attention, "scale", 1 / sqrt(channels / swin->heads[stage]));
    module_check_norm(plan, NORM_EPSILON, "%s.norm1", name);
    module_check_norm(plan, NORM_EPSILON, "%s.norm2", name);
    module_check_class(plan, "GELU", "%s.mlp.act", name);
}

void swin_check_module(struct plan *plan, const struct swin *swin) {
    module_check_convolution(plan, (int64_t)swin->patch, 0, 1, "patch_embed.proj");
    module_check_norm(plan, NORM_EPSILON, "patch_embed.norm");
    module_check_norm(plan, NORM_EPSILON, "norm");
    module_check_string(plan, "", "global_pool", "avg");
    module_check_string(plan, "head.global_pool", "pool_type", "avg");
    for (size_t stage = 0; stage < swin->stages; stage++) {
        module_check_norm(plan, NORM_EPSILON, "layers.%zu.downsample.norm", stage);
        for (uint32_t block = 0; block < swin->depths[stage]; block++) {
            check_block(plan, swin, stage, block);
        }
    }
}
