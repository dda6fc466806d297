package import UploadCore

/// One upload at a `ScriptedDestination`.
struct ScriptedSession: UploadSession {
    let token: SessionToken
    let destination: ScriptedDestination

    func send(
        _ chunk: ChunkRef, content: any SpoolFile, sent: ByteCounter
    ) async throws(DestinationError) -> StoredChunk {
        try await destination.perform(.send, session: token, chunk: chunk) { () async throws(DestinationError) in
            let bytes = try ScriptedDestination.bytes(of: content, in: chunk.range)
            sent.add(Int64(bytes.count))
            do throws(DestinationError) {
                let canReplace = destination.limits.canReplaceChunk
                return try await destination.store.put(bytes, as: chunk.index, of: token, canReplace: canReplace)
            } catch {
                sent.add(-Int64(bytes.count))
                throw error
            }
        }
    }

    func inventory() async throws(DestinationError) -> [StoredChunk]? {
        try await destination.perform(.inventory, session: token) { () async throws(DestinationError) in
            try await destination.store.inventory(of: token)
        }
    }

    func finish(
        _ object: ObjectDescription, content: any SpoolFile, chunks: [ChunkRef], released: RangeSet<ChunkIndex>
    ) async throws(DestinationError) -> PublishReceipt {
        try await destination.perform(.finish, session: token, object: object) { () async throws(DestinationError) in
            try await destination.store.finish(token, object, chunks: chunks)
        }
    }

    func abort() async throws(DestinationError) {
        try await destination.perform(.abort, session: token) { () async throws(DestinationError) in
            await destination.store.abort(token)
        }
    }
}

extension UploadSession {
    /// Of a file that the spool has all of.
    package func finish(
        _ object: ObjectDescription, content: any SpoolFile, chunks: [ChunkRef]
    ) async throws(DestinationError) -> PublishReceipt {
        try await finish(object, content: content, chunks: chunks, released: RangeSet())
    }
}

/// What a `ScriptedDestination` has: sessions with their chunks, and published objects.
actor DestinationStore {
    private(set) var objects: [UploadPath: ScriptedDestination.PublishedObject] = [:]
    private(set) var sessions: [SessionToken: [ChunkIndex: [UInt8]]] = [:]
    /// So that a finish whose answer was lost may be asked again.
    private var finished: [SessionToken: PublishReceipt] = [:]
    private var ordinal = 0

    func begin() -> SessionToken {
        ordinal += 1
        let token = SessionToken("session-\(ordinal)")
        sessions[token] = [:]
        return token
    }

    func put(
        _ bytes: [UInt8], as index: ChunkIndex, of token: SessionToken, canReplace: Bool
    ) throws(DestinationError) -> StoredChunk {
        guard let chunks = sessions[token] else { throw .sessionLost }
        if let earlier = chunks[index], earlier != bytes, !canReplace {
            throw .rejected(Rejection(status: 409, cause: .conflict, detail: "chunk \(index) is there"))
        }
        sessions[token]?[index] = bytes
        return StoredChunk(index: index, length: Int64(bytes.count), digest: Self.digest(bytes))
    }

    func inventory(of token: SessionToken) throws(DestinationError) -> [StoredChunk]? {
        if finished[token] != nil { return nil }
        guard let chunks = sessions[token] else { throw .sessionLost }
        return chunks.sorted { $0.key < $1.key }.map { index, bytes in
            StoredChunk(index: index, length: Int64(bytes.count), digest: Self.digest(bytes))
        }
    }

    func finish(
        _ token: SessionToken, _ object: ObjectDescription, chunks wanted: [ChunkRef]
    ) throws(DestinationError) -> PublishReceipt {
        if let receipt = finished[token] { return receipt }
        guard let chunks = sessions[token] else { throw .sessionLost }
        let missing = wanted.filter { Int64(chunks[$0.index]?.count ?? -1) != $0.length }.map(\.index)
        guard missing.isEmpty else { throw .missing(missing) }
        let bytes = wanted.sorted { $0.index < $1.index }.flatMap { chunks[$0.index] ?? [] }
        guard object.size == nil || object.size == Int64(bytes.count) else {
            throw .malformed(detail: "the chunks hold \(bytes.count) bytes")
        }
        let receipt = publish(object, bytes)
        sessions[token] = nil
        finished[token] = receipt
        return receipt
    }

    func abort(_ token: SessionToken) {
        sessions[token] = nil
    }

    func publish(_ object: ObjectDescription, _ bytes: [UInt8]) -> PublishReceipt {
        let receipt = PublishReceipt(
            url: "memory:///\(object.path.percentEncoded)", size: Int64(bytes.count), digest: Self.digest(bytes))
        objects[object.path] = .init(description: object, bytes: bytes, receipt: receipt)
        return receipt
    }

    func copy(_ source: ObjectReference, to object: ObjectDescription) -> CopiedObject? {
        guard let bytes = objects[source.path]?.bytes else { return nil }
        let receipt = publish(object, bytes)
        return CopiedObject(object: ObjectReference(path: object.path, url: receipt.url, size: receipt.size))
    }

    func delete(_ object: ObjectReference) {
        objects[object.path] = nil
    }

    /// FNV-1a of 64 bits: enough to tell test data apart.
    private static func digest(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return "fnv-1a=\(String(hash, radix: 16))"
    }
}
