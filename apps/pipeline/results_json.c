#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "base/json_document.h"
#include "commands.h"
#include "measure/warnings.h"
#include "pipeline/results.h"
#include "scan/columns.h"

/* `text` may be any bytes; JSON is UTF-8. */
static void add_string(cJSON *object, const char *key, const char *text, bool *complete) {
    struct fovea_buffer clean = {0};
    fovea_buffer_utf8(&clean, text);
    const char *bytes = clean.size > 0 ? clean.bytes : "";
    *complete = *complete && !clean.failed && cJSON_AddStringToObject(object, key, bytes) != NULL;
    fovea_buffer_clear(&clean);
}

static void add_number(cJSON *object, const char *key, double number, bool *complete) {
    *complete = *complete && cJSON_AddNumberToObject(object, key, number) != NULL;
}

static void add_warnings(cJSON *object, const char *key, uint32_t warnings, bool *complete) {
    cJSON *texts = cJSON_AddArrayToObject(object, key);
    *complete = *complete && texts != NULL;
    for (unsigned w = 0; w < FOVEA_WARNING_COUNT && *complete; w++) {
        cJSON *text = (warnings >> w & 1) != 0 ? cJSON_CreateString(fovea_warning_texts[w]) : NULL;
        if ((warnings >> w & 1) != 0) {
            *complete = text != NULL && cJSON_AddItemToArray(texts, text);
        }
    }
}

/* A measure, a number with the digits that results.csv has. */
static void add_measure(cJSON *object, const struct fovea_measures *measures, const struct fovea_measure_column *column,
                        bool *complete) {
    if (column->kind == FOVEA_MEASURE_WARNINGS) {
        add_warnings(object, column->name, measures->warnings, complete);
        return;
    }
    struct fovea_buffer value = {0};
    fovea_measure_add(measures, column, &value);
    *complete = *complete && !value.failed;
    if (*complete) {
        *complete =
            (fovea_measure_is_number(column) ? cJSON_AddRawToObject(object, column->name, value.bytes)
                                             : cJSON_AddStringToObject(object, column->name, value.bytes)) != NULL;
    }
    fovea_buffer_clear(&value);
}

/* The adaptations of a model, the last one first; nothing if it has none. */
static void add_lineage(cJSON *object, const struct fovea_model_about *model, bool *complete) {
    cJSON *lines = model->lineage_count > 0 ? cJSON_AddArrayToObject(object, "lineage") : NULL;
    for (size_t i = 0; i < model->lineage_count && *complete; i++) {
        cJSON *line = cJSON_CreateString(model->lineage[i]);
        *complete = line != NULL && cJSON_AddItemToArray(lines, line);
        if (!*complete) {
            cJSON_Delete(line);
        }
    }
}

static void add_model(cJSON *object, const char *key, const struct fovea_model_about *model, bool shipped,
                      bool *complete) {
    if (model == NULL) {
        return;
    }
    cJSON *about = cJSON_AddObjectToObject(object, key);
    *complete = *complete && about != NULL;
    add_string(about, "name", model->name, complete);
    add_string(about, "file", model->file_name, complete);
    add_string(about, "sha256", model->sha256, complete);
    *complete = *complete && cJSON_AddBoolToObject(about, "shipped_demo_model", shipped) != NULL;
    const char *const keys[] = {"license", "attribution", "note"};
    const char *const values[] = {model->license, model->attribution, model->note};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (values[i] != NULL) {
            add_string(about, keys[i], values[i], complete);
        }
    }
    add_lineage(about, model, complete);
}

/* Appends `object` on one line, without its last brace if it is to go on, and deletes it. */
static void add_object(struct fovea_buffer *text, cJSON *object, bool open, bool complete) {
    char *line = complete ? cJSON_PrintUnformatted(object) : NULL;
    if (line == NULL) {
        text->failed = true;
    } else {
        fovea_buffer_text(text, line);
        text->size -= open && !text->failed;
    }
    cJSON_free(line);
    cJSON_Delete(object);
}

static void add_folds(cJSON *object, const struct fovea_results *results, bool *complete) {
    cJSON *folds = cJSON_AddArrayToObject(object, "folds");
    *complete = *complete && folds != NULL;
    for (size_t i = 0; i < results->fold_count; i++) {
        cJSON *number = cJSON_CreateNumber((double)results->folds[i]);
        if (!cJSON_AddItemToArray(folds, number)) {
            cJSON_Delete(number);
            *complete = false;
        }
    }
    add_number(object, "folds_of_model", (double)results->folds_most, complete);
}

static void add_head(struct fovea_buffer *text, const struct fovea_results *results) {
    bool complete = true;
    cJSON *head = cJSON_CreateObject();
    add_string(head, "program", "fovea", &complete);
    add_string(head, "version", results->version, &complete);
    add_string(head, "notice", FOVEA_NOTICE, &complete);
    add_string(head, "command", results->command, &complete);
    if (results->field_mm > 0) {
        add_number(head, "fov_mm", results->field_mm, &complete);
    }
    if (results->layer[0] != '\0') {
        add_string(head, "layer", results->layer, &complete);
    }
    if (results->segmenter != NULL) {
        complete = complete && cJSON_AddBoolToObject(head, "mirrored_views", results->mirrored) != NULL;
        add_string(head, "tta", results->mirrored ? "mirror" : "off", &complete);
        add_folds(head, results, &complete);
    }
    if (results->grader != NULL || results->segmenter != NULL) {
        complete = complete && cJSON_AddBoolToObject(head, "exact", results->planning.exact) != NULL &&
                   cJSON_AddBoolToObject(head, "tuned", results->planning.tune) != NULL;
    }
    if (results->require_grade) {
        complete = complete && cJSON_AddBoolToObject(head, "require_grade", true) != NULL;
    }
    add_number(head, "images_planned", (double)results->planned, &complete);
    add_number(head, "files_ignored", (double)results->ignored, &complete);
    add_model(head, "grader", results->grader, results->shipped, &complete);
    add_model(head, "segmenter", results->segmenter, results->shipped, &complete);
    add_object(text, head, true, complete);
}

static void add_scan(cJSON *object, const struct fovea_scan *scan, bool *complete) {
    for (size_t i = 0; i < fovea_scan_column_count; i++) {
        struct fovea_buffer value = {0};
        const char *name = fovea_scan_columns[i].name;
        fovea_scan_column_add(scan, i, &value);
        *complete = *complete && !value.failed;
        if (value.size > 0 && fovea_scan_columns[i].number) {
            *complete = *complete && cJSON_AddRawToObject(object, name, value.bytes) != NULL;
        } else if (value.size > 0) {
            add_string(object, name, value.bytes, complete);
        }
        fovea_buffer_clear(&value);
    }
}

void fovea_result_add_json(const struct fovea_result *result, const char *event, struct fovea_buffer *text) {
    bool complete = true;
    cJSON *image = cJSON_CreateObject();
    if (event != NULL) {
        add_string(image, "event", event, &complete);
    }
    add_string(image, "file", result->input->name, &complete);
    add_string(image, "output", result->input->stem, &complete);
    add_string(image, "status", fovea_state_names[result->state], &complete);
    if (result->reason != NULL) {
        add_string(image, "reason", result->reason, &complete);
    }
    if (result->remarks != NULL) {
        add_string(image, "remarks", result->remarks, &complete);
    }
    if (result->graded) {
        static const char *const keys[FOVEA_QUALITY_COUNT] = {"p_ungradable", "p_gradable", "p_outstanding"};
        add_string(image, "grade", fovea_quality_names[result->grade.quality], &complete);
        for (size_t k = 0; k < FOVEA_QUALITY_COUNT; k++) {
            add_number(image, keys[k], result->grade.probability[k], &complete);
        }
        add_string(image, "grade_source", fovea_result_grade_source(result), &complete);
    }
    if (result->grade_partner != NULL) {
        add_string(image, "grade_partner", result->grade_partner, &complete);
    }
    for (size_t i = 0; i < fovea_measure_column_count; i++) {
        if (fovea_result_has(result, &fovea_measure_columns[i])) {
            add_measure(image, &result->measures, &fovea_measure_columns[i], &complete);
        }
    }
    add_scan(image, &result->scan, &complete);
    if (result->width > 0) {
        add_number(image, "width_px", result->width, &complete);
        add_number(image, "height_px", result->height, &complete);
    }
    add_object(text, image, false, complete);
}

struct document {
    struct fovea_export export;
    size_t count;
};

static enum fv_status visit(void *visitor, const struct fovea_result *result, struct fv_error *error) {
    struct document *document = visitor;
    fovea_buffer_text(&document->export.text, document->count++ > 0 ? ",\n" : "\n");
    fovea_result_add_json(result, NULL, &document->export.text);
    return fovea_export_flush(&document->export, error);
}

enum fv_status fovea_results_write_json(const struct fovea_results *results, const char *path, struct fv_error *error) {
    struct document document = {0};
    enum fv_status status = fovea_export_begin(&document.export, path, error);
    if (status != FV_OK) {
        return status;
    }
    fovea_json_use_engine_memory(true);
    add_head(&document.export.text, results);
    fovea_buffer_text(&document.export.text, ",\"images\":[");
    status = results->source.each(results->source.context, false, visit, &document, error);
    fovea_buffer_text(&document.export.text, "\n]}\n");
    fovea_json_use_engine_memory(false);
    return fovea_export_end(&document.export, status, error);
}
