import Foundation
import Glibc
import TestSupport
import Testing
import UploadCore
import UploadStore

/// A tmpfs of its own that a test fills; needs root.
private final class SmallDisk {
    let directory: TemporaryDirectory

    init(bytes: Int) throws {
        directory = try TemporaryDirectory()
        let mount = try Command.run("mount", ["-t", "tmpfs", "-o", "size=\(bytes)", "tmpfs", directory.path])
        try #require(mount.status == 0)
    }

    deinit {
        // Lazily: the journal's connections may close after this.
        #expect(umount2(directory.path, Int32(MNT_DETACH)) == 0)
    }
}

@Suite("On a full disk", .timeLimit(.minutes(1)))
struct FullDiskTests {
    @Test("the spool says so, and goes on when there is room again")
    func spool() throws {
        let disk = try SmallDisk(bytes: 1 << 20)
        let spool = try DirectorySpool(directory: disk.directory.file("spool"))
        let file = try spool.create(VersionID(1))
        #expect(throws: SpoolError.noSpace) {
            try file.write([UInt8](repeating: 1, count: 2 << 20), at: 0)
        }
        try file.truncate(to: 0)
        try file.write([1, 2, 3], at: 0)
        #expect(try file.contents() == [1, 2, 3])
    }

    @Test("the journal says so, keeps what it had, and goes on when there is room again")
    func journal() throws {
        let disk = try SmallDisk(bytes: 2 << 20)
        let journal = try SQLiteJournal(path: disk.directory.file("journal.sqlite"), now: Samples.now)
        try journal.apply([.setFact(name: "before", value: "1")])
        let big = String(repeating: "x", count: 100_000)
        var applied = 0
        #expect(throws: JournalError.noSpace) {
            for number in 0..<100 {
                try journal.apply([.setFact(name: "fact \(number)", value: big)])
                applied = number + 1
            }
        }
        #expect(applied > 0)
        #expect(try journal.fact("before") == "1")
        #expect(try journal.fact("fact \(applied - 1)") == big)
        #expect(try journal.fact("fact \(applied)") == nil)

        let remount = try Command.run("mount", ["-o", "remount,size=16m", disk.directory.path])
        try #require(remount.status == 0)
        try journal.apply([.setFact(name: "after", value: "2")])
        #expect(try journal.fact("after") == "2")
        try journal.checkpoint()
        try journal.close()
    }
}
