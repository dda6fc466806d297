import UploadCore

extension Content {
    /// The write path: nothing here takes the tree's lock.
    /// - Parameter thread: who writes, as the kernel tells.
    /// - Returns: bytes written: all, or it throws.
    func write(_ source: some ByteSource, at offset: Int64, by thread: Int32) throws(FileSystemError) -> Int {
        guard source.count > 0 else { return 0 }
        let (end, overflow) = offset.addingReportingOverflow(Int64(source.count))
        guard !overflow else { throw .tooLarge }
        let target = try locked { state throws(FileSystemError) in
            if let failure = state.failure { throw failure }
            try checkTrack(&state)
            if let limit = context.maximumFileSize(), end > limit, !state.isUnlinked {
                spoil(&state, .tooLarge, FailureSentences.writtenTooLarge(limit: limit))
                throw .tooLarge
            }
            guard state.track?.begin(offset..<end) ?? true else {
                spoil(&state, .released, FailureSentences.rewrittenReleased)
                throw .released
            }
            do throws(FileSystemError) {
                try beginChange(&state)
            } catch {
                state.track?.abandoned(offset..<end)
                throw error
            }
            state.note(thread, context.processes)
            state.changing += 1
            return state.spoolFile
        }
        do throws(FileSystemError) {
            try keepReopening()
            try store(source, in: target, at: offset)
        } catch {
            locked { state in
                state.track?.abandoned(offset..<end)
                state.changing -= 1
            }
            throw error
        }
        try recordChange { track in track.wrote(offset..<end) }
        return source.count
    }

    private func store(
        _ source: some ByteSource, in target: any SpoolFile, at offset: Int64
    ) throws(FileSystemError) {
        do throws(SpoolError) {
            try source.store(in: target, at: offset)
        } catch {
            let failure = FileSystemError(error)
            locked { spoil(&$0, failure, FailureSentences.spool(error)) }
            throw failure
        }
    }

    /// Cuts or extends in place.
    func truncate(to size: Int64, by thread: Int32) throws(FileSystemError) {
        let target = try locked { state throws(FileSystemError) in
            if let failure = state.failure { throw failure }
            if size > 0 { try checkTrack(&state) }
            // Nothing is lost by refusing, so nothing is spoiled.
            if let limit = context.maximumFileSize(), size > max(limit, state.size) { throw .tooLarge }
            guard state.track?.mayTruncate(to: size) ?? true else { throw .released }
            try beginChange(&state)
            state.note(thread, context.processes)
            state.changing += 1
            return state.spoolFile
        }
        do throws(FileSystemError) {
            try keepReopening()
            try spooled { () throws(SpoolError) in try target.truncate(to: size) }
        } catch {
            locked { $0.changing -= 1 }
            throw error
        }
        try recordChange { track in track.truncated(to: size) }
    }

    /// - Throws: what has become of the upload, so that nobody writes on in vain.
    func checkTrack(_ state: inout State) throws(FileSystemError) {
        guard let failure = state.track?.failure else { return }
        spoil(&state, .lost, failure)
        throw .lost
    }

    /// Before the first changed byte, the journal's word that this version is closed is taken back.
    private func beginChange(_ state: inout State) throws(FileSystemError) {
        guard let track = state.track else { throw .badHandle }
        // Given since this writer looked whether there is one: it is too late for a copy.
        if state.isPromised {
            state.isPromised = false
            track.promise(false)
        }
        guard !state.isChanged else { return }
        if !state.isUnlinked {
            let version = state.version
            let isDurable = try journalled { () throws(JournalError) in
                try context.journal.apply([.reopened(version)])
                // In this order: once it is reopened, nobody marks it any more.
                return try context.journal.upload(version)?.durable != nil
            }
            if isDurable { state.reopenings += 1 }
        }
        state.isChanged = true
    }

    /// Call before a byte changes, without the lock. Where the close was on stable storage, so must be that it is
    /// void: else a power loss could leave the journal's old word with new bytes.
    private func keepReopening() throws(FileSystemError) {
        let (reopenings, kept) = locked { ($0.reopenings, $0.keptReopenings) }
        guard kept < reopenings else { return }
        do throws(JournalError) {
            try context.journal.synchronize()
        } catch {
            locked { spoil(&$0, .journal(error), FailureSentences.unkept(error)) }
            throw .journal(error)
        }
        locked { $0.keptReopenings = max($0.keptReopenings, reopenings) }
    }

    /// The bytes are in the spool. A flush may have come between: then what it acknowledged has
    /// changed under it, and the journal must hear of that as well.
    private func recordChange(_ note: (WriteTrack) -> Bool) throws(FileSystemError) {
        let wake: VersionID? = try locked { state throws(FileSystemError) in
            state.changing -= 1
            do throws(FileSystemError) {
                try beginChange(&state)
            } catch {
                spoil(&state, error, .journalRefused(error))
                throw error
            }
            state.modified = context.now()
            state.changes += 1
            guard let track = state.track, note(track), !state.isUnlinked else { return nil }
            return state.version
        }
        if let wake { context.uploads.post(.wrote(wake)) }
        try keepReopening()
    }

    /// The spool was full for too long.
    func ranOutOfRoom(_ failure: Failure) {
        locked { spoil(&$0, .noSpace, failure) }
    }

    /// What the writer wanted is not what the spool has: it must never be published. A version that
    /// is still as it was closed is whole, though, and goes on its way.
    /// - Parameter isDamage: not so here: what was closed is not what the spool has, either.
    func spoil(_ state: inout State, _ error: FileSystemError, _ failure: Failure, isDamage: Bool = false) {
        guard state.failure == nil else { return }
        state.failure = error
        guard state.isChanged || isDamage, !state.isUnlinked else { return }
        context.uploads.post(.spoiled(state.version, failure))
        context.report(file, failure)
    }
}

extension Content.State {
    mutating func note(_ thread: Int32, _ processes: ProcessTable?) {
        if let processes { authorship.changed(by: thread, processes) }
    }
}

extension Failure {
    /// The journal did not take a change. Other errors don't come from it.
    static func journalRefused(_ error: FileSystemError) -> Failure {
        guard case .journal(let error) = error else {
            return FailureSentences.journal(.database(code: 0, message: "\(error)"))
        }
        return FailureSentences.journal(error)
    }
}
