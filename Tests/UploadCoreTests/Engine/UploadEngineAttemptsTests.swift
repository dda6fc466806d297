import TestSupport
import Testing
import UploadCore

/// What is under way when the destination dies. Chunks of 1,000 bytes.
@Suite("A request that fails while nobody is known to be there", .timeLimit(.minutes(1)))
struct UploadEngineAttemptsTests {
    /// A destination that another file has just found dead. All but puts and probes are carried out.
    private static func die(_ bench: EngineBench) async throws {
        bench.destination.setRule { call in
            [.put, .probe].contains(call.kind) ? .fail(.unreachable(.refused)) : .carryOut
        }
        let other = try bench.create("other", number: 99)
        try bench.close(other)
        bench.front.post(.awaited(other.file))
        while bench.destination.count(.probe) == 0 {
            bench.clock.advance(by: .milliseconds(50))
            await Task.yield()
        }
    }

    /// Returns once the file says what is in its way.
    private static func untilFailed(_ file: FileID, _ bench: EngineBench) async {
        while bench.front.status(of: file)?.failure == nil {
            bench.clock.advance(by: .milliseconds(50))
            await Task.yield()
        }
    }

    @Test("is not repeated before somebody is")
    func put() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.answerNext(.put, .hold(gate, then: .fail(.unreachable(.refused))))
        let writer = try bench.create("a", number: 2)
        try bench.close(writer)
        bench.front.post(.awaited(writer.file))
        await gate.arrivals()
        try await Self.die(bench)
        #expect(bench.destination.count(.put) == 4)
        gate.open()
        await Self.untilFailed(writer.file, bench)
        #expect(bench.destination.count(.put) == 4)
        bench.destination.setRule { _ in .carryOut }
        try await bench.untilPublished("a", advancing: .milliseconds(50))
        await bench.stop()
    }

    @Test("is not, either, when it moves an object")
    func copy() async throws {
        let bench = try await EngineBench()
        let file = try await bench.publish("a", number: 2, [1])
        let gate = Gate()
        bench.destination.answerNext(.copy, .hold(gate, then: .fail(.unreachable(.refused))))
        try bench.rename(file, to: "b")
        bench.front.post(.awaited(file.file))
        await gate.arrivals()
        try await Self.die(bench)
        gate.open()
        await Self.untilFailed(file.file, bench)
        #expect(bench.destination.count(.copy) == 1)
        bench.destination.setRule { _ in .carryOut }
        try await bench.untilPublished("b", advancing: .milliseconds(50))
        await bench.stop()
    }

    @Test("is repeated all the same when somebody has answered it: a finish may be mended by that")
    func damagedFinish() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.answerNext(.finish, .hold(gate, then: .fail(.damaged)))
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(5000), at: 0)
        try bench.close(writer)
        bench.front.post(.awaited(writer.file))
        await gate.arrivals()
        try await Self.die(bench)
        gate.open()
        #expect(try await bench.untilPublished("a", advancing: .milliseconds(50)) == EngineBench.bytes(5000))
        #expect(bench.destination.count(.finish) == 2)
        #expect(bench.destination.count(.begin) == 1 && bench.destination.count(.send) == 5)
        await bench.stop()
    }

    @Test("leaves no intention of an attempt that was never made")
    func begin() async throws {
        let bench = try await EngineBench(destination: UploadEngineIntentionTests.destination())
        let gate = Gate()
        bench.destination.answerNext(.begin, .hold(gate, then: .fail(.broken(.reset))))
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(2500), at: 0)
        await gate.arrivals()
        try await Self.die(bench)
        gate.open()
        await Self.untilFailed(writer.file, bench)
        #expect(bench.destination.count(.begin) == 1)
        // What was lost with the answer.
        #expect(try bench.journal.intentions().count == 1)
        await bench.stop()
    }
}
