import UploadCore

/// Versions that further names of a node get with each of its closes, so that each is published by itself.
extension FileSystem {
    /// What a name is published with that comes to it now; nil: nothing was closed yet, or it is no longer here.
    func lastClose(of node: CachedNode) throws(FileSystemError) -> (version: VersionID, size: Int64)? {
        guard try isWhole(node), let size = try upload(of: node.record)?.closedSize, let version = node.record.version
        else { return nil }
        return (version, size)
    }

    /// Makes versions of what a node was closed with: nobody can begin to change that meanwhile, and who does later
    /// knows of them.
    /// - Parameter make: told whether somebody is changing it already; then they come with the next close.
    @discardableResult
    func sharing(
        _ node: CachedNode,
        _ make: (_ isChanging: Bool) throws(FileSystemError) -> [VersionID: Timestamp]
    ) throws(FileSystemError) -> [VersionID: Timestamp] {
        guard let content = node.content else { return try make(false) }
        return try content.locked { state throws(FileSystemError) in
            let closes = try make(state.isChanged || state.changing > 0)
            state.share(closes)
            return closes
        }
    }

    /// All of its bytes are here, as they were written.
    func isWhole(_ node: CachedNode) throws(FileSystemError) -> Bool {
        guard let upload = try upload(of: node.record), upload.isSpooled, !upload.isSpoiled,
            node.content?.locked({ $0.released.isEmpty && $0.failure == nil }) != false
        else { return false }
        return try journalled { () throws(JournalError) in try journal.releasedChunks(of: upload.version) }.isEmpty
    }

    /// Versions that further names get with a close of their node.
    private struct LinkVersions {
        var records: [NodeRecord] = []
        var changes: [JournalChange] = []
        var closes: [VersionID: Timestamp] = [:]
        var events: [WriterEvent] = []
    }

    /// Gives names the close of their node, if there is one, and journals it with other changes.
    /// - Returns: the closes of their versions.
    @discardableResult
    func give(
        _ names: [NodeRecord], _ close: (version: VersionID, size: Int64)?, with changes: [JournalChange] = [],
        at moment: Timestamp, in tree: inout Tree
    ) throws(FileSystemError) -> [VersionID: Timestamp] {
        let made = try close.map { close throws(FileSystemError) in
            try newVersions(of: close.version, size: close.size, for: names, at: moment, in: &tree)
        }
        do throws(FileSystemError) {
            try namespace.journalled(changes + (made?.changes ?? []))
        } catch {
            if let made { try undo(made) }
            throw error
        }
        guard let made else { return [:] }
        for record in made.records { tree.recorded(record) }
        for event in made.events { uploads.post(event) }
        return made.closes
    }

    /// Made, but neither journalled nor told.
    /// - Parameters:
    ///   - version: the node's, which has these bytes.
    ///   - links: further names of it.
    private func newVersions(
        of version: VersionID, size: Int64, for links: [NodeRecord], at moment: Timestamp, in tree: inout Tree
    ) throws(FileSystemError) -> LinkVersions {
        var made = LinkVersions()
        for link in links {
            guard let directory = try tree.path(of: link.parent), let name = link.name else { continue }
            let own = tree.newVersion()
            do throws(SpoolError) {
                try spool.link(version, to: own)
            } catch {
                try undo(made)
                throw FileSystemError(error)
            }
            var newborn = newborn(
                own, of: link.file, at: directory.appending(name), isFirst: link.version == nil, size: size,
                created: moment)
            newborn.upload.closedSize = size
            newborn.upload.closed = moment
            newborn.upload.phase = .queued
            newborn.opened.track.finish()
            var record = link
            record.version = own
            // A symbolic link's is that of its target.
            if record.kind == .file { record.size = size }
            made.records.append(record)
            made.changes += [.insertUpload(newborn.upload), .updateNode(record)]
            made.closes[own] = moment
            made.events += [
                .opened(newborn.opened), .acknowledged(own, at: moment), .closed(own, size: size, at: moment),
            ]
        }
        return made
    }

    private func undo(_ made: LinkVersions) throws(FileSystemError) {
        for version in made.closes.keys { try spooled { () throws(SpoolError) in try spool.remove(version) } }
    }

    /// Versions of further names that are not published, and have the bytes that the node has.
    func shared(of node: NodeRecord, in tree: Tree) throws(FileSystemError) -> [VersionID: Timestamp] {
        var closes: [VersionID: Timestamp] = [:]
        for link in try companions(of: node, in: tree) {
            guard let upload = try upload(of: link), upload.phase.isOnItsWay, let close = upload.closed else {
                continue
            }
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
