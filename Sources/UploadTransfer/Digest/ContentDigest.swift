import Crypto
import FoundationEssentials
import UploadCore

/// A SHA-256 digest as RFC 9530 (Content-Digest) writes it: "sha-256=:BASE64:".
enum ContentDigest {
    static func text(_ digest: [UInt8]) -> String {
        "sha-256=:\(Data(digest).base64EncodedString()):"
    }
}

/// What tells bytes from others, read in one pass.
struct PieceDigest: Sendable, Hashable {
    let sha256: [UInt8]
    /// nil: not asked for.
    let crc64: CRC64NVME?
}

extension HashingLane {
    /// The digest of a whole file.
    /// - Parameters:
    ///   - size: bytes; nil: as many as it has.
    ///   - checksum: whether the CRC is wanted, too.
    func digest(
        of content: any SpoolFile, size: Int64?, checksum: Bool = false
    ) async throws(DestinationError) -> (size: Int64, digest: PieceDigest) {
        if let size, let bytes = CachedBytes.all(of: content, size: size) {
            return (size, PieceDigest(of: bytes, checksum: checksum))
        }
        return try await fromSpool { () async throws(SpoolError) in
            try await run { () throws(SpoolError) in
                let size = if let size { size } else { try content.size() }
                return (
                    size,
                    try PieceDigest(checksum: checksum) { (also) throws(SpoolError) in
                        try RollingDigest.digest(of: 0..<size, content: content, also: also)
                    }
                )
            }
        }
    }
}

extension PieceDigest {
    init(of bytes: [UInt8], checksum: Bool) {
        self.init(checksum: checksum) { also in
            bytes.withUnsafeBytes { also($0) }
            return Array(SHA256.hash(data: bytes))
        }
    }

    /// - Parameter read: shows the bytes that it reads, in order.
    init<Failure: Error>(
        checksum: Bool, _ read: ((UnsafeRawBufferPointer) -> Void) throws(Failure) -> [UInt8]
    ) throws(Failure) {
        var crc = CRC64NVME()
        sha256 = try read { if checksum { crc.update($0) } }
        crc64 = checksum ? crc : nil
    }
}

extension ObjectDescription {
    /// Bytes of the file that these chunks make.
    /// - Throws: `malformed` when it is another one.
    func size(of chunks: [ChunkRef]) throws(DestinationError) -> Int64 {
        let size = chunks.last?.range.upperBound ?? 0
        guard self.size ?? size == size else {
            throw .malformed(detail: "the chunks end at \(size), the file at \(self.size ?? size)")
        }
        return size
    }
}
