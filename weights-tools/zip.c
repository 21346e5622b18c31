/* The zip format, as far as torch writes it: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. */
#include "zip.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "fovea/bytes.h"
#include "fovea/text.h"

enum { LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22, LOCATOR_SIZE = 20, END64_SIZE = 56, LONGEST_COMMENT = 65535 };

static const uint32_t LOCAL = 0x04034B50, CENTRAL = 0x02014B50, END = 0x06054B50, LOCATOR = 0x07064B50,
                      END64 = 0x06064B50;

struct zip_reader {
    const char *path;
    const struct fv_mapping *mapping;
    struct fv_pool *pool;
    struct zip_archive *archive;
    struct fv_error *error;
    size_t at;  /* in the central directory */
    size_t end; /* of the central directory */
};

static enum fv_status broken(const struct zip_reader *reader, size_t offset, const char *what) {
    return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: zip, offset %zu: %s", reader->path, offset, what);
}

/* Offset of the end record: it is followed by a comment of the length that it states, and nothing else. */
static bool find_end(const struct fv_mapping *mapping, size_t *offset) {
    for (size_t comment = 0; comment <= LONGEST_COMMENT && comment + END_SIZE <= mapping->size; comment++) {
        const uint8_t *record = mapping->bytes + mapping->size - END_SIZE - comment;
        if (fv_load_u32(record) == END && fv_load_u16(record + 20) == comment) {
            *offset = (size_t)(record - mapping->bytes);
            return true;
        }
    }
    return false;
}

/* Follows the Zip64 locator that lies before the end record, if there is one. */
static enum fv_status read_end64(struct zip_reader *reader, size_t end, uint64_t *count, uint64_t *size,
                                 uint64_t *offset) {
    const uint8_t *bytes = reader->mapping->bytes;
    if (end < LOCATOR_SIZE || fv_load_u32(bytes + end - LOCATOR_SIZE) != LOCATOR) {
        return FV_OK;
    }
    uint64_t at = fv_load_u64(bytes + end - LOCATOR_SIZE + 8);
    if (at > end - LOCATOR_SIZE || end - LOCATOR_SIZE - at < END64_SIZE || fv_load_u32(bytes + at) != END64) {
        return broken(reader, end - LOCATOR_SIZE, "the Zip64 end record is not where its locator says");
    }
    if (fv_load_u32(bytes + at + 16) != 0 || fv_load_u32(bytes + at + 20) != 0) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED, "%s: zip over several disks", reader->path);
    }
    *count = fv_load_u64(bytes + at + 32);
    *size = fv_load_u64(bytes + at + 40);
    *offset = fv_load_u64(bytes + at + 48);
    return FV_OK;
}

/* Finds the central directory; sets at, end and the number of entries. */
static enum fv_status find_directory(struct zip_reader *reader) {
    size_t end;
    if (!find_end(reader->mapping, &end)) {
        return broken(reader, reader->mapping->size, "there is no end record: the file is cut short or no zip");
    }
    const uint8_t *record = reader->mapping->bytes + end;
    if (fv_load_u16(record + 4) != 0 || fv_load_u16(record + 6) != 0) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED, "%s: zip over several disks", reader->path);
    }
    uint64_t count = fv_load_u16(record + 10);
    uint64_t size = fv_load_u32(record + 12);
    uint64_t offset = fv_load_u32(record + 16);
    enum fv_status status = read_end64(reader, end, &count, &size, &offset);
    if (status != FV_OK) {
        return status;
    }
    if (offset > end || size > end - offset || count > size / CENTRAL_SIZE) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: zip: %" PRIu64 " entries in %" PRIu64 " bytes at offset %" PRIu64
                            " do not fit before the end record at %zu",
                            reader->path, count, size, offset, end);
    }
    reader->archive->count = (size_t)count;
    reader->at = (size_t)offset;
    reader->end = (size_t)(offset + size);
    return FV_OK;
}

/* Replaces the values that are all ones by those of the Zip64 extra field. */
static bool apply_zip64(const uint8_t *extra, size_t length, uint64_t *values[3], const bool wanted[3]) {
    while (length >= 4) {
        size_t size = fv_load_u16(extra + 2);
        if (size > length - 4) {
            return false;
        }
        if (fv_load_u16(extra) == 1) {
            size_t at = 4;
            for (size_t i = 0; i < 3; i++) {
                if (wanted[i]) {
                    if (at + 8 > size + 4) {
                        return false;
                    }
                    *values[i] = fv_load_u64(extra + at);
                    at += 8;
                }
            }
            return true;
        }
        extra += size + 4;
        length -= size + 4;
    }
    return false;
}

static bool name_safe(const char *name, size_t length) {
    if (length == 0 || name[0] == '/' || memchr(name, '\\', length) != NULL || !fv_utf8_valid(name, length)) {
        return false;
    }
    for (size_t begin = 0; begin < length;) {
        const char *slash = memchr(name + begin, '/', length - begin);
        size_t part = slash == NULL ? length - begin : (size_t)(slash - name) - begin;
        if (part == 2 && memcmp(name + begin, "..", 2) == 0) {
            return false;
        }
        begin += part + 1;
    }
    return true;
}

/* Checks the local header and computes where the data begin: its own name and extra field decide. */
static enum fv_status locate(struct zip_reader *reader, struct zip_entry *entry, uint64_t header, uint64_t size) {
    const struct fv_mapping *mapping = reader->mapping;
    if (header > mapping->size || mapping->size - header < LOCAL_SIZE ||
        fv_load_u32(mapping->bytes + header) != LOCAL) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: zip entry %s: no local header at offset %" PRIu64,
                            reader->path, entry->name, header);
    }
    const uint8_t *local = mapping->bytes + header;
    size_t name_length = fv_load_u16(local + 26);
    size_t skip = LOCAL_SIZE + name_length + fv_load_u16(local + 28);
    size_t left = mapping->size - (size_t)header;
    if (skip > left || size > left - skip) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT,
                            "%s: zip entry %s: %" PRIu64 " bytes at offset %" PRIu64 " end outside the file's %zu",
                            reader->path, entry->name, size, header, mapping->size);
    }
    if (name_length != strlen(entry->name) || memcmp(local + LOCAL_SIZE, entry->name, name_length) != 0) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: zip entry %s: its local header has another name",
                            reader->path, entry->name);
    }
    entry->offset = (size_t)header + skip;
    entry->size = (size_t)size;
    return FV_OK;
}

static enum fv_status check_entry(struct zip_reader *reader, struct zip_entry *entry, const uint8_t *record,
                                  uint64_t compressed, uint64_t size) {
    uint16_t flags = fv_load_u16(record + 8);
    uint16_t method = fv_load_u16(record + 10);
    if ((flags & 1) != 0 || method != 0 || compressed != size) {
        return fv_error_set(reader->error, FV_ERROR_UNSUPPORTED,
                            "%s: zip entry %s is %s; torch writes stored entries only", reader->path, entry->name,
                            (flags & 1) != 0 ? "encrypted" : "compressed");
    }
    if (fv_names_find(&reader->archive->names, entry->name, NULL)) {
        return fv_error_set(reader->error, FV_ERROR_FORMAT, "%s: zip entry %s is there twice", reader->path,
                            entry->name);
    }
    return FV_OK;
}

static enum fv_status read_entry(struct zip_reader *reader, size_t index) {
    struct zip_entry *entry = &reader->archive->entries[index];
    const uint8_t *record = reader->mapping->bytes + reader->at;
    size_t left = reader->end - reader->at;
    if (left < CENTRAL_SIZE || fv_load_u32(record) != CENTRAL) {
        return broken(reader, reader->at, "the central directory is broken");
    }
    size_t name_length = fv_load_u16(record + 28);
    size_t extra_length = fv_load_u16(record + 30);
    size_t length = CENTRAL_SIZE + name_length + extra_length + fv_load_u16(record + 32);
    const char *name = (const char *)record + CENTRAL_SIZE;
    if (length > left || !name_safe(name, name_length)) {
        return broken(reader, reader->at,
                      length > left ? "the central directory is broken" : "an entry's name is unsafe");
    }
    uint64_t compressed = fv_load_u32(record + 20);
    uint64_t size = fv_load_u32(record + 24);
    uint64_t header = fv_load_u32(record + 42);
    const bool wanted[3] = {size == UINT32_MAX, compressed == UINT32_MAX, header == UINT32_MAX};
    uint64_t *values[3] = {&size, &compressed, &header};
    const uint8_t *extra = record + CENTRAL_SIZE + name_length;
    if ((wanted[0] || wanted[1] || wanted[2]) && !apply_zip64(extra, extra_length, values, wanted)) {
        return broken(reader, reader->at, "an entry lacks its Zip64 sizes");
    }
    reader->at += length;
    entry->crc = fv_load_u32(record + 16);
    entry->name = fv_pool_text(reader->pool, name, name_length);
    if (entry->name == NULL) {
        return fv_error_set(reader->error, FV_ERROR_MEMORY, "%s: out of memory", reader->path);
    }
    enum fv_status status = check_entry(reader, entry, record, compressed, size);
    return status == FV_OK ? locate(reader, entry, header, size) : status;
}

enum fv_status zip_read(const char *path, const struct fv_mapping *mapping, struct fv_pool *pool,
                        struct zip_archive *archive, struct fv_error *error) {
    *archive = (struct zip_archive){0};
    struct zip_reader reader = {.path = path, .mapping = mapping, .pool = pool, .archive = archive, .error = error};
    enum fv_status status = find_directory(&reader);
    if (status != FV_OK) {
        return status;
    }
    archive->entries = fv_pool_take(pool, archive->count, sizeof *archive->entries);
    bool fits = archive->entries != NULL;
    for (size_t i = 0; i < archive->count && fits; i++) {
        status = read_entry(&reader, i);
        if (status != FV_OK) {
            return status;
        }
        fits = fv_names_add(&archive->names, archive->entries[i].name, i);
    }
    return fits ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
}

const struct zip_entry *zip_find(const struct zip_archive *archive, const char *name) {
    size_t index;
    return fv_names_find(&archive->names, name, &index) ? &archive->entries[index] : NULL;
}

void zip_clear(struct zip_archive *archive) {
    fv_names_clear(&archive->names);
    *archive = (struct zip_archive){0};
}
