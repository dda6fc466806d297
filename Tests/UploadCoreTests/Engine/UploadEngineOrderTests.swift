import TestSupport
import Testing
import UploadCore

/// Versions of a path reach the destination in order, never mixed (P3).
/// Chunks of 1,000 bytes, three at a time.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineOrderTests {
    @Test("Rewritten while it is published, it is published again: the last content wins")
    func rewrittenWhilePublishing() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.answerNext(.put, .hold(gate, then: .carryOut))
        let first = try bench.create("a", number: 2)
        try bench.write(first, EngineBench.bytes(10), at: 0)
        try bench.close(first)
        bench.front.post(.awaited(first.file))
        await gate.arrivals()
        let second = try bench.reopen(first)
        try bench.journal.apply([.reopened(first.version)])
        try bench.write(second, EngineBench.bytes(20, seed: 7), at: 0)
        gate.open()
        try bench.close(second)
        #expect(await bench.settled(first.file).phase == .done)
        while bench.destination.count(.put) < 2 { await Task.yield() }
        #expect(await bench.settled(first.file).phase == .done)
        #expect(try await bench.published("a") == EngineBench.bytes(20, seed: 7))
        await bench.stop()
    }

    @Test("Who asks behind a close finds it in the list")
    func marked() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(10), at: 0)
        try bench.close(writer)
        await withCheckedContinuation { continuation in
            bench.front.post(.marked { continuation.resume() })
        }
        #expect(bench.board.status(of: writer.file)?.isClosed == true)
        await bench.stop()
    }

    /// The first attempt fails; before the second a writer has begun to change the file.
    @Test("Half a rewrite is never sent, though a retry comes in its middle")
    func rewrittenBetweenAttempts() async throws {
        let bench = try await EngineBench()
        bench.destination.failNext(.put, .busy(status: 503, retryAfter: .seconds(2)))
        let first = try bench.create("a", number: 2)
        try bench.write(first, [1, 1, 1, 1], at: 0)
        try bench.close(first)
        bench.front.post(.awaited(first.file))
        await bench.destination.calls(.put, atLeast: 1)
        // Its events come late: the journal alone tells of it.
        try bench.journal.apply([.reopened(first.version)])
        try first.content.write([2, 2], at: 0)
        while bench.destination.count(.put) < 2 {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(try await bench.published("a") == nil)
        let second = try bench.reopen(first)
        try bench.write(second, [2, 2, 2, 2], at: 0)
        try bench.close(second)
        #expect(await bench.settled(first.file).phase == .done)
        #expect(try await bench.published("a") == [2, 2, 2, 2])
        await bench.stop()
    }

    @Test("A newer version of a file replaces an older one that is not published yet")
    func superseding() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.setRule { $0.kind == .send ? .hold(gate, then: .carryOut) : .carryOut }
        let old = try bench.create("a", number: 2, version: 1)
        try bench.write(old, EngineBench.bytes(3000), at: 0)
        try bench.close(old)
        await gate.arrivals(atLeast: 3)
        let new = try bench.create("a", number: 2, version: 2)
        try bench.write(new, EngineBench.bytes(10, seed: 9), at: 0)
        try bench.close(new)
        try await bench.untilPublished("a", advancing: .milliseconds(100))
        #expect(await bench.settled(new.file).phase == .done)
        gate.open()
        await bench.destination.calls(.abort, atLeast: 1)
        await bench.stop()
        #expect(try await bench.published("a") == EngineBench.bytes(10, seed: 9))
        #expect(bench.destination.count(.finish) == 0)
        #expect(try bench.spool.versions() == [new.version])
    }

    @Test("Two files of one path appear in order: the newer waits for the older one's answer")
    func pathLease() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.answerNext(.put, .hold(gate, then: .carryOut))
        let old = try bench.create("a", number: 2)
        try bench.write(old, [1], at: 0)
        try bench.close(old)
        bench.front.post(.awaited(old.file))
        await gate.arrivals()
        // Another file is renamed over it while its request is under way.
        let new = try bench.create("a", number: 3)
        bench.names.set(old.file, nil)
        bench.front.post(.removed(old.file))
        try bench.write(new, [2, 2], at: 0)
        try bench.close(new)
        bench.front.post(.awaited(new.file))
        for _ in 0..<1000 { await Task.yield() }
        #expect(bench.destination.count(.put) == 1)
        gate.open()
        #expect(await bench.settled(new.file).phase == .done)
        #expect(try await bench.published("a") == [2, 2])
        await bench.stop()
    }

    @Test(
        "A newer version that was not written whole, or whose writer was killed, does not cost the older one",
        arguments: [
            (Failure(code: "no-space", reason: "The disk was full.", remedy: "Make room."), .failed),
            (FailureSentences.writerKilled(program: "cp", process: 17, signal: 9), .interrupted),
        ] as [(Failure, Phase)])
    func brokenNewer(failure: Failure, phase: Phase) async throws {
        let bench = try await EngineBench()
        let first = try bench.create("a", number: 2, version: 1)
        try bench.write(first, [1], at: 0)
        try bench.close(first)
        let second = try bench.create("a", number: 2, version: 2)
        try bench.write(second, [2, 2], at: 0)
        if phase == .interrupted {
            bench.front.post(.torn(second.version, size: 2, failure))
        } else {
            bench.front.post(.spoiled(second.version, failure))
            bench.front.post(.closed(second.version, size: 2))
        }
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(250)) == [1])
        let status = await bench.settled(first.file)
        #expect(status.phase == phase && status.failure?.code == failure.code)
        #expect(try bench.journal.upload(second.version)?.phase == phase)
        await bench.stop()
    }

    @Test("For a file that was unlinked a moment ago the destination is asked for nothing")
    func unlinkedBeforeBegin() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a", number: 2)
        bench.names.set(writer.file, nil)
        try bench.write(writer, EngineBench.bytes(5000), at: 0)
        while bench.spool.has(writer.version) { await Task.yield() }
        #expect(bench.destination.count(.begin) == 0)
        #expect(try bench.journal.upload(writer.version) == nil)
        bench.front.post(.removed(writer.file))
        await bench.stop()
        #expect(bench.troubles.isEmpty)
    }

    @Test("As long as nobody knows its name it is not begun; then it is")
    func unknownBeforeBegin() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a", number: 2)
        bench.names.fail(with: .database(code: 10, message: "disk I/O error"))
        try bench.write(writer, EngineBench.bytes(5000), at: 0)
        while bench.board.status(of: writer.file)?.failure == nil { await Task.yield() }
        #expect(bench.destination.count(.begin) == 0)
        bench.names.fail(with: nil)
        try bench.close(writer)
        while try await bench.published("a") == nil {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        await bench.stop()
    }

    @Test("A refusal of what was written before is forgotten with the next close, here and in the journal")
    func refusedThenWritten() async throws {
        let destination = ScriptedDestination()
        let refusal = Rejection(status: 415, cause: .typeRefused, detail: "no")
        destination.setRule { call in call.kind == .begin && call.ordinal == 0 ? .fail(.rejected(refusal)) : .carryOut }
        let bench = try await EngineBench(destination: destination)
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(5000), at: 0)
        await destination.calls(.begin, atLeast: 1)
        while bench.front.status(of: writer.file)?.phase != .failed { await Task.yield() }
        // Each chunk written on makes no request: only the close asks again.
        for index in 5..<50 { try bench.write(writer, EngineBench.bytes(1000), at: Int64(index) * 1000) }
        try bench.close(writer)
        #expect(await bench.settled(writer.file).phase == .done)
        #expect(destination.count(.begin) == 2)
        #expect(try bench.journal.upload(writer.version)?.failure == nil)
        await bench.stop()
    }
}
