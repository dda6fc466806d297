import UploadCore

/// `--follow-symlinks`: a symbolic link that leads to a file of this mount is published as what that is whenever it is
/// closed, or comes to its place. Of what lies outside nothing is read: the mount may have more rights than who made
/// the link. A link that leads nowhere any more stays published as it was.
extension FileSystem {
    /// Names under which a node is published besides its first: hard links, and links that lead to it.
    func companions(of node: NodeRecord, in tree: Tree) throws(FileSystemError) -> [NodeRecord] {
        guard node.kind == .file else { return [] }
        let hardLinks = try tree.hardLinks(of: node).map(\.record)
        guard configuration.followsSymlinks else { return hardLinks }
        return try hardLinks + tree.followers(of: node, below: configuration.mountpoint)
    }

    /// A name has come into being, or to another place: links may lead elsewhere now.
    func follow(_ named: FileID, in tree: inout Tree) {
        guard configuration.followsSymlinks else { return }
        do throws(FileSystemError) {
            let node = try tree.node(named)
            switch node.record.kind {
            case .file: try complete(tree.inode(of: node).record.file, in: &tree)
            case .directory, .link:
                // Also what leads through it.
                try completeFollowed(in: &tree)
                let leads = try tree.followed(node.record, below: configuration.mountpoint) != nil
                if !leads, node.record.version != nil { uploads.post(.removed(named)) }
            }
        } catch {
            // Who made the name has it all the same.
            note(error, in: "follow")
        }
    }

    /// Every file that a link leads to is published under its name, too.
    func completeFollowed(in tree: inout Tree) throws(FileSystemError) {
        guard configuration.followsSymlinks else { return }
        var files: Set<FileID> = []
        for link in try journalled({ () throws(JournalError) in try journal.symbolicLinks() }) {
            let file = try tree.followed(link, below: configuration.mountpoint)
            if let file { files.insert(file.record.file) }
        }
        for file in files.sorted() { completed(file, in: &tree) }
    }
}
