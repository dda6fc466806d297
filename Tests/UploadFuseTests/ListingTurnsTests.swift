import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("Turns of listings", .timeLimit(.minutes(1)))
struct ListingTurnsTests {
    private let clock = ManualClock()
    private let turns: ListingTurns
    private let log = Log()

    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])

        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    init() {
        turns = ListingTurns(clock: clock, patience: .seconds(5))
    }

    private func work(_ name: String, _ gate: Gate, wentWell: Bool = true) -> ListingTurns.Work {
        { [log] in
            log.add(name)
            return (try? await gate.pass()) != nil && wentWell
        }
    }

    /// Returns once the listing of this directory has come to its end.
    private func end(of directory: UInt64, atMost time: Duration = .seconds(5)) async {
        await withCheckedContinuation { continuation in
            _ = turns.wait(for: .directory(FileID(directory)), atMost: time) { continuation.resume() }
        }
    }

    @Test("A directory is listed once, however many want it, and all of them are told")
    func once() async {
        let gate = Gate()
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("a", gate)) == .seconds(5))
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("b", gate)) == .seconds(5))
        #expect(turns.ask(.directory(FileID(2)), isAwaited: false, work("c", gate)) == nil)
        await gate.arrivals()
        async let first: Void = end(of: 2)
        async let second: Void = end(of: 2)
        await clock.sleepers(atLeast: 2)
        gate.open()
        _ = await (first, second)
        #expect(log.all == ["a"])
        await end(of: 2)
    }

    @Test("Two at once, of those that are only refreshed one, and what is awaited goes first")
    func lanes() async {
        let gates = (0..<5).map { _ in Gate() }
        turns.ask(.directory(FileID(10)), isAwaited: false, work("refresh 0", gates[0]))
        turns.ask(.directory(FileID(11)), isAwaited: false, work("refresh 1", gates[1]))
        await gates[0].arrivals()
        turns.ask(.directory(FileID(12)), isAwaited: true, work("awaited 2", gates[2]))
        await gates[2].arrivals()
        turns.ask(.directory(FileID(13)), isAwaited: true, work("awaited 3", gates[3]))
        // One that waits for its turn is wanted now.
        turns.ask(.directory(FileID(11)), isAwaited: true, work("refresh 1", gates[1]))
        #expect(log.all == ["refresh 0", "awaited 2"])
        gates[0].open()
        await gates[3].arrivals()
        gates[2].open()
        await gates[1].arrivals()
        #expect(log.all == ["refresh 0", "awaited 2", "awaited 3", "refresh 1"])
        gates[1].open()
        gates[3].open()
        await turns.end()
    }

    @Test("Nobody waits longer than for a while, whoever comes when; a wait that was given up is not answered")
    func patience() async {
        let gate = Gate()
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("a", gate)) == .seconds(5))
        let cancel = turns.wait(for: .directory(FileID(2)), atMost: .seconds(4)) { [log] in log.add("answered") }
        await clock.sleepers(atLeast: 1)
        cancel()
        clock.advance(by: .seconds(3))
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("a", gate)) == .seconds(2))
        async let ended: Void = end(of: 2, atMost: .seconds(2))
        await clock.sleepers(atLeast: 1)
        clock.advance(by: .seconds(2))
        await ended
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("a", gate)) == nil)
        gate.open()
        await turns.end()
        #expect(log.all == ["a"])
    }

    @Test("After a failure nobody asks or waits, for longer each time; what was queued is dropped")
    func paused() async {
        let gate = Gate()
        let (busy, never) = (Gate(), Gate())
        turns.ask(.directory(FileID(2)), isAwaited: true, work("fails", gate, wentWell: false))
        turns.ask(.directory(FileID(3)), isAwaited: true, work("goes on", busy))
        turns.ask(.directory(FileID(4)), isAwaited: true, work("never", never))
        await busy.arrivals()
        async let dropped: Void = end(of: 4)
        await clock.sleepers(atLeast: 1)
        gate.open()
        await dropped
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("x", gate)) == nil)
        clock.advance(by: .seconds(5))
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("fails again", gate, wentWell: false)) != nil)
        await end(of: 2)
        clock.advance(by: .seconds(5))
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("x", gate)) == nil)
        clock.advance(by: .seconds(5))
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("goes well", gate)) != nil)
        await end(of: 2)
        #expect(turns.ask(.directory(FileID(2)), isAwaited: true, work("goes well", gate)) != nil)
        busy.open()
        await turns.end()
        #expect(!log.all.contains("never") && !log.all.contains("x"))
    }

    @Test("At the end all are told, and nothing begins any more")
    func ending() async {
        let gate = Gate()
        turns.ask(.directory(FileID(2)), isAwaited: true, work("a", gate))
        await gate.arrivals()
        async let told: Void = end(of: 2)
        await clock.sleepers(atLeast: 1)
        await turns.end()
        await told
        #expect(turns.ask(.directory(FileID(3)), isAwaited: true, work("b", gate)) == nil)
        #expect(log.all == ["a"])
    }
}
