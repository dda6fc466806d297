import TestSupport
import Testing
import UploadCore

@Suite("The scripted destination", .timeLimit(.minutes(1)))
struct ScriptedDestinationTests {
    private let destination = ScriptedDestination()
    private let content: any SpoolFile
    private let bytes = (0..<2500).map { UInt8(truncatingIfNeeded: $0) }
    private let sent = ByteCounter()

    init() throws {
        content = try MemorySpool().create(VersionID(1))
        try content.write(bytes, at: 0)
    }

    private func object(size: Int64?) throws -> ObjectDescription {
        ObjectDescription(
            path: try UploadPath("a/b"), size: size, contentType: "x/y", modified: Timestamp(seconds: 0), mode: 0o644)
    }

    private let chunks = [
        ChunkRef(index: 0, generation: 0, range: 0..<1000), ChunkRef(index: 1, generation: 2, range: 1000..<2000),
        ChunkRef(index: 2, generation: 0, range: 2000..<2500),
    ]

    @Test("publishes the chunks that were sent, once they are all there")
    func publishes() async throws {
        let session = try await destination.begin(object(size: nil))
        for chunk in chunks.dropLast() { _ = try await session.send(chunk, content: content, sent: sent) }
        await #expect(throws: DestinationError.missing([2])) {
            try await session.finish(object(size: 2500), content: content, chunks: chunks)
        }
        _ = try await session.send(chunks[2], content: content, sent: sent)
        #expect(sent.value == 2500)
        #expect(try await session.inventory()?.map(\.index) == [0, 1, 2])
        let receipt = try await session.finish(object(size: 2500), content: content, chunks: chunks)
        #expect(await destination.object(at: try UploadPath("a/b"))?.bytes == bytes)
        #expect(await destination.openSessions.isEmpty)
        #expect(try await session.finish(object(size: 2500), content: content, chunks: chunks) == receipt)
        #expect(destination.calls.compactMap(\.chunk) == chunks)
    }

    @Test("fails as it is told: without doing it, or after")
    func fails() async throws {
        let session = try await destination.begin(object(size: nil))
        destination.failNext(.send, .broken(.reset))
        destination.answerNext(.send, .carryOutAndFail(.broken(.truncated)))
        await #expect(throws: DestinationError.broken(.reset)) {
            try await session.send(chunks[0], content: content, sent: sent)
        }
        #expect(try await session.inventory() == [])
        await #expect(throws: DestinationError.broken(.truncated)) {
            try await session.send(chunks[0], content: content, sent: sent)
        }
        #expect(try await session.inventory()?.count == 1)
        #expect(destination.count(.send) == 2)
    }

    @Test("holds a request until its gate opens, and lets a cancelled one go")
    func holds() async throws {
        let gate = Gate()
        destination.setRule { $0.kind == .probe ? .hold(gate, then: .carryOut) : .carryOut }
        let cancelled = Task { [destination] in try await destination.probe() }
        await gate.arrivals()
        let held = Task { [destination] in try await destination.probe() }
        await destination.calls(.probe, atLeast: 2)
        #expect(destination.peak(.probe) == 2)
        cancelled.cancel()
        await #expect(throws: DestinationError.cancelled) { try await cancelled.value }
        gate.open()
        try await held.value
    }
}
