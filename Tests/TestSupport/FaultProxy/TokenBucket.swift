import Synchronization

/// Holds whoever shares it to a number of bytes per second.
final class TokenBucket: Sendable {
    private struct State {
        var tokens = 0.0
        var filled = ContinuousClock.now
    }

    private let rate: Double
    private let state = Mutex(State())

    /// Fifty milliseconds' worth may go at once.
    private var capacity: Double { max(rate / 20, 1024) }

    init(bytesPerSecond: Int) {
        rate = Double(max(1, bytesPerSecond))
    }

    /// - Returns: how many bytes may go now, at most `wanted`; when none, how long to wait before asking again.
    func take(_ wanted: Int) -> (granted: Int, wait: Duration) {
        state.withLock { state in
            let now = ContinuousClock.now
            state.tokens = min(capacity, state.tokens + (now - state.filled) / .seconds(1) * rate)
            state.filled = now
            // Not byte by byte: a wait is worth at least a few milliseconds.
            let least = min(Double(wanted), capacity / 10)
            guard state.tokens >= least else { return (0, .seconds((least - state.tokens) / rate)) }
            let granted = min(wanted, Int(state.tokens))
            state.tokens -= Double(granted)
            return (granted, .zero)
        }
    }
}
