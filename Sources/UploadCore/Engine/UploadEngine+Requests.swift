/// One request of a version: what it needs is put together, it is made, and its answer comes back.
extension UploadEngine {
    func start(_ work: UploadMachine.Work, of version: VersionID) {
        guard var upload = uploads[version] else { return }
        var claimed: ClaimedName?
        var told: ClaimedName?
        if work == .begin {
            // Not for what was unlinked, and the word of it is on its way.
            told = named(version, work) { () throws(JournalError) in try world.names.name(of: upload.machine.file) }
            guard told != nil else { return }
        }
        if work.isPublishing {
            // First the close of what takes another's place is brought to stable storage: were it lost with the
            // power once it is published, the one before would come back, and be published over it.
            guard superseded[version] == nil else { return }
            guard let name = claimName(of: upload.machine.file, for: version) else { return }
            claimed = name
            told = name
        }
        let path = told?.path ?? UploadPath([])
        lastTask += 1
        let number = lastTask
        let object = description(of: upload.machine, at: path, told, order: UInt64(number))
        if work == .begin { intend(number, path) }
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
            do throws(JournalError) {
                return try Self.holds(close, of: version, world.journal)
            } catch {
                throw .journal(error)
            }
        }
        upload.tasks[number] = Task { [world, policy = settings.retry] in
            let attempts = Attempts(
                world: world, policy: policy,
                isWorthwhile: { error in
                    guard await self.isWorthwhile(after: error) else { return false }
                    await self.intendAgain(number, after: error)
                    return true
                },
                willRetry: { await self.willRetry(version, work, $0) })
            let result = await Self.perform(
                work, of: version, object, session, schedule, sent, released, isCurrent, attempts: attempts)
            self.ended(version, work, task: number, claimed: claimed, result)
        }
        uploads[version] = upload
        moved(version)
    }

    /// Whether a close is a version's last one still.
    /// - Parameter close: nil: no matter.
    static func holds(
        _ close: Timestamp?, of version: VersionID, _ journal: any Journal
    ) throws(JournalError) -> Bool {
        guard let close else { return true }
        return try journal.close(of: version) == close
    }

    /// The name to publish under; nil when it must not be now: it is gone; or an older version is
    /// being published under the same path, or what is published there is still to follow its file to another name
    /// (then this one's turn comes when that one has ended); or a power loss
    /// could bring back what had the name before (then it comes when the journal is on stable storage).
    private func claimName(of file: FileID, for version: VersionID) -> ClaimedName? {
        let claimed = named(version, .put) { () throws(JournalError) in try world.names.claim(file) }
        guard let name = claimed else { return nil }
        // What was given up since it was first asked for can't have been its own.
        var asked = name
        if let before = uploads[version]?.asked, before.path == name.path, before.mark == name.mark { asked = before }
        guard asked.namesGivenUp <= keptNames else {
            world.names.release(file, published: false)
            uploads[version]?.asked = asked
            awaitingNames.insert(version)
            startKeeping()
            return nil
        }
        let isSource: Bool
        do throws(JournalError) {
            isSource = try self.isSource(name.path, ofOtherThan: file)
        } catch {
            world.names.release(file, published: false)
            failed(version, .put, .journal(error), nil)
            moved(version)
            return nil
        }
        if leases[name.path] != nil || isSource {
            world.names.release(file, published: false)
            parked[name.path, default: []].append(version)
            return nil
        }
        leases[name.path] = version
        return name
    }

    /// What the tree says of its name; nil when that is gone, and the version with it, or when nobody knows.
    private func named<Name>(
        _ version: VersionID, _ work: UploadMachine.Work, _ find: () throws(JournalError) -> Name?
    ) -> Name? {
        do throws(JournalError) {
            if let name = try find() { return name }
            give(up: version)
        } catch {
            // As a request that failed.
            failed(version, work, .journal(error), nil)
            moved(version)
        }
        return nil
    }

    private func description(
        of machine: UploadMachine, at path: UploadPath, _ name: ClaimedName?, order: UInt64
    ) -> ObjectDescription {
        ObjectDescription(
            path: path,
            size: machine.plan.isClosed ? machine.plan.size : nil, contentType: machine.contentType,
            modified: name?.modified ?? world.now(), mode: name?.mode ?? 0o600, order: order)
    }

    /// The path for people; empty when it has none any more, or it is not known at the moment.
    func shownPath(of file: FileID) -> UploadPath {
        (try? world.names.path(of: file)) ?? UploadPath([])
    }

    enum Answer: Sendable {
        case began(any UploadSession)
        /// And who has asked, since that one knows now.
        case verified(any UploadSession, [StoredChunk]?)
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
        // Where the name says nothing of what it is, its first bytes may.
        @Sendable func described() throws(DestinationError) -> ObjectDescription {
            guard object.contentType == ContentType.unknown else { return object }
            let file = try content()
            var described = object
            do throws(SpoolError) {
                let bytes = try file.bytes(ContentType.evidence, at: 0)
                // It is cut as its name said.
                if let evident = ContentType.evident(in: bytes),
                    world.destination.limits.schedule(for: evident) == schedule
                {
                    described.contentType = evident
                }
            } catch {
                throw .source(error)
            }
            return described
        }
        do throws(DestinationError) {
            return .success(
                try await attempts.make(work.operation) { () async throws(DestinationError) -> Answer in
                    switch work {
                    case .begin: return .began(try await world.destination.begin(described()))
                    case .verify(let token):
                        let session = resumed(token)
                        return .verified(session, try await session.inventory())
                    case .send(let chunk, let token):
                        return .stored(try await resumed(token).send(chunk, content: try content(), sent: sent))
                    case .put:
                        return .published(
                            try await world.destination.put(
                                described(), content: try content(), sent: sent, isCurrent: isCurrent))
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
