import Glibc
import UploadCore

/// Puts a finished file under its name, below the server's directory and nowhere else: no symbolic link
/// is followed, whoever made it. All of it blocks on the disk.
struct Publisher: Sendable {
    let root: OpenFile
    let order = PublishOrder()
    /// The wall clock.
    let now: @Sendable () -> Timestamp

    /// A complete file that is still under its working name.
    struct Content: Sendable {
        let file: OpenFile
        let directory: OpenFile
        let name: String
        let size: Int64
        let digest: ContentDigest
        let contentType: String
        let metadata: ObjectMetadata
    }

    /// When it returns, the file is there under its name, also after a power failure. Whatever file had the name
    /// before is replaced at once: nobody ever sees a part of one.
    /// - Parameter beforeRename: the last thing that happens before the file becomes visible.
    /// - Returns: whether there was a file of that name before.
    /// - Throws: `outdated` when a later version is there already.
    @discardableResult
    func publish(
        _ content: Content, as path: UploadPath, beforeRename: () throws(StoreError) -> Void = {}
    ) throws(StoreError) -> Bool {
        guard let name = path.name?.text else { throw .noSuchFile }
        let target = try makeDirectories(path.components.dropLast())
        try describe(content)
        try content.file.synchronize()
        var isReplaced = false
        try order.publish(path, content.metadata.order) { () throws(StoreError) in
            isReplaced = faccessat(target.descriptor, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
            try beforeRename()
            guard renameat(content.directory.descriptor, content.name, target.descriptor, name) == 0 else {
                throw Self.nameError("rename", path.text)
            }
        }
        try target.synchronize()
        return isReplaced
    }

    /// Mode, time and what we know of the content, kept with the file itself.
    private func describe(_ content: Content) throws(StoreError) {
        try content.file.setMode(content.metadata.permissions)
        let modified = content.metadata.modified ?? now()
        try content.file.setModified(modified)
        // Read back what the filesystem made of it: some keep coarser times.
        let status = try content.file.status()
        content.file.remember(content.digest, status: status)
        content.file.setAttribute(PublishedFile.contentTypeAttribute, to: content.contentType)
    }

    /// Opens the directory of that path and makes what is not there of it, one name at a time.
    private func makeDirectories(_ names: ArraySlice<FileName>) throws(StoreError) -> OpenFile {
        var directory = root
        for name in names {
            directory = try openOrMake(name.text, below: directory)
        }
        return directory
    }

    private func openOrMake(_ name: String, below parent: OpenFile) throws(StoreError) -> OpenFile {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        do throws(StoreError) {
            return try .open(name, below: parent, flags: flags)
        } catch .system(_, ENOENT) {
            guard mkdirat(parent.descriptor, name, 0o755) == 0 || errno == EEXIST else {
                throw Self.nameError("mkdir", name)
            }
            try parent.synchronize()
        } catch .system(_, let code) {
            throw Self.nameError("open", name, code)
        }
        do throws(StoreError) {
            return try .open(name, below: parent, flags: flags)
        } catch .system(_, let code) {
            throw Self.nameError("open", name, code)
        }
    }

    private static func nameError(_ call: String, _ name: String, _ code: Int32 = errno) -> StoreError {
        switch code {
        case ENOTDIR, ELOOP: .nameTaken("\"\(name)\" is not a directory here, so nothing can lie below it.")
        case EISDIR, EEXIST, ENOTEMPTY: .nameTaken("\"\(name)\" is a directory here.")
        case ENAMETOOLONG: .nameTaken("\"\(name)\" is longer than the server's filesystem allows.")
        default: .from(code, call)
        }
    }
}
