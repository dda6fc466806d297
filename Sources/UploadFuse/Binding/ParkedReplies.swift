import CFuse
import Dispatch
import Glibc
import Synchronization

/// All parked replies of a session. They must be answered before libfuse's session is freed, for each
/// request points into it.
final class ParkedReplies: Sendable {
    private let state = Mutex(State())
    /// Entered for each request that is parked, left when it is answered.
    private let pending = DispatchGroup()

    private struct State {
        var replies: [ObjectIdentifier: ParkedReply] = [:]
        var isEnding = false
    }

    /// Answers later what `waiter` will tell; when the mount is going, at once or not before its end.
    /// - Parameter carryOn: answers, where the wait was only for leave to do so.
    func park(
        _ request: fuse_req_t?, _ waiter: Waiter,
        carryOn: @escaping ParkedReply.CarryOn = { _ = fuse_reply_err($0, EIO) }
    ) {
        let reply = ParkedReply(request, waiter, carryOn) { [self] reply in remove(reply) }
        let isEnding = state.withLock { state in
            if !state.isEnding || waiter.isHeldAtEnd {
                state.replies[ObjectIdentifier(reply)] = reply
                pending.enter()
            }
            return state.isEnding
        }
        guard !isEnding || waiter.isHeldAtEnd else {
            return ParkedReply.send(waiter.ended, to: request, carryOn)
        }
        reply.park(waiter)
        // `end` may have come while the reply was not ready to be answered.
        if !waiter.isHeldAtEnd, state.withLock(\.isEnding) { reply.answer(reply.whenEnded) }
    }

    /// Answers all that wait, and from now on everybody at once, but for those who are held up.
    func end() {
        let waiting = state.withLock { state in
            state.isEnding = true
            return Array(state.replies.values)
        }
        for reply in waiting { reply.answer(reply.whenEnded) }
    }

    /// Returns when no thread is about to answer any more.
    func drain() {
        end()
        pending.wait()
    }

    private func remove(_ reply: ParkedReply) {
        state.withLock { _ = $0.replies.removeValue(forKey: ObjectIdentifier(reply)) }
        pending.leave()
    }
}
