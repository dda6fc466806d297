import CFuse
import Glibc
import Synchronization

/// A request whose answer comes later, from whatever thread; or earlier when its caller gets a signal;
/// or EIO when the mount goes away. Whoever comes first answers, and the others find it done.
///
/// libfuse's rules, read from fuse_lowlevel.c of 3.14:
/// - the interrupt function is called with the request's own lock held, so inside it
///   `fuse_req_interrupt_func` would deadlock, while answering is allowed (the interrupter counts as
///   an owner of the request);
/// - but `fuse_req_interrupt_func` itself calls it at once for a request that is interrupted already,
///   and touches the request afterwards: in that call it must not answer;
/// - taking the function away waits for one that is running, so after that our pointer is unused.
///
/// `@unchecked Sendable`: `request` is used by one thread only, the one that moved `state` to
/// `.answered` (or registers it, before anybody else can answer).
final class ParkedReply: @unchecked Sendable {
    typealias CarryOn = @Sendable (fuse_req_t?) -> Void

    private let request: fuse_req_t?
    private let carryOn: CarryOn
    private let ended: @Sendable (ParkedReply) -> Void
    private let state = Mutex(State.registering)
    private let whenInterrupted: Waiter.Outcome
    let whenEnded: Waiter.Outcome

    fileprivate enum State {
        /// libfuse may call us back, but nobody may answer yet. Followed by interrupted, parked.
        case registering
        /// A signal came in between. Followed by answered.
        case interrupted
        /// Waiting; with what ends the wait. Followed by answered.
        case parked(cancel: (@Sendable () -> Void)?)
        case answered
    }

    /// - Parameters:
    ///   - carryOn: answers when the wait ends with `carryOn`; never called by libfuse's interrupter.
    ///   - ended: called when the request is answered and libfuse holds no pointer to us.
    init(
        _ request: fuse_req_t?, _ waiter: Waiter, _ carryOn: @escaping CarryOn,
        ended: @escaping @Sendable (ParkedReply) -> Void
    ) {
        self.request = request
        self.carryOn = carryOn
        self.whenInterrupted = waiter.interrupted
        whenEnded = waiter.ended
        self.ended = ended
    }

    func park(_ waiter: Waiter) {
        // Given back by whoever answers.
        let pointer = Unmanaged.passRetained(self).toOpaque()
        fuse_req_interrupt_func(request, { _, data in ParkedReply.interrupted(data) }, pointer)
        let isInterrupted = state.withLock { state in
            guard case .registering = state else { return true }
            state = .parked(cancel: nil)
            return false
        }
        guard !isInterrupted else {
            state.withLock { $0 = .answered }
            return answerOutside(whenInterrupted)
        }
        let cancel = waiter.begin { [self] result in answer(result) }
        let isStillParked = state.withLock { state in
            guard case .parked = state else { return false }
            state = .parked(cancel: cancel)
            return true
        }
        if !isStillParked { cancel() }
    }

    /// From any thread but libfuse's interrupter.
    func answer(_ result: Waiter.Outcome) {
        guard let cancel = state.withLock({ $0.takeTurn() }) else { return }
        answerOutside(result)
        // For a wait that gave the answer itself this does nothing.
        cancel?()
    }

    private func answerOutside(_ result: Waiter.Outcome) {
        fuse_req_interrupt_func(request, nil, nil)
        send(result)
    }

    private static func interrupted(_ data: UnsafeMutableRawPointer?) {
        guard let data else { return }
        let parked = Unmanaged<ParkedReply>.fromOpaque(data).takeUnretainedValue()
        let turn = parked.state.withLock { state -> (@Sendable () -> Void)?? in
            if case .registering = state { state = .interrupted }
            return state.takeTurn()
        }
        guard let cancel = turn else { return }
        parked.send(parked.whenInterrupted)
        cancel?()
    }

    /// Only by the one who took the turn.
    private func send(_ result: Waiter.Outcome) {
        Self.send(result, to: request, carryOn)
        ended(self)
        Unmanaged.passUnretained(self).release()
    }

    static func send(_ result: Waiter.Outcome, to request: fuse_req_t?, _ carryOn: CarryOn) {
        switch result {
        case .success(.bytes(let bytes)):
            bytes.withUnsafeBytes { _ = fuse_reply_buf(request, $0.baseAddress, $0.count) }
        case .success(.written(let count)): fuse_reply_write(request, count)
        case .success(.carryOn): carryOn(request)
        case .failure(let error): fuse_reply_err(request, error.code)
        }
    }
}

extension ParkedReply.State {
    /// - Returns: nil when it is not this caller's turn; else what ends the wait, if there is anything.
    fileprivate mutating func takeTurn() -> (@Sendable () -> Void)?? {
        guard case .parked(let cancel) = self else { return nil }
        self = .answered
        return .some(cancel)
    }
}
