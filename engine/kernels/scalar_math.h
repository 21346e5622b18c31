/* What the scalar kernels share: the block width and the activations in double. */
#ifndef FOVEA_KERNELS_SCALAR_MATH_H
#define FOVEA_KERNELS_SCALAR_MATH_H

#include <math.h>
#include <stddef.h>

#include "kernels/kernels.h"

#ifndef FV_WIDTH
#error "compile with -DFV_WIDTH=4, 8 or 16"
#endif

enum { WIDTH = FV_WIDTH };

static inline double activate_scalar(double x, enum fv_activation activation, double slope) {
    switch (activation) {
    case FV_ACTIVATION_RELU:
        return x < 0 ? 0 : x;
    case FV_ACTIVATION_LEAKY_RELU:
        return x < 0 ? slope * x : x;
    case FV_ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case FV_ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-x));
    case FV_ACTIVATION_GELU:
        return 0.5 * x * erfc(-x * 0.70710678118654752440);
    case FV_ACTIVATION_NONE:
        break;
    }
    return x;
}

#endif
