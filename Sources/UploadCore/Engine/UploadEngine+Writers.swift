/// What writers do, taken to the machines.
extension UploadEngine {
    func handle(_ event: WriterEvent) {
        unshelve(for: event)
        switch event {
        case .opened(let opened): self.opened(opened)
        case .wrote(let version):
            wake(version)
            takeNews(version)
            moved(version)
        case .acknowledged(let version, let moment): acknowledged(version, at: moment)
        case .closed(let version, _, let moment, let isAuthorGone):
            closed(version, at: moment, isAuthorGone: isAuthorGone)
        case .torn(let version, _, let failure): torn(version, failure)
        case .touched(let file):
            for version in versions[file] ?? [] { settleAnew(version) }
        case .classified(let file, let nameClass):
            for version in versions[file] ?? [] {
                uploads[version]?.machine.nameClass = nameClass
                settleAnew(version)
            }
        case .removed(let file):
            for version in versions[file] ?? [] { give(up: version) }
            forgetRemoved(file)
        case .owed(let file): takeOwed(file, isNews: true)
        case .spoiled(let version, let failure): spoiled(version, failure)
        case .awaited(let file):
            awaitMove(of: file)
            guard let version = versions[file]?.last else {
                answerWaiters(of: file)
                break
            }
            settle(version)
            if let status = world.board.status(of: file), status.phase.isSettled {
                world.board.answerWaiters(status)
            }
        case .released(let version, let moment): release(version, at: moment)
        case .retried(let file): retry(file)
        case .discarded(let version):
            let held = replacedBy(version)
            if uploads[version] == nil { discardVoid(version) } else { give(up: version) }
            takeUpAgain(held)
        case .paused(let isPaused): pause(isPaused)
        case .pressed: pressed()
        case .marked(let answer): answer()
        }
        dispatch()
    }

    private func opened(_ opened: OpenedVersion) {
        if uploads[opened.version] != nil {
            uploads[opened.version]?.track = opened.track
            uploads[opened.version]?.settling?.cancel()
            uploads[opened.version]?.machine.opened()
            if case .spoiled(let failure)? = uploads[opened.version]?.machine.halt { opened.track.fail(failure) }
            moved(opened.version)
        } else if opened.isNew {
            insert(opened)
        } else {
            rest(opened)
        }
    }

    private func insert(_ opened: OpenedVersion) {
        let track = opened.track
        var plan = ChunkPlan(schedule: track.schedule, size: track.initialSize)
        for range in track.released.ranges { plan.release(track.schedule.within(range)) }
        let machine = UploadMachine(
            version: opened.version, file: opened.file, contentType: opened.contentType, nameClass: opened.nameClass,
            capabilities: capabilities(world.destination.limits), plan: plan)
        add(machine, at: opened.place, track: track, isSuccessor: opened.isSuccessor)
    }

    func capabilities(_ limits: DestinationLimits) -> UploadMachine.Capabilities {
        UploadMachine.Capabilities(
            parallelChunks: min(settings.parallelChunks, limits.parallelChunks),
            canReplaceChunk: limits.canReplaceChunk, namesAtFinish: limits.namesAtFinish)
    }

    /// Takes a version among those on their way, and lists it.
    /// - Parameters:
    ///   - place: where it lies; nil: to be asked.
    ///   - isSuccessor: its file has had another version before.
    ///   - isNews: the log is to say so.
    func add(
        _ machine: UploadMachine, at place: KnownPath? = nil, track: WriteTrack?, isSuccessor: Bool = false,
        journalled: ChunkTotals = ChunkTotals(), retries: Int = 0, isNews: Bool = true
    ) {
        let sent = ByteCounter()
        let upload = Upload(
            machine: machine, track: track, sent: sent, isSuccessor: isSuccessor, retries: retries,
            journalled: journalled)
        uploads[machine.version] = upload
        versions[machine.file, default: []].append(machine.version)
        versions[machine.file]?.sort()
        let place = place ?? KnownPath(asked: machine.file, of: world.names)
        let status = FileStatus(
            file: machine.file, version: machine.version, path: place?.path ?? UploadPath([]),
            phase: machine.phase, phases: [FileStatus.PhaseEntry(phase: machine.phase, entered: world.now())],
            contentType: machine.contentType, size: machine.plan.size, isClosed: machine.plan.isClosed,
            acknowledged: upload.acknowledged.bytes, chunksStored: upload.acknowledged.count,
            chunksTotal: machine.plan.count, chunkSize: machine.plan.schedule.firstSize, retries: retries,
            failure: machine.failure)
        world.board.insert(
            StatusBoard.Entry(status: status, pathAsOf: place?.changes, track: track, sent: sent))
        if isNews { world.log.phase(status) }
        moved(machine.version)
    }

    /// Open for writing, though nothing of it is on its way.
    func rest(_ opened: OpenedVersion) {
        dormant[opened.version] = opened
        // Published and partly gone from here: never to be sent again.
        if !opened.track.released.isEmpty { opened.track.fail(FailureSentences.rewrittenReleased) }
    }

    /// A version that was opened and left alone is being written to after all.
    private func wake(_ version: VersionID) {
        guard let opened = dormant.removeValue(forKey: version) else { return }
        insert(opened)
    }

    func takeNews(_ version: VersionID) {
        guard let track = uploads[version]?.track else { return }
        let news = track.drain()
        var void = uploads[version]?.machine.wrote(news) ?? RangeSet()
        // What the journal did not take before.
        if uploads[version]?.isJournalBehind == true { void.formUnion(track.unsettled) }
        let isRecorded = void.isEmpty || record(void.ranges.map { .unstored(version, $0) })
        if isRecorded { track.settled() }
        uploads[version]?.isJournalBehind = !isRecorded
        let bytes = news.written.ranges.reduce(Int64(0)) { $0 + Int64($1.count) }
        if bytes > 0 { world.board.count { $0.bytesWritten += bytes } }
    }

    /// Somebody waits for a file that is not on its way (any more).
    func answerWaiters(of file: FileID) {
        // It is published, and to come under another name.
        if let status = world.board.status(of: file) {
            if status.phase.isSettled { world.board.answerWaiters(status) }
            return
        }
        guard let status = FinishedStatus.read(file, world.journal, world.names) else {
            return world.board.answerWaiters(
                FileStatus(
                    file: file, version: VersionID(0), path: shownPath(of: file), phase: .cancelled, contentType: "",
                    size: 0,
                    isClosed: true, chunkSize: 1))
        }
        if status.phase.isSettled { world.board.answerWaiters(status) }
    }

    private func closed(_ version: VersionID, at moment: Timestamp?, isAuthorGone: (@Sendable () -> Bool)?) {
        if let opened = dormant[version] {
            guard opened.track.hasNews else {
                dormant[version] = nil
                // Of no use any more.
                if opened.track.failure != nil { evictPublished(version) }
                return
            }
            wake(version)
        }
        takeNews(version)
        guard let upload = uploads[version] else { return }
        uploads[version]?.machine.closed()
        uploads[version]?.track = nil
        if let moment { uploads[version]?.closedAt = moment }
        if case .spoiled(let failure) = upload.machine.halt { spoil(version, failure) }
        failIfHalted(version)
        supersede(version)
        settleAnew(version, isAuthorGone: isAuthorGone)
    }

    private func spoiled(_ version: VersionID, _ failure: Failure) {
        // What is published is there, whatever became of it here, unless its change has begun.
        if uploads[version] == nil, (try? world.journal.upload(version)?.phase) == .done {
            return damagedAfterwards(version, failure)
        }
        wake(version)
        spoil(version, failure)
    }

    /// What the spool has of it is not what was written: it can only be written anew, also after a kill.
    func spoil(_ version: VersionID, _ failure: Failure) {
        guard let upload = uploads[version] else { return }
        uploads[version]?.machine.spoiled(failure)
        gathered[version] = nil
        // The journal may have one that the engine has not heard of.
        let close = (try? world.journal.upload(version)?.closed) ?? upload.closedAt
        let isRecorded = record(
            (close.map { [.lapsed(version, ofClose: $0)] } ?? [])
                + [.setPhase(version, .failed, failure: failure, retries: upload.retries)])
        moved(version)
        // For all the journal knows its close is good, otherwise.
        if isRecorded { takeUpAgain(replacedBy(version)) }
    }

    private func torn(_ version: VersionID, _ failure: Failure) {
        wake(version)
        takeNews(version)
        guard let upload = uploads[version] else { return }
        uploads[version]?.machine.torn(failure)
        uploads[version]?.track = nil
        // Another writer may have closed it since, and whole.
        if let row = try? world.journal.upload(version), row.closed == nil {
            record([.setPhase(version, .interrupted, failure: failure, retries: upload.retries)])
            takeUpAgain(replacedBy(version))
        }
        moved(version)
    }

    // MARK: Settling

    /// The settling time begins (again).
    /// - Parameter isAuthorGone: whether the program has ended that could do something more to it; nil: not known.
    func settleAnew(_ version: VersionID, isAuthorGone: (@Sendable () -> Bool)? = nil) {
        guard uploads[version] != nil else { return }
        uploads[version]?.settling?.cancel()
        uploads[version]?.machine.touched()
        if uploads[version]?.machine.plan.isClosed == true {
            uploads[version]?.settling = Task { [world, settings] in
                do {
                    var time = settings.settlingTime
                    if let isAuthorGone {
                        try await world.clock.sleep(for: settings.desertedTime)
                        time = isAuthorGone() ? .zero : time - settings.desertedTime
                    }
                    if time > .zero { try await world.clock.sleep(for: time) }
                } catch { return }
                guard !Task.isCancelled else { return }
                self.settle(version)
                self.shelve(version)
                self.dispatch()
            }
        }
        moved(version)
    }

    func settle(_ version: VersionID) {
        guard uploads[version]?.machine.plan.isClosed == true else { return }
        uploads[version]?.settling?.cancel()
        uploads[version]?.machine.settled()
        moved(version)
    }

    // MARK: The journal

    /// Journals; a journal that can't is reported and the upload goes on: what is not journalled
    /// costs repeated work after a crash, never a byte.
    @discardableResult
    func record(_ changes: [JournalChange]) -> Bool {
        do {
            try world.journal.apply(changes)
            return true
        } catch {
            world.log.trouble(FailureSentences.journal(error))
            return false
        }
    }
}
