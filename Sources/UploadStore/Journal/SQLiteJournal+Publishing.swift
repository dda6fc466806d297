import GRDB
import UploadCore

/// What the journal keeps of a version that is published, and of its node.
extension SQLiteJournal {
    static func publish(
        _ version: VersionID, _ receipt: PublishReceipt, at time: Timestamp, in database: Database
    ) throws {
        try countPublication(of: version, bytes: receipt.size, at: time, unless: "finished IS NOT NULL", in: database)
        try settle(
            version, receipt, at: time,
            with: """
                , phase = 'done', finished = ?5, failure_code = NULL, failure_reason = NULL, failure_remedy = NULL
                """, in: database)
    }

    static func publishEarlier(
        _ version: VersionID, _ receipt: PublishReceipt, at time: Timestamp, in database: Database
    ) throws {
        try countPublication(of: version, bytes: receipt.size, at: time, unless: "FALSE", in: database)
        try settle(version, receipt, at: time, with: "", in: database)
    }

    /// One version may be published several times, reopened in between. `published_at` names the
    /// publication that was counted last, so that the same one applied again is not.
    private static func countPublication(
        of version: VersionID, bytes: Int64, at time: Timestamp, unless counted: String, in database: Database
    ) throws {
        try database.run(
            """
            UPDATE counter SET finished_files = finished_files + 1, finished_bytes = finished_bytes + ?2
            WHERE EXISTS (
                SELECT 1 FROM upload WHERE version = ?1 AND published_at IS NOT ?3 AND NOT (\(counted))
            )
            """,
            version.rawValue, bytes, time.nanoseconds)
    }

    /// - Parameter changes: further ones of the upload's row.
    private static func settle(
        _ version: VersionID, _ receipt: PublishReceipt, at time: Timestamp, with changes: String, in database: Database
    ) throws {
        try database.run(
            """
            UPDATE upload SET session = NULL, receipt_url = ?2, receipt_size = ?3, receipt_digest = ?4, published_at = ?5,
                receipt_tag = ?6\(changes)
            WHERE version = ?1
            """,
            version.rawValue, receipt.url, receipt.size, receipt.digest, time.nanoseconds, receipt.tag)
        // What has left the spool stays marked for as long as the version may be read or sent.
        try database.run("DELETE FROM chunk WHERE version = ? AND released = 0", version.rawValue)
        // No listing that was begun before tells of it, and what they told its content apart by is void.
        try database.run(
            """
            UPDATE node SET published = 1, tag = NULL, listed = (SELECT last_listing FROM counter)
            WHERE file = (SELECT file FROM upload WHERE version = ?)
            """,
            version.rawValue)
    }
}
