/* The plans of an nnU-Net v1 model: what the network looks like and how its input is prepared. */
#include <inttypes.h>
#include <string.h>

#include "nnunet.h"

enum { LARGEST_PATCH = 1 << 14, MOST_FEATURES = 1 << 12, MOST_CLASSES = 256, MOST_CONVS = 8, LARGEST_POOL = 4 };

struct parser {
    const char *path;
    const struct value *root;
    const struct value *stage;
    struct nnunet_plans *plans;
    struct fv_error *error;
};

static enum fv_status wrong(const struct parser *parser, const char *key, const char *expected) {
    return fv_error_set(parser->error, FV_ERROR_MODEL, "%s: plans: %s is missing or wrong, expected %s", parser->path,
                        key, expected);
}

/* An integer entry between `low` and `high`. */
static enum fv_status take_size(const struct parser *parser, const char *key, size_t low, size_t high, size_t *size) {
    int64_t number;
    if (!value_integer(value_get(parser->root, key), &number) || number < 0 || (uint64_t)number < low ||
        (uint64_t)number > high) {
        return fv_error_set(parser->error, FV_ERROR_MODEL, "%s: plans: %s is missing or not an integer from %zu to %zu",
                            parser->path, key, low, high);
    }
    *size = (size_t)number;
    return FV_OK;
}

/* Element `index` of a sequence of pairs. */
static bool take_pair(const struct value *list, size_t index, uint32_t low, uint32_t high, uint32_t pair[2]) {
    const struct value *element = value_element(list, index);
    if (value_length(element) != 2) {
        return false;
    }
    for (size_t axis = 0; axis < 2; axis++) {
        int64_t number;
        if (!value_element_integer(element, axis, &number) || number < low || number > high) {
            return false;
        }
        pair[axis] = (uint32_t)number;
    }
    return true;
}

static enum fv_status take_kernels(const struct parser *parser) {
    struct nnunet_plans *plans = parser->plans;
    const struct value *kernels = value_get(parser->stage, "conv_kernel_sizes");
    if (value_length(kernels) != (long)plans->pools + 1) {
        return fv_error_set(parser->error, FV_ERROR_MODEL,
                            "%s: plans: conv_kernel_sizes has %ld entries, expected one more than the %zu poolings",
                            parser->path, value_length(kernels), plans->pools);
    }
    for (size_t i = 0; i <= plans->pools; i++) {
        if (!take_pair(kernels, i, 1, 3, plans->kernel[i]) || plans->kernel[i][0] == 2 || plans->kernel[i][1] == 2) {
            return wrong(parser, "conv_kernel_sizes", "pairs of 1 or 3");
        }
    }
    return FV_OK;
}

/* Level i pools axis j by 2 if max(counts) - counts[j] <= i; all kernels are 3. */
static enum fv_status derive_pools(const struct parser *parser) {
    struct nnunet_plans *plans = parser->plans;
    const struct value *counts = value_get(parser->stage, "num_pool_per_axis");
    int64_t number[2];
    for (size_t axis = 0; axis < 2; axis++) {
        if (value_length(counts) != 2 || !value_element_integer(counts, axis, &number[axis]) || number[axis] < 0 ||
            number[axis] > NNUNET_POOLS) {
            return wrong(parser, "pool_op_kernel_sizes (and num_pool_per_axis)", "two counts");
        }
    }
    int64_t most = number[0] > number[1] ? number[0] : number[1];
    plans->pools = (size_t)most;
    for (int64_t i = 0; i <= most; i++) {
        for (size_t axis = 0; axis < 2; axis++) {
            plans->kernel[i][axis] = 3;
            if (i < most) {
                plans->pool[i][axis] = most - number[axis] <= i ? 2 : 1;
            }
        }
    }
    return most > 0 ? FV_OK : wrong(parser, "num_pool_per_axis", "at least one pooling");
}

static enum fv_status take_pools(const struct parser *parser) {
    struct nnunet_plans *plans = parser->plans;
    const struct value *pools = value_get(parser->stage, "pool_op_kernel_sizes");
    if (pools == NULL && value_get(parser->stage, "conv_kernel_sizes") == NULL) {
        return derive_pools(parser);
    }
    long count = value_length(pools);
    if (count < 1 || count > NNUNET_POOLS) {
        return wrong(parser, "pool_op_kernel_sizes", "1 to 15 pairs");
    }
    plans->pools = (size_t)count;
    for (size_t i = 0; i < plans->pools; i++) {
        if (!take_pair(pools, i, 1, LARGEST_POOL, plans->pool[i])) {
            return wrong(parser, "pool_op_kernel_sizes", "pairs of 1 to 4 (a 2-D network)");
        }
    }
    return take_kernels(parser);
}

static enum fv_status take_patch(const struct parser *parser) {
    struct nnunet_plans *plans = parser->plans;
    const struct value *patch = value_get(parser->stage, "patch_size");
    if (value_length(patch) == 3) {
        return fv_error_set(parser->error, FV_ERROR_UNSUPPORTED, "%s: a three-dimensional nnU-Net; Fovea runs 2-D ones",
                            parser->path);
    }
    for (size_t axis = 0; axis < 2; axis++) {
        int64_t side;
        if (value_length(patch) != 2 || !value_element_integer(patch, axis, &side) || side < 1 ||
            side > LARGEST_PATCH) {
            return wrong(parser, "patch_size", "two sides");
        }
        plans->patch[axis] = (uint32_t)side;
    }
    return FV_OK;
}

static enum fv_status check_strides(const struct parser *parser) {
    const struct nnunet_plans *plans = parser->plans;
    for (size_t axis = 0; axis < 2; axis++) {
        uint32_t stride = 1;
        for (size_t i = 0; i < plans->pools && stride <= LARGEST_PATCH; i++) {
            stride *= plans->pool[i][axis];
        }
        if (plans->patch[axis] % stride != 0) {
            return fv_error_set(parser->error, FV_ERROR_MODEL,
                                "%s: plans: patch_size %" PRIu32 " is not divisible by the poolings' product %" PRIu32,
                                parser->path, plans->patch[axis], stride);
        }
    }
    return FV_OK;
}

static enum fv_status take_spacing(const struct parser *parser) {
    struct nnunet_plans *plans = parser->plans;
    const struct value *spacing = value_get(parser->stage, "current_spacing");
    long count = value_length(spacing);
    if (spacing == NULL) {
        return FV_OK;
    }
    if (count < 1 || count > 3) {
        return wrong(parser, "current_spacing", "at most three numbers");
    }
    plans->spacing_count = (size_t)count;
    for (size_t i = 0; i < plans->spacing_count; i++) {
        if (!value_element_number(spacing, i, &plans->spacing[i]) || !(plans->spacing[i] > 0)) {
            return wrong(parser, "current_spacing", "positive numbers");
        }
    }
    return FV_OK;
}

/* transpose_forward and its inverse must be permutations, and only the identity is handled. */
static enum fv_status check_transpose(const struct parser *parser, const char *key) {
    const struct value *order = value_get(parser->root, key);
    if (order == NULL || order->type == VALUE_NONE) {
        return FV_OK;
    }
    unsigned seen = 0;
    bool identity = true;
    for (size_t i = 0; i < 3; i++) {
        int64_t axis;
        if (value_length(order) != 3 || !value_element_integer(order, i, &axis) || axis < 0 || axis > 2) {
            return wrong(parser, key, "a permutation of 0, 1, 2");
        }
        seen |= 1u << axis;
        identity = identity && axis == (int64_t)i;
    }
    if (seen != 7) {
        return wrong(parser, key, "a permutation of 0, 1, 2");
    }
    return identity ? FV_OK
                    : fv_error_set(parser->error, FV_ERROR_UNSUPPORTED, "%s: plans: %s permutes the axes", parser->path,
                                   key);
}

/* The training set's intensities, which only CT schemes need. */
static void take_intensity(const struct parser *parser, size_t index, struct nnunet_channel *channel) {
    const struct value *all = value_get(value_get(parser->root, "dataset_properties"), "intensityproperties");
    const struct value *own = value_get_integer(all, (int64_t)index);
    channel->has_intensity = value_number(value_get(own, "mean"), &channel->mean) &&
                             value_number(value_get(own, "sd"), &channel->deviation) &&
                             value_number(value_get(own, "percentile_00_5"), &channel->low) &&
                             value_number(value_get(own, "percentile_99_5"), &channel->high);
}

static enum fv_status take_channel(const struct parser *parser, size_t index) {
    struct nnunet_channel *channel = &parser->plans->channel[index];
    const char *scheme =
        value_string(value_get_integer(value_get(parser->root, "normalization_schemes"), (int64_t)index));
    int64_t masked;
    if (!value_integer(value_get_integer(value_get(parser->root, "use_mask_for_norm"), (int64_t)index), &masked)) {
        return wrong(parser, "use_mask_for_norm", "a boolean for each modality");
    }
    if (scheme == NULL || (strcmp(scheme, "nonCT") != 0 && strcmp(scheme, "CT") != 0 && strcmp(scheme, "CT2") != 0)) {
        return wrong(parser, "normalization_schemes", "nonCT, CT or CT2 for each modality");
    }
    strcpy(channel->scheme, scheme);
    channel->masked = masked != 0;
    if (strcmp(scheme, "nonCT") == 0) {
        return FV_OK;
    }
    take_intensity(parser, index, channel);
    return channel->has_intensity ? FV_OK : wrong(parser, "dataset_properties.intensityproperties", "what CT needs");
}

/* The stage's plans: the one asked for, else the only one. */
static enum fv_status find_stage(struct parser *parser, int64_t stage) {
    const struct value *stages = value_get(parser->root, "plans_per_stage");
    parser->stage = stage < 0 ? NULL : value_get_integer(stages, stage);
    if (parser->stage == NULL && stages != NULL && stages->type == VALUE_DICTIONARY && stages->items.count == 2) {
        parser->stage = stages->items.at[1];
    }
    bool found = parser->stage != NULL && parser->stage->type == VALUE_DICTIONARY;
    return found ? FV_OK : wrong(parser, "plans_per_stage", "the stage that the model was trained for");
}

static enum fv_status check_preprocessor(const struct parser *parser) {
    const struct value *name = value_get(parser->root, "preprocessor_name");
    if (name == NULL || value_is_string(name, "PreprocessorFor2D")) {
        return FV_OK;
    }
    return fv_error_set(parser->error, FV_ERROR_UNSUPPORTED, "%s: plans: preprocessor %s, expected PreprocessorFor2D",
                        parser->path, value_string(name) == NULL ? value_type_name(name) : value_string(name));
}

static enum fv_status take_network(const struct parser *parser) {
    struct nnunet_plans *plans = parser->plans;
    enum fv_status status = take_size(parser, "num_modalities", 1, NNUNET_CHANNELS, &plans->channels);
    if (status == FV_OK) {
        status = take_size(parser, "num_classes", 1, MOST_CLASSES, &plans->classes);
    }
    if (status == FV_OK) {
        plans->classes++; /* the plans do not count the background */
        status = take_size(parser, "base_num_features", 1, MOST_FEATURES, &plans->base_features);
    }
    plans->convs_per_stage = 2;
    if (status == FV_OK && value_get(parser->root, "conv_per_stage") != NULL) {
        status = take_size(parser, "conv_per_stage", 1, MOST_CONVS, &plans->convs_per_stage);
    }
    return status;
}

enum fv_status nnunet_plans_parse(const char *path, const struct value *root, int64_t stage, struct nnunet_plans *plans,
                                  struct fv_error *error) {
    memset(plans, 0, sizeof *plans);
    struct parser parser = {.path = path, .root = root, .plans = plans, .error = error};
    enum fv_status (*const steps[])(const struct parser *) = {take_network,  take_patch,   take_pools,
                                                              check_strides, take_spacing, check_preprocessor};
    enum fv_status status = find_stage(&parser, stage);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == FV_OK; i++) {
        status = steps[i](&parser);
    }
    for (size_t i = 0; i < plans->channels && status == FV_OK; i++) {
        status = take_channel(&parser, i);
    }
    if (status == FV_OK) {
        status = check_transpose(&parser, "transpose_forward");
    }
    return status == FV_OK ? check_transpose(&parser, "transpose_backward") : status;
}

enum fv_status nnunet_plans_compare(const char *path, const struct nnunet_plans *plans, const char *other_path,
                                    const struct nnunet_plans *other, struct fv_error *error) {
    const char *difference = NULL;
    if (plans->channels != other->channels) {
        difference = "num_modalities";
    } else if (plans->classes != other->classes) {
        difference = "num_classes";
    } else if (plans->base_features != other->base_features) {
        difference = "base_num_features";
    } else if (plans->convs_per_stage != other->convs_per_stage) {
        difference = "conv_per_stage";
    } else if (plans->pools != other->pools || memcmp(plans->pool, other->pool, sizeof plans->pool) != 0) {
        difference = "pool_op_kernel_sizes";
    } else if (memcmp(plans->kernel, other->kernel, sizeof plans->kernel) != 0) {
        difference = "conv_kernel_sizes";
    } else if (memcmp(plans->patch, other->patch, sizeof plans->patch) != 0) {
        difference = "patch_size";
    }
    for (size_t i = 0; i < plans->channels && difference == NULL; i++) {
        if (strcmp(plans->channel[i].scheme, other->channel[i].scheme) != 0) {
            difference = "normalization_schemes";
        } else if (plans->channel[i].masked != other->channel[i].masked) {
            difference = "use_mask_for_norm";
        }
    }
    return difference == NULL ? FV_OK
                              : fv_error_set(error, FV_ERROR_MODEL, "%s and %s disagree in %s of the plans", path,
                                             other_path, difference);
}
