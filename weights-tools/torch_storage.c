/* Storages: the blocks of numbers that tensors are views of. */
#include <string.h>

#include "fovea/memory.h"
#include "torch.h"

static enum fv_status register_storage(struct torch_reader *reader, struct pickle *pickle, struct storage *storage) {
    struct torch_storages *storages = &reader->storages;
    if (storages->count == storages->capacity) {
        size_t capacity = storages->capacity == 0 ? 256 : 2 * storages->capacity;
        struct storage **grown = fv_pool_take(pickle->pool, capacity, sizeof *grown);
        if (grown == NULL) {
            return pickle_out_of_memory(pickle);
        }
        if (storages->count > 0) {
            memcpy(grown, storages->at, storages->count * sizeof *grown);
        }
        storages->at = grown;
        storages->capacity = capacity;
    }
    if (!fv_names_add(&storages->names, storage->key, storages->count)) {
        return pickle_out_of_memory(pickle);
    }
    storages->at[storages->count++] = storage;
    return FV_OK;
}

enum fv_status torch_storage_find(struct torch_reader *reader, struct pickle *pickle, const struct value *id,
                                  struct storage **storage) {
    const struct value *class = value_element(id, 1);
    const char *key = value_string(value_element(id, 2));
    int64_t elements;
    size_t bytes;
    if (!value_is_string(value_element(id, 0), "storage") || class == NULL || class->type != VALUE_GLOBAL ||
        class->global->kind != GLOBAL_STORAGE_CLASS || key == NULL || !value_integer(value_element(id, 4), &elements) ||
        elements < 0 || !fv_multiply((size_t)elements, fv_element_size(class->global->element), &bytes)) {
        return pickle_fail(pickle, FV_ERROR_FORMAT,
                           "a persistent id is not ('storage', class, key, location, elements)");
    }
    size_t index;
    if (fv_names_find(&reader->storages.names, key, &index)) {
        *storage = reader->storages.at[index];
        if ((*storage)->element != class->global->element || (*storage)->elements != (size_t)elements) {
            return pickle_fail(pickle, FV_ERROR_FORMAT, "storage %s is %zu elements of %s here and %zu of %s before",
                               key, (size_t)elements, fv_element_name(class->global->element), (*storage)->elements,
                               fv_element_name((*storage)->element));
        }
        return FV_OK;
    }
    *storage = fv_pool_take(pickle->pool, 1, sizeof **storage);
    if (*storage == NULL) {
        return pickle_out_of_memory(pickle);
    }
    (*storage)->key = key;
    (*storage)->element = class->global->element;
    (*storage)->elements = (size_t)elements;
    return register_storage(reader, pickle, *storage);
}
