/// Tells a dead destination from a failed request, so that a thousand waiting files send it one
/// probe, not a thousand requests. Pure.
///
///     closed ──a round fails because nobody is there, or three in a row fail──▶ open
///     open ──a probe or a request succeeds──▶ closed
///
/// | probes failed | next probe after up to |
/// | --- | --- |
/// | 0 | 0.5 s |
/// | n | 0.5 s · 2ⁿ, at most 30 s |
package struct Breaker: Sendable {
    package enum State: Sendable, Equatable {
        /// Requests go out.
        case closed
        /// Only probes do.
        case open(DestinationError)
    }

    package private(set) var state: State = .closed
    private var failedRounds = 0
    private var failedProbes = 0

    package static let roundsUntilOpen = 3
    package static let firstProbe: Duration = .milliseconds(500)
    package static let slowestProbe: Duration = .seconds(30)

    package init() {}

    /// A request has failed after all its quick attempts.
    /// - Returns: whether that opened it: a probe is due.
    package mutating func failed(_ error: DestinationError) -> Bool {
        guard state == .closed else { return false }
        switch error {
        case .unreachable, .unauthorized: failedRounds = Self.roundsUntilOpen
        case .broken, .busy: failedRounds += 1
        case .damaged, .sessionLost, .missing, .rejected, .source, .malformed, .cancelled: return false
        }
        guard failedRounds >= Self.roundsUntilOpen else { return false }
        state = .open(error)
        failedProbes = 0
        return true
    }

    /// Any answer that shows the destination at work.
    /// - Returns: whether that closed it.
    package mutating func succeeded() -> Bool {
        failedRounds = 0
        defer { state = .closed }
        return state != .closed
    }

    package mutating func probeFailed(_ error: DestinationError) {
        failedProbes += 1
        state = .open(error)
    }

    /// How long to wait before the next probe.
    package func probeDelay(random: Double) -> Duration {
        min(Self.slowestProbe, Self.firstProbe * (1 << min(failedProbes, 10))) * (0.5 + random / 2)
    }
}
