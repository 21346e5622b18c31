/* Opens GGUF files: every structural rule is checked here, so that nobody else has to. */
#include "gguf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/bytes.h"
#include "fovea/memory.h"
#include "fovea/text.h"

enum { Q8_0_ELEMENTS = 32, Q8_0_BYTES = 34 };

/* Fewest bytes that one entry or one tensor info can take: they bound the counts in the header before anything is
 * allocated. */
enum { SMALLEST_ENTRY = 8 + 4 + 1, SMALLEST_TENSOR = 8 + 4 + 4 + 8 };

/* Where the reader stands. */
struct reader {
    struct fv_model *model;
    size_t at;
    size_t alignment;
    struct fv_error *error;
};

const char *fv_type_name(enum fv_type type) {
    switch (type) {
    case FV_TYPE_F32:
        return "f32";
    case FV_TYPE_F16:
        return "f16";
    case FV_TYPE_Q8_0:
        return "q8_0";
    case FV_TYPE_I32:
        return "i32";
    case FV_TYPE_I64:
        return "i64";
    case FV_TYPE_BF16:
        return "bf16";
    }
    return "unknown";
}

size_t gguf_type_size(enum gguf_type type) {
    switch (type) {
    case GGUF_U8:
    case GGUF_I8:
    case GGUF_BOOL:
        return 1;
    case GGUF_U16:
    case GGUF_I16:
        return 2;
    case GGUF_U32:
    case GGUF_I32:
    case GGUF_F32:
        return 4;
    case GGUF_U64:
    case GGUF_I64:
    case GGUF_F64:
        return 8;
    case GGUF_STRING:
    case GGUF_ARRAY:
    case GGUF_TYPE_COUNT:
        break;
    }
    return 0;
}

bool gguf_tensor_bytes(enum fv_type type, size_t elements, size_t fastest, size_t *size) {
    switch (type) {
    case FV_TYPE_F32:
    case FV_TYPE_I32:
        return fv_multiply(elements, 4, size);
    case FV_TYPE_F16:
    case FV_TYPE_BF16:
        return fv_multiply(elements, 2, size);
    case FV_TYPE_I64:
        return fv_multiply(elements, 8, size);
    case FV_TYPE_Q8_0:
        return fastest % Q8_0_ELEMENTS == 0 && fv_multiply(elements / Q8_0_ELEMENTS, Q8_0_BYTES, size);
    }
    return false;
}

static size_t bytes_left(const struct reader *reader) {
    return reader->model->mapping.size - reader->at;
}

static enum fv_status out_of_memory(const struct reader *reader) {
    return fv_error_set(reader->error, FV_ERROR_MEMORY, "%s: out of memory", reader->model->path);
}

/* Steps over `size` bytes and stores where they begin. */
static enum fv_status take(struct reader *reader, size_t size, const uint8_t **bytes, const char *what) {
    if (size > bytes_left(reader)) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: ends inside %s: %zu bytes expected at offset %zu, %zu left", reader->model->path, what,
                            size, reader->at, bytes_left(reader));
    }
    *bytes = reader->model->mapping.bytes + reader->at;
    reader->at += size;
    return FV_OK;
}

static enum fv_status take_u32(struct reader *reader, uint32_t *value, const char *what) {
    const uint8_t *bytes = NULL;
    enum fv_status status = take(reader, sizeof *value, &bytes, what);
    if (status == FV_OK) {
        *value = fv_load_u32(bytes);
    }
    return status;
}

static enum fv_status take_u64(struct reader *reader, uint64_t *value, const char *what) {
    const uint8_t *bytes = NULL;
    enum fv_status status = take(reader, sizeof *value, &bytes, what);
    if (status == FV_OK) {
        *value = fv_load_u64(bytes);
    }
    return status;
}

static enum fv_status take_string(struct reader *reader, char **text, const char *what) {
    uint64_t length = 0;
    const uint8_t *bytes = NULL;
    size_t begin = reader->at;
    enum fv_status status = take_u64(reader, &length, what);
    if (status == FV_OK && length > bytes_left(reader)) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: the length of %s at offset %zu is %" PRIu64 ", but %zu bytes are left",
                            reader->model->path, what, begin, length, bytes_left(reader));
    }
    if (status == FV_OK) {
        status = take(reader, (size_t)length, &bytes, what);
    }
    if (status != FV_OK) {
        return status;
    }
    if (!fv_utf8_valid((const char *)bytes, (size_t)length)) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: %s at offset %zu is not UTF-8 text",
                            reader->model->path, what, begin);
    }
    *text = fv_pool_text(&reader->model->pool, (const char *)bytes, (size_t)length);
    return *text == NULL ? out_of_memory(reader) : FV_OK;
}

/* Reads the elements of `entry`, whose type and count are known. */
static enum fv_status read_elements(struct reader *reader, struct gguf_entry *entry) {
    const char *path = reader->model->path;
    size_t size = gguf_type_size(entry->type);
    if (entry->type != GGUF_STRING && size == 0) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED, "%s: metadata key %s: %s", path, entry->key,
                            entry->type == GGUF_ARRAY ? "arrays of arrays are not supported" : "unknown value type");
    }
    if (entry->count > bytes_left(reader) / (size == 0 ? 8 : size)) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: metadata key %s at offset %zu: %zu values do not fit into the %zu bytes left", path,
                            entry->key, reader->at, entry->count, bytes_left(reader));
    }
    if (entry->type == GGUF_STRING) {
        entry->strings = fv_pool_take(&reader->model->pool, entry->count, sizeof *entry->strings);
        if (entry->strings == NULL) {
            return out_of_memory(reader);
        }
        enum fv_status status = FV_OK;
        for (size_t i = 0; i < entry->count && status == FV_OK; i++) {
            status = take_string(reader, &entry->strings[i], "a metadata string");
        }
        return status;
    }
    size_t begin = reader->at;
    enum fv_status status = take(reader, entry->count * size, &entry->bytes, "a metadata value");
    for (size_t i = 0; status == FV_OK && entry->type == GGUF_BOOL && i < entry->count; i++) {
        if (entry->bytes[i] > 1) {
            status = fv_error_set(reader->error, FV_ERROR_FORMAT,
                                  "%s: metadata key %s at offset %zu: a boolean is %u, expected 0 or 1", path,
                                  entry->key, begin + i, entry->bytes[i]);
        }
    }
    return status;
}

static enum fv_status read_entry(struct reader *reader, struct gguf_entry *entry) {
    char *key = NULL;
    size_t begin = reader->at;
    enum fv_status status = take_string(reader, &key, "a metadata key");
    if (status != FV_OK) {
        return status;
    }
    entry->key = key;
    if (key[0] == '\0' || fv_names_find(&reader->model->entry_names, key, NULL)) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: metadata key %s at offset %zu: %s",
                            reader->model->path, key[0] == '\0' ? "(empty)" : key, begin,
                            key[0] == '\0' ? "a key must have a name" : "the key is there twice");
    }
    uint32_t type;
    uint64_t count = 1;
    status = take_u32(reader, &type, "the type of a metadata value");
    if (status == FV_OK && type == GGUF_ARRAY) {
        entry->is_array = true;
        status = take_u32(reader, &type, "the element type of a metadata array");
        if (status == FV_OK) {
            status = take_u64(reader, &count, "the length of a metadata array");
        }
    }
    if (status != FV_OK) {
        return status;
    }
    entry->type = type < GGUF_TYPE_COUNT ? (enum gguf_type)type : GGUF_TYPE_COUNT;
    entry->count = (size_t)count;
    return read_elements(reader, entry);
}

static enum fv_status read_entries(struct reader *reader) {
    struct fv_model *model = reader->model;
    model->entries = fv_pool_take(&model->pool, model->entry_count, sizeof *model->entries);
    if (model->entries == NULL) {
        return out_of_memory(reader);
    }
    for (size_t i = 0; i < model->entry_count; i++) {
        enum fv_status status = read_entry(reader, &model->entries[i]);
        if (status != FV_OK) {
            return status;
        }
        if (!fv_names_add(&model->entry_names, model->entries[i].key, i)) {
            return out_of_memory(reader);
        }
    }
    return FV_OK;
}

static enum fv_status find_alignment(struct reader *reader) {
    size_t index;
    reader->alignment = GGUF_DEFAULT_ALIGNMENT;
    if (!fv_names_find(&reader->model->entry_names, "general.alignment", &index)) {
        return FV_OK;
    }
    const struct gguf_entry *entry = &reader->model->entries[index];
    if (entry->type != GGUF_U32 || entry->is_array) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: metadata key general.alignment is not a u32",
                            reader->model->path);
    }
    uint32_t alignment = fv_load_u32(entry->bytes);
    if (alignment < GGUF_MINIMUM_ALIGNMENT || (alignment & (alignment - 1)) != 0) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: general.alignment is %" PRIu32 ", expected a power of two from 8 on",
                            reader->model->path, alignment);
    }
    reader->alignment = alignment;
    return FV_OK;
}

/* Reads the dimensions (the fastest first in the file) and computes the number of elements. */
static enum fv_status read_shape(struct reader *reader, struct fv_tensor *tensor) {
    enum fv_status status = take_u32(reader, &tensor->rank, "the rank of a tensor");
    if (status != FV_OK) {
        return status;
    }
    if (tensor->rank > FV_MAX_RANK) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: tensor %s has %" PRIu32 " dimensions, at most %d allowed", reader->model->path,
                            tensor->name, tensor->rank, FV_MAX_RANK);
    }
    tensor->elements = 1;
    for (uint32_t i = 0; i < FV_MAX_RANK; i++) {
        tensor->shape[i] = 1;
    }
    for (uint32_t i = tensor->rank; i-- > 0;) {
        uint64_t dimension;
        status = take_u64(reader, &dimension, "the dimensions of a tensor");
        if (status != FV_OK) {
            return status;
        }
        tensor->shape[i] = (size_t)dimension;
        if (!fv_multiply(tensor->elements, tensor->shape[i], &tensor->elements)) {
            return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: the dimensions of tensor %s overflow",
                                reader->model->path, tensor->name);
        }
    }
    return FV_OK;
}

/* Reads one tensor info; the offset, relative to the data section, is left in *offset. */
static enum fv_status read_tensor(struct reader *reader, struct fv_tensor *tensor, uint64_t *offset) {
    char *name = NULL;
    uint32_t type;
    const char *path = reader->model->path;
    size_t begin = reader->at;
    enum fv_status status = take_string(reader, &name, "a tensor name");
    if (status != FV_OK) {
        return status;
    }
    tensor->name = name;
    if (name[0] == '\0' || strlen(name) > GGUF_NAME_LENGTH) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: the tensor name at offset %zu has %zu bytes, expected 1 to %d", path, begin,
                            strlen(name), GGUF_NAME_LENGTH);
    }
    if (fv_names_find(&reader->model->tensor_names, name, NULL)) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: tensor %s is there twice", path, name);
    }
    status = read_shape(reader, tensor);
    if (status == FV_OK) {
        status = take_u32(reader, &type, "the type of a tensor");
    }
    if (status == FV_OK) {
        status = take_u64(reader, offset, "the offset of a tensor");
    }
    if (status != FV_OK) {
        return status;
    }
    tensor->type = (enum fv_type)type;
    if (strcmp(fv_type_name(tensor->type), "unknown") == 0) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED,
                            "%s: tensor %s has element type %" PRIu32 ", which is not supported", path, name, type);
    }
    size_t fastest = tensor->rank > 0 ? tensor->shape[tensor->rank - 1] : 1;
    if (!gguf_tensor_bytes(tensor->type, tensor->elements, fastest, &tensor->bytes)) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: tensor %s: %zu elements of type %s, rows of %zu, %s",
                            path, name, tensor->elements, fv_type_name(tensor->type), fastest,
                            tensor->type == FV_TYPE_Q8_0 ? "do not fill whole blocks" : "overflow");
    }
    return FV_OK;
}

/* Turns the offsets into addresses, once the data section's begin is known. */
static enum fv_status place_tensors(struct reader *reader, const uint64_t *offsets) {
    struct fv_model *model = reader->model;
    size_t padding = (reader->alignment - reader->at % reader->alignment) % reader->alignment;
    /* A file without tensor data may end before the padding. */
    size_t begin = padding < bytes_left(reader) ? reader->at + padding : model->mapping.size;
    size_t available = model->mapping.size - begin;
    for (size_t i = 0; i < model->tensor_count; i++) {
        struct fv_tensor *tensor = &model->tensors[i];
        if (offsets[i] % reader->alignment != 0) {
            return fv_error_set(reader->error, FV_ERROR_FORMAT,
                                "%s: tensor %s begins at offset %" PRIu64 " of the data, not a multiple of %zu",
                                model->path, tensor->name, offsets[i], reader->alignment);
        }
        if (offsets[i] > available || tensor->bytes > available - (size_t)offsets[i]) {
            return fv_error_set(reader->error, FV_ERROR_FORMAT,
                                "%s: tensor %s (%zu bytes at offset %" PRIu64
                                " of the data) ends outside the file, which holds %zu bytes of data",
                                model->path, tensor->name, tensor->bytes, offsets[i], available);
        }
        tensor->data = model->mapping.bytes + begin + (size_t)offsets[i];
    }
    return FV_OK;
}

static int compare_places(const void *left, const void *right) {
    const struct fv_tensor *a = *(const struct fv_tensor *const *)left;
    const struct fv_tensor *b = *(const struct fv_tensor *const *)right;
    uintptr_t first = (uintptr_t)a->data;
    uintptr_t second = (uintptr_t)b->data;
    return first < second ? -1 : first > second;
}

static enum fv_status check_overlap(struct reader *reader) {
    struct fv_model *model = reader->model;
    const struct fv_tensor **order = fv_allocate(model->tensor_count, sizeof *order);
    if (order == NULL) {
        return out_of_memory(reader);
    }
    size_t count = 0;
    for (size_t i = 0; i < model->tensor_count; i++) {
        if (model->tensors[i].bytes > 0) {
            order[count++] = &model->tensors[i];
        }
    }
    qsort(order, count, sizeof *order, compare_places);
    enum fv_status status = FV_OK;
    for (size_t i = 1; i < count && status == FV_OK; i++) {
        uintptr_t end = (uintptr_t)order[i - 1]->data + order[i - 1]->bytes;
        if (end > (uintptr_t)order[i]->data) {
            status = fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: tensors %s and %s overlap", model->path,
                                  order[i - 1]->name, order[i]->name);
        }
    }
    fv_release(order);
    return status;
}

static enum fv_status read_tensors(struct reader *reader) {
    struct fv_model *model = reader->model;
    uint64_t *offsets = fv_pool_take(&model->pool, model->tensor_count, sizeof *offsets);
    model->tensors = fv_pool_take(&model->pool, model->tensor_count, sizeof *model->tensors);
    if (offsets == NULL || model->tensors == NULL) {
        return out_of_memory(reader);
    }
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < model->tensor_count; i++) {
        status = read_tensor(reader, &model->tensors[i], &offsets[i]);
        if (status != FV_OK) {
            return status;
        }
        if (!fv_names_add(&model->tensor_names, model->tensors[i].name, i)) {
            return out_of_memory(reader);
        }
    }
    status = place_tensors(reader, offsets);
    return status == FV_OK ? check_overlap(reader) : status;
}

static enum fv_status read_header(struct reader *reader) {
    struct fv_model *model = reader->model;
    const uint8_t *magic = NULL;
    uint32_t version;
    uint64_t tensors;
    uint64_t entries;
    enum fv_status status = take(reader, 4, &magic, "the header");
    if (status != FV_OK || memcmp(magic, "GGUF", 4) != 0) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: is not a GGUF file: it does not begin with \"GGUF\"",
                            model->path);
    }
    status = take_u32(reader, &version, "the header");
    if (status == FV_OK && version != 2 && version != 3) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED, "%s: GGUF version %" PRIu32 "%s, expected 3 or 2",
                            model->path, version, version > 0xFFFF ? " (a big-endian file?)" : "");
    }
    if (status == FV_OK) {
        status = take_u64(reader, &tensors, "the header");
    }
    if (status == FV_OK) {
        status = take_u64(reader, &entries, "the header");
    }
    if (status != FV_OK) {
        return status;
    }
    if (tensors > bytes_left(reader) / SMALLEST_TENSOR || entries > bytes_left(reader) / SMALLEST_ENTRY) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: the header promises %" PRIu64 " tensors and %" PRIu64
                            " metadata entries, which do not fit into %zu bytes",
                            model->path, tensors, entries, model->mapping.size);
    }
    model->tensor_count = (size_t)tensors;
    model->entry_count = (size_t)entries;
    return FV_OK;
}

static enum fv_status read_model(struct fv_model *model, struct fv_error *error) {
    struct reader reader = {.model = model, .error = error};
    enum fv_status status = fv_file_map(model->path, &model->mapping, error);
    if (status == FV_OK) {
        status = read_header(&reader);
    }
    if (status == FV_OK) {
        status = read_entries(&reader);
    }
    if (status == FV_OK) {
        status = find_alignment(&reader);
    }
    return status == FV_OK ? read_tensors(&reader) : status;
}

enum fv_status fv_model_open(const char *path, struct fv_model **model, struct fv_error *error) {
    *model = NULL;
    struct fv_model *opened = fv_allocate_zero(1, sizeof *opened);
    if (opened != NULL) {
        opened->path = fv_duplicate(path);
    }
    if (opened == NULL || opened->path == NULL) {
        fv_release(opened);
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    enum fv_status status = read_model(opened, error);
    if (status != FV_OK) {
        fv_model_close(opened);
        return status;
    }
    *model = opened;
    return FV_OK;
}

void fv_model_close(struct fv_model *model) {
    if (model == NULL) {
        return;
    }
    fv_names_clear(&model->entry_names);
    fv_names_clear(&model->tensor_names);
    fv_pool_clear(&model->pool);
    fv_file_unmap(&model->mapping);
    fv_release(model->path);
    fv_release(model);
}

const char *fv_model_path(const struct fv_model *model) {
    return model->path;
}

size_t fv_model_file_size(const struct fv_model *model) {
    return model->mapping.size;
}

size_t fv_model_tensor_count(const struct fv_model *model) {
    return model->tensor_count;
}

const struct fv_tensor *fv_model_tensor_at(const struct fv_model *model, size_t index) {
    return index < model->tensor_count ? &model->tensors[index] : NULL;
}

const struct fv_tensor *fv_model_tensor(const struct fv_model *model, const char *name) {
    size_t index;
    return fv_names_find(&model->tensor_names, name, &index) ? &model->tensors[index] : NULL;
}
