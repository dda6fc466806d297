import Glibc
import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// Files whose bytes have left the spool, read from the destination.
@Suite struct ReadingBackTests {
    let remote = FakeRemoteFiles()
    let fixture: FileSystemFixture

    init() throws {
        fixture = try FileSystemFixture(remoteFiles: remote)
    }

    /// "a" with "text" in it, which is at the destination alone.
    private func evicted() throws -> UInt64 {
        let inode = try fixture.make("a")
        try fixture.publish(VersionID(1), as: FileID(inode))
        #expect(try fixture.namespace.evict(FileID(inode), VersionID(1)))
        try fixture.spool.remove(VersionID(1))
        return inode
    }

    private final class Answers: Sendable {
        private let all = Mutex<[Result<String, FileSystemError>]>([])
        func add(_ answer: Result<String, FileSystemError>) { all.withLock { $0.append(answer) } }
        var values: [Result<String, FileSystemError>] { all.withLock { $0 } }
    }

    /// Begins to wait for what a read is answered.
    /// - Returns: what ends the wait.
    @discardableResult
    private func read(
        _ handle: OpenHandle, _ count: Int, at offset: Int64, _ answers: Answers
    ) throws -> @Sendable () -> Void {
        guard case .parked(let waiter) = try fixture.fileSystem.read(handle, count, at: offset) else {
            Issue.record("answered at once")
            return {}
        }
        return waiter.begin { result in
            answers.add(
                result.map { answer in
                    guard case .bytes(let bytes) = answer else { return "no bytes" }
                    return String(decoding: bytes, as: UTF8.self)
                })
        }
    }

    @Test("An evicted file is opened for reading with all that is known of it, and its reads are answered later")
    func parked() throws {
        let inode = try evicted()
        let handle = try fixture.open(inode, O_RDONLY)
        #expect(remote.opened.isEmpty, "nobody has read yet")
        let answers = Answers()
        try read(handle, 100, at: 1, answers)
        let object = try #require(remote.opened.first)
        #expect(object.path.text == "a" && object.size == 4 && object.url == "u" && object.digest == "d")
        #expect(remote.ranges == [1..<4])
        #expect(answers.values.isEmpty)
        remote.answerAll(.success("ext"))
        #expect(answers.values == [.success("ext")])
        guard case .bytes(let end) = try fixture.fileSystem.read(handle, 100, at: 4) else {
            Issue.record("the end is waited for")
            return
        }
        #expect(end.isEmpty)
        // Another handle shares it.
        let other = try fixture.open(inode, O_RDONLY)
        try read(other, 4, at: 0, answers)
        #expect(remote.opened.count == 1)
        try fixture.fileSystem.synchronize(handle)
        #expect(try fixture.fileSystem.seek(handle, whence: 3, from: 2) == 2)
        #expect(try fixture.fileSystem.seek(handle, whence: 4, from: 2) == 4)
        #expect(try fixture.fileSystem.attributes(inode).attributes.size == 4)
    }

    @Test("A signal ends a wait with EINTR, and what can't be read is EIO with its reason")
    func endings() throws {
        let handle = try fixture.open(try evicted(), O_RDONLY)
        guard case .parked(let waiter) = try fixture.fileSystem.read(handle, 4, at: 0) else {
            Issue.record("answered at once")
            return
        }
        guard case .failure(.interrupted) = waiter.interrupted, case .failure(.ending) = waiter.ended else {
            Issue.record("a signal, or the mount's end")
            return
        }
        let cancel = waiter.begin { _ in }
        cancel()
        #expect(remote.cancelled == 1)
        let answers = Answers()
        try read(handle, 4, at: 0, answers)
        let failure = FailureSentences.reading(.objectChanged)
        remote.answerAll(.failure(.failed(failure)))
        #expect(answers.values == [.failure(.unreadable(failure))])
        #expect(FileSystemError.unreadable(failure).code == EIO)
        #expect(FileSystemError.unreadable(failure).reason.contains("somebody else has replaced it"))
    }

    @Test("An evicted file is not written into; cut to nothing it is new, also for who reads it")
    func replaced() throws {
        let inode = try evicted()
        let reader = try fixture.open(inode, O_RDONLY)
        let answers = Answers()
        try read(reader, 4, at: 0, answers)
        #expect(throws: FileSystemError.evicted) { try fixture.open(inode, O_WRONLY) }
        #expect(throws: FileSystemError.evicted) { try fixture.open(inode, O_RDWR | O_APPEND) }
        let writer = try fixture.open(inode, O_WRONLY | O_TRUNC)
        #expect(answers.values == [.failure(.stale)], "the kernel waits for it before it cuts its pages")
        #expect(remote.closed == 1)
        try fixture.write(writer, "newer")
        #expect(try fixture.content(reader) == "newer")
        fixture.fileSystem.release(reader)
        try fixture.close(writer)
        #expect(try fixture.journal.newestUpload(of: FileID(inode))?.version == VersionID(2))
        #expect(try fixture.content(try fixture.open(inode, O_RDONLY)) == "newer")
        #expect(remote.opened.count == 1)
    }

    @Test("Who has it open when it makes room reads on from the spool file that he has")
    func openMeanwhile() throws {
        let inode = try fixture.makePublished()
        let reader = try fixture.open(inode, O_RDONLY)
        #expect(try fixture.namespace.evict(FileID(inode), VersionID(1)))
        try fixture.spool.remove(VersionID(1))
        #expect(try fixture.content(reader) == "text")
        fixture.fileSystem.release(reader)
        try read(try fixture.open(inode, O_RDONLY), 4, at: 0, Answers())
        #expect(remote.ranges == [0..<4])
    }

    @Test("What was pruned is read by its name; what was never published, or can't be read there, is not")
    func known() throws {
        let inode = try evicted()
        try fixture.journal.apply([.removeUpload(VersionID(1))])
        let handle = try fixture.open(inode, O_RDONLY)
        try read(handle, 4, at: 0, Answers())
        let object = try #require(remote.opened.first)
        #expect(object.path.text == "a" && object.size == 4 && object.url == nil && object.tag == nil)
        fixture.fileSystem.release(handle)
        remote.refuse()
        #expect(throws: FileSystemError.evicted) { try fixture.open(inode, O_RDONLY) }
    }

    @Test(
        "Of a stream that passed through, what has left is read from the destination once it is published, not before")
    func stream() throws {
        let handle = try fixture.create("a", flags: O_RDWR)
        try fixture.write(handle, "12345678abc")
        let track = try #require(fixture.uploads.track(1))
        _ = track.drain()
        track.settled()
        try fixture.journal.apply([
            .stored(VersionID(1), StoredChunk(index: 0, length: 8, digest: "x"), knownClose: nil),
            .released(VersionID(1), 0..<1),
        ])
        #expect(track.release(0..<8))
        #expect(throws: FileSystemError.evicted) { try fixture.fileSystem.read(handle, 100, at: 0) }
        try fixture.close(handle)
        let inode = try #require(try fixture.lookup("a")).attributes.inode
        let reader = try fixture.open(inode, O_RDONLY)
        #expect(throws: FileSystemError.evicted) { try fixture.fileSystem.read(reader, 100, at: 0) }
        try fixture.journal.apply([
            .published(VersionID(1), PublishReceipt(url: "u", size: 11, digest: "d"), at: Timestamp(seconds: 1))
        ])
        let answers = Answers()
        try read(reader, 100, at: 0, answers)
        #expect(remote.ranges == [0..<11])
        remote.answerAll(.success("12345678abc"))
        #expect(answers.values == [.success("12345678abc")])
        guard case .spool(_, 8, 3) = try fixture.fileSystem.read(reader, 100, at: 8) else {
            Issue.record("what is here is not read here")
            return
        }
    }
}
