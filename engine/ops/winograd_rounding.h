/* How much Winograd's convolution and the direct sum round, to choose between them by layer. */
#ifndef FOVEA_OPS_WINOGRAD_ROUNDING_H
#define FOVEA_OPS_WINOGRAD_ROUNDING_H

#include <stddef.h>

#include "kernels/kernels.h"

/* Roundings of F(4x4) over those of the direct sum, at most. With fused multiply-add that admits every layer of 32
 * channels or more. What F(4x4) rounds does not depend on the channels: a layer of few is no worse than one of many. */
#define FV_WINOGRAD_ROUNDING_LIMIT 1.8

/* Expected rms rounding error of an output over the outputs' standard deviation and over that of one rounding: of
 * F(outputs x outputs, 3x3) with a table's kernels, and of the engine's direct sum of `depth` products. */
double fv_winograd_rounding(const struct fv_kernels *kernels, size_t outputs);
double fv_direct_rounding(size_t depth);

#endif
