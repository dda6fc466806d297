import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("Names of what is published: a rename, or an unlink, that its object is to follow")
struct MovingTests {
    private func fixture(mayDelete: Bool = false) throws -> FileSystemFixture {
        try FileSystemFixture(canMove: true, mayDelete: mayDelete)
    }

    /// A file that is published, with the number of its version.
    private func publish(
        _ fixture: FileSystemFixture, _ name: String, version: Int64, in parent: UInt64 = 1
    ) throws -> UInt64 {
        let inode = try fixture.make(name, in: parent)
        try fixture.publish(VersionID(version), as: FileID(inode))
        _ = fixture.uploads.takeEvents()
        return inode
    }

    /// What is owed, in words: "FROM -> inode" or "FROM gone".
    private func owed(_ fixture: FileSystemFixture) throws -> [String] {
        try fixture.journal.owedMoves(after: 0).map { owed in
            owed.object.path.text + (owed.file.map { " -> \($0)" } ?? " gone")
        }
    }

    @Test("A rename relabels at once, and its object is owed to follow, in one transaction")
    func renamed() throws {
        let fixture = try fixture()
        let directory = try fixture.makeDirectory("d")
        let inode = try publish(fixture, "a.txt", version: 1)
        let before = fixture.journal.applied.count
        try fixture.rename("a.txt", to: "b.txt", into: directory)
        #expect(fixture.journal.applied.count == before + 1)
        #expect(fixture.uploads.takeEvents() == ["touched \(inode)", "owed \(inode)"])
        #expect(try fixture.lookup("b.txt", in: directory)?.attributes.inode == inode)
        let owed = try #require(try fixture.journal.owedMove(of: FileID(inode)))
        #expect(owed.object == ObjectReference(path: try UploadPath("a.txt"), url: "u", size: 4))
        #expect(try fixture.journal.node(FileID(inode))?.isPublished == true)
    }

    @Test("Renamed once more it is owed from where its object lies; back at its name, nothing is")
    func chain() throws {
        let fixture = try fixture()
        let inode = try publish(fixture, "a", version: 1)
        try fixture.rename("a", to: "b")
        try fixture.rename("b", to: "c")
        // Where it lay meanwhile it may have replaced something.
        #expect(try owed(fixture) == ["a -> \(inode)", "b gone"])
        try fixture.rename("c", to: "a")
        #expect(try owed(fixture) == ["b gone", "c gone"])
    }

    @Test("Over what is published: that is replaced, and what was owed of it goes")
    func replacing() throws {
        let fixture = try fixture()
        let first = try publish(fixture, "a", version: 1)
        try fixture.rename("a", to: "b")
        let second = try publish(fixture, "c", version: 2)
        try fixture.rename("c", to: "b")
        #expect(
            fixture.uploads.takeEvents() == [
                "removed \(first)", "owed \(first)", "touched \(second)", "owed \(second)",
            ])
        #expect(try owed(fixture) == ["a gone", "c -> \(second)"])
        // What is not published takes its place, too.
        try fixture.make("d")
        try fixture.rename("d", to: "b")
        #expect(try owed(fixture) == ["a gone", "c gone"])
    }

    @Test(
        "Where its object can't follow, it is another filesystem: temporary names, directories, hard links, an exchange"
    )
    func refused() throws {
        let fixture = try fixture()
        let directory = try fixture.makeDirectory("d")
        _ = try publish(fixture, "in", version: 1, in: directory)
        let inode = try publish(fixture, "a", version: 2)
        try fixture.make("other")
        func isRefused(_ name: String, _ new: String, flags: FileSystem.RenameFlags = []) {
            #expect(throws: FileSystemError.renameOfPublished) { try fixture.rename(name, to: new, flags: flags) }
        }
        isRefused("d", "e")
        isRefused("a", "a~")
        isRefused("a", ".DS_Store")
        isRefused("a", "other", flags: .exchange)
        try fixture.link(inode, "further")
        isRefused("a", "b")
        #expect(try owed(fixture).isEmpty)
        #expect(throws: FileSystemError.published) { try fixture.unlink("a") }
        let plain = try FileSystemFixture()
        _ = try publish(plain, "a", version: 1)
        #expect(throws: FileSystemError.renameOfPublished) { try plain.rename("a", to: "b") }
    }

    @Test("Names in a row wait for each other, in a circle they could not")
    func circle() throws {
        let fixture = try fixture()
        let first = try publish(fixture, "a", version: 1)
        let second = try publish(fixture, "b", version: 2)
        let third = try publish(fixture, "c", version: 3)
        try fixture.rename("c", to: "d")
        try fixture.rename("b", to: "c")
        try fixture.rename("a", to: "b")
        #expect(try owed(fixture) == ["c -> \(third)", "b -> \(second)", "a -> \(first)"])
        #expect(throws: FileSystemError.renameOfPublished) { try fixture.rename("d", to: "a") }
        // Home is not: then its object stays.
        try fixture.rename("b", to: "x")
        try fixture.rename("c", to: "b")
        #expect(try owed(fixture) == ["c -> \(third)", "a -> \(first)"])
        // Two that change places by way of a third name.
        try fixture.rename("b", to: "y")
        try fixture.rename("d", to: "b")
        #expect(throws: FileSystemError.renameOfPublished) { try fixture.rename("y", to: "c") }
    }

    @Test("With --allow-delete it may be unlinked: its object is owed to be deleted, and the directory goes then")
    func unlinked() throws {
        let fixture = try fixture(mayDelete: true)
        let directory = try fixture.makeDirectory("d")
        let inode = try publish(fixture, "a", version: 1, in: directory)
        try fixture.unlink("a", in: directory)
        #expect(fixture.uploads.takeEvents() == ["removed \(inode)", "owed \(inode)"])
        #expect(try owed(fixture) == ["d/a gone"])
        try fixture.fileSystem.removeDirectory(Array("d".utf8), in: 1)
        // What is not published is nobody's.
        try fixture.make("b")
        try fixture.unlink("b")
        #expect(try owed(fixture) == ["d/a gone"])
    }

    @Test("Unlinked before it was moved, both of its names are owed to be deleted")
    func unlinkedBeforeMoved() throws {
        let fixture = try fixture(mayDelete: true)
        _ = try publish(fixture, "a", version: 1)
        try fixture.rename("a", to: "b")
        try fixture.unlink("b")
        #expect(try owed(fixture) == ["a gone", "b gone"])
    }

    @Test("Of a hard-linked file each name's object goes with it")
    func hardLinks() throws {
        let fixture = try fixture(mayDelete: true)
        let inode = try publish(fixture, "a", version: 1)
        try fixture.link(inode, "b")
        let further = try #require(try fixture.journal.child(try FileName("b"), of: .root)).file
        try fixture.publish(VersionID(2), as: further)
        try fixture.unlink("b")
        #expect(try owed(fixture) == ["b gone"])
        #expect(try fixture.lookup("a")?.attributes.inode == inode)
        try fixture.unlink("a")
        #expect(try owed(fixture) == ["b gone", "a gone"])
    }

    @Test("When a copy was made the tree tells where its object is to be: there, further on, or nowhere")
    func placed() throws {
        let fixture = try fixture(mayDelete: true)
        let inode = try publish(fixture, "a", version: 1)
        func copy(_ name: String) throws -> CopiedObject {
            CopiedObject(object: ObjectReference(path: try UploadPath(name), url: "u/\(name)", size: 4))
        }
        try fixture.rename("a", to: "b")
        var begun = try #require(try fixture.journal.owedMove(of: FileID(inode)))
        try fixture.namespace.placed(begun, copy("b"))
        #expect(try owed(fixture) == ["a gone"])
        #expect(try fixture.upload(1)?.receipt?.url == "u/b")
        try fixture.journal.apply([.moveDone(2)])
        // Renamed meanwhile.
        try fixture.rename("b", to: "c")
        begun = try #require(try fixture.journal.owedMove(of: FileID(inode)))
        try fixture.rename("c", to: "d")
        try fixture.namespace.placed(begun, copy("c"))
        #expect(try owed(fixture) == ["b gone", "c -> \(inode)"])
        // Back, and away again: it is not the same any more.
        begun = try #require(try fixture.journal.owedMove(of: FileID(inode)))
        try fixture.rename("d", to: "c")
        try fixture.rename("c", to: "d")
        try fixture.namespace.placed(begun, copy("d"))
        #expect(try owed(fixture) == ["b gone", "d gone", "c -> \(inode)"])
        begun = try #require(try fixture.journal.owedMove(of: FileID(inode)))
        try fixture.unlink("d")
        try fixture.namespace.placed(begun, copy("d"))
        #expect(try owed(fixture) == ["b gone", "d gone", "c gone"])
    }
}
