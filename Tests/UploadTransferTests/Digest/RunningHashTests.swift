import Crypto
import Testing

@testable import UploadTransfer

@Suite("Two SHA-256 of the same bytes")
struct RunningHashTests {
    private static func hash(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    @Test(
        "are those of swift-crypto, however long the message and however it is cut",
        arguments: Set([RunningHash.isPaired, false]))
    func same(isPaired: Bool) {
        let bytes = TemporaryFile.bytes(count: 70_000, seed: 3)
        // Around the ends of blocks, and of the padding.
        for length in Array(0...200) + [1000, 4096, 65_535, 65_536, 65_537, 70_000] {
            for piece in [1, 55, 63, 64, 65, 128, 4096, 70_000] where piece > 1 || length <= 200 {
                var one = RunningHash(isPaired: isPaired)
                var other = RunningHash(isPaired: isPaired)
                var begin = 0
                while begin < length {
                    let end = min(length, begin + piece)
                    bytes[begin..<end].withUnsafeBytes { RunningHash.update(&one, &other, with: $0) }
                    begin = end
                }
                let wanted = Self.hash(Array(bytes.prefix(length)))
                RunningHash.update(&one, &other, with: UnsafeRawBufferPointer(start: nil, count: 0))
                #expect(one.value == wanted && other.value == wanted, "\(length) bytes by \(piece)")
            }
        }
    }

    @Test("that began at different places stay apart", arguments: [0, 1, 63, 64, 100, 8192])
    func apart(_ before: Int) {
        let bytes = TemporaryFile.bytes(count: 20_000, seed: 4)
        var whole = RunningHash()
        var first = RunningHash()
        bytes[..<before].withUnsafeBytes { RunningHash.update(&first, &whole, with: $0) }
        var second = RunningHash()
        bytes[before...].withUnsafeBytes { RunningHash.update(&second, &whole, with: $0) }
        #expect(first.value == Self.hash(Array(bytes[..<before])))
        #expect(second.value == Self.hash(Array(bytes[before...])))
        #expect(whole.value == Self.hash(bytes))
        // A value is of now: more may follow.
        bytes.withUnsafeBytes { RunningHash.update(&second, &whole, with: $0) }
        #expect(whole.value == Self.hash(bytes + bytes))
    }
}
