#include "model_file.h"

#include <string.h>
#include <sys/stat.h>

#include "fovea/file.h"

enum fv_status fovea_is_model(const char *path, bool *yes, struct fv_error *error) {
    struct stat information;
    struct fv_mapping mapping;
    *yes = false;
    if (stat(path, &information) == 0 && S_ISDIR(information.st_mode)) {
        return FV_OK;
    }
    enum fv_status status = fv_file_map(path, &mapping, error);
    if (status == FV_OK) {
        *yes = mapping.size >= 4 && memcmp(mapping.bytes, "GGUF", 4) == 0;
        fv_file_unmap(&mapping);
    }
    return status;
}
