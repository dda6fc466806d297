import UploadCore

/// rename(2) of what is not published only relabels it: nothing at the destination has that name yet.
extension FileSystem {
    struct RenameFlags: OptionSet {
        let rawValue: UInt32

        /// RENAME_NOREPLACE, renameat2(2).
        static let noReplace = RenameFlags(rawValue: 1)
    }

    func rename(
        _ bytes: [UInt8], in parent: UInt64, to newBytes: [UInt8], in newParent: UInt64, flags: RenameFlags
    ) throws(FileSystemError) {
        guard flags.isSubset(of: .noReplace) else { throw .invalid }
        let name = try checkedName(bytes, in: parent)
        let newName = try checkedName(newBytes, in: newParent)
        let litterMoved = try namespace.locked { tree throws(FileSystemError) -> FileID? in
            let old = try tree.directory(FileID(parent)).record
            let new = try tree.directory(FileID(newParent)).record
            guard let source = try tree.child(name, of: old.file) else { throw .notFound }
            let target = try tree.child(newName, of: new.file)
            guard target == nil || !flags.contains(.noReplace) else { throw .exists }
            if target?.record.file == source.record.file { return nil }
            if let target { try checkReplacing(target, by: source, in: tree) }
            guard try !tree.isBeingPublished(source) else { throw .beingPublished }
            guard try !tree.isNameFixed(source) else {
                explainOnce("what is published keeps its name: a rename is answered as between filesystems")
                throw .renameOfPublished
            }
            let oldClass = try nameClass(of: source.record.file, in: tree)
            try move(source, from: old, to: new, as: newName, replacing: target, in: &tree)
            // No file is ever published under a temporary name; below such a directory they are.
            if target?.record.kind == .file || oldClass == .ordinary || source.record.kind == .directory {
                tree.gaveUpName(ofDirectory: source.record.kind == .directory)
            }
            let newClass = try nameClass(of: source.record.file, in: tree)
            switch source.record.kind {
            case .file:
                let file = source.record.file
                uploads.post(oldClass == newClass ? .touched(file) : .classified(file, newClass))
                return nil
            case .directory:
                return (oldClass == .litter) == (newClass == .litter) ? nil : source.record.file
            }
        }
        if let litterMoved { try reclassify(below: litterMoved) }
        // Who publishes by a rename, and deletes the source then, is not to find a temporary name after a power loss.
        if configuration.closesDurably { try synchronizeJournal() }
    }

    private func checkReplacing(
        _ target: CachedNode, by source: CachedNode, in tree: Tree
    ) throws(FileSystemError) {
        switch (source.record.kind, target.record.kind) {
        case (.file, .file): break
        case (.file, .directory): throw .isDirectory
        case (.directory, .file): throw .notDirectory
        case (.directory, .directory):
            guard try tree.children(of: target.record.file, after: nil, limit: 1).isEmpty else { throw .notEmpty }
        }
    }

    private func move(
        _ source: CachedNode, from old: NodeRecord, to new: NodeRecord, as name: FileName,
        replacing target: CachedNode?, in tree: inout Tree
    ) throws(FileSystemError) {
        let moment = now()
        var record = source.record
        record.parent = new.file
        record.name = name
        record.attributes.changed = moment
        let directories = (old.file == new.file ? [old] : [old, new]).map { touched($0, at: moment) }
        var changes: [JournalChange] = []
        if let target { changes.append(.removeNode(target.record.file)) }
        changes.append(.moveNode(record.file, parent: new.file, name: name))
        changes += ([record] + directories).map { .updateNode($0) }
        try namespace.journalled(changes)
        for record in [record] + directories { tree.recorded(record) }
        guard let target else { return }
        tree.unlinked(target.record.file)
        if target.record.kind == .file { uploads.post(.removed(target.record.file)) }
    }

    private func nameClass(of file: FileID, in tree: Tree) throws(FileSystemError) -> NameClass {
        guard let path = try tree.path(of: file) else { return .ordinary }
        return configuration.classifier.classify(path)
    }

    /// A directory came out of a litter directory, or went into one: so did all files below it. In
    /// pages, each under the lock, for there may be many.
    private func reclassify(below directory: FileID) throws(FileSystemError) {
        var directories = [directory]
        while let next = directories.popLast() {
            var last: FileName?
            repeat {
                let page = try namespace.locked { tree throws(FileSystemError) in
                    let page = try tree.children(of: next, after: last, limit: 64)
                    for child in page where child.record.kind == .file {
                        uploads.post(.classified(child.record.file, try nameClass(of: child.record.file, in: tree)))
                    }
                    return page
                }
                directories += page.filter { $0.record.kind == .directory }.map(\.record.file)
                last = page.last?.record.name
            } while last != nil
        }
    }
}
