import Crypto
import FoundationEssentials

/// A SHA-256, kept in 32 bytes inline: a session has one for every chunk.
struct ContentDigest: Hashable, Sendable {
    private let words: SIMD4<UInt64>

    static let length = 32

    /// - Returns: nil unless there are just 32 bytes.
    init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        self.init(exactly: bytes)
    }

    init(_ digest: SHA256Digest) {
        self.init(exactly: Array(digest))
    }

    private init(exactly bytes: some Collection<UInt8>) {
        var words = SIMD4<UInt64>()
        for (position, byte) in bytes.enumerated() {
            words[position / 8] = words[position / 8] << 8 | UInt64(byte)
        }
        self.words = words
    }

    /// - Returns: nil unless it is 64 hexadecimal digits.
    init?(hex: some StringProtocol) {
        guard hex.utf8.count == Self.length * 2 else { return nil }
        var bytes: [UInt8] = []
        for (position, digit) in hex.utf8.enumerated() {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue else { return nil }
            if position % 2 == 0 {
                bytes.append(UInt8(value) << 4)
            } else {
                bytes[position / 2] |= UInt8(value)
            }
        }
        self.init(exactly: bytes)
    }

    var bytes: [UInt8] {
        (0..<Self.length).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> (56 - 8 * UInt64($0 % 8))) }
    }

    var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// "sha-256=:BASE64:", as RFC 9530 writes it in fields and as we write it in JSON.
    var field: String { "sha-256=:\(Data(bytes).base64EncodedString()):" }
}
