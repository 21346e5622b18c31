#include <stdio.h>
#include <string.h>

#include <tiffio.h>

#include "fovea/memory.h"
#include "image/decoders.h"

enum { REASON = 256, MAX_PAGES = 1000 };

struct job {
    const char *name;
    TIFF *tiff;
    const uint8_t *bytes;
    size_t size, position;
    char reason[REASON]; /* libtiff's first complaint */
    struct fv_error *error;

    uint32_t width, height;
    uint16_t depth;   /* bits per sample */
    uint16_t samples; /* per pixel */
    uint16_t photometric, planar;
    bool tiled;
    uint32_t block_width, block_height; /* of a strip or a tile */
    struct fovea_palette palette;
    uint8_t *block;
};

static tmsize_t take_bytes(thandle_t handle, void *target, tmsize_t count) {
    struct job *job = handle;
    size_t left = job->position < job->size ? job->size - job->position : 0;
    size_t taken = (size_t)count < left ? (size_t)count : left;
    memcpy(target, job->bytes + (left == 0 ? 0 : job->position), taken);
    job->position += taken;
    return (tmsize_t)taken;
}

static tmsize_t refuse_bytes(thandle_t handle, void *source, tmsize_t count) {
    (void)handle;
    (void)source;
    (void)count;
    return -1;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    struct job *job = handle;
    toff_t base = whence == SEEK_CUR ? job->position : whence == SEEK_END ? job->size : 0;
    job->position = (size_t)(base + offset);
    return job->position;
}

static int close_nothing(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t tell_size(thandle_t handle) {
    return ((struct job *)handle)->size;
}

static int keep_first_error(TIFF *tiff, void *context, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)module;
    struct job *job = context;
    if (job->reason[0] == '\0') {
        vsnprintf(job->reason, sizeof job->reason, format, arguments);
    }
    return 1;
}

static int drop_warning(TIFF *tiff, void *context, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)context;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static bool open_tiff(struct job *job) {
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options == NULL) {
        return false;
    }
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_first_error, job);
    TIFFOpenOptionsSetWarningHandlerExtR(options, drop_warning, job);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)FOVEA_IMAGE_MAX_BYTES);
    /* m: no memory mapping. */
    job->tiff = TIFFClientOpenExt(job->name, "rm", job, take_bytes, refuse_bytes, seek, close_nothing, tell_size, NULL,
                                  NULL, options);
    TIFFOpenOptionsFree(options);
    return job->tiff != NULL;
}

static enum fv_status damaged(const struct job *job) {
    return fv_error_set(job->error, FV_ERROR_FORMAT, "%s: damaged TIFF: %s", job->name,
                        job->reason[0] != '\0' ? job->reason : "the file ends too early");
}

static enum fv_status read_palette(struct job *job) {
    uint16_t *red, *green, *blue;
    if (TIFFGetField(job->tiff, TIFFTAG_COLORMAP, &red, &green, &blue) != 1) {
        return fv_error_set(job->error, FV_ERROR_FORMAT, "%s: damaged TIFF: the palette is missing", job->name);
    }
    job->palette.entries = 1U << job->depth;
    uint32_t shift = 0; /* some writers store 8 bit colours in the 16 bit table */
    for (uint32_t i = 0; i < job->palette.entries; i++) {
        shift = red[i] > 255 || green[i] > 255 || blue[i] > 255 ? 8 : shift;
    }
    for (uint32_t i = 0; i < job->palette.entries; i++) {
        uint8_t *entry = job->palette.colours[i];
        entry[0] = (uint8_t)(red[i] >> shift);
        entry[1] = (uint8_t)(green[i] >> shift);
        entry[2] = (uint8_t)(blue[i] >> shift);
        entry[3] = 255;
    }
    return FV_OK;
}

static bool depth_is_handled(const struct job *job) {
    uint16_t depth = job->depth;
    bool below_8 = depth == 1 || depth == 2 || depth == 4;
    switch (job->photometric) {
    case PHOTOMETRIC_PALETTE:
        return job->samples == 1 && (below_8 || depth == 8);
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
        return (job->samples == 1 && below_8) || (job->samples <= 2 && (depth == 8 || depth == 16));
    case PHOTOMETRIC_RGB:
        return (job->samples == 3 || job->samples == 4) && (depth == 8 || depth == 16);
    default:
        return false;
    }
}

static const char *photometric_name(uint16_t photometric) {
    switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
        return "grey";
    case PHOTOMETRIC_RGB:
        return "RGB";
    case PHOTOMETRIC_PALETTE:
        return "palette";
    case PHOTOMETRIC_SEPARATED:
        return "CMYK";
    case PHOTOMETRIC_YCBCR:
        return "YCbCr";
    case PHOTOMETRIC_CIELAB:
        return "Lab";
    default:
        return "another colour model";
    }
}

/* Reads the tags that say how pixels are stored. */
static enum fv_status read_layout(struct job *job) {
    TIFF *tiff = job->tiff;
    uint16_t compression = COMPRESSION_NONE, format = SAMPLEFORMAT_UINT;
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    if (!TIFFIsCODECConfigured(compression)) {
        return fv_error_set(job->error, FV_ERROR_UNSUPPORTED, "%s: TIFF compression %u is not handled", job->name,
                            compression);
    }
    if (TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &job->width) != 1 ||
        TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &job->height) != 1 ||
        TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &job->photometric) != 1) {
        return fv_error_set(job->error, FV_ERROR_FORMAT,
                            "%s: damaged TIFF: width, height or the colour model is missing", job->name);
    }
    if (compression == COMPRESSION_JPEG && job->photometric == PHOTOMETRIC_YCBCR) {
        (void)TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        job->photometric = PHOTOMETRIC_RGB;
    }
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &job->depth);
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &job->samples);
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &job->planar);
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) {
        return fv_error_set(job->error, FV_ERROR_UNSUPPORTED, "%s: expected unsigned TIFF samples, found %s", job->name,
                            format == SAMPLEFORMAT_IEEEFP ? "floating point" : "signed or complex ones");
    }
    if (!depth_is_handled(job)) {
        return fv_error_set(job->error, FV_ERROR_UNSUPPORTED,
                            "%s: expected a grey, RGB or palette TIFF file of 1 to 16 bits, found %s with %u samples "
                            "of %u bits",
                            job->name, photometric_name(job->photometric), job->samples, job->depth);
    }
    return job->photometric == PHOTOMETRIC_PALETTE ? read_palette(job) : FV_OK;
}

static void grey_table(struct job *job) {
    uint32_t last = (1U << job->depth) - 1U;
    job->palette.entries = last + 1;
    for (uint32_t i = 0; i <= last; i++) {
        memset(job->palette.colours[i], (int)(i * 255U / last), 3);
        job->palette.colours[i][3] = 255;
    }
}

/* Stores one row of a block: `count` pixels of `samples` samples each at `packed`, as the channels from `channel` on of
 * the pixels from (x, y) on. */
static void store_row(const struct job *job, const uint8_t *packed, uint32_t x, uint32_t y, uint32_t count,
                      uint32_t samples, uint32_t channel, struct fovea_image *image) {
    size_t first = ((size_t)y * image->width + x) * image->channels;
    if (job->palette.entries != 0) {
        /* Every index of `depth` bits is in the table. */
        (void)fovea_palette_expand(&job->palette, packed, job->depth, count, image->channels, image->pixels.u8 + first);
        return;
    }
    const uint16_t *wide = (const uint16_t *)(const void *)packed;
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < samples; s++) {
            size_t target = first + i * image->channels + channel + s;
            if (image->bits == 16) {
                image->pixels.u16[target] = wide[i * samples + s];
            } else {
                image->pixels.u8[target] = packed[i * samples + s];
            }
        }
    }
}

/* Reads the strip or tile that starts at (x, y) in plane `plane`; `rows` of it are inside the image. */
static bool read_block(struct job *job, uint32_t x, uint32_t y, uint16_t plane, uint32_t rows, size_t row_bytes) {
    tmsize_t got;
    tmsize_t expected = (tmsize_t)((size_t)rows * row_bytes);
    if (job->tiled) {
        uint32_t tile = TIFFComputeTile(job->tiff, x, y, 0, plane);
        got = TIFFReadEncodedTile(job->tiff, tile, job->block, TIFFTileSize(job->tiff));
    } else {
        uint32_t strip = TIFFComputeStrip(job->tiff, y, plane);
        got = TIFFReadEncodedStrip(job->tiff, strip, job->block, expected);
    }
    return got >= expected;
}

static bool read_plane(struct job *job, uint16_t plane, uint32_t samples, struct fovea_image *image) {
    size_t row_bytes = (size_t)(job->tiled ? TIFFTileRowSize(job->tiff) : TIFFScanlineSize(job->tiff));
    for (uint32_t y = 0; y < job->height; y += job->block_height) {
        uint32_t rows = job->height - y < job->block_height ? job->height - y : job->block_height;
        for (uint32_t x = 0; x < job->width; x += job->block_width) {
            uint32_t columns = job->width - x < job->block_width ? job->width - x : job->block_width;
            if (!read_block(job, x, y, plane, rows, row_bytes)) {
                return false;
            }
            for (uint32_t row = 0; row < rows; row++) {
                store_row(job, job->block + row * row_bytes, x, y + row, columns, samples, plane, image);
            }
        }
    }
    return true;
}

static void invert(struct fovea_image *image) {
    size_t pixels = (size_t)image->width * image->height;
    for (size_t i = 0; i < pixels; i++) { /* alpha, if any, is not inverted */
        if (image->bits == 16) {
            image->pixels.u16[i * image->channels] = (uint16_t)(65535U - image->pixels.u16[i * image->channels]);
        } else {
            image->pixels.u8[i * image->channels] = (uint8_t)(255U - image->pixels.u8[i * image->channels]);
        }
    }
}

static void choose_blocks(struct job *job) {
    job->tiled = TIFFIsTiled(job->tiff) != 0;
    job->block_width = job->width;
    job->block_height = job->height;
    if (job->tiled) {
        (void)TIFFGetField(job->tiff, TIFFTAG_TILEWIDTH, &job->block_width);
        (void)TIFFGetField(job->tiff, TIFFTAG_TILELENGTH, &job->block_height);
    } else {
        (void)TIFFGetFieldDefaulted(job->tiff, TIFFTAG_ROWSPERSTRIP, &job->block_height);
        job->block_height = job->block_height > job->height ? job->height : job->block_height;
    }
}

/* As libtiff's own conversion to RGBA judges: only colours that are said to be unassociated are not multiplied yet. */
static bool is_premultiplied(TIFF *tiff) {
    uint16_t count = 0, *kinds = NULL;
    (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
    return count == 0 || kinds == NULL || kinds[0] != EXTRASAMPLE_UNASSALPHA;
}

/* Reads all planes into an image that exists. */
static enum fv_status read_pixels(struct job *job, struct fovea_image *image) {
    choose_blocks(job);
    tmsize_t block_bytes = job->tiled ? TIFFTileSize(job->tiff) : TIFFStripSize(job->tiff);
    if (block_bytes <= 0 || job->block_width == 0 || job->block_height == 0) {
        return damaged(job);
    }
    if ((size_t)block_bytes > FOVEA_IMAGE_MAX_BYTES) {
        return fv_error_set(job->error, FV_ERROR_UNSUPPORTED, "%s: a TIFF strip or tile of %zu bytes, the limit is %zu",
                            job->name, (size_t)block_bytes, FOVEA_IMAGE_MAX_BYTES);
    }
    job->block = fv_allocate_zero((size_t)block_bytes, 1);
    if (job->block == NULL) {
        return fv_error_set(job->error, FV_ERROR_MEMORY, "%s: out of memory", job->name);
    }
    bool separate = job->planar == PLANARCONFIG_SEPARATE && job->samples > 1;
    uint32_t samples = separate ? 1 : job->samples;
    for (uint16_t plane = 0; plane < (separate ? job->samples : 1); plane++) {
        if (!read_plane(job, plane, samples, image)) {
            return damaged(job);
        }
    }
    if (job->photometric == PHOTOMETRIC_MINISWHITE) {
        invert(image);
    }
    return FV_OK;
}

/* Goes on to page `most`, or to the last one, and returns which it is. The first directory is page `page`; thumbnails
 * and transparency masks behind it are not pages. */
static uint32_t go_to_page(TIFF *tiff, uint32_t page, uint32_t most) {
    for (int i = 0; i < MAX_PAGES && page < most && TIFFReadDirectory(tiff) == 1; i++) {
        uint32_t kind = 0;
        (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &kind);
        page += (kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0;
    }
    return page;
}

/* `page` counts from 1. */
static enum fv_status decode(struct job *job, uint32_t page, struct fovea_image *image) {
    if (!open_tiff(job)) {
        return damaged(job);
    }
    uint32_t found = go_to_page(job->tiff, 1, page);
    if (found < page) {
        return fovea_image_no_page(job->name, page, found, job->error);
    }
    enum fv_status status = read_layout(job);
    if (status != FV_OK) {
        return status;
    }
    uint32_t channels = job->samples;
    bool palette = job->palette.entries != 0;
    if (palette) {
        channels = fovea_palette_channels(&job->palette);
    } else if (job->depth < 8) {
        grey_table(job);
    }
    status = fovea_image_create_for(job->name, job->width, job->height, channels, job->depth == 16 ? 16 : 8, image,
                                    job->error);
    if (status != FV_OK) {
        return status;
    }
    status = read_pixels(job, image);
    uint16_t orientation = ORIENTATION_TOPLEFT;
    (void)TIFFGetFieldDefaulted(job->tiff, TIFFTAG_ORIENTATION, &orientation);
    image->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
    image->palette = palette;
    image->grey_palette = palette && channels == 1;
    image->premultiplied = channels == 4 && is_premultiplied(job->tiff);
    if (status == FV_OK) {
        image->pages = go_to_page(job->tiff, page, UINT32_MAX);
    }
    return status;
}

enum fv_status fovea_tiff_decode(const char *name, const uint8_t *bytes, size_t size, uint32_t page,
                                 struct fovea_image *image, struct fv_error *error) {
    struct job job = {.name = name, .bytes = bytes, .size = size, .error = error};
    enum fv_status status = decode(&job, page == 0 ? 1 : page, image);
    if (job.tiff != NULL) {
        TIFFClose(job.tiff);
    }
    fv_release(job.block);
    if (status != FV_OK) {
        fovea_image_release(image);
    }
    return status;
}

bool fovea_tiff_read_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height) {
    struct job job = {.name = "", .bytes = bytes, .size = size};
    const bool found = open_tiff(&job) && read_layout(&job) == FV_OK;
    *width = job.width;
    *height = job.height;
    if (job.tiff != NULL) {
        TIFFClose(job.tiff);
    }
    return found;
}
