/* The activations on dense grids against libm in double, through the table's activate; exp and the normal distribution
 * through probes. */
#include <math.h>
#include <stdio.h>

#include "harness.h"
#include "math_probe.h"

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
    check_grid(check, FV_ACTIVATION_SILU, -2000, 2000, exact_silu, 2000 * 0x1p-127, four_ulp, "silu far out");
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

static const struct math_probe *const probes[] = {
    &probe_baseline4, &probe_baseline8, &probe_baseline16,
#if defined(__x86_64__)
    &probe_sse,       &probe_avx2,      &probe_avx512,
#elif defined(__aarch64__)
    &probe_neon,
#endif
};

/* The probe compiled like the table: the same instruction set, and for baseline tables the same width. */
static const struct math_probe *probe_of(const struct check *check) {
    if (check->table->isa == FV_ISA_SCALAR) {
        return check->table->width == 4 ? probes[0] : check->table->width == 8 ? probes[1] : probes[2];
    }
    size_t i = 3;
    while (probes[i]->isa != check->table->isa) {
        i++;
    }
    return probes[i];
}

/* The end of exp's range, 2^-126 and what one step of its argument changes. */
static const double LEAST_EXP = 0x1.0001p-126;

void check_exponential(struct check *check) {
    const struct math_probe *probe = probe_of(check);
    struct guarded input = guarded_make(GRID), actual = guarded_make(GRID), expected = guarded_make(GRID);
    const float low[] = {-87.3F, -1, -2000}, high[] = {88.72F, 1, 87};
    for (size_t range = 0; range < 3; range++) {
        for (size_t i = 0; i < GRID; i++) {
            input.data[i] = low[range] + (high[range] - low[range]) * ((float)i / (GRID - 1));
            expected.data[i] = (float)exp((double)input.data[i]);
        }
        probe->exponential(input.data, GRID, actual.data);
        check_close(check, &actual, &expected, range == 2 ? LEAST_EXP : 0, 2 * (double)FLT_EPSILON, "exp");
    }
    const float special[] = {0, -0.0F, -INFINITY, -100, INFINITY, 89, NAN};
    const double least[] = {1, 1, 0, 0, 0x1.ffep127, 0x1.ffep127},
                 most[] = {1, 1, LEAST_EXP, LEAST_EXP, FLT_MAX, FLT_MAX};
    for (size_t i = 0; i < FV_TOKEN_ALIGNMENT; i++) {
        input.data[i] = special[i % 7];
    }
    probe->exponential(input.data, FV_TOKEN_ALIGNMENT, actual.data);
    for (size_t i = 0; i < 6; i++) {
        if (!((double)actual.data[i] >= least[i] && (double)actual.data[i] <= most[i])) {
            check_fail(check, "exp(%g) is %g", (double)input.data[i], (double)actual.data[i]);
        }
    }
    if (!isnan(actual.data[6])) {
        check_fail(check, "exp(NaN) is %g", (double)actual.data[6]);
    }
    guarded_end(check, input, "exp");
    guarded_end(check, actual, "exp");
    guarded_end(check, expected, "exp");
}

/* erf(z) = 1 - 2 normal(-sqrt 2 z) within 2e-7, so the distribution within 1e-7; its end must be exact. */
void check_normal(struct check *check) {
    const struct math_probe *probe = probe_of(check);
    struct guarded input = guarded_make(GRID), actual = guarded_make(GRID), expected = guarded_make(GRID);
    for (size_t i = 0; i < GRID; i++) {
        input.data[i] = -6 * ((float)i / (GRID - 1));
        expected.data[i] = (float)(0.5 * erfc(-(double)input.data[i] / sqrt(2)));
    }
    probe->normal(input.data, GRID, actual.data);
    check_close(check, &actual, &expected, 1e-7, 0, "normal distribution");
    if (actual.data[0] != 0.5F) {
        check_fail(check, "normal(0) is %.9g", (double)actual.data[0]);
    }
    guarded_end(check, input, "normal distribution");
    guarded_end(check, actual, "normal distribution");
    guarded_end(check, expected, "normal distribution");
}
