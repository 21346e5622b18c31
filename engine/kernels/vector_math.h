/* exp, the normal distribution below zero and the activations built on them.
 *
 * Bounds, checked by tests/engine/kernels/math_checks.c over dense grids, for builds with and without fused
 * multiply-add:
 *   exp      2 ulp from 2^-126 to 2^127.99; what lies outside becomes these ends
 *   normal   absolute error 1e-7 on -6 .. 0, so that erf has 2e-7
 *   sigmoid  4 ulp where the result is normal, else absolute error 2^-126
 *   SiLU     4 ulp, below -88.7 absolute error 2^-127 |x|
 *   GELU     absolute error 1e-7 + 4 ulp
 * NaN stays NaN, provided that its low 9 bits are zero as in those that arithmetic makes.
 *
 * Cost. Multiplications go to other ports than additions, minima, shifts and roundings, and each kind is issued once a
 * cycle (512 bits on Zen 4), so a function costs what its longer list does: exp has 8 multiply-adds and 4 others, GELU
 * 15 and 6. Powers of two are therefore added to the exponent's bits, not multiplied. */
#ifndef FOVEA_KERNELS_VECTOR_MATH_H
#define FOVEA_KERNELS_VECTOR_MATH_H

#include "kernels/kernels.h"
#include "kernels/vector.h"

/* Adding and subtracting 1.5 * 2^23 rounds a float of magnitude below 2^22 to the nearest integer, which then stands in
 * the low bits of the sum. */
#define FV_ROUND_MAGIC 12582912.0F

/* p * 2^n for p > 0, the integer in the low bits of `rounded` = n + FV_ROUND_MAGIC: n is added to the exponent, which
 * must stay within 0 .. 254 (at 0 the result is wrong by less than 2^-126). */
FV_INLINE vector vector_scale_by_power(vector p, vector rounded) {
    return (vector)((vector_mask)p + ((vector_mask)rounded << 23));
}

/* exp(x). The polynomial is minimax in the relative error (1.05e-7) on |r| <= ln(2) / 2 with 1 + r given. */
FV_INLINE vector vector_exp(vector x) {
    x = vector_maximum(vector_broadcast(-87.33654F), x); /* n = -126 and r >= 0: the exponent is 1 */
    x = vector_minimum(vector_broadcast(88.7228F), x);   /* n = 128 and r < 0: the exponent is 254 */
    const vector magic = vector_broadcast(FV_ROUND_MAGIC);
    const vector rounded = vector_multiply_add(x, vector_broadcast(1.44269504088896341F), magic);
    const vector n = rounded - magic;
    vector r = vector_multiply_add(n, vector_broadcast(-0.693145751953125F), x); /* 16 bits: n times it is exact */
    r = vector_multiply_add(n, vector_broadcast(-1.42860682030941723e-6F), r);
    vector p = vector_broadcast(0x1.10622p-7F);
    p = vector_multiply_add(p, r, vector_broadcast(0x1.572a3ep-5F));
    p = vector_multiply_add(p, r, vector_broadcast(0x1.5557bp-3F));
    p = vector_multiply_add(p, r, vector_broadcast(0x1.fffdfcp-2F));
    p = vector_multiply_add(p, r, vector_broadcast(1));
    p = vector_multiply_add(p, r, vector_broadcast(1));
    return vector_scale_by_power(p, rounded);
}

/* 2^(n + f) for |f| <= 1/2, `rounded` = n + FV_ROUND_MAGIC, n in -126 .. 127: minimax in the relative error (1.06e-7),
 * 1 + ln(2) f given. */
FV_INLINE vector vector_power_of_two(vector f, vector rounded) {
    vector p = vector_broadcast(0x1.5ca97cp-10F);
    p = vector_multiply_add(p, f, vector_broadcast(0x1.3cdbdep-7F));
    p = vector_multiply_add(p, f, vector_broadcast(0x1.c6b3aap-5F));
    p = vector_multiply_add(p, f, vector_broadcast(0x1.ebf9fp-3F));
    p = vector_multiply_add(p, f, vector_broadcast(0x1.62e43p-1F));
    p = vector_multiply_add(p, f, vector_broadcast(1));
    return vector_scale_by_power(p, rounded);
}

/* P(X < x) = erfc(-x / sqrt 2) / 2 of the normal distribution, -6 <= x <= 0, as 2^p(x). The polynomial p fits log2 of
 * it so that the error of the probability times (0.3 - x) is least (1.4e-8 in exact arithmetic); p(0) = -1 holds
 * exactly. */
FV_INLINE vector vector_normal(vector x) {
    const vector square = x * x;
    vector even = vector_broadcast(-0x1.1f719p-19F), odd = vector_broadcast(-0x1.05c2b4p-15F);
    even = vector_multiply_add(even, square, vector_broadcast(-0x1.367d84p-13F));
    odd = vector_multiply_add(odd, square, vector_broadcast(0x1.dc27a6p-13F));
    even = vector_multiply_add(even, square, vector_broadcast(0x1.d66c16p-8F));
    odd = vector_multiply_add(odd, square, vector_broadcast(0x1.aead68p-5F));
    even = vector_multiply_add(even, square, vector_broadcast(-0x1.d63458p-2F));
    odd = vector_multiply_add(odd, square, vector_broadcast(0x1.26afp+0F));
    even = vector_multiply_add(even, square, vector_broadcast(-1));
    const vector p = vector_multiply_add(odd, x, even);
    const vector magic = vector_broadcast(FV_ROUND_MAGIC);
    const vector rounded = p + magic;
    return vector_power_of_two(p - (rounded - magic), rounded);
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

/* x (1 + erf(x / sqrt 2)) / 2 = max(x, 0) + m normal(m) with m = -|x|: no cancellation on the negative side. From -6
 * on m stays, where the second term is -6e-9. */
FV_INLINE vector vector_gelu(vector x) {
    const vector m = vector_maximum(vector_broadcast(-6), vector_negative(x));
    return vector_multiply_add(m, vector_normal(m), vector_relu(x));
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
