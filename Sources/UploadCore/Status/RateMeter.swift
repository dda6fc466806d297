/// Bytes per second over the last seconds. Pure: the time comes in.
package struct RateMeter: Sendable {
    private var samples: [(at: Timestamp, total: Int64)] = []

    /// What is older does not count.
    package static let window: Duration = .seconds(5)
    /// Samples closer together than this are one.
    private static let resolution: Duration = .milliseconds(100)

    package init() {}

    /// - Parameter total: bytes since the beginning, at this time.
    package mutating func record(_ total: Int64, at now: Timestamp) {
        if samples.count > 1, now < samples[samples.count - 2].at.advanced(by: Self.resolution) {
            samples[samples.count - 1] = (now, total)
        } else {
            samples.append((now, total))
        }
        // The last one before the window stays: it is where the window begins.
        while samples.count > 2, samples[1].at.advanced(by: Self.window) <= now { samples.removeFirst() }
    }

    /// - Parameter total: bytes since the beginning, at this time.
    package func rate(_ total: Int64, at now: Timestamp) -> Double {
        guard let first = samples.first(where: { now <= $0.at.advanced(by: Self.window) }) ?? samples.last,
            now > first.at, total > first.total
        else { return 0 }
        return Double(total - first.total) / (Double(now.nanoseconds - first.at.nanoseconds) / 1e9)
    }
}
