/* JPEG images. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (fuzz_begins(data, size, "\xFF\xD8\xFF", 3)) {
        fuzz_image(data, size);
    }
    return 0;
}
