import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// fallocate(2) and lseek(2), as a local disk has them.
@Suite struct ExtentsTests {
    private typealias Mode = FileSystem.AllocationMode
    private static let page: Int64 = 4096
    /// SEEK_DATA and SEEK_HOLE.
    private static let (data, hole): (Int32, Int32) = (3, 4)

    /// Three pages of "x", open for reading and writing; nothing of it is news any more.
    private func threePages() throws -> (fixture: FileSystemFixture, handle: OpenHandle, track: WriteTrack) {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a", flags: O_RDWR)
        try fixture.write(handle, String(repeating: "x", count: 3 * 4096))
        let track = try #require(fixture.uploads.track(1))
        _ = track.drain()
        return (fixture, handle, track)
    }

    @Test("Room for bytes behind the end makes the file longer by zeros that nobody wrote; with KEEP_SIZE it does not")
    func allocate() throws {
        let (fixture, handle, track) = try threePages()
        try fixture.fileSystem.allocate(handle, 0..<5 * Self.page, .keepSize)
        #expect(track.size == 3 * Self.page && !track.hasNews)
        #expect(fixture.spool.gauge.used >= 5 * Self.page)
        try fixture.fileSystem.allocate(handle, 2 * Self.page..<4 * Self.page, [])
        #expect(track.size == 4 * Self.page)
        let news = track.drain()
        #expect(news.written.isEmpty && news.truncated == nil && news.size == 4 * Self.page)
        #expect(try fixture.content(handle).hasSuffix("x" + String(repeating: "\0", count: 4096)))
        try fixture.fileSystem.allocate(handle, 0..<Self.page, [])
        #expect(!track.hasNews, "it was that long before")
        try fixture.close(handle)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 4 * Self.page)
    }

    @Test("A hole and zeros are writes of zeros, clipped at the end where the size is kept")
    func zeros() throws {
        let (fixture, handle, track) = try threePages()
        try fixture.fileSystem.allocate(handle, Self.page..<2 * Self.page, [.punchHole, .keepSize])
        #expect(track.drain().written == RangeSet(Self.page..<2 * Self.page))
        #expect(fixture.spool.gauge.used == 2 * Self.page)
        try fixture.fileSystem.allocate(handle, 2 * Self.page..<9 * Self.page, [.zeroRange, .keepSize])
        #expect(track.drain().written == RangeSet(2 * Self.page..<3 * Self.page))
        try fixture.fileSystem.allocate(handle, 3 * Self.page..<4 * Self.page, .zeroRange)
        #expect(track.size == 4 * Self.page)
        let text = try fixture.content(handle)
        #expect(text == String(repeating: "x", count: 4096) + String(repeating: "\0", count: 3 * 4096))
    }

    @Test("Where the spool's filesystem has no holes that is said, and nothing is spoiled")
    func noHoles() throws {
        let (fixture, handle, track) = try threePages()
        fixture.spool.failPunching(with: .system(call: "fallocate", errno: EOPNOTSUPP))
        for mode in [[.punchHole, .keepSize], .zeroRange] as [Mode] {
            #expect(throws: FileSystemError.unsupported) {
                try fixture.fileSystem.allocate(handle, 0..<Self.page, mode)
            }
        }
        #expect(!track.hasNews && track.release(0..<Self.page) == true)
        track.unrelease(0..<Self.page)
        try fixture.write(handle, "y")
        try fixture.close(handle)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 3 * Self.page)
    }

    @Test("Room for holes is room, too: more than the quota has is refused")
    func reservingHoles() throws {
        let (fixture, handle, _) = try threePages()
        _ = try fixture.fileSystem.change(2, AttributeChange(size: 1 << 40), through: handle)
        #expect(throws: FileSystemError.noSpace) { try fixture.fileSystem.allocate(handle, 0..<3 << 30, []) }
        try fixture.fileSystem.allocate(handle, 0..<3 * Self.page, [])
    }

    @Test("What changes no byte makes no copy of what is closed and on its way")
    func noCopy() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.open(try fixture.make("a", "text"), O_RDWR)
        try fixture.fileSystem.allocate(handle, 0..<4, [])
        try fixture.fileSystem.allocate(handle, 4..<100, [.punchHole, .keepSize])
        #expect(try fixture.spool.versions() == [VersionID(1)])
        try fixture.fileSystem.allocate(handle, 2..<100, [.punchHole, .keepSize])
        #expect(try fixture.spool.versions().count == 2)
        try fixture.close(handle)
    }

    @Test("Sizes at the end of what can be counted are refused, and the file is none the worse for it")
    func overflow() throws {
        let (fixture, handle, _) = try threePages()
        for size in [Int64.max, 1 << 62, Content.largestSize + 1] {
            #expect(throws: FileSystemError.tooLarge) {
                try fixture.fileSystem.change(2, AttributeChange(size: size))
            }
            #expect(throws: FileSystemError.tooLarge) { try fixture.write(handle, "x", at: size - 1) }
            #expect(throws: FileSystemError.tooLarge) {
                try fixture.fileSystem.allocate(handle, size - 1..<size, .keepSize)
            }
        }
        _ = try fixture.fileSystem.change(2, AttributeChange(size: Content.largestSize))
        #expect(try fixture.fileSystem.attributes(2).attributes.blocks > 0)
        let plan = ChunkPlan(schedule: .equal(5 << 30), size: Content.largestSize, isClosed: true)
        #expect(plan.count > 0 && plan.schedule.range(of: plan.count - 1).upperBound >= Content.largestSize)
        try fixture.close(handle)
    }

    @Test("Holes are found, and what is data")
    func seek() throws {
        let (fixture, handle, _) = try threePages()
        let fs = fixture.fileSystem
        try fs.allocate(handle, Self.page..<2 * Self.page, [.punchHole, .keepSize])
        #expect(try fs.seek(handle, whence: Self.hole, from: 0) == Self.page)
        #expect(try fs.seek(handle, whence: Self.data, from: Self.page) == 2 * Self.page)
        #expect(try fs.seek(handle, whence: Self.hole, from: 2 * Self.page) == 3 * Self.page, "the end is one")
        #expect(throws: FileSystemError.noSuchExtent) { try fs.seek(handle, whence: Self.data, from: 3 * Self.page) }
        #expect(throws: FileSystemError.noSuchExtent) { try fs.seek(handle, whence: Self.hole, from: 3 * Self.page) }
    }

    @Test("What has left the spool to make room is data, though it is a hole there, and gets no room back")
    func released() throws {
        let (fixture, handle, track) = try threePages()
        let fs = fixture.fileSystem
        #expect(track.release(Self.page..<2 * Self.page))
        try fixture.spool.open(VersionID(1)).punch(Self.page..<2 * Self.page)
        #expect(try fs.seek(handle, whence: Self.hole, from: 0) == 3 * Self.page)
        #expect(try fs.seek(handle, whence: Self.data, from: Self.page) == Self.page)
        try fs.allocate(handle, 0..<3 * Self.page, .keepSize)
        #expect(fixture.spool.gauge.used == 2 * Self.page)
        #expect(throws: FileSystemError.released) {
            try fs.allocate(handle, 0..<2 * Self.page, [.punchHole, .keepSize])
        }
    }

    @Test("What can't be done is refused, and spoils nothing")
    func refusals() throws {
        let (fixture, handle, _) = try threePages()
        let fs = fixture.fileSystem
        // FALLOC_FL_COLLAPSE_RANGE.
        #expect(throws: FileSystemError.unsupported) { try fs.allocate(handle, 0..<1, Mode(rawValue: 0x08)) }
        fixture.spool.fail(with: .noSpace)
        #expect(throws: FileSystemError.noSpace) { try fs.allocate(handle, 0..<9 * Self.page, []) }
        fixture.spool.fail(with: nil)
        try fixture.close(handle)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 3 * Self.page)
        let reader = try fixture.open(2, O_RDONLY)
        #expect(throws: FileSystemError.badHandle) { try fs.allocate(reader, 0..<1, []) }
        let limited = try FileSystemFixture(maximumFileSize: 10)
        let small = try limited.create("a")
        #expect(throws: FileSystemError.tooLarge) { try limited.fileSystem.allocate(small, 0..<11, []) }
        try limited.close(small)
    }
}
