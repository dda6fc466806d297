import UploadCore

/// Promise P1 is kept here: what close(2) answers 0 for is in the spool and in the journal.
extension FileSystem {
    func flush(_ handle: OpenHandle) throws(FileSystemError) {
        guard case .file(let handle) = handle, handle.isWriter else { return }
        try namespace.locked { tree throws(FileSystemError) in try acknowledge(handle.content, in: &tree) }
    }

    func release(_ handle: OpenHandle) {
        switch handle {
        case .file(let handle): release(handle)
        case .directory, .status, .wait: break
        }
    }

    func release(_ handle: FileHandle) {
        namespace.locked { tree in release(handle, in: &tree) }
    }

    func release(_ handle: FileHandle, in tree: inout Tree) {
        let content = handle.content
        if handle.isWriter, content.hasOneWriter {
            do throws(FileSystemError) {
                try acknowledge(content, in: &tree)
            } catch {
                // Nobody is left to be told; the engine keeps it as a failure (P6).
                note(error, in: "release")
                content.locked { content.spoil(&$0, error, .journalFailed(error)) }
            }
        }
        let departure = content.released(asWriter: handle.isWriter)
        if let closed = departure.closed { uploads.post(.closed(closed.version, size: closed.size, at: closed.at)) }
        guard departure.isLast else { return }
        do throws(FileSystemError) {
            try tree.update(handle.file) { $0.content = nil }
        } catch {
            note(error, in: "release")
        }
    }

    func synchronize(_ handle: OpenHandle) throws(FileSystemError) {
        guard case .file(let handle) = handle else { return try synchronizeJournal() }
        let file = handle.content.locked { $0.spoolFile }
        try spooled { () throws(SpoolError) in try file.synchronize() }
        try synchronizeJournal()
    }

    /// fsync(2) of a directory: names are in the journal alone.
    func synchronizeJournal() throws(FileSystemError) {
        try journalled { () throws(JournalError) in try journal.synchronize() }
    }

    private func acknowledge(_ content: Content, in tree: inout Tree) throws(FileSystemError) {
        let moment = now()
        let record = try tree.node(content.file).record
        var closed: NodeRecord?
        try content.acknowledge(at: moment) { close throws(FileSystemError) in
            let node = record.closed(close)
            try namespace.journalled([.closed(close.version, size: close.size, at: moment), .updateNode(node)])
            closed = node
        }
        if let closed { tree.recorded(closed) }
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
