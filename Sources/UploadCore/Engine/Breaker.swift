/// Tells a dead destination from a failed request, so that a thousand waiting files send it one
/// probe, not a thousand requests. Pure.
///
///     closed ──a round fails because nobody is there, or three in a row fail──▶ open
///     open ──a probe or a request succeeds──▶ closed (after a probe: one failing round opens it again)
///
/// A setback is a failed probe, or requests that fail again though a probe went well:
///
/// | setbacks since a request succeeded | next probe after up to |
/// | --- | --- |
/// | 0 | 0.5 s |
/// | n | 0.5 s · 2ⁿ, at most 30 s |
///
/// but never before a Retry-After that was asked for.
package struct Breaker: Sendable {
    package enum State: Sendable, Equatable {
        /// Requests go out.
        case closed
        /// Only probes do.
        case open(DestinationError)
    }

    package private(set) var state: State = .closed
    private var failedRounds = 0
    /// A probe has closed it, and no request has succeeded since.
    private var hasRecovered = false
    private var setbacks = 0

    package static let roundsUntilOpen = 3
    package static let firstProbe: Duration = .milliseconds(500)
    package static let slowestProbe: Duration = .seconds(30)

    package init() {}

    /// A request has failed, and with it all quick attempts that were worthwhile.
    /// - Returns: whether that opened it: a probe is due.
    package mutating func failed(_ error: DestinationError) -> Bool {
        guard state == .closed else { return false }
        switch error {
        case .unreachable, .unauthorized, .noCredentials: failedRounds = Self.roundsUntilOpen
        // Also where rights are lacking: should that be so everywhere, one file at a time finds out.
        case .broken, .busy, .forbidden: failedRounds += hasRecovered ? Self.roundsUntilOpen : 1
        case .damaged, .sessionLost, .missing, .rejected, .source, .journal, .malformed, .cancelled:
            return false
        }
        guard failedRounds >= Self.roundsUntilOpen else { return false }
        state = .open(error)
        if hasRecovered { setbacks += 1 }
        hasRecovered = false
        return true
    }

    /// A request was carried out.
    /// - Returns: whether that closed it.
    package mutating func succeeded() -> Bool {
        failedRounds = 0
        setbacks = 0
        hasRecovered = false
        defer { state = .closed }
        return state != .closed
    }

    package mutating func probeFailed(_ error: DestinationError) {
        setbacks += 1
        state = .open(error)
    }

    /// It is there; whether it takes files is for the next request to find out.
    package mutating func probeSucceeded() {
        failedRounds = 0
        hasRecovered = true
        state = .closed
    }

    /// How long to wait before the next probe.
    package func probeDelay(random: Double) -> Duration {
        let delay = min(Self.slowestProbe, Self.firstProbe * (1 << min(setbacks, 10))) * (0.5 + random / 2)
        if case .open(.busy(_, let retryAfter?)) = state { return max(delay, retryAfter) }
        return delay
    }
}
