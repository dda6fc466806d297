import TestSupport
import Testing
import UploadCore

/// What the next process does with what an ended one has left.
/// Chunks of 1,000 bytes, three at a time.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineRecoveryTests {
    @Test("A change that was closed while its file was being published survives a crash in that moment")
    func closedWhilePublishing() async throws {
        let destination = ScriptedDestination()
        let journal = MemoryJournal()
        let bench = try await EngineBench(destination: destination, journal: journal)
        let gate = Gate()
        destination.answerNext(.finish, .hold(gate, then: .carryOut))
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(2000), at: 0)
        try bench.close(writer)
        bench.front.post(.awaited(writer.file))
        await gate.arrivals()
        // The filesystem has journalled the change and its close; the engine has not heard of them.
        try journal.apply([
            .reopened(writer.version), .closed(writer.version, size: 2000, at: Timestamp(seconds: 1_750_000_100)),
        ])
        gate.open()
        while await destination.objects.isEmpty { await Task.yield() }
        await bench.stop()
        #expect(
            try journal.upload(writer.version)?.phase == .queued || journal.upload(writer.version)?.phase == .finalizing
        )
        #expect(try journal.unfinishedUploads().map(\.version) == [writer.version])
    }

    @Test("A published file that was changed and closed again is taken up after a crash")
    func changedAfterPublishing() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let first = try await EngineBench(destination: destination, journal: journal)
        let writer = try first.create("a", number: 2)
        try first.close(writer)
        #expect(await first.settled(writer.file).phase == .done)
        try journal.apply([
            .reopened(writer.version), .closed(writer.version, size: 3, at: Timestamp(seconds: 1_750_000_100)),
        ])
        await first.stop()
        let second = try await EngineBench(destination: destination, journal: journal) {
            try $0.add(2, "a", [2: [7, 8, 9]], in: $1)
        }
        #expect(await second.settled(writer.file).phase == .done)
        #expect(try await second.published("a") == [7, 8, 9])
        await second.stop()
    }

    @Test("After a stop in mid-upload the next engine asks what is there and sends only the rest")
    func recovery() async throws {
        let destination = ScriptedDestination()
        let journal = MemoryJournal()
        let bytes = EngineBench.bytes(10_000)
        let first = try await EngineBench(destination: destination, journal: journal)
        let gate = Gate()
        destination.setRule { call in
            call.kind == .send && call.ordinal >= 4 ? .hold(gate, then: .fail(.cancelled)) : .carryOut
        }
        let writer = try first.create("big", number: 2)
        try first.write(writer, bytes, at: 0)
        try first.close(writer)
        await gate.arrivals(atLeast: 3)
        while try journal.storedChunks(of: writer.version).count < 4 { await Task.yield() }
        await first.stop()
        let before = destination.count(.send)
        let asked = Gate()
        destination.setRule { $0.kind == .inventory ? .hold(asked, then: .carryOut) : .carryOut }
        let second = try await EngineBench(destination: destination, journal: journal) {
            try $0.add(2, "big", [2: bytes], in: $1)
        }
        await asked.arrivals()
        // Until the destination has answered the journal's word is what people see, and not that nothing is there.
        let known = try #require(second.board.status(of: writer.file))
        #expect(known.acknowledged == 4000 && known.chunksStored == 4 && known.chunksTotal == 10)
        asked.open()
        #expect(await second.settled(writer.file).phase == .done)
        #expect(destination.count(.inventory) == 1)
        #expect(destination.count(.begin) == 1)
        #expect(destination.count(.send) - before == 6)
        #expect(try await second.published("big") == bytes)
        await second.stop()
    }

    @Test("What was finished when the answer was lost and the process killed is found finished, and not sent again")
    func finishedMeanwhile() async throws {
        let destination = ScriptedDestination()
        let journal = MemoryJournal()
        let bytes = EngineBench.bytes(5000)
        let first = try await EngineBench(destination: destination, journal: journal)
        destination.setRule { $0.kind == .finish ? .carryOutAndFail(.cancelled) : .carryOut }
        let writer = try first.create("big", number: 2)
        try first.write(writer, bytes, at: 0)
        try first.close(writer)
        first.front.post(.awaited(writer.file))
        while await destination.objects.isEmpty { await Task.yield() }
        await first.stop()
        destination.setRule { _ in .carryOut }
        let second = try await EngineBench(destination: destination, journal: journal) {
            try $0.add(2, "big", [2: bytes], in: $1)
        }
        #expect(await second.settled(writer.file).phase == .done)
        #expect(destination.count(.send) == 5 && destination.count(.begin) == 1)
        #expect(try await second.published("big") == bytes)
        await second.stop()
    }

    @Test("A file that nobody closed before the end is interrupted: kept, told, never published by itself")
    func interrupted() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let first = try await EngineBench(destination: destination, journal: journal)
        let writer = try first.create("open", number: 2)
        try first.write(writer, EngineBench.bytes(100), at: 0)
        await first.stop()
        let second = try await EngineBench(destination: destination, journal: journal) {
            try $0.add(2, "open", [2: EngineBench.bytes(100)], in: $1)
        }
        let status = await second.settled(writer.file)
        #expect(status.phase == .interrupted)
        #expect(status.failure?.remedy.isEmpty == false)
        second.clock.advance(by: .seconds(100))
        // Opened and closed, as touch(1) does, changes nothing of it.
        let touched = try second.reopen(writer)
        second.front.post(.closed(touched.version, size: 100))
        #expect(await second.settled(writer.file).phase == .interrupted)
        await second.stop()
        #expect(destination.calls.isEmpty)
        #expect(try journal.upload(writer.version)?.phase == .interrupted)
    }

    @Test("A file that was removed while nobody looked is cleaned up, here and at the destination")
    func removedBeforeRecovery() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let version = VersionID(5)
        try journal.apply([EngineBench.row(5, of: 9, closedSize: 5, session: SessionToken("gone"))])
        let bench = try await EngineBench(destination: destination, journal: journal) { _, spool in
            _ = try spool.create(version)
        }
        await destination.calls(.abort, atLeast: 1)
        await bench.stop()
        #expect(try journal.upload(version) == nil)
        #expect(try bench.spool.versions().isEmpty)
    }

    @Test(
        "After a crash an older version never comes after a newer one that was closed",
        arguments: [Phase.done, .queued])
    func supersededBeforeRecovery(newer: Phase) async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        try journal.apply([
            EngineBench.row(1, of: 9, closedSize: 1), EngineBench.row(2, of: 9, newer, closedSize: 2),
        ])
        let bench = try await EngineBench(destination: destination, journal: journal) {
            try $0.add(9, "a", [1: [1], 2: [2, 2]], in: $1)
        }
        if newer == .queued { #expect(await bench.settled(FileID(9)).phase == .done) }
        await bench.stop()
        #expect(destination.count(.put) == (newer == .queued ? 1 : 0))
        #expect(try await bench.published("a") == (newer == .queued ? [2, 2] : nil))
        #expect(try bench.spool.versions() == [VersionID(2)])
    }

    @Test("What failed stays failed after a remount, except for what was only given up for its time")
    func failedBeforeRecovery() async throws {
        let journal = MemoryJournal()
        let codes = ["type-refused", FailureSentences.gaveUpCode]
        for (number, code) in zip([Int64(2), 3], codes) {
            let failure = Failure(code: code, reason: "so", remedy: "thus")
            try journal.apply([EngineBench.row(number, of: number, .failed, closedSize: 0, failure: failure)])
        }
        let bench = try await EngineBench(journal: journal) { names, spool in
            try names.add(2, "f2", [2: []], in: spool)
            try names.add(3, "f3", [3: []], in: spool)
        }
        #expect(await bench.settled(FileID(2)).failure?.code == "type-refused")
        #expect(await bench.settled(FileID(3)).phase == .done)
        await bench.stop()
    }

    @Test("Of three versions the newest that was closed is published, whatever is open after it")
    func openOverClosed() async throws {
        let journal = MemoryJournal()
        try journal.apply([
            EngineBench.row(1, of: 9, closedSize: 1), EngineBench.row(2, of: 9, closedSize: 2),
            EngineBench.row(3, of: 9, .receiving),
        ])
        let bench = try await EngineBench(journal: journal) {
            try $0.add(9, "a", [1: [1], 2: [2, 2], 3: [3, 3, 3]], in: $1)
        }
        try await bench.untilPublished("a")
        await bench.stop()
        #expect(try await bench.published("a") == [2, 2])
        #expect(bench.destination.count(.put) == 1)
    }

    @Test("Touching what was interrupted does not cost the older version that was closed")
    func touchedInterrupted() async throws {
        let journal = MemoryJournal()
        try journal.apply([EngineBench.row(1, of: 9, closedSize: 1), EngineBench.row(2, of: 9, .receiving)])
        let destination = ScriptedDestination()
        destination.setRule { _ in .fail(.busy(status: 503, retryAfter: nil)) }
        let bench = try await EngineBench(destination: destination, journal: journal) {
            try $0.add(9, "a", [1: [1], 2: [2]], in: $1)
        }
        let writer = EngineBench.Writer(
            file: FileID(9), version: VersionID(2), content: try bench.spool.open(VersionID(2)),
            track: WriteTrack(size: 1, schedule: .equal(1000)))
        let touched = try bench.reopen(writer)
        bench.front.post(.closed(touched.version, size: 1))
        destination.setRule { _ in .carryOut }
        #expect(try await bench.untilPublished("a", advancing: .seconds(10)) == [1])
        #expect(bench.front.status(of: FileID(9))?.phase == .interrupted)
        await bench.stop()
    }

    @Test("A journal that can't be read for a moment costs nothing: it is no word of a file being gone")
    func unreadableNames() async throws {
        let journal = MemoryJournal()
        try journal.apply([EngineBench.row(2, of: 9, closedSize: 1)])
        let first = try await EngineBench(journal: journal) { names, spool in
            try names.add(9, "a", [2: [7]], in: spool)
            names.fail(with: .database(code: 10, message: "disk I/O error"))
        }
        await first.stop()
        #expect(try journal.upload(VersionID(2)) != nil)
        #expect(try first.spool.versions() == [VersionID(2)])

        // And while it runs: claimed with the same error, it waits and goes on.
        let second = try await EngineBench(journal: journal) { try $0.add(9, "a", [2: [7]], in: $1) }
        second.names.fail(with: .database(code: 10, message: "disk I/O error"))
        second.names.fail(with: nil)
        try await second.untilPublished("a", advancing: .seconds(1))
        await second.stop()
    }

    @Test("Bytes that are missing or fewer than were closed are a failure of that file, and of no other")
    func missingBytes() async throws {
        let journal = MemoryJournal()
        for number in Int64(2)...4 {
            try journal.apply([EngineBench.row(number, of: number, closedSize: 2)])
        }
        let bench = try await EngineBench(journal: journal) { names, spool in
            try names.add(2, "f2", in: spool)
            try names.add(3, "f3", [3: [1]], in: spool)
            try names.add(4, "f4", [4: [1, 2]], in: spool)
        }
        #expect(await bench.settled(FileID(2)).failure?.code == "spool-missing")
        #expect(await bench.settled(FileID(3)).failure?.code == "spool-short")
        #expect(await bench.settled(FileID(4)).phase == .done)
        await bench.stop()
        #expect(bench.destination.count(.put) == 1)
    }
}
