import Synchronization
import TestSupport
import Testing
import UploadCore

/// Published files that are read from the destination: requests, retries, and who waits.
@Suite(.timeLimit(.minutes(1)))
struct ReadBackTests {
    private static let text = Array("0123456789".utf8)

    /// A destination that has "a" with ten bytes, and who reads it.
    private struct Bench: Sendable {
        let destination: ScriptedDestination
        let clock = ManualClock()
        let reading: ReadBack
        let object: ReadableObject
        let board: StatusBoard
        private let told = Told()

        private final class Told: Sendable {
            let troubles = Mutex<[[String: String]]>([])
        }

        var troubles: [[String: String]] { told.troubles.withLock { $0 } }

        init(tag: String? = nil) async throws {
            var limits = DestinationLimits(
                schedule: .equal(1000), parallelChunks: 3, canReplaceChunk: true, namesAtFinish: true)
            limits.canRead = true
            destination = ScriptedDestination(limits: limits)
            let receipt = try await Self.publish(ReadBackTests.text, to: destination)
            object = ReadableObject(
                version: VersionID(1), path: try UploadPath("a"), size: receipt.size, url: receipt.url,
                digest: receipt.digest, tag: tag ?? receipt.digest)
            let names = EngineBench.Names()
            let clock = clock
            let now: @Sendable () -> Timestamp = { EngineBench.start.advanced(by: clock.now.offset) }
            board = StatusBoard(names: names, process: 1, destination: "memory", finished: (0, 0), now: now)
            reading = ReadBack(
                world: EngineWorld(
                    spool: MemorySpool(), journal: MemoryJournal(), destination: destination, names: names,
                    board: board, clock: clock, stopwatch: Stopwatch(clock), now: now, random: { 0.5 },
                    log: EngineLog(
                        phase: { _ in }, trouble: { [told] _, facts in told.troubles.withLock { $0.append(facts) } })))
        }

        /// - Returns: what it is told from then on.
        @discardableResult
        static func publish(
            _ bytes: [UInt8], to destination: ScriptedDestination
        ) async throws -> PublishReceipt {
            let file = try MemorySpool().create(VersionID(1))
            try file.write(bytes, at: 0)
            let object = ObjectDescription(
                path: try UploadPath("a"), size: Int64(bytes.count), contentType: "text/plain",
                modified: EngineBench.start, mode: 0o644)
            return try await destination.put(object, content: file, sent: ByteCounter())
        }

        /// Waits for the answer.
        func read(_ file: any RemoteFile, _ range: Range<Int64>) async -> Result<[UInt8], RemoteReadError> {
            await withCheckedContinuation { continuation in
                _ = file.read(range) { continuation.resume(returning: $0.map { Array($0) }) }
            }
        }

        /// Lets all quick attempts of a request fail.
        func failAll(_ error: DestinationError) {
            destination.failNext(.read, error, error, error)
        }
    }

    private func code(_ result: Result<[UInt8], RemoteReadError>) -> String {
        switch result {
        case .success(let bytes): String(decoding: bytes, as: UTF8.self)
        case .failure(.failed(let failure)): failure.code
        case .failure(.closed): "closed"
        }
    }

    @Test("A range is asked for once, and what is here is answered without asking")
    func once() async throws {
        let bench = try await Bench()
        let file = bench.reading.open(bench.object)
        #expect(bench.destination.count(.read) == 0)
        #expect(code(await bench.read(file, 2..<5)) == "234")
        #expect(code(await bench.read(file, 0..<10)) == "0123456789")
        #expect(bench.destination.count(.read) == 1)
        #expect(bench.destination.calls.last?.range == 0..<10)
        #expect(bench.board.overview(limit: 0).totals.requests["read"] == 1)
    }

    @Test("A failed request is tried again quickly; then the read fails, says why, and the next one asks anew")
    func retries() async throws {
        let bench = try await Bench()
        let file = bench.reading.open(bench.object)
        bench.failAll(.unreachable(.refused))
        async let answer = bench.read(file, 0..<10)
        for _ in 0..<2 {
            // Beside who looks after those who wait.
            await bench.clock.sleepers(atLeast: 2)
            bench.clock.advance(by: .seconds(1))
        }
        #expect(code(await answer) == "refused")
        #expect(bench.destination.count(.read) == 3)
        #expect(bench.reading.failure(of: VersionID(1))?.code == "refused")
        #expect(bench.troubles.first?["path"] == "a" && bench.troubles.count == 1)
        #expect(code(await bench.read(file, 0..<10)) == "0123456789")
        #expect(bench.reading.failure(of: VersionID(1)) == nil)
    }

    @Test("Another object of the name is never read, at the beginning or in the middle; nor is one that is gone")
    func another() async throws {
        let bench = try await Bench()
        let before = bench.reading.open(bench.object)
        #expect(code(await bench.read(before, 0..<10)) == "0123456789")
        try await Bench.publish(Array("abcdefghij".utf8), to: bench.destination)
        let after = bench.reading.open(bench.object)
        #expect(code(await bench.read(after, 0..<10)) == "object-changed")
        #expect(bench.destination.count(.read) == 2, "no retry mends it")
        #expect(code(await bench.read(before, 0..<10)) == "0123456789", "it was here")
        let gone = bench.reading.open(
            ReadableObject(version: VersionID(2), path: try UploadPath("none"), size: 10))
        #expect(code(await bench.read(gone, 0..<10)) == "object-gone")
    }

    @Test("Of what was published without a tag the first answer tells it, and all later ones must be of that")
    func learned() async throws {
        let size = 3 << 20
        let bench = try await Bench()
        try await Bench.publish([UInt8](repeating: 1, count: size), to: bench.destination)
        let file = bench.reading.open(
            ReadableObject(version: VersionID(1), path: try UploadPath("a"), size: Int64(size)))
        #expect(try await bench.read(file, 0..<10).get() == [UInt8](repeating: 1, count: 10))
        try await Bench.publish([UInt8](repeating: 2, count: size), to: bench.destination)
        #expect(code(await bench.read(file, Int64(size) - 10..<Int64(size))) == "object-changed")
        let again = bench.reading.open(
            ReadableObject(version: VersionID(1), path: try UploadPath("a"), size: Int64(size)))
        #expect(try await bench.read(again, 0..<10).get() == [UInt8](repeating: 2, count: 10))
    }

    @Test("A read waits so long and no longer, however long the request takes")
    func patience() async throws {
        let bench = try await Bench()
        let file = bench.reading.open(bench.object)
        let gate = Gate()
        bench.destination.answerNext(.read, .hold(gate, then: .carryOut))
        async let answer = bench.read(file, 0..<10)
        await gate.arrivals()
        await bench.clock.sleepers(atLeast: 1)
        bench.clock.advance(by: .seconds(59))
        await bench.clock.sleepers(atLeast: 1)
        bench.clock.advance(by: .seconds(1))
        #expect(code(await answer) == "read-timeout")
        #expect(bench.reading.failure(of: VersionID(1))?.code == "read-timeout")
        // It comes after all.
        async let next = bench.read(file, 0..<10)
        gate.open()
        #expect(code(await next) == "0123456789")
        #expect(bench.destination.count(.read) == 1)
    }

    @Test("Who is cancelled is not answered; a closed file answers all who wait, and ends its request")
    func endings() async throws {
        let bench = try await Bench()
        let file = bench.reading.open(bench.object)
        let gate = Gate()
        bench.destination.setRule { $0.kind == .read ? .hold(gate, then: .carryOut) : .carryOut }
        let calls = ByteCounter()
        let cancel = file.read(0..<10) { _ in calls.add(1) }
        await gate.arrivals()
        cancel()
        async let closed = bench.read(file, 0..<10)
        async let other = bench.read(file, 0..<5)
        // Both wait by then, or find it closed.
        await bench.clock.sleepers(atLeast: 1)
        file.close()
        #expect(code(await closed) == "closed")
        #expect(code(await other) == "closed")
        #expect(code(await bench.read(file, 0..<10)) == "closed")
        #expect(calls.value == 0)
        let stopped = bench.reading.open(bench.object)
        async let last = bench.read(stopped, 0..<10)
        await gate.arrivals(atLeast: 2)
        bench.reading.stop()
        #expect(code(await last) == "closed")
    }
}
