import GRDB
import TestSupport
import Testing
import UploadCore

@testable import UploadStore

@Suite("What an earlier uploadfs wrote", .timeLimit(.minutes(1)))
struct MigrationTests {
    @Test("is found again with what it had published, of which it had kept no tag")
    func published() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("journal.sqlite")
        let pool = try DatabasePool(path: path)
        try SQLiteJournal.migrator.migrate(pool, upTo: "4: hard links")
        try pool.write { database in
            try database.execute(
                sql: """
                    INSERT INTO upload (version, file, phase, schedule_kind, schedule_size, content_type, created,
                        finished, retries, receipt_url, receipt_size, receipt_digest, published_at)
                    VALUES (9, 3, 'done', 'equal', 8, 'a/b', 1, 2, 0, 'u', 14, 'd', 2);
                    """)
        }
        try pool.close()
        let journal = try SQLiteJournal(path: path, now: Samples.now)
        let receipt = PublishReceipt(url: "u", size: 14, digest: "d")
        #expect(try journal.upload(VersionID(9))?.receipt == receipt)
        let again = PublishReceipt(url: "u", size: 14, digest: "d", tag: "t")
        try journal.apply([.published(VersionID(9), again, at: Samples.now)])
        #expect(try journal.upload(VersionID(9))?.receipt == again)
        try journal.close()
    }

    /// Names of migrations are for ever: a state directory may come from any of them.
    @Test(
        "is found again, each field of it",
        arguments: ["2: durability, eviction", "3: symbolic links", "4: hard links", "intentions", "moves"])
    func earlier(version: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("journal.sqlite")
        let pool = try DatabasePool(path: path)
        try SQLiteJournal.migrator.migrate(pool, upTo: version)
        let columns = "file, parent, name, kind, mode, uid, gid, atime, mtime, ctime, size, version, published"
        try pool.write { database in
            try database.execute(
                sql: """
                    INSERT INTO node (\(columns)) VALUES
                        (1, 1, NULL, 0, 448, 0, 0, 5, 6, 7, 0, NULL, 0),
                        (2, 1, 'd', 0, 493, 0, 0, 5, 6, 7, 0, NULL, 0),
                        (3, 2, 'f', 1, 420, 1000, 100, 11, 12, 13, 14, 9, 1);
                    INSERT INTO xattr VALUES (3, 'user.a', x'01');
                    """)
        }
        try pool.close()
        let journal = try SQLiteJournal(path: path, now: Samples.now)
        let kept = NodeRecord(
            file: FileID(3), parent: FileID(2), name: try FileName("f"), kind: .file,
            attributes: NodeAttributes(
                mode: 0o644, owner: 1000, group: 100, accessed: Timestamp(nanoseconds: 11),
                modified: Timestamp(nanoseconds: 12), changed: Timestamp(nanoseconds: 13)),
            size: 14, version: VersionID(9), isPublished: true, listed: 0)
        #expect(try journal.node(FileID(3)) == kept)
        #expect(try journal.extendedAttribute("user.a", of: FileID(3)) == [1])
        #expect(try journal.node(.root)?.attributes.modified == Timestamp(nanoseconds: 6))
        // As today's are kept: directories first, no name twice, nothing below what is gone.
        #expect(throws: JournalError.self) { try journal.apply([.removeNode(FileID(2))]) }
        #expect(throws: JournalError.self) { try journal.apply([.insertNode(Samples.file(7, "d"))]) }
        try journal.apply([.removeNode(FileID(3)), .removeNode(FileID(2))])
        #expect(try journal.extendedAttributeNames(of: FileID(3)).isEmpty)
        try journal.close()
    }
}
