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
    private let capabilities: Capabilities

    package private(set) var plan: ChunkPlan
    package var nameClass: NameClass
    /// The settling time has passed since the last close, rename or attribute change.
    package private(set) var isSettled = false
    package private(set) var session: Session
    package private(set) var halt: Halt = .none
    /// Rounds of quick attempts that failed since something last went well.
    package private(set) var failedRounds = 0
    /// When the first of them failed.
    package private(set) var failingSince: Timestamp?
    private var publishing: Publishing = .none
    /// It is halted since nobody answered, not since somebody said "later".
    private var waitsForDestination = false
    /// What was sent under these conditions can't be mended chunk by chunk.
    private var needsNewSession = false

    /// The part of `DestinationLimits` that decides about one upload.
    package struct Capabilities: Sendable, Hashable {
        package let parallelChunks: Int
        package let canReplaceChunk: Bool

        package init(parallelChunks: Int, canReplaceChunk: Bool) {
            self.parallelChunks = parallelChunks
            self.canReplaceChunk = canReplaceChunk
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
    }

    private enum Publishing: Sendable, Hashable {
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
    package mutating func wrote(_ news: WriteTrack.News) -> [ChunkIndex] {
        guard news.truncated != nil || !news.written.isEmpty || news.size != plan.size else { return [] }
        if case .underway(let whole, _) = publishing { publishing = .underway(whole: whole, isOutdated: true) }
        switch halt {
        case .failed, .interrupted: halt = .none
        case .none, .waiting, .spoiled: break
        }
        let void = plan.apply(news)
        if plan.hasRewrites, !capabilities.canReplaceChunk { needsNewSession = true }
        return void
    }

    package mutating func closed() {
        plan.closed()
        isSettled = false
    }

    /// Renamed or its attributes changed.
    package mutating func touched() {
        isSettled = false
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

    // MARK: The destination's answers

    package mutating func began(_ token: SessionToken) {
        session = .open(token)
        recoveredFromFailure()
    }

    /// - Parameter present: what of the journalled chunks the destination really has.
    package mutating func verified(_ present: [StoredChunk]) {
        guard case .verifying(let token) = session else { return }
        plan.recover(present)
        session = .open(token)
        recoveredFromFailure()
    }

    /// - Returns: whether the acknowledgement holds: not when the chunk changed on its way.
    package mutating func stored(_ chunk: ChunkRef) -> Bool {
        recoveredFromFailure()
        return plan.acknowledged(chunk)
    }

    package enum Published: Sendable, Hashable {
        /// The newest content is there.
        case current
        /// What was closed is there, and is being changed again already.
        case outdated
    }

    package mutating func published() -> Published {
        defer {
            publishing = .none
            session = .none
            plan.forget()
            needsNewSession = false
        }
        recoveredFromFailure()
        if case .underway(_, isOutdated: true) = publishing { return .outdated }
        return plan.isClosed ? .current : .outdated
    }

    /// What a failure (after all quick attempts) does to this upload.
    package enum Consequence: Sendable, Hashable {
        /// Nothing to do but go on: `next()` knows.
        case goOn
        /// Halted until the given time.
        case pause
        /// Needs a decision.
        case failed(Failure)
        /// Stopped by ourselves.
        case stopped
    }

    package mutating func failed(
        _ work: Work, _ error: DestinationError, policy: RetryPolicy, now: Timestamp, random: Double
    ) -> Consequence {
        let wasOutdated = publishing == .underway(whole: work == .put, isOutdated: true)
        undo(work)
        // Bytes changed while they travelled: what the destination refused is no longer what we have.
        if wasOutdated, error == .damaged { return .goOn }
        if case .send(let chunk, _) = work, error == .damaged, plan.chunk(chunk.index) != chunk { return .goOn }
        if case .finish = work, error == .damaged {
            // Each chunk arrived right, and yet the whole is wrong there: only a new session mends that.
            session = .none
            plan.forget()
        }
        switch policy.verdict(error) {
        case .stopped:
            return .stopped
        case .sendAgain(let indexes):
            plan.lost(indexes)
            return .goOn
        case .beginAgain:
            session = .none
            plan.forget()
            return count(error, policy, now, random)
        case .final:
            let failure = FailureSentences.failure(for: error)
            halt = .failed(failure)
            return .failed(failure)
        case .transient, .destinationDown:
            return count(error, policy, now, random)
        }
    }

    private mutating func undo(_ work: Work) {
        switch work {
        case .begin: session = .none
        case .verify(let token): session = .unverified(token)
        case .send(let chunk, _): plan.failed(chunk)
        case .put, .finish: publishing = .none
        }
    }

    private mutating func count(
        _ error: DestinationError, _ policy: RetryPolicy, _ now: Timestamp, _ random: Double
    ) -> Consequence {
        guard halt == .none else { return .goOn }
        failedRounds += 1
        let since = failingSince ?? now
        failingSince = since
        if now >= since.advanced(by: policy.giveUpAfter) {
            let failure = FailureSentences.gaveUp(after: policy.giveUpAfter, last: error)
            halt = .failed(failure)
            return .failed(failure)
        }
        let pause = policy.pause(round: failedRounds, error: error, random: random)
        halt = .waiting(until: now.advanced(by: pause), FailureSentences.failure(for: error))
        switch error {
        case .unreachable, .broken, .unauthorized: waitsForDestination = true
        default: waitsForDestination = false
        }
        return .pause
    }

    private mutating func recoveredFromFailure() {
        failedRounds = 0
        failingSince = nil
        if case .waiting = halt { halt = .none }
    }

    /// The pause is over.
    package mutating func resumed() {
        if case .waiting = halt { halt = .none }
    }

    /// The destination answers again. Who waits since it did not goes on; who was told to wait, waits.
    package mutating func destinationIsBack(at now: Timestamp) {
        guard case .waiting(let until, _) = halt, waitsForDestination || until <= now else { return }
        halt = .none
    }

    // MARK: Beginning again

    /// Takes away a session that rewrites have made useless, once nothing uses it any more.
    /// - Returns: the session to abort.
    package mutating func dropUselessSession() -> SessionToken? {
        guard needsNewSession, plan.isClosed, plan.inFlightCount == 0, publishing == .none,
            case .open(let token) = session
        else { return nil }
        needsNewSession = false
        session = .none
        plan.forget()
        return token
    }

    // MARK: How it stands

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
