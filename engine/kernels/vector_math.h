/* exp, the normal distribution's tail and the activations built on them.
 *
 * Bounds, checked by tests/engine/kernels/math.c over dense grids, for builds with and without fused multiply-add:
 *   exp      2 ulp; 0 below -104, infinity above 89, gradual underflow between
 *   erf      absolute error 2e-7
 *   sigmoid  4 ulp, SiLU 4 ulp, GELU absolute error 1e-7 + 4 ulp */
#ifndef FOVEA_KERNELS_VECTOR_MATH_H
#define FOVEA_KERNELS_VECTOR_MATH_H

#include "kernels/kernels.h"
#include "kernels/vector.h"

/* Adding and subtracting 1.5 * 2^23 rounds a float of magnitude below 2^22 to the nearest integer, which then stands in
 * the low bits of the sum. */
#define FV_ROUND_MAGIC 12582912.0F

/* exp(r) * 2^n for |r| <= ln(2) / 2 and n the integer in the low bits of `rounded` = n + FV_ROUND_MAGIC. The polynomial
 * is minimax in the relative error (3.1e-9); the power is applied in two halves, so that results near and below the
 * smallest normal number and beyond the greatest come out right. */
FV_INLINE vector vector_exp_reduced(vector r, vector rounded) {
    vector p = vector_broadcast(0x1.6a23cep-10F);
    p = vector_multiply_add(p, r, vector_broadcast(0x1.123a2p-7F));
    p = vector_multiply_add(p, r, vector_broadcast(0x1.5558f2p-5F));
    p = vector_multiply_add(p, r, vector_broadcast(0x1.555492p-3F));
    p = vector_multiply_add(p, r, vector_broadcast(0x1.fffffcp-2F));
    p = vector_multiply_add(p * r, r, r) + vector_broadcast(1);
    const vector_mask n = (vector_mask)rounded - (vector_mask)vector_broadcast(FV_ROUND_MAGIC);
    const vector_mask half = n >> 1;
    const vector first = (vector)((half + mask_broadcast(127)) << 23);
    const vector second = (vector)((n - half + mask_broadcast(127)) << 23);
    return p * first * second;
}

/* exp(x); NaN stays NaN. */
FV_INLINE vector vector_exp(vector x) {
    x = vector_maximum(vector_broadcast(-104.0F), x);
    x = vector_minimum(vector_broadcast(89.0F), x);
    const vector magic = vector_broadcast(FV_ROUND_MAGIC);
    const vector rounded = vector_multiply_add(x, vector_broadcast(1.44269504088896341F), magic);
    const vector n = rounded - magic;
    vector r = vector_multiply_add(n, vector_broadcast(-0.693145751953125F), x); /* 16 bits: n times it is exact */
    r = vector_multiply_add(n, vector_broadcast(-1.42860682030941723e-6F), r);
    return vector_exp_reduced(r, rounded);
}

/* P(X > x) = erfc(x / sqrt 2) / 2 of the normal distribution, x >= 0, as 2^p(x): p is the polynomial that fits log2 of
 * it on 0 .. 6 with the error of the tail itself weighted (9e-9 in exact arithmetic, 1e-7 in float); p(0) = -1 holds
 * exactly, and beyond 6 p falls on towards minus infinity, the tail to 0. */
FV_INLINE vector vector_normal_tail(vector x) {
    vector p = vector_broadcast(-0x1.cdaa7p-26F);
    p = vector_multiply_add(p, x, vector_broadcast(0x1.b38176p-21F));
    p = vector_multiply_add(p, x, vector_broadcast(-0x1.5f74fp-17F));
    p = vector_multiply_add(p, x, vector_broadcast(0x1.34c24cp-14F));
    p = vector_multiply_add(p, x, vector_broadcast(-0x1.1acf1cp-12F));
    p = vector_multiply_add(p, x, vector_broadcast(-0x1.680a0cp-16F));
    p = vector_multiply_add(p, x, vector_broadcast(0x1.c91266p-8F));
    p = vector_multiply_add(p, x, vector_broadcast(-0x1.adc1cp-5F));
    p = vector_multiply_add(p, x, vector_broadcast(-0x1.d63c5p-2F));
    p = vector_multiply_add(p, x, vector_broadcast(-0x1.26aedp+0F));
    p = vector_multiply_add(p, x, vector_broadcast(-1));
    p = vector_maximum(vector_broadcast(-150.0F), p);
    const vector magic = vector_broadcast(FV_ROUND_MAGIC);
    const vector rounded = p + magic;
    const vector fraction = p - (rounded - magic);
    return vector_exp_reduced(fraction * vector_broadcast(0.693147180559945309F), rounded);
}

FV_INLINE vector vector_sigmoid(vector x) {
    return vector_broadcast(1) / (vector_broadcast(1) + vector_exp(-x));
}

FV_INLINE vector vector_silu(vector x) {
    return x / (vector_broadcast(1) + vector_exp(-x));
}

/* max(x, 0); NaN stays NaN. */
FV_INLINE vector vector_relu(vector x) {
    return vector_maximum(vector_zero(), x);
}

FV_INLINE vector vector_leaky_relu(vector x, vector slope) {
    return vector_select((vector_mask)(x < vector_zero()), x * slope, x);
}

/* x (1 + erf(x / sqrt 2)) / 2 = max(x, 0) - |x| tail(|x|): no cancellation on the negative side. */
FV_INLINE vector vector_gelu(vector x) {
    const vector magnitude = vector_absolute(x);
    return vector_relu(x) - magnitude * vector_normal_tail(magnitude);
}

/* Whether an activation takes an exponential. */
FV_INLINE int activation_is_long(enum fv_activation activation) {
    return activation == FV_ACTIVATION_SILU || activation == FV_ACTIVATION_SIGMOID || activation == FV_ACTIVATION_GELU;
}

FV_INLINE vector vector_activate(vector x, enum fv_activation activation, vector slope) {
    switch (activation) {
    case FV_ACTIVATION_RELU:
        return vector_relu(x);
    case FV_ACTIVATION_LEAKY_RELU:
        return vector_leaky_relu(x, slope);
    case FV_ACTIVATION_SILU:
        return vector_silu(x);
    case FV_ACTIVATION_SIGMOID:
        return vector_sigmoid(x);
    case FV_ACTIVATION_GELU:
        return vector_gelu(x);
    case FV_ACTIVATION_NONE:
        break;
    }
    return x;
}

#endif
