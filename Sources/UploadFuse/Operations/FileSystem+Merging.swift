import UploadCore

/// What the destination lists, put into the tree. In lots, each under the tree's lock and each one transaction: nobody
/// waits long for it, and nothing grows with the directory. What becomes of each name `ListingMerge` decides.
extension FileSystem {
    /// Names at once: some milliseconds.
    static let lot = 100

    struct Merged: Sendable {
        var isChanged = false
        /// Names of objects that have no place.
        var leftOut: [FileName] = []
        fileprivate var changes: [JournalChange] = []
        /// Nodes that are other ones now.
        fileprivate var records: [NodeRecord] = []
        fileprivate var losses: [Loss] = []
        /// Nodes that were seen, and are as they were.
        fileprivate var seen: [FileID] = []
        fileprivate var notices: [KernelCaches.Change] = []
    }

    /// - Throws: `notFound` when the directory is gone.
    func merge(
        _ entries: ArraySlice<ListedEntry>, into directory: FileID, listing: Int64
    ) throws(FileSystemError) -> Merged {
        let merged = try namespace.locked { tree throws(FileSystemError) in
            let parent = try tree.directory(directory).record
            var merged = try decide(on: entries, of: parent, listing, &tree)
            if !merged.seen.isEmpty { merged.changes.append(.listed(merged.seen, listing: listing)) }
            if !merged.changes.isEmpty { try namespace.journalled(merged.changes) }
            for record in merged.records { tree.recorded(record) }
            for loss in merged.losses { lost(loss, in: &tree) }
            return merged
        }
        for notice in merged.notices { kernel.note(notice) }
        return merged
    }

    private func decide(
        on entries: ArraySlice<ListedEntry>, of parent: NodeRecord, _ listing: Int64, _ tree: inout Tree
    ) throws(FileSystemError) -> Merged {
        let found = try journalled { () throws(JournalError) in
            try journal.children(of: parent.file, named: entries.map(\.name))
        }
        var records: [FileName: NodeRecord] = [:]
        for record in found {
            if let name = record.name { records[name] = record }
        }
        var merged = Merged()
        let moment = now()
        let place = try tree.path(of: parent.file)
        for entry in entries {
            guard let record = records[entry.name] else {
                // What has been renamed or unlinked here lies there until that was done.
                if case .file = entry.kind, let path = place?.appending(entry.name),
                    try tree.owedMove(from: path) != nil
                {
                    continue
                }
                records[entry.name] = added(entry, to: parent, listing, at: moment, &merged, &tree)
                continue
            }
            let known = try known(record, in: tree)
            switch ListingMerge.verdict(entry, known, listing: listing) {
            case .added: records[entry.name] = added(entry, to: parent, listing, at: moment, &merged, &tree)
            case .same: same(entry, record, listing, &merged)
            case .kept: if record.listed != nil { merged.seen.append(record.file) }
            case .replaced: records[entry.name] = replaced(entry, record, at: moment, &merged, tree)
            case .displaced:
                try lose(record, at: moment, &merged, &tree)
                records[entry.name] = added(entry, to: parent, listing, at: moment, &merged, &tree)
                merged.leftOut.append(entry.name)
            case .leftOut: merged.leftOut.append(entry.name)
            }
        }
        return merged
    }

    private func known(_ record: NodeRecord, in tree: Tree) throws(FileSystemError) -> ListingMerge.Known {
        let isHeld = tree.held(record.file).map { $0.claims > 0 || $0.content != nil } ?? false
        // What is to be copied there is not there yet.
        let isComing = record.isPublished ? try tree.owedMove(of: record.file) != nil : false
        return ListingMerge.Known(
            node: record, upload: try tree.upload(of: record), isInUse: isHeld || isComing)
    }

    /// - Returns: what has that name now.
    private func added(
        _ entry: ListedEntry, to parent: NodeRecord, _ listing: Int64, at moment: Timestamp, _ merged: inout Merged,
        _ tree: inout Tree
    ) -> NodeRecord {
        let object: ListedObject? = if case .file(let object) = entry.kind { object } else { nil }
        let time = object?.modified ?? moment
        let record = NodeRecord(
            file: tree.newFile(), parent: parent.file, name: entry.name, kind: object == nil ? .directory : .file,
            attributes: NodeAttributes(
                mode: object == nil ? 0o755 : 0o644, owner: configuration.owner, group: configuration.group,
                accessed: time, modified: time, changed: time),
            size: object?.size ?? 0, isPublished: object != nil, listed: listing, tag: object?.tag)
        merged.changes.append(.insertNode(record))
        merged.isChanged = true
        return record
    }

    private func same(_ entry: ListedEntry, _ record: NodeRecord, _ listing: Int64, _ merged: inout Merged) {
        // Directories that were made here don't go when nothing is in them there any more.
        guard record.kind == .file || record.listed != nil else { return }
        if record.listed != listing { merged.seen.append(record.file) }
        guard case .file(let object) = entry.kind, let tag = object.tag, tag != record.tag else { return }
        var tagged = record
        tagged.tag = tag
        merged.changes.append(.tagged(record.file, tag))
        merged.records.append(tagged)
    }

    /// What was published here is no longer what is read there. Its upload stays as it is: what it has in the spool
    /// makes room as all that is published.
    private func replaced(
        _ entry: ListedEntry, _ record: NodeRecord, at moment: Timestamp, _ merged: inout Merged, _ tree: Tree
    ) -> NodeRecord {
        guard case .file(let object) = entry.kind else { return record }
        var record = record
        record.version = nil
        record.size = object.size
        record.attributes.modified = object.modified
        record.attributes.changed = moment
        record.tag = object.tag
        merged.changes += [.updateNode(record), .tagged(record.file, object.tag)]
        merged.records.append(record)
        merged.seen.append(record.file)
        merged.isChanged = true
        if tree.held(record.file) != nil { merged.notices.append(.inode(record.file.rawValue)) }
        return record
    }

    private func lose(
        _ record: NodeRecord, at moment: Timestamp, _ merged: inout Merged, _ tree: inout Tree
    ) throws(FileSystemError) {
        let node = tree.held(record.file) ?? CachedNode(record)
        // What others have taken away, or put in its place, is none of ours to delete.
        var loss = try lossInTree(of: node, at: moment, in: &tree)
        // The engine hears only of what it may know.
        let upload = try journalled { () throws(JournalError) in try journal.newestUpload(of: record.file) }
        if upload == nil { loss.events = [] }
        merged.changes += loss.allChanges
        merged.losses.append(loss)
        merged.isChanged = true
        if node.lookups > 0, let name = record.name {
            merged.notices.append(.entry(parent: record.parent.rawValue, name: name.text))
        }
    }

    // MARK: What is not there any more

    /// Takes out what was at the destination before that listing was begun, and is not there since.
    /// - Returns: whether anything was.
    func vanish(from directory: FileID, before listing: Int64) async throws(FileSystemError) -> Bool {
        var isChanged = false
        var last: FileName?
        while true {
            guard !Task.isCancelled else { throw .ending }
            let page = try journalled { () throws(JournalError) in
                try journal.unlisted(in: directory, before: listing, after: last, limit: Self.lot)
            }
            guard let name = page.last?.name else { return isChanged }
            // Nothing lies below a name that was not listed.
            for child in page where child.kind == .directory {
                if try await vanish(from: child.file, before: listing) { isChanged = true }
            }
            if try remove(vanished: page.map(\.file), from: directory, before: listing) { isChanged = true }
            last = name
            await Task.yield()
        }
    }

    private func remove(
        vanished files: [FileID], from directory: FileID, before listing: Int64
    ) throws(FileSystemError) -> Bool {
        let merged = try namespace.locked { tree throws(FileSystemError) in
            var merged = Merged()
            let moment = now()
            for file in files {
                let record = try journalled { () throws(JournalError) in try journal.node(file) }
                guard let record, record.parent == directory,
                    ListingMerge.mayVanish(try known(record, in: tree), before: listing)
                else { continue }
                let children = try tree.children(of: file, after: nil, limit: 1)
                if children.isEmpty { try lose(record, at: moment, &merged, &tree) }
            }
            if !merged.changes.isEmpty { try namespace.journalled(merged.changes) }
            for loss in merged.losses { lost(loss, in: &tree) }
            return merged
        }
        for notice in merged.notices { kernel.note(notice) }
        return merged.isChanged
    }

    /// A listing of the directory has come to its end.
    func looked(into directory: FileID, at begun: Timestamp, isChanged: Bool) throws(FileSystemError) {
        try namespace.locked { tree throws(FileSystemError) in
            var record = try tree.directory(directory).record
            record.lookedInto = begun
            if isChanged { record = touched(record, at: now()) }
            let change: [JournalChange] = isChanged ? [.updateNode(record)] : []
            try namespace.journalled(change + [.lookedInto(directory, at: begun)])
            tree.recorded(record)
        }
        if isChanged { kernel.note(.inode(directory.rawValue)) }
    }
}
