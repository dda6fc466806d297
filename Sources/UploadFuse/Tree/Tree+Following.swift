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
        guard let target = link.target, var text = String(validating: target, as: UTF8.self)?[...] else { return nil }
        if text.first == "/" {
            guard text == mountpoint || text.hasPrefix(mountpoint + "/") else { return nil }
            text = text.dropFirst(mountpoint.count)
        }
        return text.split(separator: "/").filter { $0 != "." }.reversed()
    }

    /// The links that lead to a file, in the order in which they were made.
    func followers(of file: NodeRecord, below mountpoint: String) throws(FileSystemError) -> [NodeRecord] {
        let links = try journalled { () throws(JournalError) in try journal.symbolicLinks() }
        guard !links.isEmpty else { return [] }
        // Only a target that ends with one of its names, or with that of a link to it, can lead here.
        var names = Set(try ([file] + hardLinks(of: file).map(\.record)).compactMap { $0.name?.text })
        var rest = links
        var likely: Set<FileID> = []
        while true {
            let more = rest.filter { link in Self.lastStep(link).map { names.contains($0) } ?? false }
            guard !more.isEmpty else { break }
            likely.formUnion(more.map(\.file))
            names.formUnion(more.compactMap { $0.name?.text })
            rest.removeAll { likely.contains($0.file) }
        }
        var followers: [NodeRecord] = []
        for link in links where likely.contains(link.file) {
            if try followed(link, below: mountpoint)?.record.file == file.file { followers.append(link) }
        }
        return followers
    }

    private static func lastStep(_ link: NodeRecord) -> String? {
        link.target.flatMap { $0.split(separator: UInt8(ascii: "/")).last }.map { String(decoding: $0, as: UTF8.self) }
    }
}
