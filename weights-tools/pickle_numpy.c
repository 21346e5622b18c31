/* numpy's types, scalars and arrays inside pickles. */
#include <string.h>

#include "fovea/memory.h"
#include "pickle.h"

enum { LARGEST_ITEM = 1 << 16 };

static enum fv_status broken(struct pickle *pickle, const char *what) {
    return pickle_fail(pickle, FV_ERROR_FORMAT, "a numpy %s is broken", what);
}

/* "f8", "<i4", "U12" and so on; the size of text types is in characters. */
static bool parse_code(const char *code, struct dtype *dtype) {
    if (*code == '<' || *code == '>' || *code == '|' || *code == '=') {
        dtype->swapped = *code == '>';
        code++;
    }
    dtype->kind = *code;
    if (*code == '\0' || strchr("biufUSO", *code) == NULL) {
        return false;
    }
    size_t size = 0;
    for (code++; *code >= '0' && *code <= '9'; code++) {
        size = 10 * size + (size_t)(*code - '0');
        if (size > LARGEST_ITEM) {
            return false;
        }
    }
    dtype->size = dtype->kind == 'U' ? 4 * size : size;
    bool number_sized = size == 1 || size == 2 || size == 4 || size == 8;
    switch (dtype->kind) {
    case 'b':
        return *code == '\0' && size == 1;
    case 'f':
        return *code == '\0' && number_sized && size > 1;
    case 'i':
    case 'u':
        return *code == '\0' && number_sized;
    default:
        return *code == '\0'; /* the size of text and objects may be told later or be 0 */
    }
}

/* dtype('f8', False, True). */
enum fv_status numpy_dtype_new(struct pickle *pickle, const struct value *arguments, struct value **result) {
    const char *code = value_string(value_element(arguments, 0));
    struct dtype dtype = {0};
    if (code == NULL || !parse_code(code, &dtype)) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "the numpy type %.40s is not supported",
                           code == NULL ? "that is no string" : code);
    }
    enum fv_status status = pickle_value(pickle, VALUE_DTYPE, result);
    if (status == FV_OK) {
        (*result)->dtype = dtype;
    }
    return status;
}

/* (3, byte order, subtype, names, fields, item size, alignment, flags). */
enum fv_status numpy_dtype_build(struct pickle *pickle, struct value *dtype, const struct value *state) {
    const char *order = value_string(value_element(state, 1));
    int64_t size;
    if (state->type != VALUE_TUPLE || value_length(state) < 7 || order == NULL || order[0] == '\0' ||
        order[1] != '\0' || strchr("<>|=", order[0]) == NULL || !value_integer(value_element(state, 5), &size)) {
        return broken(pickle, "type");
    }
    for (size_t i = 2; i < 5; i++) {
        if (value_element(state, i)->type != VALUE_NONE) {
            return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "structured numpy types are not supported");
        }
    }
    dtype->dtype.swapped = order[0] == '>';
    if (dtype->dtype.kind == 'U' || dtype->dtype.kind == 'S') {
        if (size < 0 || size > LARGEST_ITEM || (dtype->dtype.kind == 'U' && size % 4 != 0)) {
            return broken(pickle, "type");
        }
        dtype->dtype.size = (size_t)size;
    }
    return FV_OK;
}

static void put_utf8(char *text, size_t *length, uint32_t code) {
    if (code < 0x80) {
        text[(*length)++] = (char)code;
    } else if (code < 0x800) {
        text[(*length)++] = (char)(0xC0 | code >> 6);
        text[(*length)++] = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        text[(*length)++] = (char)(0xE0 | code >> 12);
        text[(*length)++] = (char)(0x80 | (code >> 6 & 0x3F));
        text[(*length)++] = (char)(0x80 | (code & 0x3F));
    } else {
        text[(*length)++] = (char)(0xF0 | code >> 18);
        text[(*length)++] = (char)(0x80 | (code >> 12 & 0x3F));
        text[(*length)++] = (char)(0x80 | (code >> 6 & 0x3F));
        text[(*length)++] = (char)(0x80 | (code & 0x3F));
    }
}

/* A string of UCS-4 characters; zeros at the end are padding. */
static enum fv_status text_scalar(struct pickle *pickle, struct dtype dtype, const struct value *bytes,
                                  struct value **result) {
    char *text = fv_pool_take(pickle->pool, dtype.size + 1, 1);
    size_t length = 0;
    if (text == NULL) {
        return pickle_out_of_memory(pickle);
    }
    for (size_t i = 0; i + 4 <= dtype.size; i += 4) {
        uint32_t code = 0;
        for (size_t j = 0; j < 4; j++) {
            size_t place = dtype.swapped ? 3 - j : j;
            code |= (uint32_t)(unsigned char)bytes->text.bytes[i + j] << 8 * place;
        }
        if (code == 0) {
            break;
        }
        if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            return broken(pickle, "string");
        }
        put_utf8(text, &length, code);
    }
    enum fv_status status = pickle_value(pickle, VALUE_STRING, result);
    if (status == FV_OK) {
        (*result)->text.bytes = text;
        (*result)->text.length = length;
    }
    return status;
}

/* scalar(dtype, bytes) becomes the Python value that it stands for. */
enum fv_status numpy_scalar(struct pickle *pickle, const struct value *arguments, struct value **result) {
    const struct value *dtype = value_element(arguments, 0);
    const struct value *bytes = value_element(arguments, 1);
    if (dtype == NULL || bytes == NULL || dtype->type != VALUE_DTYPE || bytes->type != VALUE_BYTES ||
        bytes->text.length != dtype->dtype.size || dtype->dtype.size == 0 || dtype->dtype.kind == 'O') {
        return broken(pickle, "scalar");
    }
    if (dtype->dtype.kind == 'U') {
        return text_scalar(pickle, dtype->dtype, bytes, result);
    }
    enum fv_status status = pickle_value(pickle, VALUE_BYTES, result);
    if (status != FV_OK) {
        return status;
    }
    if (dtype->dtype.kind == 'S') {
        (*result)->text.bytes = bytes->text.bytes;
        (*result)->text.length = bytes->text.length;
        return FV_OK;
    }
    bool is_integer;
    int64_t integer;
    double number;
    if (!numpy_element(dtype->dtype, (const uint8_t *)bytes->text.bytes, &is_integer, &integer, &number)) {
        return broken(pickle, "scalar");
    }
    if (dtype->dtype.kind == 'b') {
        (*result)->type = VALUE_BOOLEAN;
        (*result)->boolean = integer != 0;
    } else if (is_integer) {
        (*result)->type = VALUE_INTEGER;
        (*result)->integer = integer;
    } else {
        (*result)->type = VALUE_NUMBER;
        (*result)->number = number;
    }
    return FV_OK;
}

/* _reconstruct(ndarray, (0,), b'b'): an array whose content BUILD brings. */
enum fv_status numpy_array_new(struct pickle *pickle, struct value **result) {
    enum fv_status status = pickle_value(pickle, VALUE_ARRAY, result);
    if (status != FV_OK) {
        return status;
    }
    (*result)->array = fv_pool_take(pickle->pool, 1, sizeof *(*result)->array);
    return (*result)->array == NULL ? pickle_out_of_memory(pickle) : FV_OK;
}

/* (1, shape, dtype, fortran order, bytes or list), once. */
enum fv_status numpy_array_build(struct pickle *pickle, struct value *value, const struct value *state) {
    struct array *array = value->array;
    const struct value *shape = value_element(state, 1);
    const struct value *dtype = value_element(state, 2);
    const struct value *data = value_element(state, 4);
    int64_t fortran_order;
    if (array->built || state->type != VALUE_TUPLE || value_length(state) != 5 || shape->type != VALUE_TUPLE ||
        shape->items.count > VALUE_RANK || dtype->type != VALUE_DTYPE ||
        !value_integer(value_element(state, 3), &fortran_order)) {
        return broken(pickle, "array");
    }
    array->built = true;
    size_t elements = 1;
    for (size_t i = 0; i < shape->items.count; i++) {
        int64_t size;
        if (!value_integer(shape->items.at[i], &size) || size < 0 || !fv_multiply(elements, (size_t)size, &elements)) {
            return broken(pickle, "array's shape");
        }
        array->shape[i] = (size_t)size;
    }
    array->rank = (uint32_t)shape->items.count;
    array->dtype = dtype->dtype;
    array->elements = elements;
    array->fortran_order = fortran_order != 0;
    size_t bytes;
    if (array->dtype.kind == 'O') {
        if (data->type != VALUE_LIST || data->items.count != elements) {
            return broken(pickle, "array of objects");
        }
        array->objects = data;
        return FV_OK;
    }
    if (array->dtype.size == 0 || data->type != VALUE_BYTES || !fv_multiply(elements, array->dtype.size, &bytes) ||
        bytes != data->text.length) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "a numpy array of %zu elements of %zu bytes holds %zu bytes",
                           elements, array->dtype.size, data->type == VALUE_BYTES ? data->text.length : 0);
    }
    array->bytes = (const uint8_t *)data->text.bytes;
    return FV_OK;
}
