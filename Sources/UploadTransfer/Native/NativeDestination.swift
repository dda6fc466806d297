import HTTPTypes
import Synchronization
package import UploadCore

/// A server that speaks the native protocol (`Sources/UploadServer/openapi.yaml`): the embedded one,
/// `uploadfs serve` elsewhere, or somebody else's.
///
/// Every answer is checked: a receipt whose size or digest is not ours is `damaged`.
package final class NativeDestination: Destination {
    let endpoint: NativeEndpoint
    private let known: Mutex<DestinationLimits>

    /// - Parameters:
    ///   - baseURL: http: or https:, with or without a path; what follows its last "/" is ours.
    ///   - client: shared with others; who made it ends it.
    ///   - credentials: the bearer token (RFC 6750), asked for at each request; nil: none.
    package init(
        baseURL: String, client: CurlClient, credentials: @escaping @Sendable () -> String? = { nil },
        options: NativeOptions = NativeOptions()
    ) {
        endpoint = NativeEndpoint(
            baseURL: baseURL, client: client, credentials: credentials, options: options,
            lanes: HashingLanes(count: 2))
        let schedules: [String: ChunkSchedule] =
            options.chunkSize == nil ? ["video/": .equal(NativeProtocol.videoChunkSize)] : [:]
        var limits = DestinationLimits(
            schedule: .equal(options.chunkSize ?? NativeProtocol.chunkSize), schedulesByType: schedules,
            parallelChunks: options.parallelChunks, canReplaceChunk: true, namesAtFinish: true)
        limits.canRead = true
        known = Mutex(limits)
    }

    /// The file size limit is known after the first `probe` or `begin`, the types after the first `probe`.
    package var limits: DestinationLimits { known.withLock { $0 } }

    package func probe() async throws(DestinationError) {
        let request = TransferRequest(method: .get, url: endpoint.url("upload/limits"), operation: "probe")
        let answer = try await endpoint.ask(request) { (answer: NativeProtocol.LimitsResponse) in answer }
        learn(maximumFileSize: answer.maxFileSize)
        known.withLock { $0.types = ContentRules(answer.allowedTypes) }
    }

    package func put(
        _ object: ObjectDescription, content: any SpoolFile, sent: ByteCounter, isCurrent: CurrencyCheck
    ) async throws(DestinationError) -> PublishReceipt {
        let (size, hash) = try await endpoint.lanes.lane().digest(of: content, size: object.size)
        let digest = ContentDigest.text(hash.sha256)
        guard try isCurrent() else { throw .cancelled }
        let request = TransferRequest(
            method: .put, url: endpoint.url("files/\(object.path.percentEncoded)"),
            fields: HTTPFields(named: [
                "Content-Type": object.contentType, "Content-Digest": digest,
                "X-Upload-Mtime": object.modifiedText, "X-Upload-Mode": object.modeText,
                "X-Upload-Order": object.orderText(endpoint.options),
            ]),
            body: .file(content, 0..<size), operation: "put", answerTime: endpoint.options.putAnswerTime, sent: sent)
        return try await endpoint.ask(request) { (answer: NativeProtocol.FinalizeResponse) throws(DestinationError) in
            try answer.receipt(size: size, digest: digest)
        }
    }

    package func begin(_ object: ObjectDescription) async throws(DestinationError) -> any UploadSession {
        let schedule = limits.schedule(for: object.contentType)
        let chunkSize = schedule.firstSize
        let request = try endpoint.post(
            endpoint.url("upload/init"),
            NativeProtocol.InitRequest(
                name: object.path.text, size: object.size, contentType: object.contentType, chunkSize: chunkSize,
                metadata: object.metadata(endpoint.options)),
            operation: "init")
        let answer = try await endpoint.ask(request) { (answer: NativeProtocol.InitResponse) in answer }
        learn(maximumFileSize: answer.maxFileSize)
        let session = resume(SessionToken(answer.session), schedule: schedule)
        guard answer.chunkSize == chunkSize else {
            // It would put our chunks in other places. Nothing was sent yet: let it forget the session.
            try? await session.abort()
            throw .malformed(detail: "asked for chunks of \(chunkSize) bytes, it wants \(answer.chunkSize)")
        }
        return session
    }

    package func leftBehind() async throws(DestinationError) -> [SessionToken]? {
        let options = endpoint.options
        guard !options.origin.isEmpty else { return nil }
        let request = TransferRequest(
            method: .get, url: endpoint.url("upload/sessions?origin=\(PercentEncoding.encode(options.origin))"),
            operation: "list")
        return try await endpoint.ask(request) { (answer: NativeProtocol.SessionsResponse) in
            answer.sessions.filter { $0.metadata["run"] != options.run }
                .map { SessionToken($0.session) }
        }
    }

    package func resume(_ token: SessionToken, schedule: ChunkSchedule) -> any UploadSession {
        NativeSession(token: token, endpoint: endpoint)
    }

    private func learn(maximumFileSize: Int64?) {
        known.withLock { $0.maximumFileSize = maximumFileSize }
    }
}

extension NativeProtocol.FinalizeResponse {
    /// - Throws: `damaged` when it does not speak of our bytes.
    /// - Parameter digest: nil: whatever it says.
    func receipt(size: Int64, digest: String?) throws(DestinationError) -> PublishReceipt {
        guard self.size == size, self.digest == digest ?? self.digest else { throw .damaged }
        return PublishReceipt(url: url, size: size, digest: self.digest)
    }
}
