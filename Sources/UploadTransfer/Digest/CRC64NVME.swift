import CChecksum
import FoundationEssentials

/// The checksum of a run of bytes that S3 keeps with an object, and that those of its parts make up ("Checking object
/// integrity in Amazon S3", full object checksums).
struct CRC64NVME: Sendable, Hashable {
    private(set) var value: UInt64 = 0

    /// Of no bytes.
    init() {}

    /// - Parameter text: as the field x-amz-checksum-crc64nvme has it; nil comes of any other.
    init?(_ text: String) {
        guard let bytes = Data(base64Encoded: text), bytes.count == 8 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Base 64, the highest byte first.
    var text: String {
        Data((0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }).base64EncodedString()
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        value = crc64nvme_update(value, bytes.baseAddress, bytes.count)
    }

    /// - Parameter length: bytes that `next` is of.
    mutating func append(_ next: CRC64NVME, length: Int64) {
        value = crc64nvme_combine(value, next.value, UInt64(length))
    }
}
