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
    /// - Parameter hasMoved: what a link was to be published with is none of its own, where it leads to no file now.
    func follow(_ named: FileID, hasMoved: Bool = true, in tree: inout Tree) {
        guard configuration.followsSymlinks else { return }
        do throws(FileSystemError) {
            let node = try tree.node(named)
            guard let name = node.record.name?.text else { return }
            switch node.record.kind {
            case .file: completed(try tree.inode(of: node).record.file, in: &tree)
            // Those that are in it may lead out of it.
            case .directory: try completeFollowed(by: tree.links(through: [name, ".."]), in: &tree)
            case .link:
                try completeFollowed(by: [node.record] + tree.links(through: [name]), in: &tree)
                let leads = try tree.followed(node.record, below: configuration.mountpoint) != nil
                if hasMoved, !leads, node.record.version != nil { uploads.post(.removed(named)) }
            }
        } catch {
            // Who made the name has it all the same.
            note(error, in: "follow")
        }
    }

    /// Names are about to change by which links lead to files: what was closed before that, and has not come to the
    /// links since the kernel has not let go of the handle yet, does now.
    /// - Returns: the closes that they got.
    func completeFollowed(in tree: inout Tree) -> [VersionID: Timestamp] {
        guard configuration.followsSymlinks else { return [:] }
        var closes: [VersionID: Timestamp] = [:]
        for file in tree.written { closes.merge(completed(file, in: &tree)) { $1 } }
        return closes
    }

    /// Each of these links is published as the file that it leads to.
    func completeFollowed(by links: [NodeRecord], in tree: inout Tree) throws(FileSystemError) {
        var names: [FileID: [NodeRecord]] = [:]
        for link in links {
            guard let file = try tree.followed(link, below: configuration.mountpoint)?.record.file else { continue }
            names[file, default: []].append(link)
        }
        for (file, names) in names.sorted(by: { $0.key < $1.key }) { completed(file, for: names, in: &tree) }
    }
}
