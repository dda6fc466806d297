import Testing
import UploadCore

/// Chunks of ten bytes; three at once.
@Suite struct UploadMachineTests {
    static let token = SessionToken("s1")
    static let now = Timestamp(seconds: 1000)

    static func machine(
        canReplace: Bool = true, namesAtFinish: Bool = true, nameClass: NameClass = .ordinary, size: Int64 = 0,
        closed: Bool = false, recovering: SessionToken? = nil
    ) -> UploadMachine {
        UploadMachine(
            version: VersionID(1), file: FileID(2), contentType: "text/plain", nameClass: nameClass,
            capabilities: .init(parallelChunks: 3, canReplaceChunk: canReplace, namesAtFinish: namesAtFinish),
            plan: ChunkPlan(schedule: .equal(10), size: size, isClosed: closed), recovering: recovering)
    }

    static func write(_ machine: inout UploadMachine, _ ranges: Range<Int64>..., truncated: Int64? = nil) {
        let size = max(truncated ?? machine.plan.size, ranges.map(\.upperBound).max() ?? 0)
        _ = machine.wrote(WriteTrack.News(truncated: truncated, written: RangeSet(ranges), size: size))
    }

    static func fail(_ machine: inout UploadMachine, _ work: UploadMachine.Work, _ error: DestinationError)
        -> UploadMachine.Consequence
    {
        machine.failed(work, error, policy: RetryPolicy(), at: .init(now: now, elapsed: .zero), random: 1)
    }

    /// Takes the next work and starts it.
    static func start(_ machine: inout UploadMachine) -> UploadMachine.Work? {
        guard let work = machine.next() else { return nil }
        machine.started(work)
        return work
    }

    /// A machine in the middle of a session, with three of its chunks under way.
    static func sending(_ size: Int64 = 100) throws -> (UploadMachine, [ChunkRef]) {
        var machine = machine()
        write(&machine, 0..<size)
        #expect(start(&machine) == .begin)
        machine.began(token)
        var chunks: [ChunkRef] = []
        while case .send(let chunk, _)? = start(&machine) { chunks.append(chunk) }
        return (machine, chunks)
    }

    @Test("A small file goes up in one request, once it is closed and has settled")
    func wholeFile() {
        var machine = Self.machine()
        Self.write(&machine, 0..<10)
        #expect(machine.next() == nil)
        #expect(machine.phase == .receiving)
        machine.closed()
        #expect(machine.next() == nil)
        #expect(machine.phase == .queued)
        machine.settled()
        #expect(Self.start(&machine) == .put)
        #expect(machine.phase == .uploading)
        #expect(machine.next() == nil)
        #expect(machine.published() == .current)
    }

    @Test("An empty file is a file")
    func emptyFile() {
        var machine = Self.machine()
        machine.closed()
        machine.settled()
        #expect(machine.next() == .put)
    }

    @Test("Chunks leave while the file is still being written, three at once")
    func streaming() throws {
        var (machine, chunks) = try Self.sending()
        #expect(machine.phase == .receiving)
        #expect(chunks.map(\.index) == [0, 1, 2])
        #expect(machine.stored(chunks[1], in: Self.token) == true)
        #expect(machine.next() == .send(ChunkRef(index: 3, generation: 0, range: 30..<40), Self.token))
    }

    @Test("A file of several chunks is finished when all are acknowledged and it has settled")
    func finishing() throws {
        var (machine, chunks) = try Self.sending(30)
        machine.closed()
        machine.settled()
        for chunk in chunks {
            #expect(machine.next() == nil)
            #expect(machine.stored(chunk, in: Self.token) == true)
        }
        #expect(Self.start(&machine) == .finish(chunks, Self.token))
        #expect(machine.phase == .finalizing)
        #expect(machine.published() == .current)
    }

    @Test("No session is begun for a file that may yet end within its first chunk")
    func noEarlySession() {
        var machine = Self.machine()
        Self.write(&machine, 0..<10)
        #expect(machine.next() == nil)
        Self.write(&machine, 10..<11)
        #expect(machine.next() == .begin)
    }

    @Test("A reopen takes the settling away; a file written to while it is published is published again")
    func reopening() {
        var machine = Self.machine(size: 10, closed: true)
        machine.settled()
        #expect(Self.start(&machine) == .put)
        machine.opened()
        Self.write(&machine, 0..<5)
        #expect(machine.published() == .outdated)
        #expect(machine.phase == .receiving)
        machine.closed()
        #expect(machine.next() == nil)
        machine.settled()
        #expect(machine.next() == .put)
    }

    @Test("Opened while it is published, and left alone, it is published as it was closed")
    func openedAndLeftAlone() throws {
        var machine = Self.machine(size: 10, closed: true)
        machine.settled()
        #expect(Self.start(&machine) == .put)
        machine.opened()
        #expect(machine.published() == .current)
    }

    @Test("A refusal of bytes that changed on their way is no failure")
    func damagedByRewriting() throws {
        var (machine, chunks) = try Self.sending()
        Self.write(&machine, 0..<1)
        let consequence = Self.fail(&machine, .send(chunks[0], Self.token), .damaged)
        #expect(consequence == .goOn)
        #expect(machine.halt == .none)
    }

    @Test("Where a chunk can't be replaced, a rewrite costs the session: after the close, with none under way")
    func newSession() throws {
        var machine = Self.machine(canReplace: false)
        Self.write(&machine, 0..<30)
        #expect(Self.start(&machine) == .begin)
        machine.began(Self.token)
        guard case .send(let chunk, _)? = Self.start(&machine) else {
            Issue.record("nothing was sent")
            return
        }
        Self.write(&machine, 0..<1)
        #expect(machine.next() == nil)
        machine.closed()
        #expect(machine.dropUselessSession() == nil)
        #expect(machine.stored(chunk, in: Self.token) == false)
        #expect(machine.dropUselessSession() == .session(Self.token))
        #expect(machine.next() == .begin)
        machine.began(SessionToken("s2"))
        #expect(machine.plan.acknowledged == 0)
    }

    @Test("Where a session keeps the name it was begun with, nothing travels under a temporary one")
    func nameAtBegin() {
        var machine = Self.machine(namesAtFinish: false, nameClass: .temporary)
        Self.write(&machine, 0..<100)
        machine.closed()
        machine.settled()
        #expect(machine.next() == nil && machine.phase == .held)
        machine.nameClass = .ordinary
        #expect(machine.next() == .begin)
    }

    @Test("The chunks of a temporary name travel, and its rename publishes them without sending them again")
    func heldChunks() throws {
        var machine = Self.machine(nameClass: .temporary, size: 20, closed: true)
        machine.settled()
        #expect(Self.start(&machine) == .begin)
        machine.began(Self.token)
        for chunk in machine.plan.chunks {
            #expect(Self.start(&machine) == .send(chunk, Self.token))
            #expect(machine.stored(chunk, in: Self.token) == true)
        }
        #expect(machine.next() == nil)
        #expect(machine.phase == .held)
        machine.nameClass = .ordinary
        #expect(machine.next() == .finish(machine.plan.chunks, Self.token))
    }

    @Test("What could not be written whole is never published, however often it is closed")
    func spoiled() {
        var machine = Self.machine()
        Self.write(&machine, 0..<25)
        machine.spoiled(FailureSentences.tooLarge(limit: 25))
        machine.closed()
        machine.settled()
        #expect(machine.phase == .failed)
        #expect(machine.next() == nil)
    }

    @Test("After a crash the destination is asked what it has before anything is sent")
    func recovering() {
        var machine = Self.machine(size: 30, closed: true, recovering: Self.token)
        machine.settled()
        #expect(Self.start(&machine) == .verify(Self.token))
        #expect(machine.next() == nil)
        machine.verified([StoredChunk(index: 0, length: 10, digest: "")])
        #expect(machine.next() == .send(machine.plan.chunk(1), Self.token))
    }

    @Test("A session that could not be asked for is asked for again")
    func verifyingFails() {
        var machine = Self.machine(size: 30, closed: true, recovering: Self.token)
        #expect(Self.start(&machine) == .verify(Self.token))
        #expect(Self.fail(&machine, .verify(Self.token), .unreachable(.refused)) == .pause)
        machine.resumed()
        #expect(machine.next() == .verify(Self.token))
    }
}
