import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// `--list`: what lies at the destination is in the tree, and what was written here goes before it.
@Suite("What lies at the destination", .timeLimit(.minutes(1)))
struct DestinationListingTests {
    @Test("The first look waits for the listing; what is there has its size and time, and belongs to the mount's owner")
    func first() async throws {
        let listing = try ListingFixture()
        listing.there.put("film", size: 1 << 40)
        listing.there.put("d/e/x")
        let gate = Gate()
        listing.there.hold(at: gate)
        let waiter = try #require(try listing.look())
        await gate.arrivals()
        #expect(listing.there.board.overview.directories == [UploadPath([])])
        #expect(try listing.fixture.names().isEmpty)
        gate.open()
        await ListingFixture.end(of: waiter)
        #expect(try !listing.waits())
        #expect(try listing.fixture.names() == ["d", "film"])
        let film = try #require(try listing.fixture.lookup("film")).attributes
        #expect(film.size == 1 << 40 && film.kind == .file && film.permissions == 0o644)
        #expect(film.times.modified == FakeListing.modified && film.owner == 0 && film.blocks == 1 << 31)
        let directory = try #require(try listing.fixture.lookup("d")).attributes
        #expect(directory.kind == .directory && directory.permissions == 0o755)
        // Only what is looked into is listed.
        #expect(listing.there.calls == [""])
        try await listing.arrive(in: directory.inode)
        #expect(try listing.fixture.names(in: directory.inode) == ["e"])
        #expect(listing.there.calls == ["", "d"])
        #expect(listing.there.board.overview.directories.isEmpty)
    }

    @Test("A name in a directory that was never listed is asked for by itself, and is there before the others")
    func found() async throws {
        let listing = try ListingFixture()
        for name in ["a", "b", "d/x"] { listing.there.put(name) }
        let gate = Gate()
        listing.there.hold(at: gate)
        try await listing.arrive(for: "b")
        #expect(try listing.fixture.names() == ["b"])
        // The directory is listed meanwhile.
        await gate.arrivals()
        try await listing.arrive(for: "d")
        try await listing.arrive(for: "none")
        #expect(try listing.fixture.names() == ["b", "d"])
        #expect(listing.there.calls.filter { $0.contains("?") } == ["?b", "?d", "?none"])
        let waiter = try #require(try listing.look())
        gate.open()
        await ListingFixture.end(of: waiter)
        #expect(try listing.fixture.names() == ["a", "b", "d"])
        #expect(try !listing.waits(for: "none"), "now all are known")
        #expect(listing.there.calls.filter { $0.isEmpty }.count == 1)
    }

    @Test("A known name, the status files and an impossible name wait for nothing; missing names are asked for again")
    func atOnce() async throws {
        let listing = try ListingFixture()
        try listing.fixture.make("here")
        let gate = Gate()
        listing.there.hold(at: gate)
        #expect(try !listing.waits(for: "here"))
        await gate.arrivals()
        #expect(try !listing.waits(for: ".uploadfs"))
        #expect(try !listing.waits(for: ".."))
        #expect(try !listing.waits(into: StatusInode(.directory).rawValue))
        #expect(listing.fixture.fileSystem.missingValidity(in: 1) == 0)
        #expect(listing.fixture.fileSystem.validity == 1000)
        #expect(try FileSystemFixture().fileSystem.missingValidity(in: 1) == 86_400)
        gate.open()
        await listing.fixture.fileSystem.turns?.end()
    }

    @Test("With the destination dead the call goes on with what is known, and for a while nobody waits again")
    func dead() async throws {
        let listing = try ListingFixture()
        try listing.fixture.make("here")
        // No quick retry mends it.
        listing.there.fail(with: .unauthorized(status: 403))
        try await listing.arrive(for: "there")
        #expect(try listing.fixture.names() == ["here"])
        let failure = try #require(listing.there.board.overview.failure)
        #expect(failure.code == "unauthorized")
        #expect(try !listing.waits(for: "there"))
        listing.there.fail(with: nil)
        listing.there.put("there")
        listing.there.clock.advance(by: .seconds(5))
        try await listing.arrive(for: "there")
        #expect(try listing.fixture.names() == ["here", "there"])
        #expect(listing.there.board.overview.failure == nil)
    }

    @Test("A black hole holds a call up for five seconds, and the next ones not at all")
    func blackHole() async throws {
        let listing = try ListingFixture()
        listing.there.put("there")
        let gate = Gate()
        listing.there.hold(at: gate)
        let waiter = try #require(try listing.look())
        async let ended: Void = ListingFixture.end(of: waiter)
        await listing.there.clock.sleepers(atLeast: 1)
        listing.there.clock.advance(by: .seconds(5))
        await ended
        #expect(try !listing.waits())
        #expect(try listing.fixture.names().isEmpty)
        gate.open()
        let turns = try #require(listing.fixture.fileSystem.turns)
        await withCheckedContinuation { continuation in
            _ = turns.wait(for: .directory(.root), atMost: .seconds(1)) { continuation.resume() }
        }
        #expect(try listing.fixture.names() == ["there"])
    }

    @Test("Whoever gave up waiting for it gets EINTR, and the listing goes on")
    func interrupted() throws {
        let listing = try ListingFixture()
        let waiter = try #require(try listing.look())
        #expect(throws: FileSystemError.interrupted) { try waiter.interrupted.get() }
    }

    @Test("Later looks get what is known, and the tree follows: new, gone and replaced files")
    func refreshed() async throws {
        let listing = try ListingFixture()
        for name in ["gone", "held", "kept", "replaced"] { listing.there.put(name) }
        try await listing.arrive()
        let (held, replaced) = (try listing.inode("held"), try listing.inode("replaced"))
        _ = listing.takeNotices()
        listing.there.put("new")
        for name in ["gone", "held"] { listing.there.remove(name) }
        listing.there.put("replaced", size: 9, tag: "u")
        try await listing.refresh()
        #expect(try listing.fixture.names() == ["kept", "new", "replaced"])
        #expect(try listing.fixture.lookup("replaced")?.attributes.size == 9)
        #expect(try listing.inode("replaced") == replaced)
        #expect(try listing.fixture.journal.node(FileID(replaced))?.tag == "u")
        #expect(try listing.fixture.journal.node(FileID(held)) == nil)
        #expect(Set(listing.takeNotices()) == ["1/held", "\(replaced)", "1"], "the kernel knows no others")
        // The same once more is no news.
        try await listing.refresh()
        #expect(listing.takeNotices() == [])
    }

    @Test("With a directory all goes that was listed in it; what was written into it stays, and so it does")
    func directories() async throws {
        let listing = try ListingFixture()
        listing.there.put("d/e/x")
        listing.there.put("f/y")
        try await listing.arrive()
        let d = try listing.inode("d")
        try await listing.arrive(in: d)
        try await listing.arrive(in: try listing.inode("e", in: d))
        let f = try listing.inode("f")
        try await listing.arrive(in: f)
        try listing.fixture.make("mine", in: f)
        for name in ["d", "f"] { listing.there.remove(name) }
        try await listing.refresh()
        #expect(try listing.fixture.names() == ["f"])
        #expect(try listing.fixture.names(in: f) == ["mine"])
    }

    @Test("What was written here, and is not published, goes before what is listed")
    func dirty() async throws {
        let listing = try ListingFixture()
        let inode = try listing.fixture.make("a", "mine")
        listing.there.put("a", size: 99)
        try await listing.arrive()
        #expect(try listing.fixture.lookup("a")?.attributes.size == 4)
        listing.there.remove("a")
        try await listing.refresh()
        #expect(try listing.inode("a") == inode)
        // Published, and not yet seen.
        try listing.fixture.publish(VersionID(1), as: FileID(inode))
        listing.there.put("a", size: 4)
        try await listing.refresh()
        #expect(try listing.fixture.content(try listing.fixture.open(inode, O_RDONLY)) == "mine")
        #expect(try listing.fixture.journal.node(FileID(inode))?.tag == "t")
    }

    @Test("What is published while a listing is made does not vanish by it")
    func publishedMeanwhile() async throws {
        let listing = try ListingFixture()
        let inode = try listing.fixture.make("a", "mine")
        listing.there.put("z")
        listing.there.afterFirstPage { [fixture = listing.fixture] in
            do { try fixture.publish(VersionID(1), as: FileID(inode)) } catch { Issue.record(error) }
        }
        try await listing.arrive()
        #expect(try listing.fixture.names() == ["a", "z"])
        try await listing.refresh()
        #expect(try listing.fixture.names() == ["z"])
    }

    @Test("Replaced by somebody else, a published file is read from the spool no more, and its status is of the past")
    func replaced() async throws {
        let listing = try ListingFixture()
        let inode = try listing.fixture.make("a", "mine")
        try listing.fixture.publish(VersionID(1), as: FileID(inode))
        listing.fixture.uploads.set(try .sample(inode, .done, url: "u"))
        listing.there.put("a", size: 4, tag: "first")
        try await listing.arrive()
        let reader = try listing.fixture.open(inode, O_RDONLY)
        #expect(try listing.fixture.content(reader) == "mine")
        listing.there.put("a", size: 4, tag: "others")
        // Who reads it goes on.
        try await listing.refresh()
        #expect(try listing.fixture.journal.node(FileID(inode))?.version == VersionID(1))
        #expect(try listing.fixture.fileSystem.extendedAttributeNames(of: inode).contains("user.uploadfs.url"))
        listing.fixture.fileSystem.release(reader)
        _ = listing.takeNotices()
        try await listing.refresh()
        #expect(listing.takeNotices().contains("\(inode)"))
        let node = try #require(try listing.fixture.journal.node(FileID(inode)))
        #expect(node.version == nil && node.tag == "others" && node.isPublished)
        #expect(throws: FileSystemError.evicted) { try listing.fixture.open(inode, O_RDONLY) }
        #expect(try listing.fixture.fileSystem.extendedAttributeNames(of: inode).isEmpty)
        // Its bytes make room as all that is published.
        #expect(try listing.fixture.namespace.evict(FileID(inode), VersionID(1)))
    }

    @Test("A file that was only listed can be written anew, and else keeps what lies there")
    func calls() async throws {
        let listing = try ListingFixture()
        listing.there.put("a")
        listing.there.put("d/x")
        try await listing.arrive()
        let (a, d) = (try listing.inode("a"), try listing.inode("d"))
        let fixture = listing.fixture
        #expect(throws: FileSystemError.evicted) { try fixture.open(a, O_RDONLY) }
        #expect(throws: FileSystemError.evicted) { try fixture.open(a, O_RDWR) }
        #expect(throws: FileSystemError.published) { try fixture.unlink("a") }
        #expect(throws: FileSystemError.renameOfPublished) { try fixture.rename("a", to: "b") }
        #expect(throws: FileSystemError.unsupportedKind) { try fixture.link(a, "b") }
        #expect(throws: FileSystemError.exists) { try fixture.makeDirectory("a") }
        #expect(throws: FileSystemError.exists) { try fixture.create("a", flags: O_WRONLY | O_EXCL) }
        // Nobody has seen yet what is in it.
        #expect(throws: FileSystemError.notEmpty) { try fixture.fileSystem.removeDirectory(Array("d".utf8), in: 1) }
        #expect(throws: FileSystemError.renameOfPublished) { try fixture.rename("d", to: "b") }
        _ = try fixture.makeDirectory("mine")
        #expect(throws: FileSystemError.notEmpty) { try fixture.rename("mine", to: "d") }
        try await listing.arrive(in: d)
        #expect(throws: FileSystemError.notEmpty) { try fixture.fileSystem.removeDirectory(Array("d".utf8), in: 1) }
        let writer = try fixture.open(a, O_WRONLY | O_TRUNC)
        try fixture.write(writer, "new")
        try await listing.refresh()
        try fixture.close(writer)
        #expect(try fixture.lookup("a")?.attributes.size == 3)
        #expect(try fixture.content(try fixture.open(a, O_RDONLY)) == "new")
        #expect(fixture.uploads.takeEvents().contains("closed 1 3"))
    }

    @Test("Below a directory that was made here, where none was before, nothing needs to be asked for")
    func made() async throws {
        let listing = try ListingFixture()
        try await listing.arrive()
        let inode = try listing.fixture.makeDirectory("d")
        #expect(try !listing.waits(into: inode, for: "x"))
        #expect(listing.there.calls == [""])
        // It stays, whatever lies there.
        listing.there.put("d/x")
        try await listing.refresh()
        try await listing.refresh(inode)
        #expect(try listing.fixture.names(in: inode) == ["x"])
        listing.there.remove("d")
        try await listing.refresh()
        #expect(try listing.fixture.names() == ["d"])
    }

    @Test("What can't be shown is told: names that are none, and objects whose names are directories")
    func leftOut() async throws {
        let listing = try ListingFixture()
        listing.there.leaveOut(["a//b", "c/../d"])
        _ = try listing.fixture.makeDirectory("taken")
        listing.there.put("taken")
        listing.there.put("ok")
        try await listing.arrive()
        #expect(try listing.fixture.names() == ["ok", "taken"])
        let leftOut = try #require(listing.there.board.overview.leftOut)
        #expect(leftOut.count == 3 && leftOut.example == "a//b")
        #expect(leftOut.sentence.contains("3 of the names") && leftOut.sentence.contains("a//b"))
        listing.there.leaveOut([])
        listing.there.remove("taken")
        try await listing.refresh()
        #expect(listing.there.board.overview.leftOut == nil)
    }

    @Test("An object with something below its name gives way to the directory, also when both come together")
    func displaced() async throws {
        let listing = try ListingFixture()
        listing.there.put("a")
        try await listing.arrive()
        let inode = try listing.inode("a")
        _ = listing.takeNotices()
        listing.there.put("a/x")
        try await listing.refresh()
        let directory = try listing.inode("a")
        #expect(directory != inode)
        #expect(listing.takeNotices().contains("1/a"))
        try await listing.arrive(in: directory)
        #expect(try listing.fixture.names(in: directory) == ["x"])
        let name = try FileName("both")
        let object = ListedObject(size: 1, modified: FakeListing.modified, tag: nil)
        let both = [ListedEntry(name: name, kind: .file(object)), ListedEntry(name: name, kind: .directory)]
        let merged = try listing.fixture.fileSystem.merge(both[...], into: .root, listing: 9)
        #expect(merged.leftOut == [name])
        #expect(try listing.fixture.lookup("both")?.attributes.kind == .directory)
        #expect(try listing.fixture.journal.owedMoves(after: 0).isEmpty, "nothing is deleted there for that")
    }

    @Test("Many names come in pages, each once", arguments: [1, 99, 100, 101, 1000])
    func paged(size: Int) async throws {
        let listing = try ListingFixture()
        listing.there.setPage(size)
        for number in 0..<250 { listing.there.put("f\(number)") }
        try await listing.arrive()
        #expect(try listing.fixture.names().count == 250)
        #expect(listing.fixture.namespace.locked { $0.heldCount } == 1, "nothing is kept of what nobody looks at")
        for number in 0..<249 { listing.there.remove("f\(number)") }
        try await listing.refresh()
        #expect(try listing.fixture.names() == ["f249"])
        #expect(try listing.fixture.journal.owedMoves(after: 0).isEmpty, "nothing is deleted there for that")
    }

    @Test("Mounted again, what was listed is there at once, and is listed again only when it is old")
    func mountedAgain() async throws {
        let listing = try ListingFixture()
        listing.there.put("a")
        try await listing.arrive()
        let again = try listing.fixture.mountedAgain()
        #expect(try again.lookup(Array("a".utf8), in: 1)?.attributes.size == 5)
        let waiter = try again.look(into: 1, for: Array("b".utf8))
        #expect(waiter.map { _ in true } == nil)
        #expect(listing.there.calls == [""])
    }

    @Test("A journal that refuses leaves the tree as it was, and the call goes on", .timeLimit(.minutes(1)))
    func journalFails() async throws {
        let listing = try ListingFixture()
        listing.there.put("a")
        listing.fixture.journal.failApplying(with: .noSpace)
        try await listing.arrive()
        #expect(try listing.fixture.names().isEmpty)
        listing.fixture.journal.failApplying(with: nil)
        listing.there.clock.advance(by: .seconds(5))
        try await listing.arrive()
        #expect(try listing.fixture.names() == ["a"])
    }
}
