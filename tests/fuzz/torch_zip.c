/* Torch files since 1.6: the zip and what it holds, state dicts and whole modules. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (fuzz_begins(data, size, "PK\x03\x04", 4)) {
        fuzz_checkpoint(fuzz_file(data, size));
    }
    return 0;
}
