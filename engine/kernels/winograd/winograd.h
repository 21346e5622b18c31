/* Winograd's F(m x m, 3x3): m x m outputs of a 3 x 3 convolution by (m + 2)^2 multiplications instead of 9 m^2: 36
 * instead of 144 for m = 4, 16 instead of 36 for m = 2, and for stride 2 49 instead of 81 for m = 3.
 *
 *   Y = A^T ((G g G^T) . (B^T d B)) A      d: inputs, (m+2) x (m+2) for stride 1, g: 3 x 3 weights, Y: m x m outputs,
 *                                          . by elements
 *
 * F(4x4, 3x3): the polynomials are evaluated at 0, +-p, +-q and infinity with p = 11/16 and q = 3/2. The outputs are
 * differences of larger sums, so the points decide the rounding error (Barabasz et al. 2020, doi 10.1145/3412380; Lavin
 * and Gray 2016): of all pairs on a grid of 1/32 and 1/16 these two had the least greatest error, 6 % below 1/sqrt 2
 * and sqrt 2, and all coefficients of A and B are exact in float. The rows of B^T are
 *    p^2 q^2        0   -(p^2 + q^2)             0   1  0
 *    0        -+p q^2           -q^2           +-p   1  0
 *    0        -+q p^2           -p^2           +-q   1  0
 *    0        p^2 q^2              0  -(p^2 + q^2)   0  1
 * those of G are 1 0 0; 1  +-p  p^2; 1  +-q  q^2; 0 0 1, times 1 / (p^2 q^2), 1 / (2 p^2 (p^2 - q^2)),
 * 1 / (2 q^2 (q^2 - p^2)) and 1, and A^T holds the powers 0 to 3 of the points, and 0 0 0 1 for infinity.
 *
 * F(2x2, 3x3): the points 0, +-1 and infinity, in the same form; every constant is 0, +-1 or +-1/2. The rows of B^T are
 *   -1  0 1 0;   0 +-1 1 0;   0 -1 0 1
 * those of G are 1 0 0; 1 +-1 1; 0 0 1, times -1, 1/2 and 1, and those of A^T 1 1 1 0 and 0 1 -1 1.
 *
 * Stride 2: output i of a line is g0 d(2i) + g2 d(2i+2), a convolution of two taps over the even inputs, plus
 * g1 d(2i+1) of the odd ones (a decomposition as in Huang et al. 2020, arXiv 2002.00552). The first is F(3, 2) with the
 * points of F(2x2, 3x3), hence the same B, with rows of G 1 0; 1 +-1; 0 1 for g0 and g2, times the same factors, and of
 * A^T 1 1 1 0; 0 1 -1 0; 0 1 1 1. The second is as it is. A line of 7 inputs becomes the four points of the even ones
 * and the three odd ones, which share the filter g1, and output i is the former's plus odd product i.
 *
 * Along one axis: F(3, 4) with the points of F(4x4, 3x3), hence the same B and factors of G. Seven taps are four and
 * three, the second group four inputs further on with a last tap of 0: 12 products for 3 outputs instead of 21. The
 * rows of G are 1 0 0 0; 1 a a^2 a^3 for the points a = +-p, +-q; 0 0 0 1, and A^T holds the powers 0 to 2 of the
 * points, and 0 0 1 for infinity. */
#ifndef FOVEA_KERNELS_WINOGRAD_H
#define FOVEA_KERNELS_WINOGRAD_H

#include "kernels/kernels.h"

#define WINOGRAD_P 0.6875
#define WINOGRAD_Q 1.5
#define WINOGRAD_P2 (WINOGRAD_P * WINOGRAD_P)
#define WINOGRAD_Q2 (WINOGRAD_Q * WINOGRAD_Q)

/* The factor of row i of G. */
static inline double winograd_factor(enum fv_winograd_form form, size_t i) {
    const double small[] = {-1, 0.5, 0.5, 1, 1};
    const double large[] = {1 / (WINOGRAD_P2 * WINOGRAD_Q2),
                            1 / (2 * WINOGRAD_P2 * (WINOGRAD_P2 - WINOGRAD_Q2)),
                            1 / (2 * WINOGRAD_P2 * (WINOGRAD_P2 - WINOGRAD_Q2)),
                            1 / (2 * WINOGRAD_Q2 * (WINOGRAD_Q2 - WINOGRAD_P2)),
                            1 / (2 * WINOGRAD_Q2 * (WINOGRAD_Q2 - WINOGRAD_P2)),
                            1};
    return form == FV_WINOGRAD_4X4 || form == FV_WINOGRAD_LINE ? large[i] : small[i];
}

/* Where tile `tile` lies: its outputs start at (y, x), of which rows x columns are inside the output; its inputs start
 * at (top, left), which may be negative, and are `inside` the input as a whole or not. */
struct winograd_place {
    size_t y, x, rows, columns;
    ptrdiff_t top, left;
    bool inside;
};

static inline struct winograd_place winograd_place(const struct fv_winograd *geometry, size_t tile) {
    const size_t outputs = fv_winograd_outputs(geometry->form), side = fv_winograd_side(geometry->form);
    const size_t stride = fv_winograd_stride(geometry->form);
    struct winograd_place place = {.y = tile / geometry->tiles_x * outputs, .x = tile % geometry->tiles_x * outputs};
    const size_t below = geometry->output_height - place.y, right = geometry->output_width - place.x;
    place.rows = below < outputs ? below : outputs;
    place.columns = right < outputs ? right : outputs;
    place.top = (ptrdiff_t)(place.y * stride) - (ptrdiff_t)geometry->pad_top;
    place.left = (ptrdiff_t)(place.x * stride) - (ptrdiff_t)geometry->pad_left;
    place.inside = place.y < geometry->output_height && place.top >= 0 && place.left >= 0 &&
                   (size_t)place.top + side <= geometry->input_height &&
                   (size_t)place.left + side <= geometry->input_width;
    return place;
}

/* Where a tile along one axis lies, in pixels: its input j is at input + (start + j) * input_step if 0 <= start + j <
 * length, its output j at output + j * output_step if j < outputs. */
struct winograd_line_place {
    size_t input, input_step, output, output_step;
    size_t length, outputs;
    ptrdiff_t start;
};

static inline struct winograd_line_place winograd_line_place(const struct fv_winograd *geometry, size_t tile) {
    const size_t outputs = fv_winograd_outputs(FV_WINOGRAD_LINE);
    const size_t line = tile / geometry->tiles_x, first = tile % geometry->tiles_x * outputs;
    const bool vertical = geometry->vertical;
    const size_t end = vertical ? geometry->output_height : geometry->output_width;
    struct winograd_line_place place = {
        .input = vertical ? line : line * geometry->input_width,
        .input_step = vertical ? geometry->input_width : 1,
        .output = vertical ? first * geometry->output_width + line : line * geometry->output_width + first,
        .output_step = vertical ? geometry->output_width : 1,
        .length = vertical ? geometry->input_height : geometry->input_width,
        .outputs = end - first < outputs ? end - first : outputs,
        .start = (ptrdiff_t)first - (ptrdiff_t)(vertical ? geometry->pad_top : geometry->pad_left)};
    return place;
}

/* Input j of the tile, NULL in the padding. */
static inline const float *winograd_line_source(const struct winograd_line_place *place, const float *input,
                                                size_t width, size_t j) {
    const ptrdiff_t at = place->start + (ptrdiff_t)j;
    const bool inside = at >= 0 && at < (ptrdiff_t)place->length;
    return inside ? input + (place->input + (size_t)at * place->input_step) * width : NULL;
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
