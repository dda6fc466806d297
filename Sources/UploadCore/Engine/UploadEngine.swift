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
    var breaker = Breaker()
    /// Requests under way.
    var running = 0
    /// Who is publishing under a path. One at a time: versions of a path appear in order.
    var leases: [UploadPath: VersionID] = [:]
    /// Who waits for a path's lease.
    var parked: [UploadPath: [VersionID]] = [:]
    /// Sessions whose end the destination has not been told.
    var owed = Deque<SessionToken>()
    var aborting: Task<Void, Never>?
    var makingRoom: Task<Void, Never>?
    var isRoomWanted = false
    var sweeping: Task<Void, Never>?
    var hasSwept = false
    var pruning: Task<Void, Never>?
    /// Looks after writers that wait for room.
    var watching: Task<Void, Never>?
    /// Closes that are not on stable storage yet.
    var gathered: [VersionID: Timestamp] = [:]
    /// What these have made needless: it goes when they are.
    var superseded: [VersionID: [VersionID]] = [:]
    var keeping: Task<Void, Never>?
    /// Versions whose spool files are to be removed.
    var needless: [VersionID] = []
    var removing: Task<Void, Never>?
    var isPaused = false
    var isStopping = false
    var probing: Task<Void, Never>?
    private var lastTask = 0

    /// A version on its way.
    struct Upload {
        var machine: UploadMachine
        var track: WriteTrack?
        let sent: ByteCounter
        var session: (any UploadSession)?
        var tasks: [Int: Task<Void, Never>] = [:]
        var settling: Task<Void, Never>?
        var pause: Task<Void, Never>?
        var retries = 0
        /// When the close was journalled that is to be published; nil: no matter.
        var closedAt: Timestamp?
        /// Given up while a publishing request was under way: cleaned up once its answer is there.
        var isDoomed = false
        /// Given up for this one.
        var successor: VersionID?
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
        tasks += [aborting, makingRoom, sweeping, pruning].compactMap { $0 }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        await keepRest()
    }

    /// What was closed last is marked as durable too, unless the disk takes too long: then a power loss before
    /// the next mount makes it `interrupted`.
    private func keepRest() async {
        let running = keeping
        running?.cancel()
        let closes = gathered
        gathered = [:]
        guard !closes.isEmpty || running != nil || removing != nil else { return }
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        Task {
            await running?.value
            await self.keep(closes)
            await self.removing?.value
            end.finish()
        }
        let limit = Task { [world, time = settings.stoppingTime] in
            do { try await world.clock.sleep(for: time) } catch { return }
            end.finish()
        }
        for await _ in ended {}
        limit.cancel()
    }

    // MARK: Whose turn it is

    /// Call after every change of an upload: shows it, and lets it stand in line if it has something to do.
    func moved(_ version: VersionID) {
        guard var upload = uploads[version] else { return }
        if let token = upload.machine.dropUselessSession() {
            upload.session = nil
            record([.oweAbort(token), .setSession(version, nil)])
            abort(token)
        }
        uploads[version] = upload
        show(version)
        if upload.machine.next() != nil { queue.enqueue(version, upload.machine.isWhole ? .whole : .chunked) }
    }

    /// Makes requests as long as there are turns and connections.
    func dispatch() {
        while !isStopping, !isPaused, breaker.state == .closed, running < settings.connections,
            let version = queue.next()
        {
            guard let upload = uploads[version], !upload.isDoomed, let work = upload.machine.next() else { continue }
            start(work, of: version)
        }
    }

    private func start(_ work: UploadMachine.Work, of version: VersionID) {
        guard var upload = uploads[version] else { return }
        var claimed: ClaimedName?
        if work.isPublishing {
            guard let name = claimName(of: upload.machine.file, for: version) else { return }
            claimed = name
        }
        lastTask += 1
        let number = lastTask
        let object = description(of: upload.machine, claimed, order: UInt64(number))
        if case .finish = work { record([.setPhase(version, .finalizing, failure: nil, retries: upload.retries)]) }
        upload.machine.started(work)
        running += 1
        let session = upload.session
        let schedule = upload.machine.plan.schedule
        let sent = upload.sent
        let released = upload.machine.plan.released
        let close = upload.closedAt
        // A writer journals that it reopens a file before it changes a byte; its events may come later.
        let isCurrent: CurrencyCheck = { [world] () throws(DestinationError) -> Bool in
            guard let close else { return true }
            do throws(JournalError) {
                return try world.journal.upload(version)?.closed == close
            } catch {
                throw .journal(error)
            }
        }
        upload.tasks[number] = Task { [world, policy = settings.retry] in
            let attempts = Attempts(world: world, policy: policy) { error in
                await self.willRetry(version, work, error)
            }
            let result = await Self.perform(
                work, of: version, object, session, schedule, sent, released, isCurrent, attempts: attempts)
            self.ended(version, work, task: number, claimed: claimed, result)
        }
        uploads[version] = upload
        moved(version)
    }

    /// The name to publish under; nil when it must not be now: it is gone, or an older version is
    /// being published under the same path (then this one's turn comes when that one has ended).
    private func claimName(of file: FileID, for version: VersionID) -> ClaimedName? {
        let claimed: ClaimedName?
        do throws(JournalError) {
            claimed = try world.names.claim(file)
        } catch {
            // Not "gone": nobody knows. As a request that failed.
            failed(version, .put, .journal(error), nil)
            return nil
        }
        guard let name = claimed else {
            give(up: version)
            return nil
        }
        if leases[name.path] != nil {
            world.names.release(file, published: false)
            parked[name.path, default: []].append(version)
            return nil
        }
        leases[name.path] = version
        return name
    }

    private func description(
        of machine: UploadMachine, _ claimed: ClaimedName?, order: UInt64
    ) -> ObjectDescription {
        ObjectDescription(
            path: claimed?.path ?? shownPath(of: machine.file),
            size: machine.plan.isClosed ? machine.plan.size : nil, contentType: machine.contentType,
            modified: claimed?.modified ?? world.now(), mode: claimed?.mode ?? 0o600, order: order)
    }

    /// The path for people and for `begin`; empty when it is not known at the moment.
    func shownPath(of file: FileID) -> UploadPath {
        (try? world.names.path(of: file)) ?? UploadPath([])
    }

    enum Answer: Sendable {
        case began(any UploadSession)
        case verified([StoredChunk])
        case stored(StoredChunk)
        case published(PublishReceipt)
    }

    private static func perform(
        _ work: UploadMachine.Work, of version: VersionID, _ object: ObjectDescription,
        _ session: (any UploadSession)?, _ schedule: ChunkSchedule, _ sent: ByteCounter,
        _ released: RangeSet<ChunkIndex>, _ isCurrent: @escaping CurrencyCheck, attempts: Attempts
    ) async -> Result<Answer, DestinationError> {
        let world = attempts.world
        @Sendable func resumed(_ token: SessionToken) -> any UploadSession {
            session ?? world.destination.resume(token, schedule: schedule)
        }
        @Sendable func content() throws(DestinationError) -> any SpoolFile {
            do { return try world.spool.open(version) } catch { throw .source(error) }
        }
        do throws(DestinationError) {
            return .success(
                try await attempts.make(work.operation) { () async throws(DestinationError) -> Answer in
                    switch work {
                    case .begin: return .began(try await world.destination.begin(object))
                    case .verify(let token): return .verified(try await resumed(token).inventory())
                    case .send(let chunk, let token):
                        return .stored(try await resumed(token).send(chunk, content: try content(), sent: sent))
                    case .put:
                        return .published(
                            try await world.destination.put(
                                object, content: try content(), sent: sent, isCurrent: isCurrent))
                    case .finish(let chunks, let token):
                        // All chunks were read before this: if no writer has come by now, they are of one piece.
                        guard try isCurrent() else { throw .cancelled }
                        return .published(
                            try await resumed(token).finish(
                                object, content: try content(), chunks: chunks, released: released))
                    }
                })
        } catch {
            return .failure(error)
        }
    }
}
