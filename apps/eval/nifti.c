#include "eval/nifti.h"

#include <math.h>
#include <string.h>
#include <zlib.h>

#include "fovea/bytes.h"
#include "fovea/memory.h"

/* Offsets in the header of NIfTI-1 (nifti1.h). */
enum {
    HEADER = 348,
    DIM = 40,
    DATATYPE = 70,
    BITPIX = 72,
    VOX_OFFSET = 108,
    SCL_SLOPE = 112,
    SCL_INTER = 116,
    MAGIC = 344,
};

enum datatype {
    UINT8 = 2,
    INT16 = 4,
    INT32 = 8,
    FLOAT32 = 16,
    FLOAT64 = 64,
    INT8 = 256,
    UINT16 = 512,
    UINT32 = 768,
    INT64 = 1024,
    UINT64 = 1280,
};

static bool is_gzip(const uint8_t *bytes, size_t size) {
    return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

bool fovea_nifti_recognise(const uint8_t *bytes, size_t size) {
    bool header = size >= HEADER && (memcmp(bytes + MAGIC, "n+1", 4) == 0 || memcmp(bytes + MAGIC, "ni1", 4) == 0);
    return header || is_gzip(bytes, size);
}

/* Inflates at most `limit` bytes into `target`; *size is how many there were. */
static enum fv_status inflate_some(const char *name, const uint8_t *bytes, size_t compressed, uint8_t *target,
                                   size_t limit, size_t *size, struct fv_error *error) {
    z_stream stream = {0};
    if (compressed > UINT32_MAX || limit > UINT32_MAX) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: a compressed file of %zu bytes", name, compressed);
    }
    if (inflateInit2(&stream, 15 + 16) != Z_OK) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    }
    stream.next_in = (Bytef *)(uintptr_t)bytes; /* zlib does not write to it */
    stream.avail_in = (uInt)compressed;
    stream.next_out = target;
    stream.avail_out = (uInt)limit;
    int code = inflate(&stream, Z_SYNC_FLUSH);
    *size = limit - stream.avail_out;
    inflateEnd(&stream);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: the compressed data are damaged", name);
    }
    return FV_OK;
}

/* What the header says. */
struct volume {
    uint32_t width, height;
    int datatype;
    size_t offset, bytes; /* where the values begin, and how many bytes one has */
};

static size_t value_bytes(int datatype) {
    switch (datatype) {
    case UINT8:
    case INT8:
        return 1;
    case INT16:
    case UINT16:
        return 2;
    case INT32:
    case UINT32:
    case FLOAT32:
        return 4;
    case INT64:
    case UINT64:
    case FLOAT64:
        return 8;
    default:
        return 0;
    }
}

static enum fv_status read_shape(const char *name, const uint8_t *header, struct volume *volume,
                                 struct fv_error *error) {
    int rank = (int16_t)fv_load_u16(header + DIM);
    int sides[2] = {0, 0};
    if (rank < 2 || rank > 7) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged NIfTI header: %d dimensions", name, rank);
    }
    for (int i = 1; i <= rank; i++) {
        int side = (int16_t)fv_load_u16(header + DIM + 2 * i);
        if (i <= 2) {
            sides[i - 1] = side;
        } else if (side != 1) {
            return fv_error_set(error, FV_ERROR_FORMAT, "%s: expected one slice, found %d along dimension %d", name,
                                side, i);
        }
    }
    if (sides[0] < 1 || sides[1] < 1) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged NIfTI header: %d x %d pixels", name, sides[0],
                            sides[1]);
    }
    volume->width = (uint32_t)sides[0];
    volume->height = (uint32_t)sides[1];
    return FV_OK;
}

static enum fv_status read_header(const char *name, const uint8_t *header, struct volume *volume,
                                  struct fv_error *error) {
    uint32_t size = fv_load_u32(header);
    if (size == 0x5c010000) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: a big-endian NIfTI file", name);
    }
    if (memcmp(header + MAGIC, "ni1", 4) == 0) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: a NIfTI header whose values are in another file; expected both in one", name);
    }
    if (size != HEADER || memcmp(header + MAGIC, "n+1", 4) != 0) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: expected a NIfTI-1 file, found other content", name);
    }
    double offset = fv_load_f32(header + VOX_OFFSET), slope = fv_load_f32(header + SCL_SLOPE),
           intercept = fv_load_f32(header + SCL_INTER);
    if (slope != 0.0 && (slope != 1.0 || intercept != 0.0)) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: expected labels, found values scaled by %g and %g", name,
                            slope, intercept);
    }
    volume->datatype = (int16_t)fv_load_u16(header + DATATYPE);
    volume->bytes = value_bytes(volume->datatype);
    if (volume->bytes == 0) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: expected labels, found values of NIfTI data type %d",
                            name, volume->datatype);
    }
    if (!(offset >= HEADER && offset <= 1e6)) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged NIfTI header: values at offset %g", name, offset);
    }
    volume->offset = (size_t)offset;
    return read_shape(name, header, volume, error);
}

static double load_value(int datatype, const uint8_t *bytes) {
    switch (datatype) {
    case UINT8:
        return bytes[0];
    case INT8:
        return (int8_t)bytes[0];
    case INT16:
        return (int16_t)fv_load_u16(bytes);
    case UINT16:
        return fv_load_u16(bytes);
    case INT32:
        return (int32_t)fv_load_u32(bytes);
    case UINT32:
        return fv_load_u32(bytes);
    case FLOAT32:
        return fv_load_f32(bytes);
    case INT64:
        return (double)(int64_t)fv_load_u64(bytes);
    case UINT64:
        return (double)fv_load_u64(bytes);
    default:
        return fv_load_f64(bytes);
    }
}

static enum fv_status take_values(const char *name, const struct volume *volume, const uint8_t *values,
                                  struct fovea_image *image, struct fv_error *error) {
    size_t pixels = (size_t)volume->width * volume->height;
    for (size_t i = 0; i < pixels; i++) {
        double value = load_value(volume->datatype, values + i * volume->bytes);
        if (!(value >= 0.0 && value <= 65535.0) || value != floor(value)) {
            return fv_error_set(error, FV_ERROR_FORMAT,
                                "%s: expected labels from 0 to 65535, found %g at column %zu, row %zu", name, value,
                                i % volume->width, i / volume->width);
        }
        image->pixels.u16[i] = (uint16_t)value;
    }
    return FV_OK;
}

/* Decodes a file of which `size` bytes are there, uncompressed. */
static enum fv_status decode_plain(const char *name, const uint8_t *bytes, size_t size, const struct volume *volume,
                                   struct fovea_image *image, struct fv_error *error) {
    size_t needed = volume->offset + (size_t)volume->width * volume->height * volume->bytes;
    if (size < needed) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: the file is truncated: expected %zu bytes, found %zu", name,
                            needed, size);
    }
    enum fv_status status = fovea_image_create(volume->width, volume->height, 1, 16, image, error);
    if (status == FV_OK) {
        status = take_values(name, volume, bytes + volume->offset, image, error);
    }
    if (status != FV_OK) {
        fovea_image_release(image);
    }
    return status;
}

enum fv_status fovea_nifti_decode(const char *name, const uint8_t *bytes, size_t size, struct fovea_image *image,
                                  struct fv_error *error) {
    *image = (struct fovea_image){0};
    uint8_t inflated[HEADER];
    const uint8_t *header = bytes;
    size_t head = size;
    struct volume volume = {0};
    enum fv_status status = FV_OK;
    if (is_gzip(bytes, size)) {
        header = inflated;
        status = inflate_some(name, bytes, size, inflated, HEADER, &head, error);
    }
    if (status == FV_OK && head < HEADER) {
        status = fv_error_set(error, FV_ERROR_FORMAT, "%s: expected a NIfTI-1 file, found %zu bytes", name, head);
    }
    status = status != FV_OK ? status : read_header(name, header, &volume, error);
    if (status == FV_OK && (volume.width > FOVEA_IMAGE_MAX_SIDE || volume.height > FOVEA_IMAGE_MAX_SIDE)) {
        status = fv_error_set(error, FV_ERROR_UNSUPPORTED, "%s: %u x %u pixels, the limit is %d a side", name,
                              volume.width, volume.height, FOVEA_IMAGE_MAX_SIDE);
    }
    if (status != FV_OK || header == bytes) {
        return status != FV_OK ? status : decode_plain(name, bytes, size, &volume, image, error);
    }
    size_t needed = volume.offset + (size_t)volume.width * volume.height * volume.bytes, found = 0;
    uint8_t *whole = fv_allocate(needed, 1);
    status = whole == NULL ? fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory for %zu bytes", name, needed)
                           : inflate_some(name, bytes, size, whole, needed, &found, error);
    if (status == FV_OK) {
        status = decode_plain(name, whole, found, &volume, image, error);
    }
    fv_release(whole);
    return status;
}
