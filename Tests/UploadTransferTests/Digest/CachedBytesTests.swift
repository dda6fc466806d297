import CLinux
import Crypto
import Glibc
import Testing
import UploadCore

@testable import UploadTransfer

@Suite("Small files are hashed where they are asked for")
struct CachedBytesTests {
    @Test("as others are, from what the page cache has", arguments: [Int64(0), 1, 16_384, CachedBytes.most])
    func same(_ size: Int64) async throws {
        let file = try TemporaryFile(size: size)
        let bytes = try file.bytes(Int(size), at: 0)
        var byte: UInt8 = 0
        let isTold = clinux_read_cached(file.descriptor, &byte, 1, 0) >= 0
        #expect(CachedBytes.all(of: file, size: size) == (isTold || size == 0 ? bytes : nil))
        let (count, digest) = try await HashingLanes(count: 1).lane().digest(of: file, size: size, checksum: true)
        var crc = CRC64NVME()
        bytes.withUnsafeBytes { crc.update($0) }
        #expect(count == size && digest.sha256 == Array(SHA256.hash(data: bytes)) && digest.crc64 == crc)
        #expect(PieceDigest(of: bytes, checksum: true) == digest)
        #expect(PieceDigest(of: bytes, checksum: false).crc64 == nil)
    }

    @Test("but not when they are longer, or have fewer bytes than they should, or can't be read")
    func others() throws {
        let file = try TemporaryFile(size: CachedBytes.most + 1)
        #expect(CachedBytes.all(of: file, size: CachedBytes.most + 1) == nil)
        let short = try TemporaryFile(size: 10)
        #expect(CachedBytes.all(of: short, size: 11) == nil)
        #expect(CachedBytes.all(of: Unreadable(), size: 1) == nil)
    }

    /// A spool file that was never opened.
    private final class Unreadable: SpoolFile {
        let version = VersionID(1)
        let descriptor: Int32 = -1

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SpoolError) -> Int { 0 }
        func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SpoolError) {}
        func truncate(to size: Int64) throws(SpoolError) {}
        func punch(_ range: Range<Int64>) throws(SpoolError) {}
        func allocate(_ range: Range<Int64>, keepingSize: Bool) throws(SpoolError) {}
        func next(_ kind: SpoolExtent, from offset: Int64) throws(SpoolError) -> Int64? { nil }
        func measure() {}
        func size() throws(SpoolError) -> Int64 { 0 }
        func synchronize() throws(SpoolError) {}
    }
}
