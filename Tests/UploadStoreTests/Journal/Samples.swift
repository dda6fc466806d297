import TestSupport
import Testing
import UploadCore
import UploadStore

/// Records that tests write down.
enum Samples {
    static let now = Timestamp(seconds: 1_750_000_000, nanoseconds: 123_456_789)

    static let attributes = NodeAttributes(
        mode: 0o644, owner: 1000, group: 4_294_967_294, accessed: now, modified: Timestamp(seconds: -5),
        changed: now)

    static func file(
        _ number: UInt64, _ name: String, in parent: UInt64 = 1, version: Int64? = nil
    ) throws -> NodeRecord {
        NodeRecord(
            file: FileID(number), parent: FileID(parent), name: try FileName(name), kind: .file,
            attributes: attributes, version: version.map(VersionID.init))
    }

    static func directory(_ number: UInt64, _ name: String, in parent: UInt64 = 1) throws -> NodeRecord {
        NodeRecord(
            file: FileID(number), parent: FileID(parent), name: try FileName(name), kind: .directory,
            attributes: attributes)
    }

    static func upload(_ version: Int64, of file: UInt64, phase: Phase = .receiving) -> UploadRecord {
        UploadRecord(
            version: VersionID(version), file: FileID(file), phase: phase, schedule: .equal(1 << 20),
            contentType: "text/plain", created: now)
    }

    static let receipt = PublishReceipt(url: "http://a/b", size: 11, digest: "sha-256=:x:", tag: "t-1")
}

/// The real journal and the one that stands in for it in other tests: both must do the same.
enum JournalUnderTest: CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, memory

    var testDescription: String { self == .sqlite ? "SQLiteJournal" : "MemoryJournal" }

    func with(_ body: (any Journal) throws -> Void) throws {
        switch self {
        case .sqlite:
            let directory = try TemporaryDirectory()
            let journal = try SQLiteJournal(path: directory.file("journal.sqlite"), now: Samples.now)
            try body(journal)
            try journal.close()
        case .memory:
            try body(MemoryJournal(now: Samples.now))
        }
    }
}
