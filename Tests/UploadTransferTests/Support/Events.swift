import Glibc
import Synchronization

/// Lets server threads tell a test that something happened, and the test wait for it.
final class Events: Sendable {
    private let stream: AsyncStream<String>
    private let input: AsyncStream<String>.Continuation

    init() {
        (stream, input) = AsyncStream.makeStream()
    }

    func tell(_ event: String) {
        input.yield(event)
    }

    /// Waits for the next event; the test's time limit ends a wait for one that never comes.
    func next() async -> String? {
        for await event in stream { return event }
        return nil
    }
}
