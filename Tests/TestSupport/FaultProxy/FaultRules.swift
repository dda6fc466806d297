/// Decides over one request; `ordinal` counts all requests of the proxy from 0.
package typealias FaultRule = @Sendable (_ head: RequestHead, _ ordinal: Int) -> Fault

/// Rules for `FaultProxy.setRule`.
package enum FaultRules {
    package static let none: FaultRule = { _, _ in .none }

    /// Each request meets one of `faults` with this probability. What happens to which ordinal follows
    /// from the seed alone, so a run can be repeated.
    package static func random(seed: UInt64, probability: Double, faults: [Fault]) -> FaultRule {
        { _, ordinal in
            var generator = SplitMix64(state: seed &+ UInt64(ordinal) &* 0x9e37_79b9_7f4a_7c15)
            guard Double.random(in: 0..<1, using: &generator) < probability else { return .none }
            return faults.randomElement(using: &generator) ?? .none
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, seeded, the same everywhere.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
