/* Tensor elements of every storage type, as float32. */
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fovea/bytes.h"
#include "fovea/model.h"

enum { Q8_0_ELEMENTS = 32, Q8_0_BYTES = 34 };

static void read_f16(const uint8_t *bytes, size_t elements, float *values) {
    for (size_t i = 0; i < elements; i++) {
        values[i] = fv_half_to_float(fv_load_u16(bytes + 2 * i));
    }
}

/* bfloat16 is the upper half of a binary32. */
static void read_bf16(const uint8_t *bytes, size_t elements, float *values) {
    for (size_t i = 0; i < elements; i++) {
        uint32_t bits = (uint32_t)fv_load_u16(bytes + 2 * i) << 16;
        values[i] = fv_load_f32(&bits);
    }
}

/* Blocks of 32 elements: a binary16 scale d, then 32 signed bytes q; the value is d q. */
static void read_q8_0(const uint8_t *bytes, size_t elements, float *values) {
    for (size_t i = 0; i < elements; i++) {
        const uint8_t *block = bytes + i / Q8_0_ELEMENTS * Q8_0_BYTES;
        float scale = fv_half_to_float(fv_load_u16(block));
        values[i] = scale * (float)(int8_t)block[2 + i % Q8_0_ELEMENTS];
    }
}

enum fv_status fv_tensor_check(const struct fv_tensor *tensor, const float *values, struct fv_error *error) {
    for (size_t i = 0; i < tensor->elements; i++) {
        if (!isfinite(values[i])) {
            return fv_error_set(error, FV_ERROR_MODEL, "tensor %s: element %zu of %zu is not finite", tensor->name, i,
                                tensor->elements);
        }
    }
    return FV_OK;
}

enum fv_status fv_tensor_read(const struct fv_tensor *tensor, float *values, struct fv_error *error) {
    switch (tensor->type) {
    case FV_TYPE_F32:
        if (tensor->elements > 0) {
            memcpy(values, tensor->data, tensor->bytes);
        }
        break;
    case FV_TYPE_F16:
        read_f16(tensor->data, tensor->elements, values);
        break;
    case FV_TYPE_BF16:
        read_bf16(tensor->data, tensor->elements, values);
        break;
    case FV_TYPE_Q8_0:
        read_q8_0(tensor->data, tensor->elements, values);
        break;
    case FV_TYPE_I32:
    case FV_TYPE_I64:
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "tensor %s holds %s, expected floating-point numbers",
                            tensor->name, fv_type_name(tensor->type));
    }
    return fv_tensor_check(tensor, values, error);
}

void fv_tensor_evict(const struct fv_tensor *tensor) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const uintptr_t first = ((uintptr_t)tensor->data + page - 1) / page * page;
    const uintptr_t last = ((uintptr_t)tensor->data + tensor->bytes) / page * page;
    if (first < last) {
        /* Pages shared with a neighbour stay. The mapping is of a file and never written, so nothing can be lost. */
        madvise((void *)first, last - first, MADV_DONTNEED);
    }
}
