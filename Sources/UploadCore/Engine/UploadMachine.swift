/// One version on its way to the destination: what has happened goes in, what to do comes out. Pure;
/// `UploadEngine` performs it.
///
///     writer:   open ⇄ closed ─settled▶ may be published
///     session:  none ─▶ opening ─▶ open ─▶ (lost: none)          recovered: unverified ─▶ open
///     ending:   none ─▶ publishing ─▶ published                  failed, cancelled: nothing more
///
/// At most one of `begin`, `verify`, `put` and `finish` is under way, and while `put` or `finish` is,
/// no chunk is.
package struct UploadMachine: Sendable {
    package let version: VersionID
    package let file: FileID
    package let contentType: String
    let capabilities: Capabilities

    package internal(set) var plan: ChunkPlan
    package var nameClass: NameClass
    /// The settling time has passed since the last close, rename or attribute change.
    package internal(set) var isSettled = false
    package internal(set) var session: Session
    package internal(set) var halt: Halt = .none
    /// Rounds of quick attempts that failed since something last went well.
    package internal(set) var failedRounds = 0
    /// When the first of them failed, on the engine's stopwatch.
    package internal(set) var failingSince: Duration?
    var publishing: Publishing = .none
    /// What halted it has been written to since.
    var isChangedSinceHalt = false
    /// Finishes since it was last published that the destination called wrong or incomplete, with nothing to
    /// show for it.
    var fruitlessFinishes = 0
    var firstFruitless: Duration?
    /// It is halted since nobody answered, not since somebody said "later".
    var waitsForDestination = false
    /// What was sent under these conditions can't be mended chunk by chunk.
    var needsNewSession = false

    /// The part of `DestinationLimits` that decides about one upload.
    package struct Capabilities: Sendable, Hashable {
        package let parallelChunks: Int
        package let canReplaceChunk: Bool
        package let namesAtFinish: Bool

        package init(parallelChunks: Int, canReplaceChunk: Bool, namesAtFinish: Bool = true) {
            self.parallelChunks = parallelChunks
            self.canReplaceChunk = canReplaceChunk
            self.namesAtFinish = namesAtFinish
        }
    }

    package enum Session: Sendable, Hashable {
        case none
        /// From an earlier process: the destination has not been asked yet what it has.
        case unverified(SessionToken)
        case verifying(SessionToken)
        case opening
        case open(SessionToken)

        package var token: SessionToken? {
            switch self {
            case .none, .opening: nil
            case .unverified(let token), .verifying(let token), .open(let token): token
            }
        }
    }

    /// Why nothing new is begun.
    package enum Halt: Sendable, Hashable {
        case none
        /// Tried again at this time.
        case waiting(until: Timestamp, Failure)
        /// Needs a decision.
        case failed(Failure)
        /// A write failed and its writer knows: never to be published as it is.
        case spoiled(Failure)
        case interrupted(Failure)

        var isFinal: Bool {
            switch self {
            case .failed, .interrupted: true
            case .none, .waiting, .spoiled: false
            }
        }
    }

    enum Publishing: Sendable, Hashable {
        case none
        /// What travels is the content as it was closed; `isOutdated` once a writer changed it since.
        case underway(whole: Bool, isOutdated: Bool)
    }

    /// A request to make.
    package enum Work: Sendable, Hashable {
        case begin
        case verify(SessionToken)
        case send(ChunkRef, SessionToken)
        case put
        case finish([ChunkRef], SessionToken)
    }

    /// A new version, or one whose spool file holds `plan.size` bytes already.
    package init(
        version: VersionID, file: FileID, contentType: String, nameClass: NameClass, capabilities: Capabilities,
        plan: ChunkPlan, recovering session: SessionToken? = nil
    ) {
        self.version = version
        self.file = file
        self.contentType = contentType
        self.nameClass = nameClass
        self.capabilities = capabilities
        self.plan = plan
        self.session = session.map(Session.unverified) ?? .none
    }

    // MARK: What to do next

    /// Goes up in one request, for all that is known now.
    package var isWhole: Bool { plan.isClosed && plan.count <= 1 && session == .none }

    package var isPublishing: Bool { publishing != .none }

    /// What could be begun now; nil when there is nothing, or all that may run at once is running.
    package func next() -> Work? {
        guard halt == .none, publishing == .none, nameClass != .litter else { return nil }
        let mayPublish = plan.isClosed && isSettled && nameClass == .ordinary
        switch session {
        case .opening, .verifying:
            return nil
        case .unverified(let token):
            return .verify(token)
        case .none:
            if plan.isClosed, plan.count <= 1 { return mayPublish ? .put : nil }
            guard !needsNewSession || plan.isClosed else { return nil }
            // It will be renamed, and the session could not.
            guard capabilities.namesAtFinish || nameClass == .ordinary else { return nil }
            // A file that ends within its first chunk needs no session, and while it is being
            // written nobody knows whether it will.
            return plan.size > plan.schedule.firstSize && plan.next() != nil ? .begin : nil
        case .open(let token):
            guard !needsNewSession else { return nil }
            if plan.inFlightCount < capabilities.parallelChunks, let chunk = plan.next() {
                return .send(chunk, token)
            }
            return mayPublish && plan.isComplete ? .finish(plan.chunks, token) : nil
        }
    }

    /// `work` (from `next()`) is being made.
    package mutating func started(_ work: Work) {
        switch work {
        case .begin: session = .opening
        case .verify(let token): session = .verifying(token)
        case .send(let chunk, _): plan.started(chunk)
        case .put: publishing = .underway(whole: true, isOutdated: false)
        case .finish: publishing = .underway(whole: false, isOutdated: false)
        }
    }

    // MARK: The writer

    package mutating func opened() {
        plan.opened()
        isSettled = false
    }

    /// - Returns: the chunks whose acknowledgement is void now.
    package mutating func wrote(_ news: WriteTrack.News) -> RangeSet<ChunkIndex> {
        guard news.truncated != nil || !news.written.isEmpty || news.size != plan.size else { return RangeSet() }
        if case .underway(let whole, _) = publishing { publishing = .underway(whole: whole, isOutdated: true) }
        // Other bytes may fare better. But not before they are closed: what refused the file as it was would
        // be asked again with every chunk.
        if halt.isFinal { isChangedSinceHalt = true }
        let void = plan.apply(news)
        if plan.hasRewrites, !capabilities.canReplaceChunk { needsNewSession = true }
        return void
    }

    package mutating func closed() {
        plan.closed()
        isSettled = false
        if isChangedSinceHalt, halt.isFinal { halt = .none }
        isChangedSinceHalt = false
        failIfLost()
    }

    /// A newer close is complete: what was closed before need not be published. Not so when this one is torn,
    /// spoiled, or was left alone.
    package var supersedes: Bool {
        switch halt {
        case .none, .waiting, .failed: plan.isClosed
        case .spoiled, .interrupted: false
        }
    }

    /// Closed by the death of who wrote it: kept, and not published by itself.
    package mutating func torn(_ failure: Failure) {
        closed()
        halt = .interrupted(failure)
    }

    /// Somebody decided: what there is shall be published, or what failed be tried once more.
    package mutating func released() {
        halt = .none
        failedRounds = 0
        failingSince = nil
        failIfLost()
    }

    /// A part of it has left the spool, and the destination does not have it (any more): nobody has.
    mutating func failIfLost() {
        let isLost =
            switch session {
            case .none: !plan.released.isEmpty
            case .open: !plan.released.subtracting(plan.storedChunks).isEmpty
            // Nobody has been asked yet.
            case .opening, .unverified, .verifying: false
            }
        if isLost { halt = .failed(FailureSentences.releasedLost) }
    }

    /// Renamed or its attributes changed.
    package mutating func touched() {
        isSettled = false
    }

    /// The bytes of these chunks have left the spool.
    package mutating func release(_ chunks: Range<ChunkIndex>) {
        plan.release(chunks)
    }

    /// These stay in the spool after all.
    /// - Parameter areStored: whether the destination has them; else they are sent again.
    package mutating func unrelease(_ chunks: RangeSet<ChunkIndex>, areStored: Bool) {
        plan.unrelease(chunks, areStored: areStored)
    }

    package mutating func settled() {
        isSettled = true
    }

    package mutating func spoiled(_ failure: Failure) {
        halt = .spoiled(failure)
    }

    /// An earlier process has found that no retry mends it.
    package mutating func refused(_ failure: Failure) {
        halt = .failed(failure)
    }

    package mutating func interrupted(_ failure: Failure) {
        halt = .interrupted(failure)
    }

    // MARK: How it stands

    /// It could be published, nothing of it has travelled, and nothing is in its way but its turn.
    var onlyWaits: Bool {
        halt == .none && publishing == .none && session == .none && isSettled && nameClass == .ordinary
            && failedRounds == 0 && fruitlessFinishes == 0 && !needsNewSession && plan.isUntouched
    }

    package var failure: Failure? {
        switch halt {
        case .none: nil
        case .waiting(_, let failure), .failed(let failure), .spoiled(let failure), .interrupted(let failure): failure
        }
    }

    package var phase: Phase {
        if case .failed = halt { return .failed }
        if case .interrupted = halt { return .interrupted }
        guard plan.isClosed else { return .receiving }
        if case .spoiled = halt { return .failed }
        if case .underway(let whole, _) = publishing { return whole ? .uploading : .finalizing }
        if nameClass == .litter { return .ignored }
        if case .waiting = halt { return .waiting }
        if nameClass == .temporary { return .held }
        return plan.inFlightCount > 0 || plan.storedCount > 0 || session == .opening ? .uploading : .queued
    }
}
