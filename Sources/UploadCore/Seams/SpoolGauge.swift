import Synchronization

/// How full the spool is against its quota (P4). The spool measures, writers wait, the engine makes room.
///
/// A write is stored first and then waits for its answer: so nothing has to be kept in memory meanwhile,
/// and the spool passes its quota by one write of each writer at the most.
package final class SpoolGauge: Sendable {
    /// Bytes that the spool's files may occupy on the disk.
    package let limit: Int64

    private let state = Mutex(State())

    private struct State {
        var used: Int64 = 0
        var waiting: [WaitToken: Waiting] = [:]
        var lastToken: UInt64 = 0
    }

    private struct Waiting {
        let since: Duration
        let answer: @Sendable (Failure?) -> Void
    }

    /// - Parameter limit: .max: none.
    package init(limit: Int64 = .max) {
        self.limit = limit
    }

    /// Bytes on the disk.
    package var used: Int64 { state.withLock(\.used) }

    package var isFull: Bool { used >= limit }

    /// The engine should make room, so that nobody has to wait: the last eighth is in use.
    package var isPressed: Bool { used > limit - limit / 8 }

    /// How many bytes the engine should free then: down to three quarters.
    package var excess: Int64 { max(0, used - (limit - limit / 4)) }

    /// Bytes that could be written before somebody would have to wait.
    /// - Parameter evictable: of `used`, what can be given away at once.
    package func available(evictable: Int64) -> Int64 {
        max(0, limit - max(0, used - evictable))
    }

    /// The spool's files occupy more or less than before. Who waits goes on once there is room.
    package func add(_ bytes: Int64) {
        let answers = state.withLock { state -> [Waiting] in
            state.used += bytes
            guard state.used < limit, !state.waiting.isEmpty else { return [] }
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for waiting in answers { waiting.answer(nil) }
    }

    // MARK: Waiting

    /// How many writers wait.
    package var waiting: Int { state.withLock(\.waiting.count) }

    /// Since when (as `since` of `whenRoom`) the one waits who has waited longest.
    package var oldestWait: Duration? {
        state.withLock { state in state.waiting.values.map(\.since).min() }
    }

    /// Calls `answer` once: with nil when there is room (perhaps at once), with a failure by `giveUp`.
    /// - Parameter moment: the wait's beginning, on any watch that is the same for all.
    package func whenRoom(since moment: Duration, _ answer: @escaping @Sendable (Failure?) -> Void) -> WaitToken {
        let (token, hasRoom) = state.withLock { state in
            state.lastToken += 1
            let token = WaitToken(state.lastToken)
            let hasRoom = state.used < limit
            if !hasRoom { state.waiting[token] = Waiting(since: moment, answer: answer) }
            return (token, hasRoom)
        }
        if hasRoom { answer(nil) }
        return token
    }

    /// The answer is no longer wanted.
    /// - Returns: false when it is under way already, or was given.
    package func cancel(_ token: WaitToken) -> Bool {
        state.withLock { $0.waiting.removeValue(forKey: token) } != nil
    }

    /// There was no room for those who wait since then or longer.
    package func giveUp(since moment: Duration, _ failure: Failure) {
        let answers = state.withLock { state in
            let due = state.waiting.filter { $0.value.since <= moment }
            for token in due.keys { state.waiting[token] = nil }
            return due.values.map(\.answer)
        }
        for answer in answers { answer(failure) }
    }
}
