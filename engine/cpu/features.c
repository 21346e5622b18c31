#include "fovea/cpu.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const char *const isa_names[FV_ISA_COUNT] = {
    [FV_ISA_SCALAR] = "scalar", [FV_ISA_SSE] = "sse",   [FV_ISA_AVX2] = "avx2",
    [FV_ISA_AVX512] = "avx512", [FV_ISA_NEON] = "neon",
};

const char *fv_isa_name(enum fv_isa isa) {
    return (size_t)isa < FV_ISA_COUNT ? isa_names[isa] : "unknown";
}

#if defined(__x86_64__)
/* Which register files the operating system saves at a task switch (XCR0). */
static uint64_t saved_registers(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* The bits of `mask` are all set in `value`. */
static bool has_all(uint64_t value, uint64_t mask) {
    return (value & mask) == mask;
}

static bool processor_runs(enum fv_isa isa) {
    const uint64_t xmm_ymm = 0x6, opmask_zmm = 0xe0;
    unsigned eax, ebx, ecx, edx, features;
    if (isa == FV_ISA_SSE) {
        return true;
    }
    if (isa != FV_ISA_AVX2 && isa != FV_ISA_AVX512) {
        return false;
    }
    if (!__get_cpuid(1, &eax, &ebx, &features, &edx)) {
        return false;
    }
    if (!has_all(features, bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C) || !has_all(saved_registers(), xmm_ymm)) {
        return false;
    }
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !has_all(ebx, bit_AVX2)) {
        return false;
    }
    return isa == FV_ISA_AVX2 || (has_all(saved_registers(), opmask_zmm) &&
                                  has_all(ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL));
}
#elif defined(__aarch64__)
static bool processor_runs(enum fv_isa isa) {
#if defined(__linux__)
    const unsigned long advanced_simd = 1UL << 1; /* HWCAP_ASIMD */
    return isa == FV_ISA_NEON && (getauxval(AT_HWCAP) & advanced_simd) != 0;
#else
    return isa == FV_ISA_NEON; /* part of the architecture's baseline */
#endif
}
#else
static bool processor_runs(enum fv_isa isa) {
    (void)isa;
    return false;
}
#endif

bool fv_isa_supported(enum fv_isa isa) {
    return fv_kernels_for(isa) != NULL && (isa == FV_ISA_SCALAR || processor_runs(isa));
}

static enum fv_isa best_isa(void) {
    for (int isa = FV_ISA_COUNT - 1; isa > FV_ISA_SCALAR; isa--) {
        if (fv_isa_supported((enum fv_isa)isa)) {
            return (enum fv_isa)isa;
        }
    }
    return FV_ISA_SCALAR;
}

enum fv_status fv_isa_select(enum fv_isa *isa, struct fv_error *error) {
    const char *wanted = getenv("FOVEA_ISA");
    if (wanted == NULL || *wanted == '\0') {
        *isa = best_isa();
        return FV_OK;
    }
    for (int i = 0; i < FV_ISA_COUNT; i++) {
        if (strcmp(wanted, isa_names[i]) != 0) {
            continue;
        }
        if (!fv_isa_supported((enum fv_isa)i)) {
            return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                                "FOVEA_ISA=%s: this machine or build lacks %s; the best it has is %s", wanted, wanted,
                                fv_isa_name(best_isa()));
        }
        *isa = (enum fv_isa)i;
        return FV_OK;
    }
    return fv_error_set(error, FV_ERROR_ARGUMENT, "FOVEA_ISA=%s: expected scalar, sse, avx2, avx512 or neon", wanted);
}
