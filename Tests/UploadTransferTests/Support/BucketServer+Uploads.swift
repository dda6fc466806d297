import Foundation
import UploadCore

@testable import UploadTransfer

/// Multipart uploads that nobody has finished, and who may ask for them.
extension BucketServer {
    /// Somebody begins one.
    /// - Parameter seconds: after now, by its clock.
    /// - Returns: its id.
    @discardableResult
    func begin(_ key: String, after seconds: Int = 0, parts: Int = 0) -> String {
        withState { state in
            let id = state.begin(key, [:], at: state.now + seconds)
            for number in 0..<parts {
                state.uploads[id]?.parts[number + 1] = Object(body: [1], fields: [:], tag: "p")
            }
            return id
        }
    }

    /// Their ids.
    var unfinished: Set<String> { withState { Set($0.uploads.keys) } }

    /// A request's name in the API.
    static func operation(_ request: RawRequest) -> String {
        let query = request.target.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let names = query.split(separator: "&").map { $0.prefix { $0 != "=" } }
        return switch (request.method, names.contains("uploadId"), names.contains("uploads")) {
        case ("GET", true, _): "ListParts"
        case ("GET", _, true): "ListMultipartUploads"
        case ("GET", _, _): names.contains("list-type") ? "ListObjectsV2" : "GetObject"
        case ("PUT", true, _): "UploadPart"
        case ("PUT", _, _): request.fields["x-amz-copy-source"] == nil ? "PutObject" : "CopyObject"
        case ("POST", true, _): "CompleteMultipartUpload"
        case ("POST", _, _): "CreateMultipartUpload"
        case ("DELETE", true, _): "AbortMultipartUpload"
        case ("DELETE", _, _): "DeleteObject"
        default: "HeadObject"
        }
    }
}

extension BucketServer.State {
    mutating func begin(_ key: String, _ fields: [String: String], at time: Int) -> String {
        lastUpload += 1
        let id = "u\(lastUpload)"
        uploads[id] = (key, fields, [:])
        begun[id] = time
        return id
    }

    func denial(_ request: RawRequest) -> BucketServer.Answer? {
        guard manner.denied.contains(BucketServer.operation(request)) else { return nil }
        return request.method == "HEAD"
            ? BucketServer.Answer(kind: "HEAD", status: 403, length: 0) : error(403, "AccessDenied")
    }

    /// In the order of their keys, and of one key in that of their ids.
    func listUploads(_ query: String) -> BucketServer.Answer {
        var words: [String: String] = [:]
        for word in query.split(separator: "&") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            words[String(parts[0])] = parts.count > 1 ? String(parts[1]).removingPercentEncoding : ""
        }
        let isAsked = words["encoding-type"] == "url"
        let isEncoded = manner.encoding == .heeded && isAsked
        func written(_ key: String) -> String {
            isEncoded
                ? PercentEncoding.encode(key).replacing("%20", with: "+").replacing("%2F", with: "/")
                : S3Document.escaped(key)
        }
        let (key, id) = (words["key-marker"] ?? "", words["upload-id-marker"] ?? "")
        let all = uploads.map { (key: $0.value.key, id: $0.key) }
            .filter { $0.key.hasPrefix(words["prefix"] ?? "") }
            .filter { manner.tellsLittle ? $0.id > id : key.isEmpty || ($0.key, $0.id) > (key, id) }
            .sorted { manner.tellsLittle ? $0.id < $1.id : ($0.key, $0.id) < ($1.key, $1.id) }
        let page = all.prefix(manner.pageSize)
        let entries = page.map { upload in
            "<Upload><Key>\(written(upload.key))</Key><UploadId>\(upload.id)</UploadId>"
                + (manner.tellsLittle ? "" : "<Initiated>\(Self.time(begun[upload.id] ?? 0))</Initiated>") + "</Upload>"
        }
        var more =
            "<IsTruncated>\(page.count < all.count)</IsTruncated><Prefix>\(written(words["prefix"] ?? ""))</Prefix>"
        if page.count < all.count, let last = page.last {
            if !manner.tellsLittle { more += "<NextKeyMarker>\(written(last.key))</NextKeyMarker>" }
            more += "<NextUploadIdMarker>\(last.id)</NextUploadIdMarker>"
        }
        if isAsked, manner.encoding != .ignored { more += "<EncodingType>url</EncodingType>" }
        return BucketServer.Answer(
            kind: "uploads", fields: ["Date": Self.date(now)],
            body: "<ListMultipartUploadsResult>\(more)\(entries.joined())</ListMultipartUploadsResult>")
    }
}
