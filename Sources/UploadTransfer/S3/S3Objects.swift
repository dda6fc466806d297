import HTTPTypes
import UploadCore

/// An object as the server tells of it.
struct S3Object: Sendable, Hashable {
    /// Without quotes.
    let tag: String
    let isWeak: Bool
    let size: Int64
    /// The mark of who put it there; nil: not one of ours.
    let mark: S3Mark?
    /// Of all its bytes; nil: it keeps none.
    let checksum: CRC64NVME?
    let contentType: String?
    /// What it says of its file, as `ObjectDescription.s3Fields` has it.
    var modifiedText: String?
    var modeText: String?
}

/// What a key has.
enum S3Holding: Sendable, Hashable {
    case nothing
    case object(S3Object)
    /// Not for us to know: keys may be written, and not be read.
    case untold
}

extension S3Endpoint {
    /// HeadObject; and GetObject of one byte, where that gives no reason why it fails (it has no body): the credentials
    /// may be over, the clock wrong, or nobody may ask.
    func object(_ key: String) async throws(DestinationError) -> S3Holding {
        let fields = [(name: "x-amz-checksum-mode", value: "ENABLED")]
        var request = S3Request(method: .head, key: key, fields: fields, operation: "head")
        request.isExplained = false
        let head = try await answer(request)
        if head.status == 404 { return .nothing }
        if head.isSuccess {
            guard let size = head.fields[.contentLength].flatMap({ Int64($0) }) else {
                throw .malformed(detail: "an object is told of without its size")
            }
            return try Self.object(head, size)
        }
        guard head.status == 400 || head.status == 403 else { throw S3Failures.error(head) }
        let first = try await answer(
            S3Request(method: .get, key: key, fields: fields + [("range", "bytes=0-0")], operation: "head"))
        if first.status == 404 { return .nothing }
        // It is there, and empty; or nobody may know.
        if first.status == 416 || S3Failures.report(first)?.code == "AccessDenied" { return .untold }
        guard first.isSuccess else { throw S3Failures.error(first) }
        guard let whole = first.fields[.contentRange]?.split(separator: "/").last.flatMap({ Int64($0) }) else {
            throw .malformed(detail: "a part of an object is told without its size")
        }
        return try Self.object(first, whole)
    }

    private static func object(_ response: TransferResponse, _ size: Int64) throws(DestinationError) -> S3Holding {
        guard let tag = response.fields[.eTag] else { throw .malformed(detail: "an object is told of without an ETag") }
        func field(_ name: String) -> String? { HTTPField.Name(name).flatMap { response.fields[$0] } }
        return .object(
            S3Object(
                tag: unquoted(tag.hasPrefix("W/") ? String(tag.dropFirst(2)) : tag), isWeak: tag.hasPrefix("W/"),
                size: size, mark: field(S3Mark.field).map { S3Mark($0) },
                checksum: field(S3Checksums.field).flatMap { CRC64NVME($0) }, contentType: field("content-type"),
                modifiedText: field(S3Metadata.modified), modeText: field(S3Metadata.mode)))
    }

    /// An ETag: some servers quote it in one answer, and not in another.
    static func unquoted(_ tag: String) -> String {
        tag.count > 1 && tag.hasPrefix("\"") && tag.hasSuffix("\"") ? String(tag.dropFirst().dropLast()) : tag
    }
}
