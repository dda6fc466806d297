import Foundation
import GRDB
package import UploadCore

/// Queries. Each is one statement, so each sees one state of the database without a transaction
/// around it, and everything whose `apply` returned before.
extension SQLiteJournal {
    // Put together once: these are asked for with every call.
    private static let nodeOfFile = "SELECT \(NodeRecord.columns) FROM node WHERE file = ?"
    private static let nodeOfName = "SELECT \(NodeRecord.columns) FROM node WHERE parent = ? AND name = ?"
    private static let uploadOfVersion = "SELECT \(UploadRecord.columns) FROM upload WHERE version = ?"

    // MARK: The tree

    package func node(_ file: FileID) throws(JournalError) -> NodeRecord? {
        try first(Self.nodeOfFile, file.column, decode: NodeRecord.init(row:))
    }

    package func child(_ name: FileName, of parent: FileID) throws(JournalError) -> NodeRecord? {
        try first(Self.nodeOfName, parent.column, name.text, decode: NodeRecord.init(row:))
    }

    package func children(
        of parent: FileID, after: FileName?, limit: Int
    ) throws(JournalError) -> [NodeRecord] {
        // Every name is greater than the empty text, and the root's missing one is not.
        try all(
            "SELECT \(NodeRecord.columns) FROM node WHERE parent = ? AND name > ? ORDER BY name LIMIT ?",
            parent.column, after?.text ?? "", max(0, limit), decode: NodeRecord.init(row:))
    }

    package func hasPublishedDescendant(_ directory: FileID) throws(JournalError) -> Bool {
        let found = try first(
            """
            WITH RECURSIVE below (file, kind, is_there) AS (
                SELECT file, kind, published OR listed IS NOT NULL FROM node WHERE parent = ?1 AND file <> 1
                UNION ALL
                SELECT node.file, node.kind, node.published OR node.listed IS NOT NULL
                FROM below JOIN node ON node.parent = below.file WHERE below.kind = 0
            )
            SELECT EXISTS (SELECT 1 FROM below WHERE is_there)
            """,
            directory.column
        ) { try $0.decode(Bool.self, atIndex: 0) }
        return found ?? false
    }

    package func hardLinks(of file: FileID) throws(JournalError) -> [NodeRecord] {
        try all(
            "SELECT \(NodeRecord.columns) FROM node WHERE hard_link = ? ORDER BY file", file.column,
            decode: NodeRecord.init(row:))
    }

    package func hardLinksBehind() throws(JournalError) -> [NodeRecord] {
        let columns = NodeRecord.columns.split(separator: ", ").map { "link.\($0)" }.joined(separator: ", ")
        return try all(
            """
            SELECT \(columns) FROM node AS link
            JOIN node AS first ON first.file = link.hard_link
            JOIN upload ON upload.version = first.version
            LEFT JOIN upload AS own ON own.version = link.version
            WHERE link.hard_link IS NOT NULL AND link.kind = 1 AND upload.spooled = 1 AND upload.closed IS NOT NULL
                AND iif(own.version IS NULL, link.given, own.closed) IS NOT upload.closed
                AND link.declined IS NOT upload.closed
            ORDER BY link.file
            """, decode: NodeRecord.init(row:))
    }

    package func symbolicLinks() throws(JournalError) -> [NodeRecord] {
        try all("SELECT \(NodeRecord.columns) FROM node WHERE kind = 2 ORDER BY file", decode: NodeRecord.init(row:))
    }

    package func symbolicLinks(through steps: [String]) throws(JournalError) -> [NodeRecord] {
        var links: [FileID: NodeRecord] = [:]
        for step in steps {
            let found = try all(
                "SELECT \(NodeRecord.columns) FROM node WHERE file IN (SELECT file FROM link_step WHERE step = ?)",
                step, decode: NodeRecord.init(row:))
            for link in found { links[link.file] = link }
        }
        return links.values.sorted { $0.file < $1.file }
    }

    package func symbolicLinksUnpublished() throws(JournalError) -> [NodeRecord] {
        try all(
            """
            SELECT \(NodeRecord.columns) FROM node WHERE kind = 2 AND version IN (
                SELECT version FROM upload WHERE phase NOT IN ('done', 'cancelled'))
            ORDER BY file
            """, decode: NodeRecord.init(row:))
    }

    package func extendedAttribute(_ name: String, of file: FileID) throws(JournalError) -> [UInt8]? {
        try first("SELECT value FROM xattr WHERE file = ? AND name = ?", file.column, name) {
            [UInt8](try $0.decode(Data.self, atIndex: 0))
        }
    }

    package func extendedAttributeNames(of file: FileID) throws(JournalError) -> [String] {
        try all("SELECT name FROM xattr WHERE file = ? ORDER BY name", file.column) { try $0.decode(atIndex: 0) }
    }

    package func highestIdentifiers() throws(JournalError) -> (file: FileID, version: VersionID) {
        let highest = try first("SELECT highest_file, highest_version FROM counter") {
            (file: FileID(column: try $0.decode(atIndex: 0)), version: VersionID(try $0.decode(atIndex: 1)))
        }
        guard let highest else { throw .damaged("no counters") }
        return highest
    }

    // MARK: Uploads

    package func upload(_ version: VersionID) throws(JournalError) -> UploadRecord? {
        try first(Self.uploadOfVersion, version.rawValue, decode: UploadRecord.init(row:))
    }

    package func close(of version: VersionID) throws(JournalError) -> Timestamp? {
        try value("SELECT closed FROM upload WHERE version = ?", version.rawValue)
            .map { (nanoseconds: Int64) in Timestamp(nanoseconds: nanoseconds) }
    }

    package func newestUpload(of file: FileID) throws(JournalError) -> UploadRecord? {
        try first(
            "SELECT \(UploadRecord.columns) FROM upload WHERE file = ? ORDER BY version DESC LIMIT 1", file.column,
            decode: UploadRecord.init(row:))
    }

    package func uploads(of file: FileID) throws(JournalError) -> [UploadRecord] {
        try all(
            "SELECT \(UploadRecord.columns) FROM upload WHERE file = ? ORDER BY version", file.column,
            decode: UploadRecord.init(row:))
    }

    package func supersededUploads() throws(JournalError) -> [VersionID: VersionID?] {
        let found = try all(
            """
            SELECT * FROM (
                SELECT version, file, (
                    SELECT MAX(newer.version) FROM upload AS newer
                    WHERE newer.file = upload.file AND newer.version > upload.version
                    AND newer.closed_size IS NOT NULL
                ) AS newest
                FROM upload WHERE phase NOT IN ('done', 'cancelled')) AS found
            WHERE newest IS NOT NULL OR version > (SELECT node.version FROM node WHERE node.file = found.file)
            """
        ) { row throws in
            (VersionID(try row.decode(atIndex: 0)), try row.decode(Int64?.self, atIndex: 2).map(VersionID.init))
        }
        return Dictionary(uniqueKeysWithValues: found)
    }

    package func shelf(beyond count: Int) throws(JournalError) -> Shelf {
        var shelf = Shelf()
        try each(
            """
            SELECT upload.version, closed_size FROM upload
            JOIN node ON node.file = upload.file AND node.version = upload.version AND node.kind = 1
            WHERE phase NOT IN ('done', 'cancelled') AND phase = 'queued' AND session IS NULL AND durable = closed
                AND retries = 0 AND spooled = 1
                AND NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.version = upload.version)
                AND NOT EXISTS (
                    SELECT 1 FROM upload AS other WHERE other.file = upload.file AND other.version <> upload.version
                    AND (other.version > upload.version OR other.phase NOT IN ('done', 'cancelled')))
            ORDER BY upload.version LIMIT -1 OFFSET ?
            """, [count]
        ) { shelf.put(VersionID(try $0.decode(atIndex: 0)), bytes: try $0.decode(atIndex: 1)) }
        return shelf
    }

    package func unfinishedUploads(besides shelf: Shelf) throws(JournalError) -> [UploadRecord] {
        var records: [UploadRecord] = []
        try each(
            "SELECT \(UploadRecord.columns) FROM upload WHERE phase NOT IN ('done', 'cancelled') ORDER BY version"
        ) { row in
            guard !shelf.contains(VersionID(try row.decode(atIndex: 0))) else { return }
            records.append(try UploadRecord(row: row))
        }
        return records
    }

    package func unfinishedPaths() throws(JournalError) -> [FileID: UploadPath] {
        let found = try all(
            """
            WITH RECURSIVE place(file, parent, path) AS (
                SELECT file, parent, name FROM node WHERE file <> 1 AND file IN (
                    SELECT file FROM upload WHERE phase NOT IN ('done', 'cancelled'))
                UNION ALL
                SELECT place.file, node.parent, node.name || '/' || place.path
                FROM place JOIN node ON node.file = place.parent WHERE place.parent <> 1)
            SELECT file, path FROM place WHERE parent = 1
            """
        ) { row throws in
            // One that is no path of ours is asked for by itself.
            (FileID(column: try row.decode(atIndex: 0)), try? UploadPath(try row.decode(String.self, atIndex: 1)))
        }
        return Dictionary(uniqueKeysWithValues: found).compactMapValues { $0 }
    }

    package func storedChunks(of version: VersionID) throws(JournalError) -> [StoredChunk] {
        try all("SELECT number, length, digest FROM chunk WHERE version = ? ORDER BY number", version.rawValue) {
            StoredChunk(
                index: try $0.decode(atIndex: 0), length: try $0.decode(atIndex: 1), digest: try $0.decode(atIndex: 2))
        }
    }

    package func releasedChunks(of version: VersionID) throws(JournalError) -> RangeSet<ChunkIndex> {
        var released = RangeSet<ChunkIndex>()
        let numbers = try all(
            "SELECT number FROM chunk WHERE version = ? AND released = 1 ORDER BY number", version.rawValue
        ) { try $0.decode(ChunkIndex.self, atIndex: 0) }
        for number in numbers { released.insert(contentsOf: number..<number + 1) }
        return released
    }

    package func chunkTotals() throws(JournalError) -> [VersionID: ChunkTotals] {
        let totals = try all("SELECT version, COUNT(*), SUM(length), MAX(released) FROM chunk GROUP BY version") {
            row throws in
            (
                VersionID(try row.decode(atIndex: 0)),
                ChunkTotals(
                    count: try row.decode(atIndex: 1), bytes: try row.decode(atIndex: 2),
                    isPartlyReleased: try row.decode(atIndex: 3))
            )
        }
        return Dictionary(uniqueKeysWithValues: totals)
    }

    package func evictableUploads(limit: Int) throws(JournalError) -> [UploadRecord] {
        try all(
            """
            SELECT \(UploadRecord.columns) FROM upload WHERE phase = 'done' AND spooled = 1
            ORDER BY finished, version LIMIT ?
            """,
            limit, decode: UploadRecord.init(row:))
    }

    package func prunable(
        before moment: Timestamp, beyond count: Int, limit: Int
    ) throws(JournalError) -> [UploadRecord] {
        try all(
            """
            SELECT \(UploadRecord.columns) FROM upload WHERE phase = 'done' AND (
                finished < ?1
                OR (finished, version) < (
                    SELECT finished, version FROM upload WHERE phase = 'done'
                    ORDER BY finished DESC, version DESC LIMIT 1 OFFSET ?2)
            )
            ORDER BY finished, version LIMIT ?3
            """,
            moment.nanoseconds, max(0, count - 1), limit, decode: UploadRecord.init(row:))
    }

    package func spooledVersions() throws(JournalError) -> [VersionID] {
        try all("SELECT version FROM upload WHERE spooled = 1") { VersionID(try $0.decode(atIndex: 0)) }
    }

    package func publishedUnmarked() throws(JournalError) -> [UploadRecord] {
        try all(
            """
            SELECT \(UploadRecord.columns) FROM upload WHERE phase = 'done' AND spooled = 1 AND durable IS NOT closed
            """,
            decode: UploadRecord.init(row:))
    }

    package func evictableBytes() throws(JournalError) -> Int64 {
        try first("SELECT SUM(receipt_size) FROM upload WHERE phase = 'done' AND spooled = 1") {
            try $0.decode(Int64?.self, atIndex: 0) ?? 0
        } ?? 0
    }

    package func finishedTotals() throws(JournalError) -> (files: Int, bytes: Int64) {
        let totals = try first("SELECT finished_files, finished_bytes FROM counter") {
            (files: try $0.decode(Int.self, atIndex: 0), bytes: try $0.decode(Int64.self, atIndex: 1))
        }
        guard let totals else { throw .damaged("no counters") }
        return totals
    }

    package func owedAborts() throws(JournalError) -> [SessionToken] {
        try all("SELECT session FROM owed_abort ORDER BY session") { SessionToken(try $0.decode(atIndex: 0)) }
    }

    package func intentions() throws(JournalError) -> [BeginIntention] {
        try all("SELECT number, path, time FROM intention ORDER BY number") { row throws in
            BeginIntention(
                number: try row.decode(atIndex: 0), path: try UploadPath(try row.decode(String.self, atIndex: 1)),
                time: Timestamp(nanoseconds: try row.decode(atIndex: 2)))
        }
    }

    package func fact(_ name: String) throws(JournalError) -> String? {
        try first("SELECT value FROM fact WHERE name = ?", name) { try $0.decode(String.self, atIndex: 0) }
    }
}
