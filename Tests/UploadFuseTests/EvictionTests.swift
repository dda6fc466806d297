import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// Published files whose bytes have made room, as those who open them meet it (P4).
@Suite struct EvictionTests {
    @Test(
        "A published file that made room is, where the destination can't be read, read no more and not written into; cut to nothing it begins anew"
    )
    func evicted() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.makePublished()
        let writer = try fixture.open(inode, O_RDWR)
        #expect(try !fixture.namespace.evict(FileID(inode), VersionID(1)), "somebody writes to it")
        try fixture.close(writer)
        let reader = try fixture.open(inode, O_RDONLY)
        #expect(try fixture.namespace.evict(FileID(inode), VersionID(1)))
        try fixture.spool.remove(VersionID(1))
        #expect(try fixture.content(reader) == "text")
        fixture.fileSystem.release(reader)
        #expect(throws: FileSystemError.evicted) { try fixture.open(inode, O_RDONLY) }
        #expect(throws: FileSystemError.evicted) { try fixture.open(inode, O_WRONLY) }
        let again = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.write(again, "new")
        try fixture.close(again)
        #expect(try fixture.journal.newestUpload(of: FileID(inode))?.version == VersionID(2))
        #expect(try fixture.content(try fixture.open(inode, O_RDONLY)) == "new")
    }

    @Test("What was replaced, and not cleaned up behind before a kill, makes room as well")
    func evictedWithoutNode() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.makePublished()
        try fixture.journal.apply([.removeNode(FileID(inode))])
        fixture.fileSystem.forget(inode, count: 10)
        let again = try Namespace(
            journal: fixture.journal, spool: fixture.spool, configuration: fixture.namespace.configuration,
            now: { Timestamp(seconds: 1) })
        #expect(try again.evict(FileID(inode), VersionID(1)))
        #expect(try fixture.journal.evictableUploads(limit: 10).isEmpty)
    }

    @Test("What was written and closed again since it was chosen does not make room: only the spool has it")
    func reopenedMeanwhile() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.makePublished()
        let writer = try fixture.open(inode, O_RDWR)
        try fixture.write(writer, "more", at: 4)
        try fixture.close(writer)
        #expect(try !fixture.namespace.evict(FileID(inode), VersionID(1)))
        #expect(try fixture.journal.upload(VersionID(1))?.isSpooled == true)
    }

    @Test("A reader that leaves does not take away what another writes since the file made room")
    func readerOfEvicted() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.makePublished()
        let reader = try fixture.open(inode, O_RDONLY)
        #expect(try fixture.namespace.evict(FileID(inode), VersionID(1)))
        let writer = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.write(writer, "new")
        fixture.fileSystem.release(reader)
        let other = try fixture.open(inode, O_WRONLY)
        try fixture.write(other, "er", at: 3)
        _ = fixture.uploads.takeEvents()
        try fixture.close(other)
        #expect(fixture.uploads.takeEvents() == [], "the first one writes still")
        try fixture.close(writer)
        #expect(fixture.uploads.takeEvents() == ["closed 2 5"])
    }
}
