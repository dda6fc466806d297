import Testing
import UploadCore

/// What failures and losses do.
extension UploadMachineTests {
    @Test("A transient failure pauses the file; any success ends the pause")
    func pausing() throws {
        var (machine, chunks) = try Self.sending()
        let consequence = Self.fail(&machine, .send(chunks[0], Self.token), .broken(.reset))
        #expect(consequence == .pause)
        guard case .waiting(let until, _) = machine.halt else {
            Issue.record("does not wait")
            return
        }
        #expect(until == Self.now.advanced(by: .seconds(1)))
        #expect(machine.next() == nil)
        #expect(machine.stored(chunks[1], in: Self.token) == true)
        #expect(machine.next() != nil)
    }

    @Test("A refusal is final until the file is written again")
    func refusal() throws {
        var machine = Self.machine(size: 5, closed: true)
        machine.settled()
        #expect(Self.start(&machine) == .put)
        let rejection = Rejection(status: 415, cause: .typeRefused, detail: "no text")
        guard case .failed(let failure) = Self.fail(&machine, .put, .rejected(rejection)) else {
            Issue.record("not failed")
            return
        }
        #expect(failure.code == "type-refused")
        #expect(machine.phase == .failed)
        #expect(machine.next() == nil)
        machine.opened()
        Self.write(&machine, 0..<6)
        machine.closed()
        machine.settled()
        #expect(machine.next() == .put)
    }

    @Test("After a week of failures it has failed")
    func givingUp() {
        var machine = Self.machine(size: 5, closed: true)
        machine.settled()
        // The wall clock tells nothing: it may jump.
        let jumped = Self.now.advanced(by: .seconds(50 * 365 * 24 * 3600))
        for elapsed in [Duration.zero, .seconds(7 * 24 * 3600 - 1), .seconds(7 * 24 * 3600)] {
            #expect(machine.phase != .failed)
            #expect(Self.start(&machine) == .put)
            let consequence = machine.failed(
                .put, .broken(.reset), policy: RetryPolicy(), at: .init(now: jumped, elapsed: elapsed), random: 1)
            if elapsed < .seconds(7 * 24 * 3600) { #expect(consequence == .pause) }
            machine.resumed()
        }
        #expect(machine.phase == .failed)
        #expect(machine.failure?.code == "gave-up")
    }

    @Test("What a failed write has left is not what was published meanwhile")
    func spoiledWhilePublishing() throws {
        var machine = Self.machine(size: 5, closed: true)
        machine.settled()
        #expect(Self.start(&machine) == .put)
        machine.opened()
        machine.spoiled(FailureSentences.releasedLost)
        #expect(machine.published() == .outdated)
        machine.closed()
        #expect(machine.phase == .failed)
    }

    @Test("A lost session is begun again from the first byte")
    func sessionLost() throws {
        var (machine, chunks) = try Self.sending()
        #expect(machine.stored(chunks[0], in: Self.token) == true)
        _ = Self.fail(&machine, .send(chunks[1], Self.token), .sessionLost)
        machine.resumed()
        #expect(machine.session == .none)
        #expect(machine.plan.acknowledged == 0)
    }

    @Test("What comes late of a lost session counts neither for nor against the one that took its place")
    func lateOfLostSession() throws {
        var (machine, chunks) = try Self.sending(30)
        _ = Self.fail(&machine, .send(chunks[1], Self.token), .sessionLost)
        machine.resumed()
        #expect(Self.start(&machine) == .begin)
        let other = SessionToken("other")
        machine.began(other)
        // It is under way still, so it is not sent beside that.
        #expect(Self.start(&machine) == .send(chunks[1], other))
        #expect(machine.stored(chunks[0], in: Self.token) == false)
        #expect(machine.plan.acknowledged == 0)
        #expect(Self.start(&machine) == .send(chunks[0], other))
        #expect(Self.fail(&machine, .send(chunks[2], Self.token), .sessionLost) == .goOn)
        #expect(machine.session == .open(other))
    }

    @Test("A whole that is wrong though each chunk was right is begun again in a new session")
    func damagedWhole() throws {
        var (machine, chunks) = try Self.sending(30)
        machine.closed()
        machine.settled()
        for chunk in chunks { #expect(machine.stored(chunk, in: Self.token) == true) }
        let work = try #require(Self.start(&machine))
        #expect(Self.fail(&machine, work, .damaged) == .pause)
        machine.resumed()
        #expect(machine.session == .none)
        #expect(machine.next() == .begin)
    }

    @Test(
        "What was cut away while it was read is no failure", arguments: [DestinationError.damaged, .source(.noSpace)])
    func cutWhileSent(error: DestinationError) throws {
        var (machine, chunks) = try Self.sending(30)
        Self.write(&machine, 0..<1)
        #expect(Self.fail(&machine, .send(chunks[0], Self.token), error) == .goOn)
        #expect(Self.fail(&machine, .send(chunks[1], Self.token), error) != .goOn, "that one was not changed")

        var whole = Self.machine(size: 5, closed: true)
        whole.settled()
        #expect(Self.start(&whole) == .put)
        whole.opened()
        Self.write(&whole, 0..<6)
        #expect(Self.fail(&whole, .put, error) == .goOn)
    }

    @Test("What finalize misses is sent again")
    func missing() throws {
        var (machine, chunks) = try Self.sending(30)
        machine.closed()
        machine.settled()
        for chunk in chunks { #expect(machine.stored(chunk, in: Self.token) == true) }
        let work = try #require(Self.start(&machine))
        #expect(Self.fail(&machine, work, .missing([1])) == .goOn)
        #expect(machine.next() == .send(chunks[1], Self.token))
    }

    @Test(
        "Names decide: temporary ones are sent but not published, litter stays",
        arguments: zip([NameClass.ordinary, .temporary, .litter], [Phase.queued, .held, .ignored]))
    func names(nameClass: NameClass, phase: Phase) {
        var machine = Self.machine(nameClass: nameClass, size: 5, closed: true)
        machine.settled()
        #expect(machine.phase == phase)
        #expect((machine.next() == .put) == (nameClass == .ordinary))
        machine.nameClass = .ordinary
        #expect(machine.next() == .put)
    }
}
