import NIOPosix

/// Threads for system calls that may take long (fsync, reading a file back, unlinking a big one), so
/// that neither an event loop nor the cooperative pool waits for the disk.
struct BlockingCalls: Sendable {
    private let pool: NIOThreadPool

    /// Several fsyncs at once share one commit of the filesystem's journal, so there are more threads than cores.
    private static let threads = 8

    init() {
        pool = NIOThreadPool(numberOfThreads: Self.threads)
    }

    /// Before the first `run`.
    func start() {
        pool.start()
    }

    /// Waits for what is running; what has not begun yet fails with `shuttingDown`.
    func stop() async throws {
        try await pool.shutdownGracefully()
    }

    func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError>
        do {
            result = try await pool.runIfActive { Result(catching: work) }
        } catch {
            result = .failure(.shuttingDown)
        }
        return try result.get()
    }

    /// Work that nobody waits for; dropped when the server goes down.
    func submit(_ work: @escaping @Sendable () -> Void) {
        pool.submit { state in
            switch state {
            case .active: work()
            case .cancelled: break
            }
        }
    }
}
