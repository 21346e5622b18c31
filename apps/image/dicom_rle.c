#include "fovea/bytes.h"
#include "image/dicom.h"

enum { HEAD = 64, MOST_SEGMENTS = 15 };

/* Unpacks `count` bytes from the `size` bytes of one segment; false if they are too few or go beyond `count`. A byte b
 * below 128 is followed by b + 1 bytes as they are, one above 128 by one that stands for 257 - b. */
static bool unpack_segment(const uint8_t *packed, size_t size, size_t count, uint8_t *plane) {
    size_t at = 0, done = 0;
    while (done < count) {
        if (at == size) {
            return false;
        }
        size_t control = packed[at++];
        if (control == 128) {
            continue;
        }
        size_t run = control < 128 ? control + 1 : 257 - control, taken = control < 128 ? run : 1;
        if (taken > size - at || run > count - done) {
            return false;
        }
        for (size_t i = 0; i < run; i++) {
            plane[done + i] = packed[at + (control < 128 ? i : 0)];
        }
        at += taken;
        done += run;
    }
    return true;
}

enum fv_status fovea_dicom_unpack(const char *name, const uint8_t *bytes, size_t size, uint32_t segments, size_t count,
                                  uint8_t *planes, struct fv_error *error) {
    uint32_t found = size < HEAD ? 0 : fv_load_u32(bytes);
    if (found != segments || segments > MOST_SEGMENTS) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged DICOM: expected %u RLE segments, found %u", name,
                            segments, found);
    }
    for (uint32_t i = 0; i < segments; i++) {
        size_t start = fv_load_u32(bytes + 4 + 4 * (size_t)i);
        size_t end = i + 1 < segments ? fv_load_u32(bytes + 8 + 4 * (size_t)i) : size;
        if (start < HEAD || start > end || end > size ||
            !unpack_segment(bytes + start, end - start, count, planes + i * count)) {
            return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged DICOM: RLE segment %u is not whole", name, i + 1);
        }
    }
    return FV_OK;
}
