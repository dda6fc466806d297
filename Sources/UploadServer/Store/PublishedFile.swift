import Glibc
import UploadCore

/// A published file, opened for reading: one that is replaced meanwhile stays what it was.
struct PublishedFile: Sendable {
    let file: OpenFile
    let size: Int64
    let modified: Timestamp
    /// nil when nobody told it.
    let contentType: String?
    let digest: ContentDigest

    static let contentTypeAttribute = "user.mime_type"

    /// Walks down name by name and follows no symbolic link. Blocks on the disk, and reads the whole file when
    /// its digest is not known.
    static func open(_ path: UploadPath, below root: OpenFile) throws(StoreError) -> PublishedFile {
        guard let name = path.name?.text else { throw .noSuchFile }
        let file: OpenFile
        do throws(StoreError) {
            var directory = root
            for component in path.components.dropLast() {
                directory = try .open(component.text, below: directory, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            }
            // Not blocking, or else a FIFO that somebody put there would stop us.
            file = try .open(name, below: directory, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch .system(_, let code) where [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENXIO].contains(code) {
            throw .noSuchFile
        }
        let status = try file.status()
        guard status.isRegular else { throw .noSuchFile }
        let digest: ContentDigest
        if let known = file.rememberedDigest(status: status) {
            digest = known
        } else {
            digest = try file.digest(of: 0..<Int64(status.st_size))
            file.remember(digest, status: status)
        }
        return PublishedFile(
            file: file, size: Int64(status.st_size), modified: status.modified,
            contentType: file.attribute(Self.contentTypeAttribute), digest: digest)
    }
}

extension OpenFile {
    private static let digestAttribute = "user.uploadfs.sha256"

    /// Keeps the digest with the file, and with it what the file looked like, so that a later change is noticed.
    func remember(_ digest: ContentDigest, status: stat) {
        setAttribute(Self.digestAttribute, to: "\(status.likeness) \(digest.hex)")
    }

    /// - Returns: nil when none was kept, or the file has changed since.
    func rememberedDigest(status: stat) -> ContentDigest? {
        guard let value = attribute(Self.digestAttribute), value.hasPrefix(status.likeness + " ") else { return nil }
        return ContentDigest(hex: value.dropFirst(status.likeness.count + 1))
    }
}

extension stat {
    /// Size and time of change, which differ when the content does.
    fileprivate var likeness: String { "\(st_size) \(modified.nanoseconds)" }
}
