import TestSupport
import Testing
import UploadCore

/// What a crash leaves that belongs to nothing.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineSweepTests {
    private static func node(version: Int64) throws -> JournalChange {
        let times = EngineBench.start
        return .insertNode(
            NodeRecord(
                file: FileID(9), parent: .root, name: try FileName("a"), kind: .file,
                attributes: NodeAttributes(
                    mode: 0o644, owner: 0, group: 0, accessed: times, modified: times, changed: times),
                version: VersionID(version)))
    }

    @Test("Spool files that no row owns are removed; published rows whose file is gone say so")
    func orphans() async throws {
        let journal = MemoryJournal()
        try journal.apply([
            EngineBench.row(1, of: 9, .done, closedSize: 1), EngineBench.row(2, of: 9, .done, closedSize: 1),
        ])
        let bench = try await EngineBench(journal: journal) { try $0.add(9, "a", [2: [1], 7: [1]], in: $1) }
        await bench.stop()
        #expect(try bench.spool.versions() == [VersionID(2)])
        #expect(try journal.upload(VersionID(1))?.isSpooled == false)
        #expect(try journal.upload(VersionID(2))?.isSpooled == true)
    }

    @Test("A file that nobody was told of, killed between journal and spool, was never made")
    func unmade() async throws {
        let journal = MemoryJournal()
        try journal.apply([try Self.node(version: 1), EngineBench.row(1, of: 9, .receiving)])
        let bench = try await EngineBench(journal: journal) { try $0.add(9, "a", in: $1) }
        await bench.stop()
        #expect(try journal.upload(VersionID(1)) == nil)
        #expect(try journal.node(FileID(9)) == nil)
    }

    @Test("A file that was to be cut to nothing at the kill, and nobody was told, has its old content")
    func unmadeAnew() async throws {
        let journal = MemoryJournal()
        try journal.apply([
            try Self.node(version: 2), EngineBench.row(1, of: 9, .done, closedSize: 3),
            EngineBench.row(2, of: 9, .receiving),
        ])
        let bench = try await EngineBench(journal: journal) { try $0.add(9, "a", [1: [1, 2, 3]], in: $1) }
        await bench.stop()
        #expect(try journal.node(FileID(9))?.version == VersionID(1))
        #expect(try journal.node(FileID(9))?.size == 3)
        #expect(try journal.upload(VersionID(2)) == nil)
    }

    @Test("Sessions that an earlier run began and did not note are aborted; those that a file owns go on")
    func strays() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        destination.setRule { call in call.kind == .inventory ? .fail(.busy(status: 503, retryAfter: nil)) : .carryOut }
        try journal.apply([
            EngineBench.row(1, of: 9, closedSize: 5000), .setSession(VersionID(1), SessionToken("mine")),
        ])
        destination.leave([SessionToken("mine"), SessionToken("stray")])
        let bench = try await EngineBench(destination: destination, journal: journal) {
            try $0.add(9, "a", [1: EngineBench.bytes(5000)], in: $1)
        }
        await destination.calls(.abort, atLeast: 1)
        while try !journal.owedAborts().isEmpty { await Task.yield() }
        await bench.stop()
        #expect(destination.calls.filter { $0.kind == .abort }.map(\.session) == [SessionToken("stray")])
        #expect(try journal.upload(VersionID(1))?.session == SessionToken("mine"))
    }

    @Test("An abort that can't be told to a dead destination is told when it is back")
    func owedWhileDead() async throws {
        let destination = ScriptedDestination()
        let journal = MemoryJournal()
        try journal.apply([.oweAbort(SessionToken("old"))])
        destination.setRule { _ in .fail(.unreachable(.refused)) }
        let bench = try await EngineBench(destination: destination, journal: journal)
        while destination.count(.probe) < 2 {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(destination.count(.abort) == 3, "one round of quick attempts, then only probes")
        destination.setRule { _ in .carryOut }
        while try !journal.owedAborts().isEmpty {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        await bench.stop()
        #expect(destination.count(.abort) == 4)
    }
}
