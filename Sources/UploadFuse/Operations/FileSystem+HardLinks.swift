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
        return try namespace.locked { tree throws(FileSystemError) in
            let directory = try tree.directory(FileID(parent)).record
            guard try tree.child(name, of: directory.file) == nil else { throw .exists }
            let node = try tree.node(FileID(inode))
            guard !node.isUnlinked else { throw .notFound }
            guard node.record.kind != .directory else { throw .unsupportedKind }
            guard node.record.names < Self.mostNames else { throw .tooManyLinks }
            if node.record.kind == .file { try checkType(of: name, in: directory.file, tree) }
            // From here on none of it leaves the spool before it is closed.
            node.content?.keep()
            let close = try wholeClose(of: node)
            let moment = now()
            var first = node.record
            first.names += 1
            first.attributes.changed = moment
            let record = NodeRecord(
                file: tree.newFile(), parent: directory.file, name: name, kind: first.kind,
                attributes: first.attributes, size: first.size, target: first.target, hardLinkOf: first.file)
            let made = try close.map { close throws(FileSystemError) in
                try newVersions(of: close.version, size: close.size, for: [record], at: moment, in: &tree)
            }
            let touched = touched(directory, at: moment)
            try journal(
                made ?? LinkVersions(), with: [.insertNode(record), .updateNode(first), .updateNode(touched)],
                in: &tree)
            for record in [first, touched] { tree.recorded(record) }
            if let made {
                node.content?.locked { $0.share(made.closes) }
                tell(made)
            }
            follow(record.file, in: &tree)
            let linked = try tree.node(first.file)
            tree.remember(linked)
            return entry(linked)
        }
    }

    /// As on ext4.
    private static let mostNames = 65_000

    /// What a further name has to begin with; nil: nothing was closed yet, or somebody is changing it.
    /// - Throws: `unsupportedKind` when its bytes are no longer here as a whole.
    private func wholeClose(of node: CachedNode) throws(FileSystemError) -> (version: VersionID, size: Int64)? {
        guard node.record.kind == .file else { return nil }
        guard try isWhole(node) else {
            explainOnce("what has left the spool, or could not be written, gets no further name: it could not be sent")
            throw .unsupportedKind
        }
        return try lastClose(of: node)
    }

    /// What a name is published with that comes to it now; nil: nothing was closed yet, somebody is changing it, or it
    /// is no longer here.
    func lastClose(of node: CachedNode) throws(FileSystemError) -> (version: VersionID, size: Int64)? {
        guard try isWhole(node), let size = try upload(of: node.record)?.closedSize, let version = node.record.version,
            node.content?.locked({ $0.isChanged || $0.changing > 0 }) != true
        else { return nil }
        return (version, size)
    }

    /// All of its bytes are here, as they were written.
    func isWhole(_ node: CachedNode) throws(FileSystemError) -> Bool {
        guard let upload = try upload(of: node.record), upload.isSpooled, !upload.isSpoiled,
            node.content?.locked({ $0.released.isEmpty && $0.failure == nil }) != false
        else { return false }
        return try journalled { () throws(JournalError) in try journal.releasedChunks(of: upload.version) }.isEmpty
    }

    // MARK: Versions of further names

    /// Versions that further names get with a close of their node.
    struct LinkVersions: Sendable {
        var records: [NodeRecord] = []
        var changes: [JournalChange] = []
        var closes: [VersionID: Timestamp] = [:]
        fileprivate var events: [WriterEvent] = []
    }

    /// Made, but neither journalled nor told: `journal` and `tell` come next.
    /// - Parameters:
    ///   - version: the node's, which has these bytes.
    ///   - links: further names of it.
    func newVersions(
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
            record.size = size
            made.records.append(record)
            made.changes += [.insertUpload(newborn.upload), .updateNode(record)]
            made.closes[own] = moment
            made.events += [
                .opened(newborn.opened), .acknowledged(own, at: moment), .closed(own, size: size, at: moment),
            ]
        }
        return made
    }

    /// - Parameter changes: what is journalled with them.
    func journal(
        _ made: LinkVersions, with changes: [JournalChange] = [], in tree: inout Tree
    ) throws(FileSystemError) {
        do throws(FileSystemError) {
            try namespace.journalled(changes + made.changes)
        } catch {
            try undo(made)
            throw error
        }
        for record in made.records { tree.recorded(record) }
    }

    /// After `journal`, and when whoever changes the shared bytes knows of it.
    func tell(_ made: LinkVersions) {
        for event in made.events { uploads.post(event) }
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

    private func upload(of record: NodeRecord) throws(FileSystemError) -> UploadRecord? {
        guard let version = record.version else { return nil }
        return try journalled { () throws(JournalError) in try journal.upload(version) }
    }

    /// The attributes of a node have changed, which travel with each of its names.
    func touch(_ node: NodeRecord, in tree: Tree) throws(FileSystemError) {
        guard node.kind == .file else { return }
        for name in try [node] + companions(of: node, in: tree) { uploads.post(.touched(name.file)) }
    }

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
    func succession(to node: CachedNode, at moment: Timestamp, in tree: Tree) throws(FileSystemError) -> Loss {
        // Under which name it is published would not be known.
        guard node.claims == 0 else { throw .beingPublished }
        for link in try tree.hardLinks(of: node.record) where link.claims == 0 {
            guard let name = link.record.name, let again = try publishedAgain(node, instead: link.record, at: moment)
            else { continue }
            var record = node.record
            record.parent = link.record.parent
            record.name = name
            record.names -= 1
            record.isPublished = link.record.isPublished
            record.attributes.changed = moment
            var events: [WriterEvent] = []
            if record.kind == .file, let directory = try tree.path(of: record.parent) {
                let path = directory.appending(name)
                let nameClass = configuration.classifier.classify(path)
                events = [.removed(link.record.file), .classified(record.file, nameClass)]
                events += again.events(at: path, configuration)
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
        guard try upload(of: link)?.phase.isOnItsWay == true else { return Republication() }
        let uploads = try journalled { () throws(JournalError) in try journal.uploads(of: node.record.file) }
        // The same content, or a newer one.
        if uploads.contains(where: \.phase.isOnItsWay) { return Republication() }
        guard let last = uploads.last, last.version == node.record.version, last.phase == .done, last.isSpooled,
            let size = last.closedSize, node.content?.hasWriters != true
        else { return nil }
        return Republication(
            changes: [.reopened(last.version), .closed(last.version, size: size, at: moment)], upload: last,
            moment: moment)
    }
}
