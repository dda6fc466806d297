internal import HeapModule
import Synchronization

/// What is happening now, written by the engine, read by FUSE threads and status files. Nobody waits
/// for anybody: the lock is held for a few assignments, and no answer is given under it.
package final class StatusBoard: Sendable {
    private let names: any NameClaims
    private let now: @Sendable () -> Timestamp
    private let process: Int32
    private let destination: String
    private let started: Timestamp
    private let state: Mutex<State>

    private struct State {
        var entries: [VersionID: Listed] = [:]
        /// Those that are listed of each file, in order.
        var versions: [FileID: [VersionID]] = [:]
        var totals = StatusOverview.Totals()
        /// Files that wait, and are not among `entries`.
        var shelved = (count: 0, bytes: Int64(0))
        var stoppage: StatusOverview.Stoppage?
        var trouble: Failure?
        var meter = RateMeter()
        var waiters: [FileID: [WaitToken: @Sendable (FileStatus) -> Void]] = [:]
        var lastToken: UInt64 = 0
    }

    /// An entry that is looked at, and changed, where it is: a dictionary hands out copies, and ten thousand
    /// copies are most of what a look at the whole list costs.
    private final class Listed {
        var entry: Entry

        init(_ entry: Entry) { self.entry = entry }
    }

    /// A status, but for its path: that may have changed since.
    fileprivate struct Live {
        let status: FileStatus
        let pathAsOf: UInt64?
    }

    /// Where a version stands in a list.
    private struct Place: Comparable {
        let rank: Int
        let version: VersionID

        static func < (one: Self, other: Self) -> Bool { (one.rank, one.version) < (other.rank, other.version) }
    }

    /// One version that is listed. `status` holds what the engine knows; `track` and `sent` tell
    /// what moves between its steps.
    package struct Entry: Sendable {
        package var status: FileStatus
        /// As of which change of paths that of `status` is known; nil: it is not.
        fileprivate var pathAsOf: UInt64?
        package var track: WriteTrack?
        /// Bytes handed to the network by requests that are under way.
        package let sent: ByteCounter
        /// Bytes that requests have carried to their end.
        package var delivered: Int64 = 0
        fileprivate var meter = RateMeter()

        /// - Parameter pathAsOf: as of which change of paths (`NameClaims.pathChanges`) the status has the path; nil: it
        ///   is to be asked for.
        package init(status: FileStatus, pathAsOf: UInt64? = nil, track: WriteTrack?, sent: ByteCounter) {
            self.status = status
            self.pathAsOf = pathAsOf
            self.track = track
            self.sent = sent
        }
    }

    /// - Parameters:
    ///   - process: the number of this process.
    ///   - destination: as people may see it; no credentials in it.
    ///   - finished: what was done before: files and their bytes.
    package init(
        names: any NameClaims, process: Int32, destination: String, finished: (files: Int, bytes: Int64),
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.names = names
        self.process = process
        self.destination = destination
        self.now = now
        started = now()
        var first = State()
        first.totals.filesDone = finished.files
        first.totals.bytesDone = finished.bytes
        first.meter.record(0, at: started)
        state = Mutex(first)
    }

    // MARK: For the engine

    /// Lists a version. It is its file's newest when no higher one is listed.
    package func insert(_ entry: Entry) {
        state.withLock { state in
            var entry = entry
            entry.meter.record(0, at: now())
            state.entries[entry.status.version] = Listed(entry)
            state.versions[entry.status.file, default: []].append(entry.status.version)
            state.versions[entry.status.file]?.sort()
        }
    }

    /// Changes a listed version.
    /// - Returns: its status, when the change moved it to another phase.
    package func update(_ version: VersionID, _ change: (inout Entry) -> Void) -> FileStatus? {
        let time = now()
        let (moved, answers) = state.withLock { state -> (Live?, [@Sendable (FileStatus) -> Void]) in
            guard let listed = state.entries[version] else { return (nil, []) }
            let before = listed.entry.status.phase
            change(&listed.entry)
            listed.entry.meter.record(listed.entry.delivered + listed.entry.sent.value, at: time)
            guard listed.entry.status.phase != before else { return (nil, []) }
            listed.entry.enter(listed.entry.status.phase, at: time)
            let live = listed.entry.live(at: time)
            let file = live.status.file
            guard live.status.phase.isSettled, state.versions[file]?.last == version else { return (live, []) }
            return (live, Array((state.waiters.removeValue(forKey: file) ?? [:]).values))
        }
        guard let moved else { return nil }
        let named = resolved(moved)
        for answer in answers { answer(named) }
        return named
    }

    /// Takes a version off the list.
    package func remove(_ version: VersionID) {
        state.withLock { state in
            guard let file = state.entries.removeValue(forKey: version)?.entry.status.file else { return }
            state.versions[file]?.removeAll { $0 == version }
            if state.versions[file]?.isEmpty == true { state.versions[file] = nil }
        }
    }

    package func count(_ change: (inout StatusOverview.Totals) -> Void) {
        let time = now()
        state.withLock { state in
            change(&state.totals)
            state.meter.record(state.totals.bytesSent, at: time)
        }
    }

    /// So many files wait that are not listed, with so many bytes.
    package func shelved(_ count: Int, bytes: Int64) {
        state.withLock { $0.shelved = (count, bytes) }
    }

    package func stopped(_ stoppage: StatusOverview.Stoppage?) {
        state.withLock { $0.stoppage = stoppage }
    }

    /// What does not work on this machine; nil: nothing (any more).
    package func troubled(_ failure: Failure?) {
        state.withLock { $0.trouble = failure }
    }

    // MARK: For readers

    /// - Parameter limit: so many files at the most, those first that move, or need somebody. The totals count all.
    package func overview(limit: Int) -> StatusOverview {
        let time = now()
        let (files, totals, stoppage, trouble) = state.withLock { state in
            var totals = state.totals
            totals.filesByPhase[.queued] = state.shelved.count > 0 ? state.shelved.count : nil
            totals.bytesPending = state.shelved.bytes
            var inFlight: Int64 = 0
            // Of ten thousand files a hundred are shown: those, and not all, are put in order.
            var first = Heap<Place>()
            for (version, listed) in state.entries {
                inFlight += listed.entry.sent.value
                totals.filesByPhase[listed.entry.status.phase, default: 0] += 1
                totals.bytesPending += listed.entry.pending
                let place = Place(rank: listed.entry.status.phase.rank, version: version)
                if first.count < limit {
                    first.insert(place)
                } else if let last = first.max, place < last {
                    first.replaceMax(with: place)
                }
            }
            totals.rate = state.meter.rate(totals.bytesSent + inFlight, at: time)
            let listed = first.unordered.sorted().compactMap { state.entries[$0.version]?.entry.live(at: time) }
            return (listed, totals, state.stoppage, state.trouble)
        }
        // Outside the lock: finding paths asks the tree.
        return StatusOverview(
            taken: time, started: started, process: process, destination: destination, totals: totals,
            files: files.map(resolved), stoppage: stoppage, trouble: trouble)
    }

    /// nil when no version of the file is listed.
    package func status(of file: FileID) -> FileStatus? {
        let time = now()
        return state.withLock { state in
            state.versions[file]?.last.flatMap { state.entries[$0] }?.entry.live(at: time)
        }.map(resolved)
    }

    /// With the path of now. The tree is asked only after some path has changed: its lock is what every call of the
    /// filesystem takes.
    private func resolved(_ live: Live) -> FileStatus {
        guard live.pathAsOf != names.pathChanges, let place = KnownPath(asked: live.status.file, of: names) else {
            return live.status
        }
        var status = live.status
        status.path = place.path
        state.withLock { state in
            guard let listed = state.entries[status.version], listed.entry.status.file == status.file else { return }
            listed.entry.status.path = place.path
            listed.entry.pathAsOf = place.changes
        }
        return status
    }

    // MARK: Waiting

    package func addWaiter(_ file: FileID, _ answer: @escaping @Sendable (FileStatus) -> Void) -> WaitToken {
        state.withLock { state in
            state.lastToken += 1
            let token = WaitToken(state.lastToken)
            state.waiters[file, default: [:]][token] = answer
            return token
        }
    }

    /// Tells everybody who waits for this file.
    package func answerWaiters(_ status: FileStatus) {
        let answers = state.withLock { $0.waiters.removeValue(forKey: status.file) ?? [:] }
        for answer in answers.values { answer(status) }
    }

    /// - Returns: whether it was still waiting: then its answer will not be called any more.
    package func removeWaiter(_ token: WaitToken) -> Bool {
        state.withLock { state in
            for (file, waiters) in state.waiters where waiters[token] != nil {
                state.waiters[file]?[token] = nil
                if state.waiters[file]?.isEmpty == true { state.waiters[file] = nil }
                return true
            }
            return false
        }
    }
}

extension StatusBoard.Entry {
    /// More phase changes than this are not remembered: the first and the last ones are.
    private static let remembered = 32

    fileprivate mutating func enter(_ phase: Phase, at time: Timestamp) {
        status.phases.append(FileStatus.PhaseEntry(phase: phase, entered: time))
        if status.phases.count > Self.remembered { status.phases.remove(at: 1) }
    }

    /// Bytes that the destination has not acknowledged.
    fileprivate var pending: Int64 { max(0, (track?.size ?? status.size) - status.acknowledged) }

    /// The status with what has moved since the engine's last step.
    fileprivate func live(at time: Timestamp) -> StatusBoard.Live {
        var status = status
        if let track, !status.isClosed { status.size = track.size }
        status.inFlight = max(0, sent.value)
        status.rate = meter.rate(delivered + sent.value, at: time)
        return StatusBoard.Live(status: status, pathAsOf: pathAsOf)
    }
}
