import Glibc
import UploadCore

/// What stat(2) tells of one inode.
struct FileAttributes: Sendable, Hashable {
    struct Times: Sendable, Hashable {
        var accessed: Timestamp
        var modified: Timestamp
        var changed: Timestamp
    }

    var inode: UInt64
    var kind: NodeKind
    /// Permission bits.
    var permissions: UInt32
    var owner: UInt32
    var group: UInt32
    var size: Int64
    var times: Times
    /// Bytes of the spool's disk; 0 when it has none of them, or they are not counted.
    var occupied: Int64 = 0
    /// 0 when it was unlinked. Directories say 1, "not counted", as on btrfs: the true count would cost
    /// a query for each stat, and find(1) takes 1 for what it is.
    var links: UInt32 = 1

    init(
        inode: UInt64, kind: NodeKind, permissions: UInt32, owner: UInt32, group: UInt32, size: Int64, times: Times
    ) {
        self.inode = inode
        self.kind = kind
        self.permissions = permissions
        self.owner = owner
        self.group = group
        self.size = size
        self.times = times
    }

    init(_ record: NodeRecord) {
        let kept = record.attributes
        self.init(
            inode: record.file.rawValue, kind: record.kind, permissions: kept.mode, owner: kept.owner,
            group: kept.group, size: record.size,
            times: Times(accessed: kept.accessed, modified: kept.modified, changed: kept.changed))
    }

    /// st_blocks: 512 bytes each. A file with bytes is never said to have no block: tar(1) would take it for a hole as a
    /// whole, and not read it. What is at the destination alone counts as it would here.
    var blocks: Int64 {
        guard kind == .file else { return 0 }
        return occupied > 0 ? occupied / 512 : (size + 4095) / 4096 * 8
    }

    /// st_mode: kind and permissions.
    var mode: UInt32 {
        switch kind {
        case .directory: UInt32(S_IFDIR) | permissions
        case .file: UInt32(S_IFREG) | permissions
        case .link: UInt32(S_IFLNK) | permissions
        }
    }

}

/// The answer to a lookup.
struct Entry: Sendable, Hashable {
    var attributes: FileAttributes
    /// Seconds for which the kernel may answer from memory.
    var validity: Double
}
