import Crypto
import FoundationEssentials

/// A SHA-256 digest as RFC 9530 (Content-Digest) writes it: "sha-256=:BASE64:".
enum ContentDigest {
    static func text(_ digest: SHA256.Digest) -> String {
        "sha-256=:\(Data(digest).base64EncodedString()):"
    }
}
