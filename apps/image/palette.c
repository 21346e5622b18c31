#include "image/decoders.h"

uint32_t fovea_palette_channels(const struct fovea_palette *palette) {
    if (palette->transparent) {
        return 4;
    }
    for (uint32_t i = 0; i < palette->entries; i++) {
        const uint8_t *colour = palette->colours[i];
        if (colour[0] != colour[1] || colour[0] != colour[2]) {
            return 3;
        }
    }
    return 1;
}

bool fovea_palette_expand(const struct fovea_palette *palette, const uint8_t *packed, uint32_t depth, size_t count,
                          uint32_t channels, uint8_t *row) {
    uint32_t per_byte = 8 / depth;
    uint32_t mask = (1U << depth) - 1U;
    for (size_t i = 0; i < count; i++) {
        uint32_t shift = 8 - depth * ((uint32_t)(i % per_byte) + 1);
        uint32_t index = ((uint32_t)packed[i / per_byte] >> shift) & mask;
        if (index >= palette->entries) {
            return false;
        }
        for (uint32_t c = 0; c < channels; c++) {
            *row++ = palette->colours[index][c];
        }
    }
    return true;
}
