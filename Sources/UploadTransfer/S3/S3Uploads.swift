import Glibc
import HTTPTypes
import UploadCore

/// An unfinished multipart upload as a bucket tells of it. It does not say who began it.
struct S3Upload: Sendable, Hashable {
    let key: String
    /// Its id.
    let upload: String
    /// When it was begun, by the server's clock: seconds since 1970; nil: it does not say.
    let begun: Int?
}

struct S3UploadList: Sendable {
    var uploads: [S3Upload] = []
    /// Seconds that the server's clock is ahead of ours.
    var ahead = 0
    /// There are more.
    var isCutShort = false
}

extension S3Endpoint {
    /// Entries of one page: an answer of 1 MiB has room for them, however long their keys are.
    private static let pageSize = 200

    /// ListMultipartUploads ("Amazon S3 API Reference"), page by page: those of keys that begin with `prefix`.
    /// - Parameter limit: of as many, roughly.
    func uploads(prefix: String, limit: Int = .max) async throws(DestinationError) -> S3UploadList {
        var list = S3UploadList()
        var markers: [(name: String, value: String)] = []
        while true {
            // Not encoded, a key with characters that XML does not have would spoil the whole answer.
            var request = S3Request(
                method: .get,
                query: [
                    ("uploads", ""), ("encoding-type", "url"), ("max-uploads", "\(Self.pageSize)"), ("prefix", prefix),
                ],
                operation: "list")
            request.query += markers
            let response = try await ask(request)
            let root = try Self.root(of: response, to: request, named: "ListMultipartUploadsResult")
            if let date = response.fields[.date].flatMap(HTTPDate.seconds) { list.ahead = date - time(nil) }
            let page = try S3UploadList.page(root, prefix)
            list.uploads += page.uploads
            guard root["IsTruncated"]?.text == "true" else { return list }
            list.isCutShort = list.uploads.count >= limit
            if list.isCutShort { return list }
            guard !page.next.isEmpty, !page.next.elementsEqual(markers, by: { $0.value == $1.value }) else {
                throw .malformed(detail: "a list of uploads goes on, and does not say where")
            }
            markers = page.next
        }
    }

    /// ListParts, as far as is needed to tell whether there is any. One that is gone has none.
    func hasParts(_ upload: S3Upload) async throws(DestinationError) -> Bool {
        do throws(DestinationError) {
            let root = try await document(
                S3Request(
                    method: .get, key: upload.key, query: [("uploadId", upload.upload), ("max-parts", "1")],
                    operation: "status"), named: "ListPartsResult")
            return root["Part"] != nil
        } catch {
            // Some say that there is no such key.
            guard error == .sessionLost || error.isConflict else { throw error }
            return false
        }
    }
}

extension S3UploadList {
    /// What one answer has.
    /// - Returns: also where the next one is to begin.
    static func page(
        _ root: S3Element, _ prefix: String
    ) throws(DestinationError) -> (uploads: [S3Upload], next: [(name: String, value: String)]) {
        let entries = root.all("Upload")
        let isEncoded = isEncoded(root, prefix, entries.compactMap { $0["Key"]?.text })
        func key(_ element: S3Element?) -> String {
            let text = element?.text ?? ""
            // As a form has it: "+" is a space.
            return isEncoded ? PercentEncoding.decode(text.replacing("+", with: " ")) ?? text : text
        }
        var uploads: [S3Upload] = []
        for entry in entries {
            guard let id = entry["UploadId"]?.text, !id.isEmpty else {
                throw .malformed(detail: "a list of uploads has one without an id")
            }
            uploads.append(
                S3Upload(
                    key: key(entry["Key"]), upload: id,
                    begun: (entry["Initiated"]?.text).flatMap(CredentialDocument.seconds)))
        }
        let next = [
            (name: "key-marker", value: key(root["NextKeyMarker"])),
            (name: "upload-id-marker", value: root["NextUploadIdMarker"]?.text ?? ""),
        ]
        return (uploads, next.filter { !$0.value.isEmpty })
    }

    /// Some servers say that they have encoded the keys, and have not (SeaweedFS): then the prefix comes back as we gave
    /// it, or there are characters that an encoded key does not have.
    private static func isEncoded(_ root: S3Element, _ prefix: String, _ keys: [String]) -> Bool {
        guard root["EncodingType"]?.text == "url" else { return false }
        if let told = root["Prefix"]?.text, told.utf8.elementsEqual(prefix.utf8), !isPlainText(prefix) { return false }
        return keys.allSatisfy {
            $0.utf8.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }
        }
    }

    /// Encoded, it is the same.
    private static func isPlainText(_ text: String) -> Bool { text.utf8.allSatisfy(isPlain) }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~/*".utf8.contains(byte)
        }
    }
}
