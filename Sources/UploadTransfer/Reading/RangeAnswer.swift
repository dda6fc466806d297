import HTTPTypes
import UploadCore

/// A request for a part of an object (RFC 9110, section 14), and what is taken for an answer.
struct RangeAnswer: Sendable {
    /// Not empty, and within the object.
    let range: Range<Int64>
    /// Bytes of the whole object.
    let size: Int64

    /// Of the Range field.
    var field: String { "bytes=\(range.lowerBound)-\(range.upperBound - 1)" }

    /// Bytes of an answer that are read: also a refusal has to say why.
    var limit: Int { max(range.count, 64 << 10) }

    /// - Returns: all bytes of the range; nil for an answer that is judged by the protocol's own table.
    /// - Throws: `objectChanged` when it is of an object of another size.
    func bytes(_ response: TransferResponse) throws(DestinationError) -> [UInt8]? {
        switch response.status {
        // Some call it 200, and say all the same which part it is (rclone's server).
        case 200 where response.fields[.contentRange] != nil, 206:
            guard let told = response.fields[.contentRange].flatMap(ContentRange.init) else {
                throw .malformed(detail: "a part was answered without its place")
            }
            guard told.size == nil || told.size == size else { throw .objectChanged }
            guard told.range == range, response.body.count == range.count else {
                throw .malformed(detail: "asked for \(field), it answered \(response.fields[.contentRange] ?? "")")
            }
            return response.body
        case 200:
            // The whole, of which no more is read than is wanted: what begins it is what it begins with.
            if let whole = response.fields[.contentLength].flatMap({ Int64($0) }), whole != size {
                throw .objectChanged
            }
            guard range.lowerBound == 0, response.body.count >= range.count else {
                throw .rejected(
                    Rejection(
                        status: 200, cause: .other,
                        detail: "it gives files as a whole, and no parts of them (Range is not supported)"))
            }
            return Array(response.body.prefix(range.count))
        // A condition that does not hold, or a range beyond the end.
        case 412, 416: throw .objectChanged
        default: return nil
        }
    }
}

/// The field Content-Range: "bytes 0-9/100".
struct ContentRange: Sendable, Hashable {
    let range: Range<Int64>
    /// Of the whole; nil: not said.
    let size: Int64?

    init?(_ text: String) {
        guard text.lowercased().hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Int64(ends[0]), let last = Int64(ends[1]), first >= 0, last >= first,
            last < .max, parts[1] == "*" || Int64(parts[1]) != nil
        else { return nil }
        range = first..<last + 1
        size = Int64(parts[1])
    }
}
