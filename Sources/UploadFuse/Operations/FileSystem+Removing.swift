import UploadCore

extension FileSystem {
    func unlink(_ bytes: [UInt8], in parent: UInt64) throws(FileSystemError) {
        let name = try checkedName(bytes, in: parent)
        let closes = try namespace.locked { tree throws(FileSystemError) in
            guard let node = try tree.child(name, of: FileID(parent)) else { throw .notFound }
            guard node.record.kind != .directory else { throw .isDirectory }
            guard node.claims == 0 else { throw .beingPublished }
            guard !node.record.isPublished || configuration.mayDelete() else {
                explainOnce(
                    "a published file can't be removed: nothing is deleted at the destination, unless --allow-delete is "
                        + "given, and it can")
                throw .published
            }
            let closes = completeFollowed(in: &tree)
            try remove(node, from: FileID(parent), in: &tree)
            return closes
        }
        keepGiven(closes, in: "unlink")
    }

    func removeDirectory(_ bytes: [UInt8], in parent: UInt64) throws(FileSystemError) {
        let name = try checkedName(bytes, in: parent)
        try namespace.locked { tree throws(FileSystemError) in
            guard let node = try tree.child(name, of: FileID(parent)) else { throw .notFound }
            guard node.record.kind == .directory else { throw .notDirectory }
            try checkEmpty(node, tree)
            try remove(node, from: FileID(parent), in: &tree)
        }
    }

    /// - Throws: `notEmpty`, also when it was listed, and nobody has seen yet what is in it.
    func checkEmpty(_ directory: CachedNode, _ tree: Tree) throws(FileSystemError) {
        guard directory.record.listed == nil || directory.record.lookedInto != nil,
            try tree.children(of: directory.record.file, after: nil, limit: 1).isEmpty
        else { throw .notEmpty }
    }

    func remove(_ node: CachedNode, from parent: FileID, in tree: inout Tree) throws(FileSystemError) {
        let directory = try tree.directory(parent).record
        let moment = now()
        let loss = try loss(of: node, at: moment, in: &tree)
        try applyTouching(directory, loss.allChanges, at: moment, orUndo: loss.made, tree: &tree)
        if node.record.kind != .directory { tree.gaveUpName() }
        lost(loss, in: &tree)
    }

    /// What becomes of a name that goes, and of its node. To be journalled, and then told by `lost`.
    struct Loss: Sendable {
        var changes: [JournalChange]
        /// Nodes that stay, as they are then.
        var records: [NodeRecord] = []
        /// The journal has this one no more.
        let gone: FileID
        let orphan: Tree.Orphan
        var events: [WriterEvent]
        /// A version that a node goes on with under another name.
        var made: LinkVersions?
        /// Those that it had before, of which nobody needs to know any more.
        var spent: [VersionID] = []

        var allChanges: [JournalChange] { changes + (made?.changes ?? []) + spent.map { .removeUpload($0) } }
    }

    /// - Parameter successor: what takes its place; nil: nothing, its object is to go with it.
    /// - Throws: `beingPublished` when it can't be told in this moment which name is to stay, `namesUnsettled` when
    ///   none can.
    func loss(
        of node: CachedNode, to successor: FileID? = nil, at moment: Timestamp, in tree: inout Tree
    ) throws(FileSystemError) -> Loss {
        let owed = try leaving(node, to: successor, in: tree)
        var loss = try lossInTree(of: node, at: moment, in: &tree)
        loss.changes += owed
        if !owed.isEmpty { loss.events.append(.owed(node.record.file)) }
        return loss
    }

    /// The same where nothing is to be done at the destination.
    func lossInTree(
        of node: CachedNode, at moment: Timestamp, in tree: inout Tree
    ) throws(FileSystemError) -> Loss {
        if let first = node.record.hardLinkOf {
            return try loss(of: node.record, furtherNameOf: first, at: moment, tree)
        }
        let links = try tree.hardLinks(of: node.record)
        if !links.isEmpty { return try succession(to: node, of: links, at: moment, in: &tree) }
        return Loss(
            changes: [.removeNode(node.record.file)], gone: node.record.file, orphan: try orphan(node, in: tree),
            events: node.record.kind != .directory ? [.removed(node.record.file)] : [])
    }

    func lost(_ loss: Loss, in tree: inout Tree) {
        for record in loss.records + (loss.made?.records ?? []) {
            tree.recorded(record)
            // Readers go on with what they have.
            if loss.made != nil { try? tree.update(record.file) { $0.content = nil } }
            if record.names == 1 { (try? tree.node(record.file))?.content?.keep(false) }
        }
        tree.unlinked(loss.gone, loss.orphan)
        do throws(FileSystemError) {
            for version in loss.spent { try spooled { () throws(SpoolError) in try spool.remove(version) } }
        } catch {
            // Swept away at the next mount.
            note(error, in: "unlink")
        }
        for event in loss.events + (loss.made?.events ?? []) { uploads.post(event) }
        for record in loss.records where record.kind == .link { follow(record.file, hasMoved: false, in: &tree) }
    }

    /// What is left of a node that loses its name, for who has looked that up before. Call before the journal hears of
    /// it: its bytes are given away soon after.
    private func orphan(_ node: CachedNode, in tree: Tree) throws(FileSystemError) -> Tree.Orphan {
        var content = node.content
        if content == nil, node.lookups > 0, let version = node.record.version {
            let upload = try journalled { () throws(JournalError) in try journal.upload(version) }
            // What has left is stale for them: the kernel looks the name up again.
            content = try? self.content(of: node.record, version, upload)
        }
        if let content {
            let shared = try shared(of: node.record, in: tree)
            content.locked { _ = $0.share(shared) }
        }
        return try tree.orphan(node.record.file, content)
    }
}
