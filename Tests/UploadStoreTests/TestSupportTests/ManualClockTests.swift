import Synchronization
import TestSupport
import Testing

@Suite("The manual clock", .timeLimit(.minutes(1)))
struct ManualClockTests {
    private let clock = ManualClock()

    @Test("wakes who is due, and nobody else")
    func wakes() async throws {
        let early = Task { [clock] in try await clock.sleep(for: .seconds(1)) }
        let late = Task { [clock] in try await clock.sleep(for: .seconds(3)) }
        await clock.sleepers(atLeast: 2)
        clock.advance(by: .seconds(2))
        try await early.value
        #expect(clock.deadlines == [.init(offset: .seconds(3))])
        clock.advance(by: .seconds(1))
        try await late.value
        #expect(clock.deadlines.isEmpty)
        #expect(clock.now.offset == .seconds(3))
    }

    @Test("does not sleep until what is past")
    func returnsAtOnce() async throws {
        clock.advance(by: .seconds(5))
        try await clock.sleep(until: .init(offset: .seconds(5)), tolerance: nil)
    }

    @Test("lets a cancelled sleeper go, before and while it sleeps")
    func isCancelled() async throws {
        let sleeping = Task { [clock] in try await clock.sleep(for: .seconds(1)) }
        await clock.sleepers(atLeast: 1)
        sleeping.cancel()
        await #expect(throws: CancellationError.self) { try await sleeping.value }
        #expect(clock.deadlines.isEmpty)

        let gate = Gate()
        let unborn = Task { [clock] in
            try? await gate.pass()
            try await clock.sleep(for: .seconds(1))
        }
        unborn.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await unborn.value }
    }
}
