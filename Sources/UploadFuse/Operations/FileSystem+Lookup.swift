import UploadCore

extension FileSystem {
    /// - Returns: nil when there is no such name. Counts as one lookup of what it returns.
    func lookup(_ bytes: [UInt8], in parent: UInt64) throws(FileSystemError) -> Entry? {
        // A name that can't exist is simply not there.
        guard bytes.count <= FileName.maximumLength else { throw .nameTooLong }
        guard let name = try? FileName(bytes: bytes) else { return nil }
        if let status = StatusInode(parent) { return try statusFiles.lookup(name, in: status) }
        if isStatusDirectory(name, in: parent) { return try statusFiles.rootEntry() }
        return try namespace.locked { tree throws(FileSystemError) in
            guard let named = try tree.child(name, of: FileID(parent)) else { return nil }
            let node = try tree.inode(of: named)
            tree.remember(node)
            return entry(node)
        }
    }

    func forget(_ inode: UInt64, count: UInt64) {
        guard StatusInode(inode) == nil else { return }
        namespace.locked { $0.forget(FileID(inode), count: count) }
    }

    func attributes(_ inode: UInt64) throws(FileSystemError) -> Entry {
        if let status = StatusInode(inode) { return try statusFiles.entry(status) }
        return try namespace.locked { tree throws(FileSystemError) in entry(try tree.node(FileID(inode))) }
    }

    /// readlink(2), also of what mirrors a link below `.uploadfs`: there it leads to what mirrors its target.
    func target(_ inode: UInt64) throws(FileSystemError) -> [UInt8] {
        let file = StatusInode(inode)?.file ?? FileID(inode)
        return try namespace.locked { tree throws(FileSystemError) in
            guard let target = try tree.node(file).record.target else { throw .invalid }
            return target
        }
    }

    func capacity() throws(FileSystemError) -> SpoolCapacity {
        let evictable = try journalled { () throws(JournalError) in try journal.evictableBytes() }
        return try spooled { () throws(SpoolError) in try spool.capacity(evictable: evictable) }
    }
}
