/* DICOM images. */
#include "fuzz.h"

#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (fovea_image_recognise(data, size) == FOVEA_IMAGE_DICOM) {
        fuzz_image(data, size);
    }
    return 0;
}
