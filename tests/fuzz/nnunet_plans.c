/* The bytes are plans.pkl of an nnU-Net folder that is sound else. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_nnunet("plans.pkl", data, size);
    return 0;
}
