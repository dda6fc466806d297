import UploadCore

/// One open(2) of a file.
final class FileHandle: Sendable {
    let content: Content
    let isWriter: Bool
    /// A version that was closed before this open, is not published, and of which a part has left the spool: changed
    /// in place it would no longer be what its close promised, and there can't be a copy.
    private let sealed: VersionID?

    init(content: Content, isWriter: Bool, sealed: VersionID? = nil) {
        self.content = content
        self.isWriter = isWriter
        self.sealed = sealed
    }

    var file: FileID { content.file }

    /// Nothing may be written through it, until the file is begun anew.
    var isSealed: Bool { sealed.map { $0 == content.locked(\.version) } ?? false }
}
