import HTTPTypes
import UploadCore

/// An upload of chunks under way at a server of the native protocol.
final class NativeSession: UploadSession {
    let token: SessionToken

    private let endpoint: NativeEndpoint
    private let digests: SessionDigests

    init(token: SessionToken, endpoint: NativeEndpoint) {
        self.token = token
        self.endpoint = endpoint
        digests = SessionDigests(endpoint.lanes.lane())
    }

    func send(_ chunk: ChunkRef, content: any SpoolFile, sent: ByteCounter) async throws(DestinationError)
        -> StoredChunk
    {
        let digest = ContentDigest.text(try await digests.digest(of: chunk, content: content).sha256)
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

    func inventory() async throws(DestinationError) -> [StoredChunk]? {
        let request = TransferRequest(
            method: .get, url: endpoint.url("upload/status", session: token), operation: "status")
        return try await endpoint.ask(request) { (answer: NativeProtocol.StatusResponse) in
            answer.chunks.map { StoredChunk(index: $0.index, length: $0.size, digest: $0.digest) }
        }
    }

    func finish(
        _ object: ObjectDescription, content: any SpoolFile, chunks: [ChunkRef], released: RangeSet<ChunkIndex>
    ) async throws(DestinationError) -> PublishReceipt {
        let size = try object.size(of: chunks)
        let digest = try await digests.whole(of: chunks, content: content, released: released).map(ContentDigest.text)
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
            if error == .damaged { await digests.forget() }
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
}
