/* Every table that a build may contain. */
#ifndef FOVEA_KERNELS_TABLES_H
#define FOVEA_KERNELS_TABLES_H

#include "kernels/kernels.h"

extern const struct fv_kernels fv_kernels_scalar4, fv_kernels_scalar8, fv_kernels_scalar16;
extern const struct fv_kernels fv_kernels_baseline4, fv_kernels_baseline8, fv_kernels_baseline16;
#if defined(__x86_64__)
extern const struct fv_kernels fv_kernels_sse, fv_kernels_avx2, fv_kernels_avx512;
#elif defined(__aarch64__)
extern const struct fv_kernels fv_kernels_neon;
#endif

#endif
