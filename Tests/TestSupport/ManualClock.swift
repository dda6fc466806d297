import Synchronization

/// TestSupport stands in for the world in tests: time, disk, destination, network. It has no tests and
/// no assertions of its own, and no test target may need another's helpers.

/// A clock that moves only when a test moves it.
///
/// A sleeper registers before it suspends, so `sleepers(atLeast:)` and then `advance(by:)` never miss one.
package final class ManualClock: Clock {
    package struct Instant: InstantProtocol {
        /// Since the clock was made.
        package var offset: Duration

        package init(offset: Duration) { self.offset = offset }
        package func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        package func duration(to other: Instant) -> Duration { other.offset - offset }
        package static func < (one: Instant, other: Instant) -> Bool { one.offset < other.offset }
    }

    private struct State {
        var now = Instant(offset: .zero)
        var ordinal = 0
        var sleepers: [Int: Sleeper] = [:]
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private struct Sleeper {
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private let state = Mutex(State())

    package init() {}

    package var now: Instant { state.withLock(\.now) }
    package var minimumResolution: Duration { .nanoseconds(1) }

    /// Deadlines of those who sleep now, earliest first.
    package var deadlines: [Instant] {
        state.withLock { $0.sleepers.values.map(\.deadline).sorted() }
    }

    /// Moves on and wakes everybody whose time has come, the earliest first (of the same time: who
    /// came first). Who falls asleep again while this runs is woken by a later call.
    package func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for ordinal in due.keys { state.sleepers[ordinal] = nil }
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }
        }
        for (_, sleeper) in due { sleeper.continuation.resume() }
    }

    /// Returns once so many sleep at the same time.
    package func sleepers(atLeast count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let ordinal = state.withLock { state in
            state.ordinal += 1
            return state.ordinal
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                register(Sleeper(deadline: deadline, continuation: continuation), as: ordinal)
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: ordinal) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    private func register(_ sleeper: Sleeper, as ordinal: Int) {
        enum Next {
            case sleeps([CheckedContinuation<Void, Never>])
            case isDue
            case isCancelled
        }
        let next: Next = state.withLock { state in
            // onCancel may have run before this: it found nobody to wake, but the task says so by now.
            if Task.isCancelled { return .isCancelled }
            if sleeper.deadline <= state.now { return .isDue }
            state.sleepers[ordinal] = sleeper
            let sleeping = state.sleepers.count
            let seen = state.watchers.filter { $0.count <= sleeping }
            state.watchers.removeAll { $0.count <= sleeping }
            return .sleeps(seen.map(\.continuation))
        }
        switch next {
        case .sleeps(let watchers): for watcher in watchers { watcher.resume() }
        case .isDue: sleeper.continuation.resume()
        case .isCancelled: sleeper.continuation.resume(throwing: CancellationError())
        }
    }
}
