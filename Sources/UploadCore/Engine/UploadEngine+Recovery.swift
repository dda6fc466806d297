internal import DequeModule

/// What an earlier process left behind.
extension UploadEngine {
    /// Takes every unfinished version of the journal up again, and repeats the aborts that are owed.
    /// To be called once, before any writer comes: what a writer begins must not be taken for left behind.
    ///
    /// What can't be read is left as it is and told: the rest goes on, and the next mount tries again.
    /// - Parameter boot: names this run of the machine. When it is another one than the journal's, what is not
    ///   marked as durable may have lost bytes: it is not published by itself.
    package func recover(boot: String = "") {
        let records: [UploadRecord]
        do throws(JournalError) {
            if let known = try world.journal.fact(Self.bootFact), known != boot { try distrustUnmarked() }
            records = try world.journal.unfinishedUploads()
        } catch {
            return world.log.trouble(FailureSentences.journal(error).reason, [:])
        }
        for record in records {
            do throws(JournalError) {
                try recover(record)
            } catch {
                world.log.trouble(
                    "A file that waits to be uploaded could not be taken up; the next mount tries again.",
                    ["version": "\(record.version)", "error": FailureSentences.journal(error).reason])
            }
        }
        do throws(JournalError) {
            owed = Deque(try world.journal.owedAborts())
            world.spool.gauge.addEvictable(try world.journal.evictableBytes())
            // Only now: should we be killed before, the next one has to look as closely.
            try world.journal.apply([.setFact(name: Self.bootFact, value: boot)])
        } catch {
            world.log.trouble(FailureSentences.journal(error).reason, [:])
        }
    }

    private static let bootFact = "boot"

    private func recover(_ record: UploadRecord) throws(JournalError) {
        let isGone = try world.names.path(of: record.file) == nil
        // A version is only of interest until a newer one of its file is closed, too.
        guard !isGone, try !world.journal.isSuperseded(record.version, of: record.file) else {
            // Unlinked or replaced, and the process ended before it had cleaned up.
            return discard(record.version, owing: record.session)
        }
        let kept = keptSize(of: record)
        var size = record.closedSize ?? 0
        if record.closedSize == nil, case .success(let spooled) = kept { size = spooled }
        var plan = ChunkPlan(schedule: record.schedule, size: size, isClosed: true)
        for range in try world.journal.releasedChunks(of: record.version).ranges { plan.release(range) }
        var machine = UploadMachine(
            version: record.version, file: record.file, contentType: record.contentType,
            nameClass: try classify(record.file), capabilities: capabilities(world.destination.limits), plan: plan,
            recovering: record.session)
        machine.settled()
        switch (record.phase, record.failure, record.closedSize) {
        case (.failed, let failure?, nil):
            machine.spoiled(failure)
        case (.failed, let failure?, _?) where failure.code != FailureSentences.gaveUpCode:
            machine.refused(failure)
        case (.interrupted, let failure?, _):
            machine.interrupted(failure)
        case (_, _, nil):
            machine.interrupted(FailureSentences.interrupted)
            try interrupt(record, kept, FailureSentences.interrupted)
        default:
            // Of this run of the machine: its bytes are still to be brought to the disk.
            if record.durable != record.closed { gathered[record.version] = record.closed }
            if case .failure(let error) = kept { machine.refused(FailureSentences.spool(error)) }
        }
        add(machine, track: nil, retries: record.retries)
        uploads[record.version]?.closedAt = record.closed
    }

    /// After the machine went down: whether the disk has the bytes of what is not marked nobody knows.
    private func distrustUnmarked() throws(JournalError) {
        for record in try world.journal.unfinishedUploads() where record.durable != record.closed {
            guard let close = record.closed else { continue }
            // Void, so that it takes no older version's place.
            try world.journal.apply([
                .lapsed(record.version, ofClose: close),
                .setPhase(
                    record.version, .interrupted, failure: FailureSentences.powerLost, retries: record.retries),
            ])
        }
        // Published, but not for reading from here.
        for record in try world.journal.publishedUnmarked() {
            try world.journal.apply([.evicted(record.version)])
            discardSpool(record.version)
        }
    }

    private func classify(_ file: FileID) throws(JournalError) -> NameClass {
        try world.names.path(of: file).map(settings.classify) ?? .ordinary
    }

    /// What is kept is there to be read, and a writer goes on behind it.
    private func interrupt(
        _ record: UploadRecord, _ kept: Result<Int64, SpoolError>, _ failure: Failure
    ) throws(JournalError) {
        var changes: [JournalChange] = [
            .setPhase(record.version, .interrupted, failure: failure, retries: record.retries)
        ]
        if case .success(let size) = kept, var node = try world.journal.node(record.file),
            node.version == record.version
        {
            node.size = size
            changes.append(.updateNode(node))
        }
        self.record(changes)
    }

    /// The bytes that the spool has of it.
    /// - Returns: a failure also when they are fewer than its close acknowledged.
    private func keptSize(of record: UploadRecord) -> Result<Int64, SpoolError> {
        do throws(SpoolError) {
            let size = try world.spool.open(record.version).size()
            if let closed = record.closedSize, size < closed {
                return .failure(.short(record.version, size: size, closed: closed))
            }
            return .success(size)
        } catch {
            return .failure(error)
        }
    }
}
