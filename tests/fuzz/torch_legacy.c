/* Torch files before 1.6: pickles and storages one after the other. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (fuzz_begins(data, size, "\x80\x02", 2)) {
        fuzz_checkpoint(fuzz_file(data, size));
    }
    return 0;
}
