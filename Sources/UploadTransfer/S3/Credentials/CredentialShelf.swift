/// What is held of one plan, and what to do about the next question. Pure: the time comes in, in seconds since 1970.
///
/// | held | last attempt | step |
/// | --- | --- | --- |
/// | nothing | under way | wait |
/// | nothing | failed less than 5 s ago | fail as it did |
/// | nothing | any other | fetch, and wait |
/// | over, or refused | under way | wait |
/// | over, or refused | ended less than 5 s ago | give: the server decides; but fail as it did where they are over |
/// | over, or refused | any other | fetch, and wait |
/// | with less than 5 minutes left | ended more than 60 s ago | give, and fetch beside it |
/// | any other | | give |
struct CredentialShelf: Sendable {
    enum Step: Sendable, Hashable {
        case give(S3Credentials)
        case giveAndFetch(S3Credentials)
        case wait
        case fetch
        case fail(S3CredentialFailure)
    }

    /// Credentials are renewed when they have less than this left: requests under way are to end with them.
    static let margin = 300
    /// Between attempts while there is nothing better.
    static let pause = 5
    /// The same while what there is still serves.
    static let longPause = 60

    let plan: CredentialPlan?
    private var held: CredentialLease?
    private var isRefused = false
    private(set) var isFetching = false
    private var last: (end: Int, failure: S3CredentialFailure?)?

    init(plan: CredentialPlan?) {
        self.plan = plan
    }

    /// `fetch` and `giveAndFetch` begin an attempt, which `fetched` ends.
    mutating func ask(at now: Int) -> Step {
        let step = next(at: now)
        switch step {
        case .fetch, .giveAndFetch: isFetching = true
        case .give, .wait, .fail: break
        }
        return step
    }

    private func next(at now: Int) -> Step {
        guard let held, !isRefused, !isOver(held, at: now) else {
            if isFetching { return .wait }
            guard let last, isRecent(last.end, at: now, Self.pause) else { return .fetch }
            if let held, !isOver(held, at: now) || last.failure == nil { return .give(held.credentials) }
            return last.failure.map(Step.fail) ?? .fetch
        }
        guard let end = held.end, now >= end - Self.margin, !isFetching,
            last.map({ isRecent($0.end, at: now, Self.longPause) }) != true
        else { return .give(held.credentials) }
        return .giveAndFetch(held.credentials)
    }

    /// - Returns: what those who wait for it get. Where it failed, what still serves.
    mutating func fetched(
        _ result: Result<CredentialLease, S3CredentialFailure>, at now: Int
    ) -> Result<S3Credentials, S3CredentialFailure> {
        isFetching = false
        switch result {
        case .success(let lease):
            // The same again may have been refused for a reason of the moment.
            (held, isRefused, last) = (lease, false, (now, nil))
            return .success(lease.credentials)
        case .failure(let failure):
            last = (now, failure)
            if let held, !isOver(held, at: now) { return .success(held.credentials) }
            return .failure(failure)
        }
    }

    mutating func refused(_ credentials: S3Credentials) {
        if held?.credentials == credentials { isRefused = true }
    }

    private func isOver(_ lease: CredentialLease, at now: Int) -> Bool { lease.end.map { now >= $0 } ?? false }

    /// A clock that was set back makes nothing recent.
    private func isRecent(_ time: Int, at now: Int, _ span: Int) -> Bool { time...(time + span) ~= now }
}
