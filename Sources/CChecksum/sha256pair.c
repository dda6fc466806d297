#include "sha256pair.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

// FIPS 180-4, 4.2.2
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/// A hash value as the instructions want it: the words A B E F and C D G H, the first of each in the highest place.
typedef struct {
    __m128i abef, cdgh;
} words;

WITH_SHA static inline words load(const uint32_t value[8]) {
    __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)value), 0xB1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(value + 4)), 0x1B);
    return (words){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xF0)};
}

WITH_SHA static inline void store(uint32_t value[8], words from) {
    __m128i feba = _mm_shuffle_epi32(from.abef, 0x1B);
    __m128i dchg = _mm_shuffle_epi32(from.cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)value, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(value + 4), _mm_alignr_epi8(dchg, feba, 8));
}

WITH_SHA void sha256_pair_take(uint32_t first[8], uint32_t second[8], const void *blocks, size_t count) {
    // The words of a block are written with the highest byte first.
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    const unsigned char *next = blocks;
    words one = load(first), other = load(second);
    for (; count != 0; count--, next += 64) {
        const words one_before = one, other_before = other;
        // Four words of the message schedule each; what is needed of it are the last sixteen.
        __m128i schedule[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            if (i < 4) {
                schedule[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(next + 16 * i)), order);
            } else {
                const __m128i last = schedule[(i + 3) & 3];
                __m128i sum = _mm_sha256msg1_epu32(schedule[i & 3], schedule[(i + 1) & 3]);
                sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, schedule[(i + 2) & 3], 4));
                schedule[i & 3] = _mm_sha256msg2_epu32(sum, last);
            }
            const __m128i low = _mm_add_epi32(schedule[i & 3], _mm_load_si128((const __m128i *)(constants + 4 * i)));
            const __m128i high = _mm_shuffle_epi32(low, 0x0E);
            one.cdgh = _mm_sha256rnds2_epu32(one.cdgh, one.abef, low);
            other.cdgh = _mm_sha256rnds2_epu32(other.cdgh, other.abef, low);
            one.abef = _mm_sha256rnds2_epu32(one.abef, one.cdgh, high);
            other.abef = _mm_sha256rnds2_epu32(other.abef, other.cdgh, high);
        }
        one.abef = _mm_add_epi32(one.abef, one_before.abef);
        one.cdgh = _mm_add_epi32(one.cdgh, one_before.cdgh);
        other.abef = _mm_add_epi32(other.abef, other_before.abef);
        other.cdgh = _mm_add_epi32(other.cdgh, other_before.cdgh);
    }
    store(first, one);
    store(second, other);
}

int sha256_pair_works(void) {
    unsigned int a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const unsigned int ssse3 = 1u << 9, sse41 = 1u << 19, sha = 1u << 29;
    if (!(c & ssse3) || !(c & sse41)) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & sha);
}

#else

void sha256_pair_take(uint32_t first[8], uint32_t second[8], const void *blocks, size_t count) {
    (void)first, (void)second, (void)blocks, (void)count;
}

int sha256_pair_works(void) { return 0; }

#endif
