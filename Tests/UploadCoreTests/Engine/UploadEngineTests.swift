import TestSupport
import Testing
import UploadCore

/// Chunks of 1,000 bytes, three at a time.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineTests {
    @Test("A small file goes up in one request, whole")
    func smallFile() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a.txt", number: 2)
        try bench.write(writer, EngineBench.bytes(10), at: 0)
        try bench.close(writer)
        let status = await bench.settled(writer.file)
        #expect(status.phase == .done)
        #expect(status.receipt?.size == 10)
        #expect(try await bench.published("a.txt") == EngineBench.bytes(10))
        #expect(bench.destination.calls.map(\.kind) == [.put])
        #expect(try bench.journal.upload(writer.version)?.phase == .done)
        await bench.stop()
    }

    @Test("Chunks travel while the file is open, at most three at once; the session ends with finish")
    func streaming() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.setRule { $0.kind == .send ? .hold(gate, then: .carryOut) : .carryOut }
        let writer = try bench.create("big", number: 2)
        let bytes = EngineBench.bytes(10_500)
        try bench.write(writer, bytes, at: 0)
        await gate.arrivals(atLeast: 3)
        gate.open()
        await bench.destination.calls(.send, atLeast: 10)
        try bench.close(writer)
        #expect(await bench.settled(writer.file).phase == .done)
        #expect(try await bench.published("big") == bytes)
        #expect(bench.destination.peak(.send) == 3)
        #expect(bench.destination.count(.send) == 11)
        #expect(bench.destination.count(.finish) == 1)
        await bench.stop()
    }

    @Test("An unlinked upload is aborted at the destination")
    func abort() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.setRule { $0.kind == .send ? .hold(gate, then: .carryOut) : .carryOut }
        let writer = try bench.create("big", number: 2)
        try bench.write(writer, EngineBench.bytes(5000), at: 0)
        await gate.arrivals(atLeast: 3)
        bench.names.set(writer.file, nil)
        bench.front.post(.removed(writer.file))
        await bench.destination.calls(.abort, atLeast: 1)
        await bench.stop()
        #expect(await bench.destination.openSessions.isEmpty)
        #expect(try await bench.published("big") == nil)
    }

    @Test("A lost answer costs that chunk again and no other; each request has three quick attempts")
    func lostAnswer() async throws {
        let bench = try await EngineBench()
        bench.destination.answerNext(.send, .carryOutAndFail(.broken(.reset)))
        let writer = try bench.create("big", number: 2)
        try bench.write(writer, EngineBench.bytes(3000), at: 0)
        try bench.close(writer)
        async let status = bench.settled(writer.file)
        // The backoff's sleeper beside the settling one.
        await bench.clock.sleepers(atLeast: 1)
        while bench.destination.count(.send) < 4 {
            bench.clock.advance(by: .milliseconds(100))
            await Task.yield()
        }
        #expect(await status.phase == .done)
        #expect(bench.destination.count(.send) == 4)
        #expect(try await bench.published("big") == EngineBench.bytes(3000))
        await bench.stop()
    }

    @Test("A refused file has failed with its reason; others go on")
    func refusal() async throws {
        let bench = try await EngineBench()
        bench.destination.failNext(
            .put, .rejected(Rejection(status: 415, cause: .typeRefused, detail: "no text here")))
        let first = try bench.create("first", number: 2)
        try bench.close(first)
        let status = await bench.settled(first.file)
        #expect(status.phase == .failed)
        #expect(status.failure?.reason.contains("no text here") == true)
        #expect(try bench.journal.upload(first.version)?.failure?.code == "type-refused")
        let second = try bench.create("second", number: 3)
        try bench.close(second)
        #expect(await bench.settled(second.file).phase == .done)
        await bench.stop()
    }

    @Test("A dead destination gets one probe at a time, not each file; when it is back all goes up")
    func deadDestination() async throws {
        let bench = try await EngineBench()
        bench.destination.setRule { _ in .fail(.unreachable(.refused)) }
        let writers = try (2..<102).map { try bench.create("f\($0)", number: $0) }
        for writer in writers { try bench.close(writer) }
        // Ten minutes pass; every sleeper is woken when its time comes.
        for _ in 0..<6000 {
            bench.clock.advance(by: .milliseconds(100))
            for _ in 0..<20 { await Task.yield() }
        }
        let requests = bench.destination.calls.count
        #expect(bench.destination.count(.probe) > 5)
        #expect(requests < 100, "a storm: \(requests) requests")
        #expect(bench.front.overview().stoppage?.reason.contains("refused") == true)
        bench.destination.setRule { _ in .carryOut }
        while bench.destination.count(.put) < 100 + requests - bench.destination.count(.probe) {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
            if await bench.destination.objects.count == 100 { break }
        }
        for writer in writers { #expect(await bench.settled(writer.file).phase == .done) }
        #expect(bench.front.overview().stoppage == nil)
        await bench.stop()
    }

    @Test("A server that answers probes but takes nothing gets no storm, and its Retry-After is kept")
    func busyServer() async throws {
        let bench = try await EngineBench()
        bench.destination.setRule { $0.kind == .put ? .fail(.busy(status: 503, retryAfter: .seconds(60))) : .carryOut }
        let writers = try (2..<22).map { try bench.create("f\($0)", number: $0) }
        for writer in writers { try bench.close(writer) }
        for _ in 0..<6000 {
            bench.clock.advance(by: .milliseconds(100))
            for _ in 0..<10 { await Task.yield() }
        }
        // Ten minutes: 20 files at the start, then at most once a minute what was told to wait for it.
        #expect(bench.destination.count(.put) < 20 * 11)
        #expect(bench.destination.count(.probe) <= 11)
        bench.destination.setRule { _ in .carryOut }
        while await bench.destination.objects.count < 20 {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        await bench.stop()
    }

    @Test("What could not be written whole is not published, and its close says failed")
    func spoiled() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(10), at: 0)
        bench.front.post(.spoiled(writer.version, FailureSentences.tooLarge(limit: 10)))
        try bench.close(writer)
        let status = await bench.settled(writer.file)
        #expect(status.phase == .failed)
        #expect(status.failure?.code == "too-large")
        await bench.stop()
        #expect(bench.destination.calls.isEmpty)
        #expect(try bench.journal.upload(writer.version)?.phase == .failed)
    }

    @Test("A held name is published when it is renamed, and not before")
    func heldName() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a.part", number: 2, nameClass: .temporary)
        try bench.write(writer, EngineBench.bytes(2500), at: 0)
        try bench.close(writer)
        await bench.destination.calls(.send, atLeast: 3)
        bench.clock.advance(by: .seconds(10))
        bench.names.set(writer.file, try UploadPath("a"))
        #expect(bench.destination.count(.finish) == 0)
        bench.front.post(.classified(writer.file, .ordinary))
        #expect(await bench.settled(writer.file).phase == .done)
        #expect(try await bench.published("a") == EngineBench.bytes(2500))
        #expect(bench.destination.count(.send) == 3)
        await bench.stop()
    }

    @Test("Opened for writing and left alone, a published file stays published")
    func untouched() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a", number: 2)
        try bench.close(writer)
        #expect(await bench.settled(writer.file).phase == .done)
        let again = try bench.reopen(writer)
        bench.front.post(.closed(again.version, size: 0))
        let other = try bench.create("b", number: 3)
        try bench.close(other)
        #expect(await bench.settled(other.file).phase == .done)
        #expect(bench.front.status(of: writer.file)?.phase == .done)
        #expect(bench.destination.count(.put) == 2)
        await bench.stop()
    }

    @Test("Never more requests at once than the setting")
    func connections() async throws {
        let bench = try await EngineBench(configure: { $0.connections = 5 })
        let gate = Gate()
        bench.destination.setRule { $0.kind == .put ? .hold(gate, then: .carryOut) : .carryOut }
        let writers = try (2..<22).map { try bench.create("f\($0)", number: $0) }
        for writer in writers {
            try bench.close(writer)
            bench.front.post(.awaited(writer.file))
        }
        await gate.arrivals(atLeast: 5)
        for _ in 0..<1000 { await Task.yield() }
        #expect(bench.destination.count(.put) == 5)
        gate.open()
        for writer in writers { #expect(await bench.settled(writer.file).phase == .done) }
        #expect(bench.destination.peak(.put) == 5)
        await bench.stop()
    }

    @Test(
        "A request that goes well while a probe is under way ends the outage, and the probe's answer does not bring it back"
    )
    func successDuringProbe() async throws {
        let destination = ScriptedDestination()
        let bench = try await EngineBench(destination: destination)
        let held = Gate()
        let probe = Gate()
        destination.setRule { call in
            switch (call.kind, call.ordinal) {
            case (.send, 0): .hold(held, then: .carryOut)
            case (.send, 1...3): .fail(.unreachable(.refused))
            case (.probe, _): .hold(probe, then: .fail(.unreachable(.refused)))
            default: .carryOut
            }
        }
        let writer = try bench.create("big", number: 2)
        try bench.write(writer, EngineBench.bytes(2000), at: 0)
        await held.arrivals(atLeast: 1)
        while destination.count(.probe) == 0 {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        held.open()
        try bench.close(writer)
        #expect(await bench.settled(writer.file).phase == .done)
        let next = try bench.create("next", number: 3)
        try bench.write(next, [1], at: 0)
        try bench.close(next)
        #expect(await bench.settled(next.file).phase == .done)
        await bench.stop()
    }

    @Test("A destination that calls every finish wrong gets pauses that grow, not a storm")
    func fruitlessFinishes() async throws {
        let destination = ScriptedDestination()
        destination.setRule { call in call.kind == .finish ? .fail(.damaged) : .carryOut }
        let bench = try await EngineBench(destination: destination)
        let writer = try bench.create("big", number: 2)
        try bench.write(writer, EngineBench.bytes(3000), at: 0)
        try bench.close(writer)
        // A minute: pauses of 1, 2, 4, 8, 16 and 32 s at the most, three quick attempts each.
        for _ in 0..<600 {
            bench.clock.advance(by: .milliseconds(100))
            for _ in 0..<20 { await Task.yield() }
        }
        #expect((6...30).contains(destination.count(.finish)))
        await bench.stop()
    }
}
