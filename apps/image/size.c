#include "fovea/bytes.h"
#include "fovea/file.h"
#include "image/decoders.h"
#include "image/image.h"

/* Whole numbers with the most significant byte first. */
static uint32_t big16(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t big32(const uint8_t *bytes) {
    return big16(bytes) << 16 | big16(bytes + 2);
}

/* The IHDR chunk comes first. */
static bool png_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height) {
    if (size < 24) {
        return false;
    }
    *width = big32(bytes + 16);
    *height = big32(bytes + 20);
    return true;
}

/* The frame header is the first of the markers C0 to CF that is no table (C4, C8, CC). */
static bool jpeg_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height) {
    for (size_t at = 2; size - at >= 9 && bytes[at] == 0xff;) {
        uint8_t marker = bytes[at + 1];
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
            *height = big16(bytes + at + 5);
            *width = big16(bytes + at + 7);
            return true;
        }
        size_t step = marker == 0xff ? 1 : 2 + (size_t)big16(bytes + at + 2);
        if (step > size - at) {
            return false;
        }
        at += step;
    }
    return false;
}

/* A height below zero is that of an image from top to bottom. */
static bool bmp_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height) {
    if (size < 26 || fv_load_u32(bytes + 14) < 40) {
        return false;
    }
    int64_t rows = (int32_t)fv_load_u32(bytes + 22);
    *width = fv_load_u32(bytes + 18);
    *height = (uint32_t)(rows < 0 ? -rows : rows);
    return true;
}

static bool find_facts(const char *name, const uint8_t *bytes, size_t size, struct fovea_image_facts *facts) {
    uint32_t *width = &facts->width, *height = &facts->height;
    facts->format = fovea_image_recognise(bytes, size);
    facts->pages = 1;
    switch (facts->format) {
    case FOVEA_IMAGE_PNG:
        return png_size(bytes, size, width, height);
    case FOVEA_IMAGE_JPEG:
        return jpeg_size(bytes, size, width, height);
    case FOVEA_IMAGE_BMP:
        return bmp_size(bytes, size, width, height);
    case FOVEA_IMAGE_TIFF:
        return fovea_tiff_read_size(bytes, size, width, height);
    case FOVEA_IMAGE_DICOM:
        return fovea_dicom_read_facts(name, bytes, size, facts);
    case FOVEA_IMAGE_NONE:
        break;
    }
    return false;
}

bool fovea_image_read_facts(const char *path, struct fovea_image_facts *facts) {
    struct fv_mapping file;
    *facts = (struct fovea_image_facts){0};
    if (fv_file_map(path, &file, NULL) != FV_OK) {
        return false;
    }
    bool found = file.size <= FOVEA_IMAGE_MAX_BYTES && find_facts(path, file.bytes, file.size, facts) &&
                 facts->width > 0 && facts->height > 0 && facts->width <= FOVEA_IMAGE_MAX_SIDE &&
                 facts->height <= FOVEA_IMAGE_MAX_SIDE;
    fv_file_unmap(&file);
    if (!found) {
        *facts = (struct fovea_image_facts){0};
    }
    return found;
}

bool fovea_image_read_size(const char *path, uint32_t *width, uint32_t *height) {
    struct fovea_image_facts facts;
    bool found = fovea_image_read_facts(path, &facts);
    *width = facts.width;
    *height = facts.height;
    return found;
}
