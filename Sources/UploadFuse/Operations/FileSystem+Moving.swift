import UploadCore

/// rename(2) and unlink(2) of what is published. Nobody waits for the destination: the tree has it at once, and what is
/// to be done to the object there is owed (`OwedMove`) in the same transaction.
extension FileSystem {
    /// Its object can follow it there. Else the caller copies and deletes, as between filesystems.
    /// - Parameter place: where it is to lie.
    func mayFollow(_ node: CachedNode, to place: UploadPath, in tree: Tree) throws(FileSystemError) -> Bool {
        guard node.record.kind == .file, node.record.names == 1, node.record.hardLinkOf == nil,
            configuration.canMove(), configuration.classifier.classify(place) == .ordinary
        else { return false }
        return try !tree.wouldCircle(node, to: place)
    }

    /// What a rename of this node makes owed. Call before the tree has it.
    func following(
        _ node: CachedNode, to place: UploadPath, in tree: Tree
    ) throws(FileSystemError) -> [JournalChange] {
        guard node.record.isPublished else { return [] }
        let file = node.record.file
        guard let object = try tree.object(of: node) else { return [] }
        guard let owed = try tree.owedMove(of: file) else { return [.oweMove(file, object)] }
        // Not yet carried out: it goes to where the file lies then, and back at its old name there is nothing to do. What
        // it has replaced where it lay meanwhile goes.
        let left = JournalChange.oweDeletion(ObjectReference(path: object.path), successor: file)
        return owed.object.path == place ? [.placed(file, at: owed.object), left] : [left]
    }

    /// What becomes owed when a published node loses its name. Call before the tree has it.
    /// - Parameter successor: what takes its place; nil: nothing, its object is to go.
    func leaving(
        _ node: CachedNode, to successor: FileID?, in tree: Tree
    ) throws(FileSystemError) -> [JournalChange] {
        guard node.record.isPublished else { return [] }
        guard let owed = try tree.owedMove(of: node.record.file) else {
            guard successor == nil, let object = try tree.object(of: node) else { return [] }
            return [.oweDeletion(object)]
        }
        // What it was to follow from goes in any case: by its rename it had left that name.
        var changes: [JournalChange] = [.abandonMove(node.record.file, successor: successor)]
        // And what it has replaced, if that is there still.
        if successor == nil, let path = try tree.path(of: node.record.file), path != owed.object.path {
            changes.append(.oweDeletion(ObjectReference(path: path)))
        }
        return changes
    }
}
