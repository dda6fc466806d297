import UploadCore

extension FileSystem {
    func unlink(_ bytes: [UInt8], in parent: UInt64) throws(FileSystemError) {
        let name = try checkedName(bytes, in: parent)
        try namespace.locked { tree throws(FileSystemError) in
            guard let node = try tree.child(name, of: FileID(parent)) else { throw .notFound }
            guard node.record.kind != .directory else { throw .isDirectory }
            guard node.claims == 0 else { throw .beingPublished }
            guard !node.record.isPublished else {
                explainOnce(
                    "a published file can't be removed: its object is at the destination, and nothing is deleted there")
                throw .published
            }
            try remove(node, from: FileID(parent), in: &tree)
            if node.record.kind == .file { uploads.post(.removed(node.record.file)) }
        }
    }

    func removeDirectory(_ bytes: [UInt8], in parent: UInt64) throws(FileSystemError) {
        let name = try checkedName(bytes, in: parent)
        try namespace.locked { tree throws(FileSystemError) in
            guard let node = try tree.child(name, of: FileID(parent)) else { throw .notFound }
            guard node.record.kind == .directory else { throw .notDirectory }
            guard try tree.children(of: node.record.file, after: nil, limit: 1).isEmpty else { throw .notEmpty }
            try remove(node, from: FileID(parent), in: &tree)
        }
    }

    func remove(_ node: CachedNode, from parent: FileID, in tree: inout Tree) throws(FileSystemError) {
        let file = node.record.file
        let directory = try tree.directory(parent).record
        let orphan = try orphan(node, in: tree)
        try applyTouching(directory, [.removeNode(file)], at: now(), tree: &tree)
        if node.record.kind == .file { tree.gaveUpName() }
        tree.unlinked(file, orphan)
    }

    /// What is left of a node that loses its name, for who has looked that up before. Call before the journal hears of
    /// it: its bytes are given away soon after.
    func orphan(_ node: CachedNode, in tree: Tree) throws(FileSystemError) -> Tree.Orphan {
        var content = node.content
        if content == nil, node.lookups > 0, let version = node.record.version {
            let upload = try journalled { () throws(JournalError) in try journal.upload(version) }
            // What has left is stale for them: the kernel looks the name up again.
            content = try? self.content(of: node.record, version, upload)
        }
        return try tree.orphan(node.record.file, content)
    }
}
