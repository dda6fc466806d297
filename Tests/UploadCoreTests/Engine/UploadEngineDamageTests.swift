import TestSupport
import Testing

@testable import UploadCore

/// What the disk refuses, and what a failed write has left, at awkward moments.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineDamageTests {
    /// A published file whose bytes the disk is going to refuse.
    private static func published() async throws -> (EngineBench, EngineBench.Writer) {
        let bench = try await EngineBench()
        let writer = try bench.create("a", number: 9)
        try bench.write(writer, [1], at: 0)
        bench.spool.damage(writer.version, .system(call: "fdatasync", errno: 5))
        try bench.close(writer)
        #expect(await bench.settled(writer.file).phase == .done)
        return (bench, writer)
    }

    @Test("What the disk refuses after its publication is there, and not to be read or changed from here")
    func afterPublication() async throws {
        let (bench, writer) = try await Self.published()
        while try bench.journal.upload(writer.version)?.isSpooled == true {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        while try !bench.spool.versions().isEmpty { await Task.yield() }
        #expect(try bench.journal.upload(writer.version)?.phase == .done)
        await bench.stop()
    }

    @Test("Who has it open for writing just then is told, and it goes when that one is gone")
    func afterPublicationWhileOpen() async throws {
        let (bench, writer) = try await Self.published()
        bench.names.hold(writer.file)
        let again = try bench.reopen(writer)
        while await bench.engine.dormant.isEmpty { await Task.yield() }
        while again.track.failure == nil {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        #expect(try bench.spool.versions() == [writer.version])
        bench.names.letGo(writer.file)
        bench.front.post(.closed(writer.version, size: 1))
        while try !bench.spool.versions().isEmpty { await Task.yield() }
        #expect(try bench.journal.upload(writer.version)?.isSpooled == false)
        await bench.stop()
    }

    @Test("A close that the engine hears of after the word that its bytes are bad is void as well")
    func closeAfterSpoil() async throws {
        let bench = try await EngineBench()
        bench.front.post(.paused(true))
        let writer = try bench.create("a", number: 9)
        try bench.write(writer, [1], at: 0)
        try bench.close(writer)
        let later = Timestamp(seconds: 1_760_000_000)
        let failure = FailureSentences.spool(.noSpace)
        try bench.journal.apply([.reopened(writer.version), .closed(writer.version, size: 1, at: later)])
        bench.front.post(.spoiled(writer.version, failure))
        bench.front.post(.acknowledged(writer.version, at: later))
        bench.front.post(.closed(writer.version, size: 1, at: later))
        #expect(await bench.settled(writer.file).failure == failure)
        await bench.stop()
        #expect(try bench.journal.upload(writer.version)?.isSpoiled == true)
        #expect(bench.destination.count(.put) == 0)
    }

    @Test("When a newer close turns out bad by a failed write, the one before it is the last, and is published")
    func olderComesBack() async throws {
        let bench = try await EngineBench()
        bench.front.post(.paused(true))
        let first = try bench.create("a", number: 9, version: 1)
        try bench.write(first, [1], at: 0)
        try bench.close(first)
        let second = try bench.create("a", number: 9, version: 2, isSuccessor: true)
        try bench.journal.apply([try EngineBench.node(9, "a", version: 2)])
        try bench.write(second, [2, 2], at: 0)
        try bench.close(second)
        while await bench.engine.superseded[second.version]?.isEmpty != false { await Task.yield() }
        _ = try bench.reopen(second)
        try bench.journal.apply([.reopened(second.version)])
        bench.front.post(.spoiled(second.version, FailureSentences.spool(.noSpace)))
        bench.front.post(.paused(false))
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(50)) == [1])
        #expect(try bench.journal.upload(second.version)?.isSpoiled == true)
        await bench.stop()
    }

    @Test("What was being published when a newer close turned out bad is the last one, also when that request fails")
    func olderUnderWay() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.answerNext(.put, .hold(gate, then: .fail(.cancelled)))
        let first = try bench.create("a", number: 9, version: 1)
        try bench.write(first, [1], at: 0)
        try bench.close(first)
        bench.front.post(.awaited(first.file))
        await gate.arrivals()
        let second = try bench.create("a", number: 9, version: 2, isSuccessor: true)
        try bench.journal.apply([try EngineBench.node(9, "a", version: 2)])
        try bench.write(second, [2, 2], at: 0)
        try bench.close(second)
        while await bench.engine.uploads[first.version]?.isDoomed != true { await Task.yield() }
        _ = try bench.reopen(second)
        try bench.journal.apply([.reopened(second.version)])
        bench.front.post(.spoiled(second.version, FailureSentences.spool(.noSpace)))
        while await bench.engine.uploads[first.version]?.isDoomed == true { await Task.yield() }
        gate.open()
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(50)) == [1])
        await bench.stop()
        #expect(try bench.journal.upload(first.version)?.phase == .done)
    }

    @Test("What is published while something newer is no close yet stays known: that may be discarded")
    func publishedBeforeNewerClose() async throws {
        let bench = try await EngineBench()
        let first = try bench.create("a", number: 9, version: 1)
        try bench.write(first, [1], at: 0)
        try bench.close(first)
        let second = try bench.create("a", number: 9, version: 2, isSuccessor: true)
        try bench.write(second, [2, 2], at: 0)
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(50)) == [1])
        while await bench.engine.uploads[first.version] != nil { await Task.yield() }
        #expect(try bench.journal.upload(first.version)?.phase == .done)
        #expect(try bench.spool.versions().contains(first.version))
        // And then it is one.
        try bench.close(second)
        while try await bench.published("a") != [2, 2] {
            bench.clock.advance(by: .milliseconds(50))
            await Task.yield()
        }
        await bench.stop()
    }
}
