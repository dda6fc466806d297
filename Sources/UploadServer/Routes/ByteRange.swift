/// What a Range field asks of a representation (RFC 9110, section 14). One range is served; of several, which a
/// server may ignore, the whole is.
enum ByteRange: Hashable, Sendable {
    case whole
    case part(Range<Int64>)
    /// 416: it begins beyond the end.
    case unsatisfiable

    /// | field | of 10 bytes |
    /// | --- | --- |
    /// | `bytes=2-4` | 2 ..< 5 |
    /// | `bytes=7-` | 7 ..< 10 |
    /// | `bytes=-3` | 7 ..< 10 |
    /// | `bytes=5-99` | 5 ..< 10 |
    /// | `bytes=10-` or `bytes=-0` | unsatisfiable |
    /// | anything that is not a range of bytes | whole |
    static func parse(_ field: String?, size: Int64) -> ByteRange {
        guard let field, field.lowercased().hasPrefix("bytes=") else { return .whole }
        let ends = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = position(ends[0]), let last = position(ends[1]) else { return .whole }
        switch (first, last) {
        case (nil, nil):
            return .whole
        case (nil, let count?):
            return count == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - count)..<size)
        case (let first?, nil):
            return first < size ? .part(first..<size) : .unsatisfiable
        case (let first?, let last?):
            guard first <= last else { return .whole }
            return first < size ? .part(first..<min(size - 1, last) + 1) : .unsatisfiable
        }
    }

    /// - Returns: nil for what is no number, a nil in it for what is not there. More than 64 bits is beyond every end.
    private static func position(_ text: Substring) -> Int64?? {
        if text.isEmpty { return .some(nil) }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return .some(Int64(text) ?? Int64.max)
    }
}
