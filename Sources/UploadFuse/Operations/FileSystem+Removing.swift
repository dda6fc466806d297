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
            try remove(node.record, from: FileID(parent), in: &tree)
            if node.record.kind == .file { uploads.post(.removed(node.record.file)) }
        }
    }

    func removeDirectory(_ bytes: [UInt8], in parent: UInt64) throws(FileSystemError) {
        let name = try checkedName(bytes, in: parent)
        try namespace.locked { tree throws(FileSystemError) in
            guard let node = try tree.child(name, of: FileID(parent)) else { throw .notFound }
            guard node.record.kind == .directory else { throw .notDirectory }
            guard try tree.children(of: node.record.file, after: nil, limit: 1).isEmpty else { throw .notEmpty }
            try remove(node.record, from: FileID(parent), in: &tree)
        }
    }

    func remove(_ record: NodeRecord, from parent: FileID, in tree: inout Tree) throws(FileSystemError) {
        let directory = try tree.directory(parent).record
        let attributes = try tree.orphaned(record.file)
        try applyTouching(directory, [.removeNode(record.file)], at: now(), tree: &tree)
        if record.kind == .file { tree.gaveUpName() }
        tree.unlinked(record.file, keeping: attributes)
    }
}
