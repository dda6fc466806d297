import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("--follow-symlinks: a link is published as what it leads to")
struct FollowingTests {
    let fixture: FileSystemFixture

    init() throws {
        fixture = try FileSystemFixture(followsSymlinks: true)
    }

    @discardableResult
    private func link(_ name: String, to target: String, in parent: UInt64 = 1) throws -> FileID {
        FileID(
            try fixture.fileSystem.makeLink(
                Array(name.utf8), in: parent, to: Array(target.utf8), by: FileSystemFixture.caller
            ).attributes.inode)
    }

    /// What is on its way to be published under a node's name.
    private func content(_ file: FileID) throws -> String? {
        guard let upload = try fixture.journal.newestUpload(of: file), upload.closed != nil else { return nil }
        return String(decoding: try fixture.spool.open(upload.version).contents(), as: UTF8.self)
    }

    @Test(
        "Where a link leads",
        arguments: [
            ("a", true), ("./a", true), ("d/../a", true), ("d/b", true), ("d/up/a", true), ("chain", true),
            ("/nowhere/a", true), ("/nowhere/d/b", true), ("d", false), ("none", false), ("/etc/passwd", false),
            ("../a", false), ("a/b", false), ("/nowhereelse/a", false), (".uploadfs/status", false), ("loop", false),
        ])
    func targets(target: String, isFollowed: Bool) throws {
        let directory = try fixture.makeDirectory("d")
        try fixture.make("a", "text")
        try fixture.make("b", "text", in: directory)
        try link("up", to: "..", in: directory)
        try link("chain", to: "d/back")
        try link("back", to: "../a", in: directory)
        try link("loop", to: "loop")
        #expect(try content(try link("l", to: target)) == (isFollowed ? "text" : nil))
    }

    @Test("Each close of a file is one of the links to it, also of those that were there first")
    func closes() throws {
        let early = try link("early", to: "a")
        #expect(try content(early) == nil)
        let inode = try fixture.make("a", "first")
        #expect(try fixture.lookup("early")?.attributes.size == 1)
        let late = try link("late", to: "early")
        #expect(try content(early) == "first" && content(late) == "first")
        let handle = try fixture.rewritten(inode, "second")
        try fixture.close(handle)
        #expect(try content(early) == "second" && content(late) == "second")
    }

    @Test("A file that is renamed into place is what the links there lead to")
    func renamedIntoPlace() throws {
        let leading = try link("l", to: "a")
        try fixture.make("a.part", "text")
        try fixture.rename("a.part", to: "a")
        #expect(try content(leading) == "text")
    }

    @Test("What leads through a link or a directory that is put in another's place leads elsewhere")
    func onTheWay() throws {
        try fixture.make("a", "a")
        try fixture.make("b", "b")
        try link("first", to: "b")
        let second = try link("second", to: "first")
        try link("other", to: "a")
        try fixture.rename("other", to: "first")
        #expect(try content(second) == "a")

        try fixture.make("f", "one", in: try fixture.makeDirectory("one"))
        try fixture.make("f", "two", in: try fixture.makeDirectory("two"))
        let inside = try link("inside", to: "one/f")
        try fixture.rename("one", to: "gone")
        try fixture.rename("two", to: "one")
        #expect(try content(inside) == "two")
    }

    @Test("A link that is renamed leads from there; what it was to be published as before is given up")
    func linkRenamed() throws {
        let directory = try fixture.makeDirectory("d")
        try fixture.make("a", "above")
        try fixture.make("a", "below", in: directory)
        let leading = try link("l", to: "a")
        try fixture.rename("l", to: "l", into: directory)
        #expect(try content(leading) == "below")
        try fixture.unlink("a", in: directory)
        _ = fixture.uploads.takeEvents()
        try fixture.rename("l", to: "m", from: directory, into: directory)
        #expect(fixture.uploads.takeEvents().contains("removed \(leading)"))
    }

    @Test("The mode and the time that travel are the file's, and its bytes are not needed here afterwards")
    func claimed() throws {
        let inode = try fixture.make("a")
        _ = try fixture.fileSystem.change(
            inode, AttributeChange(mode: 0o640, modified: .at(Timestamp(seconds: 5))))
        let leading = try link("l", to: "a")
        let name = try #require(try fixture.namespace.claim(leading))
        #expect(name.path.text == "l" && name.mode == 0o640 && name.modified == Timestamp(seconds: 5))
        #expect(name.isFurtherName)
    }

    @Test("A published link is not removed, as no file is; one that is on its way takes that with it")
    func removing() throws {
        try fixture.make("a")
        let leading = try link("l", to: "a")
        try link("m", to: "a")
        _ = try fixture.namespace.claim(leading)
        try fixture.publish(VersionID(2))
        fixture.namespace.release(leading, published: true)
        #expect(throws: FileSystemError.published) { try fixture.unlink("l") }
        _ = fixture.uploads.takeEvents()
        try fixture.unlink("m")
        #expect(fixture.uploads.takeEvents() == ["removed \(leading.rawValue + 1)"])
    }

    @Test("Without the option no link is published")
    func off() throws {
        let fixture = try FileSystemFixture()
        try fixture.make("a")
        let entry = try fixture.fileSystem.makeLink(
            Array("l".utf8), in: 1, to: Array("a".utf8), by: FileSystemFixture.caller)
        #expect(try fixture.journal.newestUpload(of: FileID(entry.attributes.inode)) == nil)
    }

    @Test("Mounted without the option again, what links are still to be published with does not change")
    func notFollowedAnyMore() throws {
        let inode = try fixture.make("a", "text")
        let leading = try link("l", to: "a")
        try fixture.publish(VersionID(1))
        let next = try fixture.mountedAgain(followsSymlinks: false)
        let handle = try next.open(inode, flags: O_WRONLY).handle
        let written = Array("TEXT".utf8).withUnsafeBytes { bytes in
            Result { () throws(FileSystemError) in
                try next.write(handle, MemorySource(bytes: bytes), at: 0, by: 0)
            }
        }
        _ = try written.get()
        #expect(try content(leading) == "text")
        next.release(handle)
    }

    @Test("A link gets no name of a type that is not taken")
    func types() throws {
        let fixture = try FileSystemFixture(types: ["text/plain"], followsSymlinks: true)
        try fixture.make("a.txt")
        func link(_ name: String) throws {
            _ = try fixture.fileSystem.makeLink(
                Array(name.utf8), in: 1, to: Array("a.txt".utf8), by: FileSystemFixture.caller)
        }
        #expect(throws: FileSystemError.typeRefused) { try link("a.png") }
        try link("b.txt")
        #expect(throws: FileSystemError.typeRefused) { try fixture.rename("b.txt", to: "b.png") }
        #expect(try fixture.names() == ["a.txt", "b.txt"])
    }

    @Test("Directories that change places take the links that lead into them, and out of them, elsewhere")
    func exchanged() throws {
        for name in ["one", "two"] {
            let directory = try fixture.makeDirectory(name)
            try fixture.make("f", name, in: directory)
            let below = try fixture.makeDirectory("below", in: directory)
            try link("out", to: "../f", in: below)
        }
        let into = try link("into", to: "./one/f")
        let through = try link("through", to: "one/below/out")
        #expect(try content(into) == "one" && content(through) == "one")
        try fixture.rename("one", to: "two", flags: .exchange)
        #expect(try content(into) == "two" && content(through) == "two")
    }

    @Test("A further name of a link is published by itself when the first one is replaced before it was")
    func linkOfLink() throws {
        try fixture.make("a", "text")
        let leading = try link("l", to: "a")
        try fixture.publish(VersionID(2))
        _ = try fixture.fileSystem.link(leading.rawValue, to: Array("l2".utf8), in: 1)
        try fixture.make("x", "other")
        try fixture.rename("x", to: "l")
        #expect(try fixture.namespace.path(of: leading)?.text == "l2")
        let upload = try #require(try fixture.journal.newestUpload(of: leading))
        #expect(upload.phase == .queued && upload.closedSize == 4)
        #expect(try content(leading) == "text")
    }

    @Test("A link to what is not all here any more is listed as failed, once")
    func notHere() throws {
        let inode = try fixture.make("a", "1234567812345678")
        try fixture.publish(VersionID(1))
        try fixture.journal.apply([.evicted(VersionID(1))])
        let leading = try link("l", to: "a")
        let failed = try #require(try fixture.journal.newestUpload(of: leading))
        #expect(failed.phase == .failed && failed.failure?.code == "name-not-here")
        fixture.fileSystem.completeNames()
        #expect(try fixture.journal.newestUpload(of: leading)?.version == failed.version)
        // Written again, it is one of the link, too.
        let handle = try fixture.rewritten(inode, "new")
        try fixture.close(handle)
        #expect(try content(leading) == "new")
    }

    @Test("A stream that has passed through the spool is none of the links to it: they are listed")
    func stream() throws {
        let leading = try link("l", to: "a")
        let handle = try fixture.create("a")
        try fixture.write(handle, "1234567812345678")
        let track = try #require(fixture.uploads.track(1))
        _ = track.drain()
        #expect(track.release(0..<8))
        try fixture.close(handle)
        #expect(try fixture.journal.newestUpload(of: leading)?.failure?.code == "name-not-here")
    }

    @Test("Names are told apart by their bytes: of two spellings of one letter each has its own links")
    func spellings() throws {
        let composed = try fixture.make("\u{e9}", "composed")
        try fixture.make("e\u{301}", "decomposed")
        let one = try link("one", to: "\u{e9}")
        let other = try link("other", to: "e\u{301}")
        #expect(try content(one) == "composed" && content(other) == "decomposed")
        _ = try fixture.fileSystem.link(composed, to: Array("d\u{65}\u{301}".utf8), in: 1)
        let third = try link("third", to: "de\u{301}")
        for text in ["second", "third one"] {
            let handle = try fixture.rewritten(composed, text)
            try fixture.close(handle)
            #expect(try content(one) == text && content(third) == text && content(other) == "decomposed")
        }
    }

    @Test("Who changes a file that has lost its name changes nothing of what is to be published under links to it")
    func changedWithoutName() throws {
        let (handle, link) = try unlinkedWhileOpen()
        let before = try fixture.spool.versions()
        try fixture.write(handle, "TEXT")
        #expect(fixture.uploads.takeEvents() == [])
        #expect(try content(link) == "text" && fixture.content(handle) == "TEXT")
        try fixture.write(handle, "more", at: 4)
        #expect(try fixture.content(handle) == "TEXTmore")
        try fixture.close(handle)
        #expect(try content(link) == "text" && fixture.spool.versions() == before)
    }

    @Test("So it is who opens it after that, and when its spool file has lost its name")
    func changedAfterwards() throws {
        let inode = try fixture.make("a", "text")
        let link = try link("l", to: "a")
        let reader = try fixture.open(inode, O_RDONLY)
        try fixture.unlink("a")
        // As the engine does with what is unlinked.
        try fixture.spool.remove(VersionID(1))
        for flags in [O_WRONLY, O_WRONLY | O_TRUNC] {
            let handle = try fixture.open(inode, flags)
            try fixture.write(handle, "TE")
            try fixture.close(handle)
            #expect(try content(link) == "text")
        }
        #expect(try fixture.content(reader) == "TE")
        fixture.fileSystem.release(reader)
    }

    @Test(
        "What was closed comes to the links before a name goes by which they lead there",
        arguments: ["unlink", "rename"])
    func closedBefore(operation: String) throws {
        let inode = try fixture.make("a", "text")
        let link = try link("l", to: "a")
        let handle = try fixture.rewritten(inode, "newer")
        try fixture.fileSystem.flush(handle)
        #expect(try content(link) == "text")
        if operation == "unlink" { try fixture.unlink("a") } else { try fixture.rename("a", to: "b") }
        #expect(try content(link) == "newer")
        fixture.fileSystem.release(handle)
        #expect(try content(link) == "newer")
    }

    @Test("What is too big to be copied for that is listed as failed")
    func changedWithoutNameOrCopy() throws {
        let (handle, _) = try unlinkedWhileOpen()
        fixture.spool.refuseCopies()
        try fixture.write(handle, "TEXT")
        #expect(fixture.uploads.takeEvents().contains("spoiled 2 name-changed"))
        try fixture.close(handle)
    }

    private func unlinkedWhileOpen() throws -> (handle: OpenHandle, link: FileID) {
        let inode = try fixture.make("a", "text")
        let link = try link("l", to: "a")
        let handle = try fixture.open(inode, O_RDWR)
        try fixture.unlink("a")
        _ = fixture.uploads.takeEvents()
        return (handle, link)
    }

    @Test("What is to be published under a link goes on under its other name when the first goes")
    func furtherNameOfLink() throws {
        try fixture.make("a", "text")
        let link = try link("l", to: "a")
        try fixture.link(link.rawValue, "m")
        try fixture.unlink("a")
        _ = fixture.uploads.takeEvents()
        try fixture.unlink("l")
        // It leads nowhere any more.
        #expect(!fixture.uploads.takeEvents().contains("removed \(link.rawValue)"))
        #expect(try fixture.lookup("m")?.attributes.inode == link.rawValue)
        #expect(try content(link) == "text" && fixture.journal.newestUpload(of: link)?.phase == .queued)
    }
}
