/* Private to this room: one decoder a format.
 *
 * Each takes a whole file in memory, whose first bytes were recognised, and fills *image, which is empty on entry and,
 * on failure, on return. `page` counts from 1; 0: as fovea_image_read chooses. `name` is the file's name for messages.
 * Errors as of fovea_image_read_page. */
#ifndef FOVEA_APPS_IMAGE_DECODERS_H
#define FOVEA_APPS_IMAGE_DECODERS_H

#include "image/image.h"

typedef enum fv_status fovea_decoder(const char *name, const uint8_t *bytes, size_t size, uint32_t page,
                                     struct fovea_image *image, struct fv_error *error);

fovea_decoder fovea_png_decode, fovea_jpeg_decode, fovea_tiff_decode, fovea_bmp_decode, fovea_dicom_decode;

/* The error of a file that has `pages` pages, fewer than `page`. */
enum fv_status fovea_image_no_page(const char *name, uint32_t page, uint32_t pages, struct fv_error *error);

/* fovea_image_create for a decoder: `name` goes into the message. */
enum fv_status fovea_image_create_for(const char *name, uint64_t width, uint64_t height, uint32_t channels,
                                      uint32_t bits, struct fovea_image *image, struct fv_error *error);

/* The orientation (1 .. 8) in an EXIF block that begins with its TIFF header ("II*" or "MM*"); 1 where it is absent or
 * damaged, since a wrong tag must not cost the image. */
uint32_t fovea_exif_orientation(const uint8_t *exif, size_t size);

/* A colour table. Opaque tables of greys are the common way to store grey images in 8 bits. */
struct fovea_palette {
    uint32_t entries;        /* 0 .. 256 */
    uint8_t colours[256][4]; /* red, green, blue, alpha */
    bool transparent;        /* any entry has an alpha below 255 */
};

/* The channels that indices into `palette` expand to: 1 if all its entries are opaque greys, else 3, or 4 with alpha.
 */
uint32_t fovea_palette_channels(const struct fovea_palette *palette);

/* Whether the colours of `palette` from the least to the greatest of `count` indices (at least one, each inside the
 * palette) are greys, whatever their alpha: what imageio takes for a grey image. */
bool fovea_palette_is_grey(const struct fovea_palette *palette, const uint8_t *indices, size_t count);

/* Expands a row of `count` samples of `depth` bits (1, 2, 4, 8; the most significant bits first) through `palette` to
 * `channels` interleaved bytes each. False if an index is outside the palette. */
bool fovea_palette_expand(const struct fovea_palette *palette, const uint8_t *packed, uint32_t depth, size_t count,
                          uint32_t channels, uint8_t *row);

/* The size of the first page of a TIFF file, which is not decoded; false if there is none that could be. */
bool fovea_tiff_read_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height);

/* What a DICOM file says, but for `format`; false if it cannot be read. Its pixels are not decoded. */
bool fovea_dicom_read_facts(const char *name, const uint8_t *bytes, size_t size, struct fovea_image_facts *facts);

#endif
