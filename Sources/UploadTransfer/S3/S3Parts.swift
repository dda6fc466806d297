import HTTPTypes
import UploadCore

/// A part as the server tells of it.
struct S3Part: Sendable, Hashable {
    /// Without quotes.
    let tag: String
    /// nil: it keeps none.
    let checksum: CRC64NVME?
}

/// The parts that are to become an object: what CompleteMultipartUpload is told.
struct S3PartList {
    /// The XML document.
    let document: String
    /// Of the whole object; nil where that of a part is not known.
    let checksum: CRC64NVME?

    /// - Parameters:
    ///   - parts: with all of `chunks`.
    ///   - checksums: whether the server keeps them.
    init(_ chunks: [ChunkRef], _ parts: [ChunkIndex: S3Part], checksums: Bool) {
        var whole: CRC64NVME? = checksums ? CRC64NVME() : nil
        var list = ""
        for chunk in chunks {
            let part = parts[chunk.index]
            let sum = checksums ? part?.checksum : nil
            if let sum { whole?.append(sum, length: chunk.length) } else { whole = nil }
            list += "<Part><PartNumber>\(chunk.index + 1)</PartNumber>"
            list += "<ETag>\(S3Document.escaped("\"\(part?.tag ?? "")\""))</ETag>"
            if let sum { list += "<ChecksumCRC64NVME>\(sum.text)</ChecksumCRC64NVME>" }
            list += "</Part>"
        }
        document = "<CompleteMultipartUpload>\(list)</CompleteMultipartUpload>"
        checksum = whole
    }

    /// By which the server can tell that what it has put together is what we have.
    var fields: [(name: String, value: String)] {
        checksum.map { [(S3Checksums.field, $0.text), ("x-amz-checksum-type", "FULL_OBJECT")] } ?? []
    }
}

extension S3Endpoint {
    /// A part as ListParts tells of it.
    struct ListedPart: Sendable {
        let index: ChunkIndex
        let size: Int64
        /// As the server writes times: in ISO 8601, so that they are in the order of their characters.
        let time: String
        let part: S3Part
    }

    /// ListParts, page by page. Each part once: some servers list those that were replaced, too (SeaweedFS 4.48). Which
    /// one holds is told by the time; where that does not tell, there is none: it is sent again.
    func parts(of upload: String, _ key: String) async throws(DestinationError) -> [ListedPart] {
        let all = try await allParts(of: upload, key)
        return Dictionary(grouping: all, by: \.index).values.compactMap { parts in
            let last = parts.max { $0.time < $1.time }
            return parts.count { $0.time == last?.time } == 1 ? last : nil
        }.sorted { $0.index < $1.index }
    }

    private func allParts(of upload: String, _ key: String) async throws(DestinationError) -> [ListedPart] {
        var parts: [ListedPart] = []
        var marker = 0
        while true {
            var query = [(name: "uploadId", value: upload)]
            if marker > 0 { query.append(("part-number-marker", "\(marker)")) }
            let root = try await document(
                S3Request(method: .get, key: key, query: query, operation: "status"), named: "ListPartsResult")
            for part in root.all("Part") {
                guard let number = part["PartNumber"].flatMap({ Int($0.text) }), number > 0,
                    let size = part["Size"].flatMap({ Int64($0.text) }), let tag = part["ETag"]?.text
                else { throw .malformed(detail: "a list of parts has one without a number, size or ETag") }
                let sum = part["ChecksumCRC64NVME"].flatMap { CRC64NVME($0.text) }
                parts.append(
                    ListedPart(
                        index: number - 1, size: size, time: part["LastModified"]?.text ?? "",
                        part: S3Part(tag: Self.unquoted(tag), checksum: sum)))
            }
            guard root["IsTruncated"]?.text == "true" else { return parts }
            let next = root["NextPartNumberMarker"].flatMap { Int($0.text) } ?? (parts.last?.index ?? -1) + 1
            guard next > marker else { throw .malformed(detail: "a list of parts goes on, and does not say where") }
            marker = next
        }
    }
}
