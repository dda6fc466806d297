import UploadCore

extension Content {
    /// What would have to be copied before a byte of it changes; nil: nothing.
    var promised: (file: any SpoolFile, size: Int64)? {
        locked { state in
            guard state.mayNotChange, state.failure == nil, state.track?.failure == nil else { return nil }
            return (state.spoolFile, state.size)
        }
    }

    /// From now on writers change a copy; what was closed stays as it is.
    /// - Parameters:
    ///   - original: what the copy was made of.
    ///   - handle: what it is to be changed through.
    /// - Returns: the close that the engine is owed for the version before; nil when somebody was quicker, and the
    ///   copy is of no use.
    func goOn(
        in copy: any SpoolFile, insteadOf original: VersionID, track: WriteTrack, through handle: FileHandle,
        _ journal: () throws(FileSystemError) -> Void
    ) throws(FileSystemError) -> WriterEvent? {
        try locked { state throws(FileSystemError) in
            guard state.mayNotChange, state.version == original else { return nil }
            try journal()
            let owed = WriterEvent.closed(original, size: state.size, at: nil)
            state.track?.finish()
            state.isPromised = false
            state.shared = [:]
            state.closedAt = nil
            state.spoolFile = copy
            state.track = track
            state.isChanged = true
            // Nobody else's close is one of this copy.
            state.unfinished[ObjectIdentifier(handle), default: State.Holder()].writer = 0
            return owed
        }
    }

    /// It gets a further name, which it is to be kept for as a whole; or has lost the last one.
    /// - Returns: false when some of it has left the spool.
    @discardableResult
    func keep(_ isKept: Bool = true) -> Bool {
        locked { $0.track?.keep(isKept) ?? true }
    }

    /// It is too big to be copied: the promise is taken back when the first byte changes.
    func breakPromise() {
        locked { state in
            state.isPromised = false
            state.track?.promise(false)
        }
    }
}

extension Content.State {
    /// Its bytes are promised, and all here. With the last name that goes, unless links are published with them.
    fileprivate var mayNotChange: Bool { isPromised && released.isEmpty && (!isUnlinked || !shared.isEmpty) }

    /// What was closed is published under further names as well: it must not change before that.
    /// - Returns: whether that is promised: who changes it does so in a copy.
    @discardableResult
    mutating func share(_ closes: [VersionID: Timestamp]) -> Bool {
        guard !isChanged, changing == 0, !closes.isEmpty else { return false }
        shared.merge(closes) { $1 }
        guard let track, !isTorn, released.isEmpty, track.promise(true) else { return false }
        isPromised = true
        return true
    }
}
