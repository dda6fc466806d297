import Foundation
import GRDB
import UploadCore

/// The only place that writes rows. Every change is written so that applied twice, the second time
/// changes nothing, and one to something that is gone meanwhile (an answer for an unlinked file) does nothing.
extension SQLiteJournal {
    static func apply(_ change: JournalChange, to database: Database) throws {
        switch change {
        case .insertNode(let node):
            try insert(node, into: database)
        case .updateNode(let node):
            try update(node, in: database)
        case .moveNode(let file, let parent, let name):
            try place(NodePlace(file: file, parent: parent, name: name), in: database)
        case .exchangeNodes(let one, let other):
            try exchange([one, other], in: database)
        case .removeNode(let file):
            try database.run("DELETE FROM node WHERE file = ?", file.column)
        case .setExtendedAttribute(let file, let name, let value):
            try setExtendedAttribute(name, of: file, to: value, in: database)
        case .listingBegan(let listing): try listingBegan(listing, in: database)
        case .listed(let files, let listing): try listed(files, listing: listing, in: database)
        case .tagged(let file, let tag): try tagged(file, tag, in: database)
        case .lookedInto(let directory, let moment): try lookedInto(directory, at: moment, in: database)
        case .insertUpload(let upload):
            try insert(upload, into: database)
        case .closed(let version, let size, let time):
            try database.run(
                """
                UPDATE upload SET closed_size = ?2, closed = ?3, phase = 'queued',
                    failure_code = NULL, failure_reason = NULL, failure_remedy = NULL
                WHERE version = ?1
                """,
                version.rawValue, size, time.nanoseconds)
        case .reopened(let version):
            try database.run(
                """
                UPDATE upload SET closed_size = NULL, closed = NULL, finished = NULL, phase = 'receiving',
                    failure_code = NULL, failure_reason = NULL, failure_remedy = NULL
                WHERE version = ?
                """,
                version.rawValue)
        case .lapsed(let version, let close):
            try database.run(
                """
                UPDATE upload SET closed_size = NULL, closed = NULL, phase = 'receiving'
                WHERE version = ?1 AND closed = ?2 AND phase <> 'done'
                """,
                version.rawValue, close.nanoseconds)
        case .durable(let version, let close):
            try database.run(
                "UPDATE upload SET durable = ?2 WHERE version = ?1 AND closed = ?2", version.rawValue, close.nanoseconds
            )
        case .evicted(let version):
            try database.run("UPDATE upload SET spooled = 0 WHERE version = ? AND phase = 'done'", version.rawValue)
        case .released(let version, let indexes):
            try database.run(
                "UPDATE chunk SET released = 1 WHERE version = ? AND number >= ? AND number < ?",
                version.rawValue, indexes.lowerBound, indexes.upperBound)
        case .setPhase(let version, let phase, let failure, let retries, let close):
            guard try close.map({ try holds($0, of: version, in: database) }) ?? true else { return }
            try database.run(
                """
                UPDATE upload SET phase = ?2, failure_code = ?3, failure_reason = ?4, failure_remedy = ?5, retries = ?6
                WHERE version = ?1
                """,
                version.rawValue, phase.rawValue, failure?.code, failure?.reason, failure?.remedy, retries)
        case .setSession(let version, let session):
            try setSession(session, of: version, in: database)
        case .stored(let version, let chunk, let close):
            try database.run(
                """
                INSERT INTO chunk (version, number, length, digest)
                SELECT ?1, ?2, ?3, ?4
                WHERE EXISTS (SELECT 1 FROM upload WHERE version = ?1 AND (closed IS NULL OR closed = ?5))
                ON CONFLICT (version, number) DO UPDATE SET length = excluded.length, digest = excluded.digest
                """,
                version.rawValue, chunk.index, chunk.length, chunk.digest, close?.nanoseconds)
        case .unstored(let version, let indexes):
            try database.run(
                "DELETE FROM chunk WHERE version = ? AND number >= ? AND number < ?",
                version.rawValue, indexes.lowerBound, indexes.upperBound)
        case .published(let version, let receipt, let time, let close):
            if try close.map({ try holds($0, of: version, in: database) }) ?? true {
                try publish(version, receipt, at: time, in: database)
            } else {
                try publishEarlier(version, receipt, at: time, in: database)
            }
        case .publishedEarlier(let version, let receipt, let time):
            try publishEarlier(version, receipt, at: time, in: database)
        case .removeUpload(let version):
            try database.run("DELETE FROM upload WHERE version = ?", version.rawValue)
        case .oweMove(let file, let object):
            try oweMove(file, object, in: database)
        case .oweDeletion(let object, let successor):
            try oweDeletion(object, successor, in: database)
        case .abandonMove(let file, let successor):
            try abandonMove(of: file, successor, in: database)
        case .placed(let file, let object, let sourceTag):
            try place(file, at: object, sourceTag: sourceTag, in: database)
        case .moveDone(let number):
            try database.run("DELETE FROM owed_move WHERE number = ?", number)
        case .setMoveFailure(let number, let failure):
            try setMoveFailure(failure, of: number, in: database)
        case .oweAbort(let session):
            try database.run("INSERT OR IGNORE INTO owed_abort (session) VALUES (?)", session.rawValue)
        case .abortDone(let session):
            try database.run("DELETE FROM owed_abort WHERE session = ?", session.rawValue)
        case .intend(let intention):
            try database.run(
                "INSERT OR IGNORE INTO intention (number, path, time) VALUES (?, ?, ?)", intention.number,
                intention.path.text, intention.time.nanoseconds)
        case .intentionEnded(let number):
            try database.run("DELETE FROM intention WHERE number = ?", number)
        case .setFact(let name, let value):
            try database.run(
                "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                name, value)
        }
    }

    // MARK: The tree

    static func insert(_ node: NodeRecord, into database: Database) throws {
        let attributes = node.attributes
        // Not ON CONFLICT: the same row again also meets UNIQUE (parent, name), which must fail for others.
        try database.run(
            """
            INSERT INTO node (file, parent, name, kind, mode, uid, gid, atime, mtime, ctime, size, version, published,
                target, hard_link, names, declined, given, listed, tag, looked_into)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21
            WHERE NOT EXISTS (SELECT 1 FROM node WHERE file = ?1)
            """,
            node.file.column, node.parent.column, node.name?.text, node.kind.rawValue, Int64(attributes.mode),
            Int64(attributes.owner), Int64(attributes.group), attributes.accessed.nanoseconds,
            attributes.modified.nanoseconds, attributes.changed.nanoseconds, node.size, node.version?.rawValue,
            node.isPublished, node.target.map { Data($0) }, node.hardLinkOf?.column, node.names,
            node.declined?.nanoseconds, node.given?.nanoseconds, node.listed, node.tag, node.lookedInto?.nanoseconds)
        if let target = node.target { try noteSteps(of: node.file.column, to: target, in: database) }
        // The root's number is fixed: a new journal has given out none.
        if node.file != .root { try count(file: node.file, version: node.version, in: database) }
    }

    private static func update(_ node: NodeRecord, in database: Database) throws {
        let attributes = node.attributes
        try database.run(
            """
            UPDATE node SET mode = ?2, uid = ?3, gid = ?4, atime = ?5, mtime = ?6, ctime = ?7, size = ?8, version = ?9,
                published = ?10, names = ?11, declined = ?12, given = ?13
            WHERE file = ?1
            """,
            node.file.column, Int64(attributes.mode), Int64(attributes.owner), Int64(attributes.group),
            attributes.accessed.nanoseconds, attributes.modified.nanoseconds, attributes.changed.nanoseconds,
            node.size, node.version?.rawValue, node.isPublished, node.names, node.declined?.nanoseconds,
            node.given?.nanoseconds)
        if let version = node.version { try count(version: version, in: database) }
    }

    /// What a link goes through, so that what leads through a name is found by that.
    static func noteSteps(of link: Int64, to target: [UInt8], in database: Database) throws {
        for step in NodeRecord.steps(of: target) {
            try database.run("INSERT OR IGNORE INTO link_step (step, file) VALUES (?, ?)", String(step), link)
        }
    }

    /// By way of names that no file has: UNIQUE holds after each statement.
    private static func exchange(_ places: [NodePlace], in database: Database) throws {
        for place in places {
            try database.run("UPDATE node SET name = '/' || file WHERE file = ?1", place.file.column)
        }
        for place in places { try self.place(place, in: database) }
    }

    /// What is at the destination is there under this name from now on: no listing that was begun before knows that.
    private static func place(_ place: NodePlace, in database: Database) throws {
        try database.run(
            """
            UPDATE node SET parent = ?2, name = ?3,
                listed = iif(listed IS NULL, NULL, (SELECT last_listing FROM counter))
            WHERE file = ?1
            """,
            place.file.column, place.parent.column, place.name.text)
    }

    private static func setExtendedAttribute(
        _ name: String, of file: FileID, to value: [UInt8]?, in database: Database
    ) throws {
        guard let value else {
            try database.run("DELETE FROM xattr WHERE file = ? AND name = ?", file.column, name)
            return
        }
        try database.run(
            """
            INSERT INTO xattr (file, name, value) SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM node WHERE file = ?1)
            ON CONFLICT (file, name) DO UPDATE SET value = excluded.value
            """,
            file.column, name, Data(value))
    }

    // MARK: Uploads

    private static func insert(_ upload: UploadRecord, into database: Database) throws {
        let schedule = ScheduleColumns(upload.schedule)
        try database.run(
            """
            INSERT OR IGNORE INTO upload (version, file, phase, closed_size, schedule_kind, schedule_size, content_type,
                session, created, closed, finished, retries, receipt_url, receipt_size, receipt_digest,
                failure_code, failure_reason, failure_remedy, durable, spooled, receipt_tag)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            upload.version.rawValue, upload.file.column, upload.phase.rawValue, upload.closedSize, schedule.kind,
            schedule.size, upload.contentType, upload.session?.rawValue, upload.created.nanoseconds,
            upload.closed?.nanoseconds, upload.finished?.nanoseconds, upload.retries, upload.receipt?.url,
            upload.receipt?.size, upload.receipt?.digest, upload.failure?.code, upload.failure?.reason,
            upload.failure?.remedy, upload.durable?.nanoseconds, upload.isSpooled, upload.receipt?.tag)
        try count(version: upload.version, in: database)
    }

    private static func setSession(_ session: SessionToken?, of version: VersionID, in database: Database) throws {
        // Told the session that it has, its chunks stay.
        try database.run(
            """
            DELETE FROM chunk WHERE version = ?1 AND released = 0
            AND EXISTS (SELECT 1 FROM upload WHERE version = ?1 AND session IS NOT ?2)
            """,
            version.rawValue, session?.rawValue)
        try database.run(
            "UPDATE upload SET session = ?2 WHERE version = ?1", version.rawValue, session?.rawValue)
    }

    /// Is this still the version's last close?
    private static func holds(_ close: Timestamp, of version: VersionID, in database: Database) throws -> Bool {
        let statement = try database.cachedStatement(sql: "SELECT closed FROM upload WHERE version = ?")
        return try Int64.fetchOne(statement, arguments: [version.rawValue]) == close.nanoseconds
    }

    // MARK: Numbers given out

    private static func count(file: FileID, version: VersionID?, in database: Database) throws {
        try database.run(
            """
            UPDATE counter SET highest_file = max(highest_file, ?1), highest_version = max(highest_version, ?2)
            WHERE highest_file < ?1 OR highest_version < ?2
            """,
            file.column, version?.rawValue ?? 0)
    }

    private static func count(version: VersionID, in database: Database) throws {
        try database.run(
            "UPDATE counter SET highest_version = ?1 WHERE highest_version < ?1", version.rawValue)
    }
}
