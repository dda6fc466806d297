import Synchronization
import TestSupport
import Testing
import UploadCore

/// Uploads at a destination that can't tell who began them. Chunks of 1,000 bytes.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineIntentionTests {
    static func destination() -> ScriptedDestination {
        var limits = DestinationLimits(
            schedule: .equal(1000), parallelChunks: 3, canReplaceChunk: true, namesAtFinish: false)
        limits.wantsIntentions = true
        return ScriptedDestination(limits: limits)
    }

    /// An earlier run's.
    private static func intention(_ number: Int = 5, _ path: String = "a") throws -> BeginIntention {
        BeginIntention(number: number, path: try UploadPath(path), time: EngineBench.start)
    }

    private func intended(_ journal: MemoryJournal) -> [BeginIntention] {
        journal.applied.joined().compactMap { if case .intend(let intention) = $0 { intention } else { nil } }
    }

    @Test("The journal has the intention before the request, and its end with the session: two transactions in all")
    func beforeAndAfter() async throws {
        let bench = try await EngineBench(destination: Self.destination())
        let gate = Gate()
        bench.destination.answerNext(.begin, .hold(gate, then: .carryOut))
        let small = try bench.create("small", number: 2)
        try bench.write(small, EngineBench.bytes(1000), at: 0)
        try bench.close(small)
        #expect(await bench.settled(small.file).phase == .done)
        let writer = try bench.create("d/film", number: 3)
        try bench.write(writer, EngineBench.bytes(2500), at: 0)
        await gate.arrivals()
        let intention = try #require(try bench.journal.intentions().first)
        #expect(intention.path.text == "d/film" && intention.time == EngineBench.start)
        gate.open()
        await bench.destination.calls(.send, atLeast: 1)
        #expect(try bench.journal.intentions().isEmpty)
        let end = bench.journal.applied.first { $0.contains(.intentionEnded(intention.number)) }
        #expect(end == [.setSession(writer.version, SessionToken("session-1")), .intentionEnded(intention.number)])
        try bench.close(writer)
        #expect(await bench.settled(writer.file).phase == .done)
        #expect(intended(bench.journal) == [intention], "none for a file in one request")
        #expect(bench.destination.searches.isEmpty, "nothing is looked for that nobody intended")
        await bench.stop()
    }

    @Test("An answer that is lost leaves the intention, and the next attempt has one of its own; a refusal leaves none")
    func lostAnswers() async throws {
        let bench = try await EngineBench(destination: Self.destination())
        bench.destination.answerNext(
            .begin, .carryOutAndFail(.broken(.reset)), .fail(.unreachable(.refused)), .carryOut)
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(2500), at: 0)
        while bench.destination.count(.send) < 1 {
            bench.clock.advance(by: .milliseconds(50))
            await Task.yield()
        }
        let rows = intended(bench.journal)
        #expect(rows.count == 3 && Set(rows.map(\.number)).count == 3)
        #expect(try bench.journal.intentions() == [rows[0]])
        await bench.stop()
    }

    @Test("What an earlier run has left by its intentions is aborted, once the journal owes it")
    func swept() async throws {
        let journal = MemoryJournal()
        let destination = Self.destination()
        let rows = try [Self.intention(5), Self.intention(6, "b")]
        try journal.apply(rows.map { .intend($0) })
        destination.setSearch { _, _ in
            var left = LeftBehind()
            left.strays = [SessionToken("stray")]
            left.settled = [5]
            left.doubtful = ["b"]
            return left
        }
        let bench = try await EngineBench(destination: destination, journal: journal)
        await bench.sleepsUntil(.seconds(10))
        #expect(destination.count(.abort) == 0 && destination.searches == [rows])
        bench.clock.advance(by: .seconds(10))
        await destination.calls(.abort, atLeast: 1)
        while try !journal.owedAborts().isEmpty { await Task.yield() }
        #expect(destination.searches == [rows, rows])
        #expect(try journal.intentions() == [rows[1]])
        #expect(journal.applied.contains([.oweAbort(SessionToken("stray")), .intentionEnded(5)]))
        #expect(bench.troubles.contains { $0.contains("left alone") })
        await bench.stop()
    }

    @Test("What is gone at the second look, or has come since the first, is not touched")
    func changing() async throws {
        let journal = MemoryJournal()
        let destination = Self.destination()
        try journal.apply([.intend(try Self.intention())])
        destination.setSearch { [destination] _, _ in
            var left = LeftBehind()
            left.strays = [SessionToken(destination.searches.count == 1 ? "in use soon" : "late")]
            left.settled = [5]
            return left
        }
        let bench = try await EngineBench(destination: destination, journal: journal)
        await bench.sleepsUntil(.seconds(10))
        bench.clock.advance(by: .seconds(10))
        while destination.searches.count < 2 { await Task.yield() }
        await bench.stop()
        #expect(destination.count(.abort) == 0)
        #expect(try journal.intentions().count == 1)
    }

    @Test("Where it may not look the intentions stay, and the log says so")
    func mayNotLook() async throws {
        let journal = MemoryJournal()
        try journal.apply([.intend(try Self.intention())])
        let bench = try await EngineBench(destination: Self.destination(), journal: journal)
        while !bench.troubles.contains(where: { $0.contains("can't be told") }) { await Task.yield() }
        await bench.stop()
        #expect(try journal.intentions().count == 1)
    }

    @Test("What this run is just beginning is known before anything is taken for left behind")
    func underWay() async throws {
        let journal = MemoryJournal()
        let destination = Self.destination()
        let gate = Gate()
        let searching = Gate()
        try journal.apply([
            .intend(try Self.intention()), EngineBench.row(1, of: 9, closedSize: 2500),
            .oweAbort(SessionToken("owed")),
        ])
        destination.setRule { call in
            switch call.kind {
            case .begin: .hold(gate, then: .carryOut)
            case .abort: .hold(searching, then: .carryOut)
            default: .carryOut
            }
        }
        let known = Known()
        destination.setSearch { _, sessions in
            known.set(sessions)
            return LeftBehind()
        }
        let bench = try await EngineBench(destination: destination, journal: journal) {
            try $0.add(9, "a", [1: EngineBench.bytes(2500)], in: $1)
        }
        await gate.arrivals()
        while destination.searches.isEmpty { await Task.yield() }
        gate.open()
        while known.value == nil { await Task.yield() }
        #expect(known.value == [SessionToken("session-1"), SessionToken("owed")])
        searching.open()
        await bench.stop()
    }

    private final class Known: Sendable {
        private let sessions = Mutex<Set<SessionToken>?>(nil)
        var value: Set<SessionToken>? { sessions.withLock { $0 } }
        func set(_ value: Set<SessionToken>?) { sessions.withLock { $0 = value } }
    }
}
