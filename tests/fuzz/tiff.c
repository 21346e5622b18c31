/* TIFF images of either byte order, BigTIFF too. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (fuzz_begins(data, size, "II", 2) || fuzz_begins(data, size, "MM", 2)) {
        fuzz_image(data, size);
    }
    return 0;
}
