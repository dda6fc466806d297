import TestSupport
import UploadCore

/// What an earlier run has left, for an engine to find.
extension EngineBench {
    /// A file's row in the journal's tree, with its newest version.
    static func node(
        _ file: Int64, _ name: String, version: Int64, size: Int64 = 0
    ) throws -> JournalChange {
        .insertNode(
            NodeRecord(
                file: FileID(UInt64(file)), parent: .root, name: try FileName(name), kind: .file,
                attributes: NodeAttributes(
                    mode: 0o644, owner: 0, group: 0, accessed: start, modified: start, changed: start),
                size: size, version: VersionID(version)))
    }

    /// A version's row in the journal.
    static func row(
        _ version: Int64, of file: Int64, _ phase: Phase = .queued, closedSize: Int64? = nil,
        session: SessionToken? = nil, closed: Timestamp? = nil, durable: Timestamp? = nil, failure: Failure? = nil
    ) -> JournalChange {
        .insertUpload(
            UploadRecord(
                version: VersionID(version), file: FileID(UInt64(file)), phase: phase, closedSize: closedSize,
                schedule: .equal(1000), contentType: "", session: session, created: start, closed: closed,
                durable: durable, failure: failure))
    }
}

extension EngineBench.Names {
    /// A file under its name, and what the spool has of its versions.
    func add(
        _ file: Int64, _ name: String, _ versions: KeyValuePairs<Int64, [UInt8]> = [:], in spool: MemorySpool
    ) throws {
        set(FileID(UInt64(file)), try UploadPath(name))
        for (version, bytes) in versions { try spool.create(VersionID(version)).write(bytes, at: 0) }
    }
}
