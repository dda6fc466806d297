import UploadCore

extension Content {
    /// Bytes that a file may have, whatever is allowed: some filesystems take ends where sums overflow.
    static let largestSize: Int64 = 1 << 60

    /// The write path: nothing here takes the tree's lock.
    /// - Parameter thread: who writes, as the kernel tells.
    /// - Returns: bytes written: all, or it throws.
    func write(
        _ source: some ByteSource, at offset: Int64, through handle: FileHandle, by thread: Int32
    ) throws(FileSystemError) -> Int {
        guard source.count > 0 else { return 0 }
        let (end, overflow) = offset.addingReportingOverflow(Int64(source.count))
        guard !overflow, end <= Self.largestSize else { throw .tooLarge }
        try inTurn { () throws(FileSystemError) in
            try overwrite(offset..<end, through: handle, by: thread) { file throws(FileSystemError) in
                do throws(SpoolError) { try source.store(in: file, at: offset) } catch { throw spoiled(by: error) }
            }
        }
        return source.count
    }

    /// Bytes become others. Call in turn.
    func overwrite(
        _ range: Range<Int64>, through handle: FileHandle, by thread: Int32,
        make: (any SpoolFile) throws(FileSystemError) -> Void
    ) throws(FileSystemError) {
        try change(through: handle, by: thread) { state throws(FileSystemError) in
            try beginWrite(of: range, &state)
            return true
        } make: { file throws(FileSystemError) in
            try make(file)
        } abandon: { track in
            track.abandoned(range)
        } note: { track in
            track.wrote(range)
        }
    }

    /// - Throws: what spoils the file, too.
    private func beginWrite(of range: Range<Int64>, _ state: inout State) throws(FileSystemError) {
        try checkTrack(&state)
        if let limit = context.maximumFileSize(), range.upperBound > limit, !state.isUnlinked {
            spoil(&state, .tooLarge, FailureSentences.writtenTooLarge(limit: limit))
            throw .tooLarge
        }
        guard state.track?.begin(range) ?? true else {
            spoil(&state, .released, FailureSentences.rewrittenReleased)
            throw .released
        }
    }

    /// Cuts or extends in place.
    func truncate(to size: Int64, through handle: FileHandle, by thread: Int32) throws(FileSystemError) {
        guard size <= Self.largestSize else { throw .tooLarge }
        try inTurn { () throws(FileSystemError) in
            try change(through: handle, by: thread) { state throws(FileSystemError) in
                if size > 0 { try checkTrack(&state) }
                // Nothing is lost by refusing, so nothing is spoiled.
                if let limit = context.maximumFileSize(), size > max(limit, state.size) { throw .tooLarge }
                guard state.track?.beginCut(to: size) ?? true else { throw .released }
                return true
            } make: { file throws(FileSystemError) in
                try spooled { () throws(SpoolError) in try file.truncate(to: size) }
            } abandon: { track in
                track.abandonedCut(to: size)
            } note: { track in
                track.truncated(to: size)
            }
        }
    }

    /// One change of the bytes: what is refused is so under the state's lock, what is made is made without it. Call in
    /// turn.
    /// - Parameters:
    ///   - begin: whether there is anything to do; what it has told the track, `abandon` takes back.
    ///   - make: changes the spool file.
    ///   - note: tells the track what was changed, and says whether the engine is to hear of it.
    func change(
        through handle: FileHandle, by thread: Int32, begin: (inout State) throws(FileSystemError) -> Bool,
        make: (any SpoolFile) throws(FileSystemError) -> Void, abandon: (WriteTrack) -> Void = { _ in },
        note: (WriteTrack) -> Bool
    ) throws(FileSystemError) {
        let target = try locked { state throws(FileSystemError) -> (any SpoolFile)? in
            if let failure = state.failure { throw failure }
            guard try begin(&state) else { return nil }
            do throws(FileSystemError) {
                try beginChange(&state)
            } catch {
                if let track = state.track { abandon(track) }
                throw error
            }
            state.began(through: handle, by: thread, context.processes)
            state.changing += 1
            return state.spoolFile
        }
        guard let target else { return }
        do throws(FileSystemError) {
            try keepReopening()
            try make(target)
        } catch {
            locked { state in
                if let track = state.track { abandon(track) }
                state.changing -= 1
            }
            throw error
        }
        try recordChange(note)
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
        let shared = state.shared
        if !state.isUnlinked || !shared.isEmpty {
            let version = state.version
            let reopened: [JournalChange] = state.isUnlinked ? [] : [.reopened(version)]
            let isDurable = try journalled { () throws(JournalError) in
                try context.journal.apply(reopened + shared.map { .lapsed($0.key, ofClose: $0.value) })
                // In this order: once it is reopened, nobody marks it any more.
                return try context.journal.upload(version)?.durable != nil
            }
            if isDurable || !shared.isEmpty { state.reopenings += 1 }
            for version in shared.keys {
                // Nobody closes again what has lost its name.
                context.uploads.post(
                    state.isUnlinked ? .spoiled(version, FailureSentences.changedUnderName) : .discarded(version))
            }
            state.shared = [:]
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
                _ = state.track.map(note)
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

    /// The spool failed in the middle of a change: what is there now is neither what was nor what was wanted.
    func spoiled(by error: SpoolError) -> FileSystemError {
        let failure = FileSystemError(error)
        locked { spoil(&$0, failure, FailureSentences.spool(error)) }
        return failure
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
        state.isDamaged = isDamage
        guard state.isChanged || isDamage, !state.isUnlinked else { return }
        context.uploads.post(.spoiled(state.version, failure))
        context.report(file, failure)
    }
}

extension Content.State {
    /// Somebody changes it through this handle, and is to close it.
    mutating func began(through handle: FileHandle, by thread: Int32, _ processes: ProcessTable?) {
        var holder = unfinished[ObjectIdentifier(handle), default: Holder()]
        if thread == ProcessTable.writeback {
            authorship.written(throughMapOf: holder.opener)
            if holder.writer == 0 { holder.writer = holder.opener }
        } else {
            if let processes { authorship.changed(by: thread, processes) }
            holder.writer = authorship.author
        }
        unfinished[ObjectIdentifier(handle)] = holder
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
