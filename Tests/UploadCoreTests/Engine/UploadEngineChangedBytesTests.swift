import TestSupport
import Testing
import UploadCore

/// What was to travel has become something else, or is gone, since a writer was quicker: nobody is at fault.
/// Chunks of 1,000 bytes, three at a time.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineChangedBytesTests {
    @Test("What a writer cuts away while it is read is no failure of the disk: it is sent when that one has closed it")
    func cutWhileRead() async throws {
        let destination = ScriptedDestination()
        let unreadable = DestinationError.source(.system(call: "pread", errno: 61))
        destination.setRule { call in call.kind == .put && call.ordinal == 0 ? .fail(unreadable) : .carryOut }
        let bench = try await EngineBench(destination: destination)
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, [1, 2], at: 0)
        try bench.close(writer)
        // The word of it is still on its way to the engine when the request fails.
        try bench.journal.apply([.reopened(writer.version)])
        while destination.count(.put) == 0 {
            bench.clock.advance(by: .milliseconds(250))
            await Task.yield()
        }
        let again = try bench.reopen(writer)
        try again.content.truncate(to: 1)
        #expect(again.track.beginCut(to: 1))
        _ = again.track.truncated(to: 1)
        bench.front.post(.wrote(writer.version))
        #expect(try bench.journal.upload(writer.version)?.failure == nil)
        try bench.close(again)
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(250)) == [1])
        await bench.stop()
        #expect(bench.troubles.isEmpty)
    }

    @Test("Nor is a chunk that can't be read while a cut is under way")
    func unreadableChunk() async throws {
        let destination = ScriptedDestination()
        let unreadable = DestinationError.source(.system(call: "pread", errno: 61))
        destination.setRule { call in call.kind == .send && call.ordinal == 0 ? .fail(unreadable) : .carryOut }
        let bench = try await EngineBench(destination: destination)
        let writer = try bench.create("a", number: 2)
        #expect(writer.track.beginCut(to: 4500))
        try bench.write(writer, EngineBench.bytes(5000), at: 0)
        // Five, and that one again.
        await destination.calls(.send, atLeast: 6)
        writer.track.abandonedCut(to: 4500)
        try bench.close(writer)
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(250)).count == 5000)
        await bench.stop()
    }

    /// A file of five chunks, whose first one can't be read: that comes out when the gate opens.
    private static func unreadable() async throws -> (ScriptedDestination, EngineBench, EngineBench.Writer, Gate) {
        let destination = ScriptedDestination()
        let gate = Gate()
        let unreadable = DestinationError.source(.system(call: "pread", errno: 61))
        destination.setRule { call in
            call.kind == .send && call.ordinal == 0 ? .hold(gate, then: .fail(unreadable)) : .carryOut
        }
        let bench = try await EngineBench(destination: destination)
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(5000), at: 0)
        await gate.arrivals()
        return (destination, bench, writer, gate)
    }

    @Test("Nor is one whose last writer has gone, when the journal has no close of it that the engine could hear of")
    func unreadableUnheard() async throws {
        let (destination, bench, writer, gate) = try await Self.unreadable()
        // Closed, and opened again or unlinked since: nothing of it has come to the engine.
        writer.track.finish()
        gate.open()
        await destination.calls(.send, atLeast: 6)
        try bench.close(writer)
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(250)).count == 5000)
        await bench.stop()
        #expect(bench.troubles.isEmpty)
    }

    @Test(
        "Nor is one that was closed, and that a writer cuts of whom the engine has not heard yet",
        arguments: [true, false])
    func unreadableReopened(isCloseKnown: Bool) async throws {
        let (destination, bench, writer, gate) = try await Self.unreadable()
        try bench.close(writer)
        if isCloseKnown {
            await withCheckedContinuation { continuation in
                bench.front.post(.marked { continuation.resume() })
            }
        }
        try bench.journal.apply([.reopened(writer.version)])
        gate.open()
        await destination.calls(.send, atLeast: 6)
        let again = try bench.reopen(writer)
        try again.content.truncate(to: 100)
        _ = again.track.truncated(to: 100)
        bench.front.post(.wrote(writer.version))
        try bench.close(again)
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(250)).count == 100)
        await bench.stop()
        #expect(bench.troubles.isEmpty)
    }

    @Test("Nor is one of a file that was closed, and unlinked before somebody who has it open cuts it")
    func unreadableUnlinked() async throws {
        let (destination, bench, writer, gate) = try await Self.unreadable()
        try bench.close(writer)
        await withCheckedContinuation { continuation in
            bench.front.post(.marked { continuation.resume() })
        }
        // No name, no word in the journal.
        bench.names.set(writer.file, nil)
        gate.open()
        await destination.calls(.send, atLeast: 6)
        #expect(try bench.journal.upload(writer.version)?.phase == .queued)
        bench.front.post(.removed(writer.file))
        while try bench.journal.upload(writer.version) != nil { await Task.yield() }
        await bench.stop()
        #expect(bench.troubles.isEmpty)
    }

    @Test("Nor is one that was cut before the engine has heard of that")
    func unreadableCut() async throws {
        let (_, bench, writer, gate) = try await Self.unreadable()
        try writer.content.truncate(to: 100)
        _ = writer.track.truncated(to: 100)
        gate.open()
        while writer.track.hasNews { await Task.yield() }
        try bench.close(writer)
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(250)).count == 100)
        await bench.stop()
        #expect(bench.troubles.isEmpty)
    }

    @Test(
        "A chunk that arrives as something else is told in the log, unless a writer has changed it meanwhile",
        arguments: [true, false])
    func damagedChunk(isChanged: Bool) async throws {
        let destination = ScriptedDestination()
        let gate = Gate()
        destination.setRule { call in
            call.kind == .send && call.ordinal == 0 ? .hold(gate, then: .fail(.damaged)) : .carryOut
        }
        let bench = try await EngineBench(destination: destination)
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(5000), at: 0)
        await gate.arrivals()
        if isChanged { #expect(writer.track.begin(0..<10)) }
        gate.open()
        while bench.board.overview(limit: 1).totals.retries == 0 { await Task.yield() }
        if isChanged { writer.track.abandoned(0..<10) }
        try bench.close(writer)
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(250)).count == 5000)
        await bench.stop()
        #expect(bench.troubles.isEmpty == isChanged)
    }
}
