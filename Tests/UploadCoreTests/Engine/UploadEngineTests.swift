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

    @Test("Nothing is published before the settling time is over, and then by itself")
    func settling() async throws {
        let bench = try await EngineBench()
        let writer = try bench.create("a.txt", number: 2)
        try bench.close(writer)
        await bench.clock.sleepers(atLeast: 1)
        #expect(bench.destination.count(.put) == 0)
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
        await bench.clock.sleepers(atLeast: 1)
        bench.names.set(writer.file, nil)
        bench.front.post(.removed(writer.file))
        #expect(await bench.settled(writer.file).phase == .cancelled)
        await bench.stop()
        #expect(bench.destination.calls.isEmpty)
        #expect(try bench.spool.versions().isEmpty)
        #expect(try bench.journal.upload(writer.version) == nil)
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

    @Test("Rewritten while it is published, it is published again: the last content wins")
    func rewrittenWhilePublishing() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.answerNext(.put, .hold(gate, then: .carryOut))
        let first = try bench.create("a", number: 2)
        try bench.write(first, EngineBench.bytes(10), at: 0)
        try bench.close(first)
        bench.front.post(.awaited(first.file))
        await gate.arrivals()
        let second = try bench.reopen(first)
        try bench.journal.apply([.reopened(first.version)])
        try bench.write(second, EngineBench.bytes(20, seed: 7), at: 0)
        gate.open()
        try bench.close(second)
        #expect(await bench.settled(first.file).phase == .done)
        while bench.destination.count(.put) < 2 { await Task.yield() }
        #expect(await bench.settled(first.file).phase == .done)
        #expect(try await bench.published("a") == EngineBench.bytes(20, seed: 7))
        await bench.stop()
    }

    /// The first attempt fails; before the second a writer has begun to change the file.
    @Test("Half a rewrite is never sent, though a retry comes in its middle")
    func rewrittenBetweenAttempts() async throws {
        let bench = try await EngineBench()
        bench.destination.failNext(.put, .busy(status: 503, retryAfter: .seconds(2)))
        let first = try bench.create("a", number: 2)
        try bench.write(first, [1, 1, 1, 1], at: 0)
        try bench.close(first)
        bench.front.post(.awaited(first.file))
        await bench.destination.calls(.put, atLeast: 1)
        // Its events come late: the journal alone tells of it.
        try bench.journal.apply([.reopened(first.version)])
        try first.content.store([2, 2], at: 0)
        while bench.destination.count(.put) < 2 {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(try await bench.published("a") == nil)
        let second = try bench.reopen(first)
        try bench.write(second, [2, 2, 2, 2], at: 0)
        try bench.close(second)
        #expect(await bench.settled(first.file).phase == .done)
        #expect(try await bench.published("a") == [2, 2, 2, 2])
        await bench.stop()
    }

    @Test("A change that was closed while its file was being published survives a crash in that moment")
    func closedWhilePublishing() async throws {
        let destination = ScriptedDestination()
        let journal = MemoryJournal()
        let bench = try await EngineBench(destination: destination, journal: journal)
        let gate = Gate()
        destination.answerNext(.finish, .hold(gate, then: .carryOut))
        let writer = try bench.create("a", number: 2)
        try bench.write(writer, EngineBench.bytes(2000), at: 0)
        try bench.close(writer)
        bench.front.post(.awaited(writer.file))
        await gate.arrivals()
        // The filesystem has journalled the change and its close; the engine has not heard of them.
        try journal.apply([
            .reopened(writer.version), .closed(writer.version, size: 2000, at: Timestamp(seconds: 1_750_000_100)),
        ])
        gate.open()
        while await destination.objects.isEmpty { await Task.yield() }
        await bench.stop()
        #expect(
            try journal.upload(writer.version)?.phase == .queued || journal.upload(writer.version)?.phase == .finalizing
        )
        #expect(try journal.unfinishedUploads().map(\.version) == [writer.version])
    }

    @Test("A published file that was changed and closed again is taken up after a crash")
    func changedAfterPublishing() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let first = try await EngineBench(destination: destination, journal: journal)
        let writer = try first.create("a", number: 2)
        try first.close(writer)
        #expect(await first.settled(writer.file).phase == .done)
        try journal.apply([
            .reopened(writer.version), .closed(writer.version, size: 3, at: Timestamp(seconds: 1_750_000_100)),
        ])
        await first.stop()
        let second = try await EngineBench(destination: destination, journal: journal) { names, spool in
            names.set(writer.file, try UploadPath("a"))
            try spool.create(writer.version).store([7, 8, 9], at: 0)
        }
        #expect(await second.settled(writer.file).phase == .done)
        #expect(try await second.published("a") == [7, 8, 9])
        await second.stop()
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

    @Test("A newer version of a file replaces an older one that is not published yet")
    func superseding() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.setRule { $0.kind == .send ? .hold(gate, then: .carryOut) : .carryOut }
        let old = try bench.create("a", number: 2, version: 1)
        try bench.write(old, EngineBench.bytes(3000), at: 0)
        try bench.close(old)
        await gate.arrivals(atLeast: 3)
        let new = try bench.create("a", number: 2, version: 2)
        try bench.write(new, EngineBench.bytes(10, seed: 9), at: 0)
        try bench.close(new)
        #expect(await bench.settled(new.file).phase == .done)
        gate.open()
        await bench.destination.calls(.abort, atLeast: 1)
        await bench.stop()
        #expect(try await bench.published("a") == EngineBench.bytes(10, seed: 9))
        #expect(bench.destination.count(.finish) == 0)
        #expect(try bench.spool.versions() == [new.version])
    }

    @Test("Two files of one path appear in order: the newer waits for the older one's answer")
    func pathLease() async throws {
        let bench = try await EngineBench()
        let gate = Gate()
        bench.destination.answerNext(.put, .hold(gate, then: .carryOut))
        let old = try bench.create("a", number: 2)
        try bench.write(old, [1], at: 0)
        try bench.close(old)
        bench.front.post(.awaited(old.file))
        await gate.arrivals()
        // Another file is renamed over it while its request is under way.
        let new = try bench.create("a", number: 3)
        bench.names.set(old.file, nil)
        bench.front.post(.removed(old.file))
        try bench.write(new, [2, 2], at: 0)
        try bench.close(new)
        bench.front.post(.awaited(new.file))
        for _ in 0..<1000 { await Task.yield() }
        #expect(bench.destination.count(.put) == 1)
        gate.open()
        #expect(await bench.settled(new.file).phase == .done)
        #expect(try await bench.published("a") == [2, 2])
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

    @Test("After a stop in mid-upload the next engine asks what is there and sends only the rest")
    func recovery() async throws {
        let destination = ScriptedDestination()
        let journal = MemoryJournal()
        let bytes = EngineBench.bytes(10_000)
        let first = try await EngineBench(destination: destination, journal: journal)
        let gate = Gate()
        destination.setRule { call in
            call.kind == .send && call.ordinal >= 4 ? .hold(gate, then: .fail(.cancelled)) : .carryOut
        }
        let writer = try first.create("big", number: 2)
        try first.write(writer, bytes, at: 0)
        try first.close(writer)
        await gate.arrivals(atLeast: 3)
        while try journal.storedChunks(of: writer.version).count < 4 { await Task.yield() }
        await first.stop()
        let before = destination.count(.send)
        destination.setRule { _ in .carryOut }
        let second = try await EngineBench(destination: destination, journal: journal) { names, spool in
            names.set(writer.file, try UploadPath("big"))
            let copy = try spool.create(writer.version)
            try copy.store(bytes, at: 0)
        }
        #expect(await second.settled(writer.file).phase == .done)
        #expect(destination.count(.inventory) == 1)
        #expect(destination.count(.begin) == 1)
        #expect(destination.count(.send) - before == 6)
        #expect(try await second.published("big") == bytes)
        await second.stop()
    }

    @Test("A file that nobody closed before the end is interrupted: kept, told, never published by itself")
    func interrupted() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let first = try await EngineBench(destination: destination, journal: journal)
        let writer = try first.create("open", number: 2)
        try first.write(writer, EngineBench.bytes(100), at: 0)
        await first.stop()
        let second = try await EngineBench(destination: destination, journal: journal) { names, spool in
            names.set(writer.file, try UploadPath("open"))
            _ = try spool.create(writer.version)
        }
        let status = await second.settled(writer.file)
        #expect(status.phase == .interrupted)
        #expect(status.failure?.remedy.isEmpty == false)
        second.clock.advance(by: .seconds(100))
        // Opened and closed, as touch(1) does, changes nothing of it.
        let touched = try second.reopen(writer)
        second.front.post(.closed(touched.version, size: 100))
        #expect(await second.settled(writer.file).phase == .interrupted)
        await second.stop()
        #expect(destination.calls.isEmpty)
        #expect(try journal.upload(writer.version)?.phase == .interrupted)
    }

    @Test("A file that was removed while nobody looked is cleaned up, here and at the destination")
    func removedBeforeRecovery() async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        let version = VersionID(5)
        try journal.apply([
            .insertUpload(
                UploadRecord(
                    version: version, file: FileID(9), phase: .queued, closedSize: 5, schedule: .equal(1000),
                    contentType: "", session: SessionToken("gone"), created: EngineBench.start))
        ])
        let bench = try await EngineBench(destination: destination, journal: journal) { _, spool in
            _ = try spool.create(version)
        }
        await destination.calls(.abort, atLeast: 1)
        await bench.stop()
        #expect(try journal.upload(version) == nil)
        #expect(try bench.spool.versions().isEmpty)
    }

    @Test(
        "After a crash an older version never comes after a newer one that was closed",
        arguments: [Phase.done, .queued])
    func supersededBeforeRecovery(newer: Phase) async throws {
        let journal = MemoryJournal()
        let destination = ScriptedDestination()
        for (number, phase) in [(Int64(1), Phase.queued), (2, newer)] {
            try journal.apply([
                .insertUpload(
                    UploadRecord(
                        version: VersionID(number), file: FileID(9), phase: phase, closedSize: number,
                        schedule: .equal(1000), contentType: "", created: EngineBench.start))
            ])
        }
        let bench = try await EngineBench(destination: destination, journal: journal) { names, spool in
            names.set(FileID(9), try UploadPath("a"))
            for number in [Int64(1), 2] {
                try spool.create(VersionID(number)).store([UInt8](repeating: UInt8(number), count: Int(number)), at: 0)
            }
        }
        if newer == .queued { #expect(await bench.settled(FileID(9)).phase == .done) }
        await bench.stop()
        #expect(destination.count(.put) == (newer == .queued ? 1 : 0))
        #expect(try await bench.published("a") == (newer == .queued ? [2, 2] : nil))
        #expect(try bench.spool.versions() == [VersionID(2)])
    }

    @Test("What failed stays failed after a remount, except for what was only given up for its time")
    func failedBeforeRecovery() async throws {
        let journal = MemoryJournal()
        let codes = ["type-refused", FailureSentences.gaveUpCode]
        for (number, code) in zip([Int64(2), 3], codes) {
            try journal.apply([
                .insertUpload(
                    UploadRecord(
                        version: VersionID(number), file: FileID(UInt64(number)), phase: .failed, closedSize: 0,
                        schedule: .equal(1000), contentType: "", created: EngineBench.start,
                        failure: Failure(code: code, reason: "so", remedy: "thus")))
            ])
        }
        let bench = try await EngineBench(journal: journal) { names, spool in
            for number in [Int64(2), 3] {
                names.set(FileID(UInt64(number)), try UploadPath("f\(number)"))
                _ = try spool.create(VersionID(number))
            }
        }
        #expect(await bench.settled(FileID(2)).failure?.code == "type-refused")
        #expect(await bench.settled(FileID(3)).phase == .done)
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
}
