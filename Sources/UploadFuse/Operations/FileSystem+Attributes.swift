import UploadCore

/// What setattr is asked to change; nil stays as it is.
struct AttributeChange: Sendable {
    enum Time: Sendable {
        case now
        case at(Timestamp)
    }

    var mode: UInt32?
    var owner: UInt32?
    var group: UInt32?
    var size: Int64?
    var accessed: Time?
    var modified: Time?

    var isOnlySize: Bool { mode == nil && owner == nil && group == nil && accessed == nil && modified == nil }
}

extension FileSystem {
    /// - Parameters:
    ///   - handle: what ftruncate(2) came through; nil: a path.
    ///   - thread: who asks; 0: not known.
    func change(
        _ inode: UInt64, _ change: AttributeChange, through handle: OpenHandle? = nil, by thread: Int32 = 0
    ) throws(FileSystemError) -> Entry {
        guard StatusInode(inode) == nil else { throw .reserved }
        if let size = change.size { try truncate(FileID(inode), to: size, through: handle, by: thread) }
        return try namespace.locked { tree throws(FileSystemError) in
            let node = try tree.node(FileID(inode))
            if change.size != nil, change.isOnlySize { return entry(node) }
            var record = node.record
            let moment = now()
            record.attributes.apply(change, at: moment)
            if !node.isUnlinked { try namespace.journalled([.updateNode(record)]) }
            if change.modified != nil { node.content?.modificationTimeWasSet() }
            tree.recorded(record)
            if record.kind == .file, !node.isUnlinked { uploads.post(.touched(record.file)) }
            var changed = node
            changed.record = record
            return entry(changed)
        }
    }

    /// truncate(2) is an open, a cut and a close in one; ftruncate(2) comes from a writer that has it
    /// open, and counts as its write.
    private func truncate(
        _ file: FileID, to size: Int64, through open: OpenHandle?, by thread: Int32
    ) throws(FileSystemError) {
        let attached = try namespace.locked { tree throws(FileSystemError) -> (handle: FileHandle, isAnew: Bool) in
            let node = try tree.node(file)
            guard node.record.kind == .file else { throw .isDirectory }
            var isAnew = false
            if size == 0, let open = node.content, open.mayBeginAnew(writers: 1) {
                try beginAnew(open, node.record, by: thread, in: &tree)
                isAnew = true
            }
            let attached = try attach(
                try tree.node(file), asWriter: true, truncating: size == 0 && !isAnew, by: thread, in: &tree)
            return (attached.handle, isAnew || attached.isAnew)
        }
        defer { release(attached.handle) }
        let isAlone = attached.handle.content.activeWriters == 1
        if !attached.isAnew {
            var writer = attached.handle
            if case .file(let file) = open { writer = file }
            try prepareChange(through: writer, size: size)
            try attached.handle.content.truncate(to: size, by: thread)
        }
        // truncate(2) has no flush after it; with another writer about, this is its to do.
        if isAlone { try flush(.file(attached.handle), by: thread) }
    }
}

extension NodeAttributes {
    fileprivate mutating func apply(_ change: AttributeChange, at moment: Timestamp) {
        if let mode = change.mode { self.mode = mode & 0o7777 }
        if let owner = change.owner { self.owner = owner }
        if let group = change.group { self.group = group }
        if let time = change.accessed { accessed = time.moment(now: moment) }
        if let time = change.modified { modified = time.moment(now: moment) }
        changed = moment
    }
}

extension AttributeChange.Time {
    fileprivate func moment(now: Timestamp) -> Timestamp {
        switch self {
        case .now: now
        case .at(let moment): moment
        }
    }
}
