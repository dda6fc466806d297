internal import Synchronization

/// A move or a deletion whose turn it is: what it needs is put together, it is made, and its answer comes back.
extension UploadEngine {
    // MARK: Whose turn it is

    /// - Returns: false when nobody stands in line.
    func startMove() -> Bool {
        guard let number = moves.next() else { return false }
        do throws(JournalError) {
            guard let owed = try world.journal.owedMove(number) else {
                drop(number)
                return true
            }
            if let file = owed.file { try startCopy(owed, of: file) } else { startDeletion(owed) }
        } catch {
            // As a request that failed.
            moves[number]?.machine.started()
            if let owed = moves[number]?.owed { failed(owed, .journal(error)) }
        }
        return true
    }

    private func startCopy(_ owed: OwedMove, of file: FileID) throws(JournalError) {
        guard let name = try world.names.name(of: file) else {
            // Its name has gone, and what was owed with it.
            record([.abandonMove(file)])
            return takeOwed(file)
        }
        guard name.path != owed.object.path else {
            record([.placed(file, at: owed.object)])
            return takeOwed(file)
        }
        if try isSource(name.path, ofOtherThan: file) { return moves.park(owed.number, at: name.path) }
        guard lease(name.path, to: owed) else { return }
        lastTask += 1
        let object = ObjectDescription(
            path: name.path, size: owed.object.size,
            contentType: name.path.name.map(ContentType.of) ?? ContentType.unknown, modified: name.modified,
            mode: name.mode, order: UInt64(lastTask))
        moves[owed.number]?.task = Task { [world, attempts = attempts(for: owed)] in
            let result = await Self.make("copy", attempts) { () async throws(DestinationError) in
                try await world.destination.copy(owed.object, to: object)
            }
            self.copied(owed, of: file, to: name.path, result)
        }
    }

    private func startDeletion(_ owed: OwedMove) {
        guard lease(owed.object.path, to: owed) else { return }
        moves[owed.number]?.task = Task { [world, attempts = attempts(for: owed)] in
            let result = await Self.make("delete", attempts) { () async throws(DestinationError) in
                try await world.destination.delete(owed.object)
            }
            self.deleted(owed, result)
        }
    }

    /// What lies there is still to be copied to where another file has gone: nothing may take its place before.
    func isSource(_ path: UploadPath, ofOtherThan file: FileID) throws(JournalError) -> Bool {
        guard let owner = try world.journal.owedMove(from: path)?.file else { return false }
        return owner != file
    }

    /// What follows from a file's having been published there, where something was owed of that path, or of the file.
    func placement(of file: FileID, at path: UploadPath, _ receipt: PublishReceipt) -> [JournalChange] {
        let placed = JournalChange.placed(file, at: ObjectReference(path: path, url: receipt.url, size: receipt.size))
        do throws(JournalError) {
            guard try world.journal.owedMove(from: path) == nil, try world.journal.owedMove(of: file) == nil else {
                return [placed]
            }
            return []
        } catch {
            // It does no harm.
            return [placed]
        }
    }

    /// - Returns: false when something happens there just now: it comes after that.
    private func lease(_ path: UploadPath, to owed: OwedMove) -> Bool {
        guard leases[path] == nil else {
            moves.park(owed.number, at: path)
            return false
        }
        leases[path] = owed.listed
        running += 1
        moves[owed.number]?.timer?.cancel()
        moves[owed.number]?.machine.started()
        show(move: owed.number)
        return true
    }

    /// The next one of this path may come.
    func unlease(_ path: UploadPath) {
        leases[path] = nil
        unpark(path)
    }

    func unpark(_ path: UploadPath) {
        for next in parked.removeValue(forKey: path) ?? [] { moved(next) }
        moves.unpark(path)
    }

    // MARK: The requests

    private func attempts(for owed: OwedMove) -> Attempts {
        Attempts(world: world, policy: settings.retry, isWorthwhile: { await self.isWorthwhile(after: $0) }) {
            [world] error in
            world.board.count { $0.retries += 1 }
            _ = world.board.update(owed.listed) { $0.status.retries += 1 }
            world.log.trouble(
                "A request failed and is tried again.",
                [
                    "path": NameFormat.text(owed.object.path), "request": owed.file == nil ? "delete" : "copy",
                    "error": FailureSentences.failure(for: error).reason,
                ])
        }
    }

    /// Nothing is done there before the journal's word for it is on stable storage: a power loss could bring back a
    /// tree that knows nothing of it.
    private static func make<Value: Sendable>(
        _ operation: String, _ attempts: Attempts, _ request: @Sendable () async throws(DestinationError) -> Value
    ) async -> Result<Value, DestinationError> {
        let unkept = Mutex<JournalError?>(nil)
        await attempts.world.offload { [journal = attempts.world.journal] in
            do throws(JournalError) {
                try journal.synchronize()
            } catch {
                unkept.withLock { $0 = error }
            }
        }
        if let error = unkept.withLock({ $0 }) { return .failure(.journal(error)) }
        do throws(DestinationError) {
            return .success(try await attempts.make(operation, request))
        } catch {
            return .failure(error)
        }
    }

    private func copied(
        _ owed: OwedMove, of file: FileID, to path: UploadPath, _ result: Result<CopiedObject?, DestinationError>
    ) {
        ended(owed, result)
        switch result {
        case .success(let copy?):
            do throws(JournalError) {
                try world.names.placed(owed, copy)
                let place = try world.names.path(of: file)
                let next = try world.journal.owedMove(of: file)
                takeOwed()
                if place == path, next == nil { done(owed) } else { drop(owed.number) }
            } catch {
                failed(owed, .journal(error))
            }
        case .success(nil):
            if !relay(owed) { refuse(owed, FailureSentences.sourceGone) }
        case .failure(let error):
            failed(owed, error)
        }
        unlease(path)
        // It may have been renamed, or removed, meanwhile.
        takeOwed(file)
        dispatch()
    }

    private func deleted(_ owed: OwedMove, _ result: Result<Void, DestinationError>) {
        ended(owed, result)
        switch result {
        case .success:
            record([.moveDone(owed.number)])
            done(owed)
        case .failure(let error): failed(owed, error)
        }
        unlease(owed.object.path)
        dispatch()
    }

    private func ended<Value>(_ owed: OwedMove, _ result: Result<Value, DestinationError>) {
        running -= 1
        moves[owed.number]?.task = nil
        if case .success = result, breaker.succeeded() { destinationIsBack() }
    }
}
