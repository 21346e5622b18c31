#include "pipeline/readiness.h"

#include <stdio.h>
#include <string.h>

static const struct fovea_gap common_fields[] = {
    {"fovea.task", "--task quality|segmentation"},
    {"fovea.fov", "--fov MM"},
    {"fovea.layers", "--layer superficial,deep"},
};

static const struct fovea_gap grader_fields[] = {
    {"fovea.classes", "--classes ungradable,gradable,outstanding"},
    {"fovea.input_size", "--resize FILTER:SIZE"},
    {"fovea.resize_filter", "--resize FILTER:SIZE"},
    {"fovea.normalization", "--mean and --std, or --zscore"},
};

static const struct fovea_gap segmenter_fields[] = {
    {"fovea.patch_size", "none: convert the whole nnU-Net folder with its plans.pkl"},
    {"fovea.mirror_axes", "none: convert the whole nnU-Net folder with its plans.pkl"},
    {"fovea.use_mask_for_norm", "none: convert the whole nnU-Net folder with its plans.pkl"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

size_t fovea_find_gaps(bool (*has)(const void *context, const char *key), const void *context, bool segmenter,
                       struct fovea_gap gaps[FOVEA_GAPS_MAX]) {
    const struct fovea_gap *own = segmenter ? segmenter_fields : grader_fields;
    const size_t own_count = segmenter ? COUNT_OF(segmenter_fields) : COUNT_OF(grader_fields);
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(common_fields) + own_count; i++) {
        const struct fovea_gap *field =
            i < COUNT_OF(common_fields) ? &common_fields[i] : &own[i - COUNT_OF(common_fields)];
        if (!has(context, field->key)) {
            gaps[count++] = *field;
        }
    }
    return count;
}

static bool model_has(const void *context, const char *key) {
    return fv_model_has(context, key);
}

size_t fovea_model_gaps(const struct fv_model *model, struct fovea_gap gaps[FOVEA_GAPS_MAX]) {
    const char *task = NULL, *architecture = "", *normalization = "";
    fv_model_string(model, "general.architecture", &architecture);
    const bool told = fv_model_string(model, "fovea.task", &task);
    const bool segmenter = told ? strcmp(task, "segmentation") == 0 : strcmp(architecture, "unet") == 0;
    size_t count = fovea_find_gaps(model_has, model, segmenter, gaps);
    fv_model_string(model, "fovea.normalization", &normalization);
    if (!segmenter && strcmp(normalization, "fixed") == 0) {
        if (!fv_model_has(model, "fovea.mean")) {
            gaps[count++] = (struct fovea_gap){"fovea.mean", "--mean"};
        }
        if (!fv_model_has(model, "fovea.std")) {
            gaps[count++] = (struct fovea_gap){"fovea.std", "--std"};
        }
    }
    return count;
}

static bool is_common(const struct fovea_gap *gap) {
    bool found = false;
    for (size_t i = 0; i < COUNT_OF(common_fields); i++) {
        found = found || gap->key == common_fields[i].key;
    }
    return found;
}

enum fv_status fovea_model_check(const struct fv_model *model, bool choice, struct fv_error *error) {
    struct fovea_gap gaps[FOVEA_GAPS_MAX];
    char text[FV_MESSAGE_SIZE] = "";
    const size_t count = fovea_model_gaps(model, gaps);
    bool fits = true;
    for (size_t i = 0; i < count; i++) {
        fits = fits && is_common(&gaps[i]) != choice;
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s (%s)", i == 0 ? "" : ", ", gaps[i].key, gaps[i].option);
    }
    return fits ? FV_OK
                : fv_error_set(error, FV_ERROR_MODEL,
                               "%s: the model lacks %s; convert its checkpoint again with these options, or with "
                               "--preset",
                               fv_model_path(model), text);
}
