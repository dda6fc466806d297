import Synchronization

/// A door that a test opens: whoever waits at it goes on then, and who comes later walks through.
package final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var ordinal = 0
        var arrived = 0
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    package init() {}

    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for (_, continuation) in waiting.sorted(by: { $0.key < $1.key }) { continuation.resume() }
    }

    /// Returns once so many have come, whether they still wait or not.
    package func arrivals(atLeast count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.arrived >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// - Throws: CancellationError.
    package func pass() async throws {
        let ordinal = state.withLock { state in
            state.ordinal += 1
            return state.ordinal
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { arrive(ordinal, $0) }
        } onCancel: {
            let continuation = state.withLock { $0.waiting.removeValue(forKey: ordinal) }
            continuation?.resume(throwing: CancellationError())
        }
    }

    private func arrive(_ ordinal: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        let (answer, seen): (Result<Void, any Error>?, [CheckedContinuation<Void, Never>]) = state.withLock { state in
            state.arrived += 1
            let arrived = state.arrived
            let seen = state.watchers.filter { $0.count <= arrived }.map(\.continuation)
            state.watchers.removeAll { $0.count <= arrived }
            // onCancel may have run before this: it found nobody to wake, but the task says so by now.
            if Task.isCancelled { return (.failure(CancellationError()), seen) }
            if state.isOpen { return (.success(()), seen) }
            state.waiting[ordinal] = continuation
            return (nil, seen)
        }
        if let answer { continuation.resume(with: answer) }
        for watcher in seen { watcher.resume() }
    }
}
