/* Private to this room: float images and what is drawn on them.
 *
 * Coordinates are in pixels, pixel centres at whole numbers, y downwards. Thread safety: reentrant. */
#ifndef FOVEA_APPS_PLANE_H
#define FOVEA_APPS_PLANE_H

#include <stddef.h>
#include <stdint.h>

#include "base/portable_math.h"
#include "fovea/status.h"

/* A square of floats, row-major. */
struct plane {
    uint32_t side;
    float *values; /* owned */
};

/* A plane of zeros. Errors: FV_ERROR_MEMORY, when *plane is empty. */
enum fv_status plane_create(uint32_t side, struct plane *plane, struct fv_error *error);
void plane_release(struct plane *plane);

/* Whether the pixel nearest to (x, y) is inside; if so its index is stored. */
int plane_index(uint32_t side, double x, double y, size_t *index);

/* Draws a line with round ends, anti-aliased over one pixel; each pixel becomes the larger of what it was and `value`
 * times the line's share of it. */
void plane_draw_line(struct plane *plane, const double from[2], const double to[2], double radius, double value);

/* Smooth noise of unit deviation at the scale of side / cells pixels. Errors: FV_ERROR_MEMORY. */
enum fv_status plane_fill_noise(struct plane *plane, uint32_t cells, struct random *random, struct fv_error *error);

/* Blurs by a Gaussian of the given deviations in pixels, cut at 3 deviations, with reflected borders; 0 leaves an axis
 * as it is. Errors: FV_ERROR_MEMORY. */
enum fv_status plane_blur(struct plane *plane, double across, double down, struct fv_error *error);

/* Adds a constant and multiplies so that mean and deviation become 0 and 1 (a constant plane becomes 0). */
void plane_standardise(struct plane *plane);

#endif
