/* Windows bitmaps: uncompressed, of 1, 4, 8, 24 and 32 bits a pixel, which covers what OCT devices export.
 *
 * Source: Microsoft, BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER (little-endian; rows padded to 4 bytes, from
 * the bottom up unless the height is negative). */
#include <string.h>

#include "image/decoders.h"

enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40, PLAIN = 0, BITFIELDS = 3 };

struct layout {
    uint64_t width, height;
    bool top_down;
    uint32_t depth, compression;
    size_t palette_offset, pixel_offset, palette_entries, entry_bytes;
};

static uint32_t get16(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t get32(const uint8_t *bytes) {
    return get16(bytes) | get16(bytes + 2) << 16;
}

static enum fv_status damaged(const char *name, const char *reason, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged BMP: %s", name, reason);
}

/* BITFIELDS files of 32 bits are read only with the usual masks. */
static bool usual_masks(const uint8_t *bytes, size_t size) {
    const uint8_t *masks = bytes + FILE_HEADER + INFO_HEADER;
    return size >= FILE_HEADER + INFO_HEADER + 12 && get32(masks) == 0x00ff0000U && get32(masks + 4) == 0x0000ff00U &&
           get32(masks + 8) == 0x000000ffU;
}

static enum fv_status read_layout(const char *name, const uint8_t *bytes, size_t size, struct layout *layout,
                                  struct fv_error *error) {
    uint32_t header = size < FILE_HEADER + 4 ? 0 : get32(bytes + FILE_HEADER);
    if ((header != CORE_HEADER && (header < INFO_HEADER || header > 4096)) || size < FILE_HEADER + (size_t)header) {
        return damaged(name, "the header is incomplete", error);
    }
    const uint8_t *info = bytes + FILE_HEADER;
    bool core = header == CORE_HEADER;
    uint32_t colours = 0;
    if (core) {
        layout->width = get16(info + 4);
        layout->height = get16(info + 6);
        layout->depth = get16(info + 10);
    } else {
        uint32_t height = get32(info + 8);
        layout->top_down = height >= 0x80000000U;
        layout->width = get32(info + 4);
        layout->height = layout->top_down ? 0x100000000U - height : height;
        layout->depth = get16(info + 14);
        layout->compression = get32(info + 16);
        colours = get32(info + 32);
    }
    layout->entry_bytes = core ? 3 : 4;
    layout->palette_offset = FILE_HEADER + header;
    layout->palette_entries = layout->depth > 8 ? 0 : colours == 0 ? 1U << layout->depth : colours;
    layout->pixel_offset = get32(bytes + 10);
    bool masked = layout->compression == BITFIELDS && layout->depth == 32 && usual_masks(bytes, size);
    bool known_depth =
        layout->depth == 1 || layout->depth == 4 || layout->depth == 8 || layout->depth == 24 || layout->depth == 32;
    if (!known_depth || (layout->compression != PLAIN && !masked)) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: expected an uncompressed BMP file of 1, 4, 8, 24 or 32 bits, found %u bits with "
                            "compression %u",
                            name, layout->depth, layout->compression);
    }
    return FV_OK;
}

static enum fv_status read_palette(const char *name, const uint8_t *bytes, size_t size, const struct layout *layout,
                                   struct fovea_palette *palette, struct fv_error *error) {
    if (layout->palette_entries > 256 || layout->palette_offset > size ||
        (size - layout->palette_offset) / layout->entry_bytes < layout->palette_entries) {
        return damaged(name, "the palette is incomplete", error);
    }
    palette->entries = (uint32_t)layout->palette_entries;
    for (size_t i = 0; i < layout->palette_entries; i++) {
        const uint8_t *entry = bytes + layout->palette_offset + i * layout->entry_bytes;
        palette->colours[i][0] = entry[2];
        palette->colours[i][1] = entry[1];
        palette->colours[i][2] = entry[0];
        palette->colours[i][3] = 255;
    }
    return FV_OK;
}

/* 24 and 32 bits: blue, green, red and, in 32, a byte that plain files leave undefined. */
static void store_colours(const uint8_t *packed, uint32_t depth, struct fovea_image *image, uint8_t *row) {
    for (uint32_t x = 0; x < image->width; x++) {
        const uint8_t *pixel = packed + (size_t)x * (depth / 8);
        row[3 * (size_t)x] = pixel[2];
        row[3 * (size_t)x + 1] = pixel[1];
        row[3 * (size_t)x + 2] = pixel[0];
    }
}

static enum fv_status read_rows(const char *name, const uint8_t *bytes, size_t size, const struct layout *layout,
                                const struct fovea_palette *palette, struct fovea_image *image,
                                struct fv_error *error) {
    size_t stride = ((size_t)image->width * layout->depth + 31) / 32 * 4;
    if (layout->pixel_offset > size || (size - layout->pixel_offset) / stride < image->height) {
        return damaged(name, "the file ends too early", error);
    }
    for (uint32_t y = 0; y < image->height; y++) {
        size_t line = layout->top_down ? y : image->height - 1 - y;
        const uint8_t *packed = bytes + layout->pixel_offset + line * stride;
        uint8_t *row = image->pixels.u8 + (size_t)y * image->width * image->channels;
        if (layout->depth > 8) {
            store_colours(packed, layout->depth, image, row);
        } else if (!fovea_palette_expand(palette, packed, layout->depth, image->width, image->channels, row)) {
            return damaged(name, "a pixel lies outside the palette", error);
        }
    }
    image->palette = layout->depth <= 8;
    return FV_OK;
}

enum fv_status fovea_bmp_decode(const char *name, const uint8_t *bytes, size_t size, uint32_t page,
                                struct fovea_image *image, struct fv_error *error) {
    (void)page; /* a file of one */
    struct layout layout = {0};
    struct fovea_palette palette = {0};
    enum fv_status status = read_layout(name, bytes, size, &layout, error);
    uint32_t channels = 3;
    if (status == FV_OK && layout.depth <= 8) {
        status = read_palette(name, bytes, size, &layout, &palette, error);
        channels = fovea_palette_channels(&palette);
    }
    if (status == FV_OK) {
        status = fovea_image_create_for(name, layout.width, layout.height, channels, 8, image, error);
    }
    if (status == FV_OK) {
        status = read_rows(name, bytes, size, &layout, &palette, image, error);
    }
    if (status != FV_OK) {
        fovea_image_release(image);
    }
    return status;
}
