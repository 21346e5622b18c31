/* Image files: reading PNG, JPEG, TIFF, BMP and DICOM by their content, the product's rule for what counts as a grey
 * image, and writing PNG.
 *
 * Reading has two steps, so that rules other than ours (OpenCV's, Pillow's, scikit-image's) can be added beside it:
 * fovea_image_read decodes a file as it is, and a function of the second step turns that into the pixels that a user of
 * that rule would see. fovea_image_to_grey is the product's rule.
 *
 * Thread safety: all functions are reentrant; an image belongs to one thread at a time while it is changed. */
#ifndef FOVEA_APPS_IMAGE_H
#define FOVEA_APPS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

/* Budgets, checked before the memory is asked for. */
enum { FOVEA_IMAGE_MAX_SIDE = 16384 };          /* pixels */
#define FOVEA_IMAGE_MAX_BYTES ((size_t)1 << 30) /* of a decoded image, and of a file */

enum fovea_image_format {
    FOVEA_IMAGE_NONE, /* made in memory */
    FOVEA_IMAGE_PNG,
    FOVEA_IMAGE_JPEG,
    FOVEA_IMAGE_TIFF,
    FOVEA_IMAGE_BMP,
    FOVEA_IMAGE_DICOM,
};

/* Rows from top to bottom without padding, pixels from left to right, channels interleaved. */
struct fovea_image {
    uint32_t width, height; /* pixels */
    uint32_t channels;      /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (never premultiplied by us) */
    uint32_t bits;          /* per sample: 8 (pixels.u8) or 16 (pixels.u16, native byte order) */
    union {
        void *bytes;
        uint8_t *u8;
        uint16_t *u16;
    } pixels; /* owned; NULL in an image of all zeros, which is a valid empty image */

    /* What the file said, for rules that depend on it. */
    enum fovea_image_format format;
    uint32_t orientation; /* EXIF or TIFF orientation 1 .. 8 that the pixels still need; 1: none */
    uint32_t pages;       /* TIFF: full pages in the file; DICOM: frames; else 1 */
    uint32_t page;        /* which of them was read, from 1 */
    bool palette;         /* the file had a palette; the pixels are expanded */
    bool grey_palette;    /* and its colours from the least to the greatest index that occurs are greys */
    bool colour_key;      /* PNG without palette: the alpha channel is made from a transparent colour */
    bool premultiplied;   /* TIFF: the colours were multiplied by alpha by whoever wrote the file */
    bool windowed;        /* DICOM: the pixels went through the file's window, which changed them */
    bool window_ignored;  /* DICOM: the file has a table or a curve for showing its pixels, which was not applied */
};

/* What a file says about its image that needs no decoding. */
struct fovea_image_facts {
    enum fovea_image_format format;
    uint32_t width, height; /* pixels, as stored */
    uint32_t pages;         /* DICOM: frames; else 1: the pages of a TIFF file are counted when it is read */

    /* DICOM; in other formats all is 0, since what resolutions they can hold are those of paper and screens. */
    double spacing_x_mm, spacing_y_mm; /* between the centres of pixels (PixelSpacing); 0: not said */
    bool spacing_unclear;              /* the file says it in ways that differ, or not as positive numbers */
    char laterality;                   /* 'R' or 'L'; 0: not said */
    bool laterality_unclear;           /* the file says it in ways that differ */
    bool burnt_in;                     /* the pixels hold text, perhaps a name (BurnedInAnnotation) */
};

/* "PNG", "JPEG", "TIFF", "BMP", "DICOM" or "none". */
const char *fovea_image_format_name(enum fovea_image_format format);

/* Allocates pixels (uninitialised) for an image of the given shape; the other fields become those of an image made in
 * memory. Errors: FV_ERROR_ARGUMENT (a zero side, channels outside 1 .. 4, bits other than 8 and 16),
 * FV_ERROR_UNSUPPORTED (beyond the budgets), FV_ERROR_MEMORY. On failure *image is an empty image. */
enum fv_status fovea_image_create(uint32_t width, uint32_t height, uint32_t channels, uint32_t bits,
                                  struct fovea_image *image, struct fv_error *error);

/* Frees the pixels and makes the image empty. NULL and an empty image are allowed. */
void fovea_image_release(struct fovea_image *image);

/* Reads the file at `path`, recognised by its first bytes and never by its name. Palettes and 1, 2 and 4 bit samples
 * are expanded to 8 bits (grey 1 bit: 0 and 255; a palette of greys gives 1 channel, a palette with transparency adds
 * alpha); 16 bit samples and alpha are kept; interlaced and progressive files are handled; orientation is recorded, not
 * applied. JPEG decodes with libjpeg's defaults (accurate integer DCT, smooth chroma upsampling), as OpenCV and Pillow
 * do. TIFF: unsigned grey and palette of 1, 2, 4, 8 and 16 bits, RGB of 8 and 16, strips or tiles, any compression that
 * libtiff decodes; the first page. DICOM (with or without preamble): Ophthalmic OCT En Face, Ophthalmic Photography and
 * Secondary Capture of one frame, unsigned grey of 8 or 16 bits or RGB of 8, uncompressed, RLE Lossless or JPEG
 * Baseline; MONOCHROME1 is inverted, a linear window applied, and bits that are stored are scaled to 8 or 16.
 * Errors, each naming the file and the reason: FV_ERROR_FILE (cannot be opened or read), FV_ERROR_FORMAT (empty,
 * truncated, damaged, none of the formats), FV_ERROR_UNSUPPORTED (CMYK and other colour models, float or signed
 * samples, beyond the budgets, another DICOM object or transfer syntax, scrambled pixels, several frames),
 * FV_ERROR_MEMORY. On failure *image is an empty image; on success the caller releases it. */
enum fv_status fovea_image_read(const char *path, struct fovea_image *image, struct fv_error *error);

/* The same for page or frame `page` (from 1) of the file; 0: what fovea_image_read takes. Errors: also
 * FV_ERROR_UNSUPPORTED (there is no such page). */
enum fv_status fovea_image_read_page(const char *path, uint32_t page, struct fovea_image *image,
                                     struct fv_error *error);

/* fovea_image_read for a file already in memory; `name` is used in messages. `bytes` is not kept. */
enum fv_status fovea_image_decode(const char *name, const uint8_t *bytes, size_t size, struct fovea_image *image,
                                  struct fv_error *error);

/* What the first bytes say; 256 are enough. */
enum fovea_image_format fovea_image_recognise(const uint8_t *bytes, size_t size);

/* The size of the image in the file at `path`, as stored; it is not decoded for that, and may turn out to be damaged.
 * False if there is no such image within the budgets. */
bool fovea_image_read_size(const char *path, uint32_t *width, uint32_t *height);

/* What the file at `path` says about its image. False, and zeroes, as of fovea_image_read_size. */
bool fovea_image_read_facts(const char *path, struct fovea_image_facts *facts);

/* The product's rule, in place: turns the image upright by its orientation, drops alpha without compositing, rescales
 * 16 bit samples to 8 by (v + 128) / 257 (integer division), and takes one channel where R = G = B in every pixel. The
 * result has 1 channel of 8 bits. Errors, naming `name`: FV_ERROR_UNSUPPORTED if the image is in true colour (the
 * message gives the first coloured pixel and how many there are); FV_ERROR_MEMORY. On failure the image is unchanged
 * or partly converted; release it. */
enum fv_status fovea_image_to_grey(const char *name, struct fovea_image *image, struct fv_error *error);

/* The steps of that rule, each in place; each does nothing where there is nothing to do. FV_ERROR_MEMORY is the only
 * error. */
enum fv_status fovea_image_make_upright(struct fovea_image *image, struct fv_error *error);
enum fv_status fovea_image_drop_alpha(struct fovea_image *image, struct fv_error *error);
enum fv_status fovea_image_reduce_to_8_bits(struct fovea_image *image, struct fv_error *error);

/* fovea_image_read, then fovea_image_to_grey. Errors as of the two, and FV_ERROR_UNSUPPORTED if the file has several
 * pages: which one is meant is not guessed. */
enum fv_status fovea_image_read_grey(const char *path, struct fovea_image *image, struct fv_error *error);

/* fovea_image_read_page, then fovea_image_to_grey: what the pipeline uses, which says the page. Errors as of the two.
 */
enum fv_status fovea_image_read_grey_page(const char *path, uint32_t page, struct fovea_image *image,
                                          struct fv_error *error);

/* Writes `image` (1 to 4 channels, 8 or 16 bits) as a PNG file at `path`, without time stamps or other metadata, so
 * that the same pixels give the same bytes. The bytes go to a temporary file in the same folder, are flushed to disk
 * and renamed over `path`; on failure nothing is left. Errors: FV_ERROR_FILE, FV_ERROR_MEMORY. */
enum fv_status fovea_image_write_png(const char *path, const struct fovea_image *image, struct fv_error *error);

/* The same PNG in memory, for embedding. The caller gives *bytes back with fv_release. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_image_encode_png(const struct fovea_image *image, uint8_t **bytes, size_t *size,
                                      struct fv_error *error);

#endif
