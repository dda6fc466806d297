import UploadCore

/// Where symbolic links lead, as path_resolution(7) says, without opening anything.
extension Tree {
    /// The file of this mount that a link leads to; nil: to a directory, to nothing, or out of the mount.
    /// - Parameter mountpoint: what absolute targets begin with that lead here.
    func followed(_ link: NodeRecord, below mountpoint: String) throws(FileSystemError) -> CachedNode? {
        guard link.kind == .link, var rest = Self.steps(link, below: mountpoint) else { return nil }
        var place = try node(link.target?.first == UInt8(ascii: "/") ? .root : link.parent)
        var jumps = 0
        while let step = rest.popLast() {
            if step == ".." {
                guard place.record.file != .root else { return nil }
                place = try node(place.record.parent)
                continue
            }
            guard place.record.kind == .directory, let name = try? FileName(String(step)),
                let child = try child(name, of: place.record.file)
            else { return nil }
            guard child.record.kind == .link else {
                place = try inode(of: child)
                continue
            }
            jumps += 1
            guard jumps <= Self.mostJumps, let more = Self.steps(child.record, below: mountpoint) else { return nil }
            if child.record.target?.first == UInt8(ascii: "/") { place = try node(.root) }
            rest += more
        }
        return place.record.kind == .file ? place : nil
    }

    /// As Linux has it: MAXSYMLINKS.
    private static let mostJumps = 40

    /// The names on the way, the last one first; nil when it leads out of the mount.
    private static func steps(_ link: NodeRecord, below mountpoint: String) -> [Substring]? {
        var steps = link.targetSteps[...]
        if link.target?.first == UInt8(ascii: "/") {
            let way = mountpoint.split(separator: "/")
            // By their bytes, as the kernel compares names.
            guard steps.starts(with: way, by: { $0.utf8.elementsEqual($1.utf8) }) else { return nil }
            steps = steps.dropFirst(way.count)
        }
        return steps.reversed()
    }

    /// The node whose bytes are published under a name: of a link that is followed it is where that leads.
    func source(of name: CachedNode, below mountpoint: String) throws(FileSystemError) -> CachedNode {
        if let followed = try followed(name.record, below: mountpoint) { return followed }
        return try inode(of: name)
    }

    /// The links that lead to a file, in the order in which they were made.
    func followers(of file: NodeRecord, below mountpoint: String) throws(FileSystemError) -> [NodeRecord] {
        let names = try ([file] + hardLinks(of: file).map(\.record)).compactMap { $0.name?.text }
        var followers: [NodeRecord] = []
        for link in try links(through: names) {
            if try followed(link, below: mountpoint)?.record.file == file.file { followers.append(link) }
        }
        return followers
    }

    /// The links that lead through one of these names, or through a link that does.
    func links(through names: [String]) throws(FileSystemError) -> [NodeRecord] {
        var links: [FileID: NodeRecord] = [:]
        var names = names
        while !names.isEmpty {
            let found = try journalled { () throws(JournalError) in try journal.symbolicLinks(through: names) }
            names = []
            for link in found where links[link.file] == nil {
                links[link.file] = link
                if let name = link.name { names.append(name.text) }
            }
        }
        return links.values.sorted { $0.file < $1.file }
    }
}
