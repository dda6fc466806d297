package import UploadCore

extension Namespace: NameClaims {
    package func path(of file: FileID) throws(JournalError) -> UploadPath? {
        try unlessGone { () throws(FileSystemError) in
            try locked { tree throws(FileSystemError) in try tree.path(of: file) }
        }
    }

    package var pathChanges: UInt64 { pathCount.value }

    package var namesGivenUp: UInt64 { locked { $0.namesGivenUp } }

    package func claim(_ file: FileID) throws(JournalError) -> ClaimedName? {
        try unlessGone { () throws(FileSystemError) in try named(file, isClaimed: true) }
    }

    package func name(of file: FileID) throws(JournalError) -> ClaimedName? {
        try unlessGone { () throws(FileSystemError) in try named(file, isClaimed: false) }
    }

    /// Gone is an answer, and nothing else is it: what is taken for gone is deleted.
    func unlessGone<Value>(
        _ find: () throws(FileSystemError) -> Value?
    ) throws(JournalError) -> Value? {
        do throws(FileSystemError) {
            return try find()
        } catch .notFound {
            return nil
        } catch .journal(let error) {
            throw error
        } catch {
            // The tree asks nobody but the journal.
            throw .database(code: 0, message: "\(error)")
        }
    }

    private func named(_ file: FileID, isClaimed: Bool) throws(FileSystemError) -> ClaimedName? {
        try locked { tree throws(FileSystemError) in
            let node = try tree.node(file)
            guard !node.isUnlinked, let path = try tree.path(of: file) else { return nil }
            let inode = try tree.source(of: node, below: configuration.mountpoint)
            if isClaimed {
                var claimed = node
                claimed.claims += 1
                tree.insert(claimed)
            }
            return ClaimedName(
                path: path, modified: inode.attributes.times.modified, mode: inode.record.attributes.mode,
                namesGivenUp: tree.namesGivenUp, isFurtherName: inode.record.file != file,
                mark: ClaimedName.Mark(
                    changed: inode.record.attributes.changed, directoriesMoved: tree.directoriesMoved))
        }
    }

    package func evict(_ file: FileID, _ version: VersionID) throws(JournalError) -> Bool {
        let answer = try unlessGone { () throws(FileSystemError) in
            try locked { tree throws(FileSystemError) in
                let node = try tree.node(file)
                // It may have been written and closed again since it was chosen: a writer is what it takes, and
                // none comes while the tree is held.
                guard try isDone(version) else { return false }
                // Of an open one the readers keep what they have.
                guard node.record.version != version || node.content?.hasWriters != true else { return false }
                if node.record.version == version, try isOwed(node.record, in: tree) { return false }
                try journalled([.evicted(version)])
                return true
            }
        }
        if let answer { return answer }
        // Unlinked or replaced, and killed before that was cleaned up: nobody reads it, or writes to it.
        try journal.apply([.evicted(version)])
        return true
    }

    /// Further names have not got its last close yet, which is made of these bytes.
    private func isOwed(_ node: NodeRecord, in tree: Tree) throws(FileSystemError) -> Bool {
        let links = try tree.hardLinks(of: node).map(\.record)
        guard !links.isEmpty, let close = try tree.upload(of: node)?.closed else { return false }
        return try !tree.behind(links, close).isEmpty
    }

    private func isDone(_ version: VersionID) throws(FileSystemError) -> Bool {
        do throws(JournalError) {
            return try journal.upload(version)?.phase == .done
        } catch {
            throw .journal(error)
        }
    }

    package func release(_ file: FileID, published: Bool) {
        locked { tree in
            guard var node = try? tree.node(file), node.claims > 0 else { return }
            node.claims -= 1
            if published { node.record.isPublished = true }
            if node.claims == 0 {
                // An update journalled in the meantime said "not published" after the engine's word.
                // Should the journal refuse, its other users say so aloud; here nobody listens.
                if node.updatedWhileClaimed, node.record.isPublished, !node.isUnlinked {
                    try? journal.apply([.updateNode(node.record)])
                }
                node.updatedWhileClaimed = false
            }
            tree.insert(node)
        }
    }
}
