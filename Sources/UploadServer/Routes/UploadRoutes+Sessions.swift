import FoundationEssentials
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore
import UploadCore

/// init, chunk, status, abort and finalize.
extension UploadRoutes {
    /// More than a longest name with everything escaped.
    private static let maximumJSON = 64 << 10

    /// Chunks larger than this gain nothing any more, and cost much when they have to be sent again.
    private static let maximumChunkSize: Int64 = 64 << 20

    /// POST /upload/init
    func beginUpload(_ request: Request) async throws(Refusal) -> Response {
        let order = try await decode(NativeProtocol.InitRequest.self, request)
        _ = try PublicName.parse(order.name)
        try admit(type: order.contentType)
        guard order.chunkSize > 0 else { throw .malformed("chunkSize is 1 or more.") }
        if let size = order.size {
            guard size >= 0 else { throw .malformed("size is 0 or more.") }
            try admit(size: size)
        }
        _ = try metadata(order.metadata)
        let parameters = SessionParameters(
            name: order.name, contentType: order.contentType, chunkSize: min(order.chunkSize, Self.maximumChunkSize),
            metadata: order.metadata)
        let session = try await stored { () async throws(StoreError) in try await store.begin(parameters) }
        return try Answers.json(
            NativeProtocol.InitResponse(
                session: session.id.text, chunkSize: parameters.chunkSize, maxFileSize: configuration.maximumFileSize,
                expiresAt: TimeFormat.text(store.expiry(of: session))),
            status: .created)
    }

    /// PUT /upload/chunk?session=…&index=…
    func putChunk(_ request: Request) async throws(Refusal) -> Response {
        let length = try contentLength(request)
        let digest = try contentDigest(request)
        guard let text = request.uri.queryParameters["index"], let index = Int(text), index >= 0 else {
            throw .malformed("index is a number from 0 on.")
        }
        let session = try await session(request)
        let chunkSize = session.parameters.chunkSize
        guard length > 0 else { throw .malformed("A chunk has a byte at least.") }
        guard length <= chunkSize else { throw .tooLarge(limit: chunkSize, "A chunk of this session") }
        let (offset, isTooFar) = Int64(index).multipliedReportingOverflow(by: chunkSize)
        guard !isTooFar, offset <= Int64.max - length else { throw .store(.beyondFilesystem) }
        try admit(size: offset + length)
        try await stored { () async throws(StoreError) in
            try await session.store(request.body, index: index, length: length, digest: digest, clock: store.now)
        }
        return try Answers.json(NativeProtocol.ChunkEntry(index: index, size: length, digest: digest.field))
    }

    /// GET /upload/status?session=…
    func uploadStatus(_ request: Request) async throws(Refusal) -> Response {
        let session = try await session(request)
        store.touch(session)
        return try Answers.json(
            NativeProtocol.StatusResponse(
                session: session.id.text, chunkSize: session.parameters.chunkSize,
                expiresAt: TimeFormat.text(store.expiry(of: session)),
                chunks: session.inventory().map {
                    NativeProtocol.ChunkEntry(index: $0.index, size: $0.record.length, digest: $0.record.digest.field)
                }))
    }

    /// GET /upload/sessions?origin=…
    func listSessions(_ request: Request) throws(Refusal) -> Response {
        guard let origin = request.uri.queryParameters["origin"], !origin.isEmpty else {
            throw .malformed("origin is the word that init was told in metadata.")
        }
        return try Answers.json(
            NativeProtocol.SessionsResponse(
                sessions: store.sessions(ofOrigin: String(origin)).map {
                    NativeProtocol.SessionsResponse.Entry(
                        session: $0.id.text, name: $0.parameters.name, metadata: $0.parameters.metadata)
                }))
    }

    /// DELETE /upload?session=…
    func abortUpload(_ request: Request) async throws(Refusal) -> Response {
        await store.remove(try await session(request))
        return Response(status: .noContent)
    }

    /// POST /upload/finalize
    func finalizeUpload(_ request: Request) async throws(Refusal) -> Response {
        let asked = try await decode(NativeProtocol.FinalizeRequest.self, request)
        let path = try PublicName.parse(asked.name)
        guard asked.size >= 0 else { throw .malformed("size is 0 or more.") }
        try admit(size: asked.size)
        var digest: ContentDigest?
        if let text = asked.digest { digest = try self.digest(text, "digest") }
        let session = try await session(asked.session)
        let order = FinalizeOrder(
            path: path, size: asked.size, digest: digest,
            metadata: try metadata(asked.metadata ?? session.parameters.metadata))
        let object = try await stored { () async throws(StoreError) in try await store.finalize(session, order) }
        guard let published = ContentDigest(hex: object.digest) else {
            // What the session's file says was changed by somebody else.
            throw .store(.system(call: "finalize", errno: EIO))
        }
        return try Answers.json(receipt(path, size: object.size, digest: published))
    }

    func receipt(_ path: UploadPath, size: Int64, digest: ContentDigest) -> NativeProtocol.FinalizeResponse {
        NativeProtocol.FinalizeResponse(
            url: location.url(of: path, port: bound.current ?? configuration.port), size: size, digest: digest.field)
    }

    private func metadata(_ facts: [String: String]) throws(Refusal) -> ObjectMetadata {
        guard let metadata = ObjectMetadata(mtime: facts["mtime"], mode: facts["mode"], order: facts["order"]) else {
            throw .malformed(
                "metadata: mtime is seconds since 1970 with a fraction, mode is octal, order is RUN/NUMBER.")
        }
        return metadata
    }

    private func decode<Value: Decodable & Sendable>(_ type: Value.Type, _ request: Request) async throws(Refusal)
        -> Value
    {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: Self.maximumJSON)
        } catch is NIOTooManyBytesError {
            throw .malformed("The body is longer than \(Self.maximumJSON) bytes.")
        } catch {
            throw .store(.bodyBroken)
        }
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch {
            throw .malformed("The body is not the JSON object that belongs here.")
        }
    }
}
