/* safetensors files. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 8 && data[8] == '{') {
        fuzz_checkpoint(fuzz_file(data, size));
    }
    return 0;
}
