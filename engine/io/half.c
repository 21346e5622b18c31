/* IEEE binary16 in portable C. */
#include <string.h>

#include "fovea/bytes.h"
#include "fovea/model.h"

static float float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float fv_half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1Fu;
    uint32_t fraction = half & 0x3FFu;
    if (exponent == 0x1F) {
        return float_from_bits(sign | 0x7F800000u | fraction << 13);
    }
    if (exponent == 0) {
        /* Zero or subnormal: fraction x 2^-24, exact in binary32. */
        float magnitude = (float)fraction * 0x1p-24f;
        return sign != 0 ? -magnitude : magnitude;
    }
    return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t fv_float_to_half(float value) {
    uint32_t bits = fv_load_u32(&value);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
        return (uint16_t)(sign | 0x7E00u | (magnitude >> 13 & 0x3FFu)); /* a quiet NaN */
    }
    if (magnitude >= 0x477FF000u) {
        return (uint16_t)(sign | 0x7C00u); /* 65520 and more round to infinity */
    }
    if (magnitude < 0x38800000u) {
        /* Below 2^-14: adding 0.5 lines the last kept bit up with binary32's last one, so that the addition rounds. */
        float shifted = float_from_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (fv_load_u32(&shifted) - 0x3F000000u));
    }
    /* Round to nearest even: half of the last kept place, less one unless that place is odd. */
    magnitude += 0xFFFu + (magnitude >> 13 & 1u);
    return (uint16_t)(sign | (magnitude - 0x38000000u) >> 13);
}
