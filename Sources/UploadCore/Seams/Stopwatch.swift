/// Time that has passed, whatever is done to the wall clock: a machine without a battery starts in 1970 and jumps.
package struct Stopwatch: Sendable {
    private let read: @Sendable () -> Duration

    /// Starts.
    package init(_ clock: any Clock<Duration>) {
        read = Self.started(clock)
    }

    /// Since it was started.
    package var elapsed: Duration { read() }

    private static func started<C: Clock>(_ clock: C) -> @Sendable () -> Duration where C.Duration == Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }
}
