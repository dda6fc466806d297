import UploadCore

/// A close as the journal is to have it.
struct PendingClose: Sendable {
    let version: VersionID
    let size: Int64
    let modified: Timestamp?
}

extension Content {
    /// One more handle; the first writer brings the track.
    /// - Returns: the track, if it was taken.
    func opened(asWriter isWriter: Bool, track makeTrack: (_ size: Int64) -> WriteTrack) -> WriteTrack? {
        locked { state in
            state.handles += 1
            guard isWriter else { return nil }
            state.writers += 1
            guard state.track == nil else { return nil }
            let track = makeTrack(state.closedSize)
            state.track = track
            return track
        }
    }

    /// Journals a close of what has changed since the last one (flush, or the last writer's release).
    /// - Parameters:
    ///   - moment: the close's time.
    ///   - journal: called under this content's lock, so no write slips between.
    /// - Throws: what an earlier write failed with, or what `journal` does.
    func acknowledge(
        at moment: Timestamp, _ journal: (PendingClose) throws(FileSystemError) -> Void
    ) throws(FileSystemError) {
        try locked { state throws(FileSystemError) in
            if let failure = state.failure { throw failure }
            guard state.isChanged, !state.isUnlinked else { return }
            try journal(PendingClose(version: state.version, size: state.size, modified: state.modified))
            state.isChanged = false
            state.modified = nil
            state.closedAt = moment
        }
    }

    /// A close as the engine is to hear of it.
    struct Closed: Sendable {
        let version: VersionID
        let size: Int64
        let at: Timestamp?
    }

    struct Departure: Sendable {
        /// The engine is to hear that this version is closed.
        var closed: Closed?
        /// No handle is left.
        var isLast: Bool
    }

    /// One handle less.
    func released(asWriter isWriter: Bool) -> Departure {
        locked { state in
            state.handles -= 1
            var departure = Departure(closed: nil, isLast: state.handles == 0)
            guard isWriter else { return departure }
            state.writers -= 1
            guard state.writers == 0 else { return departure }
            state.closedSize = state.size
            state.track = nil
            // Whether anything changed or not: the engine was told of the open. What was spoiled it
            // knows as well, and an unlinked file it has given up already.
            if !state.isUnlinked {
                departure.closed = Closed(version: state.version, size: state.closedSize, at: state.closedAt)
            }
            return departure
        }
    }

    /// Whether the handle that goes now is the last that could change anything.
    var hasOneWriter: Bool { locked { $0.writers == 1 } }

    /// Cutting to nothing: may it be a new version, so that the closed one goes on uploading?
    /// - Parameter writers: how many writers the caller itself accounts for.
    func mayBeginAnew(writers: Int) -> Bool {
        locked { state in
            state.writers == writers && !state.isUnlinked && (!state.isChanged || state.failure != nil)
        }
    }

    /// A new version takes the place of what there was.
    /// - Returns: the close that the engine is owed for the version before.
    func beginAnew(_ spoolFile: any SpoolFile, track: WriteTrack?, at moment: Timestamp) -> Closed? {
        locked { state in
            let owed =
                state.writers > 0 ? Closed(version: state.version, size: state.size, at: state.closedAt) : nil
            state.closedAt = nil
            state.spoolFile = spoolFile
            state.closedSize = 0
            state.track = track
            state.isChanged = true
            state.modified = nil
            state.failure = nil
            return owed
        }
    }
}
