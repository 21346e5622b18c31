/* Reads .npy files as float32. */
#include "fovea/npy.h"

#include <stdbool.h>
#include <string.h>

#include "fovea/bytes.h"
#include "fovea/file.h"
#include "fovea/memory.h"
#include "fovea/model.h"

/* What the header says. */
struct header {
    char kind; /* 'b', 'i', 'u' or 'f' */
    size_t item_size;
    bool swapped; /* big-endian */
    bool fortran_order;
    bool has_descr, has_order, has_shape;
};

/* The header's text, read from left to right. */
struct scanner {
    const char *at;
    const char *end;
};

static void skip_space(struct scanner *scanner) {
    while (scanner->at < scanner->end && (*scanner->at == ' ' || *scanner->at == '\n')) {
        scanner->at++;
    }
}

/* Steps over `text` if it comes next. */
static bool accept(struct scanner *scanner, const char *text) {
    skip_space(scanner);
    size_t length = strlen(text);
    if ((size_t)(scanner->end - scanner->at) < length || memcmp(scanner->at, text, length) != 0) {
        return false;
    }
    scanner->at += length;
    return true;
}

/* A quoted string without escapes; its bytes are *text, *length. */
static bool accept_string(struct scanner *scanner, const char **text, size_t *length) {
    skip_space(scanner);
    if (scanner->at == scanner->end || (*scanner->at != '\'' && *scanner->at != '"')) {
        return false;
    }
    const char *begin = scanner->at + 1;
    const char *end = memchr(begin, *scanner->at, (size_t)(scanner->end - begin));
    if (end == NULL) {
        return false;
    }
    *text = begin;
    *length = (size_t)(end - begin);
    scanner->at = end + 1;
    return true;
}

static bool accept_size(struct scanner *scanner, size_t *value) {
    skip_space(scanner);
    const char *begin = scanner->at;
    size_t number = 0;
    while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9') {
        if (!fv_multiply(number, 10, &number) || !fv_add(number, (size_t)(*scanner->at - '0'), &number)) {
            return false;
        }
        scanner->at++;
    }
    *value = number;
    return scanner->at > begin;
}

/* "(", sizes with commas, ")". */
static bool accept_shape(struct scanner *scanner, struct fv_npy *array, bool *too_many) {
    if (!accept(scanner, "(")) {
        return false;
    }
    array->rank = 0;
    while (!accept(scanner, ")")) {
        size_t size;
        if (!accept_size(scanner, &size)) {
            return false;
        }
        if (array->rank == FV_NPY_MAX_RANK) {
            *too_many = true;
            return false;
        }
        array->shape[array->rank++] = size;
        if (!accept(scanner, ",")) {
            return accept(scanner, ")") && array->rank > 1;
        }
    }
    return true;
}

/* "<f4" and its like. Structures come as lists and fail in accept_string. */
static bool accept_descr(struct scanner *scanner, struct header *header, const char **text, size_t *length) {
    if (!accept_string(scanner, text, length)) {
        return false;
    }
    if (*length != 3 || strchr("<>|=", (*text)[0]) == NULL || strchr("biuf", (*text)[1]) == NULL) {
        return false;
    }
    header->kind = (*text)[1];
    header->item_size = (size_t)((*text)[2] - '0');
    header->swapped = (*text)[0] == '>';
    switch (header->item_size) {
    case 1:
        return header->kind != 'f';
    case 2:
    case 4:
    case 8:
        return header->kind != 'b';
    default:
        return false;
    }
}

static enum fv_status parse_header(const char *path, struct scanner scanner, struct header *header,
                                   struct fv_npy *array, struct fv_error *error) {
    bool fine = accept(&scanner, "{");
    while (fine && !accept(&scanner, "}")) {
        const char *key;
        size_t length;
        fine = accept_string(&scanner, &key, &length) && accept(&scanner, ":");
        if (fine && length == 5 && memcmp(key, "descr", 5) == 0 && !header->has_descr) {
            const char *text = "(not a string)";
            length = strlen(text);
            header->has_descr = true;
            if (!accept_descr(&scanner, header, &text, &length)) {
                return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                                    "%s: element type %.*s is not supported, expected numbers such as <f4", path,
                                    length < 40 ? (int)length : 40, text);
            }
        } else if (fine && length == 13 && memcmp(key, "fortran_order", 13) == 0 && !header->has_order) {
            header->has_order = true;
            header->fortran_order = accept(&scanner, "True");
            fine = header->fortran_order || accept(&scanner, "False");
        } else if (fine && length == 5 && memcmp(key, "shape", 5) == 0 && !header->has_shape) {
            bool too_many = false;
            header->has_shape = true;
            fine = accept_shape(&scanner, array, &too_many);
            if (too_many) {
                return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: more than %d dimensions", path, FV_NPY_MAX_RANK);
            }
        } else {
            fine = false;
        }
        if (fine && !accept(&scanner, ",")) {
            fine = accept(&scanner, "}");
            break;
        }
    }
    skip_space(&scanner);
    if (!fine || scanner.at != scanner.end || !header->has_descr || !header->has_order || !header->has_shape) {
        return fv_error_set(error, FV_ERROR_FORMAT,
                            "%s: the .npy header is broken: expected exactly descr, fortran_order and shape", path);
    }
    return FV_OK;
}

/* The integer of `size` bytes at `bytes`, sign-extended if `is_signed`, as a float. */
static float integer_value(uint64_t bits, size_t size, bool is_signed) {
    if (!is_signed) {
        return (float)bits;
    }
    unsigned shift = (unsigned)(64 - 8 * size);
    return (float)((int64_t)(bits << shift) >> shift);
}

static float element_value(const struct header *header, const uint8_t *bytes) {
    uint64_t bits = 0;
    for (size_t i = 0; i < header->item_size; i++) {
        size_t place = header->swapped ? header->item_size - 1 - i : i;
        bits |= (uint64_t)bytes[i] << 8 * place;
    }
    if (header->kind != 'f') {
        return integer_value(bits, header->item_size, header->kind == 'i');
    }
    if (header->item_size == 2) {
        return fv_half_to_float((uint16_t)bits);
    }
    return header->item_size == 4 ? fv_load_f32(&bits) : (float)fv_load_f64(&bits);
}

/* Index in C order of element `index` in Fortran order. */
static size_t transposed_index(const struct fv_npy *array, size_t index) {
    size_t result = 0;
    size_t stride = array->elements;
    for (uint32_t i = 0; i < array->rank; i++) {
        stride /= array->shape[i];
        result += index % array->shape[i] * stride;
        index /= array->shape[i];
    }
    return result;
}

static enum fv_status read_values(const char *path, const struct header *header, const uint8_t *bytes, size_t size,
                                  struct fv_npy *array, struct fv_error *error) {
    size_t expected;
    array->elements = 1;
    bool fits = true;
    for (uint32_t i = 0; i < FV_NPY_MAX_RANK; i++) {
        if (i >= array->rank) {
            array->shape[i] = 1;
        }
        fits = fits && fv_multiply(array->elements, array->shape[i], &array->elements);
    }
    if (!fits || !fv_multiply(array->elements, header->item_size, &expected)) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: the shape overflows", path);
    }
    if (expected != size) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: the shape asks for %zu bytes of data, the file holds %zu",
                            path, expected, size);
    }
    array->values = fv_allocate(array->elements, sizeof(float));
    if (array->values == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %zu elements", path, array->elements);
    }
    for (size_t i = 0; i < array->elements; i++) {
        size_t place = header->fortran_order ? transposed_index(array, i) : i;
        array->values[place] = element_value(header, bytes + i * header->item_size);
    }
    return FV_OK;
}

static enum fv_status read_mapping(const char *path, struct fv_mapping mapping, struct fv_npy *array,
                                   struct fv_error *error) {
    const uint8_t *bytes = mapping.bytes;
    if (mapping.size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0 || bytes[6] < 1 || bytes[6] > 3) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: is not a .npy file of version 1 to 3", path);
    }
    size_t begin = bytes[6] == 1 ? 10 : 12;
    size_t length = 0;
    if (mapping.size >= begin) {
        length = bytes[6] == 1 ? fv_load_u16(bytes + 8) : fv_load_u32(bytes + 8);
    }
    if (mapping.size < begin || length > mapping.size - begin) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: the header's length %zu goes beyond the file's %zu bytes",
                            path, length, mapping.size);
    }
    struct header header = {0};
    const char *text = (const char *)bytes + begin;
    struct scanner scanner = {.at = text, .end = text + length};
    enum fv_status status = parse_header(path, scanner, &header, array, error);
    if (status != FV_OK) {
        return status;
    }
    return read_values(path, &header, bytes + begin + length, mapping.size - begin - length, array, error);
}

enum fv_status fv_npy_read(const char *path, struct fv_npy *array, struct fv_error *error) {
    *array = (struct fv_npy){0};
    struct fv_mapping mapping;
    enum fv_status status = fv_file_map(path, &mapping, error);
    if (status == FV_OK) {
        status = read_mapping(path, mapping, array, error);
    }
    fv_file_unmap(&mapping);
    if (status != FV_OK) {
        fv_npy_clear(array);
    }
    return status;
}

void fv_npy_clear(struct fv_npy *array) {
    fv_release(array->values);
    *array = (struct fv_npy){0};
}
