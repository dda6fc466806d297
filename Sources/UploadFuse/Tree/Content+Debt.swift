import Synchronization

/// Writes that were stored though the spool was full, since a signal had ended the wait before: so that no program
/// fails for its timer's sake, and yet the quota holds and the waits come to an end.
extension Content {
    struct Debt: Sendable {
        /// When the first of the waits began, on the engine's stopwatch.
        var since: Duration
        var bytes: Int
    }

    /// Bytes that a file's writers may owe.
    static var longestDebt: Int { 1 << 20 }

    /// The wait of before that was not waited to its end; nil: none.
    var heldUpSince: Duration? { debt.withLock { $0?.since } }

    /// - Returns: since when there is no room, if so many bytes more were too many.
    func debt(with count: Int) -> Duration? {
        debt.withLock { debt in
            guard let debt, debt.bytes + count > Self.longestDebt else { return nil }
            return debt.since
        }
    }

    /// A signal has ended a wait.
    func owe(_ count: Int, since: Duration) {
        debt.withLock { debt in
            debt = Debt(since: min(since, debt?.since ?? since), bytes: (debt?.bytes ?? 0) + count)
        }
    }

    /// There is room again, or there was none for so long that the writer was told.
    func paid() {
        debt.withLock { $0 = nil }
    }
}
