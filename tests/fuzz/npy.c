/* NumPy arrays. */
#include "fovea/npy.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fv_npy array;
    struct fv_error error;
    if (fv_npy_read(fuzz_file(data, size), &array, &error) == FV_OK) {
        fv_npy_clear(&array);
    }
    return 0;
}
