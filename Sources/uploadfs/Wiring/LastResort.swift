import Dispatch
import Glibc
import ServiceLifecycle

/// Ends the process when its orderly end takes too long, as where a call hangs in the disk below the state directory.
/// What close(2) has accepted survives that as it survives a kill.
struct LastResort: Service {
    /// From the signal on, or from the end of the mount.
    static let limit: DispatchTimeInterval = .seconds(5)

    func run() async throws {
        // The first to hear of it, since services are ended in reverse.
        try await gracefulShutdown()
        // Its own queue: those threads that all share may be the ones that hang.
        DispatchQueue(label: "uploadfs.last-resort").asyncAfter(deadline: .now() + Self.limit) {
            var text = """
                uploadfs: Something hangs (as a rule the disk below the state directory), so it is ended as by a kill. \
                What was closed is kept: mount again, and it goes up.

                """
            // Neither the log nor exit(3), which may wait for a thread that hangs, nor a pipe that nobody empties.
            var output = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
            if poll(&output, 1, 0) > 0 {
                text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
            }
            _exit(CommandFailure.Code.failure.rawValue)
        }
    }
}
