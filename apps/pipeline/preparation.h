/* The parts of a model's metadata about preparing its input that graders and segmenters share.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_PREPARATION_H
#define FOVEA_APPS_PREPARATION_H

#include <stdbool.h>
#include <stdint.h>

#include "fovea/model.h"
#include "fovea/status.h"
#include "image/resize.h"

/* The size that an image's shorter side is resized to (fovea.input_size, 1 to 4096), and the filter
 * (fovea.resize_filter, needed if there is a size). Without the key: 0, or FV_ERROR_MODEL if it is `required`. Errors:
 * FV_ERROR_MODEL. */
enum fv_status fovea_read_size(const struct fv_model *model, bool required, uint32_t *size, enum fovea_filter *filter,
                               struct fv_error *error);

#endif
