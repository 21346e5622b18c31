/* What the processor can do, and which of it Fovea uses.
 *
 * Thread safety: all functions are reentrant. */
#ifndef FOVEA_CPU_H
#define FOVEA_CPU_H

#include <stdbool.h>
#include <stddef.h>

#include "fovea/status.h"

/* Instruction sets that have kernels, from the slowest to the fastest of each architecture. */
enum fv_isa {
    FV_ISA_SCALAR, /* portable C, the reference */
    FV_ISA_SSE,    /* x86-64 baseline, vectors of 4 floats */
    FV_ISA_AVX2,   /* AVX2, FMA and F16C, vectors of 8 floats */
    FV_ISA_AVX512, /* AVX-512 F, BW, DQ and VL, vectors of 16 floats */
    FV_ISA_NEON,   /* AArch64 Advanced SIMD, vectors of 4 floats */
    FV_ISA_COUNT,
};

/* "scalar", "sse", "avx2", "avx512" or "neon". */
const char *fv_isa_name(enum fv_isa isa);

/* Whether this processor and operating system run `isa` (CPUID and XGETBV on x86, hwcaps on ARM) and the library was
 * built with kernels for it. */
bool fv_isa_supported(enum fv_isa isa);

/* The instruction set to use: the best that is supported, or the one that the environment variable FOVEA_ISA names.
 * Errors: FV_ERROR_ARGUMENT if FOVEA_ISA names none of the above, FV_ERROR_UNSUPPORTED if it names one that this
 * machine lacks. */
enum fv_status fv_isa_select(enum fv_isa *isa, struct fv_error *error);

/* Whether the processor has instructions for SHA-256: the SHA extensions of x86, or SHA-2 of ARMv8. Read once. */
bool fv_cpu_has_sha256(void);

/* Which kind of processor this is, for example "AMD EPYC" or "ARM 0x00000000414fd0b1" (the brand of x86's CPUID, or
 * MIDR_EL1 of ARM's first core), else the architecture. Cut to the size if need be. */
enum { FV_CPU_NAME_SIZE = 64 };
void fv_cpu_name(char name[FV_CPU_NAME_SIZE]);

/* Sizes in bytes of one core's first and second level data caches and of the shared last level; 0 where the system does
 * not tell. Read once from the operating system. */
struct fv_caches {
    size_t level1, level2, level3;
};
struct fv_caches fv_cpu_caches(void);

#endif
