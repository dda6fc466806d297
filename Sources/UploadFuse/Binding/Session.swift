import CFuse
import Dispatch
import Glibc
import Synchronization

/// One libfuse session, from the mount to the last reply.
///
/// `@unchecked Sendable`: `session` is made in `init`, used by the thread that calls `run` (and
/// libfuse's own, below it), and freed by `finish`, which runs once (`phase`), after the loop has
/// ended and every parked reply is answered. `detach` and `abort` don't use it.
final class Session: @unchecked Sendable {
    private let context: SessionContext
    private let session: OpaquePointer
    let mountpoint: String
    /// The number of the connection below /sys/fs/fuse/connections.
    private let connection: UInt32?

    private let notices = KernelNotices()
    private let phase = Mutex(Phase.mounted)
    private let loop = DispatchGroup()

    private enum Phase {
        case mounted, running, ended
    }

    /// Requests are short and local, so more threads than this only hold more buffers.
    private static let threads: UInt32 = 8

    init(_ fileSystem: FileSystem, mountpoint: String) throws(MountError) {
        let context = SessionContext(fileSystem: fileSystem)
        let userdata = Unmanaged.passUnretained(context).toOpaque()
        var operations = makeOperationTable()
        var arguments = fuse_args()
        defer { fuse_opt_free_args(&arguments) }
        for word in Self.words(fileSystem.configuration) { fuse_opt_add_arg(&arguments, word) }
        guard
            let session = fuse_session_new(&arguments, &operations, MemoryLayout<fuse_lowlevel_ops>.size, userdata)
        else { throw .other(LibfuseLog.lastLine ?? "libfuse refused the session") }
        guard fuse_session_mount(session, mountpoint) == 0 else {
            fuse_session_destroy(session)
            throw .other(LibfuseLog.lastLine ?? "libfuse could not mount")
        }
        self.context = context
        self.session = session
        self.mountpoint = mountpoint
        connection = MountTable.current().last(at: mountpoint)?.minor
        context.fileSystem.kernel.connect { [notices] change in
            // Never on the thread of a request: the kernel may hold a lock for it that the notice needs.
            notices.queue.async { notices.send(change) }
        }
        notices.open(session)
    }

    private static func words(_ configuration: MountConfiguration) -> [String] {
        // A comma would begin the next option, so libfuse wants it escaped.
        let source = configuration.destination.isEmpty ? "uploadfs" : configuration.destination
        let escaped = source.replacing("\\", with: "\\\\").replacing(",", with: "\\,")
        return ["uploadfs", "-o", "fsname=\(escaped)", "-o", "subtype=uploadfs,default_permissions,nosuid,nodev"]
    }

    deinit {
        finish()
    }

    /// Answers the kernel until the mount is gone.
    /// - Returns: 0, or the errno that ended the loop.
    func run() -> Int32 {
        let mayRun = phase.withLock { phase in
            guard case .mounted = phase else { return false }
            phase = .running
            loop.enter()
            return true
        }
        guard mayRun else { return EBUSY }
        let result = uploadfs_session_loop(session, 1, Self.threads)
        finish()
        loop.leave()
        // A request that went with the mount while it was being read is no failure.
        return result < 0 && result != -ECONNABORTED ? -result : 0
    }

    /// Takes the mountpoint away and waits for the loop. Those who hold files open have `grace`; then
    /// the connection is cut.
    func end(grace: DispatchTimeInterval) -> EndResult {
        context.parked.end()
        let isDetached = Detachment.detach(mountpoint)
        guard phase.withLock({ $0 == .running }) else {
            finish()
            return .ended
        }
        if isDetached, loop.wait(timeout: .now() + grace) == .success { return .ended }
        guard let connection, Detachment.abort(connection: connection) else { return .notEnded }
        return loop.wait(timeout: .now() + grace) == .success ? .aborted : .notEnded
    }

    enum EndResult: Sendable {
        case ended
        /// Somebody still had files open; their calls fail now.
        case aborted
        /// Neither could be done; the end of the process will do it.
        case notEnded
    }

    private func finish() {
        let isFirst = phase.withLock { phase in
            defer { phase = .ended }
            return phase != .ended
        }
        guard isFirst else { return }
        context.parked.drain()
        context.fileSystem.kernel.connect(nil)
        notices.close()
        fuse_session_unmount(session)
        fuse_session_destroy(session)
    }
}
