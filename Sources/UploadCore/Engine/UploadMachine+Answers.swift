/// What the destination's answers, and its silence, do to an upload.
extension UploadMachine {
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
        failIfLost()
    }

    /// - Returns: whether the acknowledgement holds: not when the chunk changed on its way, nor when the session that
    ///   has it was given up meanwhile.
    package mutating func stored(_ chunk: ChunkRef, in token: SessionToken) -> Bool {
        guard session.token == token else {
            plan.failed(chunk)
            return false
        }
        recoveredFromFailure()
        return plan.acknowledged(chunk)
    }

    package enum Published: Sendable, Hashable {
        /// The newest content is there. Somebody may have opened it again.
        case current
        /// What was closed is there, and has been changed since.
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
        fruitlessFinishes = 0
        firstFruitless = nil
        // What a failed write has left is none of what was published.
        if case .spoiled = halt { return .outdated }
        guard case .underway(_, isOutdated: true) = publishing else { return .current }
        if !plan.released.isEmpty { _ = lostForGood() }
        return .outdated
    }

    /// The same moment twice: for people, and for measuring.
    package struct Moment: Sendable {
        let now: Timestamp
        let elapsed: Duration

        package init(now: Timestamp, elapsed: Duration) {
            self.now = now
            self.elapsed = elapsed
        }
    }

    /// What a failure (after all quick attempts that were worthwhile) does to this upload.
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
        _ work: Work, _ error: DestinationError, policy: RetryPolicy, at moment: Moment, random: Double
    ) -> Consequence {
        let wasOutdated = publishing == .underway(whole: work == .put, isOutdated: true)
        undo(work)
        // What befalls a session that was given up says nothing of the one that took its place.
        if case .send(_, let token) = work, session.token != token { return .goOn }
        // Bytes changed while they were read, or travelled: what was refused is no longer what we have.
        if error.isOfBytes {
            if wasOutdated { return .goOn }
            if case .send(let chunk, _) = work, plan.chunk(chunk.index) != chunk { return .goOn }
        }
        if case .finish = work, error == .damaged {
            // Each chunk arrived right, and yet the whole is wrong there: only a new session mends that.
            guard beginAgain() else { return lostForGood() }
            return fruitless(error, policy, moment, random)
        }
        switch policy.verdict(error) {
        case .stopped:
            return .stopped
        case .sendAgain(let indexes):
            // A destination that loses chunks again and again, or says so of none, is given pauses that grow.
            guard plan.released.intersection(RangeSet(indexes, within: plan.count)).isEmpty else {
                return lostForGood()
            }
            let isNew = plan.lost(indexes)
            return isNew && fruitlessFinishes == 0 ? goOnOnce() : fruitless(error, policy, moment, random)
        case .beginAgain:
            guard beginAgain() else { return lostForGood() }
            return count(error, policy, moment, random)
        case .final:
            let failure = FailureSentences.failure(for: error)
            halt = .failed(failure)
            isChangedSinceHalt = wasOutdated
            return .failed(failure)
        case .transient, .destinationDown:
            return count(error, policy, moment, random)
        }
    }

    /// All must be sent again, to another session.
    /// - Returns: false when the spool no longer has all of it.
    private mutating func beginAgain() -> Bool {
        guard plan.released.isEmpty else { return false }
        session = .none
        plan.forget()
        return true
    }

    private mutating func lostForGood() -> Consequence {
        halt = .failed(FailureSentences.releasedLost)
        return .failed(FailureSentences.releasedLost)
    }

    private mutating func goOnOnce() -> Consequence {
        fruitlessFinishes = 1
        return .goOn
    }

    /// Chunks that go well do not make it good: the pauses grow with each finish in vain.
    private mutating func fruitless(
        _ error: DestinationError, _ policy: RetryPolicy, _ moment: Moment, _ random: Double
    ) -> Consequence {
        fruitlessFinishes += 1
        failedRounds = max(failedRounds, fruitlessFinishes - 1)
        failingSince = failingSince ?? firstFruitless ?? moment.elapsed
        firstFruitless = failingSince
        return count(error, policy, moment, random)
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
        _ error: DestinationError, _ policy: RetryPolicy, _ moment: Moment, _ random: Double
    ) -> Consequence {
        guard halt == .none else { return .goOn }
        failedRounds += 1
        let since = failingSince ?? moment.elapsed
        failingSince = since
        switch policy.ruling(round: failedRounds, since: since, error, at: moment, random: random) {
        case .giveUp(let failure):
            halt = .failed(failure)
            return .failed(failure)
        case .pause(let until, let failure):
            halt = .waiting(until: until, failure)
            waitsForDestination = error.isOfDestination
            return .pause
        }
    }

    private mutating func recoveredFromFailure() {
        failedRounds = 0
        failingSince = nil
        resumed()
    }

    /// The pause is over, and the destination is dead: go on when it is back.
    package mutating func waitForDestination() {
        waitsForDestination = true
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

    package enum Useless: Sendable, Hashable {
        /// To be aborted: all goes to another one.
        case session(SessionToken)
        /// And without it nobody has all of the bytes.
        case lost
    }

    /// Takes away a session that rewrites have made useless, once nothing uses it any more.
    package mutating func dropUselessSession() -> Useless? {
        guard needsNewSession, plan.isClosed, plan.inFlightCount == 0, publishing == .none,
            case .open(let token) = session
        else { return nil }
        needsNewSession = false
        guard beginAgain() else {
            _ = lostForGood()
            return .lost
        }
        return .session(token)
    }
}

extension RangeSet<Int> {
    /// - Parameter limit: what lies beyond is left out.
    fileprivate init(_ indexes: some Sequence<Int>, within limit: Int) {
        self.init()
        for index in indexes where (0..<limit).contains(index) { insert(contentsOf: index..<index + 1) }
    }
}
