/// One request, with its quick attempts. Runs outside the engine's actor.
struct Attempts: Sendable {
    let world: EngineWorld
    let policy: RetryPolicy
    /// Asked after each wait, just before what failed with this error is tried again.
    var isWorthwhile: @Sendable (DestinationError) async -> Bool = { _ in true }
    /// Told before each wait.
    let willRetry: @Sendable (DestinationError) async -> Void

    /// - Throws: the last attempt's error, once the policy says that there is no quick one after it, or there is no use
    ///   in one.
    func make<Answer: Sendable>(
        _ operation: String, _ request: @Sendable () async throws(DestinationError) -> Answer
    ) async throws(DestinationError) -> Answer {
        var attempt = 1
        while true {
            world.board.count {
                $0.requests[operation, default: 0] += 1
                $0.connections += 1
            }
            defer { world.board.count { $0.connections -= 1 } }
            do {
                return try await request()
            } catch {
                if error == .cancelled || Task.isCancelled { throw .cancelled }
                world.board.count { $0.requestsFailed[operation, default: 0] += 1 }
                guard let delay = policy.quickDelay(attempt: attempt, error: error, random: world.random()) else {
                    throw error
                }
                await willRetry(error)
                do { try await world.clock.sleep(for: delay) } catch { throw .cancelled }
                guard await isWorthwhile(error) else { throw Task.isCancelled ? .cancelled : error }
                attempt += 1
            }
        }
    }
}

extension UploadMachine.Work {
    /// As metrics name it.
    var operation: String {
        switch self {
        case .begin: "init"
        case .verify: "status"
        case .send: "chunk"
        case .put: "put"
        case .finish: "finalize"
        }
    }

    /// Makes the file visible at the destination.
    var isPublishing: Bool {
        switch self {
        case .put, .finish: true
        case .begin, .verify, .send: false
        }
    }
}
