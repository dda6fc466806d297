import Logging
import UploadCore

/// Versions that further names of a node get with its closes, so that each is published by itself.
///
/// They are made when the last writer is gone, since only then its close is the last word; and whatever a kill has
/// left undone is done at the next mount. A name has its node's close when its own is of the same time.
extension FileSystem {
    /// A close as further names get it.
    struct NodeClose: Sendable {
        let version: VersionID
        let size: Int64
        let moment: Timestamp
    }

    /// Of a node; nil: nothing was closed yet, somebody has it open for writing, or it is no longer here.
    func lastClose(of node: CachedNode) throws(FileSystemError) -> NodeClose? {
        guard node.content?.hasWriters != true, try isWhole(node), let upload = try upload(of: node.record),
            let size = upload.closedSize, let moment = upload.closed
        else { return nil }
        return NodeClose(version: upload.version, size: size, moment: moment)
    }

    /// All of its bytes are here, as they were written.
    func isWhole(_ node: CachedNode) throws(FileSystemError) -> Bool {
        guard let upload = try upload(of: node.record), upload.isSpooled, !upload.isSpoiled,
            node.content?.locked({ $0.released.isEmpty && $0.failure == nil }) != false
        else { return false }
        return try journalled { () throws(JournalError) in try journal.releasedChunks(of: upload.version) }.isEmpty
    }

    /// Gives all names of a node its last close that have not got it.
    /// - Returns: the closes of their versions.
    @discardableResult
    func complete(_ file: FileID, in tree: inout Tree) throws(FileSystemError) -> [VersionID: Timestamp] {
        let node = try tree.node(file)
        guard !node.isUnlinked, node.record.names > 1 || configuration.followsSymlinks,
            let close = try lastClose(of: node)
        else { return [:] }
        var names: [NodeRecord] = []
        for name in try companions(of: node.record, in: tree) {
            if try upload(of: name)?.closed != close.moment { names.append(name) }
        }
        guard !names.isEmpty else { return [:] }
        let made = try newVersions(of: close, for: names, in: &tree)
        try journal(made, in: &tree)
        return made.closes
    }

    /// As `complete`, where nobody is there to be told that it failed: it is tried again at the next mount.
    @discardableResult
    func completed(_ file: FileID, in tree: inout Tree) -> [VersionID: Timestamp] {
        do throws(FileSystemError) {
            return try complete(file, in: &tree)
        } catch {
            logger.error(
                "what was closed could not be given to the other names of a file; it is tried again at the next mount",
                metadata: ["inode": "\(file)", "error": "\(error)"])
            return [:]
        }
    }

    /// What a kill, or a loss of power, has left undone. To be called once, before there are writers.
    func completeNames() {
        do throws(FileSystemError) {
            try namespace.locked { tree throws(FileSystemError) in
                let links = try journalled { () throws(JournalError) in try journal.hardLinksBehind() }
                for file in Set(links.compactMap(\.hardLinkOf)).sorted() { completed(file, in: &tree) }
                try completeFollowed(in: &tree)
            }
        } catch {
            note(error, in: "mount")
        }
    }

    /// Versions of further names, made with a close of their node.
    struct LinkVersions: Sendable {
        fileprivate(set) var closes: [VersionID: Timestamp] = [:]
        fileprivate var records: [NodeRecord] = []
        fileprivate var changes: [JournalChange] = []
        fileprivate var events: [WriterEvent] = []
    }

    /// Made, but neither journalled nor told: `journal` comes next.
    func newVersions(
        of close: NodeClose, for names: [NodeRecord], in tree: inout Tree
    ) throws(FileSystemError) -> LinkVersions {
        let moment = close.moment
        var made = LinkVersions()
        for name in names {
            guard let path = try tree.path(of: name.parent), let last = name.name else { continue }
            let own = tree.newVersion()
            do throws(SpoolError) {
                try spool.link(close.version, to: own)
            } catch {
                try undo(made)
                throw FileSystemError(error)
            }
            var newborn = newborn(
                own, of: name.file, at: path.appending(last), isFirst: name.version == nil, size: close.size,
                created: now())
            newborn.upload.closedSize = close.size
            newborn.upload.closed = moment
            newborn.upload.phase = .queued
            newborn.opened.track.finish()
            var record = name
            record.version = own
            // A symbolic link's is that of its target.
            if record.kind == .file { record.size = close.size }
            made.records.append(record)
            made.changes += [.insertUpload(newborn.upload), .updateNode(record)]
            made.closes[own] = moment
            made.events += [
                .opened(newborn.opened), .acknowledged(own, at: moment), .closed(own, size: close.size, at: moment),
            ]
        }
        return made
    }

    /// - Parameter changes: what is journalled before them.
    func journal(
        _ made: LinkVersions?, with changes: [JournalChange] = [], in tree: inout Tree
    ) throws(FileSystemError) {
        do throws(FileSystemError) {
            try namespace.journalled(changes + (made?.changes ?? []))
        } catch {
            if let made { try undo(made) }
            throw error
        }
        for record in made?.records ?? [] { tree.recorded(record) }
        for event in made?.events ?? [] { uploads.post(event) }
    }

    private func undo(_ made: LinkVersions) throws(FileSystemError) {
        for version in made.closes.keys { try spooled { () throws(SpoolError) in try spool.remove(version) } }
    }

    /// On stable storage when it returns: these closes, and all that was journalled before.
    func keep(_ closes: [VersionID: Timestamp]) throws(FileSystemError) {
        let kept = closes.isEmpty ? [] : spool.synchronize(closes.keys.sorted()).durable
        try namespace.journalled(
            kept.compactMap { version in closes[version].map { .durable(version, ofClose: $0) } })
        try synchronizeJournal()
    }

    /// Closes of further names that are not published, whatever keeps them from it, and have the node's own bytes.
    func shared(of node: NodeRecord, in tree: Tree) throws(FileSystemError) -> [VersionID: Timestamp] {
        guard node.names > 1 || configuration.followsSymlinks, let version = node.version else { return [:] }
        var names = try tree.hardLinks(of: node).map(\.record)
        if configuration.followsSymlinks {
            // Also those that lead elsewhere by now.
            names += try journalled { () throws(JournalError) in try journal.symbolicLinks() }
        }
        var closes: [VersionID: Timestamp] = [:]
        for name in names {
            guard let upload = try upload(of: name), let close = upload.closed, upload.phase != .done,
                spool.isSame(upload.version, as: version)
            else { continue }
            closes[upload.version] = close
        }
        return closes
    }

    func upload(of record: NodeRecord) throws(FileSystemError) -> UploadRecord? {
        guard let version = record.version else { return nil }
        return try journalled { () throws(JournalError) in try journal.upload(version) }
    }

    /// The attributes of a node have changed, which travel with each of its names.
    func touch(_ node: NodeRecord, in tree: Tree) throws(FileSystemError) {
        guard node.kind == .file else { return }
        for name in try [node] + companions(of: node, in: tree) { uploads.post(.touched(name.file)) }
    }
}
