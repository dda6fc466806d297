/// What renames and unlinks have promised of published objects (`OwedMove`): a copy under the file's new name, then the
/// deletion of what it was made of. No filesystem call waits for that; the journal owes it until it is done.
///
/// - Every act may run twice. The copy is journalled before anything of its source is owed to be deleted.
/// - Under one path one thing happens at a time (`leases`). Nothing is published over an object, or copied over it, that
///   is still to be copied to where its file has gone. Where that went round in a circle the rename was refused.
/// - What is published at a path takes the place of what was owed to be deleted there (`JournalChange.placed`).
extension UploadEngine {
    // MARK: What is owed

    /// The journal owes more than before, or something else of this file.
    /// - Parameter isNews: it has just been renamed, and may be once more.
    func takeOwed(_ file: FileID? = nil, isNews: Bool = false) {
        do throws(JournalError) {
            // Of one that is under way it is found out at its end.
            if let number = file.flatMap({ moves.number(of: $0) }), moves[number]?.machine.isUnderWay == false {
                if try world.journal.owedMove(number) == nil {
                    drop(number)
                } else if isNews {
                    settleMove(number)
                }
            }
            for owed in try world.journal.owedMoves(after: moves.last) { add(owed, isNews: isNews) }
        } catch {
            world.log.trouble(FailureSentences.journal(error))
        }
    }

    private func add(_ owed: OwedMove, isNews: Bool) {
        moves.insert(owed)
        let receipt = receipt(of: owed)
        let size = owed.object.size ?? receipt?.size ?? 0
        // Of an object whose file is gone nobody else has this number.
        let named = owed.file ?? owed.successor.flatMap { (try? world.names.path(of: $0)) == nil ? nil : $0 }
        var status = FileStatus(
            file: named ?? FileID(UInt64(bitPattern: -owed.number)), version: owed.listed,
            path: named.map { shownPath(of: $0) } ?? owed.object.path, phase: .queued,
            phases: [FileStatus.PhaseEntry(phase: .queued, entered: world.now())],
            contentType: owed.object.path.name.map(ContentType.of) ?? ContentType.unknown, size: size, isClosed: true,
            acknowledged: size, chunkSize: max(size, 1), receipt: receipt)
        status.action = named == nil ? .delete : .move
        world.board.insert(StatusBoard.Entry(status: status, track: nil, sent: ByteCounter()))
        world.log.phase(status)
        if let failure = owed.failure, failure.code != FailureSentences.gaveUpCode {
            moves[owed.number]?.machine.refused(failure)
            show(move: owed.number)
        } else if isNews, owed.file != nil {
            settleMove(owed.number)
        } else {
            moves.enqueue(owed.number)
        }
    }

    func receipt(of owed: OwedMove) -> PublishReceipt? {
        guard let file = owed.file ?? owed.successor else { return nil }
        return (try? world.journal.uploads(of: file))?.last { $0.receipt != nil }?.receipt
    }

    private func settleMove(_ number: Int64) {
        moves[number]?.timer?.cancel()
        moves[number]?.machine.renamed()
        moves[number]?.timer = Task { [world, time = settings.settlingTime] in
            do { try await world.clock.sleep(for: time) } catch { return }
            self.settledMove(number)
            self.dispatch()
        }
        show(move: number)
    }

    private func settledMove(_ number: Int64) {
        moves[number]?.machine.settled()
        moves.enqueue(number)
    }

    /// Somebody waits for the file.
    func awaitMove(of file: FileID) {
        guard let number = moves.number(of: file) else { return }
        moves[number]?.timer?.cancel()
        settledMove(number)
    }

    /// It is not owed any more.
    func drop(_ number: Int64) {
        guard let move = moves.remove(number) else { return }
        move.timer?.cancel()
        world.board.remove(move.owed.listed)
        unpark(move.owed.object.path)
        // Who waits for the file waits for all that is owed of it.
        if let file = move.owed.file ?? move.owed.successor, versions[file] == nil { answerWaiters(of: file) }
    }

    /// It is carried out.
    func done(_ owed: OwedMove) {
        var finished: FileStatus?
        _ = world.board.update(owed.listed) { finished = $0.status }
        if var finished {
            finished.phase = .done
            finished.receipt = receipt(of: owed)
            world.log.phase(finished)
        }
        drop(owed.number)
    }

    // MARK: The status board

    /// Shows it as its machine has it.
    func show(move number: Int64) {
        guard let move = moves[number] else { return }
        let moved = world.board.update(move.owed.listed) { entry in
            entry.status.phase = move.machine.phase
            entry.status.failure = move.machine.failure
            if case .waiting(let until, _) = move.machine.stage {
                entry.status.nextAttempt = until
            } else {
                entry.status.nextAttempt = nil
            }
        }
        if let moved { world.log.phase(moved) }
    }
}
