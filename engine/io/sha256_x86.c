/* The compression function with the SHA extensions of x86.
 *
 * The instructions hold the state as two vectors, from the highest lane to the lowest ABEF and CDGH. One does two
 * rounds and takes the sums of constant and word from its third operand's low half; four words of the schedule are one
 * vector, and the sixteen that count live in four, in turn. Registers: 2 of state, 2 of state before the block, 4 of
 * words, 1 of sums, 1 of the byte order. */
#include <immintrin.h>

#include "io/sha256_blocks.h"

/* Four rounds on the words of `schedule`. */
static inline void rounds(__m128i *abef, __m128i *cdgh, __m128i schedule, size_t step) {
    __m128i sums =
        _mm_add_epi32(schedule, _mm_loadu_si128((const __m128i *)(const void *)(fv_sha256_constants + 4 * step)));
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, sums);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(sums, 0x0E));
}

/* The four words after those of a, b, c and d. */
static inline __m128i extend(__m128i a, __m128i b, __m128i c, __m128i d) {
    __m128i middle = _mm_alignr_epi8(d, c, 4); /* w[i - 7] */
    return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(a, b), middle), d);
}

void fv_sha256_blocks_native(uint32_t state[8], const uint8_t *bytes, size_t count) {
    const __m128i big_endian = _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);
    __m128i *vectors = (__m128i *)(void *)state;
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(vectors), 0xB1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(vectors + 1), 0x1B);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
    for (; count > 0; count--, bytes += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i words[4];
        for (size_t i = 0; i < 4; i++) {
            words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(bytes + 16 * i)), big_endian);
            rounds(&abef, &cdgh, words[i], i);
        }
        for (size_t step = 4; step < 16; step += 4) {
            for (size_t i = 0; i < 4; i++) {
                words[i] = extend(words[i], words[(i + 1) % 4], words[(i + 2) % 4], words[(i + 3) % 4]);
                rounds(&abef, &cdgh, words[i], step + i);
            }
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1B), dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128(vectors, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128(vectors + 1, _mm_alignr_epi8(dchg, feba, 8));
}
