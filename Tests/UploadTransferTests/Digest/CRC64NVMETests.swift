import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

@Suite("CRC-64/NVME")
struct CRC64NVMETests {
    private func sum(_ bytes: some Collection<UInt8>) -> CRC64NVME {
        var sum = CRC64NVME()
        Array(bytes).withUnsafeBytes { sum.update($0) }
        return sum
    }

    /// As its definition has it: bit by bit.
    private func plain(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var value = UInt64.max
        for byte in bytes {
            value ^= UInt64(byte)
            for _ in 0..<8 { value = (value >> 1) ^ (value & 1 == 1 ? 0x9A6C_9329_AC4B_C9B5 : 0) }
        }
        return ~value
    }

    @Test("The check value of the catalogue, and how S3 writes it")
    func check() throws {
        let check = sum("123456789".utf8)
        #expect(check.value == 0xae8b_1486_0a79_9888)
        #expect(check.text == "rosUhgp5mIg=" && CRC64NVME(check.text) == check)
        #expect(sum([]).value == 0)
        for text in ["", "rosUhgp5mA==", "no base 64!", "rosUhgp5mIgA"] { #expect(CRC64NVME(text) == nil) }
    }

    @Test("It is that of its definition for each length, wherever it is cut in two")
    func lengths() {
        let bytes = TemporaryFile.bytes(count: 700, seed: 3)
        for length in 0...700 {
            let whole = sum(bytes.prefix(length))
            #expect(whole.value == plain(bytes.prefix(length)))
            let cut = length * 5 / 7
            var pieces = sum(bytes.prefix(cut))
            pieces.append(sum(bytes[cut..<length]), length: Int64(length - cut))
            #expect(pieces == whole)
        }
    }

    @Test("The bytes of a chunk are summed up in the pass that makes its digest")
    func pass() async throws {
        let file = try TemporaryFile(size: 300_000)
        let lane = HashingLanes(count: 1).lane()
        let (_, digest) = try await lane.digest(of: file, size: nil, checksum: true)
        #expect(digest.crc64 == sum(try file.contents()))
        let session = SessionDigests(lane)
        let chunk = ChunkRef(index: 0, generation: 1, range: 0..<200_000)
        let before = file.bytesRead.value
        let piece = try await session.digest(of: chunk, content: file, checksum: true)
        #expect(file.bytesRead.value == before + 200_000)
        #expect(piece.crc64 == sum(try file.contents().prefix(200_000)) && piece.sha256 != digest.sha256)
    }
}
