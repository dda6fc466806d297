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
    /// - Parameters:
    ///   - isPromised: its bytes were closed and are not published yet. Of interest with the first writer, and with one
    ///     that comes before those who closed it are gone.
    ///   - thread: who opens it; 0: not known.
    /// - Returns: also the track, if it was taken.
    func opened(
        asWriter isWriter: Bool, isPromised: Bool = false, by thread: Int32 = 0,
        track makeTrack: ((_ size: Int64, _ released: RangeSet<Int64>) -> WriteTrack)? = nil
    ) -> (handle: FileHandle, track: WriteTrack?) {
        locked { state in
            state.handles += 1
            guard isWriter else { return (FileHandle(content: self, isWriter: false), nil) }
            let wasLeft = state.isLeft
            let isSealed =
                isPromised && state.isClosedStream && state.failure == nil && state.track?.hasLapsed != true
            let handle = FileHandle(content: self, isWriter: true, sealed: isSealed ? state.version : nil)
            state.writers += 1
            let opener = context.processes.map { state.authorship.process(of: thread, $0) } ?? 0
            state.unfinished[ObjectIdentifier(handle)] = State.Holder(opener: opener)
            if let track = state.track, isPromised, wasLeft, !state.isChanged, !state.isTorn, state.released.isEmpty,
                track.promise(true)
            {
                state.isPromised = true
            }
            guard state.track == nil, let makeTrack else { return (handle, nil) }
            let track = makeTrack(state.closedSize, state.keptReleased)
            state.track = track
            state.closedAt = nil
            state.isPromised = isPromised && !state.isChanged && state.keptReleased.isEmpty
            track.promise(state.isPromised)
            return (handle, track)
        }
    }

    /// One more writer, of what was made, or cut to nothing, for it.
    /// - Parameter track: nil: it has one.
    func begun(by thread: Int32, _ track: WriteTrack? = nil) -> FileHandle {
        let handle = opened(asWriter: true, track: track.map { track in { _, _ in track } }).handle
        began(through: handle, by: thread)
        return handle
    }

    /// Journals a close of what has changed since the last one, unless who changed it last was killed, or somebody
    /// else is not done with it: then the close is that one's to give.
    /// - Parameters:
    ///   - moment: the close's time.
    ///   - handle: what is flushed or released.
    ///   - flusher: who flushes; nil: not known.
    ///   - journal: called under this content's lock, so no write slips between.
    /// - Throws: what an earlier write failed with, or what `journal` does.
    func acknowledge(
        at moment: Timestamp, of handle: FileHandle, by flusher: ProcessTable.Flusher?, isReleased: Bool,
        _ journal: (PendingClose) throws(FileSystemError) -> Void
    ) throws(FileSystemError) {
        try locked { state throws(FileSystemError) in
            if let flusher, let processes = context.processes {
                let holder = state.unfinished[ObjectIdentifier(handle)] ?? State.Holder()
                state.authorship.flushed(by: flusher, of: holder.writer)
                // Its user goes on, and closes it then.
                if !isReleased, flusher.hasBorrowed(from: holder.user, processes) { return }
            }
            let isLast = isReleased && state.writers == 1
            state.unfinished[ObjectIdentifier(handle)] = nil
            if isLast { state.track?.finish() }
            if let failure = state.failure {
                // Who has only to be let go was told before.
                guard !isReleased else { return }
                throw failure
            }
            guard !state.isUnlinked else { return }
            if !isReleased { state.track?.flushed() }
            guard isLast || state.isLeft, state.authorship.tear == nil else { return }
            guard state.isChanged || state.track?.hasLapsed == true else { return }
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
            let failure = FailureSentences.spool(error)
            // A failure is told once: versions of other names that have the same bytes would be taken for durable.
            let sharing = (try? context.spool.sharing(with: file.version)) ?? []
            locked { state in
                // Begun anew meanwhile, it is the one before that is damaged.
                if state.version == file.version {
                    spoil(&state, FileSystemError(error), failure, isDamage: true)
                } else {
                    context.uploads.post(.spoiled(file.version, failure))
                }
                for version in sharing where version != file.version {
                    context.uploads.post(.spoiled(version, failure))
                }
            }
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
            guard state.writers == 0 else { return departure }
            // Before what it has released is read: nothing more is from now on.
            state.track?.finish()
            state.closedSize = state.size
            state.keptReleased = state.released
            state.track = nil
            defer { state.authorship = Authorship() }
            // Whether anything changed or not: the engine was told of the open. What was spoiled it
            // knows as well, and an unlinked file it has given up already.
            if !state.isUnlinked { departure.event = state.departure(context.processes) }
            return departure
        }
    }

    var hasHandles: Bool { locked { $0.handles > 0 } }

    var hasWriters: Bool { locked { $0.writers > 0 } }

    /// Whether the handle that goes now is the last that could change anything.
    var hasOneWriter: Bool { locked { $0.writers == 1 } }

    /// Cutting to nothing: may it be a new version, so that the closed one goes on uploading?
    /// - Parameter handle: what it is cut through; nil: one that is being opened.
    func mayBeginAnew(through handle: FileHandle? = nil) -> Bool {
        locked { state in
            guard state.changing == 0, !state.isUnlinked, !state.isTorn, state.track?.hasLapsed != true else {
                return false
            }
            guard state.isChanged else { return true }
            // Others who write to what has failed are still to be told.
            return state.failure != nil
                && state.unfinished.keys.allSatisfy { $0 == handle.map(ObjectIdentifier.init) }
        }
    }

    /// A new version takes the place of what there was.
    /// - Returns: the close that the engine is owed for the version before.
    func beginAnew(
        _ spoolFile: any SpoolFile, track: WriteTrack?
    ) -> WriterEvent? {
        locked { state in
            let owed: WriterEvent? =
                state.writers > 0 ? .closed(state.version, size: state.size, at: state.closedAt) : nil
            state.track?.finish()
            state.authorship = Authorship()
            state.closedAt = nil
            state.spoolFile = spoolFile
            state.remote?.close()
            state.remote = nil
            state.closedSize = 0
            state.keptReleased = RangeSet()
            state.isPromised = false
            state.shared = [:]
            state.track = track
            state.isChanged = true
            state.modified = nil
            state.failure = nil
            state.isDamaged = false
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
    var isTorn: Bool {
        !isUnlinked && failure == nil && authorship.tear != nil && (isChanged || closedAt != nil)
    }

    /// What the engine hears when the last writer is gone.
    fileprivate func departure(_ processes: ProcessTable?) -> WriterEvent {
        guard isTorn, let tear = authorship.tear else {
            guard let processes, authorship.author > 0 else {
                return .closed(version, size: closedSize, at: closedAt)
            }
            return .closed(version, size: closedSize, at: closedAt) { [author = authorship.author] in
                !processes.isAlive(author)
            }
        }
        return .torn(
            version, size: closedSize,
            FailureSentences.writerKilled(
                program: tear.death.program, process: tear.process, signal: tear.death.signal))
    }
}
