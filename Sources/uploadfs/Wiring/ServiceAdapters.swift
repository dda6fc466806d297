import Dispatch
import Logging
import ServiceLifecycle
import UploadCore
import UploadFuse
import UploadStore

/// The engine as a service: on graceful shutdown it handles what was posted, then leaves everything resumable.
struct EngineService: Service {
    let engine: UploadEngine
    let front: UploadFront

    func run() async throws {
        await withGracefulShutdownHandler {
            await engine.run(front.events)
        } onGracefulShutdown: {
            front.finish()
        }
    }
}

/// The mount as a service: on graceful shutdown it unmounts itself. Ends as well when somebody else unmounts it.
struct FileSystemService: Service {
    let filesystem: MountedFileSystem
    /// Called once requests are answered.
    let isReady: @Sendable () -> Void

    /// How long programs may hold files open before their mount is taken from them. With the
    /// server's draining it stays within the 5 s in which a SIGTERM ends us.
    static let grace: Duration = .seconds(1)

    func run() async throws {
        await withGracefulShutdownHandler {
            await withCheckedContinuation { continuation in
                // A thread of its own: the loop blocks in it until the mount is gone.
                DispatchQueue(label: "uploadfs.fuse").async {
                    // What ended it, if not an unmount, it has logged.
                    _ = filesystem.run()
                    continuation.resume()
                }
                isReady()
            }
        } onGracefulShutdown: {
            DispatchQueue.global().async { filesystem.unmount(grace: Self.grace) }
        }
    }
}

/// Brings the journal's log into its database from time to time, so that no writer has to.
struct CheckpointService: Service {
    let journal: SQLiteJournal
    let logger: Logger

    static let interval: Duration = .seconds(5)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: Self.interval)) != nil {
                do {
                    try journal.checkpoint()
                } catch {
                    logger.warning("The journal could not be tidied up.", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
