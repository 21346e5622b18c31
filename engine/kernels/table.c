#include "kernels/kernels.h"

#include "kernels/tables.h"

/* The instruction sets' own tables, in the order of enum fv_isa. */
static const struct fv_kernels *const own[FV_ISA_COUNT] = {
    [FV_ISA_SCALAR] = &fv_kernels_scalar4,
#if defined(__x86_64__)
    [FV_ISA_SSE] = &fv_kernels_sse,
    [FV_ISA_AVX2] = &fv_kernels_avx2,
    [FV_ISA_AVX512] = &fv_kernels_avx512,
#elif defined(__aarch64__)
    [FV_ISA_NEON] = &fv_kernels_neon,
#endif
};

const struct fv_kernels *fv_kernels_for(enum fv_isa isa) {
    return (size_t)isa < FV_ISA_COUNT ? own[isa] : NULL;
}
