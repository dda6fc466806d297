/// When a failed request is tried again. Pure: randomness comes in as a number of 0 ..< 1.
///
/// Quick attempts, by one request, its slot kept (full jitter: anything from 0 to the figure):
///
/// | after attempt | delay up to |
/// | --- | --- |
/// | 1 | 0.2 s |
/// | 2 | 0.4 s |
/// | n | 0.1 s · 2ⁿ, at most 3 s |
///
/// Pauses, by the file, its slot given away (half of it fixed, half jitter):
///
/// | failed rounds | pause up to |
/// | --- | --- |
/// | 1 | 1 s |
/// | 2 | 2 s |
/// | n | 2ⁿ⁻¹ s, at most 5 min |
package struct RetryPolicy: Sendable {
    package var quickAttempts = 3
    package var quickBase: Duration = .milliseconds(100)
    package var quickCap: Duration = .seconds(3)
    package var pauseBase: Duration = .seconds(1)
    package var pauseCap: Duration = .seconds(300)
    package var giveUpAfter: Duration = .seconds(7 * 24 * 3600)

    package init() {}

    /// - Parameter attempt: how many attempts have failed, from 1.
    /// - Returns: how long to wait before the next attempt; nil when there shall be none now.
    package func quickDelay(attempt: Int, error: DestinationError, random: Double) -> Duration? {
        guard attempt < quickAttempts, verdict(error) == .transient else { return nil }
        // Nobody grants a right in a second.
        if case .forbidden = error { return nil }
        if case .busy(_, let retryAfter?) = error { return retryAfter <= quickCap ? retryAfter : nil }
        return min(quickCap, quickBase * power(attempt)) * random
    }

    /// - Parameter round: how many rounds of quick attempts have failed in a row, from 1.
    package func pause(round: Int, error: DestinationError, random: Double) -> Duration {
        let pause = min(pauseCap, pauseBase * power(round - 1)) * (0.5 + random / 2)
        if case .busy(_, let retryAfter?) = error { return max(pause, retryAfter) }
        return pause
    }

    /// What rounds of quick attempts that failed lead to.
    package enum Ruling: Sendable, Hashable {
        /// The next round, then.
        case pause(until: Timestamp, Failure)
        case giveUp(Failure)
    }

    /// - Parameters:
    ///   - round: how many have failed in a row, from 1.
    ///   - since: when the first of them did, on the stopwatch.
    func ruling(
        round: Int, since: Duration, _ error: DestinationError, at moment: UploadMachine.Moment, random: Double
    ) -> Ruling {
        if moment.elapsed - since >= giveUpAfter {
            return .giveUp(FailureSentences.gaveUp(after: giveUpAfter, last: error))
        }
        let pause = pause(round: round, error: error, random: random)
        return .pause(until: moment.now.advanced(by: pause), FailureSentences.failure(for: error))
    }

    private func power(_ exponent: Int) -> Int {
        1 << min(max(exponent, 0), 30)
    }

    package enum Verdict: Sendable, Equatable {
        /// May go well another time.
        case transient
        /// Nothing of ours is wrong; the destination must first be reachable, or let us in.
        case destinationDown
        /// This session is of no more use: begin another.
        case beginAgain
        /// A part of it is missing: send that.
        case sendAgain([ChunkIndex])
        /// No retry mends it.
        case final
        /// We stopped it ourselves.
        case stopped
    }

    package func verdict(_ error: DestinationError) -> Verdict {
        switch error {
        case .unreachable, .broken, .busy, .damaged, .malformed, .journal, .forbidden: .transient
        case .unauthorized, .noCredentials: .destinationDown
        case .sessionLost: .beginAgain
        case .missing(let indexes): .sendAgain(indexes)
        case .source(let error): error.mayPass ? .transient : .final
        case .rejected: .final
        case .cancelled: .stopped
        }
    }
}
