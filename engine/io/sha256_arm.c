/* The compression function with the SHA-2 instructions of ARMv8.
 *
 * The state is two vectors, ABCD and EFGH; a pair of instructions does four rounds on one vector of four sums of
 * constant and word. The sixteen words of the schedule that count live in four vectors, in turn. Registers: 2 of state,
 * 2 of state before the block, 4 of words, 2 at hand. */
#include <arm_neon.h>

#include "io/sha256_blocks.h"

/* Four rounds on the words of `schedule`. */
static inline void rounds(uint32x4_t *abcd, uint32x4_t *efgh, uint32x4_t schedule, size_t step) {
    const uint32x4_t sums = vaddq_u32(schedule, vld1q_u32(fv_sha256_constants + 4 * step)), before = *abcd;
    *abcd = vsha256hq_u32(*abcd, *efgh, sums);
    *efgh = vsha256h2q_u32(*efgh, before, sums);
}

void fv_sha256_blocks_native(uint32_t state[8], const uint8_t *bytes, size_t count) {
    uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
    for (; count > 0; count--, bytes += 64) {
        const uint32x4_t abcd_before = abcd, efgh_before = efgh;
        uint32x4_t words[4];
        for (size_t i = 0; i < 4; i++) {
            words[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(bytes + 16 * i)));
            rounds(&abcd, &efgh, words[i], i);
        }
        for (size_t step = 4; step < 16; step += 4) {
            for (size_t i = 0; i < 4; i++) {
                const uint32x4_t begun = vsha256su0q_u32(words[i], words[(i + 1) % 4]);
                words[i] = vsha256su1q_u32(begun, words[(i + 2) % 4], words[(i + 3) % 4]);
                rounds(&abcd, &efgh, words[i], step + i);
            }
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}
