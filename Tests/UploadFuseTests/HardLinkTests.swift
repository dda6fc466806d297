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

    private func links(_ name: String) throws -> UInt32? { try fixture.lookup(name)?.attributes.links }

    @Test("Both names lead to the node, and the further one gets a version of its own, closed as the first was")
    func bothNames() throws {
        let inode = try fixture.make("a", "text")
        _ = fixture.uploads.takeEvents()
        let entry = try fixture.link(inode, "b")
        #expect(entry.attributes.inode == inode && entry.attributes.links == 2)
        #expect(try fixture.lookup("b")?.attributes.inode == inode)
        #expect(try links("a") == 2)
        #expect(fixture.uploads.takeEvents() == ["opened 2 new", "closed 2 4"])
        #expect(try fixture.namespace.path(of: further)?.text == "b")
        #expect(
            try fixture.upload(2)?.closedSize == 4 && fixture.upload(2)?.phase == .queued
                && fixture.upload(2)?.file == further)
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("text".utf8))
    }

    @Test("A directory, what is there already, and .uploadfs get none")
    func refusals() throws {
        let inode = try fixture.make("a")
        let directory = try fixture.makeDirectory("d")
        #expect(throws: FileSystemError.unsupportedKind) { try fixture.link(directory, "x") }
        #expect(throws: FileSystemError.exists) { try fixture.link(inode, "a") }
        #expect(throws: FileSystemError.reserved) { try fixture.link(inode, ".uploadfs") }
        #expect(throws: FileSystemError.notDirectory) { try fixture.link(inode, "x", in: inode) }
        #expect(try links("a") == 1)
    }

    @Test("Without its first name a node goes on under the further one")
    func unlinkFirst() throws {
        let inode = try fixture.linked()
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
        _ = try fixture.linked()
        try fixture.unlink("b")
        #expect(try links("a") == 1)
        #expect(fixture.uploads.takeEvents() == ["removed 3"])
        #expect(try fixture.journal.node(further) == nil)
    }

    @Test("Of a temporary name that is linked into place and unlinked the final one is published")
    func linkedIntoPlace() throws {
        let inode = try fixture.make("film.mkv.part")
        try fixture.link(inode, "film.mkv")
        _ = fixture.uploads.takeEvents()
        try fixture.unlink("film.mkv.part")
        #expect(fixture.uploads.takeEvents() == ["removed 3", "classified 2 ordinary"])
    }

    @Test("Two names of one node renamed onto each other stay both, as rename(2) says")
    func renameOntoItself() throws {
        _ = try fixture.linked()
        try fixture.rename("a", to: "b")
        try fixture.rename("b", to: "a")
        #expect(try fixture.names() == ["a", "b"])
        #expect(fixture.uploads.takeEvents() == [])
    }

    @Test("A further name is renamed by itself, and the node's ctime moves")
    func renameFurther() throws {
        let inode = try fixture.linked()
        let before = try fixture.fileSystem.attributes(inode).attributes.times.changed
        try fixture.rename("b", to: "c.part")
        #expect(try fixture.names() == ["a", "c.part"])
        #expect(fixture.uploads.takeEvents() == ["classified 3 temporary"])
        #expect(try fixture.fileSystem.attributes(inode).attributes.times.changed > before)
    }

    @Test("What is renamed over the first name takes it, and the node has the further one")
    func replaceFirst() throws {
        let inode = try fixture.linked()
        let other = try fixture.make("x", "other")
        try fixture.rename("x", to: "a")
        #expect(try fixture.lookup("a")?.attributes.inode == other)
        #expect(try fixture.lookup("b")?.attributes.inode == inode)
        #expect(try links("b") == 1)
    }

    @Test("Where the published first name is replaced, what was to be sent for the further one is sent as the node's")
    func replacePublishedFirst() throws {
        let inode = try fixture.linked()
        try fixture.publish(VersionID(1), as: first)
        let closed = try fixture.upload(1)?.closed
        try fixture.make("x", "other")
        _ = fixture.uploads.takeEvents()
        try fixture.rename("x", to: "a")
        #expect(try fixture.lookup("b")?.attributes.inode == inode)
        #expect(
            fixture.uploads.takeEvents() == [
                "removed 3", "classified 2 ordinary", "opened 4 new", "closed 4 4", "touched 4",
            ])
        #expect(try fixture.upload(4)?.phase == .queued)
        // What was published as "a" is no content of "b" that a cancel could bring back.
        #expect(try fixture.upload(1) == nil && !fixture.spool.versions().contains(VersionID(1)))
        // The same close: no other name has to get it anew.
        #expect(try fixture.upload(4)?.closed == closed)
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
        try fixture.link(inode, "b")
        #expect(try fixture.namespace.evict(first, VersionID(1)) == false)
        try fixture.make("x", "other")
        #expect(throws: FileSystemError.namesUnsettled) { try fixture.rename("x", to: "a") }
        try fixture.close(writer)
        let given = try #require(try fixture.journal.newestUpload(of: further))
        #expect(given.closed == (try fixture.upload(1)?.closed) && given.closedSize == 4)
        #expect(try fixture.namespace.evict(first, VersionID(1)))
    }

    @Test("Which of the names is to stay can't be told while one of them is being published")
    func beingPublished() throws {
        _ = try fixture.linked()
        _ = try fixture.namespace.claim(further)
        #expect(throws: FileSystemError.beingPublished) { try fixture.unlink("a") }
        try fixture.publish(VersionID(2))
        fixture.namespace.release(further, published: true)
        try fixture.unlink("a")
        #expect(throws: FileSystemError.published) { try fixture.unlink("b") }
    }

    @Test("A symbolic link may have two names, too")
    func symbolicLink() throws {
        let entry = try fixture.fileSystem.makeLink(
            Array("s".utf8), in: 1, to: Array("a".utf8), by: FileSystemFixture.caller)
        try fixture.link(entry.attributes.inode, "t")
        #expect(try fixture.lookup("t")?.attributes.inode == entry.attributes.inode)
        #expect(try links("s") == 2)
        try fixture.unlink("s")
        let further = try #require(try fixture.lookup("t")).attributes.inode
        #expect(try fixture.fileSystem.target(further) == Array("a".utf8))
    }

    @Test("It is sent from what was kept for the further one where its own bytes have made room")
    func replaceEvictedFirst() throws {
        let inode = try fixture.linked()
        let reader = try fixture.open(inode, O_RDONLY)
        try fixture.publish(VersionID(1), as: first)
        #expect(try fixture.namespace.evict(first, VersionID(1)))
        try fixture.spool.remove(VersionID(1))
        try fixture.make("x", "other")
        try fixture.rename("x", to: "a")
        #expect(try fixture.upload(4)?.file == first && fixture.upload(4)?.closedSize == 4)
        #expect(try fixture.spool.open(VersionID(4)).contents() == Array("text".utf8))
        // Who reads it goes on, and who writes from now on does so in what is to be sent.
        #expect(try fixture.content(reader) == "text")
        let writer = try fixture.rewritten(inode, "more")
        try fixture.close(writer)
        fixture.fileSystem.release(reader)
        #expect(try fixture.journal.newestUpload(of: first)?.version == VersionID(5))
    }

    @Test("Where the journal does not take that, nothing has happened")
    func replaceRefused() throws {
        let inode = try fixture.linked()
        try fixture.publish(VersionID(1), as: first)
        try fixture.make("x", "other")
        let before = try fixture.spool.versions().sorted()
        // The name is taken: the journal refuses the whole.
        fixture.journal.failApplying(with: .noSpace)
        #expect(throws: FileSystemError.self) { try fixture.rename("x", to: "a") }
        fixture.journal.failApplying(with: nil)
        #expect(try fixture.spool.versions().sorted() == before)
        #expect(try fixture.lookup("a")?.attributes.inode == inode && links("a") == 2)
    }
}
