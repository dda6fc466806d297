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
            if !node.isUnlinked { try touch(record, in: tree) }
            var changed = node
            changed.record = record
            return entry(changed)
        }
    }

    /// truncate(2) is an open, a cut and a close in one; ftruncate(2) comes from a writer that has it
    /// open, and counts as its write.
    func truncate(
        _ file: FileID, to size: Int64, through open: OpenHandle? = nil, by thread: Int32
    ) throws(FileSystemError) {
        if case .file(let handle) = open, handle.isWriter {
            let closes = try namespace.locked { tree throws(FileSystemError) -> [VersionID: Timestamp]? in
                let node = try tree.node(file)
                guard size == 0, node.content === handle.content, handle.content.mayBeginAnew(through: handle) else {
                    return nil
                }
                let closes = completed(file, in: &tree)
                try beginAnew(handle.content, node.record, in: &tree)
                handle.content.began(through: handle, by: thread)
                return closes
            }
            guard let closes else { return try truncate(handle, to: size, by: thread) }
            keepGiven(closes, in: "ftruncate")
            return
        }
        let attached = try namespace.locked { tree throws(FileSystemError) in
            let node = try tree.node(file)
            guard node.record.kind == .file else { throw .isDirectory }
            return try attach(node, asWriter: true, truncating: size == 0, by: thread, in: &tree)
        }
        keepGiven(attached.closes, in: "truncate")
        defer { release(attached.handle) }
        if size > 0 || attached.mustTruncate { try truncate(attached.handle, to: size, by: thread) }
        try flush(.file(attached.handle), by: thread)
    }

    /// Cuts or extends in place.
    func truncate(_ handle: FileHandle, to size: Int64, by thread: Int32) throws(FileSystemError) {
        try prepareChange(through: handle, size: size)
        try handle.content.truncate(to: size, through: handle, by: thread)
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
