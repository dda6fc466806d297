import Synchronization

/// The port that the server got, for everybody who waits to know it.
final class BoundPort: Sendable {
    private let state = Mutex(State.unknown([]))

    private enum State {
        /// Followed by known.
        case unknown([CheckedContinuation<Result<Int, UploadServerError>, Never>])
        /// Final: what was told once stays.
        case known(Result<Int, UploadServerError>)
    }

    func settle(_ result: Result<Int, UploadServerError>) {
        let waiting = state.withLock { state in
            switch state {
            case .known: return [] as [CheckedContinuation<Result<Int, UploadServerError>, Never>]
            case .unknown(let waiting):
                state = .known(result)
                return waiting
            }
        }
        for continuation in waiting { continuation.resume(returning: result) }
    }

    func wait() async throws(UploadServerError) -> Int {
        try await withCheckedContinuation { continuation in
            let known: Result<Int, UploadServerError>? = state.withLock { state in
                switch state {
                case .known(let result): return result
                case .unknown(let waiting):
                    state = .unknown(waiting + [continuation])
                    return nil
                }
            }
            if let known { continuation.resume(returning: known) }
        }.get()
    }

    /// nil until it listens.
    var current: Int? {
        state.withLock { state in
            switch state {
            case .known(let result): try? result.get()
            case .unknown: nil
            }
        }
    }
}
