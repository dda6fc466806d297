import Foundation
import GRDB
import UploadCore

// How the nouns of the model stand in rows. Decoding throws instead of trapping: the file may have
// been changed by somebody else's hand.

extension FileID {
    /// SQLite's integers are signed. The order holds, since no journal gives out 2^63 numbers.
    var column: Int64 { Int64(bitPattern: rawValue) }

    init(column: Int64) { self.init(UInt64(bitPattern: column)) }
}

extension NodeRecord {
    /// In the order that `init(row:)` reads them.
    static let columns = """
        file, parent, name, kind, mode, uid, gid, atime, mtime, ctime, size, version, published, target, hard_link, \
        names, declined, given, listed, tag, looked_into
        """

    init(row: Row) throws {
        let name: String? = try row.decode(atIndex: 2)
        guard let kind = NodeKind(rawValue: try row.decode(atIndex: 3)) else {
            throw JournalError.damaged("a node of no known kind")
        }
        let version: Int64? = try row.decode(atIndex: 11)
        self.init(
            file: FileID(column: try row.decode(atIndex: 0)),
            parent: FileID(column: try row.decode(atIndex: 1)),
            name: try name.map { try FileName($0) },
            kind: kind,
            attributes: NodeAttributes(
                mode: try row.decode(atIndex: 4),
                owner: try row.decode(atIndex: 5),
                group: try row.decode(atIndex: 6),
                accessed: Timestamp(nanoseconds: try row.decode(atIndex: 7)),
                modified: Timestamp(nanoseconds: try row.decode(atIndex: 8)),
                changed: Timestamp(nanoseconds: try row.decode(atIndex: 9))),
            size: try row.decode(atIndex: 10),
            version: version.map(VersionID.init),
            isPublished: try row.decode(atIndex: 12),
            target: try row.decode(Data?.self, atIndex: 13).map { Array($0) },
            hardLinkOf: try row.decode(Int64?.self, atIndex: 14).map { FileID(column: $0) },
            names: try row.decode(atIndex: 15),
            declined: try row.decode(Int64?.self, atIndex: 16).map { Timestamp(nanoseconds: $0) },
            given: try row.decode(Int64?.self, atIndex: 17).map { Timestamp(nanoseconds: $0) },
            listed: try row.decode(atIndex: 18),
            tag: try row.decode(atIndex: 19),
            lookedInto: try row.decode(Int64?.self, atIndex: 20).map { Timestamp(nanoseconds: $0) })
    }
}

extension UploadRecord {
    /// In the order that `init(row:)` reads them.
    static let columns = """
        version, file, phase, closed_size, schedule_kind, schedule_size, content_type, session, created, closed, \
        finished, retries, receipt_url, receipt_size, receipt_digest, failure_code, failure_reason, failure_remedy, \
        durable, spooled, receipt_tag
        """

    init(row: Row) throws {
        guard let phase = Phase(rawValue: try row.decode(atIndex: 2)) else {
            throw JournalError.damaged("an upload in no known phase")
        }
        let session: String? = try row.decode(atIndex: 7)
        self.init(
            version: VersionID(try row.decode(atIndex: 0)),
            file: FileID(column: try row.decode(atIndex: 1)),
            phase: phase,
            closedSize: try row.decode(atIndex: 3),
            schedule: try ScheduleColumns(
                kind: row.decode(atIndex: 4), size: row.decode(atIndex: 5)
            ).schedule(),
            contentType: try row.decode(atIndex: 6),
            session: session.map(SessionToken.init),
            created: Timestamp(nanoseconds: try row.decode(atIndex: 8)),
            closed: try Self.time(row, 9),
            durable: try Self.time(row, 18),
            finished: try Self.time(row, 10),
            retries: try row.decode(atIndex: 11),
            receipt: try Self.receipt(row),
            failure: try Self.failure(row),
            isSpooled: try row.decode(atIndex: 19))
    }

    private static func time(_ row: Row, _ index: Int) throws -> Timestamp? {
        let nanoseconds: Int64? = try row.decode(atIndex: index)
        return nanoseconds.map { Timestamp(nanoseconds: $0) }
    }

    private static func receipt(_ row: Row) throws -> PublishReceipt? {
        guard let url: String = try row.decode(String?.self, atIndex: 12) else { return nil }
        return PublishReceipt(
            url: url, size: try row.decode(atIndex: 13), digest: try row.decode(atIndex: 14),
            tag: try row.decode(atIndex: 20))
    }

    private static func failure(_ row: Row) throws -> Failure? {
        guard let code: String = try row.decode(String?.self, atIndex: 15) else { return nil }
        return Failure(code: code, reason: try row.decode(atIndex: 16), remedy: try row.decode(atIndex: 17))
    }
}

/// A chunk schedule in columns: a word for its kind, then its numbers.
struct ScheduleColumns {
    let kind: String
    let size: Int64

    init(kind: String, size: Int64) {
        self.kind = kind
        self.size = size
    }

    init(_ schedule: ChunkSchedule) {
        switch schedule {
        case .equal(let size): self.init(kind: "equal", size: size)
        case .doubling(let size): self.init(kind: "doubling", size: size)
        }
    }

    func schedule() throws -> ChunkSchedule {
        switch kind {
        case "equal": return .equal(size)
        case "doubling": return .doubling(size)
        default: throw JournalError.damaged("an upload with a schedule of no known kind")
        }
    }
}
