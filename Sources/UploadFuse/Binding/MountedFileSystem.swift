import Dispatch
package import Logging
import Synchronization
package import UploadCore

/// The mount, as the rest of the house sees it: `mount`, `run`, `unmount`, in that order.
///
/// Signals are the executable's. It should ignore SIGPIPE: libfuse may write to a pipe that is gone.
package final class MountedFileSystem: Sendable {
    private let configuration: MountConfiguration
    private let logger: Logger
    private let session = Mutex<Session?>(nil)
    let fileSystem: FileSystem

    /// How many requests who looks into directories makes at once.
    package static let listingsAtOnce = ListingTurns.lanes

    /// - Parameters:
    ///   - namespace: made before the engine, from the same configuration.
    ///   - remoteFiles: what is published and no longer here; nil: that can't be read.
    package init(
        namespace: Namespace, uploads: any Uploads, remoteFiles: (any RemoteFiles)? = nil, logger: Logger
    ) {
        self.configuration = namespace.configuration
        self.logger = logger
        fileSystem = FileSystem(
            namespace: namespace, uploads: uploads, remoteFiles: remoteFiles, logger: logger)
    }

    /// Mounts; call after the engine has taken up what was there. From here on calls on the mount wait, until `run` answers them.
    package func mount() throws(MountError) {
        LibfuseLog.send(to: logger)
        fileSystem.completeNames()
        let path = try MountpointCheck.check(configuration.mountpoint)
        let mounted = try Session(fileSystem, mountpoint: path)
        session.withLock { $0 = mounted }
    }

    /// Answers the kernel on this thread and libfuse's own, until the mount is gone: by `unmount`, by
    /// umount(8) or fusermount3(1).
    /// - Returns: 0, or the errno that ended it.
    package func run() -> Int32 {
        guard let session = session.withLock({ $0 }) else { return 0 }
        let result = session.run()
        if result != 0 { logger.error("the mount ended by itself", metadata: ["errno": "\(result)"]) }
        return result
    }

    /// Nothing is asked of the destination any more, by who looks into directories; returns when what was under way has
    /// ended. Call after `run`.
    package func endListing() async {
        await fileSystem.turns?.end()
    }

    /// Takes the mount away, from any other thread than `run`'s, and returns when `run` has ended.
    /// Waits of `wait/PATH` end at once; who has files open keeps them for `grace`, then their calls
    /// fail. Unmounted twice is no error.
    package func unmount(grace: Duration) {
        guard let session = session.withLock({ $0 }) else { return }
        let (seconds, attoseconds) = grace.components
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        switch session.end(grace: .milliseconds(Int(clamping: milliseconds))) {
        case .ended: break
        case .aborted:
            logger.notice("files were still open when the mount was taken away; their programs get errors")
        case .notEnded:
            logger.warning("the mount could not be taken away; it ends with this process")
        }
    }
}
