import UploadCore

/// One open(2) of a file.
final class FileHandle: Sendable {
    let file: FileID
    let content: Content
    let isWriter: Bool

    init(file: FileID, content: Content, isWriter: Bool) {
        self.file = file
        self.content = content
        self.isWriter = isWriter
    }
}
