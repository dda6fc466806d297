package enum NodeKind: Int, Sendable {
    case directory = 0
    case file = 1
    /// Symbolic link. It lives in the tree alone: nothing of it travels.
    case link = 2
}

/// What stat(2) tells of a node besides its size.
package struct NodeAttributes: Hashable, Sendable {
    /// Permission bits only (07777); the kind is told by `NodeKind`.
    package var mode: UInt32
    package var owner: UInt32
    package var group: UInt32
    package var accessed: Timestamp
    package var modified: Timestamp
    package var changed: Timestamp

    package init(
        mode: UInt32, owner: UInt32, group: UInt32, accessed: Timestamp, modified: Timestamp, changed: Timestamp
    ) {
        self.mode = mode
        self.owner = owner
        self.group = group
        self.accessed = accessed
        self.modified = modified
        self.changed = changed
    }
}

/// Where a node lies.
package struct NodePlace: Hashable, Sendable {
    package let file: FileID
    package let parent: FileID
    package let name: FileName

    package init(file: FileID, parent: FileID, name: FileName) {
        self.file = file
        self.parent = parent
        self.name = name
    }
}

/// A file or directory as the journal keeps it.
package struct NodeRecord: Hashable, Sendable {
    package let file: FileID
    package var parent: FileID
    /// nil for the root alone.
    package var name: FileName?
    package let kind: NodeKind
    package var attributes: NodeAttributes
    /// Bytes, as of the last close; of a link those of its target; 0 for directories.
    package var size: Int64
    /// Whose spool file holds the content; nil for directories and links, and for files that were only listed.
    package var version: VersionID?
    /// Some version of it is at the destination under the path it has now.
    package var isPublished: Bool
    /// Where a link points, byte for byte as symlink(2) was told; nil for all others.
    package let target: [UInt8]?
    /// This is a further name of that node, as link(2) gives: its attributes and its content are that one's, its
    /// versions and whether it is published are its own. nil for a node's first name.
    package let hardLinkOf: FileID?
    /// How many names a node has, st_nlink; 1 for further names.
    package var names: Int
    /// The close of the file it stands for that this name is not to be published with: somebody cancelled that.
    package var declined: Timestamp?
    /// The last close of the file it stands for that this name was given: it outlives the row of the upload.
    package var given: Timestamp?
    /// The last listing that was begun before this was known to be at the destination (`ListingJournal`); nil: never.
    /// Of a directory that was made here it stays nil.
    package var listed: Int64?
    /// What a listing told the content apart by. Of a file without a version: the content that it has.
    package var tag: String?
    /// Of a directory: when the last complete listing of it was begun.
    package var lookedInto: Timestamp?

    package init(
        file: FileID, parent: FileID, name: FileName?, kind: NodeKind, attributes: NodeAttributes, size: Int64 = 0,
        version: VersionID? = nil, isPublished: Bool = false, target: [UInt8]? = nil, hardLinkOf: FileID? = nil,
        names: Int = 1, declined: Timestamp? = nil, given: Timestamp? = nil, listed: Int64? = nil, tag: String? = nil,
        lookedInto: Timestamp? = nil
    ) {
        self.listed = listed
        self.tag = tag
        self.lookedInto = lookedInto
        self.target = target
        self.hardLinkOf = hardLinkOf
        self.names = names
        self.declined = declined
        self.given = given
        self.file = file
        self.parent = parent
        self.name = name
        self.kind = kind
        self.attributes = attributes
        self.size = size
        self.version = version
        self.isPublished = isPublished
    }
}

extension NodeRecord {
    /// The names that a link's target goes through, in their order, without what means no step; none when it is no
    /// UTF-8, and leads to nothing here then.
    package static func steps(of target: [UInt8]) -> [Substring] {
        guard let text = String(validating: target, as: UTF8.self) else { return [] }
        return text.split(separator: "/").filter { $0 != "." }
    }

    package var targetSteps: [Substring] { target.map(Self.steps) ?? [] }
}
