/// Which content types are taken.
package struct ContentRules: Sendable, Hashable {
    /// "image/png", "image/*", "*/*"; empty: all.
    package let patterns: [String]

    package init(_ patterns: [String] = []) {
        self.patterns = patterns.map { $0.lowercased() }
    }

    /// - Parameter type: parameters ("; charset=utf-8") don't matter, nor does case.
    package func allow(_ type: String) -> Bool {
        guard !patterns.isEmpty else { return true }
        let essence = type.prefix { $0 != ";" && $0 != " " }.lowercased()
        return patterns.contains { pattern in
            if pattern == "*/*" || pattern == "*" { return true }
            return pattern.hasSuffix("/*") ? essence.hasPrefix(pattern.dropLast()) : essence == pattern
        }
    }
}

extension ContentType {
    /// Bytes from a file's begin that `evident` wants to see.
    package static let evidence = 16

    /// What the first bytes say, where they leave no doubt; nil: they say nothing.
    ///
    /// Formats that are containers of others (zip, gzip, the family of MP4) are left out: what their name says goes.
    package static func evident(in bytes: some Collection<UInt8>) -> String? {
        signatures.first { bytes.starts(with: $0.bytes) }?.type
    }

    /// Of each format's specification.
    private static let signatures: [(bytes: [UInt8], type: String)] = [
        ([0x89] + Array("PNG\r\n".utf8) + [0x1A, 0x0A], "image/png"),
        ([0xFF, 0xD8, 0xFF], "image/jpeg"),
        (Array("GIF87a".utf8), "image/gif"),
        (Array("GIF89a".utf8), "image/gif"),
        (Array("%PDF-".utf8), "application/pdf"),
        ([0x7F] + Array("ELF".utf8), "application/x-executable"),
        (Array("MZ".utf8), "application/vnd.microsoft.portable-executable"),
        (Array("#!/".utf8), "text/x-shellscript"),
    ]
}
