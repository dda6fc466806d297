import HTTPTypes

/// Header fields that swift-http-types has no names for. Made from parts that are known to be names, the
/// failable initializer has nothing to fail on; the fallback is never reached, and is no trap if it were.
extension HTTPField.Name {
    /// RFC 9530.
    static let contentDigest = Self("Content-Digest") ?? .contentType
    static let reprDigest = Self("Repr-Digest") ?? .contentType
    /// The object's time of change: seconds since 1970 with a fraction.
    static let uploadModified = Self("X-Upload-Mtime") ?? .contentType
    /// The client's own count of what it publishes, "RUN/NUMBER".
    static let uploadOrder = Self("X-Upload-Order") ?? .contentType
    /// The object's permissions, octal.
    static let uploadMode = Self("X-Upload-Mode") ?? .contentType
}
