/// Moves and deletions that could not be done: when they are tried again, and what else is done.
extension UploadEngine {
    func failed(_ owed: OwedMove, _ error: DestinationError) {
        let number = owed.number
        guard error != .cancelled else {
            moves[number]?.machine.stopped()
            return moves.enqueue(number)
        }
        if breaker.failed(error) { startProbing() }
        if case .rejected(let rejection) = error, rejection.cause == .other, relay(owed) { return }
        moves[number]?.machine.failed(
            error, policy: settings.retry,
            at: UploadMachine.Moment(now: world.now(), elapsed: world.stopwatch.elapsed), random: world.random()
        ) { failure, lasts in
            lasts ? FailureSentences.refused(owed, failure) : FailureSentences.notDone(owed, failure)
        }
        switch moves[number]?.machine.stage {
        case .failed(let failure)?: record([.setMoveFailure(number, failure)])
        case .waiting(let until, _)?: pauseMove(number, until: until)
        default: break
        }
        show(move: number)
    }

    func refuse(_ owed: OwedMove, _ failure: Failure) {
        let all = FailureSentences.notDone(owed, failure)
        moves[owed.number]?.machine.refused(all)
        record([.setMoveFailure(owed.number, all)])
        show(move: owed.number)
    }

    /// The bytes are here: the file is published anew, under the name that it has by then, and takes what is owed of
    /// its object along.
    /// - Returns: false when they are not, or somebody writes to them.
    func relay(_ owed: OwedMove) -> Bool {
        guard let file = owed.file else { return false }
        do throws(JournalError) {
            if versions[file] == nil {
                guard let path = try world.names.path(of: file),
                    var upload = try world.journal.newestUpload(of: file), upload.phase == .done, upload.isSpooled,
                    upload.closedSize != nil, dormant[upload.version] == nil,
                    // Else somebody has replaced it since, and a listing has told so: these bytes are older.
                    try world.journal.node(file).map({ $0.version == upload.version }) ?? true,
                    try world.journal.releasedChunks(of: upload.version).isEmpty
                else { return false }
                try world.journal.apply([
                    .setPhase(upload.version, .queued, failure: nil, retries: upload.retries)
                ])
                upload.phase = .queued
                try recover(upload, at: path, ChunkTotals())
            }
        } catch {
            world.log.trouble(FailureSentences.journal(error))
            return false
        }
        // Something newer does it, too.
        guard (versions[file] ?? []).contains(where: { uploads[$0]?.machine.phase.isOnItsWay == true }) else {
            return false
        }
        moves[owed.number]?.machine.relayed()
        world.board.remove(owed.listed)
        return true
    }

    private func pauseMove(_ number: Int64, until: Timestamp) {
        let time = Duration.nanoseconds(max(0, until.nanoseconds - world.now().nanoseconds))
        moves[number]?.timer?.cancel()
        moves[number]?.timer = Task { [world] in
            do { try await world.clock.sleep(for: time) } catch { return }
            self.resumeMove(number)
        }
    }

    private func resumeMove(_ number: Int64) {
        // While the destination is dead its return is what wakes everybody.
        guard isDestinationThere else {
            moves[number]?.machine.waitForDestination()
            return
        }
        moves[number]?.machine.resumed()
        goOn(number)
        dispatch()
    }

    private func goOn(_ number: Int64) {
        moves.enqueue(number)
        show(move: number)
    }

    /// Somebody wants it tried now.
    /// - Parameter file: nil: all.
    func retryMoves(_ file: FileID?) {
        for number in moves.numbers {
            let owed = moves[number]?.owed
            guard file == nil || file == owed?.file ?? owed?.successor else { continue }
            switch moves[number]?.machine.stage {
            case .failed?: record([.setMoveFailure(number, nil)])
            case .waiting?: break
            default: continue
            }
            moves[number]?.timer?.cancel()
            moves[number]?.machine.released()
            goOn(number)
        }
    }

    func movesGoOn(at now: Timestamp) {
        for number in moves.numbers where moves[number]?.machine.failure != nil {
            moves[number]?.machine.destinationIsBack(at: now)
            goOn(number)
        }
    }

    /// - Returns: what is still to be waited for.
    func stopMoves() -> [Task<Void, Never>] {
        for number in moves.numbers { moves[number]?.timer?.cancel() }
        return moves.numbers.compactMap { moves[$0]?.task }
    }
}
