/// The head of an HTTP/1.1 message (RFC 9112): start line and fields, the bytes kept as they came.
struct HTTPHead {
    let bytes: [UInt8]
    let startLine: [Substring]
    let fields: [RequestHead.Field]

    /// The longest head that is taken; longer ones break the connection.
    static let longest = 64 << 10

    /// Takes a whole head off the front of `buffer`.
    /// - Returns: nil while it is not all there.
    static func take(from buffer: inout [UInt8]) -> HTTPHead? {
        let end = Array("\r\n\r\n".utf8)
        guard let range = buffer.firstRange(of: end) else { return nil }
        let bytes = Array(buffer[..<range.upperBound])
        buffer.removeFirst(bytes.count)
        let lines = String(decoding: bytes.dropLast(4), as: UTF8.self).split(separator: "\r\n")
        let fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
            return RequestHead.Field(name: parts[0].lowercased(), value: String(value))
        }
        return HTTPHead(
            bytes: bytes, startLine: lines.first?.split(separator: " ", maxSplits: 2) ?? [], fields: fields)
    }

    func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    var isChunked: Bool { value("transfer-encoding")?.lowercased().contains("chunked") ?? false }
    var contentLength: Int64? { value("content-length").flatMap { Int64($0) } }
    var closes: Bool { value("connection")?.lowercased() == "close" }
    /// Of a response.
    var status: Int? { startLine.count > 1 ? Int(startLine[1]) : nil }

    /// nil when it is no request.
    var request: RequestHead? {
        guard startLine.count == 3, startLine[2].hasPrefix("HTTP/1.") else { return nil }
        let parts = startLine[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return RequestHead(
            method: String(startLine[0]), path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "",
            fields: fields, contentLength: isChunked ? nil : contentLength ?? 0)
    }

    var requestBody: BodyFraming { isChunked ? .chunked(ChunkedBody()) : .length(contentLength ?? 0) }

    /// RFC 9112, section 6.3.
    func responseBody(to method: String) -> BodyFraming {
        if method == "HEAD" || status == 204 || status == 304 { return .length(0) }
        if isChunked { return .chunked(ChunkedBody()) }
        return contentLength.map { .length($0) } ?? .untilClose
    }
}

/// Finds the end of a message's body in a stream of bytes, without keeping any.
enum BodyFraming {
    case length(Int64)
    case chunked(ChunkedBody)
    case untilClose

    var isComplete: Bool {
        switch self {
        case .length(let rest): rest == 0
        case .chunked(let body): body.isComplete
        case .untilClose: false
        }
    }

    /// - Returns: how many bytes of the front belong to the body.
    mutating func consume(_ bytes: ArraySlice<UInt8>) -> Int {
        switch self {
        case .length(let rest):
            let count = Int(min(rest, Int64(bytes.count)))
            self = .length(rest - Int64(count))
            return count
        case .chunked(var body):
            let count = body.consume(bytes)
            self = .chunked(body)
            return count
        case .untilClose:
            return bytes.count
        }
    }
}

/// Transfer-Encoding: chunked (RFC 9112, section 7.1), with trailers.
struct ChunkedBody {
    private enum State {
        case line(String)
        case data(Int)
        /// The CRLF after a chunk's data.
        case dataEnd
        case trailer(String)
        case complete
    }

    private var state = State.line("")

    var isComplete: Bool {
        if case .complete = state { true } else { false }
    }

    mutating func consume(_ bytes: ArraySlice<UInt8>) -> Int {
        var rest = bytes
        while !isComplete, let byte = rest.first {
            switch state {
            case .data(let count):
                let taken = min(count, rest.count)
                rest = rest.dropFirst(taken)
                state = taken == count ? .dataEnd : .data(count - taken)
            case .line(let line):
                rest = rest.dropFirst()
                state = Self.afterSizeLine(line, byte)
            case .dataEnd:
                rest = rest.dropFirst()
                if byte == UInt8(ascii: "\n") { state = .line("") }
            case .trailer(let line):
                rest = rest.dropFirst()
                if byte == UInt8(ascii: "\n") {
                    state = line.isEmpty ? .complete : .trailer("")
                } else if byte != UInt8(ascii: "\r") {
                    state = .trailer(line + String(UnicodeScalar(byte)))
                }
            case .complete:
                break
            }
        }
        return bytes.count - rest.count
    }

    private static func afterSizeLine(_ line: String, _ byte: UInt8) -> State {
        guard byte == UInt8(ascii: "\n") else { return .line(line + String(UnicodeScalar(byte))) }
        let size = Int(line.prefix { $0.isHexDigit }, radix: 16) ?? 0
        return size == 0 ? .trailer("") : .data(size)
    }
}
