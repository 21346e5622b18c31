#include "base/json_document.h"

#include <math.h>

#include "base/buffer.h"
#include "fovea/memory.h"

static void *allocate(size_t size) {
    return fv_allocate(size, 1);
}

void fovea_json_use_engine_memory(bool use) {
    cJSON_Hooks hooks = {allocate, fv_release};
    cJSON_InitHooks(use ? &hooks : NULL);
}

void fovea_json_begin(struct fovea_json *document) {
    fovea_json_use_engine_memory(true);
    document->root = cJSON_CreateObject();
    document->complete = document->root != NULL;
}

void fovea_json_string(struct fovea_json *document, cJSON *object, const char *key, const char *text) {
    struct fovea_buffer clean = {0};
    fovea_buffer_utf8(&clean, text);
    const char *bytes = clean.size > 0 ? clean.bytes : "";
    document->complete = document->complete && !clean.failed && cJSON_AddStringToObject(object, key, bytes) != NULL;
    fovea_buffer_clear(&clean);
}

void fovea_json_number(struct fovea_json *document, cJSON *object, const char *key, double value) {
    cJSON *item = isfinite(value) ? cJSON_AddNumberToObject(object, key, value) : cJSON_AddNullToObject(object, key);
    document->complete = document->complete && item != NULL;
}

void fovea_json_boolean(struct fovea_json *document, cJSON *object, const char *key, bool value) {
    document->complete = document->complete && cJSON_AddBoolToObject(object, key, value) != NULL;
}

cJSON *fovea_json_object(struct fovea_json *document, cJSON *object, const char *key) {
    cJSON *below = cJSON_AddObjectToObject(object, key);
    document->complete = document->complete && below != NULL;
    return below;
}

cJSON *fovea_json_array(struct fovea_json *document, cJSON *object, const char *key) {
    cJSON *below = cJSON_AddArrayToObject(object, key);
    document->complete = document->complete && below != NULL;
    return below;
}

bool fovea_json_append(struct fovea_json *document, cJSON *array, cJSON *item) {
    if (item == NULL || !cJSON_AddItemToArray(array, item)) {
        cJSON_Delete(item);
        document->complete = false;
        return false;
    }
    return true;
}

cJSON *fovea_json_append_object(struct fovea_json *document, cJSON *array) {
    cJSON *item = cJSON_CreateObject();
    return fovea_json_append(document, array, item) ? item : NULL;
}

void fovea_json_append_number(struct fovea_json *document, cJSON *array, double value) {
    fovea_json_append(document, array, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

void fovea_json_abandon(struct fovea_json *document) {
    cJSON_Delete(document->root);
    document->root = NULL;
    fovea_json_use_engine_memory(false);
}

enum fv_status fovea_json_end(struct fovea_json *document, const char *path, struct fv_error *error) {
    char *printed = document->complete ? cJSON_Print(document->root) : NULL;
    struct fovea_buffer text = {.failed = printed == NULL};
    if (printed != NULL) {
        fovea_buffer_text(&text, printed);
        fovea_buffer_text(&text, "\n");
    }
    cJSON_free(printed);
    fovea_json_abandon(document);
    const enum fv_status status = fovea_buffer_write(&text, path, error);
    fovea_buffer_clear(&text);
    return status;
}
