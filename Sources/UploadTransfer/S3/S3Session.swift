import Crypto
import FoundationEssentials
import HTTPTypes
import Synchronization
import UploadCore

/// A multipart upload under way. Its key was given when it was begun, and holds.
final class S3Session: UploadSession {
    let token: SessionToken

    private let endpoint: S3Endpoint
    private let key: String
    private let upload: String
    private let digests: SessionDigests
    /// Of each part, as the server told it. What an earlier process sent it is asked for.
    private let tags = Mutex<[ChunkIndex: String]>([:])

    init(key: String, upload: String, endpoint: S3Endpoint) {
        token = SessionToken("\(PercentEncoding.encode(key))?\(PercentEncoding.encode(upload))")
        self.endpoint = endpoint
        self.key = key
        self.upload = upload
        digests = SessionDigests(endpoint.lanes.lane())
    }

    /// As `token` tells. One that is not ours is of no upload that anybody knows.
    convenience init(token: SessionToken, endpoint: S3Endpoint) {
        let words = token.rawValue.split(separator: "?", maxSplits: 1).map { PercentEncoding.decode($0) ?? "" }
        self.init(key: words.first ?? "", upload: words.count > 1 ? words[1] : "", endpoint: endpoint)
    }

    /// UploadPart. One that is there is replaced.
    func send(
        _ chunk: ChunkRef, content: any SpoolFile, sent: ByteCounter
    ) async throws(DestinationError) -> StoredChunk {
        guard chunk.index < S3Limits.mostParts else {
            throw .rejected(
                Rejection(status: 400, cause: .tooLarge(limit: nil), detail: "S3 takes \(S3Limits.mostParts) parts"))
        }
        let digest = try await digests.digest(of: chunk, content: content)
        let request = S3Request(
            method: .put, key: key,
            query: [("partNumber", "\(chunk.index + 1)"), ("uploadId", upload)],
            body: .file(content, chunk.range), payloadHash: Hex.text(digest), operation: "chunk",
            answerTime: endpoint.options.putAnswerTime, sent: sent)
        let response = try await endpoint.ask(request)
        guard let tag = response.fields[.eTag] else {
            sent.add(-chunk.length)
            throw .malformed(detail: "a part was answered without an ETag")
        }
        let bare = Self.unquoted(tag)
        tags.withLock { $0[chunk.index] = bare }
        return StoredChunk(index: chunk.index, length: chunk.length, digest: bare)
    }

    /// ListParts, page by page.
    func inventory() async throws(DestinationError) -> [StoredChunk] {
        var parts: [StoredChunk] = []
        var marker = 0
        while true {
            var query = [(name: "uploadId", value: upload)]
            if marker > 0 { query.append(("part-number-marker", "\(marker)")) }
            let root = try await endpoint.document(
                S3Request(method: .get, key: key, query: query, operation: "status"), named: "ListPartsResult")
            for part in root.all("Part") {
                guard let number = part["PartNumber"].flatMap({ Int($0.text) }), number > 0,
                    let size = part["Size"].flatMap({ Int64($0.text) }), let tag = part["ETag"]?.text
                else { throw .malformed(detail: "a list of parts has one without a number, size or ETag") }
                parts.append(StoredChunk(index: number - 1, length: size, digest: Self.unquoted(tag)))
            }
            guard root["IsTruncated"]?.text == "true" else { break }
            let next = root["NextPartNumberMarker"].flatMap { Int($0.text) } ?? (parts.last?.index ?? -1) + 1
            guard next > marker else { throw .malformed(detail: "a list of parts goes on, and does not say where") }
            marker = next
        }
        tags.withLock { tags in
            for part in parts { tags[part.index] = part.digest }
        }
        return parts
    }

    /// CompleteMultipartUpload.
    func finish(
        _ object: ObjectDescription, content: any SpoolFile, chunks: [ChunkRef], released: RangeSet<ChunkIndex>
    ) async throws(DestinationError) -> PublishReceipt {
        let size = try object.size(of: chunks)
        // By their bytes: two spellings of a letter are two keys.
        guard endpoint.location.key(object.path).utf8.elementsEqual(key.utf8) else {
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
        if tags.withLock({ tags in chunks.contains { tags[$0.index] == nil } }) { _ = try await inventory() }
        let known = tags.withLock { $0 }
        let missing = chunks.map(\.index).filter { known[$0] == nil }
        guard missing.isEmpty else { throw .missing(missing) }
        let whole = try await digests.whole(of: chunks, content: content, released: released)
        let parts = chunks.map { chunk in
            "<Part><PartNumber>\(chunk.index + 1)</PartNumber>"
                + "<ETag>\(S3Document.escaped("\"\(known[chunk.index] ?? "")\""))</ETag></Part>"
        }
        let body = Array("<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>".utf8)
        let request = S3Request(
            method: .post, key: key, query: [("uploadId", upload)], fields: [("content-type", "application/xml")],
            body: .bytes(body), payloadHash: Hex.text(SHA256.hash(data: body)), operation: "finalize",
            answerTime: endpoint.options.finishAnswerTime)
        let root = try await endpoint.document(request, named: "CompleteMultipartUploadResult")
        let digest = whole.map(ContentDigest.text) ?? "etag=\(root["ETag"]?.text ?? "")"
        return PublishReceipt(url: endpoint.location.url(key), size: size, digest: digest)
    }

    /// AbortMultipartUpload.
    func abort() async throws(DestinationError) {
        let request = S3Request(method: .delete, key: key, query: [("uploadId", upload)], operation: "abort")
        let response = try await endpoint.answer(request)
        // Who may not abort is told by nobody else, and is not to ask for ever: the bucket's own rules clean up.
        guard !response.isSuccess, S3Failures.report(response)?.code != "AccessDenied" else { return }
        let error = S3Failures.error(response)
        if error != .sessionLost { throw error }
    }

    /// Some servers quote it in one answer, and not in another.
    private static func unquoted(_ tag: String) -> String {
        tag.count > 1 && tag.hasPrefix("\"") && tag.hasSuffix("\"") ? String(tag.dropFirst().dropLast()) : tag
    }
}
