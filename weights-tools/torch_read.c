/* Files by torch.save: zip since torch 1.6, concatenated pickles before. */
#include <string.h>

#include "checksum.h"
#include "torch.h"

/* Pickle of the number 0x1950A86A20F9469CFC6C, with which every older file begins. */
static const char legacy_magic[] = "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19\x2E";

static enum fv_status read_object(struct torch_reader *reader, const struct value **root, const char **format) {
    const struct fv_mapping *mapping = &reader->file->mapping;
    if (mapping->bytes[0] == 'P') {
        *format = "torch zip";
        return torch_zip_read(reader, root);
    }
    if (mapping->size >= sizeof legacy_magic - 1 &&
        memcmp(mapping->bytes, legacy_magic, sizeof legacy_magic - 1) == 0) {
        *format = "torch legacy (not zip)";
        return torch_legacy_read(reader, root);
    }
    return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED,
                        "%s: a pickle that is no torch checkpoint; of an nnU-Net model, give the whole folder",
                        reader->file->path);
}

/* "torch zip, state dict" and so on. */
static enum fv_status name_container(struct torch_reader *reader, const char *format, const char *kind) {
    struct fv_checkpoint *checkpoint = reader->checkpoint;
    size_t length = strlen(format) + 2 + strlen(kind);
    char *name = fv_pool_take(&checkpoint->pool, length + 1, 1);
    if (name == NULL) {
        return checkpoint_out_of_memory(checkpoint, reader->error);
    }
    strcat(strcat(strcat(name, format), ", "), kind);
    checkpoint->container = name;
    return FV_OK;
}

enum fv_status torch_read(struct fv_checkpoint *checkpoint, const struct checkpoint_file *file, const char *prefix,
                          struct fv_error *error) {
    struct torch_reader reader = {.checkpoint = checkpoint, .file = file, .error = error};
    const struct value *root = NULL;
    const char *format = NULL;
    const char *kind = NULL;
    enum fv_status status = read_object(&reader, &root, &format);
    if (status == FV_OK) {
        status = torch_state_collect(&reader, root, prefix, &kind);
    }
    if (status == FV_OK) {
        status = name_container(&reader, format, kind);
    }
    checksum_sort(checkpoint);
    zip_clear(&reader.archive);
    fv_names_clear(&reader.storages.names);
    return status;
}
