import UploadCore

/// The nodes that are held, and the way to all others. Only ever touched inside `Namespace`'s lock:
/// whoever has an `inout Tree` in hand holds it.
struct Tree: Sendable {
    // Dependencies.
    let journal: any Journal
    let pathCount: PathCount

    // State.
    private var nodes: [FileID: CachedNode]
    /// Files with names that somebody has open.
    private var opened: Set<FileID> = []
    private var lastFile: FileID
    private var lastVersion: VersionID
    /// Names that something had which may come to be published.
    private(set) var namesGivenUp: UInt64 = 0
    private(set) var directoriesMoved: UInt64 = 0

    init(journal: any Journal, root: NodeRecord, pathCount: PathCount) throws(JournalError) {
        self.journal = journal
        self.pathCount = pathCount
        let highest = try journal.highestIdentifiers()
        lastFile = max(highest.file, .root)
        lastVersion = highest.version
        nodes = [.root: CachedNode(root)]
    }

    /// Numbers above every one ever given out, so neither inode nor version is used twice.
    mutating func newFile() -> FileID {
        lastFile = FileID(lastFile.rawValue + 1)
        return lastFile
    }

    mutating func newVersion() -> VersionID {
        lastVersion = VersionID(lastVersion.rawValue + 1)
        return lastVersion
    }

    /// The journal has just been told that this name (or every name below it) is free.
    mutating func gaveUpName(ofDirectory isDirectory: Bool = false) {
        namesGivenUp += 1
        if isDirectory { directoriesMoved += 1 }
    }

    // MARK: Finding

    /// - Throws: `.notFound` when it is neither held nor in the journal.
    func node(_ file: FileID) throws(FileSystemError) -> CachedNode {
        if let node = nodes[file] { return node }
        guard let record = try journalled({ () throws(JournalError) in try journal.node(file) }) else {
            throw .notFound
        }
        return CachedNode(record)
    }

    /// nil: the journal alone has it, or nobody.
    func held(_ file: FileID) -> CachedNode? { nodes[file] }

    /// A directory that new entries may go into.
    func directory(_ file: FileID) throws(FileSystemError) -> CachedNode {
        let node = try node(file)
        guard node.record.kind == .directory else { throw .notDirectory }
        guard !node.isUnlinked else { throw .notFound }
        return node
    }

    func child(_ name: FileName, of parent: FileID) throws(FileSystemError) -> CachedNode? {
        guard let record = try journalled({ () throws(JournalError) in try journal.child(name, of: parent) }) else {
            return nil
        }
        return nodes[record.file] ?? CachedNode(record)
    }

    /// The node that a name stands for: another one where it is a further name.
    func inode(of node: CachedNode) throws(FileSystemError) -> CachedNode {
        guard let first = node.record.hardLinkOf else { return node }
        return try self.node(first)
    }

    /// The upload of what a name is to be published with last; nil: it has none.
    func upload(of name: NodeRecord) throws(FileSystemError) -> UploadRecord? {
        guard let version = name.version else { return nil }
        return try journalled { () throws(JournalError) in try journal.upload(version) }
    }

    /// Of the names under which a file is published, those that are still to get a close of it.
    func behind(_ names: [NodeRecord], _ close: Timestamp) throws(FileSystemError) -> [NodeRecord] {
        var behind: [NodeRecord] = []
        for name in names where name.declined != close {
            // Its row may have been pruned, when it was published long before the others.
            let last = if let upload = try upload(of: name) { upload.closed } else { name.given }
            if last != close { behind.append(name) }
        }
        return behind
    }

    /// The further names of a node.
    func hardLinks(of node: NodeRecord) throws(FileSystemError) -> [CachedNode] {
        guard node.names > 1 else { return [] }
        return try journalled { () throws(JournalError) in try journal.hardLinks(of: node.file) }
            .map { nodes[$0.file] ?? CachedNode($0) }
    }

    func children(of parent: FileID, after: FileName?, limit: Int) throws(FileSystemError) -> [CachedNode] {
        try journalled { () throws(JournalError) in try journal.children(of: parent, after: after, limit: limit) }
            .map { nodes[$0.file] ?? CachedNode($0) }
    }

    /// nil when it, or a directory above it, is gone.
    func path(of file: FileID) throws(FileSystemError) -> UploadPath? {
        var names: [FileName] = []
        var file = file
        while file != .root {
            do {
                let node = try node(file)
                guard !node.isUnlinked, let name = node.record.name else { return nil }
                names.append(name)
                file = node.record.parent
            } catch .notFound {
                return nil
            }
        }
        return UploadPath(names.reversed())
    }

    /// Published, being published, or listed: its name stands at the destination.
    func isNameFixed(_ node: CachedNode) throws(FileSystemError) -> Bool {
        if node.record.isPublished { return true }
        guard node.record.kind == .directory else { return false }
        // Of what is in it perhaps nothing was seen yet.
        if node.record.listed != nil { return true }
        let directory = node.record.file
        return try journalled { () throws(JournalError) in try journal.hasPublishedDescendant(directory) }
    }

    /// Is it (or anything below it) being published in this moment? What becomes of its name is not known then.
    func isBeingPublished(_ node: CachedNode) throws(FileSystemError) -> Bool {
        if node.claims > 0 { return true }
        guard node.record.kind == .directory else { return false }
        for claimed in nodes.values where claimed.claims > 0 && !claimed.isUnlinked {
            if try isBelow(claimed.record.file, node.record.file) { return true }
        }
        return false
    }

    private func isBelow(_ file: FileID, _ directory: FileID) throws(FileSystemError) -> Bool {
        var file = file
        while file != .root {
            if file == directory { return true }
            file = try node(file).record.parent
        }
        return directory == .root
    }

    // MARK: Holding

    /// Changes a node and keeps it, or drops it when nobody holds it any more.
    mutating func update(_ file: FileID, _ change: (inout CachedNode) -> Void) throws(FileSystemError) {
        var node = try node(file)
        change(&node)
        nodes[file] = node.isHeld ? node : nil
        noteContent(of: node)
    }

    private mutating func noteContent(of node: CachedNode) {
        if node.content != nil, !node.isUnlinked {
            opened.insert(node.record.file)
        } else {
            opened.remove(node.record.file)
        }
    }

    /// A node that the journal just got.
    mutating func insert(_ node: CachedNode) {
        nodes[node.record.file] = node.isHeld ? node : nil
        noteContent(of: node)
    }

    /// The kernel was told of this inode (FUSE counts those).
    mutating func remember(_ node: CachedNode) {
        var node = node
        node.lookups += 1
        nodes[node.record.file] = node
    }

    mutating func forget(_ file: FileID, count: UInt64) {
        guard var node = nodes[file] else { return }
        node.lookups -= min(count, node.lookups)
        nodes[file] = node.isHeld ? node : nil
    }

    /// The journal has a new record of this node.
    mutating func recorded(_ record: NodeRecord) {
        // Of one that is not held nobody knows what it was called before.
        guard var node = nodes[record.file] else { return pathCount.increase() }
        if node.record.name != record.name || node.record.parent != record.parent { pathCount.increase() }
        node.record = record
        if node.claims > 0 { node.updatedWhileClaimed = true }
        nodes[record.file] = node
    }

    /// What is left of a node for who has it open, or is about to.
    struct Orphan: Sendable {
        /// nil: a directory, or its bytes are not here.
        let content: Content?
        let attributes: [String: [UInt8]]
    }

    /// Of what the journal is to have no more: call `unlinked` afterwards.
    func orphan(_ file: FileID, _ content: Content?) throws(FileSystemError) -> Orphan {
        guard nodes[file] != nil else { return Orphan(content: nil, attributes: [:]) }
        return try journalled { () throws(JournalError) in
            var attributes: [String: [UInt8]] = [:]
            for name in try journal.extendedAttributeNames(of: file) {
                attributes[name] = try journal.extendedAttribute(name, of: file)
            }
            return Orphan(content: content, attributes: attributes)
        }
    }

    /// The journal has this node no more.
    mutating func unlinked(_ file: FileID, _ orphan: Orphan) {
        pathCount.increase()
        guard var node = nodes[file] else { return }
        node.isUnlinked = true
        node.orphaned = orphan.attributes
        node.content = orphan.content
        node.content?.unlinked()
        nodes[file] = node
        noteContent(of: node)
    }

    /// Files that somebody has open for writing.
    var written: [FileID] {
        opened.filter { nodes[$0]?.content?.hasWriters == true }.sorted()
    }

    /// How many nodes are in memory.
    var heldCount: Int { nodes.count }
}
