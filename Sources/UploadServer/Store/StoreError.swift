import Glibc

/// Why the store did not do what it was asked for. `Routes/Refusal` tells each in HTTP.
enum StoreError: Error, Sendable, Hashable {
    /// Never known, expired, aborted.
    case unknownSession
    /// The session is being finalized, or has been: no chunk more.
    case sessionClosed
    /// A newer request for the same chunk took over.
    case superseded
    case tooManySessions
    /// The bytes are not those that the digest was made of. Nothing of them counts as stored.
    case digestMismatch
    case missingChunks([Int])
    /// The name, or a part of it, is taken by something a file can't replace or lie below.
    case nameTaken(String)
    /// The session was finalized before, with another name, size or digest.
    case finalizedDifferently
    /// The same client has published a later version under this name.
    case outdated
    case noSuchFile
    /// The request ended before its body did.
    case bodyBroken
    /// ENOSPC or EDQUOT.
    case diskFull
    /// EFBIG: more than the filesystem below can hold in one file.
    case beyondFilesystem
    /// The server is going down and takes no more work.
    case shuttingDown
    case system(call: String, errno: Int32)

    /// The failure of the system call that returned just now.
    static func last(_ call: String) -> StoreError {
        from(errno, call)
    }

    static func from(_ code: Int32, _ call: String) -> StoreError {
        switch code {
        case ENOSPC, EDQUOT: .diskFull
        case EFBIG: .beyondFilesystem
        default: .system(call: call, errno: code)
        }
    }
}
