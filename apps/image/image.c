#include "image/image.h"

#include <string.h>

#include "fovea/file.h"
#include "fovea/memory.h"
#include "image/decoders.h"
#include "image/dicom_structure.h"

const char *fovea_image_format_name(enum fovea_image_format format) {
    switch (format) {
    case FOVEA_IMAGE_PNG:
        return "PNG";
    case FOVEA_IMAGE_JPEG:
        return "JPEG";
    case FOVEA_IMAGE_TIFF:
        return "TIFF";
    case FOVEA_IMAGE_BMP:
        return "BMP";
    case FOVEA_IMAGE_DICOM:
        return "DICOM";
    case FOVEA_IMAGE_NONE:
        break;
    }
    return "none";
}

enum fv_status fovea_image_create_for(const char *name, uint64_t width, uint64_t height, uint32_t channels,
                                      uint32_t bits, struct fovea_image *image, struct fv_error *error) {
    *image = (struct fovea_image){0};
    if (width == 0 || height == 0) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: the image is empty: %ju x %ju pixels", name, (uintmax_t)width,
                            (uintmax_t)height);
    }
    if (width > FOVEA_IMAGE_MAX_SIDE || height > FOVEA_IMAGE_MAX_SIDE) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: %ju x %ju pixels, the limit is %d a side", name,
                            (uintmax_t)width, (uintmax_t)height, FOVEA_IMAGE_MAX_SIDE);
    }
    /* Fits in 64 bits by the limit on the sides. */
    uint64_t size = width * height * channels * (bits / 8);
    if (size > FOVEA_IMAGE_MAX_BYTES) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: %ju x %ju pixels need %ju bytes, the limit is %zu", name,
                            (uintmax_t)width, (uintmax_t)height, (uintmax_t)size, FOVEA_IMAGE_MAX_BYTES);
    }
    image->pixels.bytes = fv_allocate((size_t)size, 1);
    if (image->pixels.bytes == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %ju x %ju pixels", name, (uintmax_t)width,
                            (uintmax_t)height);
    }
    image->width = (uint32_t)width;
    image->height = (uint32_t)height;
    image->channels = channels;
    image->bits = bits;
    image->orientation = 1;
    image->pages = image->page = 1;
    return FV_OK;
}

enum fv_status fovea_image_create(uint32_t width, uint32_t height, uint32_t channels, uint32_t bits,
                                  struct fovea_image *image, struct fv_error *error) {
    *image = (struct fovea_image){0};
    if (width == 0 || height == 0 || channels < 1 || channels > 4 || (bits != 8 && bits != 16)) {
        return fv_error_set(error, FV_ERROR_ARGUMENT,
                            "an image of %u x %u pixels, %u channels and %u bits cannot be made", width, height,
                            channels, bits);
    }
    return fovea_image_create_for("image", width, height, channels, bits, image, error);
}

void fovea_image_release(struct fovea_image *image) {
    if (image != NULL) {
        fv_release(image->pixels.bytes);
        *image = (struct fovea_image){0};
    }
}

static bool begins_with(const uint8_t *bytes, size_t size, const char *magic, size_t length) {
    return size >= length && memcmp(bytes, magic, length) == 0;
}

/* DICOM comes first: its preamble may hold the head of a TIFF file. */
enum fovea_image_format fovea_image_recognise(const uint8_t *bytes, size_t size) {
    if (fovea_dicom_recognise(bytes, size)) {
        return FOVEA_IMAGE_DICOM;
    }
    if (begins_with(bytes, size, "\x89PNG\r\n\x1a\n", 8)) {
        return FOVEA_IMAGE_PNG;
    }
    if (begins_with(bytes, size, "\xff\xd8\xff", 3)) {
        return FOVEA_IMAGE_JPEG;
    }
    if (begins_with(bytes, size, "II*\0", 4) || begins_with(bytes, size, "MM\0*", 4) ||
        begins_with(bytes, size, "II+\0", 4) || begins_with(bytes, size, "MM\0+", 4)) {
        return FOVEA_IMAGE_TIFF;
    }
    if (begins_with(bytes, size, "BM", 2)) {
        return FOVEA_IMAGE_BMP;
    }
    return FOVEA_IMAGE_NONE;
}

/* What a file that we do not read seems to be, so that the message helps. */
static const char *foreign_kind(const uint8_t *bytes, size_t size) {
    if (begins_with(bytes, size, "GIF8", 4)) {
        return "a GIF file";
    }
    if (begins_with(bytes, size, "RIFF", 4) && size >= 12 && memcmp(bytes + 8, "WEBP", 4) == 0) {
        return "a WebP file";
    }
    if (begins_with(bytes, size, "%PDF", 4)) {
        return "a PDF file";
    }
    if (begins_with(bytes, size, "\x1f\x8b", 2)) {
        return "gzip-compressed";
    }
    if (begins_with(bytes, size, "PK\x03\x04", 4)) {
        return "a zip archive";
    }
    if (size >= 12 && memcmp(bytes + 4, "ftyp", 4) == 0) {
        return "a HEIF, AVIF or video file";
    }
    return NULL;
}

static enum fv_status refuse(const char *name, const uint8_t *bytes, size_t size, struct fv_error *error) {
    if (size == 0) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: the file is empty (0 bytes)", name);
    }
    const char *kind = foreign_kind(bytes, size);
    if (kind != NULL) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: expected PNG, JPEG, TIFF, BMP or DICOM, found %s", name,
                            kind);
    }
    char found[3 * 8 + 1] = "";
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size && i < 8; i++) {
        found[3 * i] = digits[bytes[i] >> 4];
        found[3 * i + 1] = digits[bytes[i] & 15];
        found[3 * i + 2] = i + 1 < size && i < 7 ? ' ' : '\0';
        found[3 * i + 3] = '\0';
    }
    return fv_error_set(
        error, FV_ERROR_FORMAT,
        "%s: expected a PNG, JPEG, TIFF, BMP or DICOM file, found other content (its first bytes are %s)", name, found);
}

enum fv_status fovea_image_no_page(const char *name, uint32_t page, uint32_t pages, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: page %u was asked for, and the file has %u", name, page,
                        pages);
}

static enum fv_status decode_page(const char *name, const uint8_t *bytes, size_t size, uint32_t page,
                                  struct fovea_image *image, struct fv_error *error) {
    static fovea_decoder *const decoders[] = {
        [FOVEA_IMAGE_PNG] = fovea_png_decode,     [FOVEA_IMAGE_JPEG] = fovea_jpeg_decode,
        [FOVEA_IMAGE_TIFF] = fovea_tiff_decode,   [FOVEA_IMAGE_BMP] = fovea_bmp_decode,
        [FOVEA_IMAGE_DICOM] = fovea_dicom_decode,
    };
    *image = (struct fovea_image){0};
    enum fovea_image_format format = fovea_image_recognise(bytes, size);
    if (format == FOVEA_IMAGE_NONE) {
        return refuse(name, bytes, size, error);
    }
    enum fv_status status = decoders[format](name, bytes, size, page, image, error);
    if (status == FV_OK && page > image->pages) {
        status = fovea_image_no_page(name, page, image->pages, error);
        fovea_image_release(image);
    }
    if (status == FV_OK) {
        image->format = format;
        image->page = page == 0 ? 1 : page;
    }
    return status;
}

enum fv_status fovea_image_decode(const char *name, const uint8_t *bytes, size_t size, struct fovea_image *image,
                                  struct fv_error *error) {
    return decode_page(name, bytes, size, 0, image, error);
}

enum fv_status fovea_image_read_page(const char *path, uint32_t page, struct fovea_image *image,
                                     struct fv_error *error) {
    *image = (struct fovea_image){0};
    struct fv_mapping file;
    enum fv_status status = fv_file_map(path, &file, error);
    if (status == FV_OK && file.size > FOVEA_IMAGE_MAX_BYTES) {
        status = fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: a file of %zu bytes, the limit is %zu", path, file.size,
                              FOVEA_IMAGE_MAX_BYTES);
    }
    if (status == FV_OK) {
        status = decode_page(path, file.bytes, file.size, page, image, error);
    }
    fv_file_unmap(&file);
    return status;
}

enum fv_status fovea_image_read(const char *path, struct fovea_image *image, struct fv_error *error) {
    return fovea_image_read_page(path, 0, image, error);
}

enum fv_status fovea_image_read_grey_page(const char *path, uint32_t page, struct fovea_image *image,
                                          struct fv_error *error) {
    enum fv_status status = fovea_image_read_page(path, page, image, error);
    if (status == FV_OK) {
        status = fovea_image_to_grey(path, image, error);
    }
    if (status != FV_OK) {
        fovea_image_release(image);
    }
    return status;
}

enum fv_status fovea_image_read_grey(const char *path, struct fovea_image *image, struct fv_error *error) {
    enum fv_status status = fovea_image_read_grey_page(path, 0, image, error);
    if (status == FV_OK && image->pages > 1) {
        status = fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: expected one image, found a file of %u pages", path,
                              image->pages);
        fovea_image_release(image);
    }
    return status;
}
