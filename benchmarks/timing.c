/* Timing, numbers and the yardstick OpenBLAS. */
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fovea/memory.h"

#if FOVEA_OPENBLAS
#include <cblas.h>
#endif

double bench_seconds = 0.3;

double bench_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double bench_best_time(void (*run)(void *), void *context) {
    const double end = bench_now() + bench_seconds;
    double best = 1e30;
    run(context);
    do {
        const double start = bench_now();
        run(context);
        const double time = bench_now() - start;
        best = time < best ? time : best;
    } while (bench_now() < end);
    return best;
}

void bench_fill(float *values, size_t count) {
    unsigned state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525U + 1013904223U;
        values[i] = (float)(state >> 8) * 0x1p-24F - 0.5F;
    }
}

float *bench_random_floats(size_t count) {
    float *values = fv_allocate(count, sizeof *values);
    if (values == NULL) {
        fputs("fovea-bench-kernels: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    bench_fill(values, count);
    return values;
}

#if FOVEA_OPENBLAS

struct product {
    size_t rows, columns, depth;
    float *inputs, *weights, *outputs;
};

static void run_openblas(void *context) {
    const struct product *product = context;
    const blasint rows = (blasint)product->rows, columns = (blasint)product->columns, depth = (blasint)product->depth;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, depth, 1, product->inputs, depth,
                product->weights, columns, 0, product->outputs, columns);
}

double bench_openblas_rate(size_t rows, size_t columns, size_t depth) {
    struct product product = {.rows = rows, .columns = columns, .depth = depth};
    product.inputs = bench_random_floats(rows * depth);
    product.weights = bench_random_floats(columns * depth);
    product.outputs = bench_random_floats(rows * columns);
    openblas_set_num_threads(1);
    const double time = bench_best_time(run_openblas, &product);
    fv_release(product.inputs);
    fv_release(product.weights);
    fv_release(product.outputs);
    return 2.0 * (double)rows * (double)columns * (double)depth / time;
}

void bench_describe_openblas(void) {
    printf("OpenBLAS: %s; kernels for %s\n", openblas_get_config(), openblas_get_corename());
}

#else

double bench_openblas_rate(size_t rows, size_t columns, size_t depth) {
    (void)rows;
    (void)columns;
    (void)depth;
    return 0;
}

void bench_describe_openblas(void) {
}

#endif
