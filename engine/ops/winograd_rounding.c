/* The model: inputs and weights are independent and of mean zero, roundings are independent and relative.
 *
 * A chain of n additions of independent terms has partial sums whose variance grows as k / n, so its error has n / 2
 * times the variance of one rounding. The direct sum is chains of one chunk each, added up in a chain: n / chunks / 2 +
 * chunks / 2.
 *
 * Winograd: a compensated sum of runs of R channels rounds as one run does, R / 2; a plain one as a direct sum of
 * chunks of channels. A line of the transform of the inputs ends in one whole rounding, before which come others of
 * smaller numbers, together 3/2, and there are two lines; transformed weights are rounded once, sums once, and a line
 * of the transform back rounds about as much as one more: 6 in all for F(4x4). F(2x2) has one addition to a line of the
 * inputs: 5. Without fused multiply-add each product rounds too, in the transforms as in the sums: 4 more for F(4x4), 1
 * for F(2x2), whose constants are exact. The variance of the product at point (i, j), of inputs and weights of variance
 * 1, is the channels times b_i b_j with b_i = |B_i|^2 |G_i|^2 (squared norms of rows), that of an output 9 times the
 * channels. Output (k, l) takes up the errors of all points with factors A_ki^2 A_lj^2, hence the gain: the error's
 * variance is g_k g_l times that of one product's, g_k = sum over i of A_ki^2 b_i / 3, the mean over k and l the square
 * of the mean g. F(2x2): g = 5/3 for both k, F(4x4): 6.73, 2.47, 2.54 and 7.48, on average 4.81 (the points are those
 * of kernels/winograd/winograd.h). Stride 2: the odd inputs add 1 / 3, g = 5/3, 1 and 5/3; the rest as F(2x2).
 * Along one axis there is one factor: the gain is the root of the mean of g, of seven taps 6.07, 2.61 and 4.59 (5 to 8
 * taps: 2.10 to 2.28); one line less of each transform, but one more sum, of two groups: 5.
 *
 * Measured on normal inputs (tests/engine/ops/winograd_test.c) F(4x4) rounds 3.0e-7 with runs of 4, 3.3e-7 with runs of
 * 8 and 3.9e-7 without fused multiply-add, the direct sum of 1152 products 2.6e-7, of 4320 products 2.9e-7, as this
 * says within 11 % for a rounding of 2.4e-8 rms (0.4 of half an ulp): the test holds it to 15 %. */
#include "ops/winograd_rounding.h"

#include <math.h>

#include "ops/product.h"

double fv_winograd_rounding(const struct fv_kernels *kernels, enum fv_winograd_form form, size_t channels) {
    static const double gains[] = {[FV_WINOGRAD_2X2] = 5.0 / 3,
                                   [FV_WINOGRAD_4X4] = 4.81,
                                   [FV_WINOGRAD_3X3_STRIDE_2] = 13.0 / 9,
                                   [FV_WINOGRAD_LINE] = 2.10};
    const bool large = form == FV_WINOGRAD_4X4;
    const double gain = gains[form], transforms = large ? 6 : 5;
    const double products = fv_kernels_fuse(kernels) ? 0 : large ? 4 : 1;
    const double chunks = (double)((channels + FV_WINOGRAD_CHUNK_CHANNELS - 1) / FV_WINOGRAD_CHUNK_CHANNELS);
    const double sums = fv_winograd_compensates(kernels, form) ? (double)kernels->winograd_run / 2
                                                               : (double)channels / chunks / 2 + chunks / 2;
    return gain * sqrt(transforms + products + sums);
}

double fv_direct_rounding(size_t depth) {
    const double chunks = (double)((depth + FV_TAPS_CHUNK_DEPTH - 1) / FV_TAPS_CHUNK_DEPTH);
    return sqrt((double)depth / chunks / 2 + chunks / 2);
}
