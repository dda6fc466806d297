import HTTPTypes
import UploadCore

/// Copies that the server makes by itself: CopyObject; and UploadPartCopy of what is too big for that.
struct S3Copies: Sendable {
    let endpoint: S3Endpoint
    /// What is copied, as HeadObject told of it.
    let source: S3Object
    let sourceKey: String
    /// Some servers compare an ETag other than they tell: then it is left out.
    let namesTag: Bool

    /// The fields that say what is copied ("CopyObject", "UploadPartCopy", request headers).
    private var from: [(name: String, value: String)] {
        let place = endpoint.location.copySource(sourceKey)
        guard namesTag, !source.isWeak else { return [("x-amz-copy-source", place)] }
        return [("x-amz-copy-source", place), ("x-amz-copy-source-if-match", "\"\(source.tag)\"")]
    }

    /// - Parameters:
    ///   - fields: what the copy says of itself, in the place of what its source does.
    ///   - condition: under which it may be put there.
    func make(
        _ key: String, _ fields: [(name: String, value: String)], _ condition: [(name: String, value: String)]
    ) async throws(DestinationError) {
        if source.size > endpoint.options.largestCopy {
            try await makeOfParts(key, fields, condition)
        } else {
            _ = try await makeAtOnce(key, fields, condition)
        }
    }

    /// CopyObject. That it failed may stand in an answer that began as a success.
    /// - Returns: the copy's ETag.
    func makeAtOnce(
        _ key: String, _ fields: [(name: String, value: String)], _ condition: [(name: String, value: String)]
    ) async throws(DestinationError) -> String {
        var directives = [(name: "x-amz-metadata-directive", value: "REPLACE")]
        if fields.contains(where: { $0.name == "x-amz-tagging" }) {
            directives.append(("x-amz-tagging-directive", "REPLACE"))
        }
        let request = S3Request(
            method: .put, key: key, fields: fields + directives + from + condition, body: .bytes([]),
            operation: "copy", answerTime: endpoint.options.finishAnswerTime)
        return try await tag(request, "CopyObjectResult")
    }

    private func tag(_ request: S3Request, _ name: String) async throws(DestinationError) -> String {
        let root = try await endpoint.document(request, named: name)
        guard let tag = root["ETag"]?.text, !tag.isEmpty else {
            throw .malformed(detail: "a copy was answered without an ETag")
        }
        return S3Endpoint.unquoted(tag)
    }

    // MARK: By parts

    /// A multipart upload of parts that the server has already. Given up when one of them fails: it is made anew then.
    private func makeOfParts(
        _ key: String, _ fields: [(name: String, value: String)], _ condition: [(name: String, value: String)]
    ) async throws(DestinationError) {
        let upload = try await endpoint.beginUpload(key, fields)
        do throws(DestinationError) {
            let chunks = Self.chunks(source.size, largest: endpoint.options.largestCopy)
            let parts = try await copy(chunks, to: upload, key).get()
            let list = S3PartList(chunks, parts, checksums: false)
            _ = try await endpoint.completeUpload(upload, key, list, condition)
        } catch {
            // What is left of it takes room, and does no other harm.
            try? await endpoint.abortUpload(upload, key)
            throw error
        }
    }

    /// Parts of one size, as big as they need be for S3 to take them all.
    ///
    /// | size | parts |
    /// | --- | --- |
    /// | 6 GiB | 6 of 1 GiB |
    /// | 20 TiB | 10,000 of 2 GiB and more |
    static func chunks(_ size: Int64, largest: Int64) -> [ChunkRef] {
        let most = Int64(S3Limits.mostParts)
        let part = max(min(largest, 1 << 30), (size + most - 1) / most)
        return stride(from: 0, to: size, by: Int(part)).enumerated().map { index, start in
            ChunkRef(index: index, generation: 0, range: start..<min(start + part, size))
        }
    }

    private func copy(
        _ chunks: [ChunkRef], to upload: String, _ key: String
    ) async -> Result<[ChunkIndex: S3Part], DestinationError> {
        await withTaskGroup(of: Result<(ChunkIndex, S3Part), DestinationError>.self) { group in
            var rest = chunks[...]
            for chunk in rest.prefix(endpoint.options.parallelChunks) {
                group.addTask { await copy(chunk, to: upload, key) }
            }
            rest = rest.dropFirst(endpoint.options.parallelChunks)
            var parts: [ChunkIndex: S3Part] = [:]
            for await result in group {
                switch result {
                case .success(let (index, part)): parts[index] = part
                case .failure(let error):
                    group.cancelAll()
                    return .failure(error)
                }
                if let chunk = rest.popFirst() { group.addTask { await copy(chunk, to: upload, key) } }
            }
            return .success(parts)
        }
    }

    /// UploadPartCopy.
    private func copy(
        _ chunk: ChunkRef, to upload: String, _ key: String
    ) async -> Result<(ChunkIndex, S3Part), DestinationError> {
        let range = (
            name: "x-amz-copy-source-range", value: "bytes=\(chunk.range.lowerBound)-\(chunk.range.upperBound - 1)"
        )
        let request = S3Request(
            method: .put, key: key, query: [("partNumber", "\(chunk.index + 1)"), ("uploadId", upload)],
            fields: from + [range], body: .bytes([]), operation: "copy",
            answerTime: endpoint.options.finishAnswerTime)
        do throws(DestinationError) {
            return .success((chunk.index, S3Part(tag: try await tag(request, "CopyPartResult"), checksum: nil)))
        } catch {
            return .failure(error)
        }
    }
}
