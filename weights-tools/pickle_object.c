/* What REDUCE, NEWOBJ and BUILD make: torch's tensors, small containers and inert records. */
#include <stdio.h>
#include <string.h>

#include "fovea/memory.h"
#include "pickle.h"

enum { MOST_REPEATED = 1 << 24 }; /* elements of a tensor with strides of 0: a small file must not fill the machine */

static const char *global_text(const struct value *function, char *text, size_t size) {
    if (function->type == VALUE_GLOBAL) {
        snprintf(text, size, "%.100s %.100s", function->global->module, function->global->name);
        return text;
    }
    return value_type_name(function);
}

static enum fv_status wrong_arguments(struct pickle *pickle, const char *what) {
    return pickle_fail(pickle, FV_ERROR_FORMAT, "the arguments of %s are wrong", what);
}

/* A tuple of sizes, none negative. */
static bool read_sizes(const struct value *tuple, size_t *sizes, uint32_t *count) {
    if (tuple == NULL || tuple->type != VALUE_TUPLE || tuple->items.count > VALUE_RANK) {
        return false;
    }
    *count = (uint32_t)tuple->items.count;
    for (uint32_t i = 0; i < *count; i++) {
        int64_t size;
        if (!value_integer(tuple->items.at[i], &size) || size < 0) {
            return false;
        }
        sizes[i] = (size_t)size;
    }
    return true;
}

/* Whether the last element of `tensor` lies inside its storage: offset + sum of (size - 1) x stride < elements. The
 * number of elements, which may be larger where strides are 0, is stored. */
static bool inside_storage(const struct tensor *tensor, size_t *count) {
    size_t last = tensor->offset;
    size_t elements = 1;
    *count = 0;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        size_t step;
        if (tensor->shape[i] == 0) {
            return true;
        }
        if (!fv_multiply(tensor->shape[i] - 1, tensor->strides[i], &step) || !fv_add(last, step, &last) ||
            !fv_multiply(elements, tensor->shape[i], &elements)) {
            return false;
        }
    }
    *count = elements;
    return last < tensor->storage->elements;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks); _rebuild_tensor has the first four. */
static enum fv_status rebuild_tensor(struct pickle *pickle, const struct value *arguments, struct value **result) {
    const struct value *storage = value_element(arguments, 0);
    struct tensor *tensor = fv_pool_take(pickle->pool, 1, sizeof *tensor);
    int64_t offset;
    uint32_t strides;
    if (tensor == NULL) {
        return pickle_out_of_memory(pickle);
    }
    if (storage == NULL || storage->type != VALUE_STORAGE || !value_integer(value_element(arguments, 1), &offset) ||
        offset < 0 || !read_sizes(value_element(arguments, 2), tensor->shape, &tensor->rank) ||
        !read_sizes(value_element(arguments, 3), tensor->strides, &strides) || strides != tensor->rank) {
        return wrong_arguments(pickle, "a tensor");
    }
    tensor->storage = storage->storage;
    tensor->offset = (size_t)offset;
    size_t elements;
    if (!inside_storage(tensor, &elements)) {
        return pickle_fail(pickle, FV_ERROR_FORMAT,
                           "a tensor at offset %zu reaches beyond its storage %s, which holds %zu elements",
                           tensor->offset, tensor->storage->key, tensor->storage->elements);
    }
    if (elements > MOST_REPEATED && elements > tensor->storage->elements) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED,
                           "a tensor repeats the %zu elements of storage %s to %zu, at most %d expected",
                           tensor->storage->elements, tensor->storage->key, elements, MOST_REPEATED);
    }
    enum fv_status status = pickle_value(pickle, VALUE_TENSOR, result);
    if (status == FV_OK) {
        (*result)->tensor = tensor;
    }
    return status;
}

/* _codecs.encode(text, 'latin1'): how protocol 2 stores bytes. */
static enum fv_status encode_latin1(struct pickle *pickle, const struct value *arguments, struct value **result) {
    const struct value *text = value_element(arguments, 0);
    const struct value *coding = value_element(arguments, 1);
    if (text == NULL || text->type != VALUE_STRING || value_length(arguments) != 2 ||
        !(value_is_string(coding, "latin1") || value_is_string(coding, "latin-1"))) {
        return wrong_arguments(pickle, "_codecs encode");
    }
    enum fv_status status = pickle_value(pickle, VALUE_BYTES, result);
    if (status != FV_OK) {
        return status;
    }
    char *bytes = fv_pool_text(pickle->pool, text->text.bytes, text->text.length);
    if (bytes == NULL) {
        return pickle_out_of_memory(pickle);
    }
    size_t length = 0;
    for (size_t i = 0; i < text->text.length; i++) {
        unsigned char byte = (unsigned char)text->text.bytes[i];
        if (byte >= 0x80) {
            /* Two bytes of UTF-8 hold up to U+07FF, of which only U+0080 to U+00FF fit. */
            if (byte > 0xC3 || i + 1 == text->text.length) {
                return pickle_fail(pickle, FV_ERROR_FORMAT, "a character beyond latin1");
            }
            i++;
            byte = (unsigned char)(byte << 6 | ((unsigned char)text->text.bytes[i] & 0x3F));
        }
        bytes[length++] = (char)byte;
    }
    (*result)->text.bytes = bytes;
    (*result)->text.length = length;
    return FV_OK;
}

/* set(list). */
static enum fv_status make_set(struct pickle *pickle, const struct value *arguments, struct value **result) {
    const struct value *list = value_element(arguments, 0);
    if (list == NULL || list->type != VALUE_LIST || value_length(arguments) != 1) {
        return wrong_arguments(pickle, "set");
    }
    enum fv_status status = pickle_value(pickle, VALUE_SET, result);
    for (size_t i = 0; i < list->items.count && status == FV_OK; i++) {
        status = pickle_append(pickle, *result, list->items.at[i]);
    }
    return status;
}

/* The first argument itself, if it has the type that is expected. */
static enum fv_status pass_through(struct pickle *pickle, struct value *arguments, enum value_type type,
                                   const char *what, struct value **result) {
    if (arguments->items.count == 0 || arguments->items.at[0]->type != type) {
        return wrong_arguments(pickle, what);
    }
    *result = arguments->items.at[0];
    return FV_OK;
}

enum fv_status pickle_reduce(struct pickle *pickle, const struct value *function, struct value *arguments,
                             struct value **result) {
    char name[256];
    if (function->type != VALUE_GLOBAL || arguments->type != VALUE_TUPLE) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "REDUCE calls %s with %s", value_type_name(function),
                           value_type_name(arguments));
    }
    switch (function->global->kind) {
    case GLOBAL_ORDERED_DICT:
        return arguments->items.count == 0 ? pickle_value(pickle, VALUE_DICTIONARY, result)
                                           : wrong_arguments(pickle, "OrderedDict");
    case GLOBAL_BYTES:
        return arguments->items.count == 0 ? pickle_value(pickle, VALUE_BYTES, result)
                                           : wrong_arguments(pickle, "bytes");
    case GLOBAL_SET:
        return make_set(pickle, arguments, result);
    case GLOBAL_REBUILD_TENSOR:
        return rebuild_tensor(pickle, arguments, result);
    case GLOBAL_REBUILD_PARAMETER:
        return pass_through(pickle, arguments, VALUE_TENSOR, "a parameter", result);
    case GLOBAL_SIZE:
        return pass_through(pickle, arguments, VALUE_TUPLE, "torch Size", result);
    case GLOBAL_DEVICE:
        return pass_through(pickle, arguments, VALUE_STRING, "torch device", result);
    case GLOBAL_ENCODE:
        return encode_latin1(pickle, arguments, result);
    case GLOBAL_DTYPE:
        return numpy_dtype_new(pickle, arguments, result);
    case GLOBAL_SCALAR:
        return numpy_scalar(pickle, arguments, result);
    case GLOBAL_RECONSTRUCT:
        return numpy_array_new(pickle, result);
    case GLOBAL_STORAGE_CLASS:
    case GLOBAL_NDARRAY:
    case GLOBAL_NAMED_TUPLE:
    case GLOBAL_CLASS:
    case GLOBAL_FUNCTION:
        break;
    }
    return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "calling %s is refused", global_text(function, name, sizeof name));
}

enum fv_status pickle_new(struct pickle *pickle, const struct value *class, struct value *arguments,
                          struct value **result) {
    char name[256];
    if (class->type == VALUE_GLOBAL && class->global->kind == GLOBAL_NAMED_TUPLE && arguments->type == VALUE_TUPLE) {
        *result = arguments;
        return FV_OK;
    }
    if (class->type != VALUE_GLOBAL || class->global->kind != GLOBAL_CLASS || arguments->type != VALUE_TUPLE ||
        arguments->items.count != 0) {
        return pickle_fail(pickle, FV_ERROR_UNSUPPORTED, "making an object of %s is refused",
                           global_text(class, name, sizeof name));
    }
    enum fv_status status = pickle_value(pickle, VALUE_RECORD, result);
    if (status == FV_OK) {
        (*result)->record.class = class->global;
    }
    return status;
}

enum fv_status pickle_build(struct pickle *pickle, struct value *instance, struct value *state) {
    switch (instance->type) {
    case VALUE_DICTIONARY:
        return FV_OK; /* a state dict's _metadata: nothing that we need */
    case VALUE_DTYPE:
        return numpy_dtype_build(pickle, instance, state);
    case VALUE_ARRAY:
        return numpy_array_build(pickle, instance, state);
    case VALUE_RECORD:
        if (state->type != VALUE_DICTIONARY || instance->record.state != NULL) {
            return pickle_fail(pickle, FV_ERROR_FORMAT, "the state of an object is %s, expected one dict",
                               value_type_name(state));
        }
        instance->record.state = state;
        return FV_OK;
    default:
        return pickle_fail(pickle, FV_ERROR_FORMAT, "BUILD on %s", value_type_name(instance));
    }
}
