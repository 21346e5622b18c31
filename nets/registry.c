/* Which net a model file holds, and the checks that all nets share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net.h"

enum { LARGEST_SIDE = 16384 };

struct net_key net_key(const char *format, ...) {
    struct net_key key;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(key.text, sizeof key.text, format, arguments);
    va_end(arguments);
    return key;
}

enum fv_status net_sizes(const struct fv_model *model, const char *key, size_t limit, size_t *values, size_t *count,
                         struct fv_error *error) {
    const long length = fv_model_array_length(model, key);
    if (length < 1 || length > 2 * MAX_STAGES) {
        return fv_error_set(error, FV_ERROR_MODEL, "%s: %s has %ld entries, expected an array of 1 to %d",
                            fv_model_path(model), key, length, 2 * MAX_STAGES);
    }
    *count = (size_t)length;
    for (size_t i = 0; i < *count; i++) {
        int64_t value = 0;
        if (!fv_model_array_integer(model, key, i, &value) || value < 1 || (uint64_t)value > limit) {
            return fv_error_set(error, FV_ERROR_MODEL, "%s: %s[%zu] is %lld, expected an integer from 1 to %zu",
                                fv_model_path(model), key, i, (long long)value, limit);
        }
        values[i] = (size_t)value;
    }
    return FV_OK;
}

enum fv_status net_input_size(const struct fv_model *model, const struct fv_net_options *options, const char *fallback,
                              size_t *height, size_t *width, struct fv_error *error) {
    int64_t y = 0, x = 0;
    if (fv_model_integer(model, fallback, &y)) {
        x = y;
    } else if (fv_model_array_length(model, fallback) == 2) {
        fv_model_array_integer(model, fallback, 0, &y);
        fv_model_array_integer(model, fallback, 1, &x);
    }
    *height = options->height != 0 ? options->height : y > 0 ? (size_t)y : 0;
    *width = options->width != 0 ? options->width : x > 0 ? (size_t)x : 0;
    if (*height < 1 || *width < 1 || *height > LARGEST_SIDE || *width > LARGEST_SIDE) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "%s: the model takes inputs of any size; give one from 1 to %d (its %s does not)",
                            fv_model_path(model), LARGEST_SIDE, fallback);
    }
    return FV_OK;
}

size_t fv_net_members(const struct fv_model *model) {
    const long members = fv_model_array_length(model, "unet.folds");
    return members > 1 ? (size_t)members : 1;
}

size_t fv_net_member_number(const struct fv_model *model, size_t index) {
    int64_t number = 0;
    fv_model_array_integer(model, "unet.folds", index, &number);
    return number > 0 ? (size_t)number : 0;
}

/* Every tensor of the model must be a parameter of this net, belong to another member of the ensemble, or be an output
 * that only training uses. */
static enum fv_status check_extra(const struct fv_model *model, const struct fv_graph *graph, size_t member,
                                  struct fv_error *error) {
    for (size_t i = 0; i < fv_model_tensor_count(model); i++) {
        const struct fv_tensor *tensor = fv_model_tensor_at(model, i);
        bool known = fv_graph_uses(graph, tensor);
        for (size_t other = 0;
             !known && fv_model_array_length(model, "unet.folds") > 0 && other < fv_net_members(model); other++) {
            const struct net_key prefix = net_key("fold_%zu.", fv_net_member_number(model, other));
            const bool inside = strncmp(tensor->name, prefix.text, strlen(prefix.text)) == 0;
            const bool training = strncmp(tensor->name + strlen(prefix.text), "seg_outputs.", 12) == 0;
            known = inside && (other != member || training);
        }
        if (!known) {
            return fv_error_set(error, FV_ERROR_MODEL, "%s: tensor %s is no part of the net", fv_model_path(model),
                                tensor->name);
        }
    }
    return FV_OK;
}

typedef enum fv_status build_function(const struct fv_model *model, const struct fv_net_options *options,
                                      struct fv_graph *graph, fv_value *output, struct fv_error *error);

static const struct {
    const char *architecture;
    build_function *build;
} registry[] = {{"efficientnet", net_efficientnet},
                {"inception_v3", net_inception_v3},
                {"resnet", net_resnet},
                {"swin", net_swin},
                {"unet", net_unet}};

static enum fv_status find(const struct fv_model *model, build_function **build, struct fv_error *error) {
    const char *architecture = NULL;
    const enum fv_status status = fv_model_require_string(model, "general.architecture", &architecture, error);
    if (status != FV_OK) {
        return status;
    }
    for (size_t i = 0; i < sizeof registry / sizeof *registry; i++) {
        if (strcmp(registry[i].architecture, architecture) == 0) {
            *build = registry[i].build;
            return FV_OK;
        }
    }
    return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                        "%s: general.architecture is %s, expected efficientnet, inception_v3, resnet, swin or unet",
                        fv_model_path(model), architecture);
}

enum fv_status fv_net_build(const struct fv_model *model, const struct fv_net_options *options, struct fv_graph **graph,
                            struct fv_error *error) {
    const struct fv_net_options none = {0};
    build_function *build = NULL;
    options = options != NULL ? options : &none;
    *graph = NULL;
    enum fv_status status = find(model, &build, error);
    if (status == FV_OK && options->member >= fv_net_members(model)) {
        status = fv_error_set(error, FV_ERROR_ARGUMENT, "%s: member %zu of an ensemble of %zu", fv_model_path(model),
                              options->member, fv_net_members(model));
    }
    struct fv_graph *result = NULL;
    if (status == FV_OK) {
        status = fv_graph_create(model, &result, error);
    }
    fv_value output = FV_NO_VALUE;
    if (status == FV_OK) {
        status = build(model, options, result, &output, error);
    }
    if (status == FV_OK) {
        status = fv_graph_finish(result, output, error);
    }
    if (status == FV_OK) {
        status = check_extra(model, result, options->member, error);
    }
    if (status != FV_OK) {
        fv_graph_destroy(result);
        return status;
    }
    *graph = result;
    return FV_OK;
}
