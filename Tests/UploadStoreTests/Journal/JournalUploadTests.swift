import TestSupport
import Testing
import UploadCore
import UploadStore

@Suite("A journal's uploads", .timeLimit(.minutes(1)))
struct JournalUploadTests {
    private let version = VersionID(5)
    private let chunk = StoredChunk(index: 3, length: 1000, digest: "x")

    @Test("tells at once where all files lie that are on their way", arguments: JournalUnderTest.allCases)
    func unfinishedPaths(_ kind: JournalUnderTest) throws {
        try kind.with { journal in
            try journal.apply([
                .insertNode(try Samples.directory(2, "photos")), .insertNode(try Samples.directory(3, "Ä %20", in: 2)),
                .insertNode(try Samples.file(4, "a", in: 3, version: 4)), .insertUpload(Samples.upload(4, of: 4)),
                .insertNode(try Samples.file(5, "b", version: 6)), .insertUpload(Samples.upload(5, of: 5)),
                .insertUpload(Samples.upload(6, of: 5)),
                .insertNode(try Samples.file(6, "done", version: 7)),
                .insertUpload(Samples.upload(7, of: 6, phase: .done)),
                // Unlinked.
                .insertUpload(Samples.upload(8, of: 99)),
            ])
            #expect(
                try journal.unfinishedPaths()
                    == [FileID(4): UploadPath("photos/Ä %20/a"), FileID(5): UploadPath("b")])
        }
    }

    @Test("keep every field", arguments: JournalUnderTest.allCases)
    func keepsFields(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let plain = Samples.upload(1, of: 2)
            let full = UploadRecord(
                version: VersionID(2), file: FileID(2), phase: .failed, closedSize: 0, schedule: .equal(8 << 20),
                contentType: "video/mp4", session: SessionToken("s"), created: Samples.now,
                closed: Samples.now.advanced(by: .seconds(1)), finished: Samples.now.advanced(by: .seconds(2)),
                retries: 17, receipt: Samples.receipt,
                failure: Failure(code: "too-large", reason: "It is \u{1f40b}.", remedy: "Cut it."))
            let growing = UploadRecord(
                version: VersionID(4), file: FileID(5), phase: .receiving, schedule: .doubling(8 << 20),
                contentType: "video/mp4", created: Samples.now)
            try journal.apply([.insertUpload(plain), .insertUpload(full), .insertUpload(growing)])
            #expect(try journal.upload(VersionID(4)) == growing)
            #expect(try journal.upload(VersionID(1)) == plain)
            #expect(try journal.upload(VersionID(2)) == full)
            #expect(try journal.newestUpload(of: FileID(2)) == full)
            #expect(try journal.upload(VersionID(3)) == nil)
            #expect(try journal.newestUpload(of: FileID(3)) == nil)
        }
    }

    @Test("tell the last close as long as it holds", arguments: JournalUnderTest.allCases)
    func lastClose(kind: JournalUnderTest) throws {
        try kind.with { journal in
            #expect(try journal.close(of: version) == nil)
            try journal.apply([.insertUpload(Samples.upload(5, of: 2, phase: .receiving))])
            let before = try journal.upload(version)?.closed
            #expect(try journal.close(of: version) == before)
            try journal.apply([.closed(version, size: 1, at: Samples.now)])
            #expect(try journal.close(of: version) == Samples.now)
            try journal.apply([.reopened(version)])
            #expect(try journal.close(of: version) == nil)
        }
    }

    @Test("that are not done come back oldest first", arguments: JournalUnderTest.allCases)
    func listsUnfinished(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let changes = Phase.allCases.enumerated().map { number, phase in
                JournalChange.insertUpload(Samples.upload(Int64(100 - number), of: 2, phase: phase))
            }
            try journal.apply(changes)
            let unfinished = try journal.unfinishedUploads()
            #expect(Set(unfinished.map(\.phase)) == Set(Phase.allCases).subtracting([.done, .cancelled]))
            #expect(unfinished.map(\.version) == unfinished.map(\.version).sorted())
        }
    }

    @Test("go their way from receiving to published", arguments: JournalUnderTest.allCases)
    func lifeOfAnUpload(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let later = Samples.now.advanced(by: .seconds(5))
            try journal.apply([
                .insertNode(try Samples.file(2, "a", version: 5)), .insertUpload(Samples.upload(5, of: 2)),
            ])
            try journal.apply([.setSession(version, SessionToken("s")), .stored(version, chunk, knownClose: nil)])
            try journal.apply([.closed(version, size: 11, at: later)])
            let failure = Failure(code: "c", reason: "r", remedy: "m")
            try journal.apply([.setPhase(version, .waiting, failure: failure, retries: 4)])
            var upload = try #require(try journal.upload(version))
            #expect(upload.closedSize == 11)
            #expect(upload.closed == later)
            #expect(upload.phase == .waiting)
            #expect(upload.failure == failure)
            #expect(upload.retries == 4)
            #expect(upload.session == SessionToken("s"))
            #expect(try journal.storedChunks(of: version) == [chunk])

            try journal.apply([.published(version, Samples.receipt, at: later)])
            upload = try #require(try journal.upload(version))
            #expect(upload.phase == .done)
            #expect(upload.receipt == Samples.receipt)
            #expect(upload.finished == later)
            #expect(upload.session == nil)
            #expect(upload.failure == nil)
            #expect(try journal.storedChunks(of: version).isEmpty)
            #expect(try journal.node(FileID(2))?.isPublished == true)
            #expect(try journal.finishedTotals() == (1, 11))
            #expect(try journal.unfinishedUploads().isEmpty)

            try journal.apply([.reopened(version)])
            upload = try #require(try journal.upload(version))
            #expect(upload.closedSize == nil)
            #expect(upload.closed == nil)
            #expect(upload.receipt == Samples.receipt)

            try journal.apply([.removeUpload(version)])
            #expect(try journal.upload(version) == nil)
            #expect(try journal.finishedTotals() == (1, 11))
        }
    }

    @Test("that are published while being written again stay in their phase", arguments: JournalUnderTest.allCases)
    func publishedEarlier(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let later = Samples.now.advanced(by: .seconds(5))
            try journal.apply([
                .insertNode(try Samples.file(2, "a", version: 5)), .insertUpload(Samples.upload(5, of: 2)),
                .setSession(version, SessionToken("s")), .stored(version, chunk, knownClose: nil),
                .closed(version, size: 11, at: Samples.now), .reopened(version),
            ])
            for _ in 1...2 { try journal.apply([.publishedEarlier(version, Samples.receipt, at: later)]) }
            let upload = try #require(try journal.upload(version))
            #expect(upload.phase == .receiving)
            #expect(upload.closedSize == nil)
            #expect(upload.session == nil)
            #expect(upload.receipt == Samples.receipt)
            #expect(try journal.storedChunks(of: version).isEmpty)
            #expect(try journal.node(FileID(2))?.isPublished == true)
            #expect(try journal.finishedTotals() == (1, 11))

            let last = later.advanced(by: .seconds(1))
            try journal.apply([.closed(version, size: 11, at: last), .published(version, Samples.receipt, at: last)])
            #expect(try journal.finishedTotals() == (2, 22))
        }
    }

    @Test("forget the chunks of a session that they leave, and only then", arguments: JournalUnderTest.allCases)
    func sessions(kind: JournalUnderTest) throws {
        try kind.with { journal in
            try journal.apply([
                .insertUpload(Samples.upload(5, of: 2)), .setSession(version, SessionToken("s")),
                .stored(version, chunk, knownClose: nil),
                .stored(version, StoredChunk(index: 1, length: 5, digest: "y"), knownClose: nil),
            ])
            try journal.apply([.setSession(version, SessionToken("s"))])
            #expect(try journal.storedChunks(of: version).map(\.index) == [1, 3])
            try journal.apply([.stored(version, StoredChunk(index: 3, length: 1000, digest: "new"), knownClose: nil)])
            #expect(try journal.storedChunks(of: version).last?.digest == "new")
            try journal.apply([.unstored(version, 3..<4)])
            #expect(try journal.storedChunks(of: version).map(\.index) == [1])
            try journal.apply([.setSession(version, SessionToken("t"))])
            #expect(try journal.storedChunks(of: version).isEmpty)
            #expect(try journal.upload(version)?.session == SessionToken("t"))
        }
    }

    @Test(
        "say in sum what is acknowledged, and whether some of it has left the spool",
        arguments: JournalUnderTest.allCases)
    func chunkTotals(kind: JournalUnderTest) throws {
        try kind.with { journal in
            #expect(try journal.chunkTotals().isEmpty)
            try journal.apply([
                .insertUpload(Samples.upload(5, of: 2)), .setSession(version, SessionToken("s")),
                .stored(version, StoredChunk(index: 1, length: 5, digest: "y"), knownClose: nil),
                .stored(version, StoredChunk(index: 3, length: 1000, digest: "new"), knownClose: nil),
            ])
            #expect(
                try journal.chunkTotals() == [version: ChunkTotals(count: 2, bytes: 1005, isPartlyReleased: false)])
            try journal.apply([.released(version, 1..<2)])
            #expect(
                try journal.chunkTotals() == [version: ChunkTotals(count: 2, bytes: 1005, isPartlyReleased: true)])
            #expect(try journal.releasedChunks(of: version) == RangeSet(1..<2))
        }
    }

    @Test("changed after they are gone stay gone", arguments: JournalUnderTest.allCases)
    func lateAnswers(kind: JournalUnderTest) throws {
        try kind.with { journal in
            try journal.apply([
                .stored(version, chunk, knownClose: nil), .closed(version, size: 1, at: Samples.now),
                .reopened(version),
                .setPhase(version, .done, failure: nil, retries: 0), .setSession(version, SessionToken("s")),
                .published(version, Samples.receipt, at: Samples.now), .removeUpload(version),
                .updateNode(try Samples.file(2, "a")), .removeNode(FileID(2)),
                .moveNode(FileID(2), parent: .root, name: try FileName("b")),
            ])
            #expect(try journal.upload(version) == nil)
            #expect(try journal.storedChunks(of: version).isEmpty)
            #expect(try journal.finishedTotals() == (0, 0))
            #expect(try journal.node(FileID(2)) == nil)
        }
    }

    @Test("that are published are prunable by age and by count, the oldest first", arguments: JournalUnderTest.allCases)
    func prunable(kind: JournalUnderTest) throws {
        try kind.with { journal in
            for number in Int64(1)...6 {
                // Two were finished at the same moment each.
                let moment = Samples.now.advanced(by: .seconds((number + 1) / 2))
                try journal.apply([
                    .insertUpload(Samples.upload(number, of: 2)), .closed(VersionID(number), size: 11, at: Samples.now),
                    .published(VersionID(number), Samples.receipt, at: moment),
                ])
            }
            try journal.apply([.insertUpload(Samples.upload(7, of: 3))])
            func numbers(before seconds: Int64, beyond count: Int, limit: Int = 10) throws -> [Int64] {
                try journal.prunable(
                    before: Samples.now.advanced(by: .seconds(seconds)), beyond: count, limit: limit
                ).map(\.version.rawValue)
            }
            #expect(try numbers(before: 0, beyond: 6) == [])
            #expect(try numbers(before: 0, beyond: 3) == [1, 2, 3])
            #expect(try numbers(before: 2, beyond: 6) == [1, 2])
            #expect(try numbers(before: 3, beyond: 1) == [1, 2, 3, 4, 5])
            #expect(try numbers(before: 0, beyond: 1, limit: 2) == [1, 2])
        }
    }

    @Test("owe aborts, and the journal keeps facts", arguments: JournalUnderTest.allCases)
    func abortsAndFacts(kind: JournalUnderTest) throws {
        try kind.with { journal in
            try journal.apply([
                .oweAbort(SessionToken("b")), .oweAbort(SessionToken("a")), .setFact(name: "n", value: "1"),
                .setFact(name: "n", value: "2"),
            ])
            #expect(try journal.owedAborts() == [SessionToken("a"), SessionToken("b")])
            try journal.apply([.abortDone(SessionToken("a"))])
            #expect(try journal.owedAborts() == [SessionToken("b")])
            #expect(try journal.fact("n") == "2")
            #expect(try journal.fact("m") == nil)
        }
    }

    @Test("are intended before they are begun: a row for each that has no answer", arguments: JournalUnderTest.allCases)
    func intentions(kind: JournalUnderTest) throws {
        try kind.with { journal in
            let rows = try [(5 << 32 | 7, "d ï/ä?%"), (3, "a"), (4, "a")].map { number, path in
                BeginIntention(number: number, path: try UploadPath(path), time: Samples.now)
            }
            for _ in 1...2 { try journal.apply(rows.map { .intend($0) }) }
            #expect(try journal.intentions() == [rows[1], rows[2], rows[0]])
            for _ in 1...2 { try journal.apply([.intentionEnded(3), .intentionEnded(99)]) }
            #expect(try journal.intentions() == [rows[2], rows[0]])
        }
    }

    @Test("and everything else: applied twice is applied once", arguments: JournalUnderTest.allCases)
    func isIdempotent(kind: JournalUnderTest) throws {
        let receipt = Samples.receipt
        let steps: [[JournalChange]] = [
            [.insertNode(try Samples.file(2, "a", version: 5)), .insertUpload(Samples.upload(5, of: 2))],
            [.setExtendedAttribute(FileID(2), name: "user.a", value: [1])],
            [.setSession(version, SessionToken("s"))],
            [.stored(version, chunk, knownClose: nil)],
            [
                .stored(version, StoredChunk(index: 4, length: 1, digest: "z"), knownClose: nil),
                .unstored(version, 4..<5),
            ],
            [.closed(version, size: 11, at: Samples.now)],
            [.setPhase(version, .uploading, failure: nil, retries: 1)],
            [.published(version, receipt, at: Samples.now)],
            [.reopened(version), .setPhase(version, .receiving, failure: nil, retries: 0)],
            [.moveNode(FileID(2), parent: .root, name: try FileName("b"))],
            [.oweAbort(SessionToken("s"))], [.abortDone(SessionToken("s"))], [.setFact(name: "n", value: "1")],
            [.removeNode(FileID(2)), .removeUpload(version)],
        ]
        try kind.with { journal in
            for step in steps {
                try journal.apply(step)
                let once = try Picture(of: journal, version: version)
                try journal.apply(step)
                #expect(try Picture(of: journal, version: version) == once, "after \(step)")
            }
        }
    }

    /// All that a journal says about one file and its upload.
    private struct Picture: Equatable {
        let node: NodeRecord?
        let upload: UploadRecord?
        let chunks: [StoredChunk]
        let attributes: [String]
        let owed: [SessionToken]
        let finished: [Int64]
        let highest: [Int64]

        init(of journal: any Journal, version: VersionID) throws {
            node = try journal.node(FileID(2))
            upload = try journal.upload(version)
            chunks = try journal.storedChunks(of: version)
            attributes = try journal.extendedAttributeNames(of: FileID(2))
            owed = try journal.owedAborts()
            let totals = try journal.finishedTotals()
            finished = [Int64(totals.files), totals.bytes]
            let numbers = try journal.highestIdentifiers()
            highest = [Int64(numbers.file.rawValue), numbers.version.rawValue]
        }
    }
}
