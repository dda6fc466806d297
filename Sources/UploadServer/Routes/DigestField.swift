import FoundationEssentials

/// The field value of Content-Digest and Repr-Digest: a structured-field dictionary of byte sequences,
/// `sha-256=:BASE64:` (RFC 9530, section 2; RFC 8941). Of the algorithms only sha-256 is taken.
enum DigestField {
    /// - Returns: nil when it can't be read, or has no sha-256 of 32 bytes. Of several, the last holds (RFC 8941, 3.2).
    static func parse(_ value: String) -> ContentDigest? {
        var found: ContentDigest?
        for member in value.split(separator: ",", omittingEmptySubsequences: false) {
            let member = member.drop { $0 == " " || $0 == "\t" }
            guard let equals = member.firstIndex(of: "="), equals != member.startIndex else { return nil }
            guard let bytes = byteSequence(member[member.index(after: equals)...]) else { return nil }
            if member[..<equals] == "sha-256" {
                guard let digest = ContentDigest(bytes: bytes) else { return nil }
                found = digest
            }
        }
        return found
    }

    /// `:BASE64:`, and perhaps parameters after it, which mean nothing to us.
    private static func byteSequence(_ item: Substring) -> Data? {
        guard item.first == ":", let end = item.dropFirst().firstIndex(of: ":") else { return nil }
        let rest = item[item.index(after: end)...].drop { $0 == " " || $0 == "\t" }
        guard rest.isEmpty || rest.first == ";" else { return nil }
        return Data(base64Encoded: String(item[item.index(after: item.startIndex)..<end]))
    }
}
