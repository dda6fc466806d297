import TestSupport
import Testing

@testable import UploadCore

/// What the disk, a kill and a power loss leave to be brought right by itself.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineKeepingTests {
    private static let closed = Timestamp(seconds: 5)

    /// A journal with one closed version of file 9, a node of 5,000 bytes, and no mark of durability.
    private static func journal(boot: String) throws -> MemoryJournal {
        let journal = MemoryJournal()
        try journal.apply([
            try EngineBench.node(9, "a", version: 2, size: 5000),
            EngineBench.row(2, of: 9, closedSize: 5000, closed: closed),
            .setFact(name: "boot", value: boot),
        ])
        return journal
    }

    @Test("After a kill the closes that were not marked yet are, though nobody closes anything more")
    func recoveredCloses() async throws {
        let journal = try Self.journal(boot: "boot")
        let bench = try await EngineBench(journal: journal) { names, spool in
            names.set(FileID(9), try UploadPath("a"))
            try spool.create(VersionID(2)).truncate(to: 5000)
        }
        bench.destination.setRule { _ in .fail(.unreachable(.refused)) }
        while try journal.upload(VersionID(2))?.durable != Self.closed {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        await bench.stop()
    }

    @Test("What can't be marked now is marked later, and asked for less and less often")
    func keptLater() async throws {
        let bench = try await EngineBench()
        bench.journal.failSynchronizing(with: .noSpace)
        let writer = try bench.create("a~", number: 2, nameClass: .temporary)
        try bench.write(writer, [1], at: 0)
        try bench.close(writer)
        var moment: Duration = .zero
        for pause in [500, 1000, 2000] {
            moment += .milliseconds(pause)
            await bench.sleepsUntil(moment)
            bench.clock.advance(by: .milliseconds(pause))
        }
        await bench.sleepsUntil(moment + .seconds(4))
        #expect(await bench.engine.gathered.keys.contains(writer.version))
        bench.journal.failSynchronizing(with: nil)
        bench.clock.advance(by: .seconds(4))
        while await !bench.engine.gathered.isEmpty { await Task.yield() }
        #expect(try bench.journal.upload(writer.version)?.durable != nil)
        await bench.stop()
    }

    @Test("After a power loss a file has the size that the spool has of it: it is released and read as it is")
    func powerLossCutsTheSize() async throws {
        let journal = try Self.journal(boot: "yesterday")
        let bench = try await EngineBench(journal: journal, boot: "today") { names, spool in
            names.set(FileID(9), try UploadPath("a"))
            try spool.create(VersionID(2)).truncate(to: 300)
        }
        #expect(try journal.node(FileID(9))?.size == 300)
        let status = await bench.settled(FileID(9))
        #expect(status.phase == .interrupted && status.failure?.code == "power-lost" && status.size == 300)
        await bench.stop()
    }

    @Test("What a name is given to is published only when nothing can bring back what had it before")
    func givenUpNames() async throws {
        let bench = try await EngineBench()
        bench.names.giveUpName()
        let writer = try bench.create("a", number: 2, nameClass: .ordinary)
        try bench.close(writer)
        bench.front.post(.awaited(writer.file))
        while !(await bench.engine.awaitingNames.contains(writer.version)) { await Task.yield() }
        #expect(bench.destination.count(.put) == 0 && bench.names.claimed.isEmpty)
        let before = bench.journal.synchronizations
        await bench.sleepsUntil(.milliseconds(500))
        bench.clock.advance(by: .milliseconds(500))
        try await bench.untilPublished("a")
        #expect(bench.journal.synchronizations > before)
        await bench.stop()
    }

    @Test("Names that others give up all the while don't keep a file back: what had its name is long gone")
    func busyNames() async throws {
        let bench = try await EngineBench()
        bench.names.giveUpNamesAlways()
        let writer = try bench.create("a", number: 2, nameClass: .ordinary)
        try bench.close(writer)
        bench.front.post(.awaited(writer.file))
        while !(await bench.engine.awaitingNames.contains(writer.version)) { await Task.yield() }
        await bench.sleepsUntil(.milliseconds(500))
        bench.clock.advance(by: .milliseconds(500))
        try await bench.untilPublished("a")
        await bench.stop()
    }

    @Test("A version that takes a published one's place is published only when its own close is durable")
    func successor() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a", number: 2, isSuccessor: true)
        try bench.close(writer)
        bench.front.post(.awaited(writer.file))
        await bench.sleepsUntil(.milliseconds(500))
        #expect(bench.destination.count(.put) == 0)
        bench.clock.advance(by: .milliseconds(500))
        try await bench.untilPublished("a")
        #expect(try bench.journal.upload(writer.version)?.durable != nil)
        await bench.stop()
    }

    @Test("What a close has superseded keeps its session until that close is durable: a power loss brings it back")
    func supersededSession() async throws {
        let bench = try await EngineBench()
        let first = try bench.create("a", number: 2, version: 1)
        try bench.write(first, EngineBench.bytes(3000), at: 0)
        await bench.destination.calls(.send, atLeast: 1)
        try bench.close(first)
        let second = try bench.create("a", number: 2, version: 2, isSuccessor: true)
        try bench.write(second, [1], at: 0)
        try bench.close(second)
        while bench.board.status(of: FileID(2))?.version != second.version { await Task.yield() }
        await bench.sleepsUntil(.milliseconds(500))
        #expect(bench.destination.count(.abort) == 0)
        #expect(try bench.journal.upload(first.version)?.session != nil)
        bench.clock.advance(by: .milliseconds(500))
        await bench.destination.calls(.abort, atLeast: 1)
        #expect(try bench.journal.upload(first.version) == nil)
        await bench.stop()
    }

    @Test("Killed before a newer close was durable, the one before it stays until it is")
    func recoveredPredecessor() async throws {
        let journal = try Self.journal(boot: "boot")
        let earlier = Timestamp(seconds: 3)
        try journal.apply([EngineBench.row(1, of: 9, closedSize: 2, closed: earlier, durable: earlier)])
        let bench = try await EngineBench(journal: journal) { names, spool in
            try names.add(9, "a", [1: [1, 2], 2: EngineBench.bytes(5000)], in: spool)
        }
        #expect(try bench.spool.versions().sorted() == [VersionID(1), VersionID(2)])
        bench.front.post(.awaited(FileID(9)))
        await bench.sleepsUntil(.milliseconds(500))
        #expect(bench.destination.count(.finish) == 0)
        bench.clock.advance(by: .milliseconds(500))
        #expect(try await bench.untilPublished("a").count == 5000)
        while try bench.spool.versions() != [VersionID(2)] { await Task.yield() }
        await bench.stop()
    }

    @Test("While the journal can't be kept no room is made, status says so, and what is closed goes up all the same")
    func unkeptJournal() async throws {
        let bench = try await EngineBench(spoolLimit: 2 * 4096)
        let first = try bench.create("old", number: 2)
        try bench.write(first, EngineBench.bytes(900), at: 0)
        try bench.close(first)
        #expect(await bench.settled(first.file).phase == .done)
        bench.journal.failSynchronizing(with: .database(code: 10, message: "disk I/O error"))
        let writer = try bench.create("a", number: 3, isSuccessor: true)
        try bench.write(writer, EngineBench.bytes(900), at: 0)
        try bench.close(writer)
        bench.front.post(.awaited(writer.file))
        try await bench.untilPublished("a", advancing: .milliseconds(100))
        #expect(bench.front.overview().trouble?.code == "journal-not-kept")
        bench.front.post(.pressed)
        bench.spool.gauge.add(2 * 4096)
        bench.front.post(.pressed)
        bench.front.post(.awaited(writer.file))
        #expect(await bench.settled(writer.file).phase == .done)
        #expect(try bench.journal.upload(first.version)?.isSpooled == true)
        await bench.stop()
    }

    @Test("Requests are numbered on from run to run, so that what a killed one sent can be told from the newer")
    func numbers() async throws {
        let journal = MemoryJournal()
        let first = try await EngineBench(journal: journal)
        let writer = try first.create("a", number: 2)
        try first.close(writer)
        #expect(await first.settled(writer.file).phase == .done)
        let last = await first.engine.lastTask
        await first.stop()
        let second = try await EngineBench(journal: journal)
        #expect(await second.engine.lastTask > last)
        await second.stop()
    }

    @Test("Orphans go before anybody can be given their numbers")
    func orphans() async throws {
        let journal = MemoryJournal()
        journal.failSynchronizing(with: .noSpace)
        let bench = try await EngineBench(journal: journal) { _, spool in _ = try spool.create(VersionID(77)) }
        #expect(try bench.spool.versions().isEmpty)
        journal.failSynchronizing(with: nil)
        await bench.stop()
    }

    @Test("Small files that are published make room for the writer that waits, though nobody writes any more")
    func publishedMakeRoom() async throws {
        let bench = try await EngineBench(
            destination: ScriptedDestination(
                limits: DestinationLimits(
                    schedule: .equal(4096), parallelChunks: 3, canReplaceChunk: true, namesAtFinish: true)),
            spoolLimit: 4 * 4096)
        for number in Int64(2)...5 {
            let writer = try bench.create("f\(number)", number: number)
            try bench.write(writer, EngineBench.bytes(4096), at: 0)
            try bench.close(writer)
        }
        #expect(bench.spool.gauge.isFull)
        bench.front.post(.pressed)
        let failure = await withCheckedContinuation { continuation in
            _ = bench.front.whenRoom(since: nil) { continuation.resume(returning: $0) }
            Task {
                while bench.spool.gauge.waiting > 0 {
                    bench.clock.advance(by: .milliseconds(100))
                    await Task.yield()
                }
            }
        }
        #expect(failure == nil)
        #expect(!bench.spool.gauge.isFull)
        await bench.stop()
    }

    @Test("Paused goes before dead, and dead is told again at once when it goes on")
    func pausedWhileDead() async throws {
        let bench = try await EngineBench()
        bench.destination.setRule { _ in .fail(.unreachable(.refused)) }
        let writer = try bench.create("a", number: 2)
        try bench.close(writer)
        func reason() -> String { bench.front.overview(limit: 10).stoppage?.reason ?? "" }
        while !reason().contains("refused") {
            bench.clock.advance(by: .milliseconds(100))
            await Task.yield()
        }
        bench.front.post(.paused(true))
        while !reason().contains("paused") { await Task.yield() }
        let probes = bench.destination.count(.probe)
        while bench.destination.count(.probe) < probes + 2 {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(reason().contains("paused"))
        bench.front.post(.paused(false))
        while !reason().contains("refused") { await Task.yield() }
        await bench.stop()
    }
}
