import TestSupport
import Testing
import UploadCore

@Suite("A journal's uploads that only wait", .timeLimit(.minutes(1)))
struct JournalShelfTests {
    @Test("are told apart, and counted", arguments: JournalUnderTest.allCases)
    func shelf(kind: JournalUnderTest) throws {
        try kind.with { journal in
            func add(
                _ number: Int64, version newest: Int64? = nil, _ change: (inout UploadRecord) -> Void = { _ in }
            ) throws {
                var record = Samples.upload(number, of: UInt64(number), phase: .queued)
                record.closedSize = 10 * number
                record.closed = Samples.now
                record.durable = Samples.now
                change(&record)
                try journal.apply([
                    .insertNode(try Samples.file(UInt64(number), "f\(number)", version: newest ?? number)),
                    .insertUpload(record),
                ])
            }
            for number in Int64(2)...5 { try add(number) }
            try add(6) { $0.durable = nil }
            try add(7) { $0.session = SessionToken("s") }
            try add(8) { $0.phase = .failed }
            try add(9) { $0.retries = 1 }
            try add(10) { $0.isSpooled = false }
            try add(11)
            try journal.apply([.insertUpload(Samples.upload(100, of: 11))])
            try add(12, version: 101)
            // Unlinked.
            try journal.apply([.insertUpload(Samples.upload(13, of: 99, phase: .queued))])
            let all = try journal.shelf(beyond: 0)
            #expect(all.first(100).map(\.rawValue) == [2, 3, 4, 5])
            #expect(all.count == 4)
            #expect(all.bytes == 140)
            let shelf = try journal.shelf(beyond: 3)
            #expect(shelf.first(100) == [VersionID(5)])
            let others = try journal.unfinishedUploads(besides: shelf)
            #expect(others.map(\.version.rawValue) == [2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 100])
        }
    }
}
