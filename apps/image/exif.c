#include "image/decoders.h"

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };

static uint32_t get16(const uint8_t *bytes, bool little) {
    return little ? (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 : (uint32_t)bytes[1] | (uint32_t)bytes[0] << 8;
}

static uint32_t get32(const uint8_t *bytes, bool little) {
    return little ? get16(bytes, true) | get16(bytes + 2, true) << 16
                  : get16(bytes + 2, false) | get16(bytes, false) << 16;
}

uint32_t fovea_exif_orientation(const uint8_t *exif, size_t size) {
    if (size < 8 || exif[0] != exif[1] || (exif[0] != 'I' && exif[0] != 'M')) {
        return 1;
    }
    bool little = exif[0] == 'I';
    size_t directory = get32(exif + 4, little);
    if (get16(exif + 2, little) != 42 || directory > size - 2) {
        return 1;
    }
    size_t entries = get16(exif + directory, little);
    for (size_t i = 0; i < entries; i++) {
        size_t entry = directory + 2 + i * ENTRY_BYTES;
        if (entry > size || size - entry < ENTRY_BYTES) {
            return 1;
        }
        if (get16(exif + entry, little) == TAG_ORIENTATION && get16(exif + entry + 2, little) == TYPE_SHORT) {
            uint32_t orientation = get16(exif + entry + 8, little);
            return orientation >= 1 && orientation <= 8 ? orientation : 1;
        }
    }
    return 1;
}
