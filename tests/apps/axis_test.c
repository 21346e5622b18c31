/* Axes of plots: they hold all values, and their marks are few and round. */
#include <math.h>
#include <string.h>

#include "base/axis.h"
#include "checks.h"

static void check_axis(double low, double high) {
    const struct fovea_axis axis = fovea_axis_make(low, high, 10.0, 110.0, 5.0);
    const double power = pow(10.0, floor(log10(axis.step) + 1e-9)), lead = axis.step / power;
    const double rounding = 1e-9 * axis.step;
    ck_assert_msg(axis.low <= low + rounding && axis.high >= high - rounding, "%g to %g: axis from %g to %g", low, high,
                  axis.low, axis.high);
    ck_assert_msg(fabs(lead - 1.0) < 1e-9 || fabs(lead - 2.0) < 1e-9 || fabs(lead - 5.0) < 1e-9, "%g to %g: step %g",
                  low, high, axis.step);
    /* A step is 2 / 3.5 of a fifth of the range or more: 8.75 of them hold it, 10 with both ends made round. */
    const int marks = fovea_axis_marks(&axis);
    ck_assert_msg(marks >= 2 && marks <= 11, "%g to %g: %d marks", low, high, marks);
    ck_assert_double_eq_tol(fovea_axis_mark(&axis, marks - 1), axis.high, rounding);
    ck_assert_double_eq_tol(fovea_axis_place(&axis, axis.low), 10.0, 1e-9);
    ck_assert_double_eq_tol(fovea_axis_place(&axis, axis.high), 110.0, 1e-9);
}

START_TEST(any_values) {
    static const double cases[][2] = {{0, 1},       {0.3, 0.6},       {-1, 1},     {-7, -3},         {99.9, 100.1},
                                      {0, 1e-12},   {-1e100, 1e100},  {1e9, 1e9},  {0, 0},           {-0.5, -0.5},
                                      {0.31, 0.97}, {1 - 1e-12, 1.0}, {0.05, 7.4}, {123456, 123999}, {3e-5, 0.2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_axis(cases[i][0], cases[i][1]);
    }
    for (double high = 1.0; high < 1000.0; high *= 1.013) {
        check_axis(0.0, high);
        check_axis(-high, 0.37);
    }
}
END_TEST

static void check_number(double low, double high, double value, int more, const char *expected) {
    const struct fovea_axis axis = fovea_axis_make(low, high, 0.0, 1.0, 5.0);
    struct fovea_buffer text = {0};
    fovea_axis_number(&text, &axis, value, more);
    ck_assert_str_eq(text.bytes, expected);
    fovea_buffer_clear(&text);
}

/* As many decimals as the marks need, and a true minus sign. */
START_TEST(numbers) {
    check_number(0, 1, 0.4, 0, "0.4");
    check_number(0, 10, 4, 0, "4");
    check_number(0, 10, 4.256, 2, "4.26");
    check_number(0, 0.02, 0.005, 0, "0.005");
    check_number(-1, 1, -0.5, 0,
                 "\xe2\x88\x92"
                 "0.5");
    check_number(0, 5e7, 2e7, 0, "2e+07");
    check_number(0, 1e-9, 2e-10, 0, "2e-10");
    const struct fovea_axis axis = fovea_axis_make(-0.3, 0.3, 0.0, 1.0, 6.0); /* no mark is a rounding beside zero */
    bool zero = false;
    for (int i = 0; i < fovea_axis_marks(&axis); i++) {
        zero = zero || fovea_axis_mark(&axis, i) == 0.0;
    }
    ck_assert(zero);
}
END_TEST

int main(void) {
    const struct check_case cases[] = {{"any values", any_values, 0}, {"numbers", numbers, 0}};
    return check_run("axis", cases, sizeof cases / sizeof cases[0]);
}
