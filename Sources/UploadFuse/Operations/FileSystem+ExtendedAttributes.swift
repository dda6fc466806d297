import UploadCore

/// user.* is kept; security.*, system.* and trusted.* are not ours to give. `user.uploadfs.*` tells
/// what becomes of the file, and can't be written.
extension FileSystem {
    enum AttributeMode: Sendable {
        case any
        /// XATTR_CREATE
        case mustBeNew
        /// XATTR_REPLACE
        case mustExist
    }

    /// xattr(7): values of at most 64 KiB, names of at most 255 bytes.
    private static let largestValue = 65_536
    private static let longestName = 255
    private static let kept = "user."
    private static let virtual = "user.uploadfs."

    func extendedAttribute(_ name: String, of inode: UInt64) throws(FileSystemError) -> [UInt8] {
        guard StatusInode(inode) == nil else { throw .noSuchAttribute }
        // The kernel asks for security.capability before every write, so that must cost nothing.
        guard !name.hasPrefix("security.") else { throw .noSuchAttribute }
        guard name.hasPrefix(Self.kept) else { throw .unsupported }
        if name.hasPrefix(Self.virtual) {
            guard let found = virtualAttributes(of: inode).first(where: { $0.name == name }) else {
                throw .noSuchAttribute
            }
            return Array(found.value.utf8)
        }
        let value = try namespace.locked { tree throws(FileSystemError) in
            try keptValue(name, of: try tree.node(FileID(inode)))
        }
        guard let value else { throw .noSuchAttribute }
        return value
    }

    func extendedAttributeNames(of inode: UInt64) throws(FileSystemError) -> [String] {
        guard StatusInode(inode) == nil else { return [] }
        let names = try namespace.locked { tree throws(FileSystemError) in
            let node = try tree.node(FileID(inode))
            guard !node.isUnlinked else { return node.orphaned.keys.sorted() }
            return try journalled { () throws(JournalError) in
                try journal.extendedAttributeNames(of: FileID(inode))
            }
        }
        return names + virtualAttributes(of: inode).map(\.name)
    }

    func setExtendedAttribute(
        _ name: String, to value: [UInt8], of inode: UInt64, mode: AttributeMode
    ) throws(FileSystemError) {
        // Whoever copies a file with its attributes (mv, rsync -X) brings the old one's along; this one has its own.
        if name.hasPrefix(Self.virtual), StatusInode(inode) == nil { return }
        try checkWritable(name, inode)
        guard name.utf8.count <= Self.longestName else { throw .attributeBufferTooSmall }
        guard value.count <= Self.largestValue else { throw .attributeTooLarge }
        try changeExtendedAttribute(name, of: FileID(inode), to: value) { exists throws(FileSystemError) in
            switch mode {
            case .any: break
            case .mustBeNew: if exists { throw .attributeExists }
            case .mustExist: if !exists { throw .noSuchAttribute }
            }
        }
    }

    func removeExtendedAttribute(_ name: String, of inode: UInt64) throws(FileSystemError) {
        try checkWritable(name, inode)
        try changeExtendedAttribute(name, of: FileID(inode), to: nil) { exists throws(FileSystemError) in
            if !exists { throw .noSuchAttribute }
        }
    }

    private func checkWritable(_ name: String, _ inode: UInt64) throws(FileSystemError) {
        guard StatusInode(inode) == nil, !name.hasPrefix(Self.virtual) else { throw .reserved }
        guard name.hasPrefix(Self.kept) else { throw .unsupported }
        guard name != Self.kept else { throw .invalid }
    }

    private func keptValue(_ name: String, of node: CachedNode) throws(FileSystemError) -> [UInt8]? {
        guard !node.isUnlinked else { return node.orphaned[name] }
        return try journalled { () throws(JournalError) in
            try journal.extendedAttribute(name, of: node.record.file)
        }
    }

    private func changeExtendedAttribute(
        _ name: String, of file: FileID, to value: [UInt8]?, check: (_ exists: Bool) throws(FileSystemError) -> Void
    ) throws(FileSystemError) {
        try namespace.locked { tree throws(FileSystemError) in
            let node = try tree.node(file)
            try check(try keptValue(name, of: node) != nil)
            var record = node.record
            record.attributes.changed = now()
            guard !node.isUnlinked else {
                return try tree.update(file) { node in
                    node.orphaned[name] = value
                    node.record = record
                }
            }
            try namespace.journalled([.setExtendedAttribute(file, name: name, value: value), .updateNode(record)])
            tree.recorded(record)
            try touch(record, in: tree)
        }
    }

    /// Asked without any lock of ours: the engine may ask us for the path.
    private func virtualAttributes(of inode: UInt64) -> [(name: String, value: String)] {
        guard let status = uploads.status(of: FileID(inode)), !namespace.isOthers(FileID(inode)) else { return [] }
        var attributes = [
            ("phase", status.phase.rawValue), ("progress", Percent.text(status.percent, digits: 1)),
        ]
        if let receipt = status.receipt {
            attributes.append(("url", receipt.url))
            attributes.append(("digest", receipt.digest))
        }
        if let failure = status.failure ?? status.readFailure { attributes.append(("error", failure.reason)) }
        return attributes.map { (Self.virtual + $0.0, $0.1) }
    }
}
