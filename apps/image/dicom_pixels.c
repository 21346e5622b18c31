/* From the stored pixels of a DICOM file to an image. */
#include <math.h>
#include <string.h>

#include "fovea/memory.h"
#include "image/decoders.h"
#include "image/dicom.h"

/* The linear window of PS3.3 C.11.2.1.2.1 on a rescaled value, from 0 to 1. */
static double apply_window(const struct fovea_dicom_content *content, double value) {
    double half = (content->window_width - 1.0) / 2.0, middle = content->window_level - 0.5;
    if (value <= middle - half) {
        return 0.0;
    }
    return value > middle + half ? 1.0 : (value - middle) / (content->window_width - 1.0) + 0.5;
}

/* Fills table[v] for every stored value v: what an image of samples up to `full` holds for it. Returns whether the
 * file's window makes a difference. */
static bool fill_table(const struct fovea_dicom_content *content, uint32_t full, uint16_t *table) {
    uint32_t most = (1U << content->stored) - 1U;
    bool differs = false;
    for (uint32_t v = 0; v <= most; v++) {
        uint32_t plain = (uint32_t)(((uint64_t)v * full + most / 2) / most), shown = plain;
        if (content->windowed) {
            shown = (uint32_t)floor(apply_window(content, content->slope * v + content->intercept) * full + 0.5);
        }
        differs = differs || shown != plain;
        table[v] = (uint16_t)(content->inverted ? full - shown : shown);
    }
    return differs;
}

/* Brings one channel from what is stored to what is shown. */
static enum fv_status show(const char *name, const struct fovea_dicom_content *content, const uint8_t *stored,
                           struct fovea_image *image, struct fv_error *error) {
    size_t pixels = (size_t)image->width * image->height;
    uint32_t mask = (1U << content->stored) - 1U, shift = content->high + 1 - content->stored;
    uint16_t *table = fv_allocate((size_t)mask + 1, sizeof *table);
    if (table == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    }
    image->windowed = fill_table(content, image->bits == 16 ? 65535 : 255, table);
    for (size_t i = 0; i < pixels; i++) {
        if (image->bits == 16) {
            uint16_t value;
            memcpy(&value, stored + 2 * i, sizeof value);
            image->pixels.u16[i] = table[(uint32_t)value >> shift & mask];
        } else {
            image->pixels.u8[i] = (uint8_t)table[(uint32_t)stored[i] >> shift & mask];
        }
    }
    fv_release(table);
    return FV_OK;
}

static void interleave(const struct fovea_dicom_content *content, const uint8_t *stored, struct fovea_image *image) {
    size_t pixels = (size_t)image->width * image->height;
    for (size_t i = 0; i < pixels; i++) {
        for (size_t c = 0; c < 3; c++) {
            image->pixels.u8[3 * i + c] = content->planar ? stored[c * pixels + i] : stored[3 * i + c];
        }
    }
}

/* A frame that is a JPEG file; *image holds room for what the header promises, and is replaced. */
static enum fv_status decode_jpeg(const char *name, const struct fovea_dicom_content *content, const uint8_t *bytes,
                                  size_t size, struct fovea_image *image, struct fv_error *error) {
    struct fovea_image decoded = {0};
    enum fv_status status = fovea_jpeg_decode(name, bytes, size, 1, &decoded, error);
    if (status != FV_OK) {
        return status;
    }
    if (decoded.width != content->columns || decoded.height != content->rows || decoded.channels != content->samples) {
        status = fv_error_set(error, FV_ERROR_FORMAT,
                              "%s: damaged DICOM: its header says %u x %u pixels of %u samples, its JPEG frame %u x %u "
                              "of %u",
                              name, content->columns, content->rows, content->samples, decoded.width, decoded.height,
                              decoded.channels);
    } else if (content->samples == 1) {
        status = show(name, content, decoded.pixels.u8, image, error);
    } else {
        memcpy(image->pixels.u8, decoded.pixels.u8, (size_t)decoded.width * decoded.height * 3);
    }
    fovea_image_release(&decoded);
    return status;
}

/* A frame of RLE segments: brings its bytes to the order of an uncompressed one, colours in planes. */
static enum fv_status unpack(const char *name, const struct fovea_dicom_content *content, uint8_t **stored,
                             size_t *size, struct fv_error *error) {
    size_t pixels = (size_t)content->columns * content->rows, sample_bytes = content->allocated / 8;
    uint32_t segments = content->samples * (uint32_t)sample_bytes;
    uint8_t *planes = fv_allocate(pixels, segments), *samples = fv_allocate(pixels, segments);
    enum fv_status status = planes != NULL && samples != NULL
                                ? fovea_dicom_unpack(name, *stored, *size, segments, pixels, planes, error)
                                : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    for (size_t i = 0; i < pixels && status == FV_OK && sample_bytes == 2; i++) {
        uint16_t value = (uint16_t)(planes[i] << 8 | planes[pixels + i]);
        memcpy(samples + 2 * i, &value, sizeof value);
    }
    fv_release(*stored);
    bool whole = sample_bytes == 1;
    *stored = whole ? planes : samples;
    *size = pixels * segments;
    fv_release(whole ? samples : planes);
    return status;
}

static enum fv_status decode(const char *name, struct fovea_dicom *file, struct fovea_dicom_content *content,
                             uint32_t frame, struct fovea_image *image, struct fv_error *error) {
    enum fv_status status = fovea_image_create_for(name, content->columns, content->rows, content->samples,
                                                   content->allocated, image, error);
    uint8_t *stored = NULL;
    size_t size = 0;
    status = status != FV_OK ? status : fovea_dicom_take_frame(file, name, frame, &stored, &size, error);
    if (status == FV_OK && content->coding == FOVEA_DICOM_RLE) {
        content->planar = true;
        status = unpack(name, content, &stored, &size, error);
    }
    if (status == FV_OK && content->coding == FOVEA_DICOM_JPEG) {
        status = decode_jpeg(name, content, stored, size, image, error);
    } else if (status == FV_OK && content->samples == 1) {
        status = show(name, content, stored, image, error);
    } else if (status == FV_OK) {
        interleave(content, stored, image);
    }
    fv_release(stored);
    image->pages = content->frames;
    image->window_ignored = content->window_unusual;
    return status;
}

enum fv_status fovea_dicom_decode(const char *name, const uint8_t *bytes, size_t size, uint32_t page,
                                  struct fovea_image *image, struct fv_error *error) {
    struct fovea_dicom *file;
    struct fovea_dicom_content content;
    enum fv_status status = fovea_dicom_open(name, bytes, size, &file, &content, error);
    if (status != FV_OK) {
        return status;
    }
    if (page == 0 && content.frames > 1) {
        status = fv_error_set(
            error, FV_ERROR_UNSUPPORTED,
            "%s: %u frames, and nothing says which is meant: a table of scans can, in its column page_number", name,
            content.frames);
    } else if (page > content.frames) {
        status = fovea_image_no_page(name, page, content.frames, error);
    } else {
        status = decode(name, file, &content, page == 0 ? 0 : page - 1, image, error);
    }
    fovea_dicom_close(file);
    if (status != FV_OK) {
        fovea_image_release(image);
    }
    return status;
}

bool fovea_dicom_read_facts(const char *name, const uint8_t *bytes, size_t size, struct fovea_image_facts *facts) {
    struct fovea_dicom *file;
    struct fovea_dicom_content content;
    if (fovea_dicom_open(name, bytes, size, &file, &content, NULL) != FV_OK) {
        return false;
    }
    facts->width = content.columns;
    facts->height = content.rows;
    facts->pages = content.frames;
    facts->spacing_x_mm = content.spacing_x_mm;
    facts->spacing_y_mm = content.spacing_y_mm;
    facts->spacing_unclear = content.spacing_unclear;
    facts->laterality = content.laterality;
    facts->laterality_unclear = content.laterality_unclear;
    facts->burnt_in = content.burnt_in;
    fovea_dicom_close(file);
    return true;
}
