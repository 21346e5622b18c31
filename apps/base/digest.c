#include "base/digest.h"

#include "fovea/file.h"
#include "fovea/sha256.h"

enum { HASH_STEP = 1 << 22 };

enum fv_status fovea_file_digest(const char *path, char digest[FOVEA_DIGEST_SIZE], struct fv_error *error) {
    struct fv_mapping file;
    enum fv_status status = fv_file_map(path, &file, error);
    if (status != FV_OK) {
        return status;
    }
    struct fv_sha256 sum;
    fv_sha256_begin(&sum);
    for (size_t at = 0; at < file.size; at += HASH_STEP) {
        size_t step = file.size - at < HASH_STEP ? file.size - at : HASH_STEP;
        fv_sha256_add(&sum, file.bytes + at, step);
        fv_file_forget(&file, at, step); /* a large file must not fill the memory */
    }
    fv_sha256_end(&sum, digest);
    fv_file_unmap(&file);
    return FV_OK;
}
