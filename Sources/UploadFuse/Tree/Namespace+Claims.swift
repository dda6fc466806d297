package import UploadCore

extension Namespace: NameClaims {
    package func path(of file: FileID) -> UploadPath? {
        locked { tree in try? tree.path(of: file) }
    }

    package func claim(_ file: FileID) -> ClaimedName? {
        locked { tree in
            guard let node = try? tree.node(file), !node.isUnlinked, let path = try? tree.path(of: file) else {
                return nil
            }
            var claimed = node
            claimed.claims += 1
            tree.insert(claimed)
            return ClaimedName(
                path: path, modified: node.attributes.times.modified, mode: node.record.attributes.mode)
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
