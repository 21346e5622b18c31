/* Winograd's F(4x4, 3x3): 4 x 4 outputs of a 3 x 3 convolution by 36 multiplications instead of 144.
 *
 *   Y = A^T ((G g G^T) . (B^T d B)) A      d: 6 x 6 inputs, g: 3 x 3 weights, Y: 4 x 4 outputs, . element by element
 *
 * The polynomials are evaluated at 0, +-p, +-q and infinity with p = 11/16 and q = 3/2. The outputs are differences of
 * larger sums, so the points decide the rounding error (Barabasz et al. 2020, doi 10.1145/3412380; Lavin and Gray
 * 2016): of all pairs on a grid of 1/32 and 1/16 these two had the least greatest error, 6 % below 1/sqrt 2 and sqrt 2,
 * and all coefficients of A and B are exact in float. The rows of B^T are
 *    p^2 q^2        0   -(p^2 + q^2)             0   1  0
 *    0        -+p q^2           -q^2           +-p   1  0
 *    0        -+q p^2           -p^2           +-q   1  0
 *    0        p^2 q^2              0  -(p^2 + q^2)   0  1
 * those of G are 1 0 0; 1  +-p  p^2; 1  +-q  q^2; 0 0 1, times 1 / (p^2 q^2), 1 / (2 p^2 (p^2 - q^2)),
 * 1 / (2 q^2 (q^2 - p^2)) and 1, and A^T holds the powers 0 to 3 of the points, and 0 0 0 1 for infinity. */
#ifndef FOVEA_KERNELS_WINOGRAD_H
#define FOVEA_KERNELS_WINOGRAD_H

#include "kernels/kernels.h"

enum { WINOGRAD_TILE = FV_WINOGRAD_OUTPUTS + 2 };

#define WINOGRAD_P 0.6875
#define WINOGRAD_Q 1.5
#define WINOGRAD_P2 (WINOGRAD_P * WINOGRAD_P)
#define WINOGRAD_Q2 (WINOGRAD_Q * WINOGRAD_Q)

/* The factor of row i of G. */
static inline double winograd_factor(size_t i) {
    const double factors[WINOGRAD_TILE] = {1 / (WINOGRAD_P2 * WINOGRAD_Q2),
                                           1 / (2 * WINOGRAD_P2 * (WINOGRAD_P2 - WINOGRAD_Q2)),
                                           1 / (2 * WINOGRAD_P2 * (WINOGRAD_P2 - WINOGRAD_Q2)),
                                           1 / (2 * WINOGRAD_Q2 * (WINOGRAD_Q2 - WINOGRAD_P2)),
                                           1 / (2 * WINOGRAD_Q2 * (WINOGRAD_Q2 - WINOGRAD_P2)),
                                           1};
    return factors[i];
}

/* Where tile `tile` lies: its outputs start at (y, x), of which rows x columns are inside the output; its inputs start
 * at (top, left), which may be negative, and are `inside` the input as a whole or not. */
struct winograd_place {
    size_t y, x, rows, columns;
    ptrdiff_t top, left;
    bool inside;
};

static inline struct winograd_place winograd_place(const struct fv_winograd *geometry, size_t tile) {
    struct winograd_place place = {.y = tile / geometry->tiles_x * FV_WINOGRAD_OUTPUTS,
                                   .x = tile % geometry->tiles_x * FV_WINOGRAD_OUTPUTS};
    const size_t below = geometry->output_height - place.y, right = geometry->output_width - place.x;
    place.rows = below < FV_WINOGRAD_OUTPUTS ? below : FV_WINOGRAD_OUTPUTS;
    place.columns = right < FV_WINOGRAD_OUTPUTS ? right : FV_WINOGRAD_OUTPUTS;
    place.top = (ptrdiff_t)place.y - (ptrdiff_t)geometry->pad_top;
    place.left = (ptrdiff_t)place.x - (ptrdiff_t)geometry->pad_left;
    place.inside = place.y < geometry->output_height && place.top >= 0 && place.left >= 0 &&
                   (size_t)place.top + WINOGRAD_TILE <= geometry->input_height &&
                   (size_t)place.left + WINOGRAD_TILE <= geometry->input_width;
    return place;
}

/* The input at row i and column j of the tile's patch, NULL in the padding. */
static inline const float *winograd_source(const struct fv_winograd *geometry, const struct winograd_place *place,
                                           const float *input, size_t width, size_t i, size_t j) {
    const ptrdiff_t y = place->top + (ptrdiff_t)i, x = place->left + (ptrdiff_t)j;
    const bool inside =
        y >= 0 && x >= 0 && y < (ptrdiff_t)geometry->input_height && x < (ptrdiff_t)geometry->input_width;
    return inside ? input + ((size_t)y * geometry->input_width + (size_t)x) * width : NULL;
}

#endif
