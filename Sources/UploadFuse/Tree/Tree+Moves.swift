import UploadCore

/// What is owed of published objects, and where those lie.
extension Tree {
    func owedMove(of file: FileID) throws(FileSystemError) -> OwedMove? {
        try journalled { () throws(JournalError) in try journal.owedMove(of: file) }
    }

    func owedMove(_ number: Int64) throws(FileSystemError) -> OwedMove? {
        try journalled { () throws(JournalError) in try journal.owedMove(number) }
    }

    /// Of the object that lies there.
    func owedMove(from path: UploadPath) throws(FileSystemError) -> OwedMove? {
        try journalled { () throws(JournalError) in try journal.owedMove(from: path) }
    }

    /// The object of a published node that nothing is owed of; nil: it has no name any more.
    func object(of node: CachedNode) throws(FileSystemError) -> ObjectReference? {
        guard let path = try path(of: node.record.file) else { return nil }
        // What was only listed is known by what the listing told of it.
        if node.record.kind == .file, node.record.version == nil {
            return ObjectReference(path: path, size: node.record.size, tag: node.record.tag)
        }
        let (uploads, listed) = try journalled { () throws(JournalError) in
            (try journal.uploads(of: node.record.file), try journal.node(node.record.file)?.tag)
        }
        // Written anew, and not published yet: what a listing has told of is there.
        if let listed, uploads.last(where: { $0.version == node.record.version })?.receipt == nil {
            return ObjectReference(path: path, tag: listed)
        }
        let receipt = uploads.last { $0.receipt != nil }?.receipt
        return ObjectReference(path: path, url: receipt?.url, size: receipt?.size)
    }

    /// Objects wait for each other's names, one behind the other. Would they do so in a circle?
    /// - Parameter place: where this one's object is to come.
    func wouldCircle(_ node: CachedNode, to place: UploadPath) throws(FileSystemError) -> Bool {
        let file = node.record.file
        let start = if let owed = try owedMove(of: file) { owed.object.path } else { try path(of: file) }
        var seen: Set<UploadPath> = []
        var place = place
        while seen.insert(place).inserted {
            guard let other = try owedMove(from: place)?.file, other != file, let next = try path(of: other) else {
                return false
            }
            if next == start { return true }
            place = next
        }
        return true
    }
}
