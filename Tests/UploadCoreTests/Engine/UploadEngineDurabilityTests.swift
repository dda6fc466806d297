import Glibc
import TestSupport
import Testing

@testable import UploadCore

/// P1 beyond a kill: what is on stable storage, and what is believed after the machine went down.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineDurabilityTests {
    @Test("Closes are brought to stable storage together, soon after, and marked")
    func gathered() async throws {
        let bench = try await EngineBench()
        var closes: [VersionID: Timestamp] = [:]
        for number in Int64(2)...4 {
            let writer = try bench.create("f\(number)", number: number)
            try bench.write(writer, [1, 2, 3], at: 0)
            closes[writer.version] = try bench.close(writer)
        }
        for number in UInt64(2)...4 {
            while bench.board.status(of: FileID(number))?.isClosed != true { await Task.yield() }
        }
        let before = bench.journal.synchronizations
        while try bench.journal.upload(VersionID(4))?.durable == nil {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        for (version, moment) in closes { #expect(try bench.journal.upload(version)?.durable == moment) }
        #expect(bench.journal.synchronizations == before + 1)
        await bench.stop()
    }

    @Test(
        "What is given up before its bytes are on stable storage, or just then, is no damage", arguments: [false, true])
    func givenUp(isMeanwhile: Bool) async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a~", number: 2, nameClass: .temporary)
        try bench.write(writer, [1], at: 0)
        let remove: @Sendable () -> Void = {
            bench.names.set(writer.file, nil)
            bench.front.post(.removed(writer.file))
            while bench.spool.has(writer.version) { sched_yield() }
        }
        if isMeanwhile { bench.spool.beforeSynchronizing(remove) }
        try bench.close(writer)
        while await bench.engine.gathered.isEmpty { await Task.yield() }
        if !isMeanwhile { remove() }
        let other = try bench.create("b", number: 3)
        try bench.close(other)
        while try bench.journal.upload(other.version)?.durable == nil {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        #expect(bench.troubles.isEmpty)
        #expect(!bench.spool.has(writer.version))
        await bench.stop()
    }

    @Test("What was closed last before the end is marked, too")
    func atTheEnd() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, [1], at: 0)
        let moment = try bench.close(writer)
        await bench.stop()
        #expect(try bench.journal.upload(writer.version)?.durable == moment)
    }

    @Test("A close whose descriptor others still hold is no close: taken back, and given again by the last one")
    func shared() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("log", number: 2)
        try bench.write(writer, [1], at: 0)
        // cat(1) in a shell's redirection has ended.
        let moment = Timestamp(nanoseconds: EngineBench.start.nanoseconds + 1)
        writer.track.flushed()
        writer.track.acknowledged(at: moment)
        try bench.journal.apply([.closed(writer.version, size: 1, at: moment)])
        bench.front.post(.acknowledged(writer.version, at: moment))
        while !writer.track.hasLapsed {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        while try bench.journal.upload(writer.version)?.closed != nil { await Task.yield() }
        #expect(try bench.journal.upload(writer.version)?.phase == .receiving)
        // The shell closes it.
        try bench.close(writer)
        #expect(await bench.settled(writer.file).phase == .done)
        await bench.stop()
    }

    @Test("After a power loss only what is marked as durable is published; the rest is kept and told")
    func powerLoss() async throws {
        let journal = MemoryJournal()
        let closed = Timestamp(seconds: 5)
        try journal.apply([
            EngineBench.row(2, of: 2, closedSize: 1, closed: closed, durable: closed),
            EngineBench.row(3, of: 3, closedSize: 1, closed: closed),
            .setFact(name: "boot", value: "yesterday"),
        ])
        let bench = try await EngineBench(journal: journal, boot: "today") { names, spool in
            try names.add(2, "f2", [2: [7]], in: spool)
            try names.add(3, "f3", [3: [7]], in: spool)
        }
        #expect(await bench.settled(FileID(2)).phase == .done)
        let torn = await bench.settled(FileID(3))
        #expect(torn.phase == .interrupted && torn.failure?.code == "power-lost")
        #expect(try journal.fact("boot") == "today")
        #expect(try bench.spool.versions().contains(VersionID(3)))
        await bench.stop()
    }

    @Test("A newer close that the power loss took does not take the place of an older one that is durable")
    func powerLossOfTheNewer() async throws {
        let journal = MemoryJournal()
        let closed = Timestamp(seconds: 5)
        try journal.apply([
            EngineBench.row(2, of: 9, closedSize: 1, closed: closed, durable: closed),
            EngineBench.row(3, of: 9, closedSize: 1, closed: closed),
            .setFact(name: "boot", value: "yesterday"),
        ])
        let bench = try await EngineBench(journal: journal, boot: "today") {
            try $0.add(9, "a", [2: [2], 3: [3]], in: $1)
        }
        await bench.destination.calls(.put, atLeast: 1)
        #expect(try await bench.untilPublished("a") == [2])
        await bench.stop()
    }

    @Test("What was published but may have lost bytes here is no longer read from here")
    func powerLossOfThePublished() async throws {
        let journal = MemoryJournal()
        try journal.apply([
            EngineBench.row(2, of: 9, .done, closedSize: 1, closed: Timestamp(seconds: 5)),
            .setFact(name: "boot", value: "yesterday"),
        ])
        let bench = try await EngineBench(journal: journal, boot: "today") { try $0.add(9, "a", [2: [7]], in: $1) }
        #expect(try journal.upload(VersionID(2))?.isSpooled == false)
        await bench.stop()
        #expect(try bench.spool.versions().isEmpty)
    }

    @Test("A durable close stays until the one that makes it needless is durable as well")
    func supersededStays() async throws {
        let bench = try await EngineBench()
        func durable(_ version: VersionID) throws -> Bool { try bench.journal.upload(version)?.durable != nil }
        let first = try bench.create("a~", number: 9, version: 2, nameClass: .temporary)
        try bench.write(first, [1], at: 0)
        try bench.close(first)
        while try !durable(first.version) {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        let second = try bench.create("a~", number: 9, version: 3, nameClass: .temporary)
        try bench.write(second, [2], at: 0)
        try bench.close(second)
        while await bench.engine.superseded.isEmpty { await Task.yield() }
        // A power loss now would take the second one, and leave the first.
        #expect(try !durable(second.version))
        #expect(try durable(first.version))
        #expect(try bench.spool.versions().contains(first.version))
        while try bench.spool.versions().contains(first.version) {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        #expect(try durable(second.version))
        #expect(try bench.journal.upload(first.version) == nil)
        while await !bench.engine.superseded.isEmpty { await Task.yield() }
        await bench.stop()
    }

    @Test("A close that makes another needless is published once it is durable: the older one never comes back over it")
    func durableBeforePublished() async throws {
        let bench = try await EngineBench()
        let first = try bench.create("a", number: 9, version: 2)
        try bench.write(first, [1], at: 0)
        try bench.close(first)
        let second = try bench.create("a", number: 9, version: 3)
        try bench.write(second, [2], at: 0)
        try bench.close(second)
        while await bench.engine.superseded.isEmpty { await Task.yield() }
        // It has settled, and is not sent.
        await bench.sleepsUntil(.milliseconds(250))
        bench.clock.advance(by: .milliseconds(250))
        while await bench.engine.uploads[second.version]?.machine.isSettled != true { await Task.yield() }
        for _ in 0..<100 { await Task.yield() }
        #expect(bench.destination.count(.put) == 0)
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(50)) == [2])
        #expect(try bench.journal.upload(second.version)?.durable != nil)
        #expect(try bench.journal.upload(first.version) == nil)
        #expect(bench.destination.count(.put) == 1)
        await bench.stop()
    }

    @Test("A spool file goes only after the journal's word for it is on stable storage")
    func removal() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a~", number: 9, nameClass: .temporary)
        try bench.write(writer, [1], at: 0)
        bench.journal.failSynchronizing(with: .noSpace)
        bench.front.post(.removed(writer.file))
        while try bench.journal.upload(writer.version) != nil { await Task.yield() }
        while await bench.engine.removing != nil { await Task.yield() }
        #expect(try bench.spool.versions() == [writer.version])
        await bench.stop()
    }

    @Test("What the disk refuses is not published: its bytes can't be relied on")
    func damaged() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a~", number: 9, nameClass: .temporary)
        try bench.write(writer, [1], at: 0)
        bench.spool.damage(writer.version, .system(call: "fdatasync", errno: 5))
        try bench.close(writer)
        while bench.board.status(of: writer.file)?.phase != .failed {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        #expect(bench.board.status(of: writer.file)?.failure?.code == "spool-fdatasync")
        #expect(
            try bench.journal.upload(writer.version)?.isSpoiled == true, "also after a kill, and never to be retried")
        bench.front.post(.classified(writer.file, .ordinary))
        bench.front.post(.retried(nil))
        #expect(await bench.settled(writer.file).phase == .failed)
        await bench.stop()
        #expect(bench.destination.count(.put) == 0)
    }

    /// A version that was closed, and one that is written to take its place; nothing is sent.
    private static func replacement() async throws -> (EngineBench, EngineBench.Writer, EngineBench.Writer) {
        let bench = try await EngineBench()
        bench.front.post(.paused(true))
        let first = try bench.create("a", number: 9, version: 1)
        try bench.write(first, [1], at: 0)
        try bench.close(first)
        let second = try bench.create("a", number: 9, version: 2, isSuccessor: true)
        try bench.write(second, [2, 2], at: 0)
        return (bench, first, second)
    }

    @Test("When the disk refuses a newer close, the one before it is the last, and is published")
    func damagedSuccessor() async throws {
        let (bench, _, second) = try await Self.replacement()
        try bench.journal.apply([try EngineBench.node(9, "a", version: 2)])
        bench.spool.damage(second.version, .system(call: "fdatasync", errno: 5))
        try bench.close(second)
        while bench.board.status(of: FileID(9))?.phase != .failed {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        bench.front.post(.paused(false))
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(500)) == [1])
        await bench.stop()
        #expect(bench.destination.count(.put) == 1)
    }

    @Test("A close that was voided while it was brought to the disk takes nothing away")
    func voidedClose() async throws {
        let (bench, first, second) = try await Self.replacement()
        try bench.close(second)
        while bench.board.status(of: FileID(9))?.version != second.version { await Task.yield() }
        // Reopened in place: its event comes later.
        try bench.journal.apply([.reopened(second.version)])
        while await !bench.engine.gathered.isEmpty {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        #expect(try bench.journal.upload(first.version)?.closed != nil)
        #expect(try bench.spool.versions().count == 2)
        await bench.stop()
    }

    @Test("A change of a published file that fails at its first byte is a failure that stays")
    func failedFirstChange() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a", number: 9)
        try bench.write(writer, [1], at: 0)
        try bench.close(writer)
        #expect(await bench.settled(writer.file).phase == .done)
        _ = try bench.reopen(writer)
        try bench.journal.apply([.reopened(writer.version)])
        let failure = FailureSentences.spool(.noSpace)
        bench.front.post(.spoiled(writer.version, failure))
        bench.front.post(.closed(writer.version, size: 1))
        #expect(await bench.settled(writer.file).failure == failure)
        #expect(try bench.journal.upload(writer.version)?.isSpoiled == true)
        await bench.stop()
    }
}
