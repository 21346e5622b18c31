/* Lets tests call the functions of vector_math.h, which are static in each instruction set's kernels. math_probe.c is
 * compiled once per set with that set's flags and FV_PROBE as the name. */
#ifndef FOVEA_TESTS_KERNELS_MATH_PROBE_H
#define FOVEA_TESTS_KERNELS_MATH_PROBE_H

#include <stddef.h>

#include "fovea/cpu.h"

/* `count` is a multiple of 16. */
struct math_probe {
    enum fv_isa isa;
    void (*exponential)(const float *input, size_t count, float *output);
    void (*normal)(const float *input, size_t count, float *output);
};

extern const struct math_probe probe_baseline4, probe_baseline8, probe_baseline16;
#if defined(__x86_64__)
extern const struct math_probe probe_sse, probe_avx2, probe_avx512;
#elif defined(__aarch64__)
extern const struct math_probe probe_neon;
#endif

#endif
