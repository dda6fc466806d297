import Synchronization
import UploadCore

/// A request and who waits for its answer.
struct TransferJob: Sendable {
    let id: UInt64
    let request: TransferRequest
    /// Resumed exactly once, by the loop or by the closed inbox.
    let answer: CheckedContinuation<Result<TransferResponse, DestinationError>, Never>
}

enum CurlCommand: Sendable {
    case start(TransferJob)
    /// One that is over already is no error.
    case cancel(UInt64)
    case shutDown
}

/// What other threads ask of the curl thread. Never blocks for longer than an append.
final class CurlInbox: Sendable {
    private let multi: CurlMulti
    private let state = Mutex(State())
    private let lastID = Atomic<UInt64>(0)

    private struct State {
        var commands: [CurlCommand] = []
        /// Why nothing more is taken; nil while it is open.
        var end: DestinationError?
        var whenEnded: [CheckedContinuation<Void, Never>] = []
    }

    init(multi: CurlMulti) {
        self.multi = multi
    }

    func makeID() -> UInt64 {
        lastID.wrappingAdd(1, ordering: .relaxed).newValue
    }

    func post(_ command: CurlCommand) {
        let end = state.withLock { state in
            if state.end == nil {
                state.commands.append(command)
                multi.wake()
            }
            return state.end
        }
        guard let end else { return }
        switch command {
        case .start(let job): job.answer.resume(returning: .failure(end))
        case .cancel, .shutDown: break
        }
    }

    /// Returns when the curl thread has let go of everything.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.end == nil { state.whenEnded.append(continuation) }
                return state.end != nil
            }
            if isOver { continuation.resume() }
        }
    }

    /// On the curl thread: what has come in, in order.
    func take() -> [CurlCommand] {
        state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// On the curl thread, at its end: answers with `end` from now on, and wakes nobody any more.
    /// - Returns: what came in meanwhile, and who waits for the end; resume them when all is freed.
    func close(_ end: DestinationError) -> (commands: [CurlCommand], waiters: [CheckedContinuation<Void, Never>]) {
        state.withLock { state in
            state.end = end
            defer { state = State(end: end) }
            return (state.commands, state.whenEnded)
        }
    }
}
