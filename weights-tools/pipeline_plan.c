/* What the pipeline needs to know of a model and its tensors do not tell: from the options, checked against the
 * network. */
#include <math.h>
#include <string.h>

#include "nnunet.h"
#include "plan.h"

enum { MOST_CHANNELS = 64 };

/* The options that win over the preset, and the preset's part for this kind of network; empty without one. */
struct sources {
    const struct fv_convert_options *given;
    const struct fv_convert_options *preset;
};

/* Writes down where a field comes from, if a preset had a word in it. */
static void tell(struct plan *plan, const char *key, bool given, const char *option, bool agrees) {
    if (plan->preset == NULL) {
        return;
    }
    if (!given) {
        plan_decide(plan, "%s: by --preset %s", key, plan->preset->name);
    } else if (!agrees) {
        plan_decide(plan, "%s: by %s, which was given, against --preset %s", key, option, plan->preset->name);
    }
}

/* The network decides what the model is for; the option may only agree. */
static void set_task(struct plan *plan, const struct sources *from) {
    const char *task = from->given->task;
    const char *possible = plan->checkpoint->plans != NULL ? "segmentation" : "quality";
    if (task != NULL && strcmp(task, possible) != 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: --task %s does not fit: the network is a %s, for %s",
                  plan->checkpoint->path, task, plan->architecture, possible);
    }
    if (task != NULL || from->preset->task != NULL || plan->checkpoint->plans != NULL) {
        plan_set_string(plan, "fovea.task", possible);
        tell(plan, "fovea.task", task != NULL, "--task", true);
    }
}

static bool same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count) {
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        same = strcmp(a[i], b[i]) == 0;
    }
    return same;
}

static bool same_numbers(const float *a, size_t a_count, const float *b, size_t b_count) {
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof *a) == 0);
}

static void set_classes(struct plan *plan, const struct sources *from) {
    const bool given = from->given->class_count > 0;
    const struct fv_convert_options *options = given ? from->given : from->preset;
    if (options->class_count == 0) {
        return;
    }
    if (options->class_count != plan->classes) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: %s names %zu, the network has %zu outputs%s", plan->checkpoint->path,
                  given ? "--classes" : "--preset", options->class_count, plan->classes,
                  given ? "" : "; give --classes");
    }
    plan_set_strings(plan, "fovea.classes", options->classes, options->class_count);
    tell(plan, "fovea.classes", given, "--classes",
         same_texts(options->classes, options->class_count, from->preset->classes, from->preset->class_count));
}

/* A size that the network's plan has set; 0 if it has not. */
static uint32_t planned_size(const struct plan *plan, const char *key) {
    for (size_t i = 0; i < plan->value_count; i++) {
        if (strcmp(plan->values[i].key, key) == 0) {
            return plan->values[i].integers[0];
        }
    }
    return 0;
}

/* The size that images are resized to: what the options say, the network's own, or the preset's. A preset for another
 * size than the network's is another model's. */
static void set_size(struct plan *plan, const struct sources *from) {
    const struct fv_convert_options *options = from->given;
    const bool resized = options->resize == NULL || strcmp(options->resize, "none") != 0;
    const uint32_t own = planned_size(plan, "swin.image_size"), preset = resized ? from->preset->resize_size : 0;
    uint32_t size = options->resize_size != 0 ? options->resize_size : options->image_size;
    /* Of an EfficientNet that pads for a fixed image size, --image-size is that one; its input may have any. */
    const bool padded = planned_size(plan, "efficientnet.image_size") != 0;
    if (!padded && options->resize_size != 0 && options->image_size != 0 &&
        options->resize_size != options->image_size) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "--image-size %u and the size in --resize, %u, differ", options->image_size,
                  options->resize_size);
    }
    if (!resized && options->resize_size != 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "--resize none takes no size");
    }
    if (own != 0 && size != 0 && size != own) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: images resized to %u do not fit the network's input of %u",
                  plan->checkpoint->path, size, own);
    }
    if (own != 0 && size == 0 && preset != 0 && preset != own) {
        plan_fail(plan, FV_ERROR_ARGUMENT,
                  "%s: --preset %s resizes images to %u, which does not fit the network's input of %u; give "
                  "--resize %s:%u if that is what the network was trained with",
                  plan->checkpoint->path, plan->preset->name, preset, own, from->preset->resize, own);
    }
    const bool given = size != 0;
    size = given ? size : own != 0 ? own : preset;
    if (size != 0) {
        plan_set_u32(plan, "fovea.input_size", size);
    }
    if (preset != 0 && (own == 0 || given)) {
        tell(plan, "fovea.input_size", given, options->resize_size != 0 ? "--resize" : "--image-size", size == preset);
    }
}

static void set_filter(struct plan *plan, const struct sources *from) {
    const char *given = from->given->resize, *preset = from->preset->resize;
    const char *filter = given != NULL ? given : preset;
    if (filter == NULL) {
        return;
    }
    if (strcmp(filter, "none") != 0) {
        if (strcmp(filter, "bilinear") != 0 && strcmp(filter, "bicubic") != 0) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "--resize %s: expected bilinear, bicubic or none", filter);
        }
        plan_set_string(plan, "fovea.resize_filter", filter);
    }
    if (preset != NULL) {
        tell(plan, "fovea.resize_filter", given != NULL, "--resize", strcmp(filter, preset) == 0);
    }
}

/* Mean and deviation, one a channel; a single number stands for all. */
static void set_fixed(struct plan *plan, const struct fv_convert_options *options, const char *option) {
    float mean[MOST_CHANNELS];
    float deviation[MOST_CHANNELS];
    if ((options->mean_count != 1 && options->mean_count != plan->channels) || plan->channels > MOST_CHANNELS) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: %s give %zu numbers, the network has %zu channels",
                  plan->checkpoint->path, option, options->mean_count, plan->channels);
        return;
    }
    for (size_t i = 0; i < plan->channels; i++) {
        size_t index = options->mean_count == 1 ? 0 : i;
        mean[i] = options->mean[index];
        deviation[i] = options->deviation[index];
        if (!isfinite(mean[i]) || !isfinite(deviation[i]) || deviation[i] <= 0) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "--mean and --std must be finite, and --std above 0");
        }
    }
    plan_set_string(plan, "fovea.normalization", "fixed");
    plan_set_f32s(plan, "fovea.mean", mean, plan->channels);
    plan_set_f32s(plan, "fovea.std", deviation, plan->channels);
}

static void set_normalization(struct plan *plan, const struct sources *from) {
    const struct fv_convert_options *options = from->given, *preset = from->preset;
    if (options->zscore && options->mean_count > 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "--zscore and --mean exclude each other");
    }
    if (plan->checkpoint->plans != NULL && options->mean_count > 0) {
        plan_fail(plan, FV_ERROR_ARGUMENT, "%s: --mean contradicts the plans, which say how images are normalised",
                  plan->checkpoint->path);
    }
    if (plan->checkpoint->plans != NULL) {
        plan_set_string(plan, "fovea.normalization", "zscore");
        plan_decide(plan, "fovea.normalization: zscore, by the plans");
    } else if (options->mean_count > 0) {
        set_fixed(plan, options, "--mean and --std");
        tell(plan, "fovea.mean, fovea.std", true, "--mean and --std",
             same_numbers(options->mean, options->mean_count, preset->mean, preset->mean_count) &&
                 same_numbers(options->deviation, options->mean_count, preset->deviation, preset->mean_count));
    } else if (options->zscore) {
        plan_set_string(plan, "fovea.normalization", "zscore");
        tell(plan, "fovea.normalization", true, "--zscore", false);
    } else if (preset->mean_count > 0) {
        set_fixed(plan, preset, "--preset's mean and deviation");
        tell(plan, "fovea.mean, fovea.std", false, "", true);
    }
}

static void set_fields(struct plan *plan, const struct sources *from) {
    const bool given = from->given->field_count > 0;
    const struct fv_convert_options *options = given ? from->given : from->preset;
    for (size_t i = 0; i < options->field_count; i++) {
        if (!(options->fields[i] > 0 && options->fields[i] <= 100)) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "--fov %g: expected millimetres, above 0 and at most 100",
                      (double)options->fields[i]);
        }
    }
    if (options->field_count > 0) {
        plan_set_f32s(plan, "fovea.fov", options->fields, options->field_count);
        tell(plan, "fovea.fov", given, "--fov",
             same_numbers(options->fields, options->field_count, from->preset->fields, from->preset->field_count));
    }
}

static void set_layers(struct plan *plan, const struct sources *from) {
    const bool given = from->given->layer_count > 0;
    const struct fv_convert_options *options = given ? from->given : from->preset;
    for (size_t i = 0; i < options->layer_count; i++) {
        if (strcmp(options->layers[i], "superficial") != 0 && strcmp(options->layers[i], "deep") != 0) {
            plan_fail(plan, FV_ERROR_ARGUMENT, "--layer %s: expected superficial or deep", options->layers[i]);
        }
    }
    if (options->layer_count == 0) {
        return;
    }
    plan_set_strings(plan, "fovea.layers", options->layers, options->layer_count);
    if (plan->preset != NULL && !given && plan->checkpoint->plans != NULL) {
        plan_decide(plan,
                    "fovea.layers: by --preset %s: the published program uses this segmenter for both layers of its "
                    "field of view; it was trained on %s images",
                    plan->preset->name, plan->preset->trained);
        return;
    }
    tell(plan, "fovea.layers", given, "--layer",
         same_texts(options->layers, options->layer_count, from->preset->layers, from->preset->layer_count));
}

void pipeline_plan(struct plan *plan) {
    static const struct fv_convert_options nothing;
    const struct fv_convert_options *options = plan->options;
    struct sources from = {.given = options, .preset = &nothing};
    if (plan->preset != NULL) {
        from.preset = plan->checkpoint->plans != NULL ? &plan->preset->segmenter : &plan->preset->grader;
        plan_set_string(plan, "fovea.preset", plan->preset->name);
    }
    set_task(plan, &from);
    set_classes(plan, &from);
    set_size(plan, &from);
    set_filter(plan, &from);
    set_normalization(plan, &from);
    set_fields(plan, &from);
    set_layers(plan, &from);
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
