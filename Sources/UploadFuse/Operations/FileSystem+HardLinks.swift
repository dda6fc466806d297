import UploadCore

/// link(2). A node has one first name, which is its own row of the journal, and further names, each a row that points
/// to it. The kernel knows the node alone.
///
/// At the destination each name is an object: a further name has versions of its own, made whenever the node is closed,
/// whose spool files are hard links to the node's. So they are queued, retried, listed and taken up after a kill as
/// any file is. Whoever changes what they share goes on in a copy, or takes them back (`Content.State.shared`).
extension FileSystem {
    func link(_ inode: UInt64, to bytes: [UInt8], in parent: UInt64) throws(FileSystemError) -> Entry {
        let name = try checkedName(bytes, in: parent)
        guard StatusInode(inode) == nil else { throw .reserved }
        let (entry, closes) = try namespace.locked { tree throws(FileSystemError) in
            try link(try tree.node(FileID(inode)), to: name, in: try tree.directory(FileID(parent)).record, &tree)
        }
        if configuration.closesDurably { try keep(closes) }
        return entry
    }

    /// - Returns: also the close that the name got, if the node was closed.
    private func link(
        _ node: CachedNode, to name: FileName, in directory: NodeRecord, _ tree: inout Tree
    ) throws(FileSystemError) -> (Entry, [VersionID: Timestamp]) {
        guard try tree.child(name, of: directory.file) == nil else { throw .exists }
        guard !node.isUnlinked else { throw .notFound }
        guard node.record.kind != .directory else { throw .unsupportedKind }
        guard node.record.names < Self.mostNames else { throw .tooManyLinks }
        if node.record.kind == .file { try checkType(of: name, in: directory.file, tree) }
        // From here on none of it leaves the spool before it is closed.
        let isHere = try isWhole(node, in: tree) && node.content?.keep() ?? true
        guard isHere || node.record.kind != .file else {
            explainOnce("what has left the spool, or could not be written, gets no further name: it could not be sent")
            throw .unsupportedKind
        }
        do throws(FileSystemError) {
            return try linked(node, as: name, in: directory, &tree)
        } catch {
            if node.record.names == 1 { node.content?.keep(false) }
            throw error
        }
    }

    private func linked(
        _ node: CachedNode, as name: FileName, in directory: NodeRecord, _ tree: inout Tree
    ) throws(FileSystemError) -> (Entry, [VersionID: Timestamp]) {
        let moment = now()
        let touched = touched(directory, at: moment)
        var first = node.record
        first.names += 1
        first.attributes.changed = moment
        let record = NodeRecord(
            file: tree.newFile(), parent: directory.file, name: name, kind: first.kind,
            attributes: first.attributes, size: first.size, target: first.target, hardLinkOf: first.file)
        let close = record.kind == .file ? try lastClose(of: node, in: tree) : nil
        let changes: [JournalChange] = [.insertNode(record), .updateNode(first), .updateNode(touched)]
        var closes: [VersionID: Timestamp] = [:]
        if let close {
            let made = try newVersion(of: close, for: record, in: &tree)
            closes = try give(made, of: node, with: changes, in: &tree)
        }
        if closes.isEmpty { try journal(nil, with: changes, in: &tree) }
        for record in [first, touched] { tree.recorded(record) }
        follow(record.file, in: &tree)
        let linked = try tree.node(first.file)
        tree.remember(linked)
        return (entry(linked), closes)
    }

    /// As on ext4.
    private static let mostNames = 65_000

    // MARK: Names that go

    func loss(
        of link: NodeRecord, furtherNameOf first: FileID, at moment: Timestamp, _ tree: Tree
    ) throws(FileSystemError) -> Loss {
        var node = try tree.node(first).record
        node.names -= 1
        node.attributes.changed = moment
        return Loss(
            changes: [.removeNode(link.file), .updateNode(node)], records: [node], gone: link.file,
            orphan: Tree.Orphan(content: nil, attributes: [:]),
            events: [.removed(link.file)])
    }

    /// A node that loses its first name takes the place of a further one, and its uploads go on under that.
    /// - Parameter links: its further names, not none.
    func succession(
        to node: CachedNode, of links: [CachedNode], at moment: Timestamp, in tree: inout Tree
    ) throws(FileSystemError) -> Loss {
        // Under which name it is published would not be known.
        guard node.claims == 0 else { throw .beingPublished }
        for link in links where link.claims == 0 {
            var record = node.record
            record.parent = link.record.parent
            record.name = link.record.name
            record.names -= 1
            record.isPublished = link.record.isPublished
            record.attributes.changed = moment
            guard let name = record.name, let directory = try tree.path(of: record.parent),
                let heir = try heir(of: node, as: &record, instead: link.record, in: &tree)
            else { continue }
            let nameClass = configuration.classifier.classify(directory.appending(name))
            var events = [.removed(link.record.file), .classified(record.file, nameClass)] + heir.events
            if heir.isRetried { events.append(.retried(record.file)) }
            return Loss(
                changes: [
                    .removeNode(link.record.file), .moveNode(record.file, parent: record.parent, name: name),
                    .updateNode(record),
                ], records: [record], gone: link.record.file,
                orphan: Tree.Orphan(content: nil, attributes: [:]), events: events, made: heir.made,
                spent: heir.spent)
        }
        guard links.allSatisfy({ $0.claims == 0 }) else { throw .beingPublished }
        explainOnce(
            "a file that is open, interrupted or gone from the spool keeps its first name until the others are published"
        )
        throw .namesUnsettled
    }

    /// How the content of a node comes to be published under a further name that it takes over, whose own upload goes
    /// with it. As it is: the node's own upload does that, or the name has it.
    private struct Heir {
        /// A version that is published once more, under that name.
        var made: LinkVersions?
        /// The node's own has failed, and that of the name had not.
        var isRetried = false
        /// Versions that say what was published under the other name: nothing of it could come back under this one.
        var spent: [VersionID] = []
        var events: [WriterEvent] = []
    }

    /// - Parameter record: the node with the name that it takes over.
    /// - Returns: nil when that can't be.
    private func heir(
        of node: CachedNode, as record: inout NodeRecord, instead link: NodeRecord, in tree: inout Tree
    ) throws(FileSystemError) -> Heir? {
        let own = try tree.upload(of: link)
        let uploads = try journalled { () throws(JournalError) in try journal.uploads(of: node.record.file) }
        guard node.record.kind == .file else {
            // What a link is published as is told by what it leads to.
            record.version = nil
            record.given = own.map { $0.phase == .done } ?? true ? link.given : nil
            record.declined = link.declined
            var heir = Heir(
                spent: uploads.map(\.version),
                events: uploads.filter { $0.phase != .done }.map { .discarded($0.version) })
            // That may lead elsewhere by now, or links be followed no more: what was closed goes on its way.
            if let own, own.phase.isOnItsWay || own.phase == .failed, own.isSpooled, !own.isSpoiled,
                let size = own.closedSize, let moment = own.closed
            {
                heir.made = try newVersion(
                    of: NodeClose(version: own.version, size: size, moment: moment), for: record, in: &tree)
            }
            return heir
        }
        let last = uploads.last
        // The name has the last close already; of what was published so long ago that its row is gone, all have it.
        let isThere =
            own.map { $0.phase == .done && (last == nil || $0.closed == last?.closed) }
            ?? (link.isPublished && (last == nil || link.given == last?.closed))
        let published = uploads.filter { $0.phase == .done }
        if isThere {
            return Heir(
                isRetried: last?.phase == .failed && last?.closedSize != nil,
                spent: published.filter { $0.closed != last?.closed }.map(\.version))
        }
        let spent = published.map(\.version)
        // The same content, or a newer one, is on its way.
        if uploads.contains(where: \.phase.isOnItsWay) { return Heir(spent: spent) }
        guard let last, last.version == node.record.version else { return nil }
        guard last.phase == .done else {
            // What is listed stays so under the other name; what was closed for that is not to be lost.
            guard own?.phase.isOnItsWay == true else { return Heir(spent: spent) }
            return last.closedSize == nil ? nil : Heir(isRetried: true, spent: spent)
        }
        guard let size = last.closedSize, let moment = last.closed, node.content?.hasWriters != true else { return nil }
        // Its own bytes may have made room; those that the name was to be published with are the same.
        guard let source = [last, own].compactMap(\.self).first(where: { $0.isSpooled && $0.closed == moment }) else {
            return nil
        }
        let made = try newVersion(
            of: NodeClose(version: source.version, size: size, moment: moment), for: record, in: &tree)
        return Heir(made: made, spent: spent)
    }
}
