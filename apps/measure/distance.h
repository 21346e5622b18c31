/* Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_DISTANCE_H
#define FOVEA_APPS_MEASURE_DISTANCE_H

#include <stdint.h>

#include "fovea/status.h"

enum { FOVEA_DISTANCE_SIDE_MAX = 1 << 20 }; /* pixels */

/* squares[y * width + x] = the square of the Euclidean distance from the centre of pixel (x, y) to that of the nearest
 * pixel of `mask` (height x width, at least one non-zero byte), in whole pixels, exact: per column the distance along
 * y, then per row the lower envelope of the parabolas (x - i)^2 + g(i)^2 (A. Meijster, J. Roerdink and W. Hesselink, A
 * general algorithm for computing distance transforms in linear time, 2000). Errors: FV_ERROR_ARGUMENT (a side beyond
 * the limit), FV_ERROR_MEMORY. */
enum fv_status fovea_distance_squares(const uint8_t *mask, uint32_t width, uint32_t height, uint64_t *squares,
                                      struct fv_error *error);

#endif
