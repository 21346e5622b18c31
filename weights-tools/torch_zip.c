/* The zip files of torch 1.6 and later: ROOT/data.pkl, ROOT/data/KEY for each storage. */
#include <inttypes.h>
#include <string.h>

#include "checksum.h"
#include "fovea/bytes.h"
#include "fovea/memory.h"
#include "fovea/text.h"
#include "torch.h"

static const char pickle_name[] = "/data.pkl";

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static enum fv_status out_of_memory(const struct torch_reader *reader) {
    return checkpoint_out_of_memory(reader->checkpoint, reader->error);
}

/* The entry ROOT/name, or NULL; false if memory is exhausted. */
static bool find_entry(const struct torch_reader *reader, const char *folder, const char *name,
                       const struct zip_entry **entry) {
    char *full = fv_text_format("%s%s%s", reader->root, folder, name);
    if (full == NULL) {
        return false;
    }
    *entry = zip_find(&reader->archive, full);
    fv_release(full);
    return true;
}

/* Finds the one entry ROOT/data.pkl: a renamed file keeps the root of its old name. */
static enum fv_status find_root(struct torch_reader *reader, const struct zip_entry **pickle) {
    size_t arrays = 0;
    *pickle = NULL;
    for (size_t i = 0; i < reader->archive.count; i++) {
        const struct zip_entry *entry = &reader->archive.entries[i];
        arrays += ends_with(entry->name, ".npy");
        if (!ends_with(entry->name, pickle_name)) {
            continue;
        }
        if (*pickle != NULL) {
            return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: two entries end in /data.pkl: %s and %s",
                                reader->file->path, (*pickle)->name, entry->name);
        }
        *pickle = entry;
    }
    if (*pickle == NULL) {
        bool is_npz = arrays > 0 && arrays == reader->archive.count;
        return fv_error_set(reader->error, is_npz ? FV_ERROR_UNSUPPORTED : FV_ERROR_FORMAT,
                            "%s: a zip file %s, not a torch checkpoint", reader->file->path,
                            is_npz ? "of NumPy arrays (.npz)" : "without data.pkl");
    }
    size_t length = strlen((*pickle)->name) - (sizeof pickle_name - 1) + 1;
    reader->root = fv_pool_text(&reader->checkpoint->pool, (*pickle)->name, length);
    return reader->root == NULL ? out_of_memory(reader) : FV_OK;
}

/* Refuses TorchScript archives and big-endian data. */
static enum fv_status check_variant(struct torch_reader *reader) {
    const struct zip_entry *script;
    const struct zip_entry *order;
    if (!find_entry(reader, "", "constants.pkl", &script) || !find_entry(reader, "", "byteorder", &order)) {
        return out_of_memory(reader);
    }
    if (script != NULL) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED,
                            "%s: a TorchScript archive (it has constants.pkl); save the state dict instead",
                            reader->file->path);
    }
    if (order != NULL && (order->size != 6 || memcmp(reader->file->mapping.bytes + order->offset, "little", 6) != 0)) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED, "%s: the data are not little-endian",
                            reader->file->path);
    }
    return FV_OK;
}

/* Finds the storage's bytes and checks their number. */
static enum fv_status locate_storage(struct torch_reader *reader, struct pickle *pickle, struct storage *storage) {
    const struct zip_entry *entry;
    if (!find_entry(reader, "data/", storage->key, &entry)) {
        return out_of_memory(reader);
    }
    if (entry == NULL) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "there is no entry %sdata/%s", reader->root, storage->key);
    }
    const uint8_t *bytes = reader->file->mapping.bytes + entry->offset;
    size_t size = storage->elements * fv_element_size(storage->element);
    /* torch 1.6 and 1.7.0 put the count in front of storages that were on a GPU (PyTorch issue 46020). */
    if (entry->size - 8 == size && entry->size >= 8 && fv_load_u64(bytes) == storage->elements) {
        bytes += 8;
    } else if (entry->size != size) {
        return pickle_fail(pickle, FV_ERROR_FORMAT, "entry %s has %zu bytes, expected %zu: %zu elements of %s",
                           entry->name, entry->size, size, storage->elements, fv_element_name(storage->element));
    }
    storage->bytes = bytes;
    return checksum_keep(reader->checkpoint, reader->file, entry, reader->error);
}

static enum fv_status find_persistent(void *context, struct pickle *pickle, const struct value *id,
                                      struct value **result) {
    struct torch_reader *reader = context;
    struct storage *storage = NULL;
    enum fv_status status = torch_storage_find(reader, pickle, id, &storage);
    if (status == FV_OK && storage->bytes == NULL) {
        status = locate_storage(reader, pickle, storage);
    }
    if (status == FV_OK) {
        status = pickle_value(pickle, VALUE_STORAGE, result);
    }
    if (status == FV_OK) {
        (*result)->storage = storage;
    }
    return status;
}

enum fv_status torch_zip_read(struct torch_reader *reader, const struct value **root) {
    const struct fv_mapping *mapping = &reader->file->mapping;
    const struct zip_entry *entry;
    enum fv_status status =
        zip_read(reader->file->path, mapping, &reader->checkpoint->pool, &reader->archive, reader->error);
    if (status == FV_OK) {
        status = find_root(reader, &entry);
    }
    if (status == FV_OK) {
        status = check_variant(reader);
    }
    if (status != FV_OK) {
        return status;
    }
    struct pickle pickle = {
        .path = reader->file->path,
        .part = "data.pkl",
        .bytes = mapping->bytes + entry->offset,
        .size = entry->size,
        .pool = &reader->checkpoint->pool,
        .persistent = find_persistent,
        .context = reader,
        .error = reader->error,
    };
    status = pickle_run(&pickle, root);
    if (status == FV_OK && pickle.at != entry->size) {
        return pickle_fail(&pickle, FV_ERROR_FORMAT, "%zu bytes follow its end", entry->size - pickle.at);
    }
    return status == FV_OK ? checksum_check(reader->checkpoint, reader->file, entry, reader->error) : status;
}
