/* Getters for the metadata of an open GGUF file. */
#include "gguf.h"

#include <inttypes.h>
#include <limits.h>

#include "fovea/bytes.h"

static const struct gguf_entry *find_entry(const struct fv_model *model, const char *key, bool is_array) {
    size_t index;
    if (!fv_names_find(&model->entry_names, key, &index) || model->entries[index].is_array != is_array) {
        return NULL;
    }
    return &model->entries[index];
}

static bool element_string(const struct gguf_entry *entry, size_t index, const char **value) {
    if (entry == NULL || entry->type != GGUF_STRING || index >= entry->count) {
        return false;
    }
    *value = entry->strings[index];
    return true;
}

static bool element_integer(const struct gguf_entry *entry, size_t index, int64_t *value) {
    if (entry == NULL || index >= entry->count) {
        return false;
    }
    const uint8_t *bytes = entry->bytes;
    switch (entry->type) {
    case GGUF_U8:
        *value = bytes[index];
        return true;
    case GGUF_I8:
        *value = (int8_t)bytes[index];
        return true;
    case GGUF_U16:
        *value = fv_load_u16(bytes + 2 * index);
        return true;
    case GGUF_I16:
        *value = (int16_t)fv_load_u16(bytes + 2 * index);
        return true;
    case GGUF_U32:
        *value = fv_load_u32(bytes + 4 * index);
        return true;
    case GGUF_I32:
        *value = (int32_t)fv_load_u32(bytes + 4 * index);
        return true;
    case GGUF_U64:
        if (fv_load_u64(bytes + 8 * index) > INT64_MAX) {
            return false;
        }
        *value = (int64_t)fv_load_u64(bytes + 8 * index);
        return true;
    case GGUF_I64:
        *value = (int64_t)fv_load_u64(bytes + 8 * index);
        return true;
    case GGUF_F32:
    case GGUF_F64:
    case GGUF_BOOL:
    case GGUF_STRING:
    case GGUF_ARRAY:
    case GGUF_TYPE_COUNT:
        break;
    }
    return false;
}

static bool element_number(const struct gguf_entry *entry, size_t index, double *value) {
    if (entry == NULL || index >= entry->count) {
        return false;
    }
    if (entry->type == GGUF_F32) {
        *value = (double)fv_load_f32(entry->bytes + 4 * index);
        return true;
    }
    if (entry->type == GGUF_F64) {
        *value = fv_load_f64(entry->bytes + 8 * index);
        return true;
    }
    return false;
}

bool fv_model_has(const struct fv_model *model, const char *key) {
    return fv_names_find(&model->entry_names, key, NULL);
}

bool fv_model_string(const struct fv_model *model, const char *key, const char **value) {
    return element_string(find_entry(model, key, false), 0, value);
}

bool fv_model_integer(const struct fv_model *model, const char *key, int64_t *value) {
    return element_integer(find_entry(model, key, false), 0, value);
}

bool fv_model_number(const struct fv_model *model, const char *key, double *value) {
    return element_number(find_entry(model, key, false), 0, value);
}

bool fv_model_boolean(const struct fv_model *model, const char *key, bool *value) {
    const struct gguf_entry *entry = find_entry(model, key, false);
    if (entry == NULL || entry->type != GGUF_BOOL) {
        return false;
    }
    *value = entry->bytes[0] != 0;
    return true;
}

long fv_model_array_length(const struct fv_model *model, const char *key) {
    const struct gguf_entry *entry = find_entry(model, key, true);
    return entry == NULL || entry->count > LONG_MAX ? -1 : (long)entry->count;
}

bool fv_model_array_string(const struct fv_model *model, const char *key, size_t index, const char **value) {
    return element_string(find_entry(model, key, true), index, value);
}

bool fv_model_array_integer(const struct fv_model *model, const char *key, size_t index, int64_t *value) {
    return element_integer(find_entry(model, key, true), index, value);
}

bool fv_model_array_number(const struct fv_model *model, const char *key, size_t index, double *value) {
    return element_number(find_entry(model, key, true), index, value);
}

size_t fv_model_key_count(const struct fv_model *model) {
    return model->entry_count;
}

const char *fv_model_key_at(const struct fv_model *model, size_t index) {
    return index < model->entry_count ? model->entries[index].key : NULL;
}

/* The error of a key that is missing or of another type than `expected`. */
static enum fv_status unfit(const struct fv_model *model, const char *key, const char *expected,
                            struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MODEL, "%s: metadata key %s %s, expected %s", model->path, key,
                        fv_model_has(model, key) ? "has another type" : "is missing", expected);
}

enum fv_status fv_model_require_string(const struct fv_model *model, const char *key, const char **value,
                                       struct fv_error *error) {
    return fv_model_string(model, key, value) ? FV_OK : unfit(model, key, "a string", error);
}

enum fv_status fv_model_require_size(const struct fv_model *model, const char *key, size_t low, size_t high,
                                     size_t *value, struct fv_error *error) {
    int64_t found;
    if (!fv_model_integer(model, key, &found)) {
        return unfit(model, key, "an integer", error);
    }
    if (found < 0 || (uint64_t)found < low || (uint64_t)found > high) {
        return fv_error_set(error, FV_ERROR_MODEL,
                            "%s: metadata key %s is %" PRId64 ", expected an integer from %zu to %zu", model->path, key,
                            found, low, high);
    }
    *value = (size_t)found;
    return FV_OK;
}

enum fv_status fv_model_require_number(const struct fv_model *model, const char *key, double *value,
                                       struct fv_error *error) {
    return fv_model_number(model, key, value) ? FV_OK : unfit(model, key, "a floating-point number", error);
}
