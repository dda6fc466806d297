import Synchronization

/// The credentials that AWS's own tools would find on this machine. Where they come from is decided anew with each
/// second, so that what is changed in the environment's files needs no remount; what a service has given is kept as
/// `CredentialShelf` says, and asked for once, however many ask.
package final class CredentialChain: S3CredentialSource {
    typealias Answer = Result<S3Credentials, S3CredentialFailure>

    private let plan: @Sendable () throws(S3CredentialFailure) -> CredentialPlan
    private let fetch: @Sendable (CredentialPlan) async throws(S3CredentialFailure) -> CredentialLease
    private let now: @Sendable () -> Int
    private let state = Mutex(State())

    private struct State {
        /// Where they come from, and the second in which that was decided.
        var decided: (plan: CredentialPlan, at: Int)?
        /// How often what was decided was found to be of no use.
        var refusals = 0
        var shelf = CredentialShelf(plan: nil)
        /// Of the last attempt. One of an earlier plan tells this one nothing.
        var attempt = 0
        var waiters: [Int: Waiter] = [:]
        var ordinal = 0
    }

    private struct Waiter {
        let attempt: Int
        let answer: CheckedContinuation<Answer, Never>
    }

    init(
        plan: @escaping @Sendable () throws(S3CredentialFailure) -> CredentialPlan,
        fetch: @escaping @Sendable (CredentialPlan) async throws(S3CredentialFailure) -> CredentialLease,
        now: @escaping @Sendable () -> Int
    ) {
        self.plan = plan
        self.fetch = fetch
        self.now = now
    }

    /// - Parameter settings: read once a second at the most, and after a refusal.
    package convenience init(settings: @escaping @Sendable () -> CredentialSettings, world: CredentialWorld) {
        self.init(
            plan: { () throws(S3CredentialFailure) in try CredentialPlan(settings()) },
            fetch: { [fetcher = CredentialFetcher(world: world)] plan async throws(S3CredentialFailure) in
                try await fetcher.fetch(plan)
            },
            now: world.now)
    }

    package func credentials() async throws(S3CredentialFailure) -> S3Credentials {
        let plan = try decidedPlan()
        if case .fixed(let credentials) = plan { return credentials }
        let ordinal = state.withLock { state in
            state.ordinal += 1
            return state.ordinal
        }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { ask(plan, ordinal, $0) }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: ordinal) }
            waiter?.answer.resume(returning: .failure(.cancelled))
        }
        return try answer.get()
    }

    package func refused(_ credentials: S3Credentials) {
        state.withLock { state in
            state.decided = nil
            state.refusals += 1
            state.shelf.refused(credentials)
        }
    }

    /// Reading files with each of a hundred requests a second would find the same.
    private func decidedPlan() throws(S3CredentialFailure) -> CredentialPlan {
        let now = now()
        let (decided, refusals) = state.withLock { ($0.decided, $0.refusals) }
        if let decided, decided.at == now { return decided.plan }
        let plan = try plan()
        // What was read before a refusal may be what was refused.
        state.withLock { if $0.refusals == refusals { $0.decided = (plan, now) } }
        return plan
    }

    private func ask(_ plan: CredentialPlan, _ ordinal: Int, _ continuation: CheckedContinuation<Answer, Never>) {
        let now = now()
        let (answer, attempt): (Answer?, Int?) = state.withLock { state in
            if state.shelf.plan != plan { state.shelf = CredentialShelf(plan: plan) }
            let step = state.shelf.ask(at: now)
            switch step {
            case .give(let credentials): return (.success(credentials), nil)
            case .fail(let failure): return (.failure(failure), nil)
            case .giveAndFetch(let credentials):
                state.attempt += 1
                return (.success(credentials), state.attempt)
            case .wait, .fetch:
                if step == .fetch { state.attempt += 1 }
                let begun = step == .fetch ? state.attempt : nil
                // onCancel may have run before this: it found nobody to wake, but the task says so by now.
                if Task.isCancelled { return (.failure(.cancelled), begun) }
                state.waiters[ordinal] = Waiter(attempt: state.attempt, answer: continuation)
                return (nil, begun)
            }
        }
        // Of nobody's task: the others who wait for it are not to lose it when the first one is cancelled.
        if let attempt { Task { await fetch(plan, as: attempt) } }
        if let answer { continuation.resume(returning: answer) }
    }

    private func fetch(_ plan: CredentialPlan, as attempt: Int) async {
        let result: Result<CredentialLease, S3CredentialFailure>
        do throws(S3CredentialFailure) {
            result = .success(try await fetch(plan))
        } catch {
            result = .failure(error)
        }
        let now = now()
        let (answer, waiters): (Answer, [Waiter]) = state.withLock { state in
            let answer =
                state.attempt == attempt && state.shelf.plan == plan
                ? state.shelf.fetched(result, at: now) : result.map(\.credentials)
            let waiters = state.waiters.filter { $0.value.attempt == attempt }
            for ordinal in waiters.keys { state.waiters[ordinal] = nil }
            return (answer, Array(waiters.values))
        }
        for waiter in waiters { waiter.answer.resume(returning: answer) }
    }
}
