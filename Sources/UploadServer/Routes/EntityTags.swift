/// Entity tags: the digest of the content in quotes, so a strong one (RFC 9110, section 8.8.3).
enum EntityTags {
    static func tag(of digest: ContentDigest) -> String { "\"\(digest.hex)\"" }

    /// If-None-Match, and If-Match: a list, or "*" for anything that is there.
    /// - Parameter strongly: as If-Match wants it; else weakly, as the other one does.
    static func match(_ field: String?, _ tag: String, strongly: Bool = false) -> Bool {
        guard let field else { return false }
        return field.split(separator: ",").contains { candidate in
            let candidate = candidate.drop { $0 == " " || $0 == "\t" }
            let trimmed = candidate.prefix { $0 != " " && $0 != "\t" }
            return trimmed == "*" || trimmed == tag
                || (!strongly && trimmed.hasPrefix("W/") && trimmed.dropFirst(2) == tag)
        }
    }
}
