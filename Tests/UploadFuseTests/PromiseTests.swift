import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// P1 while somebody changes what was closed and is not published yet.
@Suite struct PromiseTests {
    @Test("Given up by the engine while it is opened for a change, a file is copied all the same")
    func givenUpMeanwhile() throws {
        let fixture = try FileSystemFixture()
        try fixture.make("a", "closed")
        let handle = try fixture.open(2, O_RDWR)
        // Another one has unlinked it, and the engine is quicker than this write.
        try fixture.spool.remove(VersionID(1))
        try fixture.write(handle, "CL")
        try fixture.close(handle)
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("CLosed".utf8))
    }

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

    @Test("A copy of the descriptor that a child closes is no close while its parent, who wrote, holds the file")
    func closedByChild() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "half", by: 7)
        try fixture.fileSystem.flush(handle, by: 8)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        try fixture.write(handle, "whole", by: 7)
        try fixture.fileSystem.flush(handle, by: 7)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 5)
        // Nor does one that closes after the writer has ended lose anything.
        try fixture.write(handle, "more", at: 5, by: 9)
        fixture.doom(9)
        try fixture.fileSystem.flush(handle, by: 8)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 9)
        fixture.fileSystem.release(handle)
    }

    @Test("Nor is it one while the parent has only made the file, or cut it to nothing", arguments: [false, true])
    func closedByChildBeforeWriting(isCut: Bool) throws {
        let fixture = try FileSystemFixture()
        let handle: OpenHandle
        if isCut {
            try fixture.make("a", "before")
            handle = try fixture.fileSystem.open(2, flags: O_WRONLY | O_TRUNC, by: 7).handle
        } else {
            let caller = FileSystem.Caller(owner: 1000, group: 1000, thread: 7)
            handle = try fixture.fileSystem.create(
                Array("a".utf8), in: 1, mode: 0o644, flags: O_WRONLY, by: caller
            ).opened.handle
        }
        try fixture.fileSystem.flush(handle, by: 8)
        #expect(try fixture.journal.newestUpload(of: FileID(2))?.closed == nil)
        try fixture.write(handle, "whole", by: 7)
        try fixture.close(handle, by: 7)
        #expect(try fixture.journal.newestUpload(of: FileID(2))?.closedSize == 5)
    }

    @Test("Nor is it one of a second descriptor, through which the parent is still to write")
    func closedByChildUnused() throws {
        let fixture = try FileSystemFixture()
        let first = try fixture.create("a")
        let second = try fixture.fileSystem.open(2, flags: O_WRONLY, by: 7).handle
        try fixture.close(first, by: 7)
        try fixture.fileSystem.flush(second, by: 8)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        try fixture.write(second, "whole", by: 7)
        try fixture.close(second, by: 7)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 5)
    }

    @Test("Who closes a descriptor of its own gives the close, though another program wrote last and lives")
    func closedByOther() throws {
        let fixture = try FileSystemFixture()
        let first = try fixture.create("a")
        let second = try fixture.open(2)
        try fixture.write(second, "two", at: 3, by: 8)
        try fixture.write(first, "one", by: 7)
        try fixture.fileSystem.flush(first, by: 7)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        try fixture.fileSystem.flush(second, by: 8)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 6)
        fixture.fileSystem.release(first)
        fixture.fileSystem.release(second)
    }

    @Test("Who writes on through a handle that others flushed beside it writes in place, as a shell's log")
    func othersWriteOn() throws {
        let fixture = try FileSystemFixture()
        let log = try fixture.create("a")
        try fixture.write(log, "one")
        let command = try fixture.open(2, O_WRONLY)
        try fixture.write(command, "two", at: 3)
        try fixture.close(command)
        let next = try fixture.open(2, O_WRONLY)
        try fixture.write(next, "six", at: 6)
        try fixture.close(next)
        try fixture.close(log)
        #expect(try fixture.spool.versions() == [VersionID(1)])
    }

    @Test("Where nobody can tell whose thread closes a file, it is a close")
    func closedByUnknown() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "whole", by: 7)
        try fixture.fileSystem.flush(handle, by: FileSystemFixture.unknownThread)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 5)
        fixture.fileSystem.release(handle)
    }
}
