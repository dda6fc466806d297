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
        tags.withLock { $0[chunk.index] = tag }
        return StoredChunk(index: chunk.index, length: chunk.length, digest: tag)
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
                parts.append(StoredChunk(index: number - 1, length: size, digest: tag))
            }
            let next = root["NextPartNumberMarker"].flatMap { Int($0.text) } ?? 0
            guard root["IsTruncated"]?.text == "true", next > marker else { break }
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
        let size = chunks.last?.range.upperBound ?? 0
        guard object.size ?? size == size else {
            throw .malformed(detail: "the chunks end at \(size), the file at \(object.size ?? size)")
        }
        guard endpoint.location.key(object.path) == key else {
            // It was renamed, and a multipart upload can't be.
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
                + "<ETag>\(S3Document.escaped(known[chunk.index] ?? ""))</ETag></Part>"
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
        do throws(DestinationError) {
            _ = try await endpoint.ask(request)
        } catch .sessionLost {
            return
        }
    }
}
