import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("Hard links: one node, and an object for each of its names")
struct HardLinkTests {
    let fixture: FileSystemFixture
    private var first: FileID { FileID(2) }
    private var further: FileID { FileID(3) }

    init() throws {
        fixture = try FileSystemFixture()
    }

    @discardableResult
    private func link(_ inode: UInt64, _ name: String, in parent: UInt64 = 1) throws -> Entry {
        try fixture.fileSystem.link(inode, to: Array(name.utf8), in: parent)
    }

    /// "a", closed, and "b", the same.
    private func linked(_ text: String = "text") throws -> UInt64 {
        let inode = try fixture.make("a", text)
        try link(inode, "b")
        _ = fixture.uploads.takeEvents()
        return inode
    }

    private func links(_ name: String) throws -> UInt32? { try fixture.lookup(name)?.attributes.links }

    private func upload(_ version: Int64) throws -> UploadRecord? {
        try fixture.journal.upload(VersionID(version))
    }

    @Test("Both names lead to the node, and the further one gets a version of its own, closed as the first was")
    func bothNames() throws {
        let inode = try fixture.make("a", "text")
        _ = fixture.uploads.takeEvents()
        let entry = try link(inode, "b")
        #expect(entry.attributes.inode == inode && entry.attributes.links == 2)
        #expect(try fixture.lookup("b")?.attributes.inode == inode)
        #expect(try links("a") == 2)
        #expect(fixture.uploads.takeEvents() == ["opened 2 new", "closed 2 4"])
        #expect(try fixture.namespace.path(of: further)?.text == "b")
        #expect(try upload(2)?.closedSize == 4 && upload(2)?.phase == .queued && upload(2)?.file == further)
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("text".utf8))
    }

    @Test("A directory, what is there already, and .uploadfs get none")
    func refusals() throws {
        let inode = try fixture.make("a")
        let directory = try fixture.makeDirectory("d")
        #expect(throws: FileSystemError.unsupportedKind) { try link(directory, "x") }
        #expect(throws: FileSystemError.exists) { try link(inode, "a") }
        #expect(throws: FileSystemError.reserved) { try link(inode, ".uploadfs") }
        #expect(throws: FileSystemError.notDirectory) { try link(inode, "x", in: inode) }
        #expect(try links("a") == 1)
    }

    @Test("Every close is one of all names")
    func closes() throws {
        let inode = try linked()
        let handle = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.write(handle, "longer text")
        try fixture.close(handle)
        #expect(try upload(3)?.file == first && upload(3)?.closedSize == 11)
        #expect(try upload(4)?.file == further && upload(4)?.closedSize == 11)
        #expect(try fixture.spool.open(VersionID(4)).contents() == Array("longer text".utf8))
    }

    @Test("A name that is given while a writer is at it waits for the close, and all of the bytes stay for it")
    func givenWhileWriting() throws {
        let handle = try fixture.create("a")
        try fixture.write(handle, "12345678")
        _ = fixture.uploads.takeEvents()
        try link(try #require(try fixture.lookup("a")).attributes.inode, "b")
        #expect(fixture.uploads.takeEvents() == [])
        _ = fixture.uploads.track(1)?.drain()
        #expect(fixture.uploads.track(1)?.release(0..<8) == false)
        try fixture.close(handle)
        #expect(try upload(2)?.file == further && upload(2)?.closedSize == 8)
    }

    @Test("While somebody has it open for writing a close is not the last word: names get it when the last one is gone")
    func severalWriters() throws {
        let inode = try linked()
        let first = try fixture.open(inode, O_WRONLY | O_TRUNC)
        let second = try fixture.open(inode)
        try fixture.write(first, "one")
        try fixture.close(first)
        try fixture.fileSystem.flush(second)
        #expect(try fixture.journal.newestUpload(of: further)?.version == VersionID(2))
        try link(inode, "c")
        #expect(try fixture.journal.newestUpload(of: FileID(4)) == nil)
        try fixture.write(second, "two", at: 3)
        try fixture.close(second)
        for file in [further, FileID(4)] {
            let upload = try #require(try fixture.journal.newestUpload(of: file))
            #expect(try fixture.spool.open(upload.version).contents() == Array("onetwo".utf8) && upload.closed != nil)
        }
    }

    @Test("A close that no further name had got when uploadfs was killed is given to them at the next mount")
    func completed() throws {
        let inode = try linked()
        let handle = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.write(handle, "newer")
        try fixture.fileSystem.flush(handle)
        // No RELEASE comes.
        let namespace = try Namespace(
            journal: fixture.journal, spool: fixture.spool, configuration: fixture.namespace.configuration,
            now: fixture.namespace.now)
        let next = FileSystem(namespace: namespace, uploads: fixture.uploads, logger: fixture.fileSystem.logger)
        _ = fixture.uploads.takeEvents()
        next.completeNames()
        #expect(fixture.uploads.takeEvents() == ["opened 4 new", "closed 4 5"])
        #expect(try upload(4)?.file == further)
        next.completeNames()
        #expect(fixture.uploads.takeEvents() == [])
    }

    @Test("What is changed in place before its further name is published is changed in a copy")
    func changeInPlace() throws {
        let inode = try linked()
        // The first name is published, the further one is not.
        try fixture.publish(VersionID(1))
        let handle = try fixture.open(inode)
        try fixture.write(handle, "TEXT")
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("text".utf8))
        #expect(try upload(2)?.closedSize == 4)
        try fixture.close(handle)
        #expect(try upload(3)?.file == first && upload(4)?.file == further)
        #expect(try fixture.spool.open(VersionID(4)).contents() == Array("TEXT".utf8))
    }

    @Test(
        "Nor is what a further name has that is not published, whatever keeps it from that",
        arguments: [Phase.failed, .interrupted])
    func changeUnderOther(phase: Phase) throws {
        let inode = try linked()
        switch phase {
        case .failed:
            try fixture.publish(VersionID(1))
            try fixture.journal.apply([.setPhase(VersionID(2), .failed, failure: nil, retries: 0)])
        default:
            // As after a loss of power that the further name's close survived, and the node's did not.
            let close = try #require(try upload(1)?.closed)
            try fixture.journal.apply([
                .lapsed(VersionID(1), ofClose: close), .setPhase(VersionID(1), .interrupted, failure: nil, retries: 0),
            ])
        }
        let handle = try fixture.open(inode)
        try fixture.write(handle, "TEXT")
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("text".utf8))
        try fixture.close(handle)
        #expect(try fixture.spool.open(VersionID(4)).contents() == Array("TEXT".utf8) && upload(4)?.file == further)
    }

    @Test("A stream that is refused a further name, or has lost it, goes on making room")
    func makingRoom() throws {
        let handle = try fixture.create("a")
        try fixture.write(handle, "1234567812345678")
        let inode = try #require(try fixture.lookup("a")).attributes.inode
        let track = try #require(fixture.uploads.track(1))
        _ = track.drain()
        try link(inode, "b")
        #expect(!track.release(0..<8))
        try fixture.unlink("b")
        #expect(track.release(0..<8))
        #expect(throws: FileSystemError.unsupportedKind) { try link(inode, "b") }
        #expect(track.release(8..<16))
        fixture.fileSystem.release(handle)
    }

    @Test("A version of a further name is void before the bytes that it shares change")
    func lapses() throws {
        let handle = try fixture.open(try linked())
        guard case .file(let file) = handle else { throw FileSystemError.badHandle }
        // As for what is too big to be copied.
        file.content.breakPromise()
        _ = fixture.uploads.takeEvents()
        try fixture.write(handle, "TEXT")
        #expect(try upload(2)?.closed == nil)
        #expect(fixture.uploads.takeEvents().contains("discarded 2"))
        try fixture.close(handle)
        #expect(try upload(3)?.file == further && upload(3)?.closedSize == 4)
    }

    @Test("Without its first name a node goes on under the further one")
    func unlinkFirst() throws {
        let inode = try linked()
        try fixture.unlink("a")
        #expect(try fixture.names() == ["b"])
        #expect(try fixture.lookup("b")?.attributes.inode == inode)
        #expect(try links("b") == 1)
        #expect(try fixture.namespace.path(of: first)?.text == "b")
        #expect(fixture.uploads.takeEvents() == ["removed 3", "classified 2 ordinary"])
        let reader = try fixture.open(inode, O_RDONLY)
        #expect(try fixture.content(reader) == "text")
        fixture.fileSystem.release(reader)
        try fixture.unlink("b")
        #expect(fixture.uploads.takeEvents() == ["removed 2"])
    }

    @Test("A further name goes alone")
    func unlinkFurther() throws {
        _ = try linked()
        try fixture.unlink("b")
        #expect(try links("a") == 1)
        #expect(fixture.uploads.takeEvents() == ["removed 3"])
        #expect(try fixture.journal.node(further) == nil)
    }

    @Test("Of a temporary name that is linked into place and unlinked the final one is published")
    func linkedIntoPlace() throws {
        let inode = try fixture.make("film.mkv.part")
        try link(inode, "film.mkv")
        _ = fixture.uploads.takeEvents()
        try fixture.unlink("film.mkv.part")
        #expect(fixture.uploads.takeEvents() == ["removed 3", "classified 2 ordinary"])
    }

    @Test("Two names of one node renamed onto each other stay both, as rename(2) says")
    func renameOntoItself() throws {
        _ = try linked()
        try fixture.rename("a", to: "b")
        try fixture.rename("b", to: "a")
        #expect(try fixture.names() == ["a", "b"])
        #expect(fixture.uploads.takeEvents() == [])
    }

    @Test("A further name is renamed by itself, and the node's ctime moves")
    func renameFurther() throws {
        let inode = try linked()
        let before = try fixture.fileSystem.attributes(inode).attributes.times.changed
        try fixture.rename("b", to: "c.part")
        #expect(try fixture.names() == ["a", "c.part"])
        #expect(fixture.uploads.takeEvents() == ["classified 3 temporary"])
        #expect(try fixture.fileSystem.attributes(inode).attributes.times.changed > before)
    }

    @Test("What is renamed over the first name takes it, and the node has the further one")
    func replaceFirst() throws {
        let inode = try linked()
        let other = try fixture.make("x", "other")
        try fixture.rename("x", to: "a")
        #expect(try fixture.lookup("a")?.attributes.inode == other)
        #expect(try fixture.lookup("b")?.attributes.inode == inode)
        #expect(try links("b") == 1)
    }

    @Test("Where the published first name is replaced, what was to be sent for the further one is sent as the node's")
    func replacePublishedFirst() throws {
        let inode = try linked()
        _ = try fixture.namespace.claim(first)
        try fixture.publish(VersionID(1))
        fixture.namespace.release(first, published: true)
        try fixture.make("x", "other")
        _ = fixture.uploads.takeEvents()
        try fixture.rename("x", to: "a")
        #expect(try fixture.lookup("b")?.attributes.inode == inode)
        #expect(
            fixture.uploads.takeEvents() == [
                "removed 3", "classified 2 ordinary", "opened 1 new", "closed 1 4", "touched 4",
            ])
        #expect(try upload(1)?.phase == .queued)
        // Not published under this name: it may go.
        try fixture.unlink("b")
    }

    @Test("What a further name is owed is not lost with its first name, nor with the room that is made")
    func owed() throws {
        let inode = try fixture.makePublished()
        _ = try fixture.namespace.claim(first)
        fixture.namespace.release(first, published: true)
        let writer = try fixture.open(inode)
        // Its version comes when the writer is gone.
        try link(inode, "b")
        #expect(try fixture.namespace.evict(first, VersionID(1)) == false)
        try fixture.make("x", "other")
        #expect(throws: FileSystemError.beingPublished) { try fixture.rename("x", to: "a") }
        try fixture.close(writer)
        let given = try #require(try fixture.journal.newestUpload(of: further))
        #expect(given.closed == (try upload(1)?.closed) && given.closedSize == 4)
        #expect(try fixture.namespace.evict(first, VersionID(1)))
    }

    @Test("Which of the names is to stay can't be told while one of them is being published")
    func beingPublished() throws {
        _ = try linked()
        _ = try fixture.namespace.claim(further)
        #expect(throws: FileSystemError.beingPublished) { try fixture.unlink("a") }
        try fixture.publish(VersionID(2))
        fixture.namespace.release(further, published: true)
        try fixture.unlink("a")
        #expect(throws: FileSystemError.published) { try fixture.unlink("b") }
    }

    @Test("With a further name the node's own time and mode travel, and nobody needs its bytes afterwards")
    func claimed() throws {
        let inode = try linked()
        _ = try fixture.fileSystem.change(
            inode, AttributeChange(mode: 0o600, modified: .at(Timestamp(seconds: 5))))
        #expect(fixture.uploads.takeEvents() == ["touched 2", "touched 3"])
        let name = try #require(try fixture.namespace.claim(further))
        #expect(name.isFurtherName && name.mode == 0o600 && name.modified == Timestamp(seconds: 5))
        #expect(try fixture.namespace.claim(first)?.isFurtherName == false)
    }

    @Test("Of what has left the spool there is no further name")
    func evicted() throws {
        let inode = try fixture.makePublished()
        try fixture.journal.apply([.evicted(VersionID(1))])
        #expect(throws: FileSystemError.unsupportedKind) { try link(inode, "b") }
        #expect(try links("a") == 1)
    }

    @Test("A spool or a journal that takes no more leaves the names as they were")
    func failures() throws {
        let inode = try fixture.make("a")
        fixture.spool.fail(with: .noSpace)
        #expect(throws: FileSystemError.noSpace) { try link(inode, "b") }
        fixture.spool.fail(with: nil)
        #expect(try fixture.names() == ["a"] && fixture.spool.versions() == [VersionID(1)])
        #expect(try links("a") == 1)
    }

    @Test("A symbolic link may have two names, too")
    func symbolicLink() throws {
        let entry = try fixture.fileSystem.makeLink(
            Array("s".utf8), in: 1, to: Array("a".utf8), by: FileSystemFixture.caller)
        try link(entry.attributes.inode, "t")
        #expect(try fixture.lookup("t")?.attributes.inode == entry.attributes.inode)
        #expect(try links("s") == 2)
        try fixture.unlink("s")
        let further = try #require(try fixture.lookup("t")).attributes.inode
        #expect(try fixture.fileSystem.target(further) == Array("a".utf8))
    }

    @Test("What was interrupted is published under all names when it is released")
    func release() throws {
        let handle = try fixture.halfWritten(by: 7)
        let inode = try #require(try fixture.lookup("a")).attributes.inode
        try link(inode, "b")
        try fixture.close(handle, by: 7)
        #expect(try upload(2) == nil)
        try fixture.journal.apply([.setPhase(VersionID(1), .interrupted, failure: nil, retries: 0)])
        fixture.uploads.set(try .sample(inode, .interrupted))
        _ = fixture.uploads.takeEvents()
        try fixture.fileSystem.perform("release a")
        #expect(fixture.uploads.takeEvents() == ["released 1", "opened 2 new", "closed 2 4"])
        #expect(try upload(2)?.file == further && upload(2)?.closedSize == 4)
    }

    @Test("A durable close is one of all names")
    func durable() throws {
        let fixture = try FileSystemFixture(closesDurably: true)
        let inode = try fixture.make("a")
        _ = try fixture.fileSystem.link(inode, to: Array("b".utf8), in: 1)
        let handle = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.write(handle, "more")
        try fixture.close(handle)
        let upload = try #require(try fixture.journal.newestUpload(of: FileID(3)))
        #expect(upload.durable != nil && upload.durable == upload.closed)
    }
}
