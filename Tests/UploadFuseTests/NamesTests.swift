import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("Names: making, renaming, removing")
struct NamesTests {
    let fixture: FileSystemFixture

    init() throws {
        fixture = try FileSystemFixture()
    }

    private func publish(_ inode: UInt64) throws {
        _ = try fixture.namespace.claim(FileID(inode))
        fixture.namespace.release(FileID(inode), published: true)
    }

    @Test("A name has up to 255 bytes, not characters")
    func longNames() throws {
        let longest = String(repeating: "é", count: 127) + "x"
        try fixture.make(longest)
        #expect(try fixture.lookup(longest) != nil)
        #expect(throws: FileSystemError.nameTooLong) { try fixture.create(longest + "y") }
        #expect(throws: FileSystemError.nameTooLong) { try fixture.lookup(longest + "y") }
    }

    @Test("One é and e with an accent are two names")
    func normalization() throws {
        let composed = try fixture.make("\u{e9}", "composed")
        let decomposed = try fixture.make("e\u{301}", "decomposed")
        #expect(composed != decomposed)
        #expect(try fixture.names().count == 2)
    }

    @Test("Bytes that are no UTF-8 are EILSEQ where a name is made, and not there where one is looked up")
    func notUTF8() throws {
        let bytes: [UInt8] = [0x61, 0xff, 0x62]
        #expect(throws: FileSystemError.nameNotUTF8) {
            try fixture.fileSystem.create(bytes, in: 1, mode: 0o644, flags: O_WRONLY, by: FileSystemFixture.caller)
        }
        #expect(try fixture.fileSystem.lookup(bytes, in: 1) == nil)
    }

    @Test("Names with newlines and quotes are names", arguments: ["a\nb", "\"'$(x)`", " ", "..a", "%2e"])
    func oddNames(name: String) throws {
        try fixture.make(name)
        #expect(try fixture.names() == [name])
    }

    @Test("A rename relabels, and the engine starts the settling time anew")
    func rename() throws {
        let inode = try fixture.make("a.txt")
        let directory = try fixture.makeDirectory("d")
        _ = fixture.uploads.takeEvents()
        try fixture.rename("a.txt", to: "b.txt", into: directory)
        #expect(fixture.uploads.takeEvents() == ["touched \(inode)"])
        #expect(try fixture.namespace.path(of: FileID(inode))?.text == "d/b.txt")
        #expect(try fixture.names() == ["d"])
    }

    @Test("A temporary name is told, and so is the rename that ends it")
    func temporaryName() throws {
        let inode = try fixture.make("film.mkv.part")
        #expect(fixture.uploads.takeEvents().first == "opened 1 new temporary")
        try fixture.rename("film.mkv.part", to: "film.mkv")
        #expect(fixture.uploads.takeEvents() == ["classified \(inode) ordinary"])
    }

    @Test("A directory that comes out of the trash brings its files back")
    func outOfTrash() throws {
        let trash = try fixture.makeDirectory(".Trash-0")
        let directory = try fixture.makeDirectory("photos", in: trash)
        let inode = try fixture.make("a.jpg", in: directory)
        #expect(fixture.uploads.takeEvents().first == "opened 1 new litter")
        try fixture.rename("photos", to: "photos", from: trash)
        #expect(fixture.uploads.takeEvents() == ["classified \(inode) ordinary"])
    }

    @Test("What a rename replaces is removed")
    func replaced() throws {
        let old = try fixture.make("a.txt", "old")
        let new = try fixture.make("b.txt", "new")
        _ = fixture.uploads.takeEvents()
        try fixture.rename("b.txt", to: "a.txt")
        #expect(fixture.uploads.takeEvents() == ["removed \(old)", "touched \(new)"])
        #expect(try fixture.lookup("a.txt")?.attributes.inode == new)
        #expect(throws: FileSystemError.exists) { try fixture.rename("a.txt", to: "a.txt", flags: .noReplace) }
    }

    @Test("RENAME_NOREPLACE is kept, other flags are EINVAL")
    func renameFlags() throws {
        try fixture.make("a")
        try fixture.make("b")
        #expect(throws: FileSystemError.exists) { try fixture.rename("a", to: "b", flags: .noReplace) }
        #expect(throws: FileSystemError.invalid) {
            // RENAME_WHITEOUT.
            try fixture.rename("a", to: "b", flags: FileSystem.RenameFlags(rawValue: 4))
        }
    }

    @Test("RENAME_EXCHANGE gives each the other's name, also a file's to a directory; what is published keeps its own")
    func exchange() throws {
        let file = try fixture.make("a~", "text")
        let directory = try fixture.makeDirectory("d")
        let inside = try fixture.make("inside", "more", in: directory)
        _ = fixture.uploads.takeEvents()
        try fixture.rename("a~", to: "inside", into: directory, flags: .exchange)
        #expect(try fixture.lookup("a~")?.attributes.inode == inside)
        #expect(try fixture.lookup("inside", in: directory)?.attributes.inode == file)
        #expect(fixture.uploads.takeEvents() == ["classified 2 ordinary", "classified \(inside) temporary"])
        try fixture.rename("a~", to: "d", flags: .exchange)
        #expect(try fixture.lookup("d")?.attributes.inode == inside)
        #expect(try fixture.lookup("a~")?.attributes.inode == directory)
        #expect(try fixture.names() == ["a~", "d"])
        #expect(throws: FileSystemError.notFound) { try fixture.rename("d", to: "none", flags: .exchange) }
        try fixture.rename("d", to: "d", flags: .exchange)
        let node = try #require(try fixture.journal.node(FileID(inside)))
        try fixture.publish(try #require(node.version))
        fixture.fileSystem.forget(inside, count: 100)
        #expect(throws: FileSystemError.renameOfPublished) { try fixture.rename("a~", to: "d", flags: .exchange) }
    }

    @Test("Files and directories don't replace each other, and only empty directories are replaced")
    func kinds() throws {
        try fixture.make("file")
        let full = try fixture.makeDirectory("full")
        _ = try fixture.makeDirectory("empty")
        try fixture.make("inside", in: full)
        #expect(throws: FileSystemError.isDirectory) { try fixture.rename("file", to: "empty") }
        #expect(throws: FileSystemError.notDirectory) { try fixture.rename("empty", to: "file") }
        #expect(throws: FileSystemError.notEmpty) { try fixture.rename("empty", to: "full") }
        try fixture.rename("full", to: "empty")
        #expect(try fixture.names() == ["empty", "file"])
    }

    @Test("What is published keeps its name, and so do the directories above it")
    func published() throws {
        let directory = try fixture.makeDirectory("d")
        let inode = try fixture.make("a.txt", in: directory)
        try fixture.journal.apply([
            .published(VersionID(1), PublishReceipt(url: "u", size: 4, digest: "d"), at: Timestamp(seconds: 1))
        ])
        try publish(inode)
        #expect(throws: FileSystemError.published) { try fixture.unlink("a.txt", in: directory) }
        #expect(throws: FileSystemError.renameOfPublished) {
            try fixture.rename("a.txt", to: "b.txt", from: directory)
        }
        #expect(throws: FileSystemError.renameOfPublished) { try fixture.rename("d", to: "e") }
    }

    @Test("A published name may be replaced by a newer file")
    func replacePublished() throws {
        let old = try fixture.make("a.txt", "old")
        try publish(old)
        let new = try fixture.make("a.txt.tmp", "new")
        _ = fixture.uploads.takeEvents()
        try fixture.rename("a.txt.tmp", to: "a.txt")
        #expect(fixture.uploads.takeEvents() == ["removed \(old)", "classified \(new) ordinary"])
    }

    @Test("No symbolic link takes the place of what is published: nothing would take that of its object")
    func linkOverPublished() throws {
        let inode = try fixture.make("a.txt")
        try publish(inode)
        _ = try fixture.fileSystem.makeLink(
            Array("link".utf8), in: 1, to: Array("x".utf8), by: FileSystemFixture.caller)
        #expect(throws: FileSystemError.published) { try fixture.rename("link", to: "a.txt") }
        #expect(try fixture.lookup("a.txt")?.attributes.inode == inode)
    }

    @Test("While the engine publishes a file, its name can't change")
    func claimed() throws {
        let directory = try fixture.makeDirectory("d")
        let inode = try fixture.make("a.txt", in: directory)
        let claim = try #require(try fixture.namespace.claim(FileID(inode)))
        #expect(claim.path.text == "d/a.txt")
        #expect(throws: FileSystemError.beingPublished) {
            try fixture.rename("a.txt", to: "b.txt", from: directory)
        }
        #expect(throws: FileSystemError.beingPublished) { try fixture.rename("d", to: "e") }
        #expect(throws: FileSystemError.beingPublished) { try fixture.unlink("a.txt", in: directory) }
        fixture.namespace.release(FileID(inode), published: false)
        try fixture.rename("d", to: "e")
        #expect(try fixture.namespace.path(of: FileID(inode))?.text == "e/a.txt")
    }

    @Test("An attribute set during a claim does not take the publishing back")
    func attributesDuringClaim() throws {
        let inode = try fixture.make("a.txt")
        _ = try fixture.namespace.claim(FileID(inode))
        try fixture.journal.apply([
            .published(VersionID(1), PublishReceipt(url: "u", size: 4, digest: "d"), at: Timestamp(seconds: 1))
        ])
        _ = try fixture.fileSystem.change(inode, AttributeChange(mode: 0o600))
        fixture.namespace.release(FileID(inode), published: true)
        let node = try #require(try fixture.journal.node(FileID(inode)))
        #expect(node.isPublished)
        #expect(node.attributes.mode == 0o600)
    }

    @Test("An unlinked file has no path and can't be claimed")
    func unlinked() throws {
        let inode = try fixture.make("a.txt")
        _ = fixture.uploads.takeEvents()
        try fixture.unlink("a.txt")
        #expect(fixture.uploads.takeEvents() == ["removed \(inode)"])
        #expect(try fixture.namespace.path(of: FileID(inode)) == nil)
        #expect(try fixture.namespace.claim(FileID(inode)) == nil)
        #expect(throws: FileSystemError.notFound) { try fixture.unlink("a.txt") }
    }

    @Test(
        "Unlinked or replaced between the kernel's lookup and its open or truncate, a file is what it was",
        arguments: [true, false])
    func openedAfterUnlink(isReplaced: Bool) throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.make("a.txt", "text")
        try fixture.make("b.txt", "other")
        if isReplaced { try fixture.rename("b.txt", to: "a.txt") } else { try fixture.unlink("a.txt") }
        // The engine is quick.
        try fixture.spool.remove(VersionID(1))
        let events = fixture.uploads.takeEvents()
        _ = try fixture.fileSystem.change(inode, AttributeChange(size: 2))
        let handle = try fixture.open(inode, O_RDWR)
        #expect(try fixture.content(handle) == "te")
        try fixture.write(handle, "T")
        try fixture.close(handle)
        let again = try fixture.open(inode, O_RDWR | O_TRUNC)
        #expect(try fixture.content(again) == "")
        try fixture.close(again)
        #expect(fixture.uploads.takeEvents().isEmpty, "nobody is to upload it, after \(events)")
        fixture.fileSystem.forget(inode, count: 10)
        #expect(throws: FileSystemError.notFound) { try fixture.open(inode, O_RDWR) }
    }

    @Test("What is unlinked then and has left the spool is stale: the kernel looks its name up again")
    func stale() throws {
        let fixture = try FileSystemFixture()
        let inode = try fixture.makePublished("a.txt")
        #expect(try fixture.namespace.evict(FileID(inode), VersionID(1)))
        try fixture.spool.remove(VersionID(1))
        try fixture.make("b.txt", "other")
        try fixture.rename("b.txt", to: "a.txt")
        #expect(throws: FileSystemError.stale) { try fixture.open(inode, O_RDONLY) }
        #expect(FileSystemError.stale.code == ESTALE)
    }

    @Test("A directory with something in it can't be removed; an unlinked one takes nothing in")
    func directories() throws {
        let directory = try fixture.makeDirectory("d")
        try fixture.make("a", in: directory)
        #expect(throws: FileSystemError.notEmpty) { try fixture.fileSystem.removeDirectory(Array("d".utf8), in: 1) }
        try fixture.unlink("a", in: directory)
        try fixture.fileSystem.removeDirectory(Array("d".utf8), in: 1)
        #expect(throws: FileSystemError.notFound) { try fixture.create("b", in: directory) }
    }

    @Test("Numbers go on after a restart, and what was there is there")
    func restart() throws {
        let inode = try fixture.make("a.txt")
        let again = try Namespace(
            journal: fixture.journal, spool: fixture.spool, configuration: fixture.namespace.configuration,
            now: fixture.namespace.now)
        #expect(try again.path(of: FileID(inode))?.text == "a.txt")
        #expect(again.locked { $0.newFile() } == FileID(inode + 1))
        #expect(again.locked { $0.newVersion() } == VersionID(2))
    }

    @Test("Names that something may be published under are counted when they are given up, temporary ones are not")
    func givenUp() throws {
        let fixture = try FileSystemFixture()
        try fixture.make("a.part")
        try fixture.rename("a.part", to: "a")
        #expect(fixture.namespace.namesGivenUp == 0)
        try fixture.rename("a", to: "b")
        #expect(fixture.namespace.namesGivenUp == 1)
        try fixture.make("c.part")
        try fixture.rename("c.part", to: "b")
        #expect(fixture.namespace.namesGivenUp == 2)
        #expect(try fixture.namespace.claim(FileID(fixture.lookup("b")?.attributes.inode ?? 0))?.namesGivenUp == 2)
    }

    @Test("What changes where a file lies is counted, and nothing else is")
    func pathChanges() throws {
        let fixture = try FileSystemFixture()
        var last: UInt64 = 0
        func grows() -> Bool {
            defer { last = fixture.namespace.pathChanges }
            return fixture.namespace.pathChanges > last
        }
        let directory = try fixture.makeDirectory("d")
        let inode = try fixture.make("a")
        try fixture.make("b", in: directory)
        let handle = try fixture.open(inode)
        _ = try fixture.write(handle, "more")
        try fixture.close(handle)
        #expect(!grows() && fixture.namespace.pathChanges == 0)
        // Of a node that nobody holds it is not known what it was called: to ask once too often does no harm.
        _ = try fixture.link(inode, "link")
        _ = grows()
        try fixture.rename("d", to: "e")
        #expect(grows())
        try fixture.rename("a", to: "c")
        #expect(grows())
        try fixture.rename("c", to: "b", into: directory, flags: .exchange)
        #expect(grows())
        // The file goes on under its further name.
        try fixture.unlink("b", in: directory)
        #expect(grows())
        #expect(try fixture.namespace.path(of: FileID(inode))?.text == "link")
        try fixture.unlink("link")
        #expect(grows())
    }

    @Test("An unlinked file gives its name up")
    func unlinkedName() throws {
        let fixture = try FileSystemFixture()
        try fixture.make("a")
        try fixture.unlink("a")
        #expect(fixture.namespace.namesGivenUp == 1)
    }
}
