/* Looking at pickled values. */
#include "value.h"

#include <math.h>
#include <string.h>

#include "fovea/bytes.h"
#include "fovea/model.h"

const char *value_type_name(const struct value *value) {
    static const char *const names[] = {
        [VALUE_NONE] = "None",          [VALUE_BOOLEAN] = "a boolean",   [VALUE_INTEGER] = "an integer",
        [VALUE_LONG] = "a big integer", [VALUE_NUMBER] = "a number",     [VALUE_STRING] = "a string",
        [VALUE_BYTES] = "bytes",        [VALUE_TUPLE] = "a tuple",       [VALUE_LIST] = "a list",
        [VALUE_SET] = "a set",          [VALUE_DICTIONARY] = "a dict",   [VALUE_GLOBAL] = "a class or function",
        [VALUE_RECORD] = "an object",   [VALUE_STORAGE] = "a storage",   [VALUE_TENSOR] = "a tensor",
        [VALUE_DTYPE] = "a numpy type", [VALUE_ARRAY] = "a numpy array",
    };
    return value == NULL ? "nothing" : names[value->type];
}

const char *value_string(const struct value *value) {
    bool fits = value != NULL && value->type == VALUE_STRING && strlen(value->text.bytes) == value->text.length;
    return fits ? value->text.bytes : NULL;
}

bool value_is_string(const struct value *value, const char *text) {
    const char *string = value_string(value);
    return string != NULL && strcmp(string, text) == 0;
}

/* The dictionary in which `value` holds its keys, or NULL. */
static const struct value *dictionary_of(const struct value *value) {
    if (value != NULL && value->type == VALUE_RECORD) {
        value = value->record.state;
    }
    return value != NULL && value->type == VALUE_DICTIONARY ? value : NULL;
}

const struct value *value_get(const struct value *value, const char *key) {
    const struct value *dictionary = dictionary_of(value);
    for (size_t i = dictionary == NULL ? 0 : dictionary->items.count; i >= 2; i -= 2) {
        if (value_is_string(dictionary->items.at[i - 2], key)) {
            return dictionary->items.at[i - 1];
        }
    }
    return NULL;
}

const struct value *value_get_integer(const struct value *value, int64_t key) {
    const struct value *dictionary = dictionary_of(value);
    for (size_t i = dictionary == NULL ? 0 : dictionary->items.count; i >= 2; i -= 2) {
        int64_t found;
        if (value_integer(dictionary->items.at[i - 2], &found) && found == key) {
            return dictionary->items.at[i - 1];
        }
    }
    return NULL;
}

bool value_integer(const struct value *value, int64_t *result) {
    if (value != NULL && value->type == VALUE_INTEGER) {
        *result = value->integer;
        return true;
    }
    if (value != NULL && value->type == VALUE_BOOLEAN) {
        *result = value->boolean ? 1 : 0;
        return true;
    }
    if (value != NULL && value->type == VALUE_ARRAY && value->array->elements == 1 && value->array->bytes != NULL) {
        bool is_integer;
        double number;
        return numpy_element(value->array->dtype, value->array->bytes, &is_integer, result, &number) && is_integer;
    }
    return false;
}

bool value_number(const struct value *value, double *result) {
    int64_t integer;
    if (value != NULL && value->type == VALUE_NUMBER) {
        *result = value->number;
        return true;
    }
    if (value_integer(value, &integer)) {
        *result = (double)integer;
        return true;
    }
    bool is_integer;
    return value != NULL && value->type == VALUE_ARRAY && value->array->elements == 1 && value->array->bytes != NULL &&
           numpy_element(value->array->dtype, value->array->bytes, &is_integer, &integer, result) && !is_integer;
}

long value_length(const struct value *value) {
    if (value != NULL && (value->type == VALUE_TUPLE || value->type == VALUE_LIST)) {
        return (long)value->items.count;
    }
    if (value != NULL && value->type == VALUE_ARRAY && value->array->rank == 1) {
        return (long)value->array->elements;
    }
    return -1;
}

const struct value *value_element(const struct value *value, size_t index) {
    if (value != NULL && value->type == VALUE_ARRAY && value->array->rank == 1) {
        value = value->array->objects;
    }
    bool fits =
        value != NULL && (value->type == VALUE_TUPLE || value->type == VALUE_LIST) && index < value->items.count;
    return fits ? value->items.at[index] : NULL;
}

bool value_element_integer(const struct value *value, size_t index, int64_t *result) {
    if (value != NULL && value->type == VALUE_ARRAY && value->array->bytes != NULL) {
        const struct array *array = value->array;
        bool is_integer;
        double number;
        return array->rank == 1 && index < array->elements &&
               numpy_element(array->dtype, array->bytes + index * array->dtype.size, &is_integer, result, &number) &&
               is_integer;
    }
    return value_integer(value_element(value, index), result);
}

bool value_element_number(const struct value *value, size_t index, double *result) {
    int64_t integer;
    if (value_element_integer(value, index, &integer)) {
        *result = (double)integer;
        return true;
    }
    if (value != NULL && value->type == VALUE_ARRAY && value->array->bytes != NULL) {
        const struct array *array = value->array;
        bool is_integer;
        return array->rank == 1 && index < array->elements &&
               numpy_element(array->dtype, array->bytes + index * array->dtype.size, &is_integer, &integer, result) &&
               !is_integer;
    }
    return value_number(value_element(value, index), result);
}

bool numpy_element(struct dtype dtype, const uint8_t *bytes, bool *is_integer, int64_t *integer, double *number) {
    if (dtype.size == 0 || dtype.size > 8 || strchr("biuf", dtype.kind) == NULL) {
        return false;
    }
    uint64_t bits = 0;
    for (size_t i = 0; i < dtype.size; i++) {
        size_t place = dtype.swapped ? dtype.size - 1 - i : i;
        bits |= (uint64_t)bytes[i] << 8 * place;
    }
    *is_integer = dtype.kind != 'f';
    unsigned shift = (unsigned)(64 - 8 * dtype.size);
    switch (dtype.kind) {
    case 'i':
        *integer = (int64_t)(bits << shift) >> shift;
        return true;
    case 'f':
        *number = dtype.size == 8   ? fv_load_f64(&bits)
                  : dtype.size == 4 ? (double)fv_load_f32(&bits)
                                    : (double)fv_half_to_float((uint16_t)bits);
        return true;
    default:
        *integer = (int64_t)bits;
        return bits <= INT64_MAX;
    }
}
