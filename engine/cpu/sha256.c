#include <pthread.h>

#include "fovea/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static bool has_sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT; /* CPUID is slow in a virtual machine */

static void detect(void) {
#if defined(__x86_64__)
    unsigned eax, ebx, ecx, edx, features;
    has_sha256 = __get_cpuid(1, &eax, &ebx, &features, &edx) && (features & bit_SSE4_1) != 0 &&
                 (features & bit_SSSE3) != 0 && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA) != 0;
#elif defined(__aarch64__) && defined(__linux__)
    const unsigned long sha2 = 1UL << 6; /* HWCAP_SHA2 */
    has_sha256 = (getauxval(AT_HWCAP) & sha2) != 0;
#endif
}

bool fv_cpu_has_sha256(void) {
    pthread_once(&once, detect);
    return has_sha256;
}
