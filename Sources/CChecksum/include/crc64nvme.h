#pragma once

#include <stddef.h>
#include <stdint.h>

/// CRC-64/NVME as S3 uses it (x-amz-checksum-crc64nvme): polynomial 0xAD93D23594C93659, reflected, begun with and
/// ended by ones (NVM Express, "NVM Command Set Specification", section 5.2.1.3.4).
///
/// - Parameter crc: of the bytes before these; 0: of none.
/// - Returns: of all of them.
uint64_t crc64nvme_update(uint64_t crc, const void *bytes, size_t count);

/// The CRC of two pieces put together.
///
/// - Parameter length: bytes of the second.
uint64_t crc64nvme_combine(uint64_t first, uint64_t second, uint64_t length);
