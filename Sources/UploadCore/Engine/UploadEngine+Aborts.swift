internal import DequeModule

/// Sessions that nobody needs any more. The journal owes the destination their end until it knows of it.
extension UploadEngine {
    /// A version goes on without its session: it can't be used any more.
    func dropSession(_ token: SessionToken, of version: VersionID) {
        uploads[version]?.session = nil
        record([.oweAbort(token), .setSession(version, nil)])
        abort(token)
    }

    /// One of them, and all that are still owed, in turn: a removed tree of a thousand files makes no crowd.
    func abort(_ token: SessionToken) {
        owed.append(token)
        startAborting()
    }

    /// Goes through what is owed, as long as the destination answers. Call again when it is back.
    func startAborting() {
        guard aborting == nil, !owed.isEmpty, !isStopping, isDestinationThere else { return }
        aborting = Task { [world, policy = settings.retry] in
            while let token = self.nextOwed() {
                // With all its quick attempts: it is one at a time.
                let attempts = Attempts(world: world, policy: policy) { _ in }
                do throws(DestinationError) {
                    try await attempts.make("abort") { () async throws(DestinationError) in
                        try await world.destination.resume(token, schedule: world.destination.limits.schedule).abort()
                    }
                    self.aborted(token)
                } catch {
                    self.couldNotAbort(token, error)
                    return
                }
            }
        }
    }

    private func nextOwed() -> SessionToken? {
        guard !isStopping, isDestinationThere, let token = owed.first else {
            aborting = nil
            return nil
        }
        return token
    }

    private func aborted(_ token: SessionToken) {
        owed.removeFirst()
        record([.abortDone(token)])
    }

    /// Tried again when the destination is back, when there is another to abort, and at the next mount.
    private func couldNotAbort(_ token: SessionToken, _ error: DestinationError) {
        aborting = nil
        // Behind the others, so that one which is refused does not keep them.
        owed.removeFirst()
        owed.append(token)
        guard error != .cancelled else { return }
        world.log.trouble(
            "An unfinished upload could not be aborted at the destination; tried again later.",
            ["error": FailureSentences.failure(for: error).reason])
        if breaker.failed(error) { startProbing() }
    }
}
