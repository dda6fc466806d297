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
        let isHere = try isWhole(node) && node.content?.keep() ?? true
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
        let close = try lastClose(of: node)
        let made = try close.map { close throws(FileSystemError) in
            try newVersions(of: close, for: record.kind == .file ? [record] : [], in: &tree)
        }
        try journal(made, with: [.insertNode(record), .updateNode(first), .updateNode(touched)], in: &tree)
        for record in [first, touched] { tree.recorded(record) }
        let closes = made?.closes ?? [:]
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
        to node: CachedNode, of links: [CachedNode], at moment: Timestamp, in tree: Tree
    ) throws(FileSystemError) -> Loss {
        // Under which name it is published would not be known.
        guard node.claims == 0 else { throw .beingPublished }
        for link in links where link.claims == 0 {
            guard let name = link.record.name, let again = try publishedAgain(node, instead: link.record, at: moment)
            else { continue }
            var record = node.record
            record.parent = link.record.parent
            record.name = name
            record.names -= 1
            record.isPublished = link.record.isPublished
            record.attributes.changed = moment
            var events: [WriterEvent] = []
            if let directory = try tree.path(of: record.parent) {
                let path = directory.appending(name)
                let nameClass = configuration.classifier.classify(path)
                events = [.removed(link.record.file), .classified(record.file, nameClass)]
                events += again.isRetried ? [.retried(record.file)] : again.events(at: path, configuration)
            }
            return Loss(
                changes: [
                    .removeNode(link.record.file), .moveNode(record.file, parent: record.parent, name: name),
                    .updateNode(record),
                ] + again.changes, records: [record], gone: link.record.file,
                orphan: Tree.Orphan(content: nil, attributes: [:]), events: events
            )
        }
        throw .beingPublished
    }

    /// What is to be done so that the node's content is published under a further name that it takes over, whose own
    /// upload goes with it.
    private struct Republication {
        var changes: [JournalChange] = []
        /// Its own has failed, and that of the name had not.
        var isRetried = false
        var upload: UploadRecord?
        var moment = Timestamp(nanoseconds: 0)

        func events(at path: UploadPath, _ configuration: MountConfiguration) -> [WriterEvent] {
            guard let upload, let size = upload.closedSize else { return [] }
            let track = WriteTrack(size: size, schedule: upload.schedule)
            track.finish()
            return [
                .opened(
                    OpenedVersion(
                        version: upload.version, file: upload.file, track: track, contentType: upload.contentType,
                        nameClass: configuration.classifier.classify(path), isNew: true, isSuccessor: true)),
                .acknowledged(upload.version, at: moment), .closed(upload.version, size: size, at: moment),
            ]
        }
    }

    /// - Returns: nil when it can't be.
    private func publishedAgain(
        _ node: CachedNode, instead link: NodeRecord, at moment: Timestamp
    ) throws(FileSystemError) -> Republication? {
        guard node.record.kind == .file else { return Republication() }
        let own = try upload(of: link)
        let uploads = try journalled { () throws(JournalError) in try journal.uploads(of: node.record.file) }
        // It has the last close already; or the same content, or a newer one, is on its way.
        if let own, own.phase == .done, own.closed == uploads.last?.closed { return Republication() }
        if uploads.contains(where: \.phase.isOnItsWay) { return Republication() }
        guard let last = uploads.last, last.version == node.record.version else { return nil }
        guard last.phase == .done else {
            // What is listed stays so under the other name; what was closed for that is not to be lost.
            guard own?.phase.isOnItsWay == true else { return Republication() }
            return last.closedSize == nil ? nil : Republication(isRetried: true)
        }
        guard last.isSpooled, let size = last.closedSize, node.content?.hasWriters != true else { return nil }
        return Republication(
            changes: [.reopened(last.version), .closed(last.version, size: size, at: moment)], upload: last,
            moment: moment)
    }
}
