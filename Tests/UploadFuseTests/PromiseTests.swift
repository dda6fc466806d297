import Glibc
import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// P1 while somebody changes what was closed and is not published yet.
@Suite struct PromiseTests {
    @Test("The first change of what was closed and is on its way goes into a copy: a version of its own")
    func copied() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a", "closed")
        let writer = try fixture.open(inode, O_RDWR)
        _ = fixture.uploads.takeEvents()
        try fixture.write(writer, "CL")
        #expect(fixture.uploads.takeEvents() == ["closed 1 6", "opened 2 new"])
        let first = try #require(try fixture.journal.upload(VersionID(1)))
        #expect(first.closedSize == 6 && first.phase == .queued)
        #expect(try fixture.journal.upload(VersionID(2))?.phase == .receiving)
        #expect(try fixture.spool.open(VersionID(1)).contents() == Array("closed".utf8))
        #expect(try fixture.content(writer) == "CLosed")
        try fixture.write(writer, "!", at: 6)
        try fixture.close(writer)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 7)
        #expect(try #require(try fixture.lookup("a")).attributes.size == 7)
    }

    @Test("Cut in place, it is a copy that is cut")
    func cut() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a", "closed")
        _ = try fixture.fileSystem.change(inode, AttributeChange(size: 2))
        #expect(try fixture.spool.open(VersionID(1)).contents() == Array("closed".utf8))
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 2)
    }

    @Test("Opened and left alone, nothing is copied")
    func untouched() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a", "closed")
        try fixture.close(try fixture.open(inode, O_RDWR))
        #expect(try fixture.spool.versions() == [VersionID(1)])
    }

    @Test("What is published is changed in place: the destination has what was promised")
    func published() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a", "closed")
        let receipt = PublishReceipt(url: "u", size: 6, digest: "d")
        try fixture.journal.apply([.published(VersionID(1), receipt, at: Timestamp(seconds: 1))])
        let writer = try fixture.open(inode, O_RDWR)
        try fixture.write(writer, "CL")
        #expect(try fixture.spool.versions() == [VersionID(1)])
        #expect(try fixture.journal.upload(VersionID(1))?.phase == .receiving)
        try fixture.close(writer)
    }

    @Test("A flush in the middle of writing is no close: what follows is written in place")
    func flushed() throws {
        let fixture = try FileSystemFixture()
        let writer = try fixture.create("a")
        try fixture.write(writer, "one")
        try fixture.fileSystem.flush(writer)
        try fixture.write(writer, "two", at: 3)
        try fixture.close(writer)
        #expect(try fixture.spool.versions() == [VersionID(1)])
    }
}
