/* What the parts of fovea-bench-kernels share. Whoever runs out of memory ends the program with a message. */
#ifndef FOVEA_BENCHMARKS_TIMING_H
#define FOVEA_BENCHMARKS_TIMING_H

#include <stddef.h>

/* Time that is spent on one figure. */
extern double bench_seconds;

/* Seconds since some moment. */
double bench_now(void);

/* Seconds of the fastest run of `run` within bench_seconds, after one that warms the caches. */
double bench_best_time(void (*run)(void *), void *context);

/* Repeatable numbers from -0.5 to 0.5; freed with fv_release. */
float *bench_random_floats(size_t count);
void bench_fill(float *values, size_t count);

/* Operations a second of OpenBLAS's sgemm on one thread for y[rows][columns] = x[rows][depth] w[depth][columns]; 0 in a
 * build without OpenBLAS. */
double bench_openblas_rate(size_t rows, size_t columns, size_t depth);

/* One line to the standard output: which OpenBLAS this is and which of its kernels it chose here, which need not be the
 * best that the machine can run. Nothing in a build without it. */
void bench_describe_openblas(void);

#endif
