import Glibc
import Testing
import UploadCore

@testable import UploadTransfer

/// The digest of a whole file, grown while its chunks are sent in whatever order.
struct RollingDigestTests {
    private static let chunkSize: Int64 = 300_000
    private static let size: Int64 = 2_000_000

    private static func chunk(_ index: Int, generation: UInt32 = 1, size: Int64 = size) -> ChunkRef {
        let range = ChunkSchedule.equal(chunkSize).range(of: index)
        return ChunkRef(index: index, generation: generation, range: range.clamped(to: 0..<size))
    }

    private static let all = (0..<7).map { chunk($0) }

    /// What finishing has to read after `order` was sent; the digest must be right in any case.
    private func bytesLeft(after order: [ChunkRef], finishing chunks: [ChunkRef] = all) throws -> Int64 {
        let file = try TemporaryFile(size: Self.size)
        var rolling = RollingDigest()
        for chunk in order {
            let digest = try rolling.digest(of: chunk, content: file)
            #expect(digest == (try RollingDigest.digest(of: chunk.range, content: file)))
        }
        rolling.align(with: chunks)
        let before = file.bytesRead.value
        while try !rolling.advance(over: chunks, content: file, bytes: 500_000) {}
        let read = file.bytesRead.value - before
        #expect(rolling.value == (try RollingDigest.digest(of: 0..<Self.size, content: file)))
        return read
    }

    @Test func `chunks in order leave nothing to read`() throws {
        #expect(try bytesLeft(after: Self.all) == 0)
    }

    @Test(arguments: [[1, 0, 2, 4, 3, 5, 6], [2, 1, 0, 5, 4, 3, 6], [1, 2, 3, 0, 4, 5, 6]])
    func `chunks a little out of order leave nothing either`(order: [Int]) throws {
        #expect(try bytesLeft(after: order.map { Self.chunk($0) }) == 0)
    }

    @Test func `chunks backwards are read again`() throws {
        #expect(try bytesLeft(after: Self.all.reversed()) > 0)
    }

    @Test func `nothing sent by this process leaves all of it`() throws {
        #expect(try bytesLeft(after: []) == Self.size)
    }

    @Test func `a chunk sent twice at one generation counts once`() throws {
        #expect(try bytesLeft(after: [0, 0, 1, 2, 1, 3, 4, 5, 6, 6].map { Self.chunk($0) }) == 0)
    }

    @Test func `a chunk that comes with a new generation throws the prefix away`() throws {
        var chunks = Self.all
        chunks[1] = Self.chunk(1, generation: 2)
        let left = try bytesLeft(after: Self.all + [chunks[1]], finishing: chunks)
        #expect(left == Self.size)
    }

    @Test func `generations other than those that were hashed are read again`() throws {
        var chunks = Self.all
        chunks[3] = Self.chunk(3, generation: 9)
        #expect(try bytesLeft(after: Self.all, finishing: chunks) == Self.size)
    }

    @Test func `a file that grew within its last chunk is read right`() throws {
        let file = try TemporaryFile(size: Self.size)
        var rolling = RollingDigest()
        _ = try rolling.digest(of: Self.chunk(0, size: 100_000), content: file)
        _ = try rolling.digest(of: Self.chunk(1), content: file)
        rolling.align(with: Self.all)
        while try !rolling.advance(over: Self.all, content: file, bytes: 1) {}
        #expect(rolling.value == (try RollingDigest.digest(of: 0..<Self.size, content: file)))
    }

    @Test func `a file that became shorter is read right`() throws {
        let file = try TemporaryFile(size: Self.size)
        var rolling = RollingDigest()
        for chunk in Self.all { _ = try rolling.digest(of: chunk, content: file) }
        try file.truncate(to: 600_000)
        let chunks = [Self.chunk(0), Self.chunk(1)]
        rolling.align(with: chunks)
        while try !rolling.advance(over: chunks, content: file, bytes: 1) {}
        #expect(rolling.value == (try RollingDigest.digest(of: 0..<600_000, content: file)))
    }

    /// What was sent early is taken in only if its bytes have not changed since.
    @Test func `an early chunk whose bytes changed is not taken for what was sent`() throws {
        let file = try TemporaryFile(size: Self.size)
        var rolling = RollingDigest()
        _ = try rolling.digest(of: Self.chunk(1), content: file)
        try file.write(Array("changed".utf8), at: Self.chunkSize)
        _ = try rolling.digest(of: Self.chunk(0), content: file)
        #expect(rolling.count == 1)
    }

    @Test func `a chunk that can't be read leaves the prefix as it was`() throws {
        let file = try TemporaryFile(size: 400_000)
        var rolling = RollingDigest()
        _ = try rolling.digest(of: Self.chunk(0), content: file)
        do throws(SpoolError) {
            _ = try rolling.digest(of: Self.chunk(1), content: file)
            Issue.record("it was read")
        } catch {
            #expect(error == .system(call: "pread", errno: ENODATA))
        }
        #expect(rolling.count == 1)
        #expect(rolling.value == (try RollingDigest.digest(of: 0..<Self.chunkSize, content: file)))
    }

    @Test func `an empty file has the digest of nothing`() throws {
        var rolling = RollingDigest()
        rolling.align(with: [])
        let isWhole = try rolling.advance(over: [], content: TemporaryFile(size: 0), bytes: 1)
        #expect(isWhole)
        #expect(ContentDigest.text(rolling.value) == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
    }

    @Test func `generations are kept as runs`() {
        var runs = GenerationRuns()
        for generation: UInt32 in [1, 1, 1, 4, 1] { runs.append(generation) }
        #expect((0..<6).map { runs[$0] } == [1, 1, 1, 4, 1, nil])
        #expect(runs.begin([1, 1, 1, 4, 1, 7].enumerated().map { Self.chunk($0.offset, generation: $0.element) }))
        #expect(!runs.begin([1, 1, 1, 4, 2].enumerated().map { Self.chunk($0.offset, generation: $0.element) }))
        #expect(!runs.begin([1, 1].enumerated().map { Self.chunk($0.offset, generation: $0.element) }))
    }
}
