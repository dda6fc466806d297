import GRDB
import Synchronization
package import UploadCore

/// What is owed of published objects. `number` is never used twice, so that who began to do something knows whether it
/// is still wanted; an object that another thing is owed of gets another one.
extension SQLiteJournal {
    static let moves = """
        CREATE TABLE owed_move (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            path TEXT NOT NULL UNIQUE,
            url TEXT,
            size INTEGER CHECK (size >= 0),
            tag TEXT,
            file INTEGER UNIQUE,
            successor INTEGER,
            failure_code TEXT,
            failure_reason TEXT,
            failure_remedy TEXT,
            CHECK ((failure_code IS NULL) = (failure_reason IS NULL)
                AND (failure_code IS NULL) = (failure_remedy IS NULL)),
            CHECK (file IS NULL OR successor IS NULL)
        ) STRICT;
        """

    static func oweMove(_ file: FileID, _ object: ObjectReference, in database: Database) throws {
        try database.run(
            """
            INSERT OR REPLACE INTO owed_move (path, url, size, tag, file) SELECT ?2, ?3, ?4, ?5, ?1
            WHERE NOT EXISTS (SELECT 1 FROM owed_move WHERE file = ?1)
            """,
            file.column, object.path.text, object.url, object.size, object.tag)
    }

    static func oweDeletion(_ object: ObjectReference, _ successor: FileID?, in database: Database) throws {
        try database.run(
            """
            INSERT INTO owed_move (path, url, size, tag, successor) SELECT ?1, ?2, ?3, ?4, ?5
            WHERE NOT EXISTS (SELECT 1 FROM owed_move WHERE path = ?1)
            """,
            object.path.text, object.url, object.size, object.tag, successor?.column)
    }

    /// Under another number: who has begun to copy it finds that it is not wanted any more.
    static func abandonMove(
        of file: FileID, _ successor: FileID?, sourceTag: String? = nil, in database: Database
    ) throws {
        try database.run(
            """
            INSERT OR REPLACE INTO owed_move (path, url, size, tag, successor)
            SELECT path, url, size, ifnull(?3, tag), ?2 FROM owed_move WHERE file = ?1
            """,
            file.column, successor?.column, sourceTag)
    }

    static func place(
        _ file: FileID, at object: ObjectReference, sourceTag: String?, in database: Database
    ) throws {
        // One under another key (a conflict's copy of an earlier run) has not been replaced.
        try database.run(
            """
            DELETE FROM owed_move
            WHERE path = ?1 AND (file = ?2 OR (file IS NULL AND (url IS NULL OR ?3 IS NULL OR url = ?3)))
            """,
            object.path.text, file.column, object.url)
        // Where it lies is where it was.
        try database.run("DELETE FROM owed_move WHERE file = ?1 AND url = ?2", file.column, object.url)
        try abandonMove(of: file, file, sourceTag: sourceTag, in: database)
        // A listing that was begun before does not have it yet; and what it is known by is another tag than before.
        try database.run(
            """
            UPDATE node SET tag = iif(version IS NULL, ?2, NULL),
                listed = iif(listed IS NULL, NULL, (SELECT last_listing FROM counter))
            WHERE file = ?1 AND kind = 1
            """,
            file.column, object.tag)
        guard let url = object.url else { return }
        try database.run(
            """
            UPDATE upload SET receipt_url = ?2,
                receipt_tag = iif(receipt_url = ?2, ifnull(?3, receipt_tag), ?3)
            WHERE version = (SELECT MAX(version) FROM upload WHERE file = ?1 AND receipt_url IS NOT NULL)
            """,
            file.column, url, object.tag)
    }

    static func setMoveFailure(_ failure: Failure?, of number: Int64, in database: Database) throws {
        try database.run(
            "UPDATE owed_move SET failure_code = ?2, failure_reason = ?3, failure_remedy = ?4 WHERE number = ?1",
            number, failure?.code, failure?.reason, failure?.remedy)
    }
}

extension JournalChange {
    /// May make a row of what is owed.
    var owesMove: Bool {
        switch self {
        case .oweMove, .oweDeletion, .abandonMove, .placed: true
        case .insertNode, .updateNode, .exchangeNodes, .moveNode, .removeNode, .setExtendedAttribute, .listingBegan,
            .listed, .tagged, .lookedInto, .insertUpload, .closed, .reopened, .lapsed, .durable, .setPhase,
            .setSession, .stored, .unstored, .released, .evicted, .published, .publishedEarlier, .removeUpload,
            .moveDone, .setMoveFailure, .oweAbort, .abortDone, .intend, .intentionEnded, .setFact:
            false
        }
    }
}

extension OwedMove {
    /// In the order that `init(row:)` reads them.
    static let columns = "number, path, url, size, tag, file, failure_code, failure_reason, failure_remedy, successor"

    init(row: Row) throws {
        let code: String? = try row.decode(atIndex: 6)
        self.init(
            number: try row.decode(atIndex: 0),
            object: ObjectReference(
                path: try UploadPath(try row.decode(String.self, atIndex: 1)), url: try row.decode(atIndex: 2),
                size: try row.decode(atIndex: 3), tag: try row.decode(atIndex: 4)),
            file: try row.decode(Int64?.self, atIndex: 5).map { FileID(column: $0) },
            successor: try row.decode(Int64?.self, atIndex: 9).map { FileID(column: $0) },
            failure: try code.map {
                Failure(code: $0, reason: try row.decode(atIndex: 7), remedy: try row.decode(atIndex: 8))
            })
    }
}

extension SQLiteJournal {
    package func owedMoves(after number: Int64) throws(JournalError) -> [OwedMove] {
        try all(
            "SELECT \(OwedMove.columns) FROM owed_move WHERE number > ? ORDER BY number", number,
            decode: OwedMove.init(row:))
    }

    package func owedMove(_ number: Int64) throws(JournalError) -> OwedMove? {
        try first(
            "SELECT \(OwedMove.columns) FROM owed_move WHERE number = ?", number, decode: OwedMove.init(row:))
    }

    package func owedMove(of file: FileID) throws(JournalError) -> OwedMove? {
        guard mayOweMoves.load(ordering: .acquiring) else { return nil }
        return try first(
            "SELECT \(OwedMove.columns) FROM owed_move WHERE file = ?", file.column, decode: OwedMove.init(row:))
    }

    package func owedMove(from path: UploadPath) throws(JournalError) -> OwedMove? {
        guard mayOweMoves.load(ordering: .acquiring) else { return nil }
        return try first(
            "SELECT \(OwedMove.columns) FROM owed_move WHERE path = ?", path.text, decode: OwedMove.init(row:))
    }
}
