internal import DequeModule

/// Performs what the pure parts decide: it takes what writers did and what destinations answered to
/// the machine of each version, asks the queue whose turn it is, journals, and makes the requests.
///
/// One actor, so its parts need no locks. It is never waited for by a writer. The order is always:
/// journal the intention, act, journal the receipt; every act may run twice.
package actor UploadEngine {
    // Dependencies.
    let world: EngineWorld
    // Constants.
    let settings: EngineSettings
    // State.
    var uploads: [VersionID: Upload] = [:]
    /// Of each file the versions in `uploads`, oldest first.
    var versions: [FileID: [VersionID]] = [:]
    /// Opened for writing, but nothing was written yet, and nothing of it is on its way.
    var dormant: [VersionID: OpenedVersion] = [:]
    var queue = UploadQueue()
    /// Versions that stand in line behind those in `queue`.
    var shelf = Shelf()
    var breaker = Breaker()
    /// Requests under way.
    var running = 0
    /// Who is publishing under a path. One at a time: versions of a path appear in order.
    var leases: [UploadPath: VersionID] = [:]
    /// Who waits for a path's lease.
    var parked: [UploadPath: [VersionID]] = [:]
    /// Published objects that are to come under another name, or to go.
    var moves = MoveList()
    var isMovesTurn = false
    /// Sessions whose end the destination has not been told.
    var owed = Deque<SessionToken>()
    var aborting: Task<Void, Never>?
    var makingRoom: Task<Void, Never>?
    var isRoomWanted = false
    var sweeping: Task<Void, Never>?
    var hasSwept = false
    /// Of requests to begin an upload of chunks, by their numbers, as long as there is no answer.
    var intentions: [Int: BeginIntention] = [:]
    /// Who waits for the answers to some of them.
    var awaitedBegins: [AwaitedBegins] = []
    /// What this run has begun while it is swept behind earlier ones; nil: it was.
    var begun: Set<SessionToken>? = []
    var pruning: Task<Void, Never>?
    /// Looks after writers that wait for room.
    var watching: Task<Void, Never>?
    /// Closes that are not on stable storage yet.
    var gathered: [VersionID: Timestamp] = [:]
    /// What these have made needless: it goes when they are, and not before are they published.
    var superseded: [VersionID: [Needless]] = [:]
    /// Names given up of which the journal's word is on stable storage, and who waits to be published for more.
    var keptNames: UInt64 = 0
    var awaitingNames: Set<VersionID> = []
    /// The journal can't be brought to stable storage: nothing may go from the spool.
    var isUnkept = false
    var keeping: Task<Void, Never>?
    /// Versions whose spool files are to be removed.
    var needless: [VersionID] = []
    var removing: Task<Void, Never>?
    var isPaused = false
    var isStopping = false
    var probing: Task<Void, Never>?
    var nextProbe: Timestamp?
    var lastTask = 0

    /// A version on its way.
    struct Upload {
        var machine: UploadMachine
        var track: WriteTrack?
        let sent: ByteCounter
        /// Its file has had another version before.
        let isSuccessor: Bool
        var session: (any UploadSession)?
        var tasks: [Int: Task<Void, Never>] = [:]
        var settling: Task<Void, Never>?
        var pause: Task<Void, Never>?
        var retries = 0
        /// What an earlier process had acknowledged, for as long as the destination has not been asked.
        let journalled: ChunkTotals
        /// When the close was journalled that is to be published; nil: no matter.
        var closedAt: Timestamp?
        /// Some of what writers did could not be journalled.
        var isJournalBehind = false
        /// Given up while a publishing request was under way: cleaned up once its answer is there.
        var isDoomed = false
        /// Given up for this one.
        var successor: VersionID?
        /// Its name as it was when it could not be published yet.
        var asked: ClaimedName?

        /// As far as can be told now.
        var acknowledged: ChunkTotals {
            switch machine.session {
            case .unverified, .verifying: journalled
            case .none, .opening, .open:
                ChunkTotals(
                    count: machine.plan.storedCount, bytes: machine.plan.acknowledged,
                    isPartlyReleased: !machine.plan.released.isEmpty)
            }
        }
    }

    /// A version that nobody needs any more.
    struct Needless {
        let version: VersionID
        /// To be aborted with it.
        let session: SessionToken?
    }

    package init(world: EngineWorld, settings: EngineSettings) {
        self.world = world
        self.settings = settings
    }

    /// Follows the writers until there are no more events. When it returns no request is under way,
    /// and all that was is resumable. Call `recover` before, and before there are writers.
    package func run(_ events: AsyncStream<WriterEvent>) async {
        dispatch()
        startAborting()
        sweepSessions()
        startKeeping()
        pruning = Task { await self.prune() }
        for await event in events { handle(event) }
        await stop()
    }

    private func stop() async {
        isStopping = true
        probing?.cancel()
        watching?.cancel()
        var tasks: [Task<Void, Never>] = []
        for upload in uploads.values {
            upload.settling?.cancel()
            upload.pause?.cancel()
            tasks += upload.tasks.values
        }
        tasks += stopMoves()
        tasks += [aborting, makingRoom, sweeping, pruning].compactMap { $0 }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        await keepRest()
    }

    // MARK: Whose turn it is

    /// Call after every change of an upload: shows it, and lets it stand in line if it has something to do.
    func moved(_ version: VersionID) {
        switch uploads[version]?.machine.dropUselessSession() {
        case .session(let token)?: dropSession(token, of: version)
        case .lost?: failIfHalted(version)
        case nil: break
        }
        guard let machine = uploads[version]?.machine else { return }
        show(version)
        if machine.next() != nil { queue.enqueue(version, machine.isWhole ? .whole : .chunked) }
    }

    /// Makes requests as long as there are turns and connections. Uploads and moves take turns.
    func dispatch() {
        refill()
        while !isStopping, !isPaused, isDestinationThere, running < settings.connections {
            isMovesTurn.toggle()
            guard isMovesTurn ? startMove() || startWork() : startWork() || startMove() else { return }
        }
    }

    /// - Returns: false when nobody stands in line.
    private func startWork() -> Bool {
        guard let version = queue.next() else { return false }
        if let upload = uploads[version], !upload.isDoomed, let work = upload.machine.next() {
            start(work, of: version)
        }
        return true
    }
}
