import UploadCore

/// rename(2) of what is not published only relabels it: nothing at the destination has that name yet. What is published
/// is to follow its file (`FileSystem+Moving`).
extension FileSystem {
    struct RenameFlags: OptionSet {
        let rawValue: UInt32

        /// RENAME_NOREPLACE, renameat2(2).
        static let noReplace = RenameFlags(rawValue: 1)
        /// RENAME_EXCHANGE: each gets the other's name.
        static let exchange = RenameFlags(rawValue: 2)
    }

    func rename(
        _ bytes: [UInt8], in parent: UInt64, to newBytes: [UInt8], in newParent: UInt64, flags: RenameFlags
    ) throws(FileSystemError) {
        guard [[], .noReplace, .exchange].contains(flags) else { throw .invalid }
        let name = try checkedName(bytes, in: parent)
        let newName = try checkedName(newBytes, in: newParent)
        let (litterMoved, closes) = try namespace.locked {
            tree throws(FileSystemError) -> ([FileID], [VersionID: Timestamp]) in
            let old = try tree.directory(FileID(parent)).record
            let new = try tree.directory(FileID(newParent)).record
            guard let source = try tree.child(name, of: old.file) else { throw .notFound }
            let target = try tree.child(newName, of: new.file)
            guard target == nil || !flags.contains(.noReplace) else { throw .exists }
            guard target != nil || !flags.contains(.exchange) else { throw .notFound }
            // Two names of one node: rename(2) does nothing then.
            if let target, try tree.inode(of: target).record.file == tree.inode(of: source).record.file {
                return ([], [:])
            }
            let moving = flags.contains(.exchange) ? [source, target].compactMap(\.self) : [source]
            if let target, moving.count == 1 { try checkReplacing(target, by: source, in: tree) }
            let place = moving.count == 1 ? try tree.path(of: new.file)?.appending(newName) : nil
            for node in moving { try checkMoving(node, to: place, in: tree) }
            let places = [(new.file, newName), (old.file, name)]
            for (node, place) in zip(moving, places) where mayBePublished(node.record) {
                try checkType(of: place.1, in: place.0, tree)
            }
            var classes: [NameClass] = []
            for node in moving { classes.append(try nameClass(of: node.record.file, in: tree)) }
            let closes = completeFollowed(in: &tree)
            if moving.count == 2 {
                try exchange(moving[0], in: old, with: moving[1], in: new, &tree)
            } else {
                let owed = if let place { try following(source, to: place, in: tree) } else { [JournalChange]() }
                try move(source, from: old, to: new, as: newName, replacing: target, owing: owed, in: &tree)
            }
            // No file is ever published under a temporary name; below such a directory they are.
            let isDirectoryMoved = moving.contains { $0.record.kind == .directory }
            if target.map({ $0.record.kind != .directory }) == true || classes.contains(.ordinary) || isDirectoryMoved {
                tree.gaveUpName(ofDirectory: isDirectoryMoved)
            }
            for node in moving { follow(node.record.file, in: &tree) }
            var litterMoved: [FileID] = []
            for (node, oldClass) in zip(moving, classes) where try hasLitterMoved(node.record, oldClass, in: tree) {
                litterMoved.append(node.record.file)
            }
            // After the word of its name.
            if source.record.isPublished { uploads.post(.owed(source.record.file)) }
            return (litterMoved, closes)
        }
        keepGiven(closes, in: "rename")
        for directory in litterMoved { try reclassify(below: directory) }
        // Who publishes by a rename, and deletes the source then, is not to find a temporary name after a power loss.
        if configuration.closesDurably { try synchronizeJournal() }
    }

    private func mayBePublished(_ record: NodeRecord) -> Bool {
        record.kind == .file || record.kind == .link && configuration.followsSymlinks
    }

    /// The engine hears of the name that it has now.
    /// - Returns: whether it is a directory that became litter, or is it no more.
    private func hasLitterMoved(
        _ record: NodeRecord, _ oldClass: NameClass, in tree: Tree
    ) throws(FileSystemError) -> Bool {
        let newClass = try nameClass(of: record.file, in: tree)
        switch record.kind {
        case .file, .link:
            uploads.post(oldClass == newClass ? .touched(record.file) : .classified(record.file, newClass))
            return false
        case .directory: return (oldClass == .litter) != (newClass == .litter)
        }
    }

    /// - Parameter place: where it is to lie; nil: it changes places with another.
    private func checkMoving(
        _ node: CachedNode, to place: UploadPath?, in tree: Tree
    ) throws(FileSystemError) {
        guard try !tree.isBeingPublished(node) else { throw .beingPublished }
        guard try tree.isNameFixed(node) else { return }
        guard let place, try mayFollow(node, to: place, in: tree) else {
            explainOnce(
                "a rename of what is published is answered as between filesystems, where its object can't follow it")
            throw .renameOfPublished
        }
    }

    private func exchange(
        _ one: CachedNode, in old: NodeRecord, with other: CachedNode, in new: NodeRecord, _ tree: inout Tree
    ) throws(FileSystemError) {
        guard let name = one.record.name, let newName = other.record.name else { throw .invalid }
        let moment = now()
        var records = [one.record, other.record]
        (records[0].parent, records[0].name) = (new.file, newName)
        (records[1].parent, records[1].name) = (old.file, name)
        for index in records.indices { records[index].attributes.changed = moment }
        records += (old.file == new.file ? [old] : [old, new]).map { touched($0, at: moment) }
        for node in [one, other] {
            if let inode = try changedInode(of: node.record, at: moment, in: tree) { records.append(inode) }
        }
        try namespace.journalled(
            [
                .exchangeNodes(
                    NodePlace(file: one.record.file, parent: new.file, name: newName),
                    NodePlace(file: other.record.file, parent: old.file, name: name))
            ] + records.map { .updateNode($0) })
        for record in records { tree.recorded(record) }
    }

    private func checkReplacing(
        _ target: CachedNode, by source: CachedNode, in tree: Tree
    ) throws(FileSystemError) {
        switch (source.record.kind, target.record.kind) {
        case (.file, .file), (.file, .link): break
        case (.link, .file), (.link, .link):
            // Nothing would take its place at the destination.
            guard target.claims == 0 else { throw .beingPublished }
            guard !target.record.isPublished else { throw .published }
        case (.file, .directory), (.link, .directory): throw .isDirectory
        case (.directory, .file), (.directory, .link): throw .notDirectory
        case (.directory, .directory):
            try checkEmpty(target, tree)
        }
    }

    private func move(
        _ source: CachedNode, from old: NodeRecord, to new: NodeRecord, as name: FileName,
        replacing target: CachedNode?, owing owed: [JournalChange], in tree: inout Tree
    ) throws(FileSystemError) {
        let moment = now()
        var record = source.record
        record.parent = new.file
        record.name = name
        record.attributes.changed = moment
        let directories = (old.file == new.file ? [old] : [old, new]).map { touched($0, at: moment) }
        var changes: [JournalChange] = []
        let records = [record] + directories + [try changedInode(of: record, at: moment, in: tree)].compactMap(\.self)
        var loss: Loss?
        if let target { loss = try self.loss(of: target, to: record.file, at: moment, in: &tree) }
        changes += (loss?.allChanges ?? []) + owed
        changes.append(.moveNode(record.file, parent: new.file, name: name))
        changes += records.map { .updateNode($0) }
        try apply(changes, orUndo: loss?.made)
        for record in records { tree.recorded(record) }
        if let loss { lost(loss, in: &tree) }
    }

    /// Of a further name the node changes with it.
    private func changedInode(
        of record: NodeRecord, at moment: Timestamp, in tree: Tree
    ) throws(FileSystemError) -> NodeRecord? {
        guard let first = record.hardLinkOf else { return nil }
        var node = try tree.node(first).record
        node.attributes.changed = moment
        return node
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
                    for child in page where child.record.kind != .directory {
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
