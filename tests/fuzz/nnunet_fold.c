/* The bytes are fold_0/model_best.model.pkl of an nnU-Net folder that is sound else. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_nnunet("fold_0/model_best.model.pkl", data, size);
    return 0;
}
