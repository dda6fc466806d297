import Crypto
import HTTPTypes
import Synchronization
import UploadCore

/// An upload of chunks under way at a server of the native protocol.
final class NativeSession: UploadSession {
    let token: SessionToken

    private let endpoint: NativeEndpoint
    /// All of this session's hashing, in order, so that chunks mostly come as the rolling digest wants them.
    private let lane: HashingLane
    /// Locked on the lane only, where one call runs at a time: nobody ever waits for it.
    private let rolling = Mutex(RollingDigest())

    /// Bytes hashed in one go before others on the same lane have their turn.
    private static let hashAtOnce: Int64 = 8 << 20

    init(token: SessionToken, endpoint: NativeEndpoint) {
        self.token = token
        self.endpoint = endpoint
        lane = endpoint.lanes.lane()
    }

    func send(_ chunk: ChunkRef, content: any SpoolFile, sent: ByteCounter) async throws(DestinationError)
        -> StoredChunk
    {
        let digest = try await fromSpool { () async throws(SpoolError) in
            try await lane.run { () throws(SpoolError) in
                ContentDigest.text(
                    try self.rolling.withLock { (rolling) throws(SpoolError) in
                        try rolling.digest(of: chunk, content: content)
                    })
            }
        }
        guard !Task.isCancelled else { throw .cancelled }
        let request = TransferRequest(
            method: .put, url: endpoint.url("upload/chunk", session: token, "&index=\(chunk.index)"),
            fields: HTTPFields(named: ["Content-Type": "application/octet-stream", "Content-Digest": digest]),
            body: .file(content, chunk.range), operation: "chunk", sent: sent)
        // 204: it has compared the bytes with our digest. A server that says more must say the same.
        let acknowledged = NativeProtocol.ChunkEntry(index: chunk.index, size: chunk.length, digest: digest)
        return try await endpoint.ask(request, empty: acknowledged) { stored throws(DestinationError) in
            guard stored == acknowledged else { throw .damaged }
            return StoredChunk(index: stored.index, length: stored.size, digest: stored.digest)
        }
    }

    func inventory() async throws(DestinationError) -> [StoredChunk] {
        let request = TransferRequest(
            method: .get, url: endpoint.url("upload/status", session: token), operation: "status")
        return try await endpoint.ask(request) { (answer: NativeProtocol.StatusResponse) in
            answer.chunks.map { StoredChunk(index: $0.index, length: $0.size, digest: $0.digest) }
        }
    }

    func finish(
        _ object: ObjectDescription, content: any SpoolFile, chunks: [ChunkRef], released: RangeSet<ChunkIndex>
    ) async throws(DestinationError) -> PublishReceipt {
        let size = chunks.last?.range.upperBound ?? 0
        guard object.size ?? size == size else {
            throw .malformed(detail: "the chunks end at \(size), the file at \(object.size ?? size)")
        }
        let digest = try await digest(of: chunks, content: content, released: released)
        let request = try endpoint.post(
            endpoint.url("upload/finalize"),
            NativeProtocol.FinalizeRequest(
                session: token.rawValue, name: object.path.text, size: size, digest: digest,
                metadata: object.metadata(endpoint.options)),
            operation: "finalize", answerTime: endpoint.options.finishAnswerTime(size: size))
        do throws(DestinationError) {
            return try await endpoint.ask(request) {
                (answer: NativeProtocol.FinalizeResponse) throws(DestinationError) in
                try answer.receipt(size: size, digest: digest)
            }
        } catch {
            // Whose bytes are wrong we can't know: the next try reads all of them again.
            if error == .damaged { await lane.run { self.rolling.withLock { $0.forget() } } }
            throw error
        }
    }

    func abort() async throws(DestinationError) {
        let request = TransferRequest(method: .delete, url: endpoint.url("upload", session: token), operation: "abort")
        do throws(DestinationError) {
            try await endpoint.ask(request)
        } catch .sessionLost {
            return
        }
    }

    /// Of the whole file: what the chunks on their way have told already, and the rest from the spool.
    /// - Returns: nil when neither has all of it: then each chunk's own digest has to do.
    private func digest(
        of chunks: [ChunkRef], content: any SpoolFile, released: RangeSet<ChunkIndex>
    ) async throws(DestinationError) -> String? {
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
                try await lane.run { () throws(SpoolError) -> String? in
                    try self.rolling.withLock { (rolling) throws(SpoolError) -> String? in
                        try rolling.advance(over: chunks, content: content, bytes: Self.hashAtOnce)
                            ? ContentDigest.text(rolling.value) : nil
                    }
                }
            }
            if let digest { return digest }
        }
    }
}
