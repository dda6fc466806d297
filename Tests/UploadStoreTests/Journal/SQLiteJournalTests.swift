import Dispatch
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing
import UploadCore
import UploadStore

@Suite("The SQLite journal", .timeLimit(.minutes(1)))
struct SQLiteJournalTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("journal.sqlite")
    }

    private func open() throws(JournalError) -> SQLiteJournal {
        try SQLiteJournal(path: path, now: Samples.now)
    }

    @Test("finds everything again after it was closed")
    func reopens() throws {
        let first = try open()
        try first.apply([.insertNode(try Samples.file(2, "a", version: 3)), .insertUpload(Samples.upload(3, of: 2))])
        try first.close()
        #expect(!FileManager.default.fileExists(atPath: path + "-wal"))

        let second = try SQLiteJournal(path: path, now: Timestamp(seconds: 1))
        #expect(try second.node(FileID(2)) == Samples.file(2, "a", version: 3))
        #expect(try second.upload(VersionID(3)) == Samples.upload(3, of: 2))
        #expect(try second.node(.root)?.attributes.modified == Samples.now)
        #expect(try second.highestIdentifiers() == (FileID(2), VersionID(3)))
    }

    @Test("knows what is owed of objects after it was opened again, and what comes then")
    func owes() throws {
        let (one, other) = (try UploadPath("a"), try UploadPath("b"))
        let first = try open()
        #expect(try first.owedMove(from: one) == nil)
        try first.apply([.oweMove(FileID(5), ObjectReference(path: one, url: "u", size: 1))])
        try first.close()
        let second = try open()
        #expect(try second.owedMove(from: one)?.file == FileID(5) && second.owedMove(of: FileID(5)) != nil)
        try second.apply([.moveDone(1)])
        try second.close()
        let third = try open()
        #expect(try third.owedMove(from: one) == nil)
        try third.apply([.oweDeletion(ObjectReference(path: other, url: "u", size: 1))])
        #expect(try third.owedMove(from: other) != nil)
    }

    @Test("answers more at once than it keeps connections for, and nobody once it is closed")
    func readers() throws {
        let journal = try open()
        try journal.apply([.insertNode(try Samples.file(2, "a"))])
        let found = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 400) { _ in
            if (try? journal.node(FileID(2)))?.name?.text == "a" { found.add(1, ordering: .relaxed) }
        }
        #expect(found.load(ordering: .relaxed) == 400)
        try journal.close()
        #expect(throws: JournalError.self) { try journal.node(FileID(2)) }
        #expect(throws: JournalError.self) { try journal.apply([.removeNode(FileID(2))]) }
    }

    @Test("A change that fails takes those before it back, and the next ones are made")
    func rollsBack() throws {
        let journal = try open()
        try journal.apply([.insertNode(try Samples.file(2, "a"))])
        #expect(throws: JournalError.self) {
            try journal.apply([
                .insertNode(try Samples.file(3, "b")), .insertNode(try Samples.file(4, "a")),
            ])
        }
        #expect(try journal.node(FileID(3)) == nil)
        // Found at its end only: the parent is not there.
        #expect(throws: JournalError.self) { try journal.apply([.insertNode(try Samples.file(5, "c", in: 77))]) }
        #expect(try journal.node(FileID(5)) == nil)
        try journal.apply([.insertNode(try Samples.file(3, "b"))])
        #expect(try journal.node(FileID(3)) != nil)
    }

    @Test("finds everything again as it lay on the disk at a kill -9, checkpointed or not", arguments: [false, true])
    func survivesAKill(isCheckpointed: Bool) throws {
        let victim = try open()
        for number in 2..<50 as Range<UInt64> {
            try victim.apply([.insertNode(try Samples.file(number, "file \(number)"))])
            if isCheckpointed, number == 30 { try victim.checkpoint() }
        }
        // What the kernel has of it at this moment, without a chance to tidy up.
        let copy = directory.file("copy.sqlite")
        for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
        let heir = try SQLiteJournal(path: copy, now: Samples.now)
        #expect(try heir.children(of: .root, after: nil, limit: 100).count == 48)
        #expect(try heir.highestIdentifiers().file == FileID(49))
        try heir.apply([.insertNode(try Samples.file(50, "next"))])
    }

    @Test("takes no torn transaction for a whole one")
    func dropsATornTail() throws {
        let victim = try open()
        try victim.apply([.setFact(name: "whole", value: "1")])
        let copy = directory.file("copy.sqlite")
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try victim.apply([.setFact(name: "torn", value: String(repeating: "x", count: 20_000))])
        var log = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
        log.removeLast(5000)
        try log.write(to: URL(fileURLWithPath: copy + "-wal"))
        let heir = try SQLiteJournal(path: copy, now: Samples.now)
        #expect(try heir.fact("whole") == "1")
        #expect(try heir.fact("torn") == nil)
    }

    @Test("answers readers while a writer writes, and never shows half a transaction")
    func readsWhileWriting() async throws {
        let journal = try open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 1...1000 {
                    try journal.apply([
                        .setFact(name: "one", value: "\(number)"),
                        .published(VersionID(1), Samples.receipt, at: Samples.now),
                        .insertNode(try Samples.file(UInt64(number + 1), "file \(number)", version: Int64(number))),
                    ])
                    // What was applied is what one reads.
                    #expect(try journal.fact("one") == "\(number)")
                    if number % 100 == 0 { try journal.checkpoint() }
                }
            }
            for _ in 0..<4 {
                group.addTask {
                    var last: UInt64 = 0
                    while last < 1001 {
                        let highest = try journal.highestIdentifiers()
                        #expect(highest.file.rawValue >= last)
                        #expect(
                            highest.file.rawValue == 0
                                || highest.file.rawValue == highest.version.rawValue.magnitude + 1)
                        last = highest.file.rawValue
                        if last > 0 { #expect(try journal.node(highest.file) != nil) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("takes changes from many threads at once")
    func writesFromManyThreads() async throws {
        let journal = try open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<100 {
                        let file = UInt64(2 + task * 100 + number)
                        try journal.apply([.insertNode(try Samples.file(file, "f\(file)"))])
                        if number % 25 == 0 { try journal.synchronize() }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try journal.children(of: .root, after: nil, limit: 10_000).count == 800)
    }

    @Test("checkpoints what was applied into the database, and begins its log anew")
    func checkpoints() throws {
        let journal = try open()
        let big = String(repeating: "x", count: 100_000)
        func logSize() throws -> Int {
            try #require(try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? NSNumber).intValue
        }
        for number in 0..<20 { try journal.apply([.setFact(name: "\(number)", value: big)]) }
        let grown = try logSize()
        #expect(grown > 2_000_000)
        for number in 0..<200 {
            try journal.checkpoint()
            let other = String(repeating: number < 100 ? "y" : "z", count: 100_000)
            try journal.apply([.setFact(name: "\(number % 20)", value: other)])
        }
        #expect(try logSize() == grown)
        try journal.synchronize()
        #expect(try journal.fact("19")?.first == "z")
    }

    @Test("cuts its log back when it has grown beyond 64 MiB")
    func cutsAnOverlongLog() throws {
        let journal = try open()
        // SQLite does not write a page whose bytes stay the same.
        let texts = ["x", "y"].map { String(repeating: $0, count: 1_000_000) }
        for number in 0..<70 { try journal.apply([.setFact(name: "big", value: texts[number % 2])]) }
        try journal.checkpoint()
        let log = try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? NSNumber
        #expect(log?.intValue == 0)
        #expect(try journal.fact("big") == texts[1])
    }

    @Test("is for its owner's eyes only")
    func isPrivate() throws {
        let journal = try open()
        try journal.synchronize()
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
    }

    @Test("refuses what a newer uploadfs wrote, in words")
    func refusesNewerSchemas() throws {
        try open().close()
        let insert = "INSERT INTO grdb_migrations VALUES ('99: from the future')"
        try #require(try Command.run("sqlite3", [path, insert]).status == 0)
        #expect(throws: JournalError.newer) { try open() }
    }

    @Test("refuses a file that is no database, and a directory that is not there")
    func refusesRubbish() throws {
        try Data(repeating: 7, count: 5000).write(to: URL(fileURLWithPath: path))
        #expect(throws: JournalError.self) { try open() }
        #expect(throws: JournalError.self) {
            try SQLiteJournal(path: directory.file("nowhere/journal.sqlite"), now: Samples.now)
        }
    }

    @Test("throws after it was closed")
    func throwsAfterClose() throws {
        let journal = try open()
        try journal.close()
        #expect(throws: JournalError.self) { try journal.fact("x") }
        #expect(throws: JournalError.self) { try journal.apply([.setFact(name: "x", value: "1")]) }
        #expect(throws: JournalError.self) { try journal.checkpoint() }
    }
}
