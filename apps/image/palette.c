#include "image/decoders.h"

/* Whether the colours from index `first` to before `end` are greys. */
static bool greys(const struct fovea_palette *palette, uint32_t first, uint32_t end) {
    for (uint32_t i = first; i < end; i++) {
        const uint8_t *colour = palette->colours[i];
        if (colour[0] != colour[1] || colour[0] != colour[2]) {
            return false;
        }
    }
    return true;
}

uint32_t fovea_palette_channels(const struct fovea_palette *palette) {
    if (palette->transparent) {
        return 4;
    }
    return greys(palette, 0, palette->entries) ? 1 : 3;
}

bool fovea_palette_is_grey(const struct fovea_palette *palette, const uint8_t *indices, size_t count) {
    uint32_t least = 255, most = 0;
    for (size_t i = 0; i < count; i++) {
        least = indices[i] < least ? indices[i] : least;
        most = indices[i] > most ? indices[i] : most;
    }
    return greys(palette, least, most + 1);
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
