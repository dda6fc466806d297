import Logging
import UploadCore

/// What close(2) was answered for survives a kill -9 (P1), also when somebody opens the file again and is in the
/// middle of changing it: as long as it is not published, the changes go into a copy, which is a version of its
/// own, and is published when it is closed.
extension FileSystem {
    /// Call before the first change of a content, without any lock.
    /// - Parameter size: what the file would have at least. More than is allowed is refused later, and not copied for.
    /// - Throws: `released` when nothing may change what was closed: it is whole, and stays so.
    func prepareChange(through handle: FileHandle, size: Int64) throws(FileSystemError) {
        guard !handle.isSealed else {
            explainOnce("of a file that was closed a part has left the spool: it can be replaced, not changed")
            throw .released
        }
        let content = handle.content
        guard let promised = content.promised, size <= configuration.maximumFileSize() ?? .max else { return }
        let version = try namespace.locked { tree throws(FileSystemError) in tree.newVersion() }
        let copy: any SpoolFile
        do throws(SpoolError) {
            guard let made = try spool.copy(promised.file, to: version) else {
                explainOnce(
                    "a big file is changed in place before it is published: killed in the middle of it, it is interrupted"
                )
                return content.breakPromise()
            }
            copy = made
        } catch {
            throw FileSystemError(error)
        }
        let taken = Result { () throws(FileSystemError) in
            try namespace.locked { tree throws(FileSystemError) in
                try take(copy, of: promised.file.version, size: promised.size, for: handle, in: &tree)
            }
        }
        if case .success(true) = taken { return }
        // Refused, or somebody was quicker.
        try spooled { () throws(SpoolError) in try spool.remove(version) }
        _ = try taken.get()
    }

    private func take(
        _ copy: any SpoolFile, of original: VersionID, size: Int64, for handle: FileHandle, in tree: inout Tree
    ) throws(FileSystemError) -> Bool {
        let content = handle.content
        let node = try tree.node(content.file)
        if node.isUnlinked { return try takeNameless(copy, of: original, size: size, for: handle) }
        guard let path = try tree.path(of: content.file) else { return false }
        let newborn = newborn(
            copy.version, of: content.file, at: path, size: size, names: node.record.names, created: now())
        var record = node.record
        record.version = copy.version
        let owed = try content.goOn(
            in: copy, insteadOf: original, track: newborn.opened.track, through: handle
        ) { () throws(FileSystemError) in
            try namespace.journalled([.insertUpload(newborn.upload), .updateNode(record)])
        }
        guard let owed else { return false }
        tree.recorded(record)
        uploads.post(owed)
        uploads.post(.opened(newborn.opened))
        return true
    }

    /// The journal knows nothing of it: as of any file without a name, its bytes go with its last handle.
    private func takeNameless(
        _ copy: any SpoolFile, of original: VersionID, size: Int64, for handle: FileHandle
    ) throws(FileSystemError) -> Bool {
        let track = WriteTrack(size: size, schedule: configuration.schedule(ContentType.unknown))
        let owed = try handle.content.goOn(in: copy, insteadOf: original, track: track, through: handle) {}
        guard owed != nil else { return false }
        try spooled { () throws(SpoolError) in try spool.remove(copy.version) }
        return true
    }
}
