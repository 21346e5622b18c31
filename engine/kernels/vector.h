/* Vectors of FV_WIDTH floats (4, 8 or 16) over the vector extensions of GCC and clang.
 *
 * Everything a kernel needs is here, written so that any width compiles for any instruction set; operations that the
 * extensions express badly (fused multiply-add, maximum, square root) use intrinsics where the width is the machine's
 * own. The library is compiled with -ffp-contract=off: a product and a sum are fused exactly where vector_multiply_add
 * says so and the target has the instruction, so gcc and clang give the same bits. */
#ifndef FOVEA_KERNELS_VECTOR_H
#define FOVEA_KERNELS_VECTOR_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef FV_WIDTH
#error "compile with -DFV_WIDTH=4, 8 or 16"
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define FV_INLINE static inline __attribute__((__always_inline__, __unused__))
#define FV_NOINLINE static __attribute__((__noinline__))

/* Unrolls the constant-count loop that follows; register tiles depend on it. A build for sanitizers (FV_COMPACT_CODE)
 * would compile the unrolled tiles for many minutes, so its loops stay loops. */
#if defined(FV_COMPACT_CODE)
#define FV_UNROLL
#elif defined(__clang__)
#define FV_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FV_UNROLL _Pragma("GCC unroll 64")
#endif

/* Runs a few turns of the loop that follows between two tests of its end: for loops of a few instructions, which the
 * counting would outweigh. */
#if defined(FV_COMPACT_CODE)
#define FV_UNROLL_SOME
#elif defined(__clang__)
#define FV_UNROLL_SOME _Pragma("clang loop unroll_count(4)")
#else
#define FV_UNROLL_SOME _Pragma("GCC unroll 4")
#endif

/* The cases of a switch that chooses the instance of a template by a count. CASE guards its bound with a constant
 * condition, by which cases beyond it vanish at compile time. */
#define FV_COUNT_CASES(CASE)                                                                                           \
    CASE(1)                                                                                                            \
    CASE(2)                                                                                                            \
    CASE(3)                                                                                                            \
    CASE(4)                                                                                                            \
    CASE(5)                                                                                                            \
    CASE(6)                                                                                                            \
    CASE(7)                                                                                                            \
    CASE(8)                                                                                                            \
    CASE(9)                                                                                                            \
    CASE(10)                                                                                                           \
    CASE(11)                                                                                                           \
    CASE(12)

enum { WIDTH = FV_WIDTH };

typedef float vector __attribute__((__vector_size__(4 * FV_WIDTH)));
typedef int32_t vector_mask __attribute__((__vector_size__(4 * FV_WIDTH))); /* lanes all ones or all zeros */
typedef float vector_unaligned __attribute__((__vector_size__(4 * FV_WIDTH), __aligned__(4), __may_alias__));

/* Which of the intrinsics below fit this build. */
#if defined(__AVX512F__) && FV_WIDTH == 16
#define FV_NATIVE_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__) && FV_WIDTH == 8
#define FV_NATIVE_AVX2 1
#elif defined(__SSE2__) && FV_WIDTH == 4
#define FV_NATIVE_SSE 1
#elif defined(__aarch64__) && FV_WIDTH == 4
#define FV_NATIVE_NEON 1
#endif

FV_INLINE vector vector_load(const float *source) {
    return *(const vector_unaligned *)source;
}

FV_INLINE void vector_store(float *destination, vector x) {
    *(vector_unaligned *)destination = x;
}

/* Asks for the cache line of `address` to be brought near, into the second-level cache. */
FV_INLINE void vector_prefetch(const float *address) {
    __builtin_prefetch(address, 0, 2);
}

/* x in a register: where one load serves several operations, GCC else reads memory once for each. */
FV_INLINE vector vector_hold(vector x) {
#if defined(FV_NATIVE_AVX512)
    __asm__("" : "+v"(x));
#elif defined(FV_NATIVE_AVX2) || defined(FV_NATIVE_SSE)
    __asm__("" : "+x"(x));
#elif defined(FV_NATIVE_NEON)
    __asm__("" : "+w"(x));
#endif
    return x;
}

FV_INLINE vector vector_broadcast(float x) {
#if defined(FV_NATIVE_AVX512)
    return (vector)_mm512_set1_ps(x);
#elif defined(FV_NATIVE_AVX2)
    return (vector)_mm256_set1_ps(x);
#elif defined(FV_NATIVE_SSE)
    return (vector)_mm_set1_ps(x);
#elif defined(FV_NATIVE_NEON)
    return (vector)vdupq_n_f32(x);
#else
    vector result;
    for (size_t lane = 0; lane < WIDTH; lane++) {
        result[lane] = x;
    }
    return result;
#endif
}

FV_INLINE vector vector_zero(void) {
    return (vector){0};
}

FV_INLINE vector_mask mask_broadcast(int32_t x) {
    return (vector_mask){0} + x;
}

/* a * b + c, with one rounding where the instruction set has a fused operation, else with two. */
FV_INLINE vector vector_multiply_add(vector a, vector b, vector c) {
#if defined(FV_NATIVE_AVX512)
    return (vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(FV_NATIVE_AVX2)
    return (vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(FV_NATIVE_NEON)
    return (vector)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

/* a * b[lane] + c as vector_multiply_add; `lane` is a constant. NEON multiplies by a lane in one instruction. */
FV_INLINE vector vector_multiply_add_lane(vector a, vector b, size_t lane, vector c) {
#if defined(FV_NATIVE_NEON)
    switch (lane) {
    case 0:
        return (vector)vfmaq_laneq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b, 0);
    case 1:
        return (vector)vfmaq_laneq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b, 1);
    case 2:
        return (vector)vfmaq_laneq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b, 2);
    default:
        return (vector)vfmaq_laneq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b, 3);
    }
#else
    return vector_multiply_add(a, vector_broadcast(b[lane]), c);
#endif
}

/* mask ? a : b, lane by lane. */
FV_INLINE vector vector_select(vector_mask mask, vector a, vector b) {
#if defined(FV_NATIVE_AVX2)
    return (vector)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)mask);
#else
    return (vector)((mask & (vector_mask)a) | (~mask & (vector_mask)b));
#endif
}

/* a > b ? a : b: where either is NaN, b. (NEON: NaN.) */
FV_INLINE vector vector_maximum(vector a, vector b) {
#if defined(FV_NATIVE_AVX512)
    return (vector)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(FV_NATIVE_AVX2)
    return (vector)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(FV_NATIVE_SSE)
    return (vector)_mm_max_ps((__m128)a, (__m128)b);
#elif defined(FV_NATIVE_NEON)
    return (vector)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
#else
    return vector_select((vector_mask)(a > b), a, b);
#endif
}

/* a < b ? a : b: where either is NaN, b. (NEON: NaN.) */
FV_INLINE vector vector_minimum(vector a, vector b) {
#if defined(FV_NATIVE_AVX512)
    return (vector)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(FV_NATIVE_AVX2)
    return (vector)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(FV_NATIVE_SSE)
    return (vector)_mm_min_ps((__m128)a, (__m128)b);
#elif defined(FV_NATIVE_NEON)
    return (vector)vminq_f32((float32x4_t)a, (float32x4_t)b);
#else
    return vector_select((vector_mask)(a < b), a, b);
#endif
}

/* -|x| */
FV_INLINE vector vector_negative(vector x) {
    return (vector)((vector_mask)x | mask_broadcast(INT32_MIN));
}

/* Lanes below `count` all ones, the others zero. */
FV_INLINE vector_mask mask_first(size_t count) {
    vector_mask lane_numbers;
    FV_UNROLL
    for (int lane = 0; lane < WIDTH; lane++) {
        lane_numbers[lane] = lane;
    }
    return (vector_mask)(lane_numbers < mask_broadcast((int32_t)count));
}

FV_INLINE vector vector_keep(vector_mask mask, vector x) {
    return (vector)(mask & (vector_mask)x);
}

/* x[index[lane]] in each lane; indices below WIDTH. */
FV_INLINE vector vector_permute(vector x, vector_mask index) {
#if defined(FV_NATIVE_AVX512)
    return (vector)_mm512_permutexvar_ps((__m512i)index, (__m512)x);
#elif defined(FV_NATIVE_AVX2)
    return (vector)_mm256_permutevar8x32_ps((__m256)x, (__m256i)index);
#else
    vector result;
    for (size_t lane = 0; lane < WIDTH; lane++) {
        result[lane] = x[index[lane]];
    }
    return result;
#endif
}

/* Shuffles of whole vectors, spelled out for each width. */
#if FV_WIDTH == 4
#define FV_SHUFFLE_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define FV_SHUFFLE_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define FV_ROTATE_1(a) __builtin_shufflevector(a, a, 1, 0, 3, 2)
#define FV_ROTATE_2(a) __builtin_shufflevector(a, a, 2, 3, 0, 1)
#elif FV_WIDTH == 8
#define FV_SHUFFLE_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define FV_SHUFFLE_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define FV_ROTATE_1(a) __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6)
#define FV_ROTATE_2(a) __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5)
#define FV_ROTATE_4(a) __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3)
#elif FV_WIDTH == 16
#define FV_SHUFFLE_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define FV_SHUFFLE_HIGH(a, b)                                                                                          \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define FV_ROTATE_1(a) __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#define FV_ROTATE_2(a) __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
#define FV_ROTATE_4(a) __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
#define FV_ROTATE_8(a) __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
#endif

/* The sum of all lanes, in every lane. */
FV_INLINE vector vector_sum(vector x) {
    x += FV_ROTATE_1(x);
    x += FV_ROTATE_2(x);
#if FV_WIDTH >= 8
    x += FV_ROTATE_4(x);
#endif
#if FV_WIDTH >= 16
    x += FV_ROTATE_8(x);
#endif
    return x;
}

/* The greatest lane, in every lane. */
FV_INLINE vector vector_greatest(vector x) {
    x = vector_maximum(x, FV_ROTATE_1(x));
    x = vector_maximum(x, FV_ROTATE_2(x));
#if FV_WIDTH >= 8
    x = vector_maximum(x, FV_ROTATE_4(x));
#endif
#if FV_WIDTH >= 16
    x = vector_maximum(x, FV_ROTATE_8(x));
#endif
    return x;
}

/* Transposes rows[i][lane] in place, in log2 WIDTH rounds that each interleave the first half with the second. */
FV_INLINE void vector_transpose(vector rows[FV_WIDTH]) {
    FV_UNROLL
    for (size_t round = 1; round < WIDTH; round *= 2) {
        vector mixed[FV_WIDTH];
        FV_UNROLL
        for (size_t i = 0; i < WIDTH / 2; i++) {
            mixed[2 * i] = FV_SHUFFLE_LOW(rows[i], rows[i + WIDTH / 2]);
            mixed[2 * i + 1] = FV_SHUFFLE_HIGH(rows[i], rows[i + WIDTH / 2]);
        }
        FV_UNROLL
        for (size_t i = 0; i < WIDTH; i++) {
            rows[i] = mixed[i];
        }
    }
}

#endif
