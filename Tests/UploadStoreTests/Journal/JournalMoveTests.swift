import TestSupport
import Testing
import UploadCore
import UploadStore

@Suite("What a journal owes of published objects", .timeLimit(.minutes(1)))
struct JournalMoveTests {
    private func object(
        _ path: String, _ url: String? = nil, size: Int64? = 11, tag: String? = nil
    ) throws -> ObjectReference {
        ObjectReference(path: try UploadPath(path), url: url, size: size, tag: tag)
    }

    @Test("is told as it was owed, one of a file and one of an object", arguments: JournalUnderTest.allCases)
    func owed(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let file = FileID(5)
            let source = try object("d/ä b", "http://a/b", tag: "t")
            #expect(try journal.owedMoves(after: 0).isEmpty)
            for _ in 0..<2 { try journal.apply([.oweMove(file, source)]) }
            let owed = OwedMove(number: 1, object: source, file: file)
            #expect(try journal.owedMoves(after: 0) == [owed])
            #expect(try journal.owedMove(1) == owed)
            #expect(try journal.owedMove(of: file) == owed)
            #expect(try journal.owedMove(from: source.path) == owed)
            // It is somewhere else still.
            try journal.apply([.oweMove(file, try object("c"))])
            #expect(try journal.owedMoves(after: 0) == [owed])
            let gone = try object("gone", size: nil)
            for _ in 0..<2 { try journal.apply([.oweDeletion(gone, successor: FileID(6))]) }
            #expect(
                try journal.owedMoves(after: 1) == [OwedMove(number: 2, object: gone, file: nil, successor: FileID(6))])
            #expect(try journal.owedMove(of: FileID(6)) == nil)
            // What is still to be copied is not to be deleted.
            try journal.apply([.oweDeletion(try object("d/ä b"))])
            #expect(try journal.owedMove(1) == owed)
            // Whose it was has lost its name.
            for _ in 0..<2 { try journal.apply([.abandonMove(file)]) }
            #expect(try journal.owedMove(1) == nil)
            #expect(try journal.owedMove(of: file) == nil)
            #expect(try journal.owedMove(3) == OwedMove(number: 3, object: source, file: nil))
            for _ in 0..<2 { try journal.apply([.moveDone(3), .moveDone(2)]) }
            // No number comes twice.
            try journal.apply([.oweMove(file, source)])
            #expect(try journal.owedMoves(after: 0).map(\.number) == [4])
        }
    }

    @Test("keeps why something needs a decision", arguments: JournalUnderTest.allCases)
    func failure(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let failure = Failure(code: "c", reason: "r", remedy: "m")
            try journal.apply([.oweDeletion(try object("a")), .setMoveFailure(1, failure), .setMoveFailure(9, failure)])
            #expect(try journal.owedMove(1)?.failure == failure)
            try journal.apply([.setMoveFailure(1, nil)])
            #expect(try journal.owedMove(1)?.failure == nil)
        }
    }

    @Test("owes nothing of an object that stays where it is, and keeps its tag", arguments: JournalUnderTest.allCases)
    func staying(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let file = FileID(5)
            let receipt = PublishReceipt(url: "http://a/b", size: 11, digest: "x", tag: "t")
            try journal.apply([
                .insertUpload(Samples.upload(7, of: 5)), .published(VersionID(7), receipt, at: Samples.now),
                .oweMove(file, try object("a", "http://a/b")),
            ])
            try journal.apply([.placed(file, at: try object("c", "http://a/b"), sourceTag: "t")])
            #expect(try journal.owedMoves(after: 0).isEmpty)
            #expect(try journal.upload(VersionID(7))?.receipt == receipt)
        }
    }

    @Test(
        "owes the deletion of what a file's object was copied from, and tells its new URL",
        arguments: JournalUnderTest.allCases)
    func placed(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let file = FileID(5)
            try journal.apply([
                .insertUpload(Samples.upload(7, of: 5)), .published(VersionID(7), Samples.receipt, at: Samples.now),
                .insertUpload(Samples.upload(8, of: 5)), .oweMove(file, try object("a", "http://a/b")),
                .oweDeletion(try object("b", "http://a/c")),
            ])
            for _ in 0..<2 {
                try journal.apply([.placed(file, at: try object("b", "http://a/c", tag: "new"), sourceTag: "old")])
            }
            #expect(
                try journal.owedMoves(after: 0) == [
                    OwedMove(number: 3, object: try object("a", "http://a/b", tag: "old"), file: nil, successor: file)
                ])
            let receipt = PublishReceipt(
                url: "http://a/c", size: 11, digest: Samples.receipt.digest, tag: "new")
            #expect(try journal.upload(VersionID(7))?.receipt == receipt)
            #expect(try journal.upload(VersionID(8))?.receipt == nil)
            // Renamed once more while it was copied.
            try journal.apply([.oweMove(file, try object("b", "http://a/c"))])
            try journal.apply([
                .placed(file, at: try object("c", "http://a/d")), .oweMove(file, try object("c", "http://a/d")),
            ])
            #expect(try journal.owedMove(of: file)?.object.path.text == "c")
            #expect(try journal.owedMoves(after: 0).filter { $0.file == nil }.map(\.object.path.text) == ["a", "b"])
            // Back at its name.
            try journal.apply([.placed(file, at: try object("c"))])
            #expect(try journal.owedMove(of: file) == nil)
            // What lay there under another key has not gone with it.
            try journal.apply([.placed(FileID(6), at: try object("b", "http://a/other"))])
            #expect(try journal.owedMove(from: try UploadPath("b")) != nil)
            try journal.apply([.placed(FileID(6), at: try object("b", "http://a/c"))])
            #expect(try journal.owedMove(from: try UploadPath("b")) == nil)
        }
    }
}
