import UploadCore

/// A close as the journal is to have it.
struct PendingClose: Sendable {
    let version: VersionID
    let size: Int64
    let modified: Timestamp?
    /// How often it had been changed by then.
    let changes: UInt64
    /// What the destination has of these chunks is not what was closed.
    let unsettled: RangeSet<ChunkIndex>
}

extension Content {
    /// One more handle; the first writer brings the track.
    /// - Parameter isPromised: its bytes were closed and are not published yet. Of interest with the first writer, and
    ///   with one that comes before those who closed it are gone.
    /// - Returns: the track, if it was taken; and the version that this handle may not change (`FileHandle.isSealed`).
    @discardableResult
    func opened(
        asWriter isWriter: Bool, isPromised: Bool = false,
        track makeTrack: ((_ size: Int64, _ released: RangeSet<Int64>) -> WriteTrack)? = nil
    ) -> (track: WriteTrack?, sealed: VersionID?) {
        locked { state in
            state.handles += 1
            guard isWriter else { return (nil, nil) }
            let wasLeft = state.isLeft
            let isSealed =
                isPromised && state.isClosedStream && state.failure == nil && state.track?.hasLapsed != true
            let sealed = isSealed ? state.version : nil
            state.writers += 1
            if let track = state.track, isPromised, wasLeft, !state.isChanged, state.released.isEmpty,
                track.promise(true)
            {
                state.isPromised = true
            }
            guard state.track == nil, let makeTrack else { return (nil, sealed) }
            let track = makeTrack(state.closedSize, state.keptReleased)
            state.track = track
            state.closedAt = nil
            state.isPromised = isPromised && !state.isChanged && state.keptReleased.isEmpty
            track.promise(state.isPromised)
            return (track, sealed)
        }
    }

    /// Journals a close of what has changed since the last one (flush, or the last writer's release), unless
    /// who changed it last was killed.
    /// - Parameters:
    ///   - moment: the close's time.
    ///   - thread: who flushes; 0: not known.
    ///   - handle: what is flushed; nil: nothing is.
    ///   - isLast: nobody is left who could write.
    ///   - journal: called under this content's lock, so no write slips between.
    /// - Throws: what an earlier write failed with, or what `journal` does.
    func acknowledge(
        at moment: Timestamp, by thread: Int32, of handle: FileHandle?, isLast: Bool,
        _ journal: (PendingClose) throws(FileSystemError) -> Void
    ) throws(FileSystemError) {
        try locked { state throws(FileSystemError) in
            if let processes = context.processes { state.authorship.flushed(by: thread, processes) }
            if let failure = state.failure { throw failure }
            guard !state.isUnlinked else { return }
            // Its writer goes on, and closes it then.
            if !isLast, let handle, state.writtenThrough == ObjectIdentifier(handle),
                !state.flushed.contains(ObjectIdentifier(handle)), let processes = context.processes,
                state.authorship.isLent(to: thread, processes)
            {
                return
            }
            state.track?.flushed()
            if let handle { state.flushed.insert(ObjectIdentifier(handle)) }
            if isLast { state.track?.finish() }
            // Another descriptor's writer is not done yet, or in the middle of it: the close is that one's to give.
            guard isLast || state.isLeft else { return }
            guard state.isChanged || state.track?.hasLapsed == true, state.authorship.tear == nil else { return }
            try checkTrack(&state)
            try journal(state.pendingClose)
            state.track?.acknowledged(at: moment)
            state.isChanged = false
            state.modified = nil
            state.closedAt = moment
        }
    }

    /// What the last writer leaves behind that is no close: torn, or spoiled. With it, whether the journal has a
    /// close of that all the same.
    var remains: (close: PendingClose, isJournalled: Bool)? {
        locked { state in
            guard !state.isUnlinked, state.isTorn || (state.failure != nil && state.isChanged) else { return nil }
            return (state.pendingClose, !state.isChanged)
        }
    }

    /// Brings its bytes to stable storage.
    /// - Returns: what `PendingClose.changes` is as long as these are all of them.
    func synchronized() throws(FileSystemError) -> UInt64 {
        let (file, changes) = locked { ($0.spoolFile, $0.changes) }
        do throws(SpoolError) {
            try file.synchronize()
        } catch {
            // The kernel does not keep what the disk refused: this must never be published.
            locked { spoil(&$0, FileSystemError(error), FailureSentences.spool(error), isDamage: true) }
            throw FileSystemError(error)
        }
        return changes
    }

    struct Departure: Sendable {
        /// The engine is to hear that this version is closed, or torn.
        var event: WriterEvent?
        /// No handle is left.
        var isLast: Bool
    }

    /// One handle less.
    func released(_ handle: FileHandle) -> Departure {
        locked { state in
            state.handles -= 1
            var departure = Departure(event: nil, isLast: state.handles == 0)
            guard handle.isWriter else { return departure }
            state.writers -= 1
            state.flushed.remove(ObjectIdentifier(handle))
            guard state.writers == 0 else { return departure }
            // Before what it has released is read: nothing more is from now on.
            state.track?.finish()
            state.closedSize = state.size
            state.keptReleased = state.released
            state.track = nil
            defer { state.authorship = Authorship() }
            // Whether anything changed or not: the engine was told of the open. What was spoiled it
            // knows as well, and an unlinked file it has given up already.
            if !state.isUnlinked { departure.event = state.departure }
            return departure
        }
    }

    var hasWriters: Bool { locked { $0.writers > 0 } }

    /// Whether the handle that goes now is the last that could change anything.
    var hasOneWriter: Bool { locked { $0.writers == 1 } }

    /// Somebody writes through this handle, or is about to.
    func willWrite(through handle: FileHandle) {
        locked { state in
            state.writtenThrough = ObjectIdentifier(handle)
            if !state.flushed.isEmpty { state.flushed.remove(ObjectIdentifier(handle)) }
        }
    }

    /// How many writers have not closed it since they wrote last.
    var activeWriters: Int { locked { $0.writers - $0.flushed.count } }

    /// Cutting to nothing: may it be a new version, so that the closed one goes on uploading?
    /// - Parameter writers: how many writers the caller itself accounts for.
    func mayBeginAnew(writers: Int) -> Bool {
        locked { state in
            (state.writers == writers || writers == 0 && (state.isLeft || state.isClosedStream)) && !state.isUnlinked
                && state.track?.hasLapsed != true
                && (!state.isChanged || state.failure != nil)
        }
    }

    /// A new version takes the place of what there was.
    /// - Returns: the close that the engine is owed for the version before.
    func beginAnew(
        _ spoolFile: any SpoolFile, track: WriteTrack?, by thread: Int32
    ) -> WriterEvent? {
        locked { state in
            let owed: WriterEvent? =
                state.writers > 0 ? .closed(state.version, size: state.size, at: state.closedAt) : nil
            state.track?.finish()
            state.authorship = Authorship()
            state.note(thread, context.processes)
            state.closedAt = nil
            state.spoolFile = spoolFile
            state.closedSize = 0
            state.keptReleased = RangeSet()
            state.isPromised = false
            state.track = track
            state.flushed = []
            state.isChanged = true
            state.modified = nil
            state.failure = nil
            return owed
        }
    }
}

extension Content.State {
    /// Nobody has changed it since it was closed, and a part of it has left the spool.
    fileprivate var isClosedStream: Bool { !isChanged && changing == 0 && !released.isEmpty }

    fileprivate var pendingClose: PendingClose {
        PendingClose(
            version: version, size: size, modified: modified, changes: changes,
            unsettled: track?.unsettled ?? RangeSet())
    }

    /// Who wrote last was killed while it still held the file. A close that it gave before (of another descriptor,
    /// as shells do) was not its last word.
    fileprivate var isTorn: Bool {
        !isUnlinked && failure == nil && authorship.tear != nil && (isChanged || closedAt != nil)
    }

    /// What the engine hears when the last writer is gone.
    fileprivate var departure: WriterEvent {
        guard isTorn, let tear = authorship.tear else {
            return .closed(version, size: closedSize, at: closedAt)
        }
        return .torn(
            version, size: closedSize,
            FailureSentences.writerKilled(
                program: tear.death.program, process: tear.process, signal: tear.death.signal))
    }
}
