import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// Decisions over files, as the journal and the engine get them.
@Suite struct ControlTests {
    /// A file that its killed writer left: "half".
    private func interrupted() throws -> FileSystemFixture {
        let fixture = try FileSystemFixture()
        try fixture.close(try fixture.halfWritten("a.txt", by: 7), by: 7)
        // The engine's part.
        try fixture.journal.apply([
            .setPhase(
                VersionID(1), .interrupted,
                failure: FailureSentences.writerKilled(program: "cp", process: 7, signal: 9),
                retries: 0)
        ])
        fixture.uploads.set(try .sample(2, .interrupted))
        _ = fixture.uploads.takeEvents()
        return fixture
    }

    @Test("release closes what was interrupted as it is, with the journal's word before the engine's")
    func release() throws {
        let fixture = try interrupted()
        try fixture.fileSystem.perform("release a.txt")
        #expect(fixture.journalled(1).last == "closed 4")
        #expect(fixture.uploads.takeEvents() == ["released 1"])
    }

    @Test("While somebody has it open to go on with it, it is not released: its writer closes it")
    func releaseWhileOpen() throws {
        let fixture = try interrupted()
        let writer = try fixture.open(2)
        _ = fixture.uploads.takeEvents()
        #expect(throws: FileSystemError.notNow) { try fixture.fileSystem.perform("release a.txt") }
        #expect(fixture.uploads.takeEvents().isEmpty)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        try fixture.write(writer, "whole")
        try fixture.close(writer)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 5)
    }

    @Test("cancel takes a change back: void from then on, and what was published stays")
    func cancel() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a.txt", "text")
        try fixture.publish(VersionID(1))
        let writer = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.write(writer, "newer")
        try fixture.close(writer)
        fixture.uploads.set(try .sample(inode, .queued, version: 2))
        _ = fixture.uploads.takeEvents()
        try fixture.fileSystem.perform("cancel a.txt")
        #expect(fixture.uploads.takeEvents() == ["discarded 2"])
        // Not to be published any more, whatever the engine has begun; and gone after a crash.
        #expect(try fixture.journal.upload(VersionID(2))?.closed == nil)
        #expect(try fixture.journal.supersededUploads() == [VersionID(2): nil])
        #expect(try fixture.content(try fixture.open(inode, O_RDONLY)) == "text")
    }

    @Test("With the newest version goes what failed before it; a second discard, of what came back, is refused")
    func discardAll() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a.txt", "kept")
        for (version, phase) in [(Int64(2), Phase.failed), (3, .interrupted)] {
            let writer = try fixture.open(inode, O_WRONLY | O_TRUNC)
            try fixture.write(writer, "bad", by: 7)
            fixture.doom(7)
            try fixture.close(writer, by: 7)
            try fixture.journal.apply([
                .setPhase(VersionID(version), phase, failure: FailureSentences.interrupted, retries: 0)
            ])
        }
        fixture.uploads.set(try .sample(inode, .interrupted, version: 3))
        _ = fixture.uploads.takeEvents()
        try fixture.fileSystem.perform("discard a.txt")
        #expect(fixture.uploads.takeEvents() == ["discarded 2", "discarded 3"])
        #expect(try fixture.content(try fixture.open(inode, O_RDONLY)) == "kept")
        // It was not this one that anybody looked at.
        fixture.uploads.set(try .sample(inode, .failed, version: 2))
        #expect(throws: FileSystemError.notNow) { try fixture.fileSystem.perform("discard a.txt") }
        #expect(try fixture.lookup("a.txt") != nil)
    }

    @Test("A version that the destination has since replaced does not come back with a discard")
    func discardOfRepublished() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a.txt", "text")
        try fixture.publish(VersionID(1))
        let writer = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.write(writer, "newer")
        try fixture.close(writer)
        try fixture.publish(VersionID(2))
        // Changed in place, and killed.
        let log = try fixture.open(inode)
        try fixture.write(log, "half", at: 5, by: 7)
        fixture.doom(7)
        try fixture.close(log, by: 7)
        fixture.uploads.set(try .sample(inode, .interrupted, version: 2))
        #expect(throws: FileSystemError.published) { try fixture.fileSystem.perform("discard a.txt") }
        #expect(try fixture.content(try fixture.open(inode, O_RDONLY)) == "newerhalf")
    }

    @Test("What a newer close has superseded does not come back with a cancel: the file is gone")
    func cancelWithSuperseded() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a.txt", "text")
        let writer = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.write(writer, "newer")
        try fixture.close(writer)
        #expect(try fixture.journal.uploads(of: FileID(inode)).count == 2)
        fixture.uploads.set(try .sample(inode, .queued, version: 2))
        _ = fixture.uploads.takeEvents()
        try fixture.fileSystem.perform("cancel a.txt")
        #expect(fixture.uploads.takeEvents() == ["removed \(inode)"])
        #expect(try fixture.lookup("a.txt") == nil)
    }
}
