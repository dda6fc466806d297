import Crypto
import Foundation
import Synchronization

@testable import UploadTransfer

/// A bucket in memory that does what no server at hand does: keeps checksums or takes none, has a wrong clock or
/// another region, holds to conditions, and loses answers.
final class BucketServer: Sendable {
    /// What it is like.
    struct Manner: Sendable {
        /// `halfRefused`: PutObject and UploadPart take no notice of them, CreateMultipartUpload does.
        enum Checksums: Sendable { case kept, ignored, refused, halfRefused }

        var checksums = Checksums.kept
        /// Seconds that its clock is ahead.
        var ahead = 0
        /// Requests must be signed for this one.
        var region = "us-east-1"
        /// Whether If-None-Match and If-Match count.
        var holdsConditions = true
        /// Requests that are carried out, and whose answer does not come, once each: "PUT", "complete".
        var lost: Set<String> = []
        /// Objects can't be read, and HEAD is 403 for that.
        var hidesKeys = false
        /// Every so often a token ends: requests are answered 400, HEAD without saying why.
        var isExpired = false
        /// What objects say of themselves is forgotten.
        var forgetsMetadata = false
        /// The checksum that it tells of what it has put together is another's.
        var tellsAnotherSum = false
        /// Requests, by their names in the API, that nobody may make.
        var denied: Set<String> = []
        /// Entries of one page of a list of uploads.
        var pageSize = 1000
        /// What it does about "encoding-type": heed it, take no notice of it, or say that it does and not do it.
        enum Encoding: Sendable, CaseIterable { case heeded, ignored, claimed }
        var encoding = Encoding.heeded
        /// It tells no times, and where a list goes on by an id alone.
        var tellsLittle = false
        /// Conditions are compared with ETags other than it tells.
        var mistakesTags = false
        /// That a copy has failed stands in an answer that says 200.
        var failsLate = false
        /// Objects are given as a whole, whatever is asked for.
        var ignoresRanges = false
        /// An object of parts is told of by the ETag of its bytes later on.
        var forgetsParts = false
        /// Keys and prefixes on a page of a listing.
        var page = 1000
        /// Of keys in a listing with `encoding-type=url` a space is "+", and "+" is %2B, as AWS has it; else a space is
        /// %20, and "+" is one, as SeaweedFS has it.
        var plusIsSpace = true
        /// Listings are refused.
        var hidesListings = false
    }

    struct Object: Sendable {
        var body: [UInt8]
        var fields: [String: String]
        let tag: String
    }

    struct State: Sendable {
        var manner: Manner
        var objects: [String: Object] = [:]
        var uploads: [String: (key: String, fields: [String: String], parts: [Int: Object])] = [:]
        /// When they were begun, by its clock.
        var begun: [String: Int] = [:]
        var lastUpload = 0
        var seen: [RawRequest] = []
    }

    private final class Shared: Sendable {
        let state: Mutex<State>
        init(_ manner: Manner) { state = Mutex(State(manner: manner)) }
    }

    private let shared: Shared
    private let server: RawServer

    init(_ manner: Manner = Manner()) throws {
        let shared = Shared(manner)
        self.shared = shared
        server = try RawServer.answering { connection, request, body in
            let answer = shared.state.withLock { state in
                state.seen.append(request)
                let answer = state.answer(request, body)
                return state.manner.lost.remove(answer.kind) == nil ? answer : nil
            }
            guard let answer else {
                // Of one that has not begun, on a connection that was kept, libcurl makes the request again by itself.
                connection.write("HTTP/1.1 200 Word\r\nContent-Length: 9\r\n\r\n")
                return connection.hangUp()
            }
            let fields = answer.fields.map { "\($0.key): \($0.value)\r\n" }.joined()
            let length = answer.length ?? answer.body.utf8.count
            connection.write(
                "HTTP/1.1 \(answer.status) Word\r\nContent-Length: \(length)\r\n\(fields)\r\n\(answer.body)")
        }
    }

    var endpoint: String { server.url }
    var seen: [RawRequest] { shared.state.withLock(\.seen) }
    func stop() { server.stop() }

    func object(_ key: String) -> Object? { shared.state.withLock { $0.objects[key] } }

    /// Somebody else puts one there.
    func put(_ key: String, _ text: String, mark: String? = nil) {
        let fields = mark.map { [S3Mark.field: $0] } ?? [:]
        shared.state.withLock { $0.objects[key] = Object(body: Array(text.utf8), fields: fields, tag: "other") }
    }

    /// As CopyObject, which takes all along that an object says of itself.
    func copy(_ key: String, to other: String) {
        shared.state.withLock { $0.objects[other] = $0.objects[key] }
    }

    func remove(_ key: String) {
        shared.state.withLock { $0.objects[key] = nil }
    }

    func change(_ change: (inout Manner) -> Void) {
        shared.state.withLock { change(&$0.manner) }
    }

    func withState<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        shared.state.withLock { body(&$0) }
    }

    struct Answer {
        var kind: String
        var status = 200
        var fields: [String: String] = [:]
        var body = ""
        /// Of a body that does not come (HEAD).
        var length: Int?
    }
}

extension BucketServer.State {
    fileprivate mutating func answer(_ request: RawRequest, _ body: [UInt8]) -> BucketServer.Answer {
        let parts = request.target.split(separator: "?", maxSplits: 1)
        // The bucket stands in the host's name, or in the path.
        let place = request.fields["host"]?.hasPrefix("b.") == true ? "/" : "/b/"
        let key = String(parts[0].dropFirst(place.count)).removingPercentEncoding ?? ""
        let query = parts.count > 1 ? String(parts[1]) : ""
        if let refusal = refusal(request) ?? denial(request) { return refusal }
        let upload = query.split(separator: "&").first { $0.hasPrefix("uploadId=") }.map { String($0.dropFirst(9)) }
        switch request.method {
        case "GET" where query.contains("uploads="): return listUploads(query)
        case "GET" where upload == nil && !query.isEmpty:
            return manner.hidesListings ? error(403, "AccessDenied") : listing(query)
        case "GET" where upload == nil: return get(key, request)
        case "HEAD": return head(key)
        case "POST" where query.hasPrefix("uploads"):
            let number = begin(key, request.fields, at: now)
            return BucketServer.Answer(
                kind: "begin",
                body: "<InitiateMultipartUploadResult><UploadId>\(number)</UploadId></InitiateMultipartUploadResult>")
        case "PUT" where request.fields["x-amz-copy-source"] != nil:
            return copy(request, to: key, query)
        case "DELETE" where upload == nil: return delete(request, key)
        case "PUT" where upload == nil:
            if let conflict = conflict(request, key) { return conflict }
            let tag = "t\(Insecure.MD5.hash(data: body).description.suffix(32))"
            put(key, body, request.fields, tag)
            return BucketServer.Answer(kind: "PUT", fields: ["ETag": "\"\(tag)\""].merging(sums(request)) { $1 })
        default: break
        }
        guard let upload, uploads[upload] != nil else { return error(404, "NoSuchUpload") }
        switch request.method {
        case "PUT":
            let number = query.split(separator: "&").first { $0.hasPrefix("partNumber=") }.flatMap {
                Int($0.dropFirst(11))
            }
            let tag = "p\(body.count)-\(number ?? 0)"
            uploads[upload]?.parts[number ?? 0] = BucketServer.Object(body: body, fields: request.fields, tag: tag)
            return BucketServer.Answer(kind: "part", fields: ["ETag": "\"\(tag)\""].merging(sums(request)) { $1 })
        case "GET": return list(upload)
        case "DELETE":
            uploads[upload] = nil
            return BucketServer.Answer(kind: "abort", status: 204)
        default: return complete(upload, request, body)
        }
    }

    mutating func put(_ key: String, _ body: [UInt8], _ fields: [String: String], _ tag: String) {
        let kept = manner.forgetsMetadata ? fields.filter { !$0.key.hasPrefix("x-amz-meta-") } : fields
        objects[key] = BucketServer.Object(body: body, fields: kept, tag: tag)
    }

    func error(_ status: Int, _ code: String, _ more: String = "") -> BucketServer.Answer {
        BucketServer.Answer(
            kind: "error", status: status, body: "<Error><Code>\(code)</Code><Message>no</Message>\(more)</Error>")
    }

    /// Its clock, its region, and what it knows nothing of.
    private func refusal(_ request: RawRequest) -> BucketServer.Answer? {
        let scope = request.fields["authorization"]?.split(separator: "/") ?? []
        if scope.count > 2, scope[2] != manner.region {
            return error(400, "AuthorizationHeaderMalformed", "<Region>\(manner.region)</Region>")
        }
        let signed = request.fields["x-amz-date"].flatMap(Self.seconds) ?? 0
        if abs(signed - now) > 900 {
            var answer = error(403, "RequestTimeTooSkewed")
            answer.fields["Date"] = Self.date(now)
            return answer
        }
        if manner.isExpired {
            return request.method == "HEAD"
                ? BucketServer.Answer(kind: "HEAD", status: 400, length: 0) : error(400, "ExpiredToken")
        }
        let fields = request.fields.keys.filter { $0.hasPrefix("x-amz-checksum") && $0 != "x-amz-checksum-mode" }
        if manner.checksums == .refused, !fields.isEmpty { return error(501, "NotImplemented") }
        let isHalf = manner.checksums == .halfRefused && fields.contains("x-amz-checksum-algorithm")
        return isHalf ? error(400, "InvalidArgument") : nil
    }

    private static func formatter(_ format: String) -> DateFormatter {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = format
        return formatter
    }

    private static func seconds(_ text: String) -> Int? {
        formatter("yyyyMMdd'T'HHmmss'Z'").date(from: text).map { Int($0.timeIntervalSince1970) }
    }

    var now: Int { Int(Date().timeIntervalSince1970) + manner.ahead }

    static func time(_ seconds: Int) -> String {
        formatter("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").string(from: Date(timeIntervalSince1970: Double(seconds)))
    }

    static func date(_ seconds: Int) -> String {
        formatter("EEE, dd MMM yyyy HH:mm:ss 'GMT'").string(from: Date(timeIntervalSince1970: Double(seconds)))
    }

    private func sums(_ request: RawRequest) -> [String: String] {
        guard manner.checksums == .kept, let sum = request.fields[S3Checksums.field] else { return [:] }
        return [S3Checksums.field: sum]
    }

    func conflict(_ request: RawRequest, _ key: String) -> BucketServer.Answer? {
        guard manner.holdsConditions else { return nil }
        if manner.mistakesTags, request.fields["if-match"] != nil { return error(412, "PreconditionFailed") }
        if request.fields["if-none-match"] == "*", objects[key] != nil { return error(412, "PreconditionFailed") }
        guard let tag = request.fields["if-match"] else { return nil }
        guard let object = objects[key] else { return error(404, "NoSuchKey") }
        return tag == "\"\(object.tag)\"" ? nil : error(412, "PreconditionFailed")
    }

    /// Bodies are letters, in what is read.
    private func get(_ key: String, _ request: RawRequest) -> BucketServer.Answer {
        guard !manner.hidesKeys else { return error(403, "AccessDenied") }
        guard let object = objects[key] else { return error(404, "NoSuchKey") }
        if let conflict = conflict(request, key) { return conflict }
        var answer = head(key)
        answer.length = nil
        let ends = request.fields["range"]?.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) } ?? []
        guard ends.count == 2, !manner.ignoresRanges else {
            answer.body = String(decoding: object.body, as: UTF8.self)
            return answer
        }
        guard ends[0] < object.body.count else { return error(416, "InvalidRange") }
        let last = min(ends[1], object.body.count - 1)
        answer.status = 206
        answer.fields["Content-Range"] = "bytes \(ends[0])-\(last)/\(object.body.count)"
        answer.body = String(decoding: object.body[ends[0]...last].map { $0 & 0x7f }, as: UTF8.self)
        return answer
    }

    private func head(_ key: String) -> BucketServer.Answer {
        guard !manner.hidesKeys else { return BucketServer.Answer(kind: "HEAD", status: 403, length: 0) }
        guard let object = objects[key] else { return BucketServer.Answer(kind: "HEAD", status: 404, length: 0) }
        var fields = object.fields.filter { $0.key.hasPrefix("x-amz-meta-") || $0.key == "content-type" }
        fields["ETag"] = "\"\(manner.forgetsParts ? object.tag.filter { $0 != "-" } : object.tag)\""
        if manner.checksums == .kept { fields[S3Checksums.field] = object.fields[S3Checksums.field] }
        return BucketServer.Answer(kind: "HEAD", fields: fields, length: object.body.count)
    }

    private func list(_ upload: String) -> BucketServer.Answer {
        let parts = (uploads[upload]?.parts ?? [:]).sorted { $0.key < $1.key }.map { number, part in
            let sum = manner.checksums == .kept ? part.fields[S3Checksums.field] : nil
            return "<Part><PartNumber>\(number)</PartNumber><ETag>\"\(part.tag)\"</ETag><Size>\(part.body.count)</Size>"
                + (sum.map { "<ChecksumCRC64NVME>\($0)</ChecksumCRC64NVME>" } ?? "") + "</Part>"
        }
        return BucketServer.Answer(kind: "parts", body: "<ListPartsResult>\(parts.joined())</ListPartsResult>")
    }

    private mutating func complete(_ upload: String, _ request: RawRequest, _ body: [UInt8]) -> BucketServer.Answer {
        guard let (key, fields, parts) = uploads[upload] else { return error(404, "NoSuchUpload") }
        if let conflict = conflict(request, key) { return conflict }
        let listed = S3Document.parse(body)?.all("Part") ?? []
        var bytes: [UInt8] = []
        for part in listed {
            guard let number = part["PartNumber"].flatMap({ Int($0.text) }), let known = parts[number],
                part["ETag"]?.text == "\"\(known.tag)\""
            else { return error(400, "InvalidPart") }
            bytes += known.body
        }
        var sum = CRC64NVME()
        bytes.withUnsafeBytes { sum.update($0) }
        if let told = request.fields[S3Checksums.field], told != sum.text { return error(400, "BadDigest") }
        let told = manner.tellsAnotherSum ? CRC64NVME().text : sum.text
        var all = fields
        if manner.checksums == .kept { all[S3Checksums.field] = told }
        put(key, bytes, all, "m-\(listed.count)")
        uploads[upload] = nil
        let kept = manner.checksums == .kept ? "<ChecksumCRC64NVME>\(told)</ChecksumCRC64NVME>" : ""
        return BucketServer.Answer(
            kind: "complete",
            body:
                "<CompleteMultipartUploadResult><ETag>\"m-\(listed.count)\"</ETag>\(kept)</CompleteMultipartUploadResult>"
        )
    }
}
