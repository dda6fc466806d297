import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("Writers, what the journal keeps of them, and what the engine hears")
struct WritingTests {
    let fixture: FileSystemFixture

    init() throws {
        fixture = try FileSystemFixture()
    }

    @Test("A new file is journalled before it has a spool file, and closed before close returns")
    func newFile() throws {
        let handle = try fixture.create("a.txt")
        #expect(fixture.uploads.takeEvents() == ["opened 1 new"])
        try fixture.write(handle, "0123456789")
        #expect(fixture.uploads.takeEvents() == ["wrote 1"])
        #expect(fixture.journalled(1) == ["inserted"])

        try fixture.fileSystem.flush(handle)
        #expect(fixture.journalled(1) == ["inserted", "closed 10"])
        #expect(try fixture.journal.node(FileID(2))?.size == 10)
        #expect(fixture.uploads.takeEvents() == [])

        fixture.fileSystem.release(handle)
        #expect(fixture.uploads.takeEvents() == ["closed 1 10"])
        #expect(fixture.journalled(1) == ["inserted", "closed 10"])
    }

    @Test("An empty file is a file too")
    func emptyFile() throws {
        try fixture.close(try fixture.create("empty"))
        #expect(fixture.uploads.takeEvents() == ["opened 1 new", "closed 1 0"])
        #expect(fixture.journalled(1) == ["inserted", "closed 0"])
    }

    @Test("mknod makes an empty file that is closed already; devices and pipes are refused")
    func makeNode() throws {
        let entry = try fixture.fileSystem.makeNode(
            Array("node".utf8), in: 1, mode: UInt32(S_IFREG) | 0o600, by: FileSystemFixture.caller)
        #expect(entry.attributes.permissions == 0o600)
        #expect(fixture.uploads.takeEvents() == ["opened 1 new", "closed 1 0"])
        #expect(throws: FileSystemError.unsupportedKind) {
            try fixture.fileSystem.makeNode(
                Array("pipe".utf8), in: 1, mode: UInt32(S_IFIFO), by: FileSystemFixture.caller)
        }
    }

    @Test("When the spool has no room for a new file, the journal forgets it")
    func noRoomForNew() throws {
        fixture.spool.fail(with: .noSpace)
        #expect(throws: FileSystemError.noSpace) { try fixture.create("a.txt") }
        #expect(try fixture.journal.child(try FileName("a.txt"), of: .root) == nil)
        #expect(try fixture.journal.upload(VersionID(1)) == nil)
        #expect(fixture.uploads.takeEvents() == [])
    }

    @Test("Opening to write and changing nothing changes nothing")
    func openedOnly() throws {
        let inode = try fixture.make("a.txt")
        _ = fixture.uploads.takeEvents()
        try fixture.close(try fixture.open(inode))
        #expect(fixture.uploads.takeEvents() == ["opened 1", "closed 1 4"])
        #expect(fixture.journalled(1) == ["inserted", "closed 4"])
    }

    @Test("Before a closed file's first byte changes, the journal takes its close back")
    func reopened() throws {
        let inode = try fixture.make("a.txt")
        try fixture.publish(VersionID(1))
        _ = fixture.uploads.takeEvents()
        let handle = try fixture.open(inode)
        try fixture.write(handle, "TE")
        #expect(fixture.journalled(1) == ["inserted", "closed 4", "reopened"])
        try fixture.close(handle)
        #expect(fixture.journalled(1) == ["inserted", "closed 4", "reopened", "closed 4"])
        #expect(fixture.uploads.takeEvents() == ["opened 1", "closed 1 4"])
        #expect(try fixture.content(try fixture.open(inode, O_RDONLY)) == "TExt")
    }

    @Test("When the journal can't take the close back, no byte changes")
    func reopenRefused() throws {
        let inode = try fixture.make("a.txt")
        let handle = try fixture.open(inode)
        fixture.journal.fail(with: .noSpace)
        #expect(throws: FileSystemError.journal(.noSpace)) { try fixture.write(handle, "XXXX") }
        fixture.journal.fail(with: nil)
        #expect(try fixture.content(handle) == "text")
    }

    @Test("A write after a flush, through a descriptor that was duplicated, opens it again")
    func writeAfterFlush() throws {
        let handle = try fixture.create("a.txt")
        try fixture.write(handle, "one")
        try fixture.fileSystem.flush(handle)
        try fixture.write(handle, "two", at: 3)
        try fixture.fileSystem.flush(handle)
        fixture.fileSystem.release(handle)
        #expect(fixture.journalled(1) == ["inserted", "closed 3", "reopened", "closed 6"])
        #expect(fixture.uploads.takeEvents().last == "closed 1 6")
    }

    @Test("A release without a flush is journalled as a close as well")
    func releaseOnly() throws {
        let handle = try fixture.create("a.txt")
        try fixture.write(handle, "one")
        fixture.fileSystem.release(handle)
        #expect(fixture.journalled(1) == ["inserted", "closed 3"])
        #expect(fixture.uploads.takeEvents().last == "closed 1 3")
    }

    @Test("Only the last of several writers closes for the engine")
    func twoWriters() throws {
        let first = try fixture.create("a.txt")
        let inode = try #require(try fixture.lookup("a.txt")).attributes.inode
        let second = try fixture.open(inode)
        try fixture.write(first, "one")
        try fixture.close(first)
        _ = fixture.uploads.takeEvents()
        try fixture.write(second, "two", at: 3)
        try fixture.close(second)
        #expect(fixture.uploads.takeEvents() == ["closed 1 6"])
        #expect(fixture.journalled(1) == ["inserted", "closed 6"])
    }

    @Test("O_TRUNC of a closed file begins a new version, and the closed one stays whole")
    func newVersion() throws {
        let inode = try fixture.make("a.txt", "first")
        _ = fixture.uploads.takeEvents()
        let handle = try fixture.open(inode, O_WRONLY | O_TRUNC)
        #expect(fixture.uploads.takeEvents() == ["opened 2 new"])
        #expect(try fixture.fileSystem.attributes(inode).attributes.size == 0)
        try fixture.write(handle, "second")
        try fixture.close(handle)
        #expect(fixture.uploads.takeEvents() == ["closed 2 6"])
        #expect(fixture.journalled(1) == ["inserted", "closed 5"])
        #expect(fixture.journalled(2) == ["inserted", "closed 6"])
        #expect(try fixture.journal.node(FileID(inode))?.version == VersionID(2))
        #expect(try fixture.spool.open(VersionID(1)).contents() == Array("first".utf8))
    }

    @Test("O_TRUNC while another writer has it open cuts in place")
    func truncatedInPlace() throws {
        let first = try fixture.create("a.txt")
        try fixture.write(first, "first")
        let inode = try #require(try fixture.lookup("a.txt")).attributes.inode
        let second = try fixture.open(inode, O_WRONLY | O_TRUNC)
        #expect(try fixture.fileSystem.attributes(inode).attributes.size == 0)
        #expect(fixture.uploads.track(1)?.drain().truncated == 0)
        try fixture.write(second, "2")
        try fixture.close(second)
        try fixture.close(first)
        #expect(fixture.journalled(1).last == "closed 1")
        #expect(fixture.uploads.track(2) == nil)
    }

    @Test(
        "Cut to nothing beside a writer, or by it, before it writes: a closed file begins a new version too",
        arguments: [false, true])
    func truncatedThroughHandle(isThrough: Bool) throws {
        let inode = try fixture.make("a.txt", "first")
        let handle = try fixture.open(inode, O_RDWR)
        _ = fixture.uploads.takeEvents()
        _ = try fixture.fileSystem.change(inode, AttributeChange(size: 0), through: isThrough ? handle : nil)
        try fixture.write(handle, "2")
        try fixture.close(handle)
        #expect(fixture.uploads.takeEvents() == ["closed 1 5", "opened 2 new", "closed 2 1"])
        #expect(fixture.journalled(1) == ["inserted", "closed 5"])
    }

    @Test("truncate(2) is an open, a cut and a close", arguments: [Int64(2), 9])
    func truncatedByPath(size: Int64) throws {
        let inode = try fixture.make("a.txt", "first")
        try fixture.publish(VersionID(1))
        _ = fixture.uploads.takeEvents()
        let entry = try fixture.fileSystem.change(inode, AttributeChange(size: size))
        #expect(entry.attributes.size == size)
        #expect(fixture.journalled(1) == ["inserted", "closed 5", "reopened", "closed \(size)"])
        #expect(fixture.uploads.takeEvents() == ["opened 1", "wrote 1", "closed 1 \(size)"])
    }

    @Test("A write that finds no room spoils the version, and stays failed until it is begun anew")
    func noSpace() throws {
        let handle = try fixture.create("a.txt")
        try fixture.write(handle, "one")
        _ = fixture.uploads.takeEvents()
        fixture.spool.fail(with: .noSpace)
        #expect(throws: FileSystemError.noSpace) { try fixture.write(handle, "two", at: 3) }
        #expect(fixture.uploads.takeEvents() == ["spoiled 1 no-space"])
        fixture.spool.fail(with: nil)
        #expect(throws: FileSystemError.noSpace) { try fixture.write(handle, "two", at: 3) }
        #expect(throws: FileSystemError.noSpace) { try fixture.fileSystem.flush(handle) }
        fixture.fileSystem.release(handle)
        #expect(fixture.uploads.takeEvents() == ["closed 1 3"])
        #expect(fixture.journalled(1) == ["inserted"])

        let inode = try #require(try fixture.lookup("a.txt")).attributes.inode
        let again = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.write(again, "whole")
        try fixture.close(again)
        #expect(fixture.journalled(2) == ["inserted", "closed 5"])
        #expect(fixture.uploads.takeEvents().last == "closed 2 5")
    }

    @Test("A write past the size limit is EFBIG and publishes nothing")
    func tooLarge() throws {
        let fixture = try FileSystemFixture(maximumFileSize: 10)
        let handle = try fixture.create("a.txt")
        try fixture.write(handle, "0123456789")
        _ = fixture.uploads.takeEvents()
        #expect(throws: FileSystemError.tooLarge) { try fixture.write(handle, "x", at: 10) }
        #expect(fixture.uploads.takeEvents() == ["spoiled 1 too-large"])
        #expect(throws: FileSystemError.tooLarge) { try fixture.close(handle) }
        #expect(fixture.journalled(1) == ["inserted"])
    }

    @Test("A refused append leaves what was closed as it was")
    func tooLargeAppend() throws {
        let fixture = try FileSystemFixture(maximumFileSize: 10)
        let inode = try fixture.make("a.txt", "0123456789")
        _ = fixture.uploads.takeEvents()
        let handle = try fixture.open(inode)
        #expect(throws: FileSystemError.tooLarge) { try fixture.write(handle, "x", at: 10) }
        fixture.fileSystem.release(handle)
        #expect(fixture.uploads.takeEvents() == ["opened 1", "closed 1 10"])
        #expect(fixture.journalled(1) == ["inserted", "closed 10"])
    }

    @Test("The track knows every byte, also beyond 4 GiB")
    func farOffset() throws {
        let handle = try fixture.create("big")
        let offset: Int64 = 5 << 30
        try fixture.write(handle, "end", at: offset)
        let news = try #require(fixture.uploads.track(1)?.drain())
        #expect(news.size == offset + 3)
        #expect(news.written == RangeSet(offset..<(offset + 3)))
        try fixture.close(handle)
        #expect(fixture.journalled(1).last == "closed \(offset + 3)")
    }

    @Test("An unlinked file goes on for who has it open, and is not published")
    func openUnlinked() throws {
        let handle = try fixture.create("a.txt", flags: O_RDWR)
        try fixture.write(handle, "one")
        try fixture.unlink("a.txt")
        _ = fixture.uploads.takeEvents()
        try fixture.write(handle, "two", at: 3)
        #expect(try fixture.content(handle) == "onetwo")
        #expect(try fixture.fileSystem.attributes(2).attributes.links == 0)
        try fixture.close(handle)
        #expect(fixture.uploads.takeEvents() == [])
        #expect(fixture.journalled(1) == ["inserted"])
    }

    @Test("The time set after the last write is the one that stays")
    func modificationTime() throws {
        let handle = try fixture.create("a.txt")
        try fixture.write(handle, "one")
        let moment = Timestamp(seconds: 1_000_000_000, nanoseconds: 7)
        _ = try fixture.fileSystem.change(2, AttributeChange(modified: .at(moment)))
        try fixture.close(handle)
        #expect(try fixture.journal.node(FileID(2))?.attributes.modified == moment)
    }

    @Test(
        "What the spool's filesystem can't have in one file is EFBIG, and nobody's fault here",
        arguments: [(EFBIG, EFBIG, false), (EIO, EIO, true)])
    func spoolErrors(_ errno: Int32, _ code: Int32, _ isUnexpected: Bool) {
        let error = FileSystemError.spool(.system(call: "ftruncate", errno: errno))
        #expect(error.code == code)
        #expect(error.isUnexpected == isUnexpected)
    }

    @Test("Memory keeps no node that nobody holds")
    func bounded() throws {
        for number in 0..<100 {
            let inode = try fixture.make("file\(number)")
            fixture.fileSystem.forget(inode, count: 2)
        }
        #expect(fixture.namespace.locked { $0.heldCount } == 1)
        #expect(try fixture.names().count == 100)
    }
}
