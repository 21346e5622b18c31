/* Zip archives of stored (uncompressed) entries, as torch.save writes them. Private to weights-tools. */
#ifndef FOVEA_WEIGHTS_ZIP_H
#define FOVEA_WEIGHTS_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/file.h"
#include "fovea/names.h"
#include "fovea/pool.h"
#include "fovea/status.h"

struct zip_entry {
    const char *name; /* in the pool */
    size_t offset;    /* of the data, in the file */
    size_t size;
    uint32_t crc; /* CRC-32 as the directory states it; 0: not stated */
};

struct zip_archive {
    struct zip_entry *entries; /* in the pool, in the directory's order */
    size_t count;
    struct fv_names names;
};

/* Reads the central directory of `mapping`, with Zip64, and checks every entry: stored, not encrypted, its local header
 * in place and of the same name, its data inside the file, its name unique and without "..". Sizes come from the
 * directory, as local headers may say 0. CRCs are not checked here: see checksum.h.
 * Errors: FV_ERROR_FORMAT, FV_ERROR_UNSUPPORTED (compressed, encrypted, several disks), FV_ERROR_MEMORY. The caller
 * frees with zip_clear, also after a failure. */
enum fv_status zip_read(const char *path, const struct fv_mapping *mapping, struct fv_pool *pool,
                        struct zip_archive *archive, struct fv_error *error);

/* The entry of that name, or NULL. */
const struct zip_entry *zip_find(const struct zip_archive *archive, const char *name);

void zip_clear(struct zip_archive *archive);

#endif
