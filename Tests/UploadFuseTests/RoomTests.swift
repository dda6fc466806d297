import Glibc
import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// The spool's quota as writers and readers meet it (P4).
@Suite struct RoomTests {
    private static let page = String(repeating: "x", count: 4096)

    private final class Outcomes: Sendable {
        private let all = Mutex<[Result<Int, FileSystemError>]>([])
        var values: [Result<Int, FileSystemError>] { all.withLock { $0 } }

        func add(_ outcome: Waiter.Outcome) {
            all.withLock {
                $0.append(
                    outcome.map { answer in
                        guard case .written(let count) = answer else { return -1 }
                        return count
                    })
            }
        }
    }

    /// A file whose second page is more than the spool has room for.
    private func park(
        flags: Int32 = O_WRONLY
    ) throws -> (fixture: FileSystemFixture, handle: OpenHandle, waiter: Waiter, outcomes: Outcomes) {
        let fixture = try FileSystemFixture(spoolLimit: 8192)
        let handle = try fixture.create("a", flags: flags)
        #expect(try fixture.write(handle, Self.page) == 4096)
        guard case .parked(let waiter) = try fixture.answer(handle, Self.page, at: 4096) else {
            throw FileSystemError.noSpace
        }
        return (fixture, handle, waiter, Outcomes())
    }

    @Test("A writer ahead of a full spool is held up, its bytes kept, and goes on when there is room")
    func heldUp() throws {
        let (fixture, handle, waiter, outcomes) = try park(flags: O_RDWR)
        _ = waiter.begin(outcomes.add)
        #expect(outcomes.values.isEmpty && fixture.spool.gauge.waiting == 1)
        #expect(try fixture.content(handle).count == 8192)
        fixture.spool.gauge.add(-4096)
        #expect(outcomes.values == [.success(4096)])
        fixture.spool.gauge.add(4096)
    }

    @Test("After too long it gets ENOSPC, and what it wrote is not published")
    func tooLong() throws {
        let (fixture, handle, waiter, outcomes) = try park()
        _ = waiter.begin(outcomes.add)
        _ = fixture.uploads.takeEvents()
        fixture.spool.gauge.giveUp(
            since: .seconds(7), FailureSentences.spoolFull(limit: 8192, after: .seconds(300)))
        #expect(outcomes.values == [.failure(.noSpace)])
        #expect(fixture.uploads.takeEvents() == ["spoiled 1 spool-full"])
        #expect(throws: FileSystemError.noSpace) { try fixture.write(handle, "x") }
        #expect(throws: FileSystemError.noSpace) { try fixture.close(handle) }
    }

    @Test("A signal ends the wait: the write is done, for its bytes are in the spool")
    func interrupted() throws {
        let (fixture, _, waiter, outcomes) = try park()
        outcomes.add(waiter.interrupted)
        #expect(outcomes.values == [.success(4096)])
        waiter.begin(outcomes.add)()
        #expect(fixture.spool.gauge.waiting == 0)
    }

    @Test("Signals end so many waits, then nothing more is stored without room; and they make no wait longer")
    func interruptedAgainAndAgain() throws {
        let (fixture, handle, first, outcomes) = try park()
        var waiter = first
        var stored = 4096
        while true {
            // The wait ends before there is room.
            waiter.begin(outcomes.add)()
            guard case .success = waiter.interrupted else { break }
            stored += 4096
            #expect(stored <= 8192 + Content.longestDebt)
            guard case .parked(let next) = try fixture.answer(handle, Self.page, at: Int64(stored)) else {
                throw FileSystemError.noSpace
            }
            waiter = next
        }
        outcomes.add(waiter.interrupted)
        #expect(outcomes.values == [.failure(.interrupted)])
        let used = fixture.spool.gauge.used
        #expect(used <= Int64(8192 + Content.longestDebt))
        // As long as the first one began to wait.
        _ = waiter.begin(outcomes.add)
        #expect(fixture.spool.gauge.oldestWait == .seconds(7))
        fixture.spool.gauge.add(-used)
        #expect(outcomes.values == [.failure(.interrupted), .failure(.interrupted)])
        #expect(try fixture.write(handle, "again", at: 0) == 5)
        fixture.spool.gauge.add(used)
    }

    @Test("What a signal cut short is forgotten once there was room: the next wait is a new one")
    func paidByRoom() throws {
        let (fixture, handle, waiter, outcomes) = try park()
        guard case .file(let file) = handle else { throw FileSystemError.badHandle }
        waiter.begin(outcomes.add)()
        #expect(file.content.heldUpSince == .seconds(7))
        fixture.spool.gauge.add(-8192)
        try fixture.write(handle, "x")
        #expect(file.content.heldUpSince == nil)
        fixture.spool.gauge.add(8192)
    }

    @Test("What is promised is copied before it is changed though there is no room, and the writer held up then")
    func promiseBeforeQuota() throws {
        let fixture = try FileSystemFixture(spoolLimit: 8192 + 100)
        let inode = try fixture.make("a", Self.page)
        try fixture.make("b", Self.page)
        let writer = try fixture.open(inode)
        guard case .parked = try fixture.answer(writer, "x") else { throw FileSystemError.noSpace }
        #expect(try fixture.spool.versions().count == 3)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 4096)
        try fixture.close(writer)
    }

    @Test("What has left the spool is neither written nor read nor cut any more, and who tries is told")
    func released() throws {
        let fixture = try FileSystemFixture()
        let handle = try fixture.create("a", flags: O_RDWR)
        try fixture.write(handle, Self.page)
        try fixture.write(handle, Self.page, at: 4096)
        let track = try #require(fixture.uploads.track(1))
        #expect(!track.release(0..<4096), "the engine has not heard of these bytes yet")
        _ = track.drain()
        #expect(track.release(0..<4096))
        #expect(throws: FileSystemError.evicted) { try fixture.fileSystem.read(handle, 10, at: 4090) }
        guard case .spool = try fixture.fileSystem.read(handle, 10, at: 4096) else {
            Issue.record("what is here can't be read")
            return
        }
        try fixture.write(handle, "more", at: 8192)
        _ = fixture.uploads.takeEvents()
        #expect(throws: FileSystemError.released) {
            try fixture.fileSystem.change(2, AttributeChange(size: 100))
        }
        #expect(throws: FileSystemError.released) { try fixture.write(handle, "x", at: 4095) }
        #expect(fixture.uploads.takeEvents().contains("spoiled 1 rewritten-released"))
    }

    @Test("A stream that was closed and is not published is not changed by who opens it then: it could not be a copy")
    func sealed() throws {
        let fixture = try FileSystemFixture()
        let first = try fixture.create("a", flags: O_RDWR)
        try fixture.write(first, Self.page)
        try fixture.write(first, Self.page, at: 4096)
        let track = try #require(fixture.uploads.track(1))
        _ = track.drain()
        #expect(track.release(0..<4096))
        try fixture.fileSystem.flush(first)
        // Its RELEASE comes late, as it may.
        let second = try fixture.open(2, O_RDWR)
        #expect(throws: FileSystemError.released) { try fixture.write(second, "x", at: 8000) }
        #expect(throws: FileSystemError.released) {
            try fixture.fileSystem.change(2, AttributeChange(size: 9000), through: second)
        }
        #expect(throws: FileSystemError.released) { try fixture.fileSystem.change(2, AttributeChange(size: 9000)) }
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 8192)
        // Who had it open all the while goes on, as a shell's redirection does.
        try fixture.write(first, "more", at: 8192)
        _ = try fixture.fileSystem.change(2, AttributeChange(size: 9000), through: first)
        try fixture.close(first)
        #expect(throws: FileSystemError.released) { try fixture.write(second, "x", at: 8000) }
        try fixture.close(second)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 9000)
        #expect(!fixture.uploads.takeEvents().contains { $0.hasPrefix("spoiled") })
        // Nothing of it is wanted any more: then it is a new version, for this handle, too.
        let third = try fixture.open(2, O_RDWR)
        _ = try fixture.fileSystem.change(2, AttributeChange(size: 0), through: third)
        try fixture.write(third, "new")
        try fixture.close(third)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 9000)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 3)
    }

    @Test("Such a stream is replaced though somebody else has it open for writing, and has not written")
    func sealedAndReplaced() throws {
        let fixture = try FileSystemFixture()
        let first = try fixture.create("a", flags: O_RDWR)
        try fixture.write(first, Self.page)
        try fixture.write(first, Self.page, at: 4096)
        let track = try #require(fixture.uploads.track(1))
        _ = track.drain()
        #expect(track.release(0..<4096))
        try fixture.close(first)
        let lingering = try fixture.open(2, O_RDWR)
        let anew = try fixture.open(2, O_WRONLY | O_TRUNC)
        try fixture.write(anew, "new")
        try fixture.close(anew)
        try fixture.close(lingering)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 8192)
        #expect(try fixture.journal.upload(VersionID(2))?.closedSize == 3)
    }

    @Test("No room is made of what a cut is about to take, nor is it cut within what has left")
    func cutUnderWay() {
        let track = WriteTrack(size: 100, schedule: .equal(10))
        #expect(track.beginCut(to: 25))
        #expect(!track.release(20..<30) && !track.release(90..<100))
        #expect(track.release(0..<20))
        _ = track.truncated(to: 25)
        #expect(!track.beginCut(to: 15))
        #expect(track.beginCut(to: 0))
        track.abandonedCut(to: 0)
        _ = track.drain()
        #expect(track.release(20..<25))
    }

    @Test("No room is made where a write is under way")
    func underWay() {
        let track = WriteTrack(size: 100, schedule: .equal(10))
        #expect(track.begin(10..<20))
        #expect(!track.release(0..<11))
        #expect(track.release(20..<30))
        #expect(!track.begin(25..<26))
        track.abandoned(10..<20)
        #expect(track.release(0..<11))
    }

    @Test("What was closed and waits to be published gives no room, though a writer has opened it: a change is a copy")
    func promised() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a", String(repeating: "x", count: 3 * 4096))
        let writer = try fixture.open(inode)
        let opened = try #require(fixture.uploads.track(1))
        #expect(!opened.release(4096..<8192))
        try fixture.write(writer, "y", at: 0)
        let copied = try #require(fixture.uploads.track(2))
        _ = copied.drain()
        #expect(copied.release(4096..<8192), "the copy is a stream as any other")
        try fixture.close(writer)
        #expect(try fixture.spool.open(VersionID(1)).contents() == [UInt8](repeating: 120, count: 3 * 4096))
    }

    @Test("No room is made behind a writer that has gone")
    func finished() {
        let track = WriteTrack(size: 100, schedule: .equal(10))
        track.finish()
        #expect(!track.release(0..<10))
    }

    @Test("A mount that goes away tells a held-up writer no error: its bytes are here")
    func ended() throws {
        let (_, _, waiter, outcomes) = try park()
        outcomes.add(waiter.ended)
        #expect(outcomes.values == [.success(4096)])
    }
}
