import Glibc
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("Hard links: what is cancelled, and what fails, for one name or for all")
struct LinkFailuresTests {
    let fixture: FileSystemFixture
    private var first: FileID { FileID(2) }
    private var further: FileID { FileID(3) }

    init() throws {
        fixture = try FileSystemFixture()
    }

    @Test("What somebody cancelled for one name does not come back with the other's next open, or mount")
    func declined() throws {
        let inode = try fixture.linked()
        for version in Int64(1)...2 { try fixture.publish(VersionID(version)) }
        try fixture.close(try fixture.rewritten(inode, "newer"))
        fixture.uploads.set(try .sample(further.rawValue, .queued, version: 4))
        try fixture.fileSystem.perform("cancel b")
        #expect(try fixture.journal.node(further)?.version == VersionID(2))
        try fixture.close(try fixture.open(inode))
        try fixture.mountedAgain().completeNames()
        #expect(try fixture.journal.newestUpload(of: further)?.version == VersionID(4))
        // The next content is another matter.
        try fixture.close(try fixture.rewritten(inode, "newest"))
        #expect(try fixture.journal.newestUpload(of: further)?.closedSize == 6)
    }

    @Test("What other names are still to be published with is not given up under the first one")
    func cancelShared() throws {
        let inode = try fixture.linked()
        for version in Int64(1)...2 { try fixture.publish(VersionID(version)) }
        try fixture.close(try fixture.rewritten(inode, "newer"))
        fixture.uploads.set(try .sample(inode, .queued, version: 3))
        #expect(throws: FileSystemError.sharedWithNames) { try fixture.fileSystem.perform("cancel a") }
        fixture.uploads.set(try .sample(further.rawValue, .queued, version: 4))
        try fixture.fileSystem.perform("cancel b")
        // As the engine does with what is discarded.
        try fixture.spool.remove(VersionID(4))
        try fixture.fileSystem.perform("cancel a")
        let reader = try fixture.open(inode, O_RDONLY)
        #expect(try fixture.content(reader) == "text")
        fixture.fileSystem.release(reader)
    }

    @Test("A close that can't be given to a name is listed as failed, once, and given when that is retried")
    func notGiven() throws {
        let inode = try fixture.linked()
        for text in ["newer", "newest"] {
            let handle = try fixture.rewritten(inode, text)
            try fixture.fileSystem.flush(handle)
            fixture.spool.fail(with: .noSpace)
            _ = fixture.uploads.takeEvents()
            fixture.fileSystem.release(handle)
            fixture.spool.fail(with: nil)
            guard text == "newer" else { continue }
            #expect(
                fixture.uploads.takeEvents() == [
                    "opened 5 new", "spoiled 5 name-not-given", "closed 5 0", "closed 3 5",
                ])
        }
        let failed = try #require(try fixture.journal.newestUpload(of: further))
        #expect(failed.version == VersionID(5) && failed.phase == .failed && !failed.isSpooled)
        #expect(failed.failure?.remedy.contains("retry PATH") == true)
        fixture.uploads.set(try .sample(further.rawValue, .failed, version: 5))
        try fixture.fileSystem.perform("retry b")
        let given = try #require(try fixture.journal.newestUpload(of: further))
        #expect(try fixture.spool.open(given.version).contents() == Array("newest".utf8) && given.closed != nil)
        #expect(fixture.uploads.takeEvents().last == "closed \(given.version) 6")
    }

    @Test("So it is by \"retry all\", and at the next mount")
    func givenLater() throws {
        for isMounted in [false, true] {
            let fixture = try FileSystemFixture()
            let inode = try fixture.linked()
            let handle = try fixture.open(inode, O_WRONLY | O_TRUNC)
            try fixture.fileSystem.flush(handle)
            fixture.spool.fail(with: .noSpace)
            fixture.fileSystem.release(handle)
            fixture.spool.fail(with: nil)
            if isMounted { fixture.fileSystem.completeNames() } else { try fixture.fileSystem.perform("retry all") }
            #expect(try fixture.journal.newestUpload(of: further)?.closedSize == 0)
        }
    }

    @Test("A name whose close can't be given keeps no other one's back")
    func oneOfMany() throws {
        let inode = try fixture.linked()
        let other = try fixture.make("x", "other")
        try fixture.link(other, "y")
        for (inode, text) in [(inode, "newer"), (other, "newest")] {
            let handle = try fixture.rewritten(inode, text)
            try fixture.fileSystem.flush(handle)
        }
        // The first one's bytes are gone.
        try fixture.spool.remove(try #require(try fixture.journal.newestUpload(of: first)).version)
        try fixture.mountedAgain().completeNames()
        let lost = try #require(try fixture.journal.newestUpload(of: further))
        #expect(lost.phase == .failed && lost.failure?.code == "name-not-given")
        let name = try #require(try fixture.journal.hardLinks(of: FileID(other)).first)
        #expect(try fixture.journal.newestUpload(of: name.file)?.closedSize == 6)
    }

    @Test("A write that was refused, and changed nothing, keeps no close from the names")
    func refusedWrite() throws {
        let fixture = try FileSystemFixture(maximumFileSize: 4)
        let inode = try fixture.make("a")
        let writer = try fixture.open(inode)
        try fixture.link(inode, "b")
        #expect(try fixture.journal.newestUpload(of: further) == nil)
        #expect(throws: FileSystemError.tooLarge) { try fixture.write(writer, "large") }
        fixture.fileSystem.release(writer)
        #expect(try fixture.journal.newestUpload(of: further)?.closedSize == 4)
    }

    @Test("What the disk refuses, whoever asks it, is published under none of the names")
    func damaged() throws {
        let inode = try fixture.linked()
        let reader = try fixture.open(inode, O_RDONLY)
        fixture.spool.fail(with: .system(call: "fdatasync", errno: EIO))
        #expect(throws: FileSystemError.self) { try fixture.fileSystem.synchronize(reader) }
        fixture.spool.fail(with: nil)
        #expect(
            Set(fixture.uploads.takeEvents()) == ["spoiled 1 spool-fdatasync", "spoiled 2 spool-fdatasync"])
        fixture.fileSystem.release(reader)
    }

    @Test("Nor is it with a durable close, of which the further names' disk says no")
    func damagedWithClose() throws {
        let fixture = try FileSystemFixture(closesDurably: true)
        let inode = try fixture.linked()
        let handle = try fixture.open(inode, O_WRONLY | O_TRUNC)
        try fixture.fileSystem.flush(handle)
        fixture.spool.damage(VersionID(4), .system(call: "fdatasync", errno: EIO))
        _ = fixture.uploads.takeEvents()
        fixture.fileSystem.release(handle)
        let events = fixture.uploads.takeEvents()
        #expect(events.contains("spoiled 4 spool-fdatasync") && events.contains("spoiled 3 spool-fdatasync"))
    }

    @Test(
        "A name whose upload was forgotten, since it was published long before the others, has its close all the same")
    func pruned() throws {
        let inode = try fixture.linked()
        for (file, version) in [(further, VersionID(2)), (first, VersionID(1))] {
            _ = try fixture.namespace.claim(file)
            try fixture.publish(version)
            fixture.namespace.release(file, published: true)
        }
        try fixture.journal.apply([.evicted(VersionID(2)), .removeUpload(VersionID(2))])
        _ = fixture.uploads.takeEvents()
        try fixture.mountedAgain().completeNames()
        try fixture.close(try fixture.open(inode))
        #expect(!fixture.uploads.takeEvents().contains { $0.hasPrefix("opened 3") })
        #expect(try fixture.namespace.evict(first, VersionID(1)))
        // Nor does that keep the first name where it is, also when nothing is known of either any more.
        try fixture.make("x", "other")
        try fixture.rename("x", to: "a")
        #expect(try fixture.lookup("b")?.attributes.inode == inode)
    }

    @Test("What was published long ago under both names does not keep the first one from being replaced")
    func allPruned() throws {
        let inode = try fixture.linked()
        for (file, version) in [(further, VersionID(2)), (first, VersionID(1))] {
            _ = try fixture.namespace.claim(file)
            try fixture.publish(version)
            fixture.namespace.release(file, published: true)
            try fixture.journal.apply([.evicted(version), .removeUpload(version)])
        }
        try fixture.make("x", "other")
        try fixture.rename("x", to: "a")
        #expect(try fixture.lookup("b")?.attributes.inode == inode)
    }

    @Test("What was published under the first name does not come back under the further one with a cancel")
    func cancelOfHeir() throws {
        let inode = try fixture.make("a", "one")
        try fixture.publish(VersionID(1), as: first)
        try fixture.close(try fixture.rewritten(inode, "two"))
        try fixture.link(inode, "b")
        try fixture.make("x", "three")
        try fixture.rename("x", to: "a")
        #expect(try fixture.upload(1) == nil && !fixture.spool.versions().contains(VersionID(1)))
        fixture.uploads.set(try .sample(inode, .queued, version: 2))
        try fixture.fileSystem.perform("cancel b")
        #expect(try fixture.lookup("b") == nil)
    }

    @Test("Of what both names were published with, nothing older than that stays of the first one")
    func heirOfPublished() throws {
        let inode = try fixture.make("a", "one")
        try fixture.publish(VersionID(1), as: first)
        try fixture.link(inode, "b")
        try fixture.close(try fixture.rewritten(inode, "two"))
        for version in Int64(3)...4 { try fixture.publish(VersionID(version)) }
        try fixture.make("x", "three")
        try fixture.rename("x", to: "a")
        #expect(try fixture.upload(1) == nil && fixture.upload(3)?.file == first)
    }

    @Test("A first name that was refused leaves no failure behind under the further one, which is published")
    func refusedFirst() throws {
        _ = try fixture.linked()
        try fixture.journal.apply([.setPhase(VersionID(1), .failed, failure: FailureSentences.interrupted, retries: 0)])
        try fixture.publish(VersionID(2), as: further)
        _ = fixture.uploads.takeEvents()
        try fixture.unlink("a")
        #expect(fixture.uploads.takeEvents() == ["removed 3", "classified 2 ordinary", "retried 2"])
    }

    @Test(
        "Bytes stay what they were for an older version of a name, too, which a newer one that failed has not superseded"
    )
    func sharedWithOlder() throws {
        let inode = try fixture.linked()
        try fixture.publish(VersionID(1))
        let writer = try fixture.rewritten(inode, "newer")
        try fixture.fileSystem.flush(writer)
        fixture.spool.fail(with: .noSpace)
        fixture.fileSystem.release(writer)
        fixture.spool.fail(with: nil)
        fixture.uploads.set(try .sample(inode, .queued, version: 3))
        try fixture.fileSystem.perform("cancel a")
        let handle = try fixture.open(inode)
        try fixture.write(handle, "TEXT")
        #expect(try fixture.spool.open(VersionID(2)).contents() == Array("text".utf8))
        #expect(try fixture.upload(2)?.closed != nil)
        try fixture.close(handle)
    }

    @Test("A journal that refuses what names were to get leaves no spool files behind")
    func undone() throws {
        let inode = try fixture.linked()
        try fixture.link(inode, "c")
        let handle = try fixture.rewritten(inode, "newer")
        try fixture.fileSystem.flush(handle)
        let before = try fixture.spool.versions().sorted()
        fixture.journal.failApplying(with: .noSpace)
        fixture.fileSystem.release(handle)
        fixture.journal.failApplying(with: nil)
        #expect(try fixture.spool.versions().sorted() == before)
        try fixture.mountedAgain().completeNames()
        #expect(try fixture.journal.newestUpload(of: further)?.closedSize == 5)
    }
}
