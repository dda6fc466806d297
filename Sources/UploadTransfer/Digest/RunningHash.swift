import CChecksum
import Crypto

/// A SHA-256 that grows, alone or beside another one that takes in the same bytes.
///
/// Whoever sends a file in parts wants the digest of each part and that of the whole: half of what an upload costs this
/// machine. swift-crypto's hashes one at a time and shows nothing of its inside, so where the processor has the
/// instructions both are done here, in one go; elsewhere it is swift-crypto that hashes, twice.
struct RunningHash: Sendable {
    private var kind: Kind

    private enum Kind: Sendable {
        case library(SHA256)
        case paired(BlockHash)
    }

    /// This processor has the instructions.
    static let isPaired = sha256_pair_works() != 0

    /// - Parameter isPaired: of tests: as on a processor without the instructions.
    init(isPaired: Bool = true) {
        kind = isPaired && Self.isPaired ? .paired(BlockHash()) : .library(SHA256())
    }

    /// Both take in the same.
    static func update(_ one: inout Self, _ other: inout Self, with bytes: UnsafeRawBufferPointer) {
        if case .paired(var first) = one.kind, case .paired(var second) = other.kind {
            BlockHash.update(&first, &second, with: bytes)
            one.kind = .paired(first)
            other.kind = .paired(second)
        } else {
            one.update(with: bytes)
            other.update(with: bytes)
        }
    }

    private mutating func update(with bytes: UnsafeRawBufferPointer) {
        switch kind {
        case .library(var hasher):
            hasher.update(bufferPointer: bytes)
            kind = .library(hasher)
        case .paired(var hash):
            hash.update(with: bytes)
            kind = .paired(hash)
        }
    }

    /// Of all that was taken in, 32 bytes.
    var value: [UInt8] {
        switch kind {
        case .library(let hasher): Array(hasher.finalize())
        case .paired(let hash): hash.value
        }
    }
}

/// SHA-256 in blocks (FIPS 180-4), as `sha256_pair_take` computes it.
private struct BlockHash: Sendable {
    /// H0 to H7 (5.3.3).
    private var words: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    /// Bytes so far.
    private var count: UInt64 = 0
    /// Those behind the last whole block.
    private var tail: [UInt8] = []

    private static let blockSize = 64

    static func update(_ one: inout Self, _ other: inout Self, with bytes: UnsafeRawBufferPointer) {
        // A chunk whose size is no multiple of a block's: rare, and then each for itself.
        guard one.tail.isEmpty, other.tail.isEmpty else {
            one.update(with: bytes)
            return other.update(with: bytes)
        }
        sha256_pair_take(&one.words, &other.words, bytes.baseAddress, bytes.count / blockSize)
        let rest = bytes.suffix(bytes.count % blockSize)
        one.tail += rest
        other.tail += rest
        one.count += UInt64(bytes.count)
        other.count += UInt64(bytes.count)
    }

    mutating func update(with bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        if !tail.isEmpty {
            let missing = rest.prefix(Self.blockSize - tail.count)
            tail += missing
            rest = rest.dropFirst(missing.count)
            if tail.count == Self.blockSize {
                tail.withUnsafeBytes { take($0) }
                tail = []
            }
        }
        let whole = rest.count - rest.count % Self.blockSize
        take(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
        tail += rest.dropFirst(whole)
        count += UInt64(bytes.count)
    }

    /// - Parameter blocks: whole ones.
    private mutating func take(_ blocks: UnsafeRawBufferPointer) {
        // Beside one that nobody looks at.
        var other = words
        sha256_pair_take(&words, &other, blocks.baseAddress, blocks.count / Self.blockSize)
    }

    /// The message is followed by a one, zeros up to 8 bytes before a block's end, and its length in bits (5.1.1).
    var value: [UInt8] {
        var end = tail + [0x80]
        end += Array(repeating: 0, count: (2 * Self.blockSize - 8 - end.count) % Self.blockSize)
        withUnsafeBytes(of: (count * 8).bigEndian) { end += $0 }
        var last = self
        end.withUnsafeBytes { last.take($0) }
        return last.words.flatMap { word in withUnsafeBytes(of: word.bigEndian, Array.init) }
    }
}
