import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("Hard links: each name is published by itself, with every close of the node")
struct LinkVersionsTests {
    let fixture: FileSystemFixture
    private var first: FileID { FileID(2) }
    private var further: FileID { FileID(3) }

    init() throws {
        fixture = try FileSystemFixture()
    }

    @Test("Every close is one of all names")
    func closes() throws {
        let inode = try fixture.linked()
        let handle = try fixture.rewritten(inode, "longer text")
        try fixture.close(handle)
        #expect(try fixture.upload(3)?.file == first && fixture.upload(3)?.closedSize == 11)
        #expect(try fixture.upload(4)?.file == further && fixture.upload(4)?.closedSize == 11)
        #expect(try fixture.spool.open(VersionID(4)).contents() == Array("longer text".utf8))
    }

    @Test("A name that is given while a writer is at it waits for the close, and all of the bytes stay for it")
    func givenWhileWriting() throws {
        let handle = try fixture.create("a")
        try fixture.write(handle, "12345678")
        _ = fixture.uploads.takeEvents()
        try fixture.link(try #require(try fixture.lookup("a")).attributes.inode, "b")
        #expect(fixture.uploads.takeEvents() == [])
        _ = fixture.uploads.track(1)?.drain()
        #expect(fixture.uploads.track(1)?.release(0..<8) == false)
        try fixture.close(handle)
        #expect(try fixture.upload(2)?.file == further && fixture.upload(2)?.closedSize == 8)
    }

    @Test("While somebody has it open for writing a close is not the last word: names get it when the last one is gone")
    func severalWriters() throws {
        let inode = try fixture.linked()
        let first = try fixture.open(inode, O_WRONLY | O_TRUNC)
        let second = try fixture.open(inode)
        try fixture.write(first, "one")
        try fixture.close(first)
        try fixture.fileSystem.flush(second)
        #expect(try fixture.journal.newestUpload(of: further)?.version == VersionID(2))
        try fixture.link(inode, "c")
        // Nobody is in the middle of anything in this moment: a new name has what there is.
        #expect(try fixture.journal.newestUpload(of: FileID(4))?.closedSize == 3)
        try fixture.write(second, "two", at: 3)
        try fixture.close(second)
        for file in [further, FileID(4)] {
            let upload = try #require(try fixture.journal.newestUpload(of: file))
            #expect(try fixture.spool.open(upload.version).contents() == Array("onetwo".utf8) && upload.closed != nil)
        }
    }

    @Test("A close that no further name had got when uploadfs was killed is given to them at the next mount")
    func completed() throws {
        let inode = try fixture.linked()
        let handle = try fixture.rewritten(inode, "newer")
        try fixture.fileSystem.flush(handle)
        // No RELEASE comes.
        let next = try fixture.mountedAgain()
        _ = fixture.uploads.takeEvents()
        next.completeNames()
        #expect(fixture.uploads.takeEvents() == ["opened 4 new", "closed 4 5"])
        #expect(try fixture.upload(4)?.file == further)
        next.completeNames()
        #expect(fixture.uploads.takeEvents() == [])
    }

    @Test("What is changed in place before its further name is published is changed in a copy")
    func changeInPlace() throws {
        let inode = try fixture.linked()
        // The first name is published, the further one is not.
        try fixture.publish(VersionID(1))
        let handle = try fixture.open(inode)
        try fixture.write(handle, "TEXT")
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("text".utf8))
        #expect(try fixture.upload(2)?.closedSize == 4)
        try fixture.close(handle)
        #expect(try fixture.upload(3)?.file == first && fixture.upload(4)?.file == further)
        #expect(try fixture.spool.open(VersionID(4)).contents() == Array("TEXT".utf8))
    }

    @Test(
        "Nor is what a further name has that is not published, whatever keeps it from that",
        arguments: [Phase.failed, .interrupted])
    func changeUnderOther(phase: Phase) throws {
        let inode = try fixture.linked()
        switch phase {
        case .failed:
            try fixture.publish(VersionID(1))
            try fixture.journal.apply([.setPhase(VersionID(2), .failed, failure: nil, retries: 0)])
        default:
            // As after a loss of power that the further name's close survived, and the node's did not.
            let close = try #require(try fixture.upload(1)?.closed)
            try fixture.journal.apply([
                .lapsed(VersionID(1), ofClose: close), .setPhase(VersionID(1), .interrupted, failure: nil, retries: 0),
            ])
        }
        let handle = try fixture.open(inode)
        try fixture.write(handle, "TEXT")
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("text".utf8))
        try fixture.close(handle)
        #expect(
            try fixture.spool.open(VersionID(4)).contents() == Array("TEXT".utf8) && fixture.upload(4)?.file == further)
    }

    @Test("A stream that is refused a further name, or has lost it, goes on making room")
    func makingRoom() throws {
        let handle = try fixture.create("a")
        try fixture.write(handle, "1234567812345678")
        let inode = try #require(try fixture.lookup("a")).attributes.inode
        let track = try #require(fixture.uploads.track(1))
        _ = track.drain()
        try fixture.link(inode, "b")
        #expect(!track.release(0..<8))
        try fixture.unlink("b")
        #expect(track.release(0..<8))
        #expect(throws: FileSystemError.unsupportedKind) { try fixture.link(inode, "b") }
        #expect(track.release(8..<16))
        fixture.fileSystem.release(handle)
    }

    @Test("A version of a further name is void before the bytes that it shares change")
    func lapses() throws {
        let handle = try fixture.open(try fixture.linked())
        guard case .file(let file) = handle else { throw FileSystemError.badHandle }
        // As for what is too big to be copied.
        file.content.breakPromise()
        _ = fixture.uploads.takeEvents()
        try fixture.write(handle, "TEXT")
        #expect(try fixture.upload(2)?.closed == nil)
        #expect(fixture.uploads.takeEvents().contains("discarded 2"))
        try fixture.close(handle)
        #expect(try fixture.upload(3)?.file == further && fixture.upload(3)?.closedSize == 4)
    }

    @Test("With a further name the node's own time and mode travel, and nobody needs its bytes afterwards")
    func claimed() throws {
        let inode = try fixture.linked()
        _ = try fixture.fileSystem.change(
            inode, AttributeChange(mode: 0o600, modified: .at(Timestamp(seconds: 5))))
        #expect(fixture.uploads.takeEvents() == ["touched 2", "touched 3"])
        let name = try #require(try fixture.namespace.claim(further))
        #expect(name.isFurtherName && name.mode == 0o600 && name.modified == Timestamp(seconds: 5))
        #expect(try fixture.namespace.claim(first)?.isFurtherName == false)
    }

    @Test("What was interrupted is published under all names when it is released")
    func release() throws {
        let handle = try fixture.halfWritten(by: 7)
        let inode = try #require(try fixture.lookup("a")).attributes.inode
        try fixture.link(inode, "b")
        try fixture.close(handle, by: 7)
        #expect(try fixture.upload(2) == nil)
        try fixture.journal.apply([.setPhase(VersionID(1), .interrupted, failure: nil, retries: 0)])
        fixture.uploads.set(try .sample(inode, .interrupted))
        _ = fixture.uploads.takeEvents()
        try fixture.fileSystem.perform("release a")
        #expect(fixture.uploads.takeEvents() == ["released 1", "opened 2 new", "closed 2 4"])
        #expect(try fixture.upload(2)?.file == further && fixture.upload(2)?.closedSize == 4)
    }

    @Test("A durable close is one of all names")
    func durable() throws {
        let fixture = try FileSystemFixture(closesDurably: true)
        let inode = try fixture.make("a")
        _ = try fixture.fileSystem.link(inode, to: Array("b".utf8), in: 1)
        let handle = try fixture.rewritten(inode, "more")
        try fixture.close(handle)
        let upload = try #require(try fixture.journal.newestUpload(of: FileID(3)))
        #expect(upload.durable != nil && upload.durable == upload.closed)
    }

    @Test("A spool or a journal that takes no more leaves the names as they were")
    func failures() throws {
        let inode = try fixture.make("a")
        fixture.spool.fail(with: .noSpace)
        #expect(throws: FileSystemError.noSpace) { try fixture.link(inode, "b") }
        fixture.spool.fail(with: nil)
        #expect(try fixture.names() == ["a"] && fixture.spool.versions() == [VersionID(1)])
        #expect(try fixture.lookup("a")?.attributes.links == 1)
    }

    @Test("Of what has left the spool there is no further name")
    func evicted() throws {
        let inode = try fixture.makePublished()
        try fixture.journal.apply([.evicted(VersionID(1))])
        #expect(throws: FileSystemError.unsupportedKind) { try fixture.link(inode, "b") }
        #expect(try fixture.lookup("a")?.attributes.links == 1)
    }

    @Test(
        "A name that is given before the kernel lets go of the handle that was closed has the close at once, and keeps it"
    )
    func givenBeforeRelease() throws {
        let handle = try fixture.closedUnreleased("a", "closed")
        try fixture.link(2, "b")
        #expect(try fixture.upload(2)?.file == further && fixture.upload(2)?.closedSize == 6)
        // Who is in the middle of a change when uploadfs is killed takes nothing of it away.
        let writer = try fixture.open(2)
        try fixture.write(writer, "CL")
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("closed".utf8))
        #expect(try fixture.upload(2)?.closed != nil)
        fixture.fileSystem.release(handle)
        try fixture.close(writer)
        let last = try #require(try fixture.journal.newestUpload(of: further))
        #expect(try fixture.spool.open(last.version).contents() == Array("CLosed".utf8) && last.closed != nil)
    }

    @Test("Nor does one take it back who has closed one of its descriptors, and writes through another")
    func givenBetweenDescriptors() throws {
        let handle = try fixture.closedUnreleased("a", "closed")
        try fixture.link(2, "b")
        try fixture.write(handle, "CL")
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("closed".utf8))
        #expect(try fixture.upload(2)?.closed != nil)
        try fixture.close(handle)
        let last = try #require(try fixture.journal.newestUpload(of: further))
        #expect(try fixture.spool.open(last.version).contents() == Array("CLosed".utf8))
    }

    /// What a kill in this moment would leave of the further name.
    private func lastClose() throws -> String {
        let last = try #require(try fixture.journal.newestUpload(of: further))
        try #require(last.closed != nil)
        return String(decoding: try fixture.spool.open(last.version).contents(), as: UTF8.self)
    }

    @Test(
        "A close is one of all names, also when the next writer is there before the kernel lets go of the closed handle",
        arguments: [(Int32(0), "NEWer"), (O_TRUNC, "NEW")])
    func reopenedBeforeRelease(flags: Int32, text: String) throws {
        let inode = try fixture.linked()
        let handle = try fixture.rewritten(inode, "newer")
        try fixture.fileSystem.flush(handle)
        let writer = try fixture.open(inode, O_WRONLY | flags)
        try fixture.write(writer, "NEW")
        #expect(try lastClose() == "newer")
        fixture.fileSystem.release(handle)
        #expect(try lastClose() == "newer")
        try fixture.close(writer)
        #expect(try lastClose() == text)
    }

    @Test("With a durable close, what names get then is on stable storage, too")
    func durableBeforeRelease() throws {
        let fixture = try FileSystemFixture(closesDurably: true)
        let inode = try fixture.linked()
        let handle = try fixture.rewritten(inode, "newer")
        try fixture.fileSystem.flush(handle)
        let writer = try fixture.open(inode, O_WRONLY | O_TRUNC)
        let last = try #require(try fixture.journal.newestUpload(of: further))
        #expect(last.closedSize == 5 && last.durable == last.closed)
        fixture.fileSystem.release(handle)
        try fixture.close(writer)
    }

    @Test("And when it is cut through another descriptor of who has closed it")
    func cutBeforeRelease() throws {
        let inode = try fixture.linked()
        let handle = try fixture.rewritten(inode, "newer")
        try fixture.fileSystem.flush(handle)
        _ = try fixture.fileSystem.change(inode, AttributeChange(size: 0), through: handle)
        #expect(try lastClose() == "newer")
        try fixture.close(handle)
        #expect(try lastClose() == "")
    }
}
