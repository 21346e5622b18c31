/* safetensors: u64 length N, N bytes of JSON, data. The JSON has a fixed form, so that this reader needs no tree:
 * {"NAME": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ..., "__metadata__": {"key": "text", ..}}. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "fovea/bytes.h"
#include "fovea/memory.h"
#include "fovea/text.h"

enum { LONGEST_HEADER = 100000000, LONGEST_NAME = 1024 };

struct range {
    size_t begin;
    size_t end;
    const char *name;
};

struct safetensors_reader {
    struct fv_checkpoint *checkpoint;
    const struct checkpoint_file *file;
    struct fv_error *error;
    const char *at; /* in the header */
    const char *end;
    const uint8_t *data;
    size_t data_size;
    struct range *ranges;
    size_t range_count;
    size_t range_capacity;
};

static size_t offset_of(const struct safetensors_reader *reader) {
    return (size_t)((const uint8_t *)reader->at - reader->file->mapping.bytes);
}

static enum fv_status broken(const struct safetensors_reader *reader, const char *expected) {
    return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: safetensors header, offset %zu: expected %s",
                        reader->file->path, offset_of(reader), expected);
}

static enum fv_status out_of_memory(const struct safetensors_reader *reader) {
    return checkpoint_out_of_memory(reader->checkpoint, reader->error);
}

static void skip_space(struct safetensors_reader *reader) {
    while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4) != NULL) {
        reader->at++;
    }
}

/* Steps over `character` if it comes next. */
static bool accept(struct safetensors_reader *reader, char character) {
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != character) {
        return false;
    }
    reader->at++;
    return true;
}

static int hexadecimal(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* One escape after its backslash. \u only for ASCII: names of tensors need no more, and metadata is not kept. */
static bool unescape(struct safetensors_reader *reader, char *character) {
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (reader->at == reader->end) {
        return false;
    }
    char letter = *reader->at++;
    if (letter == 'u') {
        int code = 0;
        for (int i = 0; i < 4; i++) {
            int digit = reader->at == reader->end ? -1 : hexadecimal(*reader->at++);
            if (digit < 0) {
                return false;
            }
            code = 16 * code + digit;
        }
        *character = (char)(code < 0x80 ? code : '?');
        return code != 0;
    }
    const char *place = letter == '\0' ? NULL : strchr(from, letter);
    *character = place == NULL ? '\0' : to[place - from];
    return place != NULL;
}

/* A JSON string; its first `size` - 1 bytes are stored, and *length tells how many it has. */
static enum fv_status take_string(struct safetensors_reader *reader, char *text, size_t size, size_t *length) {
    if (!accept(reader, '"')) {
        return broken(reader, "a string");
    }
    *length = 0;
    while (reader->at < reader->end && *reader->at != '"') {
        char character = *reader->at++;
        if ((unsigned char)character < 0x20 || (character == '\\' && !unescape(reader, &character))) {
            return broken(reader, "a valid string");
        }
        if (*length < size - 1) {
            text[*length] = character;
        }
        ++*length;
    }
    text[*length < size ? *length : size - 1] = '\0';
    return accept(reader, '"') ? FV_OK : broken(reader, "the end of a string");
}

static enum fv_status take_size(struct safetensors_reader *reader, size_t *value) {
    skip_space(reader);
    const char *begin = reader->at;
    *value = 0;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
        if (!fv_multiply(*value, 10, value) || !fv_add(*value, (size_t)(*reader->at - '0'), value)) {
            return broken(reader, "a number that fits 64 bits");
        }
        reader->at++;
    }
    return reader->at > begin ? FV_OK : broken(reader, "a whole number");
}

/* "[", up to `most` numbers, "]". */
static enum fv_status take_sizes(struct safetensors_reader *reader, size_t *values, uint32_t most, uint32_t *count) {
    *count = 0;
    if (!accept(reader, '[')) {
        return broken(reader, "a list");
    }
    if (accept(reader, ']')) {
        return FV_OK;
    }
    do {
        if (*count == most) {
            return broken(reader, "fewer dimensions");
        }
        enum fv_status status = take_size(reader, &values[(*count)++]);
        if (status != FV_OK) {
            return status;
        }
    } while (accept(reader, ','));
    return accept(reader, ']') ? FV_OK : broken(reader, "the end of a list");
}

/* Metadata is checked for its form and dropped. */
static enum fv_status skip_metadata(struct safetensors_reader *reader) {
    char text[8];
    size_t length;
    if (!accept(reader, '{')) {
        return broken(reader, "an object");
    }
    if (accept(reader, '}')) {
        return FV_OK;
    }
    do {
        enum fv_status status = take_string(reader, text, sizeof text, &length);
        if (status == FV_OK && !accept(reader, ':')) {
            return broken(reader, "a colon");
        }
        if (status == FV_OK) {
            status = take_string(reader, text, sizeof text, &length);
        }
        if (status != FV_OK) {
            return status;
        }
    } while (accept(reader, ','));
    return accept(reader, '}') ? FV_OK : broken(reader, "the end of an object");
}

static bool parse_element(const char *text, enum fv_element *element) {
    static const struct {
        const char *text;
        enum fv_element element;
    } elements[] = {
        {"F64", FV_ELEMENT_F64}, {"F32", FV_ELEMENT_F32},   {"F16", FV_ELEMENT_F16}, {"BF16", FV_ELEMENT_BF16},
        {"I64", FV_ELEMENT_I64}, {"I32", FV_ELEMENT_I32},   {"I16", FV_ELEMENT_I16}, {"I8", FV_ELEMENT_I8},
        {"U8", FV_ELEMENT_U8},   {"BOOL", FV_ELEMENT_BOOL},
    };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        if (strcmp(elements[i].text, text) == 0) {
            *element = elements[i].element;
            return true;
        }
    }
    return false;
}

/* One of the three members of a tensor's object; `seen` collects them. */
static enum fv_status take_member(struct safetensors_reader *reader, struct fv_checkpoint_tensor *tensor,
                                  size_t offsets[2], unsigned *seen) {
    char key[16];
    char type[8];
    size_t length;
    uint32_t count = 0;
    unsigned member = 0;
    enum fv_status status = take_string(reader, key, sizeof key, &length);
    if (status == FV_OK && !accept(reader, ':')) {
        return broken(reader, "a colon");
    }
    if (status != FV_OK) {
        return status;
    }
    if (strcmp(key, "dtype") == 0) {
        member = 1;
        status = take_string(reader, type, sizeof type, &length);
        if (status == FV_OK && !parse_element(type, &tensor->element)) {
            return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED, "%s: tensor %s has element type %s",
                                reader->file->path, tensor->name, type);
        }
    } else if (strcmp(key, "shape") == 0) {
        member = 2;
        status = take_sizes(reader, tensor->shape, FV_CHECKPOINT_MAX_RANK, &tensor->rank);
    } else if (strcmp(key, "data_offsets") == 0) {
        member = 4;
        status = take_sizes(reader, offsets, 2, &count);
    }
    if (status == FV_OK && (member == 0 || (*seen & member) != 0 || (member == 4 && count != 2))) {
        return broken(reader, "dtype, shape and two data_offsets, each once");
    }
    *seen |= member;
    return status;
}

/* Computes strides and sizes, and checks them against the offsets. */
static enum fv_status finish_tensor(struct safetensors_reader *reader, struct fv_checkpoint_tensor *tensor,
                                    const size_t offsets[2]) {
    size_t bytes;
    bool fits = true;
    tensor->elements = 1;
    for (uint32_t i = FV_CHECKPOINT_MAX_RANK; i-- > 0;) {
        if (i >= tensor->rank) {
            tensor->shape[i] = 1;
            continue;
        }
        tensor->strides[i] = tensor->elements;
        fits = fits && fv_multiply(tensor->elements, tensor->shape[i], &tensor->elements);
    }
    fits = fits && fv_multiply(tensor->elements, fv_element_size(tensor->element), &bytes);
    if (!fits || offsets[0] > offsets[1] || offsets[1] > reader->data_size || offsets[1] - offsets[0] != bytes) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: tensor %s: data offsets %zu to %zu of %zu bytes do not hold its shape",
                            reader->file->path, tensor->name, offsets[0], offsets[1], reader->data_size);
    }
    tensor->data = reader->data + offsets[0];
    if (reader->range_count == reader->range_capacity) {
        size_t capacity = reader->range_capacity == 0 ? 256 : 2 * reader->range_capacity;
        struct range *grown = fv_reallocate(reader->ranges, reader->range_count, capacity, sizeof *grown);
        if (grown == NULL) {
            return out_of_memory(reader);
        }
        reader->ranges = grown;
        reader->range_capacity = capacity;
    }
    reader->ranges[reader->range_count++] = (struct range){offsets[0], offsets[1], tensor->name};
    return checkpoint_add_tensor(reader->checkpoint, reader->file->path, tensor, reader->error);
}

/* One entry of the header. */
static enum fv_status take_entry(struct safetensors_reader *reader, bool *has_metadata) {
    char name[LONGEST_NAME];
    size_t length = 0;
    enum fv_status status = take_string(reader, name, sizeof name, &length);
    if (status == FV_OK && (length == 0 || length >= sizeof name || !fv_utf8_valid(name, length))) {
        return broken(reader, "a name of 1 to 1023 bytes of UTF-8");
    }
    if (status == FV_OK && !accept(reader, ':')) {
        return broken(reader, "a colon");
    }
    if (status != FV_OK) {
        return status;
    }
    if (strcmp(name, "__metadata__") == 0) {
        if (*has_metadata) {
            return broken(reader, "__metadata__ once");
        }
        *has_metadata = true;
        return skip_metadata(reader);
    }
    struct fv_checkpoint_tensor tensor = {0};
    size_t offsets[2] = {0};
    unsigned seen = 0;
    tensor.name = fv_pool_text(&reader->checkpoint->pool, name, length);
    if (tensor.name == NULL) {
        return out_of_memory(reader);
    }
    if (!accept(reader, '{')) {
        return broken(reader, "an object");
    }
    do {
        status = take_member(reader, &tensor, offsets, &seen);
    } while (status == FV_OK && accept(reader, ','));
    if (status != FV_OK) {
        return status;
    }
    if (!accept(reader, '}') || seen != 7) {
        return broken(reader, "an object of dtype, shape and data_offsets");
    }
    return finish_tensor(reader, &tensor, offsets);
}

static enum fv_status read_header(struct safetensors_reader *reader) {
    bool has_metadata = false;
    enum fv_status status = FV_OK;
    accept(reader, '{');
    if (!accept(reader, '}')) {
        do {
            status = take_entry(reader, &has_metadata);
        } while (status == FV_OK && accept(reader, ','));
        if (status == FV_OK && !accept(reader, '}')) {
            return broken(reader, "the end of the header");
        }
    }
    skip_space(reader);
    return status == FV_OK && reader->at != reader->end ? broken(reader, "nothing after the header's object") : status;
}

static int compare_ranges(const void *left, const void *right) {
    const struct range *a = left;
    const struct range *b = right;
    if (a->begin != b->begin) {
        return a->begin < b->begin ? -1 : 1;
    }
    return a->end < b->end ? -1 : a->end > b->end;
}

/* The tensors tile the data: no hole, no overlap, nothing after the last. */
static enum fv_status check_ranges(const struct safetensors_reader *reader) {
    size_t end = 0;
    if (reader->range_count > 0) {
        qsort(reader->ranges, reader->range_count, sizeof *reader->ranges, compare_ranges);
    }
    for (size_t i = 0; i < reader->range_count; i++) {
        const struct range *range = &reader->ranges[i];
        if (range->begin != end) {
            return fv_error_set(reader->error, FV_ERROR_FORMAT,
                                "%s: tensor %s begins at %zu of the data, expected %zu: %s", reader->file->path,
                                range->name, range->begin, end,
                                range->begin < end ? "tensors overlap" : "there is a hole");
        }
        end = range->end;
    }
    if (end != reader->data_size) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: the tensors end at %zu of %zu bytes of data",
                            reader->file->path, end, reader->data_size);
    }
    if (reader->range_count == 0) {
        return fv_error_set(reader->error, FV_ERROR_MODEL, "%s: holds no tensors", reader->file->path);
    }
    return FV_OK;
}

enum fv_status safetensors_read(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file,
                                struct fv_error *error) {
    const struct fv_mapping *mapping = &file->mapping;
    uint64_t length = fv_load_u64(mapping->bytes);
    if (length > LONGEST_HEADER || length > mapping->size - 8) {
        return fv_error_set(error, FV_ERROR_FORMAT,
                            "%s: safetensors: the header's length is %" PRIu64 ", at most %zu possible", file->path,
                            length, mapping->size - 8 < LONGEST_HEADER ? mapping->size - 8 : (size_t)LONGEST_HEADER);
    }
    struct safetensors_reader reader = {
        .checkpoint = checkpoint,
        .file = file,
        .error = error,
        .at = (const char *)mapping->bytes + 8,
        .end = (const char *)mapping->bytes + 8 + length,
        .data = mapping->bytes + 8 + length,
        .data_size = mapping->size - 8 - (size_t)length,
    };
    checkpoint->container = "safetensors";
    enum fv_status status = read_header(&reader);
    if (status == FV_OK) {
        status = check_ranges(&reader);
    }
    fv_release(reader.ranges);
    return status;
}
