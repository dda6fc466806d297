/// What an earlier process left behind.
extension UploadEngine {
    /// Takes every unfinished version of the journal up again, and repeats the aborts that are owed.
    /// To be called once, before any writer comes: what a writer begins must not be taken for left behind.
    package func recover() {
        do {
            for record in try world.journal.unfinishedUploads() { try recover(record) }
            for token in try world.journal.owedAborts() { abort(token, world.destination.limits.schedule) }
        } catch {
            world.log.trouble(FailureSentences.journal(error).reason, [:])
        }
    }

    private func recover(_ record: UploadRecord) throws(JournalError) {
        guard let path = world.names.path(of: record.file), try !isSuperseded(record) else {
            // Unlinked or replaced, and the process ended before it had cleaned up.
            return discard(record.version, owing: record.session)
        }
        let size = record.closedSize ?? spooledSize(record.version)
        let plan = ChunkPlan(schedule: record.schedule, size: size, isClosed: true)
        var machine = UploadMachine(
            version: record.version, file: record.file, contentType: record.contentType,
            nameClass: settings.classify(path), capabilities: capabilities(world.destination.limits), plan: plan,
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
            var changes: [JournalChange] = [
                .setPhase(
                    record.version, .interrupted, failure: FailureSentences.interrupted, retries: record.retries)
            ]
            // What is kept is there to be read, and a writer goes on behind it.
            if var node = try world.journal.node(record.file), node.version == record.version {
                node.size = size
                changes.append(.updateNode(node))
            }
            self.record(changes)
        default:
            break
        }
        add(machine, track: nil, retries: record.retries)
        uploads[record.version]?.closedAt = record.closed
    }

    /// A version is only of interest until a newer one of its file is closed, too.
    private func isSuperseded(_ record: UploadRecord) throws(JournalError) -> Bool {
        guard let newest = try world.journal.newestUpload(of: record.file), newest.version > record.version else {
            return false
        }
        return newest.closedSize != nil
    }

    private func spooledSize(_ version: VersionID) -> Int64 {
        do {
            return try world.spool.open(version).size()
        } catch {
            return 0
        }
    }
}
