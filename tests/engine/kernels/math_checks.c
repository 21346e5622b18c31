/* The activations on dense grids against libm in double, through the table's activate. Near the left end SiLU and
 * sigmoid are the exponential itself, so its relative error is checked too, down to where floats underflow. */
#include <math.h>
#include <stdio.h>

#include "harness.h"

enum { GRID = 4096 * FV_TOKEN_ALIGNMENT };

/* Compares `activation` on a grid over low .. high with `exact`. */
static void check_grid(struct check *check, enum fv_activation activation, float low, float high, double exact(double),
                       double absolute, double relative, const char *what) {
    struct guarded input = guarded_make(GRID), actual = guarded_make(GRID), expected = guarded_make(GRID);
    for (size_t i = 0; i < GRID; i++) {
        input.data[i] = low + (high - low) * ((float)i / (GRID - 1));
        expected.data[i] = (float)exact((double)input.data[i]);
    }
    check->table->activate(input.data, NULL, activation, 0, GRID, actual.data);
    check_close(check, &actual, &expected, absolute, relative, what);
    guarded_end(check, input, what);
    guarded_end(check, actual, what);
    guarded_end(check, expected, what);
}

static double exact_sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double exact_silu(double x) {
    return x / (1 + exp(-x));
}

static double exact_gelu(double x) {
    return 0.5 * x * erfc(-x / sqrt(2));
}

void check_sigmoid_silu(struct check *check) {
    const double four_ulp = 4 * (double)FLT_EPSILON;
    check_grid(check, FV_ACTIVATION_SIGMOID, -87, 87, exact_sigmoid, 0, four_ulp, "sigmoid");
    check_grid(check, FV_ACTIVATION_SIGMOID, -1, 1, exact_sigmoid, 0, four_ulp, "sigmoid near zero");
    check_grid(check, FV_ACTIVATION_SIGMOID, -2000, 2000, exact_sigmoid, (double)FLT_MIN, four_ulp, "sigmoid far out");
    check_grid(check, FV_ACTIVATION_SILU, -87, 87, exact_silu, 0, four_ulp, "silu");
    check_grid(check, FV_ACTIVATION_SILU, -2000, 2000, exact_silu, 88 * (double)FLT_MIN, four_ulp, "silu far out");
}

void check_gelu(struct check *check) {
    const double four_ulp = 4 * (double)FLT_EPSILON;
    check_grid(check, FV_ACTIVATION_GELU, -6, 6, exact_gelu, 1e-7, four_ulp, "gelu");
    check_grid(check, FV_ACTIVATION_GELU, -0.01F, 0.01F, exact_gelu, 0, four_ulp, "gelu near zero");
    check_grid(check, FV_ACTIVATION_GELU, -1e30F, 1e30F, exact_gelu, 1e-7, four_ulp, "gelu far out");
    check_grid(check, FV_ACTIVATION_GELU, -40, 40, exact_gelu, 1e-7, four_ulp, "gelu beyond the fit");
}

void check_fma_loop(struct check *check) {
    const size_t width = check->table->width;
    struct guarded actual = guarded_make(width), expected = guarded_make(width);
    check->reference->fma_loop(7, expected.data);
    check->table->fma_loop(7, actual.data);
    check_close(check, &actual, &expected, 0, FV_FMA_CHAINS * 8 * (double)FLT_EPSILON, "fma loop");
    guarded_end(check, actual, "fma loop");
    guarded_end(check, expected, "fma loop");
}
