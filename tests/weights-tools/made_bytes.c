/* Bytes, pickle opcodes and zips. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "made.h"

void made_require(bool fine, const char *what) {
    if (!fine) {
        fprintf(stderr, "making a checkpoint failed: %s\n", what);
        abort();
    }
}

void bytes_add(struct bytes *bytes, const void *added, size_t size) {
    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = 2 * (bytes->size + size) + 64;
        bytes->at = realloc(bytes->at, bytes->capacity);
        made_require(bytes->at != NULL, "memory");
    }
    if (size > 0) {
        memcpy(bytes->at + bytes->size, added, size);
    }
    bytes->size += size;
}

void bytes_u8(struct bytes *bytes, unsigned value) {
    uint8_t byte = (uint8_t)value;
    bytes_add(bytes, &byte, 1);
}

void bytes_u16(struct bytes *bytes, unsigned value) {
    bytes_u8(bytes, value & 0xFF);
    bytes_u8(bytes, value >> 8);
}

void bytes_u32(struct bytes *bytes, uint32_t value) {
    bytes_add(bytes, &value, sizeof value);
}

void bytes_u64(struct bytes *bytes, uint64_t value) {
    bytes_add(bytes, &value, sizeof value);
}

void bytes_text(struct bytes *bytes, const char *text) {
    bytes_add(bytes, text, strlen(text));
}

struct bytes bytes_copy(const struct bytes *bytes) {
    struct bytes copy = {0};
    bytes_add(&copy, bytes->at, bytes->size);
    return copy;
}

void bytes_clear(struct bytes *bytes) {
    free(bytes->at);
    *bytes = (struct bytes){0};
}

size_t bytes_find(const struct bytes *bytes, const void *pattern, size_t size, size_t number) {
    for (size_t at = 0; at + size <= bytes->size; at++) {
        if (memcmp(bytes->at + at, pattern, size) == 0 && number-- == 0) {
            return at;
        }
    }
    made_require(false, "the pattern is not there");
    return 0;
}

void pickle_text(struct bytes *pickle, const char *text) {
    bytes_u8(pickle, 'X');
    bytes_u32(pickle, (uint32_t)strlen(text));
    bytes_text(pickle, text);
}

void pickle_integer(struct bytes *pickle, int32_t value) {
    bytes_u8(pickle, 'J');
    bytes_u32(pickle, (uint32_t)value);
}

void pickle_global(struct bytes *pickle, const char *module, const char *name) {
    bytes_u8(pickle, 'c');
    bytes_text(pickle, module);
    bytes_u8(pickle, '\n');
    bytes_text(pickle, name);
    bytes_u8(pickle, '\n');
}

void zip_made_add(struct zip_made *zip, const char *name, const void *data, size_t size) {
    static const uint8_t zeros[64];
    size_t header = zip->file.size;
    size_t plain = header + 30 + strlen(name) + 4;
    size_t padding = (64 - plain % 64) % 64;
    bytes_text(&zip->file, "PK\x03\x04");
    bytes_u16(&zip->file, 0);      /* version */
    bytes_u16(&zip->file, 0x0808); /* descriptor follows, UTF-8 */
    bytes_add(&zip->file, zeros, 2 + 4 + 4 + 4 + 4);
    bytes_u16(&zip->file, (unsigned)strlen(name));
    bytes_u16(&zip->file, (unsigned)(4 + padding));
    bytes_text(&zip->file, name);
    bytes_text(&zip->file, "FB");
    bytes_u16(&zip->file, (unsigned)padding);
    bytes_add(&zip->file, zeros, padding);
    bytes_add(&zip->file, data, size);
    bytes_text(&zip->directory, "PK\x01\x02");
    bytes_u16(&zip->directory, 0);
    bytes_u16(&zip->directory, 0);
    bytes_u16(&zip->directory, 0x0808);
    bytes_add(&zip->directory, zeros, 2 + 4 + 4);
    bytes_u32(&zip->directory, (uint32_t)size);
    bytes_u32(&zip->directory, (uint32_t)size);
    bytes_u16(&zip->directory, (unsigned)strlen(name));
    bytes_add(&zip->directory, zeros, 2 + 2 + 2 + 2 + 4);
    bytes_u32(&zip->directory, (uint32_t)header);
    bytes_text(&zip->directory, name);
    zip->count++;
}

struct bytes zip_made_end(struct zip_made *zip, bool zip64) {
    static const uint8_t zeros[8];
    struct bytes file = zip->file;
    size_t offset = file.size;
    size_t size = zip->directory.size;
    bytes_add(&file, zip->directory.at, size);
    if (zip64) {
        size_t record = file.size;
        bytes_text(&file, "PK\x06\x06");
        bytes_u64(&file, 44);
        bytes_add(&file, zeros, 2 + 2);
        bytes_u32(&file, 0);
        bytes_u32(&file, 0);
        bytes_u64(&file, zip->count);
        bytes_u64(&file, zip->count);
        bytes_u64(&file, size);
        bytes_u64(&file, offset);
        bytes_text(&file, "PK\x06\x07");
        bytes_u32(&file, 0);
        bytes_u64(&file, record);
        bytes_u32(&file, 1);
    }
    bytes_text(&file, "PK\x05\x06");
    bytes_add(&file, zeros, 4);
    bytes_u16(&file, zip->count);
    bytes_u16(&file, zip->count);
    bytes_u32(&file, (uint32_t)size);
    bytes_u32(&file, (uint32_t)offset);
    bytes_u16(&file, 0);
    bytes_clear(&zip->directory);
    *zip = (struct zip_made){0};
    return file;
}

static uint32_t number_at(const struct bytes *bytes, size_t offset, size_t size) {
    uint32_t number = 0;
    memcpy(&number, bytes->at + offset, size);
    return number;
}

void zip_add_checksums(struct bytes *file) {
    size_t end = file->size - 22;
    size_t at = number_at(file, end + 16, 4);
    for (uint32_t left = number_at(file, end + 10, 2); left > 0; left--) {
        size_t local = number_at(file, at + 42, 4);
        size_t data = local + 30 + number_at(file, local + 26, 2) + number_at(file, local + 28, 2);
        uint32_t crc = (uint32_t)crc32(0, file->at + data, (uInt)number_at(file, at + 24, 4));
        memcpy(file->at + at + 16, &crc, sizeof crc);
        at += 46 + number_at(file, at + 28, 2);
    }
}

struct bytes torch_zip_of(const struct bytes *pickle) {
    struct zip_made zip = {0};
    zip_made_add(&zip, "made/data.pkl", pickle->at, pickle->size);
    zip_made_add(&zip, "made/version", "3\n", 2);
    return zip_made_end(&zip, true);
}
