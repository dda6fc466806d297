import UploadCore

/// A node that somebody holds: the kernel, an open handle, or the engine's claim. All others live in
/// the journal alone, so that memory does not grow with what has been uploaded.
struct CachedNode: Sendable {
    /// As the journal has it, but for `isPublished` while the node is claimed.
    var record: NodeRecord
    /// How often the kernel was told of this inode and has not forgotten it.
    var lookups: UInt64 = 0
    var claims = 0
    /// An update was journalled during a claim and may have overwritten `isPublished`.
    var updatedWhileClaimed = false
    var isUnlinked = false
    /// Extended attributes of what is unlinked: the journal has none of it.
    var orphaned: [String: [UInt8]] = [:]
    /// Of a file that is open; of an unlinked one for as long as the kernel knows it: who has looked its name up before
    /// may open it still.
    var content: Content?

    init(_ record: NodeRecord) {
        self.record = record
    }

    var isHeld: Bool { lookups > 0 || claims > 0 || isOpen || record.file == .root }

    private var isOpen: Bool {
        guard let content else { return false }
        return !isUnlinked || content.hasHandles
    }

    /// What stat(2) tells: the record, and what writers have done to it since.
    var attributes: FileAttributes {
        var attributes = FileAttributes(record)
        attributes.links = isUnlinked ? 0 : UInt32(record.names)
        guard let live = content?.live else { return attributes }
        attributes.size = live.size
        if let modified = live.modified {
            attributes.times.modified = modified
            attributes.times.changed = max(attributes.times.changed, modified)
        }
        return attributes
    }
}
