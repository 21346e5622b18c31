/* exp, the normal distribution's tail and the activations built on them.
 *
 * Bounds, checked by tests/engine/kernels/math.c over dense grids, for builds with and without fused multiply-add:
 *   exp      2 ulp where the result is normal and below 2^127.5; 0 below, infinity above
 *   erf      absolute error 2e-7, as 1 - 2 tail(sqrt 2 x)
 *   sigmoid  4 ulp, SiLU 4 ulp, GELU absolute error 1e-7 + 4 ulp
 * Polynomials are split into even and odd powers: two chains of half the latency. */
#ifndef FOVEA_KERNELS_VECTOR_MATH_H
#define FOVEA_KERNELS_VECTOR_MATH_H

#include "kernels/kernels.h"
#include "kernels/vector.h"

/* Adding and subtracting 1.5 * 2^23 rounds a float of magnitude below 2^22 to the nearest integer, which then stands in
 * the low bits of the sum. */
#define FV_ROUND_MAGIC 12582912.0F

/* exp(r) * 2^n for |r| <= ln(2) / 2 and n in -127 .. 128, the integer in the low bits of `rounded` = n +
 * FV_ROUND_MAGIC. The polynomial is minimax in the relative error (3.1e-9). The power is built as the exponent of a
 * float: n = -127 gives 0 and n = 128 infinity. */
FV_INLINE vector vector_exp_reduced(vector r, vector rounded) {
    const vector square = r * r;
    vector even = vector_broadcast(0x1.6a23cep-10F), odd = vector_broadcast(0x1.123a2p-7F);
    even = vector_multiply_add(even, square, vector_broadcast(0x1.5558f2p-5F));
    odd = vector_multiply_add(odd, square, vector_broadcast(0x1.555492p-3F));
    even = vector_multiply_add(even, square, vector_broadcast(0x1.fffffcp-2F));
    vector p = vector_multiply_add(odd, r, even);
    p = vector_multiply_add(p, square, r) + vector_broadcast(1);
    const vector power = (vector)(((vector_mask)rounded << 23) + mask_broadcast(127 << 23));
    return p * power;
}

/* exp(x); NaN stays NaN. */
FV_INLINE vector vector_exp(vector x) {
    x = vector_maximum(vector_broadcast(-88.0F), x); /* n = -127 */
    x = vector_minimum(vector_broadcast(88.7F), x);  /* n = 128 */
    const vector magic = vector_broadcast(FV_ROUND_MAGIC);
    const vector rounded = vector_multiply_add(x, vector_broadcast(1.44269504088896341F), magic);
    const vector n = rounded - magic;
    vector r = vector_multiply_add(n, vector_broadcast(-0.693145751953125F), x); /* 16 bits: n times it is exact */
    r = vector_multiply_add(n, vector_broadcast(-1.42860682030941723e-6F), r);
    return vector_exp_reduced(r, rounded);
}

/* P(X > x) = erfc(x / sqrt 2) / 2 of the normal distribution, 0 <= x <= 16, as 2^p(x): p is the polynomial that fits
 * log2 of it on 0 .. 6 with the error of the tail itself weighted (9e-9 in exact arithmetic, 1e-7 in float); p(0) = -1
 * holds exactly, and beyond 6 p falls on, steeper than the truth: the tail is 0 from 12 on. */
FV_INLINE vector vector_normal_tail(vector x) {
    const vector square = x * x;
    vector even = vector_broadcast(-0x1.cdaa7p-26F), odd = vector_broadcast(0x1.b38176p-21F);
    even = vector_multiply_add(even, square, vector_broadcast(-0x1.5f74fp-17F));
    odd = vector_multiply_add(odd, square, vector_broadcast(0x1.34c24cp-14F));
    even = vector_multiply_add(even, square, vector_broadcast(-0x1.1acf1cp-12F));
    odd = vector_multiply_add(odd, square, vector_broadcast(-0x1.680a0cp-16F));
    even = vector_multiply_add(even, square, vector_broadcast(0x1.c91266p-8F));
    odd = vector_multiply_add(odd, square, vector_broadcast(-0x1.adc1cp-5F));
    even = vector_multiply_add(even, square, vector_broadcast(-0x1.d63c5p-2F));
    odd = vector_multiply_add(odd, square, vector_broadcast(-0x1.26aedp+0F));
    even = vector_multiply_add(even, square, vector_broadcast(-1));
    vector p = vector_multiply_add(odd, x, even);
    p = vector_maximum(vector_broadcast(-127.0F), p);
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
    return vector_relu(x) - magnitude * vector_normal_tail(vector_minimum(vector_broadcast(16), magnitude));
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
