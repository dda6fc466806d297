import TestSupport
import Testing
import UploadCore

/// What is published follows its file to another name, and goes when it is unlinked. The filesystem waits for none of it.
@Suite(.timeLimit(.minutes(1))) struct UploadEngineMoveTests {
    private let old = EngineBench.bytes(10)
    private let new = EngineBench.bytes(20, seed: 7)

    private static let refusal = DestinationError.rejected(
        Rejection(status: 412, cause: .conflict, detail: "another's"))

    /// A file that is published, and is being copied to another name: held until the gate opens.
    private func copying(
        _ bench: EngineBench, from name: String = "a", to other: String = "b"
    ) async throws -> (file: EngineBench.Writer, gate: Gate) {
        let gate = Gate()
        bench.destination.answerNext(.copy, .hold(gate, then: .carryOut))
        let file = try await bench.publish(name, number: 2, old)
        try bench.rename(file, to: other)
        bench.front.post(.awaited(file.file))
        await gate.arrivals()
        return (file, gate)
    }

    /// The next run, with a file under the name that it has by now.
    private func next(
        after bench: EngineBench, _ file: EngineBench.Writer, _ name: String = "b"
    ) async throws -> EngineBench {
        try await EngineBench(destination: bench.destination, journal: bench.journal) { names, _ in
            names.set(file.file, try UploadPath(name))
        }
    }

    @Test("A published file that is renamed is copied by the destination, then what it was copied from is deleted")
    func moved() async throws {
        let bench = try await EngineBench()
        let file = try await bench.publish("a", number: 2, old)
        try bench.rename(file, to: "d/b")
        await bench.untilKnown()
        #expect(bench.front.status(of: file.file)?.phase == .queued)
        #expect(bench.front.status(of: file.file)?.action == .move)
        let status = await bench.settled(file.file)
        #expect(status.phase == .done && status.receipt?.url == "memory:///d/b")
        #expect(try await bench.published("d/b") == old)
        try await bench.untilNothingIsOwed()
        #expect(await bench.objects == ["d/b": old])
        #expect(bench.front.status(of: file.file)?.receipt?.url == "memory:///d/b")
        #expect(bench.destination.calls.map(\.kind) == [.put, .copy, .delete])
        #expect(bench.front.overview(limit: 10).files.isEmpty)
        await bench.stop()
    }

    @Test("Renamed several times before anything was done, it is copied once; back at its name, not at all")
    func chain() async throws {
        let bench = try await EngineBench()
        let file = try await bench.publish("a", number: 2, old)
        try bench.rename(file, to: "b")
        try bench.rename(file, to: "c")
        #expect(await bench.settled(file.file).receipt?.url == "memory:///c")
        try await bench.untilNothingIsOwed()
        #expect(await bench.objects == ["c": old])
        try bench.rename(file, to: "d")
        try bench.rename(file, to: "c")
        #expect(await bench.settled(file.file).receipt?.url == "memory:///c")
        try await bench.untilNothingIsOwed()
        #expect(bench.destination.count(.copy) == 1)
        #expect(await bench.objects == ["c": old])
        await bench.stop()
    }

    @Test("What it has replaced for a moment is gone as well")
    func replacedOnTheWay() async throws {
        let bench = try await EngineBench()
        let file = try await bench.publish("a", number: 2, old)
        let other = try await bench.publish("b", number: 3, new)
        bench.names.set(other.file, nil)
        bench.front.post(.removed(other.file))
        try bench.rename(file, to: "b")
        try bench.rename(file, to: "c")
        bench.front.post(.awaited(file.file))
        try await bench.untilNothingIsOwed()
        #expect(await bench.objects == ["c": old])
        await bench.stop()
    }

    @Test(
        "Renamed while it is copied, it follows to the last name, or home, and nothing stays behind",
        arguments: ["c", "a"])
    func renamedMeanwhile(last: String) async throws {
        let bench = try await EngineBench()
        let (file, gate) = try await copying(bench)
        try bench.rename(file, to: last)
        await bench.untilKnown()
        gate.open()
        #expect(await bench.settled(file.file).receipt?.url == "memory:///\(last)")
        await bench.untilPublished(exactly: [last: old])
        try await bench.untilNothingIsOwed()
        await bench.stop()
    }

    @Test("A new file of the old name is published after the copy was made, and its object is not deleted")
    func newAtOldName() async throws {
        let bench = try await EngineBench()
        let (_, gate) = try await copying(bench)
        let newer = try bench.create("a", number: 3)
        try bench.write(newer, new, at: 0)
        try bench.close(newer)
        bench.front.post(.awaited(newer.file))
        await bench.untilKnown()
        #expect(bench.destination.count(.put) == 1)
        gate.open()
        #expect(await bench.settled(newer.file).phase == .done)
        try await bench.untilNothingIsOwed()
        #expect(await bench.objects == ["a": new, "b": old])
        await bench.stop()
    }

    @Test("Names that go on one behind the other are moved in that order")
    func rotation() async throws {
        let bench = try await EngineBench()
        let second = try await bench.publish("log", number: 3, new)
        let (_, gate) = try await copying(bench, from: "log.1", to: "log.2")
        try bench.rename(second, to: "log.1")
        bench.front.post(.awaited(second.file))
        await bench.untilKnown()
        #expect(bench.destination.count(.copy) == 1)
        gate.open()
        try await bench.untilNothingIsOwed()
        #expect(await bench.objects == ["log.1": new, "log.2": old])
        await bench.stop()
    }

    @Test("A version that is published under the new name takes the place of the copy, which comes no more")
    func newVersion() async throws {
        let bench = try await EngineBench()
        bench.destination.failNext(.copy, .forbidden(status: 403, detail: "no"))
        let file = try await bench.publish("a", number: 2, old)
        try bench.rename(file, to: "b")
        bench.front.post(.awaited(file.file))
        await bench.destination.calls(.copy, atLeast: 1)
        let again = try bench.create("b", number: 2, version: 5)
        try bench.write(again, new, at: 0)
        try bench.close(again)
        #expect(await bench.settled(file.file).receipt?.url == "memory:///b")
        try await bench.untilNothingIsOwed()
        #expect(await bench.objects == ["b": new])
        #expect(bench.destination.count(.copy) == 1)
        await bench.stop()
    }

    @Test("What a killed run has owed is done by the next one, also when it had been done and nobody knew")
    func crash() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let first = try await EngineBench(destination: destination, journal: journal)
        let (file, _) = try await copying(first)
        await first.stop()
        #expect(try journal.owedMove(of: file.file)?.object.path == UploadPath("a"))
        let another = Gate()
        destination.answerNext(.copy, .hold(another, then: .carryOut))
        let second = try await next(after: first, file)
        await another.arrivals()
        // It is made, and the journal does not hear of it.
        journal.failApplying(with: .noSpace)
        another.open()
        while try await second.published("b") == nil { await Task.yield() }
        await second.stop()
        journal.failApplying(with: nil)
        #expect(await second.objects == ["a": old, "b": old])
        let third = try await next(after: second, file)
        try await third.untilNothingIsOwed()
        #expect(await third.objects == ["b": old])
        #expect(third.front.status(of: file.file)?.receipt?.url == "memory:///b")
        await third.stop()
    }

    @Test("A refusal is told, also by the next run, and retried when somebody says so")
    func refused() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let first = try await EngineBench(destination: destination, journal: journal)
        destination.failNext(.copy, Self.refusal)
        let file = try await first.publish("a", number: 2, old)
        try first.rename(file, to: "b")
        let status = await first.settled(file.file)
        #expect(status.phase == .failed && status.failure?.code == "conflict")
        #expect(status.failure?.reason.contains("former name a") == true)
        #expect(status.failure?.remedy.contains("retry") == true)
        await first.stop()
        let second = try await next(after: first, file)
        await second.untilKnown()
        #expect(second.front.status(of: file.file)?.phase == .failed)
        #expect(destination.count(.copy) == 1)
        second.front.post(.retried(file.file))
        try await second.untilNothingIsOwed()
        #expect(await second.objects == ["b": old])
        await second.stop()
    }

    @Test("Renamed once more, what was refused is tried under the other name")
    func renamedAfterRefusal() async throws {
        let bench = try await EngineBench()
        bench.destination.failNext(.copy, Self.refusal)
        let file = try await bench.publish("a", number: 2, old)
        try bench.rename(file, to: "b")
        #expect(await bench.settled(file.file).phase == .failed)
        try bench.rename(file, to: "c")
        try await bench.untilNothingIsOwed(advancing: .milliseconds(100))
        #expect(await bench.objects == ["c": old])
        await bench.stop()
    }

    @Test("A failure that may pass is waited for, and tried again")
    func waits() async throws {
        let bench = try await EngineBench()
        let busy = DestinationError.busy(status: 503, retryAfter: nil)
        bench.destination.failNext(.copy, busy, busy, busy, busy)
        bench.destination.failNext(.delete, busy, busy, busy, busy)
        let file = try await bench.publish("a", number: 2, old)
        try bench.rename(file, to: "b")
        try await bench.untilNothingIsOwed(advancing: .milliseconds(100))
        #expect(await bench.objects == ["b": old])
        #expect(bench.destination.count(.copy) == 5 && bench.destination.count(.delete) == 5)
        await bench.stop()
    }

    @Test("Where the object is gone its bytes are sent anew, if they are here; else that is told")
    func sourceGone() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let bench = try await EngineBench(destination: destination, journal: journal)
        let file = try await bench.publish("a", number: 2, old)
        await destination.remove(try UploadPath("a"))
        try bench.rename(file, to: "b")
        bench.front.post(.awaited(file.file))
        try await bench.untilNothingIsOwed()
        #expect(await bench.objects == ["b": old])
        #expect(destination.count(.put) == 2)
        #expect(bench.front.status(of: file.file)?.receipt?.url == "memory:///b")
        await destination.remove(try UploadPath("b"))
        await bench.stop()
        // With nothing in the spool.
        let next = try await next(after: bench, file)
        try next.rename(file, to: "c")
        let status = await next.settled(file.file)
        #expect(status.phase == .failed && status.failure?.code == "move-source-gone")
        await next.stop()
    }

    @Test("What is unlinked is deleted, by the next run if need be")
    func deleted() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let bench = try await EngineBench(destination: destination, journal: journal)
        let gate = Gate()
        destination.answerNext(.delete, .hold(gate, then: .carryOut))
        let file = try await bench.publish("a", number: 2, old)
        try bench.unlink(file)
        await gate.arrivals()
        #expect(bench.front.overview(limit: 10).files.map(\.action) == [.delete])
        await bench.stop()
        #expect(await bench.objects == ["a": old])
        let next = try await EngineBench(destination: destination, journal: journal)
        try await next.untilNothingIsOwed()
        #expect(await next.objects.isEmpty)
        await next.stop()
    }

    @Test("What was published under the name since is not deleted, though the deletion was owed before")
    func notTheNewer() async throws {
        let bench = try await EngineBench()
        bench.destination.failNext(.delete, .forbidden(status: 403, detail: "no"))
        let file = try await bench.publish("a", number: 2, old)
        try bench.unlink(file)
        await bench.destination.calls(.delete, atLeast: 1)
        _ = try await bench.publish("a", number: 3, new)
        #expect(try bench.journal.owedMoves(after: 0).isEmpty)
        bench.clock.advance(by: .seconds(600))
        await bench.untilKnown()
        #expect(bench.destination.count(.delete) == 1)
        #expect(await bench.objects == ["a": new])
        await bench.stop()
    }

    @Test("Unlinked while its copy is made, it leaves nothing behind")
    func unlinkedMeanwhile() async throws {
        let bench = try await EngineBench()
        let (file, gate) = try await copying(bench)
        try bench.unlink(file)
        await bench.untilKnown()
        gate.open()
        try await bench.untilNothingIsOwed()
        await bench.untilPublished(exactly: [:])
        await bench.stop()
    }

    @Test("Nothing is done there while the journal's word for it is not on stable storage")
    func unkept() async throws {
        let bench = try await EngineBench()
        let file = try await bench.publish("a", number: 2, old)
        bench.journal.failSynchronizing(with: .noSpace)
        try bench.unlink(file)
        while bench.front.overview(limit: 10).files.first?.phase != .waiting { await Task.yield() }
        #expect(bench.destination.count(.delete) == 0)
        bench.journal.failSynchronizing(with: nil)
        try await bench.untilNothingIsOwed(advancing: .milliseconds(100))
        #expect(await bench.objects.isEmpty)
        await bench.stop()
    }
}
