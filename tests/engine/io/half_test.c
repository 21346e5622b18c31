/* binary16 against the definition, in double. */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/model.h"
#include "suite.h"

/* The value that the bits stand for: (-1)^s 2^(e-15) (1 + f/1024), or 2^-14 f/1024 for e = 0. */
static double defined_value(unsigned half) {
    int exponent = (int)(half >> 10 & 31);
    double fraction = (half & 1023) / 1024.0;
    double magnitude = exponent == 31  ? (fraction > 0 ? NAN : INFINITY)
                       : exponent == 0 ? ldexp(fraction, -14)
                                       : ldexp(1 + fraction, exponent - 15);
    return half >> 15 != 0 ? -magnitude : magnitude;
}

START_TEST(every_half_is_read) {
    for (unsigned half = 0; half < 65536; half++) {
        double expected = defined_value(half);
        float value = fv_half_to_float((uint16_t)half);
        if (isnan(expected)) {
            ck_assert(isnan(value));
            ck_assert(isnan(fv_half_to_float(fv_float_to_half(value))));
        } else {
            ck_assert_double_eq((double)value, expected);
            ck_assert_int_eq(signbit(value) != 0, half >> 15);
            ck_assert_uint_eq(fv_float_to_half(value), half);
        }
    }
}
END_TEST

/* Between two neighbours, the nearer one wins; in the middle, the even one. */
START_TEST(floats_are_rounded_to_nearest_even) {
    for (unsigned half = 0; half < 0x7C00; half++) {
        double low = defined_value(half);
        double high = half == 0x7BFF ? 65536.0 : defined_value(half + 1);
        float middle = (float)((low + high) / 2);
        unsigned even = half % 2 == 0 ? half : half + 1;
        ck_assert_uint_eq(fv_float_to_half(middle), even);
        ck_assert_uint_eq(fv_float_to_half(-middle), even | 0x8000);
        ck_assert_uint_eq(fv_float_to_half(nextafterf(middle, 0.0f)), half);
        ck_assert_uint_eq(fv_float_to_half(nextafterf(middle, INFINITY)), half + 1);
    }
    ck_assert_uint_eq(fv_float_to_half(INFINITY), 0x7C00);
    ck_assert_uint_eq(fv_float_to_half(-1e30f), 0xFC00);
    ck_assert_uint_eq(fv_float_to_half(1e-30f), 0);
    ck_assert_uint_eq(fv_float_to_half(-1e-30f), 0x8000);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("half");
    TCase *tests = tcase_create("half");
    tcase_add_test(tests, every_half_is_read);
    tcase_add_test(tests, floats_are_rounded_to_nearest_even);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
