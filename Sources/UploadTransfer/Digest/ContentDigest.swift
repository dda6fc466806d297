import Crypto
import FoundationEssentials
import UploadCore

/// A SHA-256 digest as RFC 9530 (Content-Digest) writes it: "sha-256=:BASE64:".
enum ContentDigest {
    static func text(_ digest: SHA256.Digest) -> String {
        "sha-256=:\(Data(digest).base64EncodedString()):"
    }
}

extension HashingLane {
    /// The SHA-256 of a whole file.
    /// - Parameter size: bytes; nil: as many as it has.
    func digest(
        of content: any SpoolFile, size: Int64?
    ) async throws(DestinationError) -> (size: Int64, digest: SHA256.Digest) {
        try await fromSpool { () async throws(SpoolError) in
            try await run { () throws(SpoolError) in
                let size = if let size { size } else { try content.size() }
                return (size, try RollingDigest.digest(of: 0..<size, content: content))
            }
        }
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
