import Synchronization
import UploadCore

/// The digests of one session's chunks, and of the whole file as it grows out of them.
final class SessionDigests: Sendable {
    /// All of this session's hashing, in order, so that chunks mostly come as the rolling digest wants them.
    private let lane: HashingLane
    /// Locked on the lane only, where one call runs at a time: nobody ever waits for it.
    private let rolling = Mutex(RollingDigest())

    /// Bytes hashed in one go before others on the same lane have their turn.
    private static let hashAtOnce: Int64 = 8 << 20

    init(_ lane: HashingLane) {
        self.lane = lane
    }

    /// - Parameter checksum: whether the CRC is wanted, too.
    func digest(
        of chunk: ChunkRef, content: any SpoolFile, checksum: Bool = false
    ) async throws(DestinationError) -> PieceDigest {
        let digest = try await fromSpool { () async throws(SpoolError) in
            try await lane.run { () throws(SpoolError) in
                try self.rolling.withLock { (rolling) throws(SpoolError) in
                    try PieceDigest(checksum: checksum) { (also) throws(SpoolError) in
                        try rolling.digest(of: chunk, content: content, also: also)
                    }
                }
            }
        }
        guard !Task.isCancelled else { throw .cancelled }
        return digest
    }

    /// Of the whole file: what the chunks on their way have told already, and the rest from the spool.
    /// - Parameter released: those that `content` no longer has.
    /// - Returns: nil when neither has all of it: then each chunk's own digest has to do.
    func whole(
        of chunks: [ChunkRef], content: any SpoolFile, released: RangeSet<ChunkIndex>
    ) async throws(DestinationError) -> [UInt8]? {
        let covered = await lane.run {
            self.rolling.withLock { rolling in
                rolling.align(with: chunks)
                return rolling.count
            }
        }
        guard released.ranges.last?.upperBound ?? 0 <= covered else { return nil }
        while true {
            guard !Task.isCancelled else { throw .cancelled }
            let digest = try await fromSpool { () async throws(SpoolError) in
                try await lane.run { () throws(SpoolError) -> [UInt8]? in
                    try self.rolling.withLock { (rolling) throws(SpoolError) -> [UInt8]? in
                        try rolling.advance(over: chunks, content: content, bytes: Self.hashAtOnce)
                            ? rolling.value : nil
                    }
                }
            }
            if let digest { return digest }
        }
    }

    /// Whose bytes are wrong can't be known: the next `whole` reads all of them again.
    func forget() async {
        await lane.run { self.rolling.withLock { $0.forget() } }
    }
}
