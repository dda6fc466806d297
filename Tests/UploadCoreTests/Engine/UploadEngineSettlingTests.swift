import TestSupport
import Testing
import UploadCore

/// How long a closed file is left alone before it is published.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineSettlingTests {
    @Test("Nothing is published before the settling time is over, and then by itself")
    func settling() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a.txt", number: 2)
        try bench.close(writer)
        await bench.sleepsUntil(.milliseconds(250))
        #expect(bench.destination.count(.put) == 0)
        bench.clock.advance(by: .milliseconds(249))
        #expect(bench.destination.count(.put) == 0)
        bench.clock.advance(by: .milliseconds(1))
        await bench.destination.calls(.put, atLeast: 1)
        await bench.stop()
    }

    @Test(
        "Once the program has ended that wrote a file, it is left alone no longer than a script needs for its next line"
    )
    func deserted() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a.txt", number: 2)
        try bench.close(writer, isAuthorGone: true)
        await bench.sleepsUntil(.milliseconds(250) / 3)
        #expect(bench.destination.count(.put) == 0)
        bench.clock.advance(by: .milliseconds(84))
        await bench.destination.calls(.put, atLeast: 1)
        await bench.stop()
    }

    @Test("While that program runs it may do more to the file")
    func notDeserted() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a.txt", number: 2)
        try bench.close(writer, isAuthorGone: false)
        await bench.sleepsUntil(.milliseconds(250) / 3)
        bench.clock.advance(by: .milliseconds(250) / 3)
        await bench.sleepsUntil(.milliseconds(250))
        bench.clock.advance(by: .milliseconds(166))
        #expect(bench.destination.count(.put) == 0)
        bench.clock.advance(by: .milliseconds(1))
        await bench.destination.calls(.put, atLeast: 1)
        await bench.stop()
    }

    @Test("A file that is touched after its program has ended is left alone for the whole settling time")
    func touchedAfterwards() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a.txt", number: 2)
        try bench.close(writer, isAuthorGone: true)
        await bench.sleepsUntil(.milliseconds(250) / 3)
        bench.clock.advance(by: .milliseconds(50))
        bench.front.post(.touched(writer.file))
        await bench.sleepsUntil(.milliseconds(300))
        bench.clock.advance(by: .milliseconds(249))
        #expect(bench.destination.count(.put) == 0)
        bench.clock.advance(by: .milliseconds(1))
        await bench.destination.calls(.put, atLeast: 1)
        await bench.stop()
    }

    @Test("Unlinked within the settling time, nothing of it reaches the destination")
    func cancelledCopy() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a.txt", number: 2)
        try bench.write(writer, EngineBench.bytes(10), at: 0)
        try bench.close(writer)
        await bench.sleepsUntil(.milliseconds(250))
        bench.names.set(writer.file, nil)
        bench.front.post(.removed(writer.file))
        #expect(await bench.settled(writer.file).phase == .cancelled)
        await bench.stop()
        #expect(bench.destination.calls.isEmpty)
        #expect(try bench.spool.versions().isEmpty)
        #expect(try bench.journal.upload(writer.version) == nil)
    }
}
