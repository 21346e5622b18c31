#include "image/nifti.h"

#include <string.h>

#define ZLIB_CONST /* input is not written to */
#include <zlib.h>

#include "fovea/file.h"
#include "fovea/memory.h"
#include "image/decoders.h"

enum { HEADER = 348, DATA = 352, GZIP = 16 + MAX_WBITS };
enum { TYPE_U8 = 2, TYPE_U16 = 512 };

/* Where a field of the header begins. */
enum {
    AT_REGULAR = 38,
    AT_DIM = 40,
    AT_TYPE = 70,
    AT_BITS = 72,
    AT_PIXDIM = 76,
    AT_OFFSET = 108,
    AT_SLOPE = 112,
    AT_INTER = 116,
    AT_UNITS = 123,
    AT_QFORM = 252,
    AT_SFORM = 254,
    AT_QUATERN_D = 264,
    AT_QOFFSET = 268,
    AT_SROW = 280,
    AT_MAGIC = 344,
};

static void put16(uint8_t *header, size_t at, uint32_t value) {
    header[at] = (uint8_t)(value & 255);
    header[at + 1] = (uint8_t)(value >> 8);
}

static void put_float(uint8_t *header, size_t at, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put16(header, at, bits & 0xffff);
    put16(header, at + 2, bits >> 16);
}

static uint32_t get16(const uint8_t *header, size_t at) {
    return (uint32_t)header[at] | (uint32_t)header[at + 1] << 8;
}

static float get_float(const uint8_t *header, size_t at) {
    uint32_t bits = get16(header, at) | get16(header, at + 2) << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void fill_header(const struct fovea_image *image, uint8_t header[DATA]) {
    static const float spacing[] = {1.0F, 1.0F, 1.0F, 999.0F}; /* the first is the sign of the third axis */
    memset(header, 0, DATA);
    put16(header, 0, HEADER);
    header[AT_REGULAR] = 'r';
    const uint32_t dim[8] = {3, image->width, image->height, 1, 1, 1, 1, 1};
    for (size_t i = 0; i < 8; i++) {
        put16(header, AT_DIM + 2 * i, dim[i]);
    }
    put16(header, AT_TYPE, image->bits == 16 ? TYPE_U16 : TYPE_U8);
    put16(header, AT_BITS, image->bits);
    for (size_t i = 0; i < 4; i++) {
        put_float(header, AT_PIXDIM + 4 * i, spacing[i]);
    }
    put_float(header, AT_OFFSET, DATA);
    put_float(header, AT_SLOPE, 1.0F);
    header[AT_UNITS] = 2 | 8; /* millimetres and seconds */
    put16(header, AT_QFORM, 1);
    put16(header, AT_SFORM, 1);
    put_float(header, AT_QUATERN_D, 1.0F);
    /* Rows of the matrix: (-1 0 0 -0), (0 -1 0 -0), (0 0 999 0). */
    put_float(header, AT_QOFFSET, -0.0F);
    put_float(header, AT_QOFFSET + 4, -0.0F);
    put_float(header, AT_SROW, -1.0F);
    put_float(header, AT_SROW + 12, -0.0F);
    put_float(header, AT_SROW + 20, -1.0F);
    put_float(header, AT_SROW + 28, -0.0F);
    put_float(header, AT_SROW + 40, 999.0F);
    memcpy(header + AT_MAGIC, "n+1", 4);
}

static voidpf allocate(voidpf context, uInt count, uInt size) {
    (void)context;
    return fv_allocate(count, size);
}

static void release(voidpf context, voidpf block) {
    (void)context;
    fv_release(block);
}

/* The whole file before compression; the caller releases it; NULL if memory is exhausted. */
static uint8_t *assemble(const struct fovea_image *image, uint32_t channel, size_t *size) {
    size_t pixels = (size_t)image->width * image->height, sample = image->bits / 8;
    *size = DATA + pixels * sample;
    uint8_t *file = fv_allocate(*size, 1);
    if (file == NULL) {
        return NULL;
    }
    fill_header(image, file);
    for (size_t i = 0; i < pixels; i++) {
        size_t from = i * image->channels + channel;
        if (image->bits == 16) {
            put16(file, DATA + 2 * i, image->pixels.u16[from]);
        } else {
            file[DATA + i] = image->pixels.u8[from];
        }
    }
    return file;
}

/* Compresses into memory that the caller releases; NULL if memory is exhausted. */
static uint8_t *compress_gzip(const uint8_t *bytes, size_t size, size_t *compressed) {
    z_stream stream = {.zalloc = allocate, .zfree = release};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return NULL;
    }
    uLong bound = deflateBound(&stream, (uLong)size);
    uint8_t *result = fv_allocate(bound, 1);
    if (result != NULL) {
        stream.next_in = bytes;
        stream.avail_in = (uInt)size; /* images have at most 2^30 bytes */
        stream.next_out = result;
        stream.avail_out = (uInt)bound;
        (void)deflate(&stream, Z_FINISH); /* the bound leaves room for all */
        *compressed = stream.total_out;
    }
    (void)deflateEnd(&stream);
    return result;
}

enum fv_status fovea_nifti_write(const char *path, const struct fovea_image *image, uint32_t channel,
                                 struct fv_error *error) {
    size_t size, compressed = 0;
    uint8_t *file = assemble(image, channel, &size);
    uint8_t *bytes = file == NULL ? NULL : compress_gzip(file, size, &compressed);
    fv_release(file);
    if (bytes == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    }
    struct fv_output *output = NULL;
    enum fv_status status = fv_output_create(path, &output, error);
    if (status == FV_OK) {
        status = fv_output_write(output, bytes, compressed, error);
        if (status == FV_OK) {
            status = fv_output_finish(output, error);
        } else {
            fv_output_abandon(output);
        }
    }
    fv_release(bytes);
    return status;
}

/* Fills `bytes` with the next `size` bytes of the decompressed file; false if it is damaged or ends before. */
static bool inflate_some(z_stream *stream, uint8_t *bytes, size_t size) {
    stream->next_out = bytes;
    stream->avail_out = (uInt)size;
    int code = Z_OK;
    while (stream->avail_out > 0 && code == Z_OK) {
        code = inflate(stream, Z_NO_FLUSH);
    }
    return stream->avail_out == 0 && (code == Z_OK || code == Z_STREAM_END);
}

static enum fv_status check_header(const char *path, const uint8_t *header, struct fv_error *error) {
    if (get16(header, 0) != HEADER || get16(header, 2) != 0 || memcmp(header + AT_MAGIC, "n+1", 4) != 0) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: expected a little-endian NIfTI-1 header, found another", path);
    }
    if (get16(header, AT_TYPE) != TYPE_U8 || get16(header, AT_BITS) != 8) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: expected labels of type 2 (uint8), found type %u", path,
                            get16(header, AT_TYPE));
    }
    uint32_t axes = get16(header, AT_DIM);
    bool one_slice = axes >= 2 && axes <= 7;
    for (size_t i = 3; one_slice && i <= axes; i++) {
        one_slice = get16(header, AT_DIM + 2 * i) == 1;
    }
    float slope = get_float(header, AT_SLOPE), inter = get_float(header, AT_INTER);
    bool plain = inter == 0.0F && (slope == 0.0F || slope == 1.0F);
    if (!one_slice || !plain || get_float(header, AT_OFFSET) != (float)DATA) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: expected one slice of unscaled labels right after the header, found something else",
                            path);
    }
    return FV_OK;
}

static enum fv_status read_stream(const char *path, z_stream *stream, struct fovea_image *image,
                                  struct fv_error *error) {
    uint8_t header[DATA];
    if (!inflate_some(stream, header, sizeof header)) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: expected a gzip-compressed NIfTI file, found none", path);
    }
    enum fv_status status = check_header(path, header, error);
    if (status == FV_OK) {
        status = fovea_image_create_for(path, get16(header, AT_DIM + 2), get16(header, AT_DIM + 4), 1, 8, image, error);
    }
    if (status == FV_OK && !inflate_some(stream, image->pixels.u8, (size_t)image->width * image->height)) {
        status = fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged NIfTI file: it ends before its %u x %u labels", path,
                              image->width, image->height);
    }
    return status;
}

enum fv_status fovea_nifti_read(const char *path, struct fovea_image *image, struct fv_error *error) {
    *image = (struct fovea_image){0};
    struct fv_mapping file;
    enum fv_status status = fv_file_map(path, &file, error);
    if (status != FV_OK) {
        return status;
    }
    z_stream stream = {.zalloc = allocate, .zfree = release, .next_in = file.bytes};
    if (file.size > FOVEA_IMAGE_MAX_BYTES) {
        status = fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: a file of %zu bytes, the limit is %zu", path, file.size,
                              FOVEA_IMAGE_MAX_BYTES);
    } else if (inflateInit2(&stream, GZIP) != Z_OK) {
        status = fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", path);
    } else {
        stream.avail_in = (uInt)file.size;
        status = read_stream(path, &stream, image, error);
        (void)inflateEnd(&stream);
    }
    fv_file_unmap(&file);
    if (status != FV_OK) {
        fovea_image_release(image);
    }
    return status;
}
