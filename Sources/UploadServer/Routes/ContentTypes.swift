/// Content types as a server may restrict them.
enum ContentTypes {
    static let unknown = "application/octet-stream"

    /// - Parameter patterns: "image/png", "image/*", "*/*"; empty: everything is allowed. Parameters
    ///   ("; charset=utf-8") don't matter, nor does case.
    static func allow(_ type: String, patterns: [String]) -> Bool {
        guard !patterns.isEmpty else { return true }
        let essence = type.prefix { $0 != ";" && $0 != " " }.lowercased()
        return patterns.contains { pattern in
            let pattern = pattern.lowercased()
            if pattern == "*/*" || pattern == "*" { return true }
            return pattern.hasSuffix("/*") ? essence.hasPrefix(pattern.dropLast()) : essence == pattern
        }
    }

    /// It will stand in a response's header and in an attribute of the file: a line of visible ASCII.
    static func isPresentable(_ type: String) -> Bool {
        (1...255).contains(type.utf8.count) && type.utf8.allSatisfy { (32...126).contains($0) }
    }
}
