/// What destinations answered, taken to the machines.
extension UploadEngine {
    func willRetry(_ version: VersionID, _ work: UploadMachine.Work, _ error: DestinationError) {
        uploads[version]?.retries += 1
        world.board.count { $0.retries += 1 }
        defer { show(version) }
        if error == .damaged, haveBytesChanged(version, work) { return }
        world.log.trouble(
            "A request failed and is tried again.",
            [
                "path": NameFormat.text(shownPath(of: uploads[version]?.machine.file ?? .root)),
                "request": work.operation, "error": FailureSentences.failure(for: error).reason,
            ])
    }

    /// A writer was there while they travelled.
    private func haveBytesChanged(_ version: VersionID, _ work: UploadMachine.Work) -> Bool {
        guard case .send(let chunk, _) = work else { return isReopened(version, work) }
        // First this: a write that ends after it is among the news.
        let isChanging = uploads[version]?.track?.isChanging(chunk.range) == true
        takeNews(version)
        return isChanging || uploads[version]?.machine.plan.chunk(chunk.index) != chunk || isReopened(version, work)
    }

    /// A request has ended, well or not.
    func ended(
        _ version: VersionID, _ work: UploadMachine.Work, task: Int, claimed: ClaimedName?,
        _ result: Result<Answer, DestinationError>
    ) {
        running -= 1
        uploads[version]?.tasks[task] = nil
        if case .success = result, breaker.succeeded() { destinationIsBack() }
        let word = intentionEnded(task, result)
        switch result {
        case .success(let answer): succeeded(version, work, answer, claimed, word)
        case .failure(let error):
            if !word.isEmpty { record(word) }
            failed(version, work, error, claimed)
        }
        if let upload = uploads[version], upload.isDoomed, !upload.machine.isPublishing {
            give(up: version, for: upload.successor)
            forgetIfUnlinked(upload.machine.file)
        }
        moved(version)
        dispatch()
    }

    /// - Parameter word: to be journalled with the session that was begun.
    private func succeeded(
        _ version: VersionID, _ work: UploadMachine.Work, _ answer: Answer, _ claimed: ClaimedName?,
        _ word: [JournalChange]
    ) {
        guard uploads[version] != nil else {
            // It was given up meanwhile, and with it the session that nobody knew of yet.
            guard case .began(let session) = answer else { return }
            record([.oweAbort(session.token)] + word)
            return abort(session.token)
        }
        switch answer {
        case .began(let session):
            record([.setSession(version, session.token)] + word)
            uploads[version]?.session = session
            uploads[version]?.machine.began(session.token)
        case .verified(let session, let present):
            verified(version, session, present)
        case .stored(let chunk):
            guard case .send(let sent, let token) = work else { break }
            // What was written there since is known before it counts as stored.
            takeNews(version)
            uploads[version]?.sent.add(-sent.length)
            delivered(sent.length, of: version)
            if uploads[version]?.machine.stored(sent, in: token) == true {
                record([.stored(version, chunk, knownClose: uploads[version]?.closedAt)])
            }
        case .published(let receipt):
            published(version, work, receipt, claimed)
        }
        // What was stored or published can be given away now.
        startMakingRoom()
    }

    /// Of what the journal calls acknowledged only that counts which the destination has, the same bytes.
    private func verified(_ version: VersionID, _ session: any UploadSession, _ present: [StoredChunk]?) {
        if uploads[version]?.machine.session.token == session.token { uploads[version]?.session = session }
        do {
            let journalled = try world.journal.storedChunks(of: version)
            let known = Set(journalled)
            uploads[version]?.machine.verified(present?.filter(known.contains) ?? journalled)
            failIfHalted(version)
        } catch {
            world.log.trouble(FailureSentences.journal(error), ["version": "\(version)"])
            uploads[version]?.machine.verified([])
        }
    }

    private func delivered(_ bytes: Int64, of version: VersionID) {
        world.board.count { $0.bytesSent += bytes }
        _ = world.board.update(version) { $0.delivered += bytes }
    }

    private func published(
        _ version: VersionID, _ work: UploadMachine.Work, _ receipt: PublishReceipt, _ claimed: ClaimedName?
    ) {
        guard let upload = uploads[version] else { return }
        if work == .put {
            upload.sent.add(-receipt.size)
            delivered(receipt.size, of: version)
        }
        // What a writer has changed since is known before this counts as the newest.
        takeNews(version)
        let outcome = uploads[version]?.machine.published() ?? .current
        let placed = claimed.map { placement(of: upload.machine.file, at: $0.path, receipt) } ?? []
        uploads[version]?.session = nil
        let now = world.now()
        switch outcome {
        case .outdated: record([.publishedEarlier(version, receipt, at: now)] + placed)
        case .current: record([.published(version, receipt, at: now, ofClose: upload.closedAt)] + placed)
        }
        if !placed.isEmpty { takeOwed(upload.machine.file) }
        world.board.count {
            $0.filesDone += 1
            $0.bytesDone += receipt.size
        }
        end(claimed, of: upload.machine.file, published: true)
        guard outcome == .current else { return failIfHalted(version) }
        // What is left here of a stream that passed through is of no use, unless somebody has it open: then it stays
        // until there is need for the room.
        if !upload.machine.plan.released.isEmpty, evict(version, of: upload.machine.file) { discardSpool(version) }
        // A newer one that is no close (yet) may be discarded: then this is what there is.
        let isSuperseded =
            upload.isDoomed
            || (versions[upload.machine.file] ?? []).contains {
                $0 > version && uploads[$0]?.machine.supersedes == true
            }
        forget(version)
        if let track = upload.track, !isSuperseded {
            // Somebody has it open, and has not changed it.
            rest(
                OpenedVersion(
                    version: version, file: upload.machine.file, track: track,
                    contentType: upload.machine.contentType, nameClass: upload.machine.nameClass, isNew: false))
        }
        let status = world.board.update(version) { entry in
            entry.status.phase = .done
            entry.status.receipt = receipt
            entry.status.failure = nil
            entry.status.nextAttempt = nil
            entry.status.size = receipt.size
            entry.status.acknowledged = receipt.size
            entry.status.chunksStored = entry.status.chunksTotal
            entry.status.isClosed = true
        }
        if let status { world.log.phase(status) }
        world.board.remove(version)
        if isSuperseded {
            record([.removeUpload(version)])
            discardSpool(version)
        } else if claimed?.isFurtherName == true {
            evictPublished(version)
        }
    }

    /// Gives the name free, and lets the next version of its path come.
    private func end(_ claimed: ClaimedName?, of file: FileID, published: Bool) {
        guard let claimed else { return }
        world.names.release(file, published: published)
        unlease(claimed.path)
    }

    func failed(
        _ version: VersionID, _ work: UploadMachine.Work, _ error: DestinationError, _ claimed: ClaimedName?
    ) {
        let error = seen(error, of: version, work)
        guard let upload = uploads[version] else { return }
        end(claimed, of: upload.machine.file, published: false)
        if error != .cancelled, breaker.failed(error) { startProbing() }
        let session = upload.machine.session.token
        let consequence =
            uploads[version]?.machine.failed(
                work, error, policy: settings.retry,
                at: UploadMachine.Moment(now: world.now(), elapsed: world.stopwatch.elapsed), random: world.random())
            ?? .stopped
        if let session, uploads[version]?.machine.session.token != session {
            dropSession(session, of: version)
        }
        switch consequence {
        case .goOn: break
        case .stopped:
            // A writer has come, and its events are on their way: no sooner than the settling time again, unless
            // it has closed already.
            if work.isPublishing, !isStopping, !upload.isDoomed, !isLastWord(version) { settleAnew(version) }
        case .failed(let failure):
            fail(version, failure)
        case .pause:
            pause(version)
        }
    }

    /// What a writer has just cut away, or is about to, could not be read: that is no failure of the disk.
    private func seen(
        _ error: DestinationError, of version: VersionID, _ work: UploadMachine.Work
    ) -> DestinationError {
        guard case .source = error else { return error }
        // First this: a cut that ends after it is among the news.
        let isBeingCut = uploads[version]?.track?.isBeingCut == true
        takeNews(version)
        return isBeingCut || isReopened(version, work) ? .cancelled : error
    }

    /// By a writer of whom nothing is known yet, after those whose track is; or it has lost its name, and who has it
    /// open goes on without a word.
    private func isReopened(_ version: VersionID, _ work: UploadMachine.Work) -> Bool {
        (work.isPublishing || uploads[version]?.track?.isFinished != false) && !isLastWord(version)
            || uploads[version].map { isUnlinked($0.machine.file) } != false
    }

    /// Nobody has opened it for a change since the close that the engine knows.
    private func isLastWord(_ version: VersionID) -> Bool {
        do throws(JournalError) {
            let closed = try world.journal.upload(version)?.closed
            // One of which the engine has not heard yet may be void by now, or its file be gone.
            return uploads[version]?.closedAt.map { $0 == closed } ?? (closed != nil)
        } catch {
            return true
        }
    }

    /// The machine may just have found that nothing mends it.
    func failIfHalted(_ version: VersionID) {
        if case .failed(let failure)? = uploads[version]?.machine.halt { fail(version, failure) }
    }

    /// Journals a refusal, of what was closed: what a writer has reopened since is another matter.
    func fail(_ version: VersionID, _ failure: Failure) {
        guard let upload = uploads[version] else { return }
        // Who goes on writing would do so in vain.
        if failure == FailureSentences.releasedLost { upload.track?.fail(failure) }
        guard upload.machine.plan.isClosed else { return }
        record([
            .setPhase(version, .failed, failure: failure, retries: upload.retries, ofClose: upload.closedAt)
        ])
    }

    private func pause(_ version: VersionID) {
        guard case .waiting(let until, let failure)? = uploads[version]?.machine.halt else { return }
        record([.setPhase(version, .waiting, failure: failure, retries: uploads[version]?.retries ?? 0)])
        let time = Duration.nanoseconds(max(0, until.nanoseconds - world.now().nanoseconds))
        uploads[version]?.pause?.cancel()
        uploads[version]?.pause = Task { [world] in
            do { try await world.clock.sleep(for: time) } catch { return }
            self.resume(version)
        }
    }

    private func resume(_ version: VersionID) {
        // While the destination is dead its return is what wakes everybody.
        guard isDestinationThere else {
            uploads[version]?.machine.waitForDestination()
            return
        }
        uploads[version]?.machine.resumed()
        moved(version)
        dispatch()
    }

    // MARK: The status board

    /// Shows a version as its machine has it.
    func show(_ version: VersionID) {
        guard let upload = uploads[version] else { return }
        let machine = upload.machine
        let moved = world.board.update(version) { entry in
            entry.track = upload.track
            entry.status.phase = machine.phase
            entry.status.size = machine.plan.size
            entry.status.isClosed = machine.plan.isClosed
            entry.status.acknowledged = upload.acknowledged.bytes
            entry.status.chunksStored = upload.acknowledged.count
            entry.status.chunksTotal = machine.plan.count
            entry.status.retries = upload.retries
            entry.status.failure = machine.failure
            if case .waiting(let until, _) = machine.halt {
                entry.status.nextAttempt = until
            } else {
                entry.status.nextAttempt = nil
            }
        }
        if let moved { world.log.phase(moved) }
    }
}
