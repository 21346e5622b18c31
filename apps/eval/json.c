/* The results for programs. */
#include <math.h>

#include "base/json_document.h"
#include "commands.h"
#include "eval/eval.h"
#include "fovea/memory.h"

static void add_count(struct fovea_json *document, cJSON *object, const char *key, size_t count) {
    fovea_json_number(document, object, key, (double)count);
}

static void add_failures(struct fovea_json *document, cJSON *object, const char *key,
                         const struct fovea_failures *failures) {
    cJSON *array = fovea_json_array(document, object, key);
    for (size_t i = 0; i < failures->count && document->complete; i++) {
        const struct fovea_failure *failure = &failures->items[i];
        cJSON *item = cJSON_CreateObject();
        fovea_json_append(document, array, item);
        if (!document->complete) {
            return;
        }
        if (failure->image[0] != '\0') {
            fovea_json_string(document, item, "image", failure->image);
        }
        fovea_json_string(document, item, "file", failure->file);
        if (failure->line > 0) {
            add_count(document, item, "line", failure->line);
        }
        fovea_json_string(document, item, "reason", failure->reason);
    }
}

static void add_classification(struct fovea_json *document, cJSON *object, const struct fovea_classification *result) {
    cJSON *matrix = fovea_json_array(document, object, "confusion_matrix"); /* rows labels, columns predictions */
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
        const double row[FOVEA_QUALITY_COUNT] = {(double)result->confusion[k][0], (double)result->confusion[k][1],
                                                 (double)result->confusion[k][2]};
        fovea_json_append(document, matrix, cJSON_CreateDoubleArray(row, FOVEA_QUALITY_COUNT));
    }
    for (size_t i = 0; i < FOVEA_CLASSIFICATION_FIGURES; i++) {
        fovea_json_number(document, object, fovea_classification_figures[i].name,
                          fovea_classification_value(result, i));
    }
    cJSON *classes = fovea_json_object(document, object, "classes");
    for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
        const struct fovea_class_scores *scores = &result->classes[k];
        cJSON *class = fovea_json_object(document, classes, fovea_quality_names[k]);
        add_count(document, class, "support", scores->support);
        add_count(document, class, "predicted", scores->predicted);
        for (size_t i = 0; i < FOVEA_CLASS_FIGURES; i++) {
            fovea_json_number(document, class, fovea_class_figures[i].name, fovea_class_value(scores, i));
        }
    }
}

static void add_spread(struct fovea_json *document, cJSON *object, const char *key, const struct fovea_spread *spread) {
    cJSON *below = fovea_json_object(document, object, key);
    add_count(document, below, "count", spread->count);
    add_count(document, below, "undefined", spread->undefined);
    fovea_json_number(document, below, "mean", spread->mean);
    fovea_json_number(document, below, "sd", spread->sd);
    fovea_json_number(document, below, "least", spread->least);
    fovea_json_number(document, below, "lower_quartile", spread->lower_quartile);
    fovea_json_number(document, below, "median", spread->median);
    fovea_json_number(document, below, "upper_quartile", spread->upper_quartile);
    fovea_json_number(document, below, "most", spread->most);
}

static void add_masks(struct fovea_json *document, cJSON *object, const struct fovea_eval_set *set) {
    cJSON *images = fovea_json_object(document, object, "per_image");
    for (size_t k = 0; k < FOVEA_MASK_FIGURES; k++) {
        bool known = k < FOVEA_MASK_CROSS_ENTROPY || (k < FOVEA_MASK_PREDICTED_AREA ? set->probabilities : set->areas);
        if (known) {
            add_spread(document, images, fovea_mask_figure_texts[k].name, &set->spreads[k]);
        }
    }
    cJSON *pooled = fovea_json_object(document, object, "pooled");
    add_count(document, pooled, "tp_px", set->pooled.true_positives);
    add_count(document, pooled, "fp_px", set->pooled.false_positives);
    add_count(document, pooled, "fn_px", set->pooled.false_negatives);
    add_count(document, pooled, "tn_px", set->pooled.true_negatives);
    for (size_t k = 0; k < FOVEA_MASK_OVERLAP_FIGURES; k++) {
        fovea_json_number(document, pooled, fovea_mask_figure_texts[k].name, set->pooled_figures[k]);
    }
    if (set->areas) {
        cJSON *agreement = fovea_json_object(document, object, "area_agreement_mm2");
        add_count(document, agreement, "count", set->agreement.count);
        fovea_json_number(document, agreement, "bias", set->agreement.bias);
        fovea_json_number(document, agreement, "sd_of_differences", set->agreement.sd);
        fovea_json_number(document, agreement, "lower_limit", set->agreement.lower);
        fovea_json_number(document, agreement, "upper_limit", set->agreement.upper);
        fovea_json_number(document, agreement, "mean_absolute", set->agreement.mean_absolute);
    }
}

static void add_set(struct fovea_json *document, cJSON *array, const struct fovea_eval *eval,
                    const struct fovea_eval_set *set) {
    cJSON *object = cJSON_CreateObject();
    fovea_json_append(document, array, object);
    if (!document->complete) {
        return;
    }
    fovea_json_string(document, object, "name", set->source->name);
    fovea_json_string(document, object, "predicted", set->predicted);
    fovea_json_string(document, object, "reference", set->reference);
    fovea_json_string(document, object, "matched_by", fovea_match_rule_names[set->match]);
    if (set->source->field_mm > 0.0) {
        fovea_json_number(document, object, "fov_mm", set->source->field_mm);
    }
    add_count(document, object, "evaluated", set->count);
    add_count(document, object, "failed", set->failures.count);
    if (eval->options->kind == FOVEA_EVAL_GRADES) {
        add_classification(document, object, &set->classification);
    } else {
        add_count(document, object, "other_files", set->predicted_folder.ignored + set->reference_folder.ignored);
        add_masks(document, object, set);
    }
    add_failures(document, object, "notes", &set->notes);
    add_failures(document, object, "failures", &set->failures);
}

/* The means of the sets: figure, statistic, value. */
static void add_means(struct fovea_json *document, const struct fovea_eval *eval) {
    cJSON *means = fovea_json_object(document, document->root, "mean_of_sets");
    size_t count = fovea_eval_figure_count(eval);
    for (size_t i = 0; i < count && document->complete; i++) {
        struct fovea_eval_figure figure;
        fovea_eval_figure_get(eval, i, &figure);
        if (eval->options->kind == FOVEA_EVAL_GRADES) {
            fovea_json_number(document, means, figure.name, figure.mean);
            continue;
        }
        cJSON *below = cJSON_GetObjectItemCaseSensitive(means, figure.name);
        below = below != NULL ? below : fovea_json_object(document, means, figure.name);
        fovea_json_number(document, below, figure.statistic, figure.mean);
    }
}

static void add_head(struct fovea_json *document, const struct fovea_eval *eval) {
    const struct fovea_eval_options *options = eval->options;
    cJSON *root = document->root;
    fovea_json_string(document, root, "program", "fovea");
    fovea_json_string(document, root, "version", FOVEA_VERSION);
    fovea_json_string(document, root, "notice", FOVEA_NOTICE);
    fovea_json_string(document, root, "command", "eval");
    fovea_json_string(document, root, "kind", options->kind == FOVEA_EVAL_GRADES ? "grades" : "masks");
    if (options->kind == FOVEA_EVAL_GRADES) {
        return;
    }
    if (options->foreground.kind == FOVEA_FOREGROUND_VALUE) {
        fovea_json_number(document, root, "foreground", options->foreground.value);
    } else {
        fovea_json_string(document, root, "foreground",
                          options->foreground.kind == FOVEA_FOREGROUND_ANY ? "any" : "the only value beside 0");
    }
    fovea_json_string(document, root, "empty", options->empty_is_one ? "one" : "undefined");
}

enum fv_status fovea_eval_write_json(const struct fovea_eval *eval, const char *path, struct fv_error *error) {
    struct fovea_json document;
    fovea_json_begin(&document);
    add_head(&document, eval);
    cJSON *sets = fovea_json_array(&document, document.root, "sets");
    for (size_t i = 0; i < eval->count && document.complete; i++) {
        add_set(&document, sets, eval, &eval->sets[i]);
    }
    add_means(&document, eval);
    return fovea_json_end(&document, path, error);
}
