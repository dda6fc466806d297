import Synchronization

/// What the kernel remembers of this mount, and does not ask again: it is told of what was changed without it.
final class KernelCaches: Sendable {
    enum Change: Sendable {
        /// This name is gone.
        case entry(parent: UInt64, name: String)
        /// This inode has other bytes and attributes.
        case inode(UInt64)
    }

    private let listener = Mutex<(@Sendable (Change) -> Void)?>(nil)

    /// - Parameter listener: must return at once: it may be called while the kernel waits for an answer. nil:
    ///   nobody listens any more.
    func connect(_ listener: (@Sendable (Change) -> Void)?) {
        self.listener.withLock { $0 = listener }
    }

    func note(_ change: Change) {
        listener.withLock { $0 }?(change)
    }
}
