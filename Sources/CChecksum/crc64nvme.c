#include "crc64nvme.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Bits are reflected: the highest one is the coefficient of x^0.
static const uint64_t polynomial = 0x9A6C9329AC4BC9B5;
static const uint64_t one = UINT64_C(1) << 63;

/// What a byte does to the CRC that is followed by 0 to 7 more ("slicing by 8").
static uint64_t table[8][256];
/// x^(2^i) modulo the polynomial.
static uint64_t powers[64];

static uint64_t times(uint64_t a, uint64_t b) {
    uint64_t product = 0;
    for (uint64_t bit = one; bit != 0; bit >>= 1) {
        if (a & bit) product ^= b;
        b = (b >> 1) ^ (b & 1 ? polynomial : 0);
    }
    return product;
}

/// x^n modulo the polynomial.
static uint64_t power(uint64_t n) {
    uint64_t product = one;
    for (int i = 0; n != 0; i++, n >>= 1)
        if (n & 1) product = times(product, powers[i]);
    return product;
}

// How far a 16-byte piece is carried: by four of its size, and by one. Of each the factors for its first 8 bytes and
// for the others; one less than the distance, since a product of reflected numbers comes out moved by one bit.
static uint64_t by_four[2], by_one[2];
static int multiplies;

static void prepare(void) {
    for (int byte = 0; byte < 256; byte++) {
        uint64_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? polynomial : 0);
        table[0][byte] = crc;
    }
    for (int byte = 0; byte < 256; byte++)
        for (int after = 1; after < 8; after++) {
            uint64_t crc = table[after - 1][byte];
            table[after][byte] = (crc >> 8) ^ table[0][crc & 0xff];
        }
    powers[0] = one >> 1;
    for (int i = 1; i < 64; i++) powers[i] = times(powers[i - 1], powers[i - 1]);
    by_four[0] = power(4 * 128 + 64 - 1);
    by_four[1] = power(4 * 128 - 1);
    by_one[0] = power(128 + 64 - 1);
    by_one[1] = power(128 - 1);
#if defined(__x86_64__)
    __builtin_cpu_init();
    multiplies = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#endif
}

static pthread_once_t prepared = PTHREAD_ONCE_INIT;

/// Without the ones at both ends.
static uint64_t by_table(uint64_t crc, const uint8_t *bytes, size_t count) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        word ^= crc;
        crc = table[7][word & 0xff] ^ table[6][word >> 8 & 0xff] ^ table[5][word >> 16 & 0xff]
            ^ table[4][word >> 24 & 0xff] ^ table[3][word >> 32 & 0xff] ^ table[2][word >> 40 & 0xff]
            ^ table[1][word >> 48 & 0xff] ^ table[0][word >> 56];
    }
#endif
    for (; count > 0; bytes++, count--) crc = (crc >> 8) ^ table[0][(crc ^ *bytes) & 0xff];
    return crc;
}

#if defined(__x86_64__)
/// Carries a piece over the bytes behind it, as in Gopal et al., "Fast CRC Computation for Generic Polynomials Using
/// PCLMULQDQ Instruction" (Intel, 2009).
__attribute__((target("pclmul,sse4.1"))) static inline __m128i carried(__m128i piece, __m128i factors) {
    return _mm_xor_si128(_mm_clmulepi64_si128(piece, factors, 0x00), _mm_clmulepi64_si128(piece, factors, 0x11));
}

/// - Parameter count: at least 64.
__attribute__((target("pclmul,sse4.1"))) static uint64_t
by_multiplying(uint64_t crc, const uint8_t *bytes, size_t count) {
    const __m128i far = _mm_set_epi64x((int64_t)by_four[1], (int64_t)by_four[0]);
    const __m128i near = _mm_set_epi64x((int64_t)by_one[1], (int64_t)by_one[0]);
    __m128i pieces[4];
    for (int i = 0; i < 4; i++) pieces[i] = _mm_loadu_si128((const __m128i *)bytes + i);
    pieces[0] = _mm_xor_si128(pieces[0], _mm_set_epi64x(0, (int64_t)crc));
    for (bytes += 64, count -= 64; count >= 64; bytes += 64, count -= 64)
        for (int i = 0; i < 4; i++)
            pieces[i] = _mm_xor_si128(carried(pieces[i], far), _mm_loadu_si128((const __m128i *)bytes + i));
    for (int i = 1; i < 4; i++) pieces[i] = _mm_xor_si128(carried(pieces[i - 1], near), pieces[i]);
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)rest, pieces[3]);
    return by_table(by_table(0, rest, sizeof rest), bytes, count);
}
#endif

uint64_t crc64nvme_update(uint64_t crc, const void *bytes, size_t count) {
    pthread_once(&prepared, prepare);
#if defined(__x86_64__)
    if (multiplies && count >= 64) return ~by_multiplying(~crc, bytes, count);
#endif
    return ~by_table(~crc, bytes, count);
}

uint64_t crc64nvme_combine(uint64_t first, uint64_t second, uint64_t length) {
    pthread_once(&prepared, prepare);
    // x^(8 · length): 2^64 bits are more than any file has.
    return times(power(length << 3), first) ^ second;
}
