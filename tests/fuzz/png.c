/* PNG images. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (fuzz_begins(data, size, "\x89PNG\r\n\x1A\n", 8)) {
        fuzz_image(data, size);
    }
    return 0;
}
