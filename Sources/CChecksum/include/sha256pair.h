#pragma once

#include <stddef.h>
#include <stdint.h>

/// Whether this processor can do what `sha256_pair_take` asks of it: the SHA extensions of x86-64.
int sha256_pair_works(void);

/// Takes the same blocks into two SHA-256 (FIPS 180-4, 6.2.2). What is made of a block before the rounds is the same
/// for both, and the rounds of one fill the waits of the other: both cost little more than one does.
///
/// - Parameters:
///   - first, second: their hash values H0 to H7 so far.
///   - blocks: so many of 64 bytes.
void sha256_pair_take(uint32_t first[8], uint32_t second[8], const void *blocks, size_t count);
