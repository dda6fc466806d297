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
            try countOn()
            // What follows from it must not outlast it.
            world.keepJournal()
            if let known = try world.journal.fact(Self.bootFact), known != boot { try distrustUnmarked() }
            shelf = try world.journal.shelf(beyond: settings.awakeFiles)
            records = try world.journal.unfinishedUploads(besides: shelf)
        } catch {
            return world.log.trouble(FailureSentences.journal(error))
        }
        showShelf()
        sweepSpool()
        let superseded: [VersionID: VersionID?]
        let totals: [VersionID: ChunkTotals]
        let paths: [FileID: UploadPath]
        do throws(JournalError) {
            superseded = try world.journal.supersededUploads()
            totals = try world.journal.chunkTotals()
            // Of a queue that is too long for the memory not all paths are asked for.
            paths = shelf.isEmpty ? try world.journal.unfinishedPaths() : [:]
        } catch {
            return world.log.trouble(FailureSentences.journal(error))
        }
        let unmarked = Set(records.filter { $0.unkeptClose != nil }.map(\.version))
        for record in records {
            do throws(JournalError) {
                // What is not among them was unlinked; or only the tree can tell.
                let path: UploadPath?
                if let known = paths[record.file] { path = known } else { path = try world.names.path(of: record.file) }
                let needless = Needless(version: record.version, session: record.session)
                switch (path, superseded[record.version]) {
                case (_?, .some(let newer?)) where unmarked.contains(newer):
                    // Should the power go before that one is on stable storage, this one comes back.
                    self.superseded[newer, default: []].append(needless)
                case (let path?, nil):
                    try recover(record, at: path, totals[record.version] ?? ChunkTotals())
                default:
                    // Superseded, unlinked or replaced, and the process ended before it had cleaned up.
                    discard(needless)
                }
            } catch {
                world.log.trouble(
                    "A file that waits to be uploaded could not be taken up; the next mount tries again.",
                    ["version": "\(record.version)", "error": FailureSentences.journal(error).reason])
            }
        }
        if !uploads.isEmpty {
            world.log.trouble(
                "Files of an earlier run are taken up again.", ["count": "\(uploads.count + shelf.count)"])
        }
        takeOwed()
        do throws(JournalError) {
            owed = Deque(try world.journal.owedAborts())
            // Only now: should we be killed before, the next one has to look as closely.
            try world.journal.apply([.setFact(name: Self.bootFact, value: boot)])
        } catch {
            world.log.trouble(FailureSentences.journal(error))
        }
    }

    private static let bootFact = "boot"
    private static let runsFact = "runs"

    /// Requests are numbered on from where earlier runs were: one that a killed run had sent may still be carried
    /// out, and must not take the place of what this one publishes.
    private func countOn() throws(JournalError) {
        let runs = (try world.journal.fact(Self.runsFact).flatMap { Int($0) } ?? 0) + 1
        try world.journal.apply([.setFact(name: Self.runsFact, value: "\(runs)")])
        lastTask = runs << 32
    }

    /// A version is taken up as the journal has it.
    /// - Parameter totals: of its acknowledged chunks.
    func recover(_ record: UploadRecord, at path: UploadPath, _ totals: ChunkTotals) throws(JournalError) {
        let kept = keptSize(of: record)
        if case .failure(.missing) = kept, record.phase == .receiving, try undoCreation(of: record) { return }
        var size = record.closedSize ?? 0
        if record.closedSize == nil, case .success(let spooled) = kept { size = spooled }
        var plan = ChunkPlan(schedule: record.schedule, size: size, isClosed: true)
        if totals.isPartlyReleased {
            for range in try world.journal.releasedChunks(of: record.version).ranges { plan.release(range) }
        }
        var machine = UploadMachine(
            version: record.version, file: record.file, contentType: record.contentType,
            nameClass: settings.classify(path), capabilities: capabilities(world.destination.limits), plan: plan,
            recovering: record.session)
        machine.settled()
        machine.failIfLost()
        switch (record.phase, record.failure, record.closedSize) {
        case (.failed, let failure?, nil):
            machine.spoiled(failure)
        case (.failed, let failure?, _?) where failure.code != FailureSentences.gaveUpCode:
            machine.refused(failure)
        case (.interrupted, let failure?, _):
            machine.interrupted(failure)
        case (_, _, nil):
            machine.interrupted(FailureSentences.interrupted)
            try interrupt(record, try? kept.get(), FailureSentences.interrupted)
        default:
            if case .failure(let error) = kept { machine.refused(FailureSentences.spool(error)) }
        }
        // Of this run of the machine: its bytes are still to be brought to the disk.
        if let close = record.unkeptClose { gathered[record.version] = close }
        // Whether its file had a version before is not known.
        add(
            // As of the mount: if any path has changed since, it is asked for (again).
            machine, at: KnownPath(path: path, changes: 0), track: nil, isSuccessor: true, journalled: totals,
            retries: record.retries, isNews: false)
        uploads[record.version]?.closedAt = record.closed
    }

    /// Spool files that belong to nothing, and nothing that belongs to no spool file.
    private func sweepSpool() {
        do {
            let known = Set(try world.journal.spooledVersions())
            let there = Set(try world.spool.versions())
            let orphans = there.subtracting(known)
            // At once: their numbers may have been given to nobody, and will be.
            for version in orphans { try world.spool.remove(version) }
            // Made room, and killed before the journal heard of it.
            let gone = try known.subtracting(there).filter { try world.journal.upload($0)?.phase == .done }
            if !gone.isEmpty { record(gone.map { .evicted($0) }) }
            guard !orphans.isEmpty else { return }
            world.log.trouble(
                "Spool files that no upload owns were removed: an earlier run was killed while it made or removed them.",
                ["count": "\(orphans.count)"])
        } catch {
            world.log.trouble("The spool could not be looked through.", ["error": "\(error)"])
        }
    }

    /// Sessions at the destination that an earlier run began and did not live to note. Looked for once, when the
    /// destination answers.
    func sweepSessions() {
        guard !hasSwept, !isStopping, isDestinationThere else { return }
        hasSwept = true
        sweeping = Task { [world, policy = settings.retry] in
            do throws(DestinationError) {
                let attempts = Attempts(world: world, policy: policy) { _ in }
                guard !world.destination.limits.wantsIntentions else { return try await self.sweepIntended(attempts) }
                let left = try await attempts.make("sweep") { () async throws(DestinationError) in
                    try await world.destination.leftBehind()
                }
                if let left { self.abortStrays(left) }
            } catch {
                // Asked again when the destination is back.
                self.hasSwept = false
                if self.breaker.failed(error) { self.startProbing() }
            }
        }
    }

    private func abortStrays(_ left: [SessionToken]) {
        // What is on the shelf has none.
        guard let unfinished = try? world.journal.unfinishedUploads(besides: shelf) else { return }
        // Also those of files that could not be taken up.
        let mine = Set(unfinished.compactMap(\.session)).union(owed)
        abort(strays: left.filter { !mine.contains($0) })
    }

    /// - Parameter changes: to be journalled with it.
    func abort(strays: [SessionToken], with changes: [JournalChange] = []) {
        if !strays.isEmpty {
            world.log.trouble(
                "Unfinished uploads of an earlier run, which no file owns, are aborted at the destination.",
                ["count": "\(strays.count)"])
        }
        let all = strays.map { JournalChange.oweAbort($0) } + changes
        if !all.isEmpty { record(all) }
        for token in strays { abort(token) }
    }

    /// After the machine went down: whether the disk has the bytes of what is not marked nobody knows.
    private func distrustUnmarked() throws(JournalError) {
        // Only what is marked can be on a shelf.
        for record in try world.journal.unfinishedUploads(besides: try world.journal.shelf(beyond: 0)) {
            guard let close = record.unkeptClose else { continue }
            let size = try? world.spool.size(of: record.version)
            // Void, so that it takes no older version's place.
            try interrupt(record, size, FailureSentences.powerLost, after: [.lapsed(record.version, ofClose: close)])
        }
        // Published, but not for reading from here.
        for record in try world.journal.publishedUnmarked() {
            try world.journal.apply([.evicted(record.version)])
            discardSpool(record.version)
        }
    }

    /// Killed between the journal's word of a new version and its spool file: nobody has been told of it.
    /// - Returns: whether it is gone.
    private func undoCreation(of record: UploadRecord) throws(JournalError) -> Bool {
        guard record.session == nil, var node = try world.journal.node(record.file), node.version == record.version,
            node.size == 0
        else { return false }
        let older = try world.journal.uploads(of: record.file).last { $0.version < record.version }
        if let older {
            node.version = older.version
            node.size = older.closedSize ?? older.receipt?.size ?? 0
            self.record([.updateNode(node), .removeUpload(record.version)])
            return true
        }
        // A node that has further names, or is one, is never the only thing that goes.
        guard !node.isPublished, node.names == 1, node.hardLinkOf == nil else { return false }
        self.record([.removeUpload(record.version), .removeNode(record.file)])
        return true
    }

    /// What is kept is there to be read, and a writer goes on behind it.
    /// - Parameter size: bytes that the spool has of it; nil: it has no file.
    private func interrupt(
        _ record: UploadRecord, _ size: Int64?, _ failure: Failure, after changes: [JournalChange] = []
    ) throws(JournalError) {
        var changes = changes
        changes.append(.setPhase(record.version, .interrupted, failure: failure, retries: record.retries))
        if let size, var node = try world.journal.node(record.file), node.version == record.version, node.kind == .file
        {
            node.size = size
            changes.append(.updateNode(node))
        }
        try world.journal.apply(changes)
    }

    /// The bytes that the spool has of it.
    /// - Returns: a failure also when they are fewer than its close acknowledged.
    private func keptSize(of record: UploadRecord) -> Result<Int64, SpoolError> {
        do throws(SpoolError) {
            let size = try world.spool.size(of: record.version)
            if let closed = record.closedSize, size < closed {
                return .failure(.short(record.version, size: size, closed: closed))
            }
            return .success(size)
        } catch {
            return .failure(error)
        }
    }
}
