/* Thinning to centre lines, and the length of these.
 *
 * Thread safety: reentrant. */
#ifndef FOVEA_APPS_MEASURE_THIN_H
#define FOVEA_APPS_MEASURE_THIN_H

#include <stddef.h>
#include <stdint.h>

#include "fovea/status.h"

/* Thins the non-zero bytes of `mask` (height x width; beyond it is background) until nothing changes: Z. Guo and R. W.
 * Hall, Parallel thinning with two-subiteration algorithms, Comm. ACM 1989, algorithm A1, as scikit-image's thin and
 * MATLAB's bwmorph do it. Centre lines are 8-connected and keep the regions' connection. `result` (height x width)
 * becomes 0 and 1; it may be `mask`. Errors: FV_ERROR_MEMORY. */
enum fv_status fovea_thin(const uint8_t *mask, uint32_t width, uint32_t height, uint8_t *result,
                          struct fv_error *error);

/* The part of the lines' length that pixel (x, y) of `lines` (height x width, 0 and 1, thinned) stands for, in pixels:
 * half of each link to a neighbour, 0.980 for one along an axis and 1.406 for a diagonal one, less 0.091 where exactly
 * two links of different kinds meet (A. M. Vossepoel and A. W. M. Smeulders, Vector code probability and metrication
 * error in the representation of straight lines of finite length, 1982: unbiased over directions, 1 % of standard
 * deviation). Diagonal neighbours that share a neighbour of both along the axes are linked through that one. 0 where
 * there is no line. */
double fovea_line_length(const uint8_t *lines, uint32_t width, uint32_t height, uint32_t x, uint32_t y);

#endif
