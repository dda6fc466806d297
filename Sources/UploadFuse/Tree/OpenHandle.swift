import UploadCore

/// What the kernel has open, whatever it is.
enum OpenHandle: Sendable {
    case file(FileHandle)
    case directory(DirectoryHandle)
    case status(StatusText)
    case wait(WaitFile)
    case sync(SyncFile)
    case control(ControlFile)
}
