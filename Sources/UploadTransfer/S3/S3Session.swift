import FoundationEssentials
import HTTPTypes
import Synchronization
import UploadCore

/// A multipart upload under way. Its key was given when it was begun, and holds.
final class S3Session: UploadSession {
    let token: SessionToken

    private let endpoint: S3Endpoint
    private let conflicts: S3Conflicts
    private let key: String
    private let upload: String
    /// What the object says of where it comes from, once it is one.
    private let mark: S3Mark
    /// What it says of its file; nil: nobody knows.
    private let stamp: S3Stamp?
    private let digests: SessionDigests
    /// As the server told of them. What an earlier process sent it is asked for.
    private let parts = Mutex<[ChunkIndex: S3Part]>([:])

    init(
        key: String, upload: String, mark: S3Mark, stamp: S3Stamp? = nil, token: SessionToken? = nil,
        endpoint: S3Endpoint, conflicts: S3Conflicts
    ) {
        let words = [key, upload, mark.text, stamp?.text ?? ""]
        self.token = token ?? SessionToken(words.map(PercentEncoding.encode).joined(separator: "?"))
        self.endpoint = endpoint
        self.conflicts = conflicts
        self.key = key
        self.upload = upload
        self.mark = mark
        self.stamp = stamp
        digests = SessionDigests(endpoint.lanes.lane())
    }

    /// As `token` tells. One that is not ours is of no upload that anybody knows.
    convenience init(token: SessionToken, endpoint: S3Endpoint, conflicts: S3Conflicts) {
        let words = Self.words(of: token)
        self.init(
            key: words[0], upload: words[1], mark: S3Mark(words[2]), stamp: S3Stamp(words[3]), token: token,
            endpoint: endpoint, conflicts: conflicts)
    }

    /// Its key, its upload's id, its mark, and its stamp.
    static func words(of token: SessionToken) -> [String] {
        let words = token.rawValue.split(separator: "?", omittingEmptySubsequences: false)
            .map { PercentEncoding.decode($0) ?? "" }
        return words + Array(repeating: "", count: max(0, 4 - words.count))
    }

    /// UploadPart. One that is there is replaced.
    func send(
        _ chunk: ChunkRef, content: any SpoolFile, sent: ByteCounter
    ) async throws(DestinationError) -> StoredChunk {
        guard chunk.index < S3Limits.mostParts else {
            throw .rejected(
                Rejection(status: 400, cause: .tooLarge(limit: nil), detail: "S3 takes \(S3Limits.mostParts) parts"))
        }
        let digest = try await digests.digest(of: chunk, content: content, checksum: endpoint.checksums.areSent)
        var request = S3Request(
            method: .put, key: key,
            query: [("partNumber", "\(chunk.index + 1)"), ("uploadId", upload)],
            body: .file(content, chunk.range), payloadHash: Hex.text(digest.sha256), operation: "chunk",
            answerTime: endpoint.options.putAnswerTime, sent: sent)
        if let crc = digest.crc64 { request.checksums = [(S3Checksums.field, crc.text)] }
        let response = try await endpoint.answer(request)
        // Some servers can't replace a part (rclone's), and one says by it that there is no such upload.
        if response.status == 501 || Self.isUnknown(response) { throw .sessionLost }
        guard response.isSuccess else { throw S3Failures.error(response) }
        try endpoint.checksums.check(response, to: request, digest.crc64)
        guard let tag = response.fields[.eTag] else {
            sent.add(-chunk.length)
            throw .malformed(detail: "a part was answered without an ETag")
        }
        let part = S3Part(tag: S3Endpoint.unquoted(tag), checksum: digest.crc64)
        parts.withLock { $0[chunk.index] = part }
        return StoredChunk(index: chunk.index, length: chunk.length, digest: part.tag)
    }

    /// ListParts, page by page.
    func inventory() async throws(DestinationError) -> [StoredChunk]? {
        do throws(DestinationError) {
            let listed = try await endpoint.parts(of: upload, key)
            parts.withLock { parts in
                for entry in listed { parts[entry.index] = entry.part }
            }
            return listed.map { StoredChunk(index: $0.index, length: $0.size, digest: $0.part.tag) }
        } catch {
            guard error == .sessionLost || error.isConflict else { throw error }
            // Some say that there is no such key.
            guard try await published() != nil else { throw .sessionLost }
            return nil
        }
    }

    /// NoSuchUpload, whatever it is called.
    private static func isUnknown(_ response: TransferResponse) -> Bool {
        response.status == 404 && S3Failures.report(response)?.code != "NoSuchBucket"
    }

    func finish(
        _ object: ObjectDescription, content: any SpoolFile, chunks: [ChunkRef], released: RangeSet<ChunkIndex>
    ) async throws(DestinationError) -> PublishReceipt {
        let size = try object.size(of: chunks)
        guard conflicts.isKey(key, of: object.path) else {
            // It was renamed, and a multipart upload can't be. What is there alone is not to be lost.
            guard released.isEmpty else {
                throw .rejected(
                    Rejection(
                        status: 409, cause: .conflict,
                        detail:
                            "a part of it has left the spool, and its upload was begun as \(key): rename it back to "
                            + "that, and retry it"))
            }
            try await abort()
            throw .sessionLost
        }
        let whole = try await digests.whole(of: chunks, content: content, released: released)
        func receipt(_ tag: String) async throws(DestinationError) -> PublishReceipt {
            let tag = try await stamped(tag, object, size)
            let digest = whole.map(ContentDigest.text) ?? "etag=\(tag)"
            return PublishReceipt(
                url: endpoint.location.url(key), size: size, digest: digest, tag: S3Endpoint.known(tag))
        }
        var wasRefused = false
        for _ in 0..<S3Conflicts.rounds {
            guard let condition = try await conflicts.condition(for: key, wasRefused: wasRefused) else {
                if let tag = try await published(chunks, size) { return try await receipt(tag) }
                try conflicts.taken(object.path, mayBeRenamed: released.isEmpty)
                // Under a key of its own it begins again.
                try await abort()
                throw .sessionLost
            }
            let began = ContinuousClock.now
            let tag: String
            do throws(DestinationError) {
                tag = try await complete(chunks, size, condition)
            } catch {
                // Or the answer to an earlier one was lost.
                let mayBeThere = error == .sessionLost || error.isConflict && !condition.isEmpty
                if mayBeThere, let tag = try await published(chunks, size) { return try await receipt(tag) }
                guard error.isConflict, !condition.isEmpty else { throw error }
                wasRefused = true
                continue
            }
            if try await conflicts.hasStayed(key, tag: tag, since: began) { return try await receipt(tag) }
            try conflicts.taken(object.path, mayBeRenamed: released.isEmpty)
            throw .sessionLost
        }
        throw .busy(status: 412, retryAfter: nil)
    }

    /// Puts right what the object says of its file, where that has been given another time or mode since it began.
    /// - Returns: its ETag then.
    private func stamped(
        _ tag: String, _ object: ObjectDescription, _ size: Int64
    ) async throws(DestinationError) -> String {
        guard let stamp, stamp.isOutdated(by: object) else { return tag }
        let new = try await endpoint.restamp(key, object, mark, tag: tag, size: size)
        if new != tag { conflicts.put(key, tag: new) }
        return new
    }

    /// - Returns: the object's ETag.
    private func complete(
        _ chunks: [ChunkRef], _ size: Int64, _ condition: [(name: String, value: String)]
    ) async throws(DestinationError) -> String {
        func missing() -> [ChunkIndex] { parts.withLock { parts in chunks.map(\.index).filter { parts[$0] == nil } } }
        if !missing().isEmpty, try await inventory() == nil { throw .sessionLost }
        let lost = missing()
        guard lost.isEmpty else { throw .missing(lost) }
        let list = S3PartList(chunks, parts.withLock { $0 }, checksums: endpoint.checksums.support == .kept)
        let root = try await endpoint.completeUpload(upload, key, list, condition)
        // One of another kind is made of the parts' sums, and told as "SUM-COUNT".
        if let sum = list.checksum, let told = (root["ChecksumCRC64NVME"]?.text).flatMap({ CRC64NVME($0) }),
            told != sum
        {
            throw .damaged
        }
        let tag = S3Endpoint.unquoted(root["ETag"]?.text ?? "")
        conflicts.put(key, tag: tag)
        return tag
    }

    /// Whether this upload has become the object already.
    /// - Parameters:
    ///   - chunks: that make it; nil: whatever.
    ///   - size: in bytes; nil: whatever.
    /// - Returns: its ETag.
    private func published(
        _ chunks: [ChunkRef]? = nil, _ size: Int64? = nil
    ) async throws(DestinationError) -> String? {
        guard !mark.upload.isEmpty, case .object(let object) = try await endpoint.object(key), object.mark == mark,
            size ?? object.size == object.size
        else { return nil }
        if let chunks, let told = object.checksum {
            let parts = parts.withLock { $0 }
            let sum = S3PartList(chunks, parts, checksums: true).checksum
            guard sum ?? told == told else { return nil }
        }
        return object.tag
    }

    func abort() async throws(DestinationError) {
        try await endpoint.abortUpload(upload, key)
    }
}

extension DestinationError {
    /// Another one has the name, or a condition did not hold.
    var isConflict: Bool {
        if case .rejected(let rejection) = self { return rejection.cause == .conflict }
        return false
    }
}
