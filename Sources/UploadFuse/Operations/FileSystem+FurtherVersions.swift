import Logging
import UploadCore

/// Versions that further names of a node get with its closes, so that each is published by itself.
///
/// They are made when the last writer is gone, since only then its close is the last word, or when the next one comes
/// before that; and whatever a kill has left undone is done at the next mount. A name has its node's close when its own
/// is of the same time.
extension FileSystem {
    /// A close as further names get it.
    struct NodeClose: Sendable {
        let version: VersionID
        let size: Int64
        let moment: Timestamp
    }

    /// Of a node; nil: nothing was closed yet, somebody has it open for writing, or it is no longer here. Of those who
    /// have closed it the RELEASE may still be under way.
    func lastClose(of node: CachedNode, in tree: Tree) throws(FileSystemError) -> NodeClose? {
        guard node.content?.isClosed != false, try isWhole(node, in: tree),
            let upload = try tree.upload(of: node.record), let size = upload.closedSize, let moment = upload.closed
        else { return nil }
        return NodeClose(version: upload.version, size: size, moment: moment)
    }

    /// All of its bytes are here, as they were written.
    func isWhole(_ node: CachedNode, in tree: Tree) throws(FileSystemError) -> Bool {
        guard let upload = try tree.upload(of: node.record), upload.isSpooled, !upload.isSpoiled,
            node.content?.isWhole != false
        else { return false }
        return try journalled { () throws(JournalError) in try journal.releasedChunks(of: upload.version) }.isEmpty
    }

    /// Gives the names of a node its last close that have not got it. One for which that fails is listed as failed.
    /// - Parameter names: nil: all.
    /// - Returns: the closes of their versions.
    @discardableResult
    func complete(
        _ file: FileID, for names: [NodeRecord]? = nil, in tree: inout Tree
    ) throws(FileSystemError) -> [VersionID: Timestamp] {
        let node = try tree.node(file)
        guard !node.isUnlinked, node.record.names > 1 || configuration.followsSymlinks,
            node.content?.isClosed != false, let moment = try tree.upload(of: node.record)?.closed
        else { return [:] }
        let behind: [NodeRecord]
        if let names {
            behind = try tree.behind(names, moment)
        } else {
            behind = try tree.behind(companions(of: node.record, in: tree), moment)
        }
        guard !behind.isEmpty else { return [:] }
        let close = try lastClose(of: node, in: tree)
        var made = LinkVersions()
        do throws(FileSystemError) {
            for name in behind {
                guard let close else {
                    try addFailed(name, FailureSentences.notHereForName, to: &made, in: &tree)
                    continue
                }
                do throws(SpoolError) {
                    try add(name, close, to: &made, in: &tree)
                } catch {
                    try addFailed(name, FailureSentences.nameNotGiven(error), to: &made, in: &tree)
                }
            }
        } catch {
            try undo(made)
            throw error
        }
        return try give(made, of: node, in: &tree)
    }

    /// Journals versions that were made with a close of this node, with the node's content held: nobody changes a byte
    /// before the journal knows whom it is shared with. Should somebody begin to in this moment, nothing is given: the
    /// names wait for that one's close.
    /// - Parameter changes: what is journalled with them.
    /// - Returns: the closes that were given.
    func give(
        _ made: LinkVersions, of node: CachedNode, with changes: [JournalChange] = [], in tree: inout Tree
    ) throws(FileSystemError) -> [VersionID: Timestamp] {
        guard let content = node.content else {
            try journal(made, with: changes, in: &tree)
            return made.closes
        }
        let isGiven = try content.locked { state throws(FileSystemError) -> Bool in
            let mayGive = state.isClosed && (state.writers == 0 || made.closes.isEmpty || state.share(made.closes))
            if mayGive { try journal(made, with: changes, in: &tree) }
            return mayGive
        }
        if isGiven { return made.closes }
        try undo(made)
        return [:]
    }

    /// As `complete`, where nobody is there to be told that it failed: it is tried again at the next mount.
    @discardableResult
    func completed(
        _ file: FileID, for names: [NodeRecord]? = nil, in tree: inout Tree
    ) -> [VersionID: Timestamp] {
        do throws(FileSystemError) {
            return try complete(file, for: names, in: &tree)
        } catch {
            logger.error(
                "what was closed could not be given to the other names of a file; it is tried again at the next mount",
                metadata: ["inode": "\(file)", "error": "\(error)"])
            return [:]
        }
    }

    /// What a kill, a loss of power or a failure has left undone.
    func completeNames() {
        do throws(FileSystemError) {
            try namespace.locked { tree throws(FileSystemError) in
                let links = try journalled { () throws(JournalError) in try journal.hardLinksBehind() }
                for file in Set(links.compactMap(\.hardLinkOf)).sorted() { completed(file, in: &tree) }
                guard configuration.followsSymlinks else { return }
                let followed = try journalled { () throws(JournalError) in try journal.symbolicLinks() }
                try completeFollowed(by: followed, in: &tree)
            }
        } catch {
            note(error, in: "mount")
        }
    }

    /// Versions of names, made with a close of their node.
    struct LinkVersions: Sendable {
        fileprivate(set) var closes: [VersionID: Timestamp] = [:]
        fileprivate(set) var records: [NodeRecord] = []
        fileprivate(set) var changes: [JournalChange] = []
        fileprivate(set) var events: [WriterEvent] = []
    }

    /// Made, but neither journalled nor told: `journal` comes next.
    func newVersion(
        of close: NodeClose, for name: NodeRecord, in tree: inout Tree
    ) throws(FileSystemError) -> LinkVersions {
        var made = LinkVersions()
        do throws(SpoolError) { try add(name, close, to: &made, in: &tree) } catch { throw FileSystemError(error) }
        return made
    }

    private func add(
        _ name: NodeRecord, _ close: NodeClose, to made: inout LinkVersions, in tree: inout Tree
    ) throws(SpoolError) {
        guard let path = path(of: name, in: tree) else { return }
        let own = tree.newVersion()
        try spool.link(close.version, to: own)
        let moment = close.moment
        var newborn = newborn(
            own, of: name.file, at: path, isFirst: name.version == nil, size: close.size, created: now())
        newborn.upload.closedSize = close.size
        newborn.upload.closed = moment
        newborn.upload.phase = .queued
        newborn.opened.track.finish()
        var record = name
        record.version = own
        record.given = moment
        // A symbolic link's is that of its target.
        if record.kind == .file { record.size = close.size }
        made.records.append(record)
        made.changes += [.insertUpload(newborn.upload), .updateNode(record)]
        made.closes[own] = moment
        made.events += [
            .opened(newborn.opened), .acknowledged(own, at: moment), .closed(own, size: close.size, at: moment),
        ]
    }

    /// The spool could not keep it for this name: somebody is to know (P6).
    private func addFailed(
        _ name: NodeRecord, _ failure: Failure, to made: inout LinkVersions, in tree: inout Tree
    ) throws(FileSystemError) {
        // One entry is enough.
        if let last = try tree.upload(of: name), last.isSpoiled, !last.isSpooled { return }
        guard let path = path(of: name, in: tree) else { return }
        let own = tree.newVersion()
        var newborn = newborn(own, of: name.file, at: path, isFirst: name.version == nil, created: now())
        newborn.upload.phase = .failed
        newborn.upload.failure = failure
        newborn.upload.isSpooled = false
        newborn.opened.track.finish()
        var record = name
        record.version = own
        made.records.append(record)
        made.changes += [.insertUpload(newborn.upload), .updateNode(record)]
        made.events += [.opened(newborn.opened), .spoiled(own, failure), .closed(own, size: 0, at: nil)]
    }

    private func path(of name: NodeRecord, in tree: Tree) -> UploadPath? {
        guard let last = name.name else { return nil }
        return (try? tree.path(of: name.parent))?.appending(last)
    }

    /// - Parameter changes: what is journalled before them.
    func journal(
        _ made: LinkVersions?, with changes: [JournalChange] = [], in tree: inout Tree
    ) throws(FileSystemError) {
        try apply(changes + (made?.changes ?? []), orUndo: made)
        for record in made?.records ?? [] { tree.recorded(record) }
        for event in made?.events ?? [] { uploads.post(event) }
    }

    /// - Parameter made: what goes again when the journal takes nothing of it.
    func apply(_ changes: [JournalChange], orUndo made: LinkVersions?) throws(FileSystemError) {
        do throws(FileSystemError) {
            try namespace.journalled(changes)
        } catch {
            if let made { try undo(made) }
            throw error
        }
    }

    /// Nobody has heard of them.
    func undo(_ made: LinkVersions) throws(FileSystemError) {
        for version in made.closes.keys { try spooled { () throws(SpoolError) in try spool.remove(version) } }
    }

    /// On stable storage when it returns: these closes, and all that was journalled before.
    func keep(_ closes: [VersionID: Timestamp]) throws(FileSystemError) {
        let kept = closes.isEmpty ? Synchronized() : spool.synchronize(closes.keys.sorted())
        for (version, error) in kept.damaged { uploads.post(.spoiled(version, FailureSentences.spool(error))) }
        try namespace.journalled(
            kept.durable.compactMap { version in closes[version].map { .durable(version, ofClose: $0) } })
        try synchronizeJournal()
    }

    /// Closes of further names that are not published, whatever keeps them from it, and have the node's own bytes.
    func shared(of node: NodeRecord, in tree: Tree) throws(FileSystemError) -> [VersionID: Timestamp] {
        guard let version = node.version, spool.isLinked(version) else { return [:] }
        var names = try tree.hardLinks(of: node).map(\.record)
        // Also those that lead elsewhere by now, or are followed no more.
        names += try journalled { () throws(JournalError) in try journal.symbolicLinksUnpublished() }
        var closes: [VersionID: Timestamp] = [:]
        for name in names {
            // Also what a newer version, which failed, has not superseded.
            let uploads = try journalled { () throws(JournalError) in try journal.uploads(of: name.file) }
            for upload in uploads where ![.done, .cancelled].contains(upload.phase) {
                guard let close = upload.closed, spool.isSame(upload.version, as: version) else { continue }
                closes[upload.version] = close
            }
        }
        return closes
    }

    /// The attributes of a node have changed, which travel with each of its names.
    func touch(_ node: NodeRecord, in tree: Tree) throws(FileSystemError) {
        guard node.kind == .file else { return }
        for name in try [node] + companions(of: node, in: tree) { uploads.post(.touched(name.file)) }
    }
}
