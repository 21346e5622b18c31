/* From bytes to a network's input.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_NORMALISE_H
#define FOVEA_APPS_NORMALISE_H

#include "fovea/status.h"
#include "image/image.h"

/* tensor[c][y][x] = (pixel / 255 - mean[c]) / deviation[c], each operation in float32, in that order: torchvision's
 * ToTensor and Normalize, bit for bit. `image` has 8 bits and either `channels` channels or 1, which is then repeated;
 * `tensor` holds channels x height x width floats. Errors: FV_ERROR_ARGUMENT (16 bits, another number of channels, a
 * deviation of zero). */
enum fv_status fovea_normalise(const struct fovea_image *image, uint32_t channels, const float *mean,
                               const float *deviation, float *tensor, struct fv_error *error);

#endif
