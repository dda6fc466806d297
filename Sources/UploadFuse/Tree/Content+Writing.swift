import UploadCore

extension Content {
    /// The write path: nothing here takes the tree's lock.
    /// - Returns: bytes written: all, or it throws.
    func write(_ source: some ByteSource, at offset: Int64) throws(FileSystemError) -> Int {
        guard source.count > 0 else { return 0 }
        let (end, overflow) = offset.addingReportingOverflow(Int64(source.count))
        guard !overflow else { throw .tooLarge }
        let target = try locked { state throws(FileSystemError) in
            if let failure = state.failure { throw failure }
            if let limit = context.maximumFileSize(), end > limit, !state.isUnlinked {
                spoil(&state, .tooLarge, .tooLarge(limit: limit))
                throw .tooLarge
            }
            try beginChange(&state)
            return state.spoolFile
        }
        do throws(SpoolError) {
            try source.store(in: target, at: offset)
        } catch {
            let failure = FileSystemError(error)
            locked { spoil(&$0, failure, .writeFailed(error)) }
            throw failure
        }
        try recordChange { track in track.wrote(offset..<end) }
        return source.count
    }

    /// Cuts or extends in place.
    func truncate(to size: Int64) throws(FileSystemError) {
        let target = try locked { state throws(FileSystemError) in
            if let failure = state.failure { throw failure }
            // Nothing is lost by refusing, so nothing is spoiled.
            if let limit = context.maximumFileSize(), size > max(limit, state.size) { throw .tooLarge }
            try beginChange(&state)
            return state.spoolFile
        }
        try spooled { () throws(SpoolError) in try target.truncate(to: size) }
        try recordChange { track in track.truncated(to: size) }
    }

    /// Before the first changed byte, the journal's word that this version is closed is taken back.
    private func beginChange(_ state: inout State) throws(FileSystemError) {
        guard state.track != nil else { throw .badHandle }
        guard !state.isChanged else { return }
        if !state.isUnlinked {
            let version = state.version
            try journalled { () throws(JournalError) in try context.journal.apply([.reopened(version)]) }
        }
        state.isChanged = true
    }

    /// The bytes are in the spool. A flush may have come between: then what it acknowledged has
    /// changed under it, and the journal must hear of that as well.
    private func recordChange(_ note: (WriteTrack) -> Bool) throws(FileSystemError) {
        let wake: VersionID? = try locked { state throws(FileSystemError) in
            do throws(FileSystemError) {
                try beginChange(&state)
            } catch {
                spoil(&state, error, .journalFailed(error))
                throw error
            }
            state.modified = context.now()
            guard let track = state.track, note(track), !state.isUnlinked else { return nil }
            return state.version
        }
        if let wake { context.uploads.post(.wrote(wake)) }
    }

    /// What the writer wanted is not what the spool has: it must never be published. A version that
    /// is still as it was closed is whole, though, and goes on its way.
    func spoil(_ state: inout State, _ error: FileSystemError, _ failure: Failure) {
        guard state.failure == nil else { return }
        state.failure = error
        guard state.isChanged, !state.isUnlinked else { return }
        context.uploads.post(.spoiled(state.version, failure))
        context.report(file, failure)
    }
}

extension Failure {
    static func tooLarge(limit: Int64) -> Failure {
        Failure(
            code: "too-large", reason: "The file grew beyond \(limit) bytes, the most that is allowed.",
            remedy: "Write a smaller file, or raise --max-file-size if the destination takes larger ones.")
    }

    static func writeFailed(_ error: SpoolError) -> Failure {
        switch error {
        case .noSpace:
            Failure(
                code: "no-space", reason: "The disk that holds the spool was full.",
                remedy: "Make room there (or use another --state-dir), then write the file again.")
        case .missing(let version):
            Failure(
                code: "spool-error", reason: "The spool file of version \(version) is gone.",
                remedy: "Write the file again.")
        case .system(let call, let errno):
            Failure(
                code: "spool-error", reason: "\(call) on the spool file failed with errno \(errno).",
                remedy: "See to the disk that holds the spool, then write the file again.")
        }
    }

    static func journalFailed(_ error: FileSystemError) -> Failure {
        Failure(
            code: "journal-error", reason: "The journal could not take the change: \(error).",
            remedy: "See to the disk that holds the journal, then write the file again.")
    }
}
