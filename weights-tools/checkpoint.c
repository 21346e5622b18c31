/* Opening, listing and reading checkpoints of every container. */
#include "checkpoint.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "fovea/bytes.h"
#include "fovea/memory.h"
#include "fovea/model.h"
#include "fovea/sha256.h"

enum {
    HASH_STEP = 1 << 20,
    MOST_MEMORY = 512 << 20, /* for names and pickled values: a small file must not fill the machine */
};

const char *fv_element_name(enum fv_element element) {
    static const char *const names[] = {"f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "u8", "bool"};
    return names[element];
}

size_t fv_element_size(enum fv_element element) {
    static const unsigned char sizes[] = {8, 4, 2, 2, 8, 4, 2, 1, 1, 1};
    return sizes[element];
}

enum fv_status checkpoint_out_of_memory(const struct fv_checkpoint *checkpoint, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", checkpoint->path);
}

enum fv_status checkpoint_add_file(struct fv_checkpoint *checkpoint, const char *path,
                                   const struct checkpoint_file **file, struct fv_error *error) {
    if (checkpoint->file_count == MOST_FILES) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: more than %d files", checkpoint->path, MOST_FILES);
    }
    struct checkpoint_file *added = &checkpoint->files[checkpoint->file_count];
    added->path = fv_pool_text(&checkpoint->pool, path, strlen(path));
    if (added->path == NULL) {
        return checkpoint_out_of_memory(checkpoint, error);
    }
    enum fv_status status = fv_file_map(path, &added->mapping, error);
    if (status == FV_OK) {
        checkpoint->file_count++;
        *file = added;
    }
    return status;
}

enum fv_status checkpoint_add_tensor(struct fv_checkpoint *checkpoint, const char *path,
                                     const struct fv_checkpoint_tensor *tensor, struct fv_error *error) {
    if (fv_names_find(&checkpoint->names, tensor->name, NULL)) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: tensor %s is there twice", path, tensor->name);
    }
    if (checkpoint->tensor_count == MOST_TENSORS) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: more than %d tensors", path, MOST_TENSORS);
    }
    if (checkpoint->tensor_count == checkpoint->tensor_capacity) {
        size_t capacity = checkpoint->tensor_capacity == 0 ? 256 : 2 * checkpoint->tensor_capacity;
        struct fv_checkpoint_tensor *grown =
            fv_reallocate(checkpoint->tensors, checkpoint->tensor_count, capacity, sizeof *grown);
        if (grown == NULL) {
            return checkpoint_out_of_memory(checkpoint, error);
        }
        checkpoint->tensors = grown;
        checkpoint->tensor_capacity = capacity;
    }
    if (!fv_names_add(&checkpoint->names, tensor->name, checkpoint->tensor_count)) {
        return checkpoint_out_of_memory(checkpoint, error);
    }
    checkpoint->tensors[checkpoint->tensor_count++] = *tensor;
    return FV_OK;
}

static bool begins_with(const struct fv_mapping *mapping, const char *bytes, size_t size) {
    return mapping->size >= size && memcmp(mapping->bytes, bytes, size) == 0;
}

/* What the first bytes say. */
static enum fv_status read_file(struct fv_checkpoint *checkpoint, struct fv_error *error) {
    const struct checkpoint_file *file = NULL;
    enum fv_status status = checkpoint_add_file(checkpoint, checkpoint->path, &file, error);
    if (status != FV_OK) {
        return status;
    }
    const struct fv_mapping *mapping = &file->mapping;
    if (begins_with(mapping, "PK\x03\x04", 4) || begins_with(mapping, "\x80", 1)) {
        return torch_read(checkpoint, file, "", error);
    }
    if (mapping->size >= 9 && mapping->bytes[8] == '{') {
        return safetensors_read(checkpoint, file, error);
    }
    const char *found = "its first bytes are of no format that Fovea knows";
    if (mapping->size == 0) {
        found = "it is empty";
    } else if (begins_with(mapping, "GGUF", 4)) {
        found = "it is a GGUF file: a model that is converted already";
    } else if (begins_with(mapping, "\x93NUMPY", 6)) {
        found = "it is a NumPy array";
    } else if (mapping->size >= 262 && memcmp(mapping->bytes + 257, "ustar", 5) == 0) {
        found = "it is a tar archive, as torch wrote before version 0.1.10";
    }
    return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                        "%s: not a checkpoint: %s; expected a file by torch.save, safetensors or an nnU-Net folder",
                        checkpoint->path, found);
}

enum fv_status fv_checkpoint_open(const char *path, struct fv_checkpoint **checkpoint, struct fv_error *error) {
    *checkpoint = NULL;
    struct fv_checkpoint *opened = fv_allocate_zero(1, sizeof *opened);
    if (opened != NULL) {
        opened->path = fv_duplicate(path);
    }
    if (opened == NULL || opened->path == NULL) {
        fv_release(opened);
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    opened->pool.limit = MOST_MEMORY;
    struct stat information;
    bool is_folder = stat(path, &information) == 0 && S_ISDIR(information.st_mode);
    enum fv_status status = is_folder ? nnunet_read(opened, error) : read_file(opened, error);
    if (status != FV_OK) {
        fv_checkpoint_close(opened);
        return status;
    }
    *checkpoint = opened;
    return FV_OK;
}

void fv_checkpoint_close(struct fv_checkpoint *checkpoint) {
    if (checkpoint == NULL) {
        return;
    }
    for (size_t i = 0; i < checkpoint->file_count; i++) {
        fv_file_unmap(&checkpoint->files[i].mapping);
    }
    fv_names_clear(&checkpoint->names);
    fv_release(checkpoint->tensors);
    fv_release(checkpoint->checksums);
    fv_pool_clear(&checkpoint->pool);
    fv_release(checkpoint->path);
    fv_release(checkpoint);
}

const char *fv_checkpoint_path(const struct fv_checkpoint *checkpoint) {
    return checkpoint->path;
}

const char *fv_checkpoint_container(const struct fv_checkpoint *checkpoint) {
    return checkpoint->container;
}

const char *fv_checkpoint_doubt(const struct fv_checkpoint *checkpoint) {
    return checkpoint->doubt;
}

size_t fv_checkpoint_tensor_count(const struct fv_checkpoint *checkpoint) {
    return checkpoint->tensor_count;
}

const struct fv_checkpoint_tensor *fv_checkpoint_tensor_at(const struct fv_checkpoint *checkpoint, size_t index) {
    return index < checkpoint->tensor_count ? &checkpoint->tensors[index] : NULL;
}

const struct fv_checkpoint_tensor *fv_checkpoint_tensor(const struct fv_checkpoint *checkpoint, const char *name) {
    size_t index;
    return fv_names_find(&checkpoint->names, name, &index) ? &checkpoint->tensors[index] : NULL;
}

static float element_value(enum fv_element element, const uint8_t *bytes) {
    uint32_t bits;
    switch (element) {
    case FV_ELEMENT_F64:
        return (float)fv_load_f64(bytes);
    case FV_ELEMENT_F32:
        return fv_load_f32(bytes);
    case FV_ELEMENT_F16:
        return fv_half_to_float(fv_load_u16(bytes));
    case FV_ELEMENT_BF16:
        bits = (uint32_t)fv_load_u16(bytes) << 16; /* the upper half of a binary32 */
        return fv_load_f32(&bits);
    case FV_ELEMENT_I64:
        return (float)(int64_t)fv_load_u64(bytes);
    case FV_ELEMENT_I32:
        return (float)(int32_t)fv_load_u32(bytes);
    case FV_ELEMENT_I16:
        return (float)(int16_t)fv_load_u16(bytes);
    case FV_ELEMENT_I8:
        return (float)(int8_t)*bytes;
    case FV_ELEMENT_U8:
    case FV_ELEMENT_BOOL:
        break;
    }
    return (float)*bytes;
}

static bool is_contiguous(const struct fv_checkpoint_tensor *tensor) {
    size_t expected = 1;
    for (uint32_t i = tensor->rank; i-- > 0;) {
        if (tensor->shape[i] != 1 && tensor->strides[i] != expected) {
            return false;
        }
        expected *= tensor->shape[i];
    }
    return true;
}

/* Where the elements lie in C order, whatever the strides are: `index` counts like an odometer. */
struct walk {
    size_t index[FV_CHECKPOINT_MAX_RANK];
    size_t place; /* of the element, in elements */
};

static void walk_on(struct walk *walk, const struct fv_checkpoint_tensor *tensor) {
    for (uint32_t axis = tensor->rank; axis-- > 0;) {
        walk->place += tensor->strides[axis];
        if (++walk->index[axis] < tensor->shape[axis]) {
            break;
        }
        walk->place -= tensor->strides[axis] * tensor->shape[axis];
        walk->index[axis] = 0;
    }
}

static void gather(const struct fv_checkpoint_tensor *tensor, float *values) {
    struct walk walk = {{0}, 0};
    size_t size = fv_element_size(tensor->element);
    for (size_t i = 0; i < tensor->elements; i++) {
        values[i] = element_value(tensor->element, tensor->data + walk.place * size);
        walk_on(&walk, tensor);
    }
}

/* Gives back the pages between the tensor's first and last element. */
static void forget(const struct fv_checkpoint *checkpoint, const struct fv_checkpoint_tensor *tensor) {
    size_t last = 0;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        last += (tensor->shape[i] - 1) * tensor->strides[i];
    }
    for (size_t i = 0; i < checkpoint->file_count; i++) {
        const struct fv_mapping *mapping = &checkpoint->files[i].mapping;
        if (tensor->data >= mapping->bytes && tensor->data < mapping->bytes + mapping->size) {
            size_t offset = (size_t)(tensor->data - mapping->bytes);
            fv_file_forget(mapping, offset, (last + 1) * fv_element_size(tensor->element));
        }
    }
}

enum fv_status fv_checkpoint_read(const struct fv_checkpoint *checkpoint, const struct fv_checkpoint_tensor *tensor,
                                  float *values, struct fv_error *error) {
    if (tensor->elements == 0) {
        return FV_OK;
    }
    if (!is_contiguous(tensor)) {
        gather(tensor, values);
    } else if (tensor->element == FV_ELEMENT_F32) {
        memcpy(values, tensor->data, tensor->elements * sizeof *values);
    } else {
        size_t size = fv_element_size(tensor->element);
        for (size_t i = 0; i < tensor->elements; i++) {
            values[i] = element_value(tensor->element, tensor->data + i * size);
        }
    }
    forget(checkpoint, tensor);
    for (size_t i = 0; i < tensor->elements; i++) {
        if (!isfinite(values[i])) {
            return fv_error_set(error, FV_ERROR_MODEL,
                                "%s: tensor %s: element %zu of %zu is %g, expected a finite number", checkpoint->path,
                                tensor->name, i, tensor->elements, (double)values[i]);
        }
    }
    return FV_OK;
}

void fv_checkpoint_copy(const struct fv_checkpoint *checkpoint, const struct fv_checkpoint_tensor *tensor,
                        void *bytes) {
    size_t size = fv_element_size(tensor->element);
    struct walk walk = {{0}, 0};
    if (tensor->elements == 0) {
        return;
    }
    if (is_contiguous(tensor)) {
        memcpy(bytes, tensor->data, tensor->elements * size);
    } else {
        for (size_t i = 0; i < tensor->elements; i++) {
            memcpy((uint8_t *)bytes + i * size, tensor->data + walk.place * size, size);
            walk_on(&walk, tensor);
        }
    }
    forget(checkpoint, tensor);
}

void fv_checkpoint_sha256(const struct fv_checkpoint *checkpoint, char digest[65]) {
    struct fv_sha256 sha;
    fv_sha256_begin(&sha);
    for (size_t i = 0; i < checkpoint->file_count; i++) {
        const struct fv_mapping *mapping = &checkpoint->files[i].mapping;
        for (size_t at = 0; at < mapping->size; at += HASH_STEP) {
            size_t step = mapping->size - at < HASH_STEP ? mapping->size - at : HASH_STEP;
            fv_sha256_add(&sha, mapping->bytes + at, step);
            fv_file_forget(mapping, at, step);
        }
    }
    fv_sha256_end(&sha, digest);
}
