#include "fovea/machine.h"

#include <stdint.h>
#include <time.h>

#include "fovea/memory.h"
#include "kernels/kernels.h"

enum {
    FMA_STEPS = 200000, /* a run of about a millisecond */
    READ_BYTES_LOW = 64 << 20,
    READ_BYTES_HIGH = 512 << 20,
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double measure_flops(const struct fv_kernels *kernels, double seconds) {
    const double operations = 2.0 * FV_FMA_CHAINS * (double)kernels->width * FMA_STEPS;
    const double end = now() + seconds;
    double best = 0;
    do {
        float result[FV_MAX_WIDTH];
        const double start = now();
        kernels->fma_loop(FMA_STEPS, result);
        const double rate = operations / (now() - start);
        best = rate > best ? rate : best;
    } while (now() < end);
    return best;
}

/* Reads every byte once, in four streams of sums that keep the loads independent. */
static uint64_t read_all(const uint64_t *words, size_t count) {
    uint64_t sums[8] = {0};
    for (size_t i = 0; i + 8 <= count; i += 8) {
        for (size_t j = 0; j < 8; j++) {
            sums[j] ^= words[i + j];
        }
    }
    return sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
}

static double measure_bandwidth(const uint64_t *words, size_t bytes, double seconds) {
    const double end = now() + seconds;
    volatile uint64_t sink = 0;
    double best = 0;
    do {
        const double start = now();
        sink = sink ^ read_all(words, bytes / sizeof *words);
        const double rate = (double)bytes / (now() - start);
        best = rate > best ? rate : best;
    } while (now() < end);
    return best;
}

/* Enough to lie beyond all caches, within reason. */
static size_t bandwidth_bytes(void) {
    const size_t bytes = 4 * fv_cpu_caches().level3;
    return bytes < READ_BYTES_LOW ? READ_BYTES_LOW : bytes > READ_BYTES_HIGH ? READ_BYTES_HIGH : bytes;
}

enum fv_status fv_machine_measure(enum fv_isa isa, double seconds, struct fv_machine_peak *peak,
                                  struct fv_error *error) {
    if (!fv_isa_supported(isa)) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED, "this machine or build lacks %s", fv_isa_name(isa));
    }
    const size_t bytes = bandwidth_bytes();
    uint64_t *words = fv_allocate(bytes, 1);
    if (words == NULL) {
        return fv_error_set(error, FV_ERROR_MEMORY, "no memory for %zu bytes to measure the read bandwidth", bytes);
    }
    for (size_t i = 0; i < bytes / sizeof *words; i++) {
        words[i] = i; /* real pages: untouched ones would all be one page of zeros */
    }
    peak->flops = measure_flops(fv_kernels_for(isa), seconds / 2);
    peak->bytes_per_second = measure_bandwidth(words, bytes, seconds / 2);
    fv_release(words);
    return FV_OK;
}
