import CFuse

/// What libfuse hands to every callback as `userdata`. Kept alive by `Session` for as long as there
/// is a session.
final class SessionContext: Sendable {
    let fileSystem: FileSystem
    let parked = ParkedReplies()

    init(fileSystem: FileSystem) {
        self.fileSystem = fileSystem
    }

    /// Proof: `Session` passes an unretained pointer to this very class, and outlives the session.
    static func of(_ request: fuse_req_t?) -> SessionContext {
        of(userdata: fuse_req_userdata(request))
    }

    static func of(userdata: UnsafeMutableRawPointer) -> SessionContext {
        Unmanaged<SessionContext>.fromOpaque(userdata).takeUnretainedValue()
    }
}
