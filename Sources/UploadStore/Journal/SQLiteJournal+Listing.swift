import Foundation
import GRDB
package import UploadCore

/// What the destination lists. A page of a listing is a few statements, however many names are on it: SQLite takes
/// them as one JSON array.
extension SQLiteJournal {
    package func children(of parent: FileID, named names: [FileName]) throws(JournalError) -> [NodeRecord] {
        let list = try JournalError.translating { try JSONEncoder().encode(names.map(\.text)) }
        return try all(
            """
            SELECT \(NodeRecord.columns) FROM node
            WHERE parent = ?1 AND name IN (SELECT value FROM json_each(?2))
            """,
            parent.column, String(decoding: list, as: UTF8.self), decode: NodeRecord.init(row:))
    }

    package func unlisted(
        in parent: FileID, before listing: Int64, after: FileName?, limit: Int
    ) throws(JournalError) -> [NodeRecord] {
        try all(
            """
            SELECT \(NodeRecord.columns) FROM node
            WHERE parent = ?1 AND name > ?2 AND listed < ?3 ORDER BY name LIMIT ?4
            """,
            parent.column, after?.text ?? "", listing, max(0, limit), decode: NodeRecord.init(row:))
    }

    package func lastListing() throws(JournalError) -> Int64 {
        let last = try first("SELECT last_listing FROM counter") { try $0.decode(Int64.self, atIndex: 0) }
        guard let last else { throw .damaged("no counters") }
        return last
    }

    // MARK: Changes

    static func listingBegan(_ listing: Int64, in database: Database) throws {
        try database.run("UPDATE counter SET last_listing = ?1 WHERE last_listing < ?1", listing)
    }

    /// Also by a listing that was begun before the last one, and is the slower.
    static func listed(_ files: [FileID], listing: Int64, in database: Database) throws {
        let list = files.map { String($0.column) }.joined(separator: ",")
        try database.run(
            """
            UPDATE node SET listed = max(ifnull(listed, ?1), ?1)
            WHERE file IN (SELECT value FROM json_each(?2))
            """,
            listing, "[\(list)]")
    }

    static func tagged(_ file: FileID, _ tag: String?, in database: Database) throws {
        try database.run("UPDATE node SET tag = ?2 WHERE file = ?1 AND kind = 1", file.column, tag)
    }

    static func lookedInto(_ directory: FileID, at moment: Timestamp, in database: Database) throws {
        try database.run(
            "UPDATE node SET looked_into = ?2 WHERE file = ?1 AND kind = 0", directory.column, moment.nanoseconds)
    }
}
