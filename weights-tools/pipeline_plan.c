/* What the pipeline needs to know of a model and its tensors do not tell: from the options, checked against the
 * network. */
#include <math.h>
#include <string.h>

#include "nnunet.h"
#include "plan.h"

enum { MOST_CHANNELS = 64 };

/* The network decides what the model is for; the option may only agree. */
static void set_task(struct plan *plan) {
    const char *task = plan->options->task;
    const char *possible = plan->checkpoint->plans != NULL ? "segmentation" : "quality";
    if (task != NULL && strcmp(task, possible) != 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: --task %s does not fit: the network is a %s, for %s",
                  plan->checkpoint->path, task, plan->architecture, possible);
    }
    if (task != NULL || plan->checkpoint->plans != NULL) {
        plan_set_string(plan, "fovea.task", possible);
    }
}

static void set_classes(struct plan *plan) {
    const struct fv_convert_options *options = plan->options;
    if (options->class_count == 0) {
        return;
    }
    if (options->class_count != plan->classes) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: --classes names %zu, the network has %zu outputs",
                  plan->checkpoint->path, options->class_count, plan->classes);
    }
    plan_set_strings(plan, "fovea.classes", options->classes, options->class_count);
}

/* The size that images are resized to: a Swin's own input, what the options say, or none. */
static void set_size(struct plan *plan) {
    const struct fv_convert_options *options = plan->options;
    bool fixed = strcmp(plan->architecture, "swin") == 0;
    uint32_t size = options->resize_size != 0 ? options->resize_size : options->image_size;
    if (options->resize_size != 0 && options->image_size != 0 && options->resize_size != options->image_size) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "--image-size %u and the size in --resize, %u, differ", options->image_size,
                  options->resize_size);
    }
    for (size_t i = 0; fixed && i < plan->value_count; i++) {
        if (strcmp(plan->values[i].key, "swin.image_size") == 0) {
            uint32_t own = plan->values[i].integers[0];
            if (size != 0 && size != own) {
                plan_fail(plan, FV_ERROR_ARGUMENT, "%s: images resized to %u do not fit the network's input of %u",
                          plan->checkpoint->path, size, own);
            }
            size = own;
        }
    }
    bool resized = options->resize == NULL || strcmp(options->resize, "none") != 0;
    if (!resized && options->resize_size != 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "--resize none takes no size");
    }
    if (size != 0) {
        plan_set_u32(plan, "fovea.input_size", size);
    }
    if (options->resize != NULL && resized) {
        if (strcmp(options->resize, "bilinear") != 0 && strcmp(options->resize, "bicubic") != 0) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "--resize %s: expected bilinear, bicubic or none", options->resize);
        }
        plan_set_string(plan, "fovea.resize_filter", options->resize);
    }
}

/* Mean and deviation, one a channel; a single number stands for all. */
static void set_fixed(struct plan *plan) {
    const struct fv_convert_options *options = plan->options;
    float mean[MOST_CHANNELS];
    float deviation[MOST_CHANNELS];
    if ((options->mean_count != 1 && options->mean_count != plan->channels) || plan->channels > MOST_CHANNELS) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: --mean and --std give %zu numbers, the network has %zu channels",
                  plan->checkpoint->path, options->mean_count, plan->channels);
        return;
    }
    for (size_t i = 0; i < plan->channels; i++) {
        size_t from = options->mean_count == 1 ? 0 : i;
        mean[i] = options->mean[from];
        deviation[i] = options->deviation[from];
        if (!isfinite(mean[i]) || !isfinite(deviation[i]) || deviation[i] <= 0) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "--mean and --std must be finite, and --std above 0");
        }
    }
    plan_set_string(plan, "fovea.normalization", "fixed");
    plan_set_f32s(plan, "fovea.mean", mean, plan->channels);
    plan_set_f32s(plan, "fovea.std", deviation, plan->channels);
}

static void set_normalization(struct plan *plan) {
    const struct fv_convert_options *options = plan->options;
    if (options->zscore && options->mean_count > 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "--zscore and --mean exclude each other");
    }
    if (plan->checkpoint->plans != NULL && options->mean_count > 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: --mean contradicts the plans, which say how images are normalised",
                  plan->checkpoint->path);
    }
    if (options->mean_count > 0) {
        set_fixed(plan);
    } else if (options->zscore || plan->checkpoint->plans != NULL) {
        plan_set_string(plan, "fovea.normalization", "zscore");
    }
}

static void set_served(struct plan *plan) {
    const struct fv_convert_options *options = plan->options;
    for (size_t i = 0; i < options->field_count; i++) {
        if (!(options->fields[i] > 0 && options->fields[i] <= 100)) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "--fov %g: expected millimetres, above 0 and at most 100",
                      (double)options->fields[i]);
        }
    }
    for (size_t i = 0; i < options->layer_count; i++) {
        if (strcmp(options->layers[i], "superficial") != 0 && strcmp(options->layers[i], "deep") != 0) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "--layer %s: expected superficial or deep", options->layers[i]);
        }
    }
    if (options->field_count > 0) {
        plan_set_f32s(plan, "fovea.fov", options->fields, options->field_count);
    }
    if (options->layer_count > 0) {
        plan_set_strings(plan, "fovea.layers", options->layers, options->layer_count);
    }
}

void pipeline_plan(struct plan *plan) {
    const struct fv_convert_options *options = plan->options;
    set_task(plan);
    set_classes(plan);
    set_size(plan);
    set_normalization(plan);
    set_served(plan);
    const struct {
        const char *key;
        const char *value;
    } texts[] = {
        {"general.name", options->name},
        {"general.license", options->licence},
        {"fovea.attribution", options->attribution},
        {"fovea.note", options->note},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].value != NULL) {
            plan_set_string(plan, texts[i].key, texts[i].value);
        }
    }
}
