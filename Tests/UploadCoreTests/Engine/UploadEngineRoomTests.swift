import TestSupport
import Testing

@testable import UploadCore

/// P4: the quota, and who gives room when it presses. Chunks of a page, so that each one's room can be given back.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineRoomTests {
    private static let page = 4096

    private static func destination() -> ScriptedDestination {
        ScriptedDestination(
            limits: DestinationLimits(
                schedule: .equal(Int64(page)), parallelChunks: 3, canReplaceChunk: true, namesAtFinish: true))
    }

    @Test("What is published makes room first, the oldest first, and only as much as is needed")
    func evictsOldest() async throws {
        let bench = try await EngineBench(destination: Self.destination(), spoolLimit: Int64(16 * Self.page))
        for number in Int64(2)...6 {
            let writer = try bench.create("f\(number)", number: number)
            try bench.write(writer, EngineBench.bytes(3 * Self.page), at: 0)
            try bench.close(writer)
            #expect(await bench.settled(writer.file).phase == .done)
            bench.clock.advance(by: .seconds(1))
        }
        // 15 of 16 pages are in use: down to 12.
        bench.front.post(.pressed)
        while bench.spool.gauge.used > Int64(12 * Self.page) { await Task.yield() }
        await bench.stop()
        #expect(try bench.spool.versions().sorted() == (3...6).map { VersionID($0) })
        #expect(try bench.journal.upload(VersionID(2))?.isSpooled == false)
        #expect(try bench.journal.upload(VersionID(3))?.isSpooled == true)
    }

    @Test("What is published is forgotten by count, spool and all, but not what somebody writes to")
    func pruned() async throws {
        let bench = try await EngineBench(configure: { $0.keepFinishedCount = 1 })
        for number in Int64(2)...5 {
            let writer = try bench.create("f\(number)", number: number)
            try bench.close(writer)
            #expect(await bench.settled(writer.file).phase == .done)
        }
        bench.names.hold(FileID(3))
        bench.clock.advance(by: .seconds(3600))
        while try bench.journal.upload(VersionID(4)) != nil { await Task.yield() }
        while try bench.spool.versions().count > 2 { await Task.yield() }
        #expect(try bench.spool.versions().sorted() == [VersionID(3), VersionID(5)])
        #expect(try bench.journal.upload(VersionID(3)) != nil && bench.journal.upload(VersionID(2)) == nil)
        await bench.stop()
    }

    @Test("A stream bigger than the spool passes through it, but for its first chunk, and is whole at the destination")
    func streamsThrough() async throws {
        let bench = try await EngineBench(destination: Self.destination(), spoolLimit: Int64(8 * Self.page))
        let bytes = EngineBench.bytes(50 * Self.page)
        let writer = try bench.create("film", number: 2)
        var most: Int64 = 0
        for index in 0..<50 {
            let offset = index * Self.page
            #expect(writer.track.begin(Int64(offset)..<Int64(offset + Self.page)))
            try bench.write(writer, Array(bytes[offset..<offset + Self.page]), at: Int64(offset))
            most = max(most, bench.spool.gauge.used)
            if bench.spool.gauge.isPressed { bench.front.post(.pressed) }
            while bench.spool.gauge.isFull { await Task.yield() }
        }
        #expect(most <= Int64(8 * Self.page))
        #expect(!writer.track.begin(4096..<4097), "what has left is not written any more")
        #expect(writer.track.begin(0..<1), "the head is")
        writer.track.abandoned(0..<1)
        try bench.close(writer)
        #expect(await bench.settled(writer.file).phase == .done)
        #expect(try await bench.published("film") == bytes)
        // What is left of it here is of no use.
        while try bench.journal.upload(writer.version)?.isSpooled == true { await Task.yield() }
        await bench.stop()
        #expect(bench.destination.count(.send) == 50)
    }

    @Test("A stream whose session the destination lost, after a part of it had left the spool, has failed and says why")
    func lostSession() async throws {
        let destination = Self.destination()
        let bench = try await EngineBench(destination: destination, spoolLimit: Int64(8 * Self.page))
        let bytes = EngineBench.bytes(8 * Self.page)
        let writer = try bench.create("film", number: 2)
        try bench.write(writer, bytes, at: 0)
        await destination.calls(.send, atLeast: 7)
        bench.front.post(.pressed)
        while writer.track.released.isEmpty {
            bench.front.post(.pressed)
            await Task.yield()
        }
        destination.setRule { call in call.kind == .finish ? .fail(.sessionLost) : .carryOut }
        try bench.close(writer)
        #expect(await bench.settled(writer.file).failure?.code == "released-lost")
        #expect(writer.track.failure == nil, "nobody writes any more")
        // Tried again it stays so: zeros are not what was written.
        bench.front.post(.retried(writer.file))
        #expect(await bench.settled(writer.file).failure?.code == "released-lost")
        let sent = destination.count(.send)
        await bench.stop()
        #expect(destination.count(.send) == sent && destination.count(.put) == 0)
        #expect(try bench.journal.upload(writer.version)?.phase == .failed)
    }

    /// A stream whose second chunk has left the spool.
    private static func partlyReleased(_ bench: EngineBench) async throws -> EngineBench.Writer {
        let writer = try bench.create("film", number: 2)
        try bench.write(writer, EngineBench.bytes(8 * page), at: 0)
        await bench.destination.calls(.send, atLeast: 7)
        while writer.track.released.isEmpty {
            bench.front.post(.pressed)
            await Task.yield()
        }
        return writer
    }

    @Test("Who still writes a stream that can't be whole any more is told so")
    func lostWhileWriting() async throws {
        let bench = try await EngineBench(destination: Self.destination(), spoolLimit: Int64(8 * Self.page))
        let writer = try await Self.partlyReleased(bench)
        bench.destination.setRule { _ in .fail(.sessionLost) }
        try bench.write(writer, EngineBench.bytes(2 * Self.page), at: Int64(8 * Self.page))
        while writer.track.failure == nil { await Task.yield() }
        #expect(writer.track.failure?.code == "released-lost")
        await bench.stop()
    }

    @Test("Chunks of whose receipt the journal knows nothing stay in the spool, and are sent again")
    func unjournalledReceipt() async throws {
        let bench = try await EngineBench(destination: Self.destination(), spoolLimit: Int64(16 * Self.page))
        let writer = try bench.create("film", number: 2)
        try bench.write(writer, EngineBench.bytes(8 * Self.page), at: 0)
        await bench.destination.calls(.send, atLeast: 8)
        while try bench.journal.storedChunks(of: writer.version).count < 8 { await Task.yield() }
        try bench.journal.apply([.unstored(writer.version, 1..<8)])
        bench.spool.gauge.add(Int64(8 * Self.page))
        bench.front.post(.pressed)
        await bench.destination.calls(.send, atLeast: 9)
        // And then there is room.
        while bench.spool.gauge.used > Int64(14 * Self.page) {
            bench.front.post(.pressed)
            await Task.yield()
        }
        await bench.stop()
    }

    @Test("When the journal takes nothing no room is made, nothing is sent again, and it is tried again later")
    func journalRefuses() async throws {
        let bench = try await EngineBench(destination: Self.destination(), spoolLimit: Int64(16 * Self.page))
        let writer = try bench.create("film", number: 2)
        try bench.write(writer, EngineBench.bytes(8 * Self.page), at: 0)
        await bench.destination.calls(.send, atLeast: 8)
        while try bench.journal.storedChunks(of: writer.version).count < 8 { await Task.yield() }
        bench.journal.fail(with: .noSpace)
        bench.spool.gauge.add(Int64(8 * Self.page))
        bench.front.post(.pressed)
        while await !bench.engine.isUnkept { await Task.yield() }
        #expect(writer.track.released.isEmpty)
        bench.journal.fail(with: nil)
        while writer.track.released.isEmpty {
            bench.clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
        #expect(await !bench.engine.isUnkept)
        await bench.stop()
        #expect(bench.destination.count(.send) == 8)
    }

    @Test("A stream that passed through, opened while it is published and left alone, is published, and stays here")
    func openedAroundPublication() async throws {
        let bench = try await EngineBench(destination: Self.destination(), spoolLimit: Int64(8 * Self.page))
        let writer = try await Self.partlyReleased(bench)
        let gate = Gate()
        bench.destination.setRule { call in call.kind == .finish ? .hold(gate, then: .carryOut) : .carryOut }
        try bench.close(writer)
        bench.front.post(.awaited(writer.file))
        await bench.destination.calls(.finish, atLeast: 1)
        bench.names.hold(writer.file)
        let again = try bench.reopen(writer, released: writer.track.released)
        gate.open()
        #expect(await bench.settled(writer.file).phase == .done)
        #expect(try bench.journal.upload(writer.version)?.isSpooled == true)
        #expect(try bench.spool.versions() == [writer.version])
        // It would have to be sent again, and is not here.
        while again.track.failure == nil { await Task.yield() }
        await bench.stop()
    }

    @Test("Who waits too long for room gets an error; who comes later waits his own time")
    func patience() async throws {
        let bench = try await EngineBench(spoolLimit: 4096, configure: { $0.spoolPatience = .seconds(300) })
        bench.spool.gauge.add(8192)
        let answer = await withCheckedContinuation { continuation in
            _ = bench.front.whenRoom(since: nil) { continuation.resume(returning: $0) }
            Task {
                await bench.sleepsUntil(.seconds(300))
                bench.clock.advance(by: .seconds(299))
                #expect(bench.spool.gauge.waiting == 1)
                _ = bench.front.whenRoom(since: nil) { _ in }
                bench.clock.advance(by: .seconds(1))
            }
        }
        #expect(answer?.code == "spool-full")
        #expect(bench.spool.gauge.waiting == 1)
        bench.spool.gauge.add(-8192)
        #expect(bench.spool.gauge.waiting == 0)
        await bench.stop()
    }

    @Test("What can be given away counts as free, what can't does not")
    func available() {
        let gauge = SpoolGauge(limit: 1000)
        gauge.add(900)
        #expect(gauge.available(evictable: 0) == 100)
        #expect(gauge.available(evictable: 300) == 400)
        gauge.add(200)
        #expect(gauge.isFull && gauge.available(evictable: 300) == 200)
        #expect(gauge.available(evictable: 0) == 0)
    }
}
