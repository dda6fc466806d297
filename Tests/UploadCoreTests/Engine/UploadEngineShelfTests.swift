import TestSupport
import Testing

@testable import UploadCore

/// P4 for the queue: what only waits for its turn is not in memory.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineShelfTests {
    /// So many files of one byte wait, the first is number 2, and no more than eight of them are in memory.
    private func crowded(_ count: Int64 = 40) async throws -> (bench: EngineBench, writers: [EngineBench.Writer]) {
        let bench = try await EngineBench(configure: { settings in
            settings.awakeFiles = 8
            settings.connections = 1
        })
        bench.front.post(.paused(true))
        var writers: [EngineBench.Writer] = []
        for number in 2..<2 + count {
            let writer = try bench.create("f\(number)", number: number)
            try bench.write(writer, [UInt8(truncatingIfNeeded: number)], at: 0)
            try bench.close(writer)
            writers.append(writer)
        }
        while await bench.engine.shelf.count < Int(count) - 8 {
            bench.clock.advance(by: .milliseconds(250))
            await Task.yield()
        }
        return (bench, writers)
    }

    private func untilOff(_ version: VersionID, _ bench: EngineBench) async {
        while await bench.engine.shelf.contains(version) { await Task.yield() }
    }

    @Test("Of a long queue a few are in memory, all are counted, and all arrive, the oldest first")
    func longQueue() async throws {
        let (bench, writers) = try await crowded()
        let overview = bench.front.overview()
        #expect(overview.files.count <= 8)
        #expect(overview.totals.filesByPhase == [.queued: 40])
        #expect(overview.totals.bytesPending == 40)
        #expect(overview.filesNotListed == 40 - overview.files.count)
        #expect(bench.front.status(of: writers[39].file)?.phase == .queued)
        let shelved = await bench.engine.shelf.first(40).map { "f\($0)" }
        bench.front.post(.paused(false))
        for writer in writers {
            #expect(try await bench.untilPublished("f\(writer.file)") == [UInt8(writer.version.rawValue)])
        }
        #expect(bench.destination.calls.map(\.kind) == Array(repeating: .put, count: 40))
        let names = bench.destination.calls.compactMap { $0.object?.path.text }
        #expect(Set(names) == Set(writers.map { "f\($0.file)" }))
        #expect(names.filter(shelved.contains) == shelved)
        while await !bench.engine.uploads.isEmpty { await Task.yield() }
        #expect(bench.front.overview().totals.filesByPhase.isEmpty)
        #expect(bench.front.overview().totals.bytesPending == 0)
        await bench.stop()
    }

    @Test("One whose bytes the disk refuses fails, also on the shelf")
    func damaged() async throws {
        let bench = try await EngineBench(configure: { $0.awakeFiles = 1 })
        bench.front.post(.paused(true))
        for number in Int64(2)...5 {
            let writer = try bench.create("f\(number)", number: number)
            try bench.write(writer, [1], at: 0)
            if number == 4 { bench.spool.damage(writer.version, .system(call: "fdatasync", errno: 5)) }
            try bench.close(writer)
        }
        while bench.front.status(of: FileID(4))?.phase != .failed {
            bench.clock.advance(by: .milliseconds(250))
            await Task.yield()
        }
        #expect(try bench.journal.upload(VersionID(4))?.phase == .failed)
        bench.front.post(.paused(false))
        for number in [2, 3, 5] { try await bench.untilPublished("f\(number)", advancing: .milliseconds(250)) }
        #expect(try await bench.published("f4") == nil)
        await bench.stop()
    }

    @Test("One that is waited for is published before its turn has come")
    func awaited() async throws {
        let (bench, writers) = try await crowded()
        async let status = bench.settled(writers[39].file)
        await untilOff(writers[39].version, bench)
        bench.front.post(.paused(false))
        #expect(await status.phase == .done)
        await bench.stop()
    }

    @Test("One that is unlinked is gone, here and there")
    func unlinked() async throws {
        let (bench, writers) = try await crowded()
        bench.names.set(writers[39].file, nil)
        bench.front.post(.removed(writers[39].file))
        await untilOff(writers[39].version, bench)
        while bench.spool.has(writers[39].version) { await Task.yield() }
        #expect(try bench.journal.upload(writers[39].version) == nil)
        #expect(bench.front.overview().totals.filesByPhase == [.queued: 39])
        await bench.stop()
    }

    @Test("One that is written again is published with what was closed last", arguments: [false, true])
    func rewritten(isJournalledFirst: Bool) async throws {
        let (bench, writers) = try await crowded()
        if isJournalledFirst { try bench.journal.apply([.reopened(writers[39].version)]) }
        let again = try bench.reopen(writers[39])
        await untilOff(again.version, bench)
        if !isJournalledFirst { try bench.journal.apply([.reopened(writers[39].version)]) }
        try bench.write(again, [7, 8], at: 0)
        bench.front.post(.paused(false))
        try await bench.untilPublished("f40")
        #expect(try await bench.published("f41") == nil)
        try bench.close(again)
        #expect(try await bench.untilPublished("f41", advancing: .milliseconds(250)) == [7, 8])
        await bench.stop()
    }

    @Test("One that is begun anew is published as it was closed, if the new one is not closed; else never")
    func begunAnew() async throws {
        let (bench, writers) = try await crowded()
        let newer = try bench.create("f41", number: 41, version: 100, isSuccessor: true)
        await untilOff(writers[39].version, bench)
        try bench.write(newer, [9], at: 0)
        try bench.close(newer)
        while try bench.journal.upload(writers[39].version) != nil {
            bench.clock.advance(by: .milliseconds(250))
            await Task.yield()
        }
        bench.front.post(.paused(false))
        #expect(try await bench.untilPublished("f41", advancing: .milliseconds(250)) == [9])
        #expect(bench.destination.calls.filter { $0.object?.path.text == "f41" }.count == 1)
        await bench.stop()
    }

    @Test("One that is discarded after its close was taken back leaves nothing")
    func discarded() async throws {
        let (bench, writers) = try await crowded()
        let close = try #require(try bench.journal.upload(writers[39].version)?.closed)
        try bench.journal.apply([.lapsed(writers[39].version, ofClose: close)])
        bench.front.post(.discarded(writers[39].version))
        while bench.spool.has(writers[39].version) { await Task.yield() }
        #expect(try bench.journal.upload(writers[39].version) == nil)
        #expect(await !bench.engine.shelf.contains(writers[39].version))
        await bench.stop()
    }

    @Test("A long queue of an earlier run is taken up piece by piece, and what the journal is in doubt of at once")
    func recovered() async throws {
        let journal = MemoryJournal()
        let closed = EngineBench.start
        for number in Int64(2)...41 {
            // Of the last one nobody knows that it is on stable storage.
            try journal.apply([
                EngineBench.node(number, "f\(number)", version: number, size: 1),
                EngineBench.row(
                    number, of: number, closedSize: 1, closed: closed, durable: number == 41 ? nil : closed),
            ])
        }
        let bench = try await EngineBench(
            journal: journal,
            prepare: { names, spool in
                for number in Int64(2)...41 {
                    try names.add(number, "f\(number)", [number: [UInt8(number)]], in: spool)
                }
            }, configure: { $0.awakeFiles = 8 })
        for number in Int64(2)...41 { #expect(try await bench.untilPublished("f\(number)") == [UInt8(number)]) }
        await bench.stop()
    }

    @Test("What the destination puts off is not all of the queue")
    func putOff() async throws {
        let (bench, _) = try await crowded(200)
        bench.destination.setRule { _ in .fail(.busy(status: 503, retryAfter: nil)) }
        bench.front.post(.paused(false))
        for _ in 0..<200 {
            bench.clock.advance(by: .milliseconds(500))
            for _ in 0..<20 { await Task.yield() }
            #expect(await bench.engine.uploads.count <= 80)
        }
        bench.destination.setRule { _ in .carryOut }
        while bench.front.overview().filesNotListed > 0 || !bench.front.overview().files.isEmpty {
            bench.front.post(.retried(nil))
            bench.clock.advance(by: .milliseconds(100))
            for _ in 0..<20 { await Task.yield() }
        }
        for number in 2...201 { #expect(try await bench.published("f\(number)") != nil) }
        await bench.stop()
    }
}
