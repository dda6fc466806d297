import UploadCore

/// Facts that travel with an object: when it was changed, and its permissions.
struct ObjectMetadata: Sendable, Hashable {
    /// nil: the moment of publishing.
    var modified: Timestamp?
    /// nil: 0644.
    var mode: UInt32?
    /// nil: whoever comes last.
    var order: PublishNumber?

    static let none = ObjectMetadata()

    /// What the object gets: permission bits only, no setuid and no sticky bit, and readable for its owner, since
    /// the server has to serve it.
    var permissions: UInt32 { (mode ?? 0o644) & 0o777 | 0o400 }

    private init() {}

    /// - Parameters:
    ///   - mtime: seconds since 1970 with a fraction, "1700000000.25".
    ///   - mode: octal, "644" or "100644".
    ///   - order: the client's count, "RUN/NUMBER".
    /// - Returns: nil when one of them can't be read.
    init?(mtime: String?, mode: String?, order: String? = nil) {
        if let order {
            guard let number = PublishNumber(order) else { return nil }
            self.order = number
        }
        if let mtime {
            guard let modified = Self.parseSeconds(mtime) else { return nil }
            self.modified = modified
        }
        if let mode {
            guard !mode.isEmpty, mode.utf8.allSatisfy({ (48...55).contains($0) }), let bits = UInt32(mode, radix: 8)
            else { return nil }
            self.mode = bits
        }
    }

    private static func parseSeconds(_ text: String) -> Timestamp? {
        let isNegative = text.hasPrefix("-")
        let parts = text.dropFirst(isNegative ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first, (1...2).contains(parts.count),
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            // Beyond this (the year 2262) the nanoseconds do not fit 64 bits.
            let seconds = Int64(whole), seconds < Int64.max / 1_000_000_000
        else { return nil }
        let digits = parts.count == 2 ? String(parts[1].prefix(9)) : "0"
        guard let fraction = Int64(digits + String(repeating: "0", count: 9 - digits.count)) else { return nil }
        let moment = seconds * 1_000_000_000 + fraction
        return Timestamp(nanoseconds: isNegative ? -moment : moment)
    }
}
