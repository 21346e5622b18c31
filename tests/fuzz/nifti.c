/* Labels in NIfTI files, plain and compressed; plain ones get the words that make them NIfTI. */
#include <string.h>

#include "eval/nifti.h"
#include "fuzz.h"

enum { MOST_BYTES = 1 << 16, HEADER = 348 };

static void decode(const uint8_t *data, size_t size) {
    struct fovea_image image;
    struct fv_error error;
    if (fovea_nifti_recognise(data, size) && fovea_nifti_decode("fuzz", data, size, &image, &error) == FV_OK) {
        fovea_image_release(&image);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t bytes[MOST_BYTES];
    decode(data, size);
    if (size >= HEADER && size <= MOST_BYTES) {
        static const uint8_t length[4] = {HEADER & 255, HEADER >> 8, 0, 0};
        memcpy(bytes, data, size);
        memcpy(bytes, length, sizeof length);
        memcpy(bytes + HEADER - 4, "n+1", 4);
        decode(bytes, size);
    }
    return 0;
}
