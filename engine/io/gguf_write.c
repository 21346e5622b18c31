/* Writes GGUF files, version 3: metadata and tensor infos are collected in memory, tensor data are streamed. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "gguf.h"

enum { CHUNK = 4096 }; /* elements that are converted at a time */

/* Bytes that grow. */
struct buffer {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};

struct declaration {
    const char *name;
    enum fv_type type;
    size_t elements;
    size_t bytes;
};

struct fv_writer {
    char *path;
    struct fv_output *output;
    struct fv_pool pool; /* names */
    struct fv_names keys;
    struct fv_names names;
    struct buffer metadata; /* encoded entries */
    struct buffer infos;    /* encoded tensor infos */
    struct declaration *declarations;
    size_t declared;
    size_t declaration_capacity;
    size_t data_size; /* of all declared tensors, each padded */
    size_t written;   /* tensors written so far */
    bool begun;
};

static enum fv_status out_of_memory(const struct fv_writer *writer, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", writer->path);
}

static bool append(struct buffer *buffer, const void *bytes, size_t size) {
    size_t needed;
    if (!fv_add(buffer->size, size, &needed)) {
        return false;
    }
    if (needed > buffer->capacity) {
        size_t capacity = needed < SIZE_MAX / 2 ? 2 * needed : needed;
        uint8_t *grown = fv_reallocate(buffer->bytes, buffer->size, capacity, 1);
        if (grown == NULL) {
            return false;
        }
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    if (size > 0) {
        memcpy(buffer->bytes + buffer->size, bytes, size);
    }
    buffer->size = needed;
    return true;
}

static bool append_u32(struct buffer *buffer, uint32_t value) {
    return append(buffer, &value, sizeof value);
}

static bool append_u64(struct buffer *buffer, uint64_t value) {
    return append(buffer, &value, sizeof value);
}

static bool append_string(struct buffer *buffer, const char *text) {
    size_t length = strlen(text);
    return append_u64(buffer, length) && append(buffer, text, length);
}

enum fv_status fv_writer_create(const char *path, struct fv_writer **writer, struct fv_error *error) {
    *writer = NULL;
    struct fv_writer *created = fv_allocate_zero(1, sizeof *created);
    if (created != NULL) {
        created->path = fv_duplicate(path);
    }
    if (created == NULL || created->path == NULL) {
        fv_writer_abandon(created);
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    enum fv_status status = fv_output_create(path, &created->output, error);
    if (status != FV_OK) {
        fv_writer_abandon(created);
        return status;
    }
    *writer = created;
    return FV_OK;
}

/* Remembers `name` in `names`, which refuse a second one. */
static enum fv_status remember(struct fv_writer *writer, struct fv_names *names, const char *name, const char **kept,
                               struct fv_error *error) {
    if (writer->begun) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: %s comes after the header was written", writer->path, name);
    }
    if (name[0] == '\0' || !fv_utf8_valid(name, strlen(name)) || fv_names_find(names, name, NULL)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: the name \"%s\" is empty, not UTF-8 or there already",
                            writer->path, name);
    }
    const char *copy = fv_pool_text(&writer->pool, name, strlen(name));
    if (copy == NULL || !fv_names_add(names, copy, names->count)) {
        return out_of_memory(writer, error);
    }
    *kept = copy;
    return FV_OK;
}

/* Begins an entry: key and type; for an array (`count` other than SIZE_MAX) also element type and length. */
static enum fv_status begin_entry(struct fv_writer *writer, const char *key, enum gguf_type type, size_t count,
                                  struct fv_error *error) {
    const char *kept;
    enum fv_status status = remember(writer, &writer->keys, key, &kept, error);
    if (status != FV_OK) {
        return status;
    }
    struct buffer *buffer = &writer->metadata;
    bool fits = append_string(buffer, key);
    if (count != SIZE_MAX) {
        fits = fits && append_u32(buffer, GGUF_ARRAY) && append_u32(buffer, type) && append_u64(buffer, count);
    } else {
        fits = fits && append_u32(buffer, type);
    }
    return fits ? FV_OK : out_of_memory(writer, error);
}

static enum fv_status set_value(struct fv_writer *writer, const char *key, enum gguf_type type, size_t count,
                                const void *values, size_t size, struct fv_error *error) {
    enum fv_status status = begin_entry(writer, key, type, count, error);
    if (status == FV_OK && !append(&writer->metadata, values, size)) {
        return out_of_memory(writer, error);
    }
    return status;
}

static enum fv_status append_text(struct fv_writer *writer, const char *key, const char *value,
                                  struct fv_error *error) {
    if (!fv_utf8_valid(value, strlen(value))) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: the value of %s is not UTF-8 text", writer->path, key);
    }
    return append_string(&writer->metadata, value) ? FV_OK : out_of_memory(writer, error);
}

enum fv_status fv_writer_set_string(struct fv_writer *writer, const char *key, const char *value,
                                    struct fv_error *error) {
    enum fv_status status = begin_entry(writer, key, GGUF_STRING, SIZE_MAX, error);
    return status == FV_OK ? append_text(writer, key, value, error) : status;
}

enum fv_status fv_writer_set_u32(struct fv_writer *writer, const char *key, uint32_t value, struct fv_error *error) {
    return set_value(writer, key, GGUF_U32, SIZE_MAX, &value, sizeof value, error);
}

enum fv_status fv_writer_set_f32(struct fv_writer *writer, const char *key, float value, struct fv_error *error) {
    return set_value(writer, key, GGUF_F32, SIZE_MAX, &value, sizeof value, error);
}

enum fv_status fv_writer_set_bool(struct fv_writer *writer, const char *key, bool value, struct fv_error *error) {
    uint8_t byte = value ? 1 : 0;
    return set_value(writer, key, GGUF_BOOL, SIZE_MAX, &byte, sizeof byte, error);
}

enum fv_status fv_writer_set_strings(struct fv_writer *writer, const char *key, const char *const *values, size_t count,
                                     struct fv_error *error) {
    enum fv_status status = begin_entry(writer, key, GGUF_STRING, count, error);
    for (size_t i = 0; i < count && status == FV_OK; i++) {
        status = append_text(writer, key, values[i], error);
    }
    return status;
}

enum fv_status fv_writer_set_u32s(struct fv_writer *writer, const char *key, const uint32_t *values, size_t count,
                                  struct fv_error *error) {
    return set_value(writer, key, GGUF_U32, count, values, count * sizeof *values, error);
}

enum fv_status fv_writer_set_f32s(struct fv_writer *writer, const char *key, const float *values, size_t count,
                                  struct fv_error *error) {
    return set_value(writer, key, GGUF_F32, count, values, count * sizeof *values, error);
}

enum fv_status fv_writer_copy_key(struct fv_writer *writer, const struct fv_model *model, const char *key,
                                  struct fv_error *error) {
    size_t index;
    if (strcmp(key, "general.alignment") == 0) {
        return FV_OK;
    }
    if (!fv_names_find(&model->entry_names, key, &index)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: has no metadata key %s", model->path, key);
    }
    const struct gguf_entry *entry = &model->entries[index];
    size_t count = entry->is_array ? entry->count : SIZE_MAX;
    if (entry->type != GGUF_STRING) {
        return set_value(writer, key, entry->type, count, entry->bytes, entry->count * gguf_type_size(entry->type),
                         error);
    }
    enum fv_status status = begin_entry(writer, key, GGUF_STRING, count, error);
    for (size_t i = 0; i < entry->count && status == FV_OK; i++) {
        status = append_text(writer, key, entry->strings[i], error);
    }
    return status;
}

static bool add_declaration(struct fv_writer *writer, struct declaration declaration) {
    if (writer->declared == writer->declaration_capacity) {
        size_t capacity = writer->declared == 0 ? 64 : 2 * writer->declared;
        struct declaration *grown =
            fv_reallocate(writer->declarations, writer->declared, capacity, sizeof *writer->declarations);
        if (grown == NULL) {
            return false;
        }
        writer->declarations = grown;
        writer->declaration_capacity = capacity;
    }
    writer->declarations[writer->declared++] = declaration;
    return true;
}

static size_t padded(size_t size) {
    return (size + GGUF_DEFAULT_ALIGNMENT - 1) / GGUF_DEFAULT_ALIGNMENT * GGUF_DEFAULT_ALIGNMENT;
}

/* Encodes one tensor info; the file lists the fastest dimension first. */
static bool append_info(struct fv_writer *writer, const struct declaration *declaration, const size_t *shape,
                        uint32_t rank) {
    struct buffer *infos = &writer->infos;
    bool fits = append_string(infos, declaration->name) && append_u32(infos, rank);
    for (uint32_t i = rank; i-- > 0;) {
        fits = fits && append_u64(infos, shape[i]);
    }
    return fits && append_u32(infos, (uint32_t)declaration->type) && append_u64(infos, writer->data_size);
}

/* Declares a tensor of any type. */
static enum fv_status declare(struct fv_writer *writer, const char *name, enum fv_type type, const size_t *shape,
                              uint32_t rank, struct fv_error *error) {
    struct declaration declaration = {.type = type, .elements = 1};
    bool fits = true;
    for (uint32_t i = 0; i < rank; i++) {
        fits = fits && fv_multiply(declaration.elements, shape[i], &declaration.elements);
    }
    size_t end, fastest = rank > 0 ? shape[rank - 1] : 1;
    fits = fits && gguf_tensor_bytes(type, declaration.elements, fastest, &declaration.bytes) &&
           fv_add(writer->data_size, declaration.bytes, &end) && end < SIZE_MAX - GGUF_DEFAULT_ALIGNMENT;
    if (!fits) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: the size of tensor %s overflows", writer->path, name);
    }
    enum fv_status status = remember(writer, &writer->names, name, &declaration.name, error);
    if (status != FV_OK) {
        return status;
    }
    if (!append_info(writer, &declaration, shape, rank) || !add_declaration(writer, declaration)) {
        return out_of_memory(writer, error);
    }
    writer->data_size = padded(end);
    return FV_OK;
}

enum fv_status fv_writer_declare(struct fv_writer *writer, const char *name, enum fv_type type, const size_t *shape,
                                 uint32_t rank, struct fv_error *error) {
    if ((type != FV_TYPE_F32 && type != FV_TYPE_F16) || rank > FV_MAX_RANK || strlen(name) > GGUF_NAME_LENGTH) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "%s: tensor %s cannot be written as %s of rank %" PRIu32
                            ": f32 or f16, at most %d dimensions and %d bytes of name",
                            writer->path, name, fv_type_name(type), rank, FV_MAX_RANK, GGUF_NAME_LENGTH);
    }
    return declare(writer, name, type, shape, rank, error);
}

enum fv_status fv_writer_declare_copy(struct fv_writer *writer, const struct fv_tensor *tensor,
                                      struct fv_error *error) {
    return declare(writer, tensor->name, tensor->type, tensor->shape, tensor->rank, error);
}

static enum fv_status write_padding(struct fv_writer *writer, size_t size, struct fv_error *error) {
    static const uint8_t zeros[GGUF_DEFAULT_ALIGNMENT];
    return fv_output_write(writer->output, zeros, padded(size) - size, error);
}

enum fv_status fv_writer_begin(struct fv_writer *writer, struct fv_error *error) {
    if (writer->begun) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: the header is written already", writer->path);
    }
    writer->begun = true;
    uint8_t header[24] = {'G', 'G', 'U', 'F', 3};
    uint64_t counts[2] = {writer->declared, writer->keys.count};
    memcpy(header + 8, counts, sizeof counts);
    enum fv_status status = fv_output_write(writer->output, header, sizeof header, error);
    if (status == FV_OK) {
        status = fv_output_write(writer->output, writer->metadata.bytes, writer->metadata.size, error);
    }
    if (status == FV_OK) {
        status = fv_output_write(writer->output, writer->infos.bytes, writer->infos.size, error);
    }
    size_t size = sizeof header + writer->metadata.size + writer->infos.size;
    return status == FV_OK ? write_padding(writer, size, error) : status;
}

/* Converts and writes up to CHUNK values; *bad becomes the index of the first that cannot be stored. */
static enum fv_status write_chunk(struct fv_writer *writer, enum fv_type type, const float *values, size_t count,
                                  size_t *bad, struct fv_error *error) {
    uint16_t halves[CHUNK];
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]) || (type == FV_TYPE_F16 && fabsf(values[i]) >= 65520.0f)) {
            *bad = i;
            return FV_ERROR_MODEL;
        }
        if (type == FV_TYPE_F16) {
            halves[i] = fv_float_to_half(values[i]);
        }
    }
    return type == FV_TYPE_F16 ? fv_output_write(writer->output, halves, count * sizeof *halves, error)
                               : fv_output_write(writer->output, values, count * sizeof *values, error);
}

/* Whether it is the turn of a tensor of `elements` elements. */
static enum fv_status check_turn(const struct fv_writer *writer, size_t elements, struct fv_error *error) {
    if (!writer->begun || writer->written == writer->declared) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: %s", writer->path,
                            writer->begun ? "more tensors than were declared" : "the header is not written yet");
    }
    const struct declaration *declaration = &writer->declarations[writer->written];
    if (elements != declaration->elements) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: tensor %s has %zu elements, %zu were declared", writer->path,
                            declaration->name, elements, declaration->elements);
    }
    return FV_OK;
}

enum fv_status fv_writer_copy_tensor(struct fv_writer *writer, const struct fv_tensor *tensor, struct fv_error *error) {
    enum fv_status status = check_turn(writer, tensor->elements, error);
    if (status != FV_OK) {
        return status;
    }
    const struct declaration *declaration = &writer->declarations[writer->written];
    if (strcmp(tensor->name, declaration->name) != 0 || tensor->type != declaration->type) {
        return fv_error_set(error, FV_ERROR_ARGUMENT, "%s: tensor %s comes where %s was declared", writer->path,
                            tensor->name, declaration->name);
    }
    status = fv_output_write(writer->output, tensor->data, tensor->bytes, error);
    if (status == FV_OK) {
        writer->written++;
        status = write_padding(writer, declaration->bytes, error);
    }
    return status;
}

enum fv_status fv_writer_tensor(struct fv_writer *writer, const float *values, size_t elements,
                                struct fv_error *error) {
    enum fv_status turn = check_turn(writer, elements, error);
    if (turn != FV_OK) {
        return turn;
    }
    const struct declaration *declaration = &writer->declarations[writer->written];
    for (size_t done = 0; done < elements; done += CHUNK) {
        size_t count = elements - done < CHUNK ? elements - done : CHUNK;
        size_t bad = 0;
        enum fv_status status = write_chunk(writer, declaration->type, values + done, count, &bad, error);
        if (status == FV_ERROR_MODEL) {
            return fv_error_set(error, status, "%s: tensor %s: element %zu is %g, which %s cannot hold", writer->path,
                                declaration->name, done + bad, (double)values[done + bad],
                                fv_type_name(declaration->type));
        }
        if (status != FV_OK) {
            return status;
        }
    }
    writer->written++;
    return write_padding(writer, declaration->bytes, error);
}

enum fv_status fv_writer_finish(struct fv_writer *writer, struct fv_error *error) {
    enum fv_status status;
    if (!writer->begun || writer->written != writer->declared) {
        status = fv_error_set(error, FV_ERROR_ARGUMENT, "%s: %zu of %zu declared tensors were written", writer->path,
                              writer->written, writer->declared);
    } else {
        status = fv_output_finish(writer->output, error);
        writer->output = NULL;
    }
    fv_writer_abandon(writer);
    return status;
}

void fv_writer_abandon(struct fv_writer *writer) {
    if (writer == NULL) {
        return;
    }
    fv_output_abandon(writer->output);
    fv_names_clear(&writer->keys);
    fv_names_clear(&writer->names);
    fv_pool_clear(&writer->pool);
    fv_release(writer->metadata.bytes);
    fv_release(writer->infos.bytes);
    fv_release(writer->declarations);
    fv_release(writer->path);
    fv_release(writer);
}
