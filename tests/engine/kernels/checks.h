/* The checks of the kernel tables, independent of the test framework: kernels_test.c runs them under Check, plain.c
 * without any library, for cross builds under an emulator.
 *
 * Every check compares one kernel of a table with the scalar table of the same width, over sizes chosen by rule, with
 * guarded buffers, and records the first failure. */
#ifndef FOVEA_TESTS_KERNELS_CHECKS_H
#define FOVEA_TESTS_KERNELS_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

struct check {
    const struct fv_kernels *table, *reference;
    uint64_t seed, random; /* the seed, and the state that it started */
    bool failed;
    char message[512];
};

typedef void check_function(struct check *check);

/* One row a check. */
#define FV_KERNEL_CHECKS(CHECK)                                                                                        \
    CHECK(gemm)                                                                                                        \
    CHECK(gemm_rounding)                                                                                               \
    CHECK(gemm_same_bits)                                                                                              \
    CHECK(depthwise)                                                                                                   \
    CHECK(grouped)                                                                                                     \
    CHECK(winograd_input)                                                                                              \
    CHECK(winograd_weights)                                                                                            \
    CHECK(winograd_product)                                                                                            \
    CHECK(winograd_output)                                                                                             \
    CHECK(winograd_is_a_convolution)                                                                                   \
    CHECK(max_pool)                                                                                                    \
    CHECK(average_pool)                                                                                                \
    CHECK(affine)                                                                                                      \
    CHECK(scale_rows)                                                                                                  \
    CHECK(activate)                                                                                                    \
    CHECK(moments)                                                                                                     \
    CHECK(layer_norm)                                                                                                  \
    CHECK(attention)                                                                                                   \
    CHECK(attention_far_apart)                                                                                         \
    CHECK(softmax_block)                                                                                               \
    CHECK(upsample)                                                                                                    \
    CHECK(transpose_panel)                                                                                             \
    CHECK(reorder)                                                                                                     \
    CHECK(exponential)                                                                                                 \
    CHECK(normal)                                                                                                      \
    CHECK(sigmoid_silu)                                                                                                \
    CHECK(gelu)                                                                                                        \
    CHECK(fma_loop)

#define FV_DECLARE_CHECK(name) check_function check_##name;
FV_KERNEL_CHECKS(FV_DECLARE_CHECK)
#undef FV_DECLARE_CHECK

/* Runs `function` on a fresh check of `table`; false and a message in `check` if it fails. */
bool check_run(struct check *check, check_function *function, const struct fv_kernels *table, uint64_t seed);

/* The seed of this run: FOVEA_TEST_SEED, or a fixed one. */
uint64_t check_seed(void);

#endif
