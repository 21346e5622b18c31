#include "pipeline/preparation.h"

#include <string.h>

enum { SIZE_LIMIT = 4096 };

enum fv_status fovea_read_size(const struct fv_model *model, bool required, uint32_t *size, enum fovea_filter *filter,
                               struct fv_error *error) {
    *size = 0;
    *filter = FOVEA_FILTER_BILINEAR;
    if (!required && !fv_model_has(model, "fovea.input_size")) {
        return FV_OK;
    }
    size_t side;
    enum fv_status status = fv_model_require_size(model, "fovea.input_size", 1, SIZE_LIMIT, &side, error);
    const char *word = "";
    if (status == FV_OK) {
        status = fv_model_require_string(model, "fovea.resize_filter", &word, error);
    }
    if (status != FV_OK) {
        return status;
    }
    if (strcmp(word, "bilinear") != 0 && strcmp(word, "bicubic") != 0) {
        return fv_error_set(error, FV_ERROR_MODEL, "%s: fovea.resize_filter: expected bilinear or bicubic, found '%s'",
                            fv_model_path(model), word);
    }
    *size = (uint32_t)side;
    *filter = strcmp(word, "bicubic") == 0 ? FOVEA_FILTER_BICUBIC : FOVEA_FILTER_BILINEAR;
    return FV_OK;
}
