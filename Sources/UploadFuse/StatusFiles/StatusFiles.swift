import UploadCore

/// Everything below `.uploadfs`: made at open(2) from what the engine knows by then, and read-only but for
/// `control`; no network, no waiting (but for `wait/PATH` and `sync`, which are parked).
struct StatusFiles: Sendable {
    let namespace: Namespace
    let uploads: any Uploads

    static let directoryName = ".uploadfs"

    /// Nobody reads more, and each costs its path.
    private static let filesShown = 100
    private static let filesListed = 1000

    // MARK: Names

    func rootEntry() throws(FileSystemError) -> Entry {
        try entry(StatusInode(.directory))
    }

    func lookup(_ name: FileName, in status: StatusInode) throws(FileSystemError) -> Entry? {
        try namespace.locked { tree throws(FileSystemError) in try child(name, of: status, tree) }
    }

    func entry(_ status: StatusInode) throws(FileSystemError) -> Entry {
        try namespace.locked { tree throws(FileSystemError) in try entry(status, tree) }
    }

    func parent(of status: StatusInode) throws(FileSystemError) -> UInt64 {
        guard status.kind != .directory else { return FileID.root.rawValue }
        guard status.kind.isMirror, status.file != .root else { return StatusInode(.directory).rawValue }
        return try namespace.locked { tree throws(FileSystemError) in
            StatusInode(status.kind, try tree.node(status.file).record.parent).rawValue
        }
    }

    func child(_ name: FileName, of status: StatusInode, _ tree: Tree) throws(FileSystemError) -> Entry? {
        switch status.kind {
        case .directory:
            guard let kind = StatusInode.Kind.allCases.first(where: { $0.name == name.text }) else { return nil }
            return try entry(StatusInode(kind), tree)
        case .table, .json, .metrics, .control, .sync: throw .notDirectory
        case .progress, .detail, .wait:
            return try tree.child(name, of: status.file).map { mirrored($0, status.kind) }
        }
    }

    /// In the order of their names, a page of those after `last`.
    func children(
        of status: StatusInode, after last: FileName?, _ tree: Tree
    ) throws(FileSystemError) -> [(FileName, Entry)] {
        switch status.kind {
        case .directory:
            var page: [(FileName, Entry)] = []
            for kind in StatusInode.Kind.allCases {
                guard let name = kind.name.flatMap({ try? FileName($0) }) else { continue }
                page.append((name, try entry(StatusInode(kind), tree)))
            }
            let sorted = page.sorted { $0.0 < $1.0 }
            return last.map { last in sorted.filter { last < $0.0 } } ?? sorted
        case .table, .json, .metrics, .control, .sync: throw .notDirectory
        case .progress, .detail, .wait:
            return try tree.children(of: status.file, after: last, limit: 64).compactMap { node in
                node.record.name.map { ($0, mirrored(node, status.kind)) }
            }
        }
    }

    // MARK: Attributes

    private func entry(_ status: StatusInode, _ tree: Tree) throws(FileSystemError) -> Entry {
        switch status.kind {
        case .directory: entry(status, .directory)
        case .table, .json, .metrics, .sync: entry(status, .file)
        case .control: entry(status, .file, permissions: 0o200)
        case .progress, .detail, .wait: mirrored(try tree.node(status.file), status.kind)
        }
    }

    /// What is uploaded has a file, also where it is a link that is followed.
    private func mirrored(_ node: CachedNode, _ kind: StatusInode.Kind) -> Entry {
        entry(StatusInode(kind, node.record.file), node.record.version == nil ? node.record.kind : .file)
    }

    /// Size 0, as in /proc: nobody knows it before the content is made. Never remembered by the
    /// kernel, since the tree that is mirrored changes without it.
    private func entry(_ status: StatusInode, _ kind: NodeKind, permissions: UInt32? = nil) -> Entry {
        let moment = namespace.now()
        let attributes = FileAttributes(
            inode: status.rawValue, kind: kind, permissions: permissions ?? (kind == .directory ? 0o555 : 0o444),
            owner: namespace.configuration.owner, group: namespace.configuration.group, size: 0,
            times: FileAttributes.Times(accessed: moment, modified: moment, changed: moment))
        return Entry(attributes: attributes, validity: 0)
    }

    // MARK: Content

    func open(_ status: StatusInode) throws(FileSystemError) -> OpenHandle {
        switch status.kind {
        case .directory: throw .isDirectory
        case .table: return .status(StatusText(StatusTable.render(uploads.overview(limit: Self.filesShown))))
        case .json: return .status(StatusText(StatusJSON.render(uploads.overview(limit: Self.filesListed))))
        case .metrics:
            let overview = uploads.overview(limit: 0)
            return .status(StatusText(Metrics.render(overview, inodes: namespace.locked { $0.heldCount })))
        case .control: return .control(ControlFile())
        case .progress: return .status(StatusText(ProgressLine.render(try fileStatus(status))))
        case .detail: return .status(StatusText(DetailJSON.render(try fileStatus(status), now: namespace.now())))
        case .wait:
            try requireFile(status)
            return .wait(WaitFile(status.file, uploads: uploads))
        case .sync: return .sync(SyncFile(uploads: uploads))
        }
    }

    private func fileStatus(_ status: StatusInode) throws(FileSystemError) -> FileStatus {
        try requireFile(status)
        guard !namespace.isOthers(status.file), let found = uploads.status(of: status.file) else {
            throw .noSuchAttribute
        }
        return found
    }

    private func requireFile(_ status: StatusInode) throws(FileSystemError) {
        guard try entry(status).attributes.kind == .file else { throw .isDirectory }
    }
}
