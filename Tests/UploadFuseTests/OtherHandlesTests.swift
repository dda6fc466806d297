import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// P1 while others have the file open as well: those whose RELEASE the kernel has not brought yet, and those who
/// only hold it.
@Suite struct OtherHandlesTests {
    @Test("Opened again before the kernel lets go of the handle that was closed, a change is a copy all the same")
    func openedBeforeRelease() throws {
        let fixture = try FileSystemFixture()
        let first = try fixture.closedUnreleased()
        let closed = try #require(try fixture.journal.upload(VersionID(1))?.closed)
        let second = try fixture.open(2, O_RDWR)
        // However long that one stays open: what was closed is promised.
        let track = try #require(fixture.uploads.track(1))
        for _ in 0...2 { #expect(track.lapse(closed) == .finished) }
        try fixture.write(second, "CL")
        fixture.fileSystem.release(first)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == closed)
        #expect(try fixture.spool.open(VersionID(1)).contents() == Array("closed".utf8))
        try fixture.close(second)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 6)
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("CLosed".utf8))
    }

    @Test("Cut to nothing before the kernel lets go of the handle that was closed, it is begun anew")
    func cutBeforeRelease() throws {
        let fixture = try FileSystemFixture()
        let first = try fixture.closedUnreleased()
        let second = try fixture.open(2, O_WRONLY | O_TRUNC)
        fixture.fileSystem.release(first)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 6)
        try fixture.write(second, "new")
        try fixture.close(second)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 6)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 3)
    }

    @Test("However late the kernel lets go of them, what several have closed one after another is promised")
    func manyUnreleased() throws {
        let fixture = try FileSystemFixture()
        let first = try fixture.closedUnreleased("a", "1")
        var handles = [first]
        for text in ["2", "3"] {
            let next = try fixture.open(2, O_WRONLY)
            try fixture.write(next, text, at: 1)
            try fixture.fileSystem.flush(next)
            handles.append(next)
        }
        for version in Int64(1)...3 { #expect(try fixture.journal.upload(VersionID(version))?.closed != nil) }
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("12".utf8))
        for handle in handles { fixture.fileSystem.release(handle) }
    }

    @Test("Cut by its path before the kernel lets go of the handle that was closed, it is closed at once")
    func cutByPathBeforeRelease() throws {
        let fixture = try FileSystemFixture()
        let first = try fixture.closedUnreleased()
        _ = try fixture.fileSystem.change(2, AttributeChange(size: 2))
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 6)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 2)
        fixture.fileSystem.release(first)
    }

    @Test("Cut to nothing before that handle is let go, and closed at once: a close though nothing was written")
    func emptiedBeforeRelease() throws {
        let fixture = try FileSystemFixture()
        let first = try fixture.closedUnreleased()
        let second = try fixture.open(2, O_WRONLY | O_TRUNC)
        try fixture.fileSystem.flush(second)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 0)
        fixture.fileSystem.release(first)
        fixture.fileSystem.release(second)
    }

    @Test("Who has it open and is still to write keeps another one's close from being one: of a download in segments")
    func idle() throws {
        let fixture = try FileSystemFixture()
        let writer = try fixture.create("a")
        let idle = try fixture.open(2)
        try fixture.write(writer, "half")
        try fixture.close(writer)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        try fixture.close(idle)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 4)
    }

    @Test("A failed file can be written anew before the kernel lets go of the handle whose close said so")
    func failedBeforeRelease() throws {
        let fixture = try FileSystemFixture(maximumFileSize: 4)
        let first = try fixture.create("a")
        #expect(throws: FileSystemError.tooLarge) { try fixture.write(first, "large") }
        #expect(throws: FileSystemError.tooLarge) { try fixture.fileSystem.flush(first) }
        let second = try fixture.open(2, O_WRONLY | O_TRUNC)
        try fixture.write(second, "ok")
        try fixture.fileSystem.flush(second)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 2)
        fixture.fileSystem.release(first)
        fixture.fileSystem.release(second)
    }

    @Test("What is let go without a flush, as after a cut that was refused, gives the close that others left to it")
    func releasedUnflushed() throws {
        let fixture = try FileSystemFixture()
        let writer = try fixture.create("a")
        let other = try fixture.open(2)
        try fixture.write(writer, "closed")
        try fixture.fileSystem.flush(writer)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        fixture.fileSystem.release(other)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 6)
        fixture.fileSystem.release(writer)
    }

    @Test("Cut by another program before its writer is killed, a file is torn all the same; begun anew it is not")
    func cutByAnother() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "half of it", by: 7)
        _ = try fixture.fileSystem.change(2, AttributeChange(size: 4), by: 8)
        fixture.doom(7)
        try fixture.fileSystem.flush(handle, by: 7)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        // Before the kernel lets go of it.
        let next = try fixture.fileSystem.open(2, flags: O_WRONLY | O_TRUNC, by: 8).handle
        try fixture.write(next, "whole", by: 8)
        fixture.fileSystem.release(handle)
        _ = fixture.uploads.takeEvents()
        try fixture.close(next, by: 8)
        #expect(fixture.uploads.takeEvents() == ["closed 1 5"])
    }

    @Test("Who only had it open when it was killed tears nothing of what another one closed")
    func bystander() throws {
        let fixture = try FileSystemFixture()
        try fixture.make("a", "before")
        let bystander = try fixture.fileSystem.open(2, flags: O_RDWR, by: 7).handle
        let writer = try fixture.fileSystem.open(2, flags: O_WRONLY | O_TRUNC, by: 8).handle
        try fixture.write(writer, "whole", by: 8)
        try fixture.close(writer, by: 8)
        fixture.doom(7)
        try fixture.close(bystander, by: 7)
        #expect(try fixture.journal.newestUpload(of: FileID(2))?.closedSize == 5)
        #expect(fixture.uploads.takeEvents().last == "closed 2 5")
    }

    @Test("What was torn after a close is not published by who begins it anew")
    func tornAfterClose() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "half", by: 7)
        try fixture.fileSystem.flush(handle, by: 7)
        #expect(try fixture.journal.upload(VersionID(1))?.closed != nil)
        fixture.doom(7)
        try fixture.fileSystem.flush(handle, by: 7)
        _ = fixture.uploads.takeEvents()
        let next = try fixture.fileSystem.open(2, flags: O_WRONLY | O_TRUNC, by: 8).handle
        #expect(!fixture.uploads.takeEvents().contains { $0.hasPrefix("closed 1") })
        try fixture.write(next, "whole", by: 8)
        fixture.fileSystem.release(handle)
        try fixture.close(next, by: 8)
        #expect(try fixture.journal.newestUpload(of: FileID(2))?.closedSize == 5)
    }

    @Test("ftruncate(2) is a write of the handle that it comes through, and no close")
    func cutThroughHandle() throws {
        let fixture = try FileSystemFixture()
        let writer = try fixture.create("a")
        try fixture.write(writer, "half")
        // A copy of the descriptor, as a shell's command has it.
        try fixture.fileSystem.flush(writer)
        _ = try fixture.fileSystem.change(2, AttributeChange(size: 2), through: writer)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        _ = try fixture.fileSystem.change(2, AttributeChange(size: 0), through: writer)
        #expect(try fixture.journal.newestUpload(of: FileID(2))?.closed == nil)
        try fixture.close(writer)
        #expect(try fixture.journal.newestUpload(of: FileID(2))?.closedSize == 0)
    }
}
