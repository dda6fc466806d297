/// A move or a deletion on its way: what has happened goes in, what it does next comes out. Pure; `UploadEngine`
/// performs it.
///
///     settling ─▶ ready ─▶ under way ─▶ (done)
///                   ▲          ├─▶ waiting ─▶ ready       relayed: the file is published anew, and that does it
///                   └──retry───┴─▶ failed
package struct MoveMachine: Sendable {
    package enum Stage: Sendable, Hashable {
        /// It may be renamed once more, at once.
        case settling
        case ready
        case underWay
        case waiting(until: Timestamp, Failure)
        case failed(Failure)
        case relayed
    }

    package private(set) var stage = Stage.ready
    /// Rounds of quick attempts that failed since it was begun, or somebody wanted it tried.
    private var failedRounds = 0
    /// When the first of them did, on the engine's stopwatch.
    private var failingSince: Duration?
    /// It waits since nobody answered, not since somebody said "later".
    private var waitsForDestination = false

    package init() {}

    package var isReady: Bool { stage == .ready }
    package var isUnderWay: Bool { stage == .underWay }

    /// The file got another name: that may fare better.
    package mutating func renamed() {
        guard stage != .underWay, stage != .relayed else { return }
        released()
        stage = .settling
    }

    package mutating func settled() {
        if stage == .settling { stage = .ready }
    }

    package mutating func started() {
        if stage == .ready { stage = .underWay }
    }

    /// Stopped by ourselves.
    package mutating func stopped() {
        if stage == .underWay { stage = .ready }
    }

    /// A failure that lasts. It needs a decision.
    package mutating func refused(_ failure: Failure) {
        stage = .failed(failure)
    }

    package mutating func relayed() {
        stage = .relayed
    }

    /// After all quick attempts that were worthwhile.
    /// - Parameter words: what people read of a failure, and whether it lasts.
    package mutating func failed(
        _ error: DestinationError, policy: RetryPolicy, at moment: UploadMachine.Moment, random: Double,
        words: (Failure, _ lasts: Bool) -> Failure
    ) {
        guard policy.verdict(error) != .final else {
            return refused(words(FailureSentences.failure(for: error), true))
        }
        failedRounds += 1
        let since = failingSince ?? moment.elapsed
        failingSince = since
        waitsForDestination = error.isOfDestination
        switch policy.ruling(round: failedRounds, since: since, error, at: moment, random: random) {
        case .giveUp(let failure): refused(words(failure, true))
        case .pause(let until, let failure): stage = .waiting(until: until, words(failure, false))
        }
    }

    /// The pause is over, or somebody wants it tried now.
    package mutating func resumed() {
        switch stage {
        case .waiting, .failed: stage = .ready
        case .settling, .ready, .underWay, .relayed: break
        }
    }

    package mutating func released() {
        failedRounds = 0
        failingSince = nil
        resumed()
    }

    /// The pause is over, and the destination is dead: it goes on when that is back.
    package mutating func waitForDestination() {
        waitsForDestination = true
    }

    package mutating func destinationIsBack(at now: Timestamp) {
        guard case .waiting(let until, _) = stage, waitsForDestination || until <= now else { return }
        stage = .ready
    }

    package var failure: Failure? {
        switch stage {
        case .waiting(_, let failure), .failed(let failure): failure
        case .settling, .ready, .underWay, .relayed: nil
        }
    }

    package var phase: Phase {
        switch stage {
        case .settling, .ready, .relayed: .queued
        case .underWay: .finalizing
        case .waiting: .waiting
        case .failed: .failed
        }
    }
}
