/* Telling model files from checkpoints by their content. Thread safety: reentrant. */
#ifndef FOVEA_APPS_MODEL_FILE_H
#define FOVEA_APPS_MODEL_FILE_H

#include <stdbool.h>

#include "fovea/status.h"

/* Whether the file at `path` begins as GGUF files do; a folder does not. Errors: FV_ERROR_FILE. */
enum fv_status fovea_is_model(const char *path, bool *yes, struct fv_error *error);

#endif
