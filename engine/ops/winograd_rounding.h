/* How much Winograd's convolution and the direct sum round, to choose between them by layer. */
#ifndef FOVEA_OPS_WINOGRAD_ROUNDING_H
#define FOVEA_OPS_WINOGRAD_ROUNDING_H

#include <stddef.h>

#include "kernels/kernels.h"

/* Roundings of a form over those of the direct sum, at most. That admits F(4x4) for 32 channels or more where runs are
 * of four (AVX-512, NEON), for 64 where they are of eight (AVX2: with 32, 1.78, a full-size nnU-Net was off by more
 * than its tolerance), for few layers without fused multiply-add, and the other forms always. */
#define FV_WINOGRAD_ROUNDING_LIMIT 1.6

/* Channels of a chunk of the sums, at most, a multiple of every width. */
enum { FV_WINOGRAD_CHUNK_CHANNELS = 64 };

/* Whether the products are compensated: those of F(4x4), which needs it, and of the others where the table's kernel has
 * the registers to do so at no cost. Else plain sums of a chunk round little enough. */
static inline bool fv_winograd_compensates(const struct fv_kernels *kernels, enum fv_winograd_form form) {
    return form == FV_WINOGRAD_4X4 || kernels->winograd_run < FV_WINOGRAD_RUN;
}

/* Expected rms rounding error of an output over the outputs' standard deviation and over that of one rounding: of
 * a form of Winograd's convolution with a table's kernels, and of the engine's direct sum of `depth` products. */
double fv_winograd_rounding(const struct fv_kernels *kernels, enum fv_winograd_form form, size_t channels);
double fv_direct_rounding(size_t depth);

#endif
