import UploadCore

/// Promise P1 is kept here: what close(2) answers 0 for is in the spool and in the journal.
extension FileSystem {
    /// - Parameter thread: who lets go of a descriptor; 0: not known.
    func flush(_ handle: OpenHandle, by thread: Int32 = 0) throws(FileSystemError) {
        if case .control(let file) = handle, let line = file.rest() { return try perform(line) }
        guard case .file(let handle) = handle, handle.isWriter else { return }
        try checkType(of: handle.content)
        let flusher = configuration.processes?.flusher(thread)
        // What is synchronized is what is journalled as durable: a write in between shows in the count.
        let durable = configuration.closesDurably ? try handle.content.synchronized() : nil
        try namespace.locked { tree throws(FileSystemError) in
            try acknowledge(handle, by: flusher, durable: durable, in: &tree)
        }
        if durable != nil { try synchronizeJournal() }
    }

    func release(_ handle: OpenHandle) {
        switch handle {
        case .file(let handle): release(handle)
        case .directory, .status, .wait, .sync, .control: break
        }
    }

    func release(_ handle: FileHandle) {
        let closes = namespace.locked { tree in release(handle, in: &tree) }
        keepGiven(closes, in: "release")
    }

    /// Call without the lock: closes that names were given with what was durable of their node, are so as well.
    func keepGiven(_ closes: [VersionID: Timestamp], in operation: StaticString) {
        guard configuration.closesDurably, !closes.isEmpty else { return }
        do throws(FileSystemError) {
            try keep(closes)
        } catch {
            // Told again at the next mount, from what is durable of the node itself.
            note(error, in: operation)
        }
    }

    /// - Returns: the closes that further names got with it.
    @discardableResult
    func release(_ handle: FileHandle, in tree: inout Tree) -> [VersionID: Timestamp] {
        let content = handle.content
        if handle.isWriter {
            do throws(FileSystemError) {
                try acknowledge(handle, isReleased: true, in: &tree)
            } catch {
                // Nobody is left to be told; the engine keeps it as a failure (P6).
                note(error, in: "release")
                content.locked { content.spoil(&$0, error, .journalRefused(error)) }
            }
            if content.hasOneWriter {
                do throws(FileSystemError) {
                    try keepRemains(of: content, in: &tree)
                } catch {
                    note(error, in: "release")
                }
            }
        }
        let departure = content.released(handle)
        var closes: [VersionID: Timestamp] = [:]
        if let event = departure.event {
            // First the further names: who waits for all is not to find them missing.
            closes = completed(handle.file, in: &tree)
            uploads.post(event)
        }
        guard departure.isLast else { return closes }
        do throws(FileSystemError) {
            // By now the file may have another content: what it was cut to after its bytes had made room.
            try tree.update(handle.file) { if $0.content === content, !$0.isUnlinked { $0.content = nil } }
        } catch {
            note(error, in: "release")
        }
        return closes
    }

    func synchronize(_ handle: OpenHandle) throws(FileSystemError) {
        guard case .file(let handle) = handle else { return try synchronizeJournal() }
        let (version, isChanged) = handle.content.locked { ($0.version, $0.isChanged) }
        let closed = isChanged ? nil : try journalled { () throws(JournalError) in try journal.upload(version) }
        let changes = try handle.content.synchronized()
        // What was closed before is durable as well: should the power go, it is published.
        if let moment = closed?.closed, handle.content.locked({ $0.changes == changes && $0.version == version }) {
            try namespace.journalled([.durable(version, ofClose: moment)])
        }
        try synchronizeJournal()
    }

    /// fsync(2) of a directory: names are in the journal alone.
    func synchronizeJournal() throws(FileSystemError) {
        try journalled { () throws(JournalError) in try journal.synchronize() }
    }

    /// - Parameter durable: the change that is known to be on stable storage; nil: none.
    private func acknowledge(
        _ handle: FileHandle, by flusher: ProcessTable.Flusher? = nil, isReleased: Bool = false, durable: UInt64? = nil,
        in tree: inout Tree
    ) throws(FileSystemError) {
        let content = handle.content
        let moment = now()
        let record = try tree.node(content.file).record
        var closed: NodeRecord?
        var version: VersionID?
        try content.acknowledge(
            at: moment, of: handle, by: flusher, isReleased: isReleased
        ) { close throws(FileSystemError) in
            let node = record.closed(close)
            var changes: [JournalChange] = [.closed(close.version, size: close.size, at: moment), .updateNode(node)]
            changes += close.unsettled.ranges.map { .unstored(close.version, $0) }
            if let durable, durable == close.changes { changes.append(.durable(close.version, ofClose: moment)) }
            try namespace.journalled(changes)
            closed = node
            version = close.version
        }
        if let closed { tree.recorded(closed) }
        if let version { uploads.post(.acknowledged(version, at: moment)) }
    }

    /// What is no close is kept as it is, and shown with the size that it has.
    private func keepRemains(of content: Content, in tree: inout Tree) throws(FileSystemError) {
        guard let remains = content.remains else { return }
        let node = try tree.node(content.file).record.closed(remains.close)
        let void: [JournalChange] = remains.isJournalled ? [.reopened(remains.close.version)] : []
        try namespace.journalled(void + [.updateNode(node)])
        tree.recorded(node)
    }
}

extension NodeRecord {
    fileprivate func closed(_ close: PendingClose) -> NodeRecord {
        var record = self
        record.size = close.size
        if let modified = close.modified {
            record.attributes.modified = modified
            record.attributes.changed = max(record.attributes.changed, modified)
        }
        return record
    }
}
