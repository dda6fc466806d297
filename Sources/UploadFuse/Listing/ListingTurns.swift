import Synchronization
import UploadCore

/// What is asked of the destination when, and who waits for it. Each directory, and each name, once at a time, two of
/// all at once; what somebody waits for goes before what is only refreshed, and of the latter there is never more than
/// one, so that a lane is left.
///
/// When one fails, all that is queued is dropped, and for some time nobody asks or waits (P5); what fails in that time
/// had begun before, and counts no more:
///
/// | failures in a row | pause |
/// | --- | --- |
/// | 1 | 5 s |
/// | 2 | 10 s |
/// | n | 5 · 2ⁿ⁻¹ s, at most 60 s |
final class ListingTurns: Sendable {
    enum Subject: Hashable, Sendable {
        case directory(FileID)
        case name(FileName, in: FileID)
    }

    /// Asks.
    /// - Returns: whether it went well.
    typealias Work = @Sendable () async -> Bool

    // Dependencies.
    private let clock: any Clock<Duration>
    private let stopwatch: Stopwatch

    // Constants.
    private let patience: Duration

    static let lanes = 2
    static let firstPause: Duration = .seconds(5)
    static let longestPause: Duration = .seconds(60)
    /// What is only to be refreshed is asked for again by who looks at it next.
    static let longestQueue = 1000

    // State.
    private let state = Mutex(State())

    fileprivate struct Turn {
        let work: Work
        /// Since when somebody waits for it; nil: it is a refreshment.
        var awaited: Duration?
        /// It has begun, as what.
        var lane: Lane?
        var task: Task<Void, Never>?
        var waiters: [WaitToken: @Sendable () -> Void] = [:]
    }

    fileprivate enum Lane {
        case awaited, refreshing
    }

    fileprivate struct State {
        var turns: [Subject: Turn] = [:]
        /// Those that have not begun: first come first served.
        var awaited: [Subject] = []
        var refreshing: [Subject] = []
        var failures = 0
        var pausedUntil: Duration = .zero
        var isEnding = false
        var lastToken: UInt64 = 0
    }

    init(clock: any Clock<Duration>, patience: Duration) {
        self.clock = clock
        self.patience = patience
        stopwatch = Stopwatch(clock)
    }

    /// Has it asked for, if it is not yet.
    /// - Parameter isAwaited: somebody wants to wait for it.
    /// - Returns: for how long it is worth to wait for it; nil: not at all.
    @discardableResult
    func ask(_ subject: Subject, isAwaited: Bool, _ work: @escaping Work) -> Duration? {
        let moment = stopwatch.elapsed
        let left = state.withLock { state -> Duration? in
            guard !state.isEnding, moment >= state.pausedUntil else { return nil }
            if state.turns[subject] == nil {
                guard isAwaited || state.refreshing.count < Self.longestQueue else { return nil }
                state.turns[subject] = Turn(work: work)
                state.refreshing.append(subject)
            }
            guard isAwaited else { return nil }
            guard let since = state.turns[subject]?.awaited else {
                state.turns[subject]?.awaited = moment
                if let index = state.refreshing.firstIndex(of: subject) {
                    state.refreshing.remove(at: index)
                    state.awaited.append(subject)
                }
                return patience
            }
            // Who comes later does not wait longer for it than the first one has.
            let left = patience - (moment - since)
            return left > .zero ? left : nil
        }
        startDue()
        return left
    }

    /// Calls `answer` once: when that has come to its end, or failed, or `time` is over.
    /// - Returns: what ends the wait.
    func wait(
        for subject: Subject, atMost time: Duration, _ answer: @escaping @Sendable () -> Void
    ) -> @Sendable () -> Void {
        let token = state.withLock { state -> WaitToken? in
            guard state.turns[subject] != nil else { return nil }
            state.lastToken += 1
            let token = WaitToken(state.lastToken)
            state.turns[subject]?.waiters[token] = answer
            return token
        }
        guard let token else {
            // It came to its end meanwhile.
            answer()
            return {}
        }
        let timer = Task { [self, clock] in
            guard (try? await clock.sleep(for: time)) != nil else { return }
            if cancel(token, of: subject) { answer() }
        }
        return { [self] in
            timer.cancel()
            _ = cancel(token, of: subject)
        }
    }

    /// How many wait.
    var waiting: Int { state.withLock { $0.turns.values.reduce(0) { $0 + $1.waiters.count } } }

    /// - Returns: whether it still waited.
    private func cancel(_ token: WaitToken, of subject: Subject) -> Bool {
        state.withLock { $0.turns[subject]?.waiters.removeValue(forKey: token) != nil }
    }

    /// No more of them; returns when those that were under way have ended.
    func end() async {
        let (tasks, answers) = state.withLock { state in
            state.isEnding = true
            return (state.turns.values.compactMap(\.task), state.dropQueued())
        }
        for answer in answers { answer() }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    // MARK: Lanes

    private func startDue() {
        while let (subject, work) = state.withLock({ $0.next() }) {
            let task = Task { [self] in
                let wentWell = await work()
                ended(subject, wentWell)
            }
            let isEnding = state.withLock { state in
                // It may have come to its end already.
                state.turns[subject]?.task = task
                return state.isEnding
            }
            if isEnding { task.cancel() }
        }
    }

    private func ended(_ subject: Subject, _ wentWell: Bool) {
        let moment = stopwatch.elapsed
        let answers = state.withLock { state in
            var answers = state.turns.removeValue(forKey: subject).map { Array($0.waiters.values) } ?? []
            if wentWell {
                state.failures = 0
            } else if moment >= state.pausedUntil {
                let pause = Self.firstPause * (1 << min(state.failures, 10))
                state.pausedUntil = moment + min(Self.longestPause, pause)
                state.failures += 1
                answers += state.dropQueued()
            }
            return answers
        }
        for answer in answers { answer() }
        startDue()
    }
}

extension ListingTurns.State {
    /// Takes the next one that may begin.
    fileprivate mutating func next() -> (ListingTurns.Subject, ListingTurns.Work)? {
        guard !isEnding else { return nil }
        let lanes = turns.values.compactMap(\.lane)
        guard lanes.count < ListingTurns.lanes else { return nil }
        let subject: ListingTurns.Subject
        let lane: ListingTurns.Lane
        if !awaited.isEmpty {
            subject = awaited.removeFirst()
            lane = .awaited
        } else if !refreshing.isEmpty, !lanes.contains(.refreshing) {
            subject = refreshing.removeFirst()
            lane = .refreshing
        } else {
            return nil
        }
        guard let work = turns[subject]?.work else { return nil }
        turns[subject]?.lane = lane
        return (subject, work)
    }

    /// - Returns: the answers of those who waited for what has not begun.
    fileprivate mutating func dropQueued() -> [@Sendable () -> Void] {
        var answers: [@Sendable () -> Void] = []
        for subject in awaited + refreshing {
            answers += (turns.removeValue(forKey: subject)?.waiters ?? [:]).values
        }
        awaited = []
        refreshing = []
        return answers
    }
}
