import Dispatch

/// Holds server threads until a test lets one of them go.
final class Blocker: Sendable {
    fileprivate let semaphore = DispatchSemaphore(value: 0)

    /// For threads of a `RawServer` only: it blocks.
    func wait() { semaphore.wait() }

    func signal() { semaphore.signal() }
}

extension Blocker {
    /// A server that is slow.
    func wait(milliseconds: Int) { _ = semaphore.wait(timeout: .now() + .milliseconds(milliseconds)) }
}
