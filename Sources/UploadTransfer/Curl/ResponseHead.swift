import HTTPTypes

/// Status line and header fields, line by line as libcurl hands them over (CURLOPT_HEADERFUNCTION(3)).
struct ResponseHead {
    private(set) var status = 0
    private(set) var fields = HTTPFields()
    /// The final head has been read to its end; what follows are trailers, which say nothing to us.
    private(set) var isComplete = false
    private var length = 0

    /// More than this is nobody's honest answer.
    private static let maximumLength = 64 << 10

    /// - Returns: false when the head is too long or no head at all.
    mutating func take(_ bytes: some Collection<UInt8>) -> Bool {
        length += bytes.count
        guard length <= Self.maximumLength else { return false }
        guard !isComplete else { return true }
        let line = String(decoding: bytes, as: UTF8.self).trimmingSuffix(while: \.isWhitespace)
        if line.hasPrefix("HTTP/") { return begin(line) }
        if line.isEmpty {
            // 1xx are announcements: the head we wait for is still to come.
            isComplete = status >= 200
            return true
        }
        addField(line)
        return true
    }

    private mutating func begin(_ line: Substring) -> Bool {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, let code = Int(words[1]), 100..<1000 ~= code else { return false }
        status = code
        fields = HTTPFields()
        return true
    }

    /// A line that is no field is skipped: it can't change what the status says.
    private mutating func addField(_ line: Substring) {
        guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else { return }
        let value = line[line.index(after: colon)...].drop(while: \.isWhitespace)
        fields.append(HTTPField(name: name, value: String(value)))
    }
}

extension String {
    fileprivate func trimmingSuffix(while isTail: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let last = rest.last, isTail(last) { rest.removeLast() }
        return rest
    }
}
