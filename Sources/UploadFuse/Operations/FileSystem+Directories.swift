import UploadCore

/// One line of a listing.
struct DirectoryItem: Sendable {
    let name: String
    let entry: Entry
    /// Where to go on after it.
    let nextOffset: Int64
}

extension FileSystem {
    /// Offsets: 0 is ".", 1 is "..", 2 is ".uploadfs" (where it shows), then the names.
    static let firstName = 3

    func openDirectory(_ inode: UInt64) throws(FileSystemError) -> OpenHandle {
        let entry = try attributes(inode)
        guard entry.attributes.kind == .directory else { throw .notDirectory }
        return .directory(DirectoryHandle(inode: inode))
    }

    /// - Parameters:
    ///   - countsLookups: readdirplus, which tells the kernel of each inode but "." and "..".
    ///   - add: takes one item, or says that it has no room for it.
    func list(
        _ handle: OpenHandle, from offset: Int64, countsLookups: Bool, _ add: (DirectoryItem) -> Bool
    ) throws(FileSystemError) {
        guard case .directory(let handle) = handle, offset >= 0 else { throw .notDirectory }
        if offset == 0 { handle.rewind() }
        guard try listFixed(handle, from: offset, add) else { return }
        try listNames(handle, from: Int(max(offset, Int64(Self.firstName))), countsLookups: countsLookups, add)
    }

    private func listFixed(
        _ handle: DirectoryHandle, from offset: Int64, _ add: (DirectoryItem) -> Bool
    ) throws(FileSystemError) -> Bool {
        if offset < 1 {
            let item = DirectoryItem(name: ".", entry: try attributes(handle.inode), nextOffset: 1)
            guard add(item) else { return false }
        }
        if offset < 2 {
            let above = try attributes(try parent(of: handle.inode))
            guard add(DirectoryItem(name: "..", entry: above, nextOffset: 2)) else { return false }
        }
        if offset < 3, handle.inode == FileID.root.rawValue, configuration.showStatusDirectory {
            let item = DirectoryItem(
                name: StatusFiles.directoryName, entry: try statusFiles.rootEntry(), nextOffset: 3)
            guard add(item) else { return false }
        }
        return true
    }

    private func parent(of inode: UInt64) throws(FileSystemError) -> UInt64 {
        if let status = StatusInode(inode) { return try statusFiles.parent(of: status) }
        return try namespace.locked { tree throws(FileSystemError) in
            try tree.node(FileID(inode)).record.parent.rawValue
        }
    }

    private func listNames(
        _ handle: DirectoryHandle, from offset: Int, countsLookups: Bool, _ add: (DirectoryItem) -> Bool
    ) throws(FileSystemError) {
        var index = offset - Self.firstName
        // Told before, and asked for again since the caller's buffer was full or it went back.
        while index < handle.count, let name = handle.name(at: index) {
            let goesOn = try namespace.locked { tree throws(FileSystemError) in
                guard let entry = try listed(name, in: handle.inode, tree) else { return true }
                return tell(entry, name, at: index, countsLookups, in: &tree, add)
            }
            guard goesOn else { return }
            index += 1
        }
        while try listPage(handle, from: &index, countsLookups, add) {}
    }

    private func listPage(
        _ handle: DirectoryHandle, from index: inout Int, _ countsLookups: Bool, _ add: (DirectoryItem) -> Bool
    ) throws(FileSystemError) -> Bool {
        var next = index
        let goesOn = try namespace.locked { tree throws(FileSystemError) in
            let page = try listed(after: handle.last, in: handle.inode, tree)
            for (name, entry) in page {
                guard tell(entry, name, at: next, countsLookups, in: &tree, add) else { return false }
                handle.tell(name)
                next += 1
            }
            return !page.isEmpty
        }
        index = next
        return goesOn
    }

    private func tell(
        _ entry: Entry, _ name: FileName, at index: Int, _ countsLookups: Bool, in tree: inout Tree,
        _ add: (DirectoryItem) -> Bool
    ) -> Bool {
        let item = DirectoryItem(name: name.text, entry: entry, nextOffset: Int64(index + Self.firstName + 1))
        guard add(item) else { return false }
        if countsLookups, StatusInode(entry.attributes.inode) == nil,
            let node = try? tree.node(FileID(entry.attributes.inode))
        {
            tree.remember(node)
        }
        return true
    }

    private func listed(_ name: FileName, in inode: UInt64, _ tree: Tree) throws(FileSystemError) -> Entry? {
        if let status = StatusInode(inode) { return try statusFiles.child(name, of: status, tree) }
        guard let named = try tree.child(name, of: FileID(inode)) else { return nil }
        return entry(try tree.inode(of: named))
    }

    private func listed(
        after last: FileName?, in inode: UInt64, _ tree: Tree
    ) throws(FileSystemError) -> [(FileName, Entry)] {
        if let status = StatusInode(inode) { return try statusFiles.children(of: status, after: last, tree) }
        var page: [(FileName, Entry)] = []
        for named in try tree.children(of: FileID(inode), after: last, limit: 64) {
            guard let name = named.record.name else { continue }
            page.append((name, entry(try tree.inode(of: named))))
        }
        return page
    }
}
