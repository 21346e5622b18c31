/* The files of torch before 1.6: five pickles (magic, version, machine, object, storage keys), then for each key in
 * that order an i64 count and the elements, unaligned. */
#include <inttypes.h>
#include <string.h>

#include "fovea/bytes.h"
#include "fovea/memory.h"
#include "torch.h"

enum { PROTOCOL_VERSION = 1001 };

/* (key, offset, elements): a part of `parent` that old files treat as a storage of its own. */
static enum fv_status make_view(struct pickle *pickle, const struct value *view, const struct storage *parent,
                                struct storage **storage) {
    const char *key = value_string(value_element(view, 0));
    int64_t offset;
    int64_t elements;
    if (value_length(view) != 3 || key == NULL || !value_integer(value_element(view, 1), &offset) ||
        !value_integer(value_element(view, 2), &elements) || offset < 0 || elements < 0 ||
        (uint64_t)offset > parent->elements || (uint64_t)elements > parent->elements - (uint64_t)offset) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "a view of storage %s is broken or reaches beyond its %zu elements",
                           parent->key, parent->elements);
    }
    struct storage *made = fv_pool_take(pickle->pool, 1, sizeof *made);
    if (made == NULL) {
        return pickle_out_of_memory(pickle);
    }
    *made = (struct storage){.key = key,
                             .element = parent->element,
                             .elements = (size_t)elements,
                             .parent = parent,
                             .parent_offset = (size_t)offset};
    *storage = made;
    return FV_OK;
}

/* ('module', class, source file, source text) stands for the class; the source is not looked at. */
static enum fv_status find_persistent(void *context, struct pickle *pickle, const struct value *id,
                                      struct value **result) {
    struct torch_reader *reader = context;
    if (id->type == VALUE_TUPLE && value_is_string(value_element(id, 0), "module") && value_element(id, 1) != NULL &&
        value_element(id, 1)->type == VALUE_GLOBAL) {
        *result = id->items.at[1];
        return FV_OK;
    }
    struct storage *storage = NULL;
    enum fv_status status = torch_storage_find(reader, pickle, id, &storage);
    if (status == FV_OK && value_element(id, 5) != NULL && value_element(id, 5)->type != VALUE_NONE) {
        status = make_view(pickle, value_element(id, 5), storage, &storage);
    }
    if (status == FV_OK) {
        status = pickle_value(pickle, VALUE_STORAGE, result);
    }
    if (status == FV_OK) {
        (*result)->storage = storage;
    }
    return status;
}

/* Runs the pickle at *at and steps over it. */
static enum fv_status next_pickle(struct torch_reader *reader, size_t *at, const char *part,
                                  pickle_persistent *persistent, const struct value **root) {
    const struct fv_mapping *mapping = &reader->file->mapping;
    struct pickle pickle = {
        .path = reader->file->path,
        .part = part,
        .bytes = mapping->bytes + *at,
        .size = mapping->size - *at,
        .pool = &reader->checkpoint->pool,
        .persistent = persistent,
        .context = reader,
        .error = reader->error,
    };
    enum fv_status status = pickle_run(&pickle, root);
    *at += pickle.at;
    return status;
}

static enum fv_status check_machine(struct torch_reader *reader, const struct value *version,
                                    const struct value *machine) {
    int64_t number;
    if (!value_integer(version, &number) || number != PROTOCOL_VERSION) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED, "%s: torch legacy protocol other than %d",
                            reader->file->path, PROTOCOL_VERSION);
    }
    const struct value *little = value_get(machine, "little_endian");
    if (!value_integer(little, &number) || number != 1) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED, "%s: the data are not little-endian",
                            reader->file->path);
    }
    return FV_OK;
}

/* Finds the bytes of the storage `key`, which lie at *at, and steps over them. */
static enum fv_status locate_storage(struct torch_reader *reader, const char *key, size_t *at) {
    const struct fv_mapping *mapping = &reader->file->mapping;
    const char *path = reader->file->path;
    size_t index;
    if (key == NULL || !fv_names_find(&reader->storages.names, key, &index) ||
        reader->storages.at[index]->bytes != NULL) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: the list of storages names %s, which no tensor uses or which was there before", path,
                            key == NULL ? "something else than a string" : key);
    }
    struct storage *storage = reader->storages.at[index];
    size_t size = storage->elements * fv_element_size(storage->element);
    if (mapping->size - *at < 8 || size > mapping->size - *at - 8) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: ends inside storage %s: %zu bytes expected at offset %zu", path, key, size, *at + 8);
    }
    uint64_t count = fv_load_u64(mapping->bytes + *at);
    if (count != storage->elements) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: storage %s at offset %zu has %" PRIu64 " elements, expected %zu", path, key, *at,
                            count, storage->elements);
    }
    storage->bytes = mapping->bytes + *at + 8;
    *at += 8 + size;
    return FV_OK;
}

static enum fv_status locate_storages(struct torch_reader *reader, const struct value *keys, size_t at) {
    if (keys->type != VALUE_LIST || keys->items.count != reader->storages.count) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: %ld storages are listed, %zu are used",
                            reader->file->path, value_length(keys), reader->storages.count);
    }
    enum fv_status status = FV_OK;
    for (size_t i = 0; i < keys->items.count && status == FV_OK; i++) {
        status = locate_storage(reader, value_string(keys->items.at[i]), &at);
    }
    if (status == FV_OK && at != reader->file->mapping.size) {
        status = fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: %zu bytes follow the last storage",
                              reader->file->path, reader->file->mapping.size - at);
    }
    return status;
}

enum fv_status torch_legacy_read(struct torch_reader *reader, const struct value **root) {
    const struct value *magic = NULL;
    const struct value *version = NULL;
    const struct value *machine = NULL;
    const struct value *keys = NULL;
    size_t at = 0;
    enum fv_status status = next_pickle(reader, &at, "magic number", NULL, &magic);
    if (status == FV_OK) {
        status = next_pickle(reader, &at, "protocol version", NULL, &version);
    }
    if (status == FV_OK) {
        status = next_pickle(reader, &at, "machine", NULL, &machine);
    }
    if (status == FV_OK) {
        status = check_machine(reader, version, machine);
    }
    if (status == FV_OK) {
        status = next_pickle(reader, &at, "object", find_persistent, root);
    }
    if (status == FV_OK) {
        status = next_pickle(reader, &at, "storage keys", NULL, &keys);
    }
    return status == FV_OK ? locate_storages(reader, keys, at) : status;
}
