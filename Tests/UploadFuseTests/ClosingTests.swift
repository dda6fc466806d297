import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// What a close promises (P1), and whose (P2).
@Suite struct ClosingTests {
    @Test("What a killed writer left is torn: the journal has no close of it, and the engine is told why")
    func killed() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.halfWritten(by: 7)
        _ = fixture.uploads.takeEvents()
        try fixture.close(handle, by: 7)
        #expect(fixture.uploads.takeEvents() == ["torn 1 4 writer-killed"])
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        #expect(try #require(try fixture.lookup("a")).attributes.size == 4)
    }

    @Test("A shell that closes the file after the command it lent it to was killed mends nothing")
    func sharedAndKilled() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.halfWritten(by: 7)
        try fixture.fileSystem.flush(handle, by: 7)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        _ = fixture.uploads.takeEvents()
        try fixture.close(handle, by: 8)
        #expect(fixture.uploads.takeEvents() == ["torn 1 4 writer-killed"])
    }

    @Test("The engine can tell whether the program has ended that wrote a closed file, if that is known")
    func authorGone() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "text", by: 7)
        try fixture.close(handle, by: 7)
        #expect(fixture.uploads.isAuthorGone(1) == false)
        fixture.doom(7)
        #expect(fixture.uploads.isAuthorGone(1) == true)
        let other = try fixture.create("b")
        try fixture.write(other, "text", by: FileSystemFixture.unknownThread)
        try fixture.close(other)
        #expect(fixture.uploads.isAuthorGone(2) == nil)
    }

    @Test("Who only holds a file may die, and who dies before another goes on does no harm")
    func killedHolder() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        fixture.doom(7)
        try fixture.write(handle, "ha", by: 7)
        try fixture.fileSystem.flush(handle, by: 7)
        try fixture.write(handle, "lf", at: 2, by: 8)
        try fixture.fileSystem.flush(handle, by: 7)
        _ = fixture.uploads.takeEvents()
        try fixture.close(handle, by: 8)
        #expect(fixture.uploads.takeEvents() == ["closed 1 4"])
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 4)
    }

    @Test("A close that the engine took back since others held the file is given again by the last one")
    func lapsed() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "one")
        try fixture.fileSystem.flush(handle)
        let closed = try #require(try fixture.journal.upload(VersionID(1))?.closed)
        let track = try #require(fixture.uploads.track(1))
        #expect(track.lapse(closed) == .notYet)
        #expect(track.lapse(Timestamp(seconds: 1)) == .finished, "a close of others")
        #expect(track.lapse(closed) == .lapsed)
        try fixture.journal.apply([.lapsed(VersionID(1), ofClose: closed)])
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        try fixture.close(handle)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 3)
        #expect(track.lapse(closed) == .finished)
    }

    @Test("A close takes back what the destination has of chunks that were written since, before the engine does")
    func closeOfRewritten() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "0123456789abcdef0123456789")
        let track = try #require(fixture.uploads.track(1))
        _ = track.drain()
        track.settled()
        for index in 0...2 {
            let chunk = StoredChunk(index: index, length: 8, digest: "old")
            try fixture.journal.apply([.stored(VersionID(1), chunk, knownClose: nil)])
        }
        try fixture.write(handle, "X", at: 3)
        // The engine has heard of it, and is killed before it has journalled it.
        _ = track.drain()
        try fixture.write(handle, "X", at: 17)
        try fixture.close(handle)
        #expect(try fixture.journal.storedChunks(of: VersionID(1)).map(\.index) == [1])
    }

    @Test("A receipt that comes after a close which the engine does not know of is not journalled")
    func lateReceipt() throws {
        let fixture = try FileSystemFixture()
        try fixture.make("a", "0123456789")
        let close = try #require(try fixture.journal.upload(VersionID(1))?.closed)
        let chunk = StoredChunk(index: 0, length: 8, digest: "old")
        try fixture.journal.apply([.stored(VersionID(1), chunk, knownClose: nil)])
        #expect(try fixture.journal.storedChunks(of: VersionID(1)).isEmpty)
        try fixture.journal.apply([.stored(VersionID(1), chunk, knownClose: close)])
        #expect(try fixture.journal.storedChunks(of: VersionID(1)) == [chunk])
    }

    @Test("Who goes on with what can't be published any more is told at the next write, and at the close")
    func lostStream() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "text")
        let other = try fixture.open(2)
        fixture.uploads.track(1)?.fail(FailureSentences.releasedLost)
        _ = fixture.uploads.takeEvents()
        #expect(throws: FileSystemError.lost) { try fixture.write(handle, "x", at: 4) }
        #expect(fixture.uploads.takeEvents() == ["spoiled 1 released-lost"])
        #expect(throws: FileSystemError.lost) { try fixture.close(handle) }
        #expect(throws: FileSystemError.lost) { try fixture.close(other) }
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        // Begun anew it is another story.
        let again = try fixture.open(2, O_WRONLY | O_TRUNC)
        try fixture.write(again, "new")
        try fixture.close(again)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 3)
    }

    @Test("A failed fsync is told, and what the disk refused is never published")
    func failedFsync() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "text")
        _ = fixture.uploads.takeEvents()
        let error = SpoolError.system(call: "fdatasync", errno: EIO)
        fixture.spool.fail(with: error)
        #expect(throws: FileSystemError(error)) { try fixture.fileSystem.synchronize(handle) }
        fixture.spool.fail(with: nil)
        #expect(fixture.uploads.takeEvents() == ["spoiled 1 spool-fdatasync"])
        #expect(throws: FileSystemError(error)) { try fixture.close(handle) }
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
    }

    @Test("A disk that refuses what was closed already, through another descriptor, makes that close void, too")
    func failedFsyncAfterClose() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "text")
        try fixture.fileSystem.flush(handle)
        _ = fixture.uploads.takeEvents()
        fixture.spool.fail(with: .system(call: "fdatasync", errno: EIO))
        #expect(throws: FileSystemError.self) { try fixture.fileSystem.synchronize(handle) }
        fixture.spool.fail(with: nil)
        #expect(fixture.uploads.takeEvents() == ["spoiled 1 spool-fdatasync"])
    }

    @Test("A file that a failed write has spoiled shows what there is, is not written on, and can be begun anew")
    func spoiled() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a")
        try fixture.write(handle, "text")
        fixture.spool.fail(with: .noSpace)
        #expect(throws: FileSystemError.noSpace) { try fixture.write(handle, "more", at: 4) }
        fixture.spool.fail(with: nil)
        #expect(throws: FileSystemError.noSpace) { try fixture.close(handle) }
        let entry = try #require(try fixture.lookup("a"))
        #expect(entry.attributes.size == 4)
        let failure = Failure(code: "no-space", reason: "", remedy: "")
        try fixture.journal.apply([.setPhase(VersionID(1), .failed, failure: failure, retries: 0)])
        let again = try fixture.open(entry.attributes.inode, O_RDWR)
        #expect(try fixture.content(again) == "text")
        #expect(throws: FileSystemError.lost) { try fixture.write(again, "more", at: 4) }
        #expect(throws: FileSystemError.lost) { try fixture.close(again) }
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        let anew = try fixture.open(entry.attributes.inode, O_WRONLY | O_TRUNC)
        try fixture.write(anew, "new")
        try fixture.close(anew)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 3)
    }

    @Test("A failed --durable-close is told, and what the disk refused is never published")
    func failedDurableClose() throws {
        let fixture = try FileSystemFixture(closesDurably: true)
        let handle = try fixture.create("a")
        try fixture.write(handle, "text")
        _ = fixture.uploads.takeEvents()
        let error = SpoolError.system(call: "fdatasync", errno: EIO)
        fixture.spool.fail(with: error)
        #expect(throws: FileSystemError(error)) { try fixture.close(handle) }
        fixture.spool.fail(with: nil)
        #expect(fixture.uploads.takeEvents().contains("spoiled 1 spool-fdatasync"))
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
    }

    @Test("With --durable-close the journal calls a close durable only together with its bytes, and is synchronized")
    func durable() throws {
        let fixture = try FileSystemFixture(closesDurably: true)
        let handle = try fixture.create("a")
        try fixture.write(handle, "one")
        let before = fixture.journal.synchronizations
        try fixture.close(handle)
        let record = try #require(try fixture.journal.upload(VersionID(1)))
        #expect(record.durable != nil && record.durable == record.closed)
        #expect(fixture.journal.synchronizations == before + 1)
    }

    @Test("Before a byte of a durable close is overwritten, it is durable that the close is void")
    func reopenedDurably() throws {
        let fixture = try FileSystemFixture(closesDurably: true)
        let inode = try fixture.make("a", "one")
        try fixture.publish(VersionID(1))
        let before = fixture.journal.synchronizations
        let again = try fixture.open(inode)
        try fixture.write(again, "two")
        #expect(fixture.journal.synchronizations == before + 1)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        try fixture.write(again, "six", at: 3)
        #expect(fixture.journal.synchronizations == before + 1)
    }
}
